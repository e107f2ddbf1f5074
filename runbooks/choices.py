"""Closed vocabularies of the catalogue. A comment explains each member."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from runbooks.alerts import MatchedBy
from runbooks.validity import Reason


class ReadinessLevel(models.TextChoices):
    """How far a runbook may be used. Only ``READY`` permits live trading."""

    # Not assessed yet; the initial level of every runbook.
    UNASSESSED = "unassessed", _("unassessed")
    # Research and development only; never live.
    RND_ONLY = "rnd_only", _("R&D only")
    # Synthetic data and paper execution only.
    SAFETY_SANDBOX = "safety_sandbox", _("safety sandbox")
    # Runs beside live without acting.
    SHADOW = "shadow", _("shadow mode")
    # A work stream in progress; no live use by default.
    TRACK = "track", _("track (no live)")
    # Signed for live use in one calendar year.
    READY = "ready", _("ready")
    # No longer used; kept for the record.
    RETIRED = "retired", _("retired")


# Texts for the rule of ``runbooks.alerts`` that found the situations.
MATCHED_BY_TEXTS = {
    MatchedBy.CATEGORY_SOURCE_SEVERITY: _("Matched on category, source and severity."),
    MatchedBy.CATEGORY_SEVERITY: _("Matched on category and severity."),
    MatchedBy.CATEGORY_SOURCE: _("Matched on category and source."),
    MatchedBy.SOURCE_SEVERITY: _("Matched on source and severity."),
    MatchedBy.CATEGORY: _("Matched on category only."),
    MatchedBy.SOURCE: _("Matched on source only."),
    MatchedBy.SEVERITY: _("Matched on severity only."),
    MatchedBy.DEFAULT: _("This is the situation for alerts that match no other situation."),
    MatchedBy.NONE: _(
        "Choose a situation below, search for a runbook, or call your escalation contact."
    ),
}
# Texts for a label that the alert has and the rule did not use.
UNMATCHED_TEXTS = {
    "category": _("No situation also matches this category."),
    "source": _("No situation also matches this source."),
    "severity": _("No situation also matches this severity."),
}
UNKNOWN_ALERT = _("No runbook is assigned to this alert.")
ALERT_WITHOUT_LABELS = _("This link contains no alert labels.")


class ClusterKind(models.TextChoices):
    """The sort of work stream that a cluster is."""

    # ``Cluster 82–85``: numbered, may span a range.
    CLUSTER = "cluster", _("Cluster")
    # ``Phase 16A``: numbered, with an optional letter.
    PHASE = "phase", _("Phase")
    # ``Finish-C Track``: named, governed as a track.
    TRACK = "track", _("Track")
    # ``Reporting / Evidence Chain``: named only.
    STREAM = "stream", _("Work stream")


# Why a runbook is not live-ready, in words that an operator understands at night.
REASON_TEXTS = {
    Reason.NOT_READY: _("It is not signed for live use."),
    Reason.UNSIGNED: _("Its readiness is not backed by a signature."),
    Reason.EXPIRED: _("Its sign-off has expired."),
    Reason.NOT_YET_VALID: _("Its sign-off is for a later year, not for this one."),
    Reason.NO_INDEPENDENT_REVIEW: _("Its owner signed alone; nobody else has reviewed it."),
    Reason.SIGNATURES_MISSING: _(
        "Its readiness is not backed by an approved request with all required signatures."
    ),
    Reason.LEDGER_DISAGREES: _("The ledger does not record this readiness."),
    Reason.DOCUMENT_ALTERED: _("The stored text does not match its sha256."),
    Reason.DOUBT: _("A check could not be completed, so the answer is no-go."),
    Reason.LEDGER_BROKEN: _(
        "The ledger is broken. Every runbook is no-go until it is intact again."
    ),
    Reason.LEDGER_RESTORED: _(
        "An older backup of the database was restored. Every runbook is no-go until a risk owner "
        "has accepted this."
    ),
    Reason.CLOCK_BEHIND_LEDGER: _(
        "This server's clock is behind the times in the ledger. Every runbook is no-go until the "
        "clock is correct."
    ),
    Reason.DATABASE_NOT_WRITABLE: _(
        "The database cannot be written to, so nobody could downgrade a runbook. Every runbook is "
        "no-go until this is fixed."
    ),
    Reason.MARK_UNREADABLE: _(
        "The portal cannot tell whether an older backup was restored. Every runbook is no-go "
        "until the portal can read its record of the last ledger entry it saw."
    ),
    Reason.GUARDS_MISSING: _(
        "Guards are missing from the database. Every runbook is no-go until they are restored."
    ),
    Reason.DOCUMENT_MISSING: _("Its document is missing."),
    Reason.DOCUMENT_ELSEWHERE: _("The stored text does not belong to its path."),
    Reason.DOCUMENT_CHANGED: _("Its text has changed since it was signed."),
    Reason.METADATA_CHANGED: _(
        "Its title, path, version, scope, clusters or layers have changed since it was signed."
    ),
    Reason.ASSURANCE_MISSING: _(
        "Something its signature depends on was changed and has not been checked again yet. Open "
        "the runbook's page to see the verdict."
    ),
    Reason.YEAR_OVER: _("The requested year is over."),
    Reason.UNKNOWN_RUNBOOK: _("Runbook not found."),
    Reason.NOT_NOW: _("This shows the state at another time. It permits nothing now."),
    Reason.DATABASE_UNREACHABLE: _("The database is not responding."),
    Reason.NOT_PERMITTED: _("You do not have permission to read this. Check the token."),
    Reason.BAD_REQUEST: _("The request was not understood."),
}
