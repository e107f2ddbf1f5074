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
    MatchedBy.CATEGORY_SOURCE_SEVERITY: _("Found by category, source and severity."),
    MatchedBy.CATEGORY_SEVERITY: _("Found by category and severity."),
    MatchedBy.CATEGORY_SOURCE: _("Found by category and source."),
    MatchedBy.SOURCE_SEVERITY: _("Found by source and severity."),
    MatchedBy.CATEGORY: _("Found by the category alone."),
    MatchedBy.SOURCE: _("Found by the source alone."),
    MatchedBy.SEVERITY: _("Found by the severity alone."),
    MatchedBy.DEFAULT: _("This situation is kept for alerts that no other one answers."),
    MatchedBy.NONE: _(
        "Choose what you see below, search for a runbook, or call your escalation contact."
    ),
}
# Texts for a label that the alert has and the rule did not use.
UNMATCHED_TEXTS = {
    "category": _("No situation states this category as well."),
    "source": _("No situation states this source as well."),
    "severity": _("No situation states this severity as well."),
}
UNKNOWN_ALERT = _("No runbook is assigned to this alert.")
ALERT_WITHOUT_LABELS = _("This link carries no labels of an alert.")


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
    Reason.UNSIGNED: _("No signature stands behind its readiness."),
    Reason.EXPIRED: _("Its sign-off has expired."),
    Reason.NOT_YET_VALID: _("Its sign-off holds for a later year, not for this one."),
    Reason.NO_INDEPENDENT_REVIEW: _("Its owner signed alone; nobody else has reviewed it."),
    Reason.SIGNATURES_MISSING: _(
        "No approved request with all of its signatures stands behind its readiness."
    ),
    Reason.LEDGER_DISAGREES: _("The ledger does not tell of this readiness."),
    Reason.DOCUMENT_ALTERED: _("The stored text is not what its sha256 names."),
    Reason.DOUBT: _("Something could not be found out, so the answer is no."),
    Reason.LEDGER_BROKEN: _("The ledger was found broken. Nothing is go until it is whole again."),
    Reason.LEDGER_RESTORED: _(
        "An older backup of the database was restored. Nothing is go until a risk owner has "
        "accepted that."
    ),
    Reason.CLOCK_BEHIND_LEDGER: _(
        "The clock of this host is behind the times in the ledger. Nothing is go until it is right."
    ),
    Reason.DATABASE_NOT_WRITABLE: _(
        "Nothing can be written to the database, so nobody could take a runbook down. "
        "Nothing is go until that is mended."
    ),
    Reason.MARK_UNREADABLE: _(
        "The portal cannot tell whether an older backup was restored. Nothing is go until it "
        "can read how far it saw the ledger."
    ),
    Reason.GUARDS_MISSING: _(
        "Guards are missing in the database. Nothing is go until they are back."
    ),
    Reason.DOCUMENT_MISSING: _("Its document is missing."),
    Reason.DOCUMENT_ELSEWHERE: _("The stored text is not that of its path."),
    Reason.DOCUMENT_CHANGED: _("Its text has changed since it was signed."),
    Reason.METADATA_CHANGED: _(
        "Its title, path, version, scope, clusters or layers have changed since it was signed."
    ),
    Reason.ASSURANCE_MISSING: _(
        "Something that its signature rests on was touched, and it has not been checked again yet. "
        "Open its page to see the verdict."
    ),
    Reason.YEAR_OVER: _("The year that was asked for is over."),
    Reason.UNKNOWN_RUNBOOK: _("There is no such runbook."),
    Reason.NOT_NOW: _("This tells how it stood at another time. It permits nothing now."),
    Reason.DATABASE_UNREACHABLE: _("The database does not answer."),
    Reason.NOT_PERMITTED: _("Whoever asked may not read this. Check the token."),
    Reason.BAD_REQUEST: _("The request was not understood."),
}
