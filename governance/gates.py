"""What a signer looks at before signing: a list of checks, each passed or not, and whether it stands in the way."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from governance import states
from governance.actions.requests import document_is_shown
from governance.models import Finding, StatusChangeRequest
from governance.told import Told
from runbooks.documents.stub import is_stub


@dataclass(frozen=True, slots=True)
class Gate:
    """One check. ``required``: the policy refuses where it is not passed; the others are for the signer to weigh."""

    title: str | Promise
    passed: bool
    required: bool
    hint: str | Promise = ""


def gates_of(request: StatusChangeRequest, *, told: Told) -> list[Gate]:
    """The checks of one request, as things stand now.

    :param told: the ledger's rows about the runbook's document (``Dossier.told``).
    """
    return list(_gates(request, told))


def _gates(request: StatusChangeRequest, told: Told) -> Iterator[Gate]:
    runbook, document = request.runbook, request.runbook.document
    ready = request.to_level == states.READY
    findings = Finding.objects.filter(runbook=runbook, resolved_at__isnull=True).count()
    yield Gate(
        _("The document is there, and is what its sha256 names"),
        document_is_shown(runbook, told=told),
        required=True,
        hint=_("Import the documents again."),
    )
    yield Gate(
        _("The document is no stub"),
        document is not None and not is_stub(document.text),
        required=ready,
        hint=_("Write the steps that an operator follows."),
    )
    yield Gate(_("An owner is named"), bool(runbook.owner.strip()), required=False, hint=_("Name a role or a team."))
    yield Gate(
        _("An escalation contact is named"),
        bool(runbook.escalation_contact.strip()),
        required=False,
        hint=_("Whom does the operator call when it does not help?"),
    )
    yield Gate(
        _("No finding is open"),
        findings == 0,
        required=False,
        hint=_("Open findings: %(count)d.") % {"count": findings},
    )
    evidence_required = bool(request.rule and request.rule.evidence_required)
    yield Gate(
        _("Evidence is given"),
        bool(request.evidence_links),
        required=evidence_required,
        hint=_("The rule asks for a link.") if evidence_required else _("The rule does not ask for it."),
    )
