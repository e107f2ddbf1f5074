"""The checks shown to a signer: whether each passed, and whether it blocks the signature."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from governance.findings.models import Finding
from governance.ledger.choices import Action
from governance.ledger.history import History
from governance.ledger.models import ChangeLogEntry
from governance.ledger.snapshot import subject_of
from governance.signoff import transitions
from governance.signoff.models import StatusChangeRequest
from governance.signoff.requests import document_is_intact
from runbooks.choices import ReadinessLevel
from runbooks.documents.checks.stub import is_stub
from runbooks.models import Runbook


@dataclass(frozen=True, slots=True)
class ChecklistItem:
    """One check.

    :ivar required: whether a failure blocks the signature. The signer weighs the others.
    """

    title: str | Promise
    passed: bool
    required: bool
    hint: str | Promise = ""


def checklist_for(request: StatusChangeRequest, *, history: History) -> list[ChecklistItem]:
    """Return the current checks of a request.

    :param history: the ledger's rows about the runbook's document (``ReviewContext.history``).
    """
    return list(_items(request, history))


def _items(request: StatusChangeRequest, history: History) -> Iterator[ChecklistItem]:
    runbook, document = request.runbook, request.runbook.document
    ready = request.to_level == transitions.READY
    findings = Finding.objects.filter(runbook=runbook, resolved_at__isnull=True).count()
    intact = document_is_intact(runbook, history=history)
    yield ChecklistItem(
        _("Document present and unaltered") if intact else _("Document missing or altered"),
        intact,
        required=True,
        hint=_("Import the documents again."),
    )
    written = document is not None and not is_stub(document.text)
    yield ChecklistItem(
        _("Document is not a stub") if written else _("Document is a stub, or missing"),
        written,
        required=ready,
        hint=_("Write the steps that an operator follows."),
    )
    owner = bool(runbook.owner.strip())
    yield ChecklistItem(
        _("Owner named") if owner else _("No owner named"),
        owner,
        required=False,
        hint=_("Name a role or a team."),
    )
    contact = bool(runbook.escalation_contact.strip())
    yield ChecklistItem(
        _("Escalation contact named") if contact else _("No escalation contact named"),
        contact,
        required=False,
        hint=_("Add who to call if the runbook does not help."),
    )
    yield ChecklistItem(
        _("Open findings: %(count)d") % {"count": findings} if findings else _("No open findings"),
        findings == 0,
        required=False,
    )
    if ready:
        yield _never_rnd_only(runbook)
    yield from _evidence(request)


def _evidence(request: StatusChangeRequest) -> Iterator[ChecklistItem]:
    given = bool(request.evidence_links)
    required = bool(request.rule and request.rule.evidence_required)
    if given or required:
        yield ChecklistItem(
            _("Evidence given") if given else _("No evidence given"),
            given,
            required=required,
            hint=_("The rule requires a link."),
        )


def _never_rnd_only(runbook: Runbook) -> ChecklistItem:
    """Check in the ledger that the landscape never declared the runbook R&D only.

    The policy refuses such a runbook only while the declaration is present. An edit of one cell in
    the file removes it, and the editor of the file may be the requester. Signers therefore see any
    past declaration.
    """
    rnd_only = str(ReadinessLevel.RND_ONLY)
    rows = ChangeLogEntry.objects.filter(
        subject=subject_of(runbook), action__in=(Action.CREATED, Action.CHANGED)
    )
    about = rows.filter(
        Q(changes__declared_level__before=rnd_only) | Q(changes__declared_level__after=rnd_only)
    )
    last = about.order_by("sequence").last()
    title: str | Promise = _("The landscape never declared it R&D only")
    hint: str | Promise = ""
    if runbook.declared_level == rnd_only:
        title = _("The landscape declares it R&D only")
    elif last is not None:
        title = _("The landscape declared it R&D only in the past")
        hint = _(
            "Change %(sequence)d by %(actor)s (%(day)s) removed that declaration. Find out what "
            "has been proven since."
        ) % {
            "sequence": last.sequence,
            "actor": last.actor,
            "day": date_format(timezone.localdate(last.recorded_at)),
        }
    passed = last is None and runbook.declared_level != rnd_only
    return ChecklistItem(title, passed, required=False, hint=hint)
