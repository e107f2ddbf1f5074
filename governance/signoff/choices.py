"""The choices of the sign-off models, and the text of every refusal."""

from collections.abc import Mapping
from datetime import datetime

from django.db import models
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from governance.signoff.policy import Dependence, Refusal


class RequestState(models.TextChoices):
    """The state of a status change request. Only ``OPEN`` can change (``signoff.transitions``)."""

    # Waits for signatures.
    OPEN = "open", _("open")
    # The quorum was reached and the readiness has changed.
    APPROVED = "approved", _("approved")
    # One risk owner rejected it.
    REJECTED = "rejected", _("rejected")
    # The requester withdrew it.
    WITHDRAWN = "withdrawn", _("withdrawn")
    # The pinned content changed before the quorum was reached.
    LAPSED = "lapsed", _("lapsed")


class Direction(models.TextChoices):
    """The direction in which a request changes the readiness."""

    # Permits more than before, so it needs the quorum.
    UP = "up", _("up")
    # Permits less than before: one authorised person, effective at once.
    DOWN = "down", _("down")


class Decision(models.TextChoices):
    """One person's decision on a request."""

    APPROVE = "approve", _("approve")
    REJECT = "reject", _("reject")


class RulePurpose(models.TextChoices):
    """The purpose of a rule. A level has at most one rule in force per purpose."""

    # Moves to the level from another, renewals for a later year, reinstatements.
    MOVE = "move", _("move to the level")
    # The same readiness again, on changed text or metadata.
    RE_SIGN = "re_sign", _("sign again after a change")
    # Solo mode (GOVERNANCE_SOLO): the owner signs alone. Labelled wherever the readiness is shown.
    SOLO = "solo", _("owner alone (solo mode)")


REFUSAL_TEXTS = {
    Refusal.NOT_ACTIVE: _("This account is not active."),
    Refusal.NOT_A_RISK_OWNER: _("Only risk owners can sign."),
    Refusal.OWN_REQUEST: _("You requested this change, so someone else must sign it."),
    Refusal.SIGNED_ALREADY: _("You have already decided on this request. Each person counts once."),
    Refusal.ACCOUNT_TOO_YOUNG: _(
        "You became a risk owner after this request was opened, so you cannot sign it."
    ),
    Refusal.MEMBERSHIP_NOT_RECORDED: _(
        "The ledger does not record when this account joined the group, so the account does not "
        "count. An administrator must remove it from the group and add it again, in the admin."
    ),
    Refusal.COOLING_DOWN: _(
        "Someone else recently set this account's password. It cannot sign until the waiting time "
        "is over."
    ),
    Refusal.LOCKED_OUT: _("Too many wrong passwords. This account cannot sign for 15 minutes."),
    Refusal.WRONG_PASSWORD: _("Wrong password. Nothing was signed, and the attempt was recorded."),
    Refusal.SOLO_MODE_IS_OFF: _(
        "This request was opened in solo mode, which is now off. Withdraw it and open a new "
        "request: other people must sign it."
    ),
    Refusal.REQUEST_CLOSED: _("This request is closed."),
    Refusal.COMMENT_MISSING: _("Enter a comment that says what you based the decision on."),
    Refusal.NOT_AN_EDITOR: _("Only editors and risk owners can request a status change."),
    Refusal.NOT_THE_REQUESTER: _("Only the person who requested the change can withdraw it."),
    Refusal.OPEN_REQUEST_EXISTS: _(
        "This runbook already has an open request. Sign, reject or withdraw that request first."
    ),
    Refusal.STEP_NOT_ALLOWED: _("The readiness cannot change to this level in one step."),
    Refusal.RND_ONLY_CANNOT_BE_READY: _(
        "R&D only cannot become ready in one step, nor while the landscape declares it R&D only. "
        "It must first be signed for sandbox, track or shadow."
    ),
    Refusal.NOTHING_CHANGES: _("The runbook already has this readiness, and it is valid."),
    Refusal.NOT_WHAT_IT_WAS: _("A retired runbook can only return to the level it had before."),
    Refusal.YEAR_ALREADY_SIGNED: _(
        "The runbook is already signed for a later year, and that sign-off is valid now."
    ),
    Refusal.YEAR_MISSING: _("Enter the year: “ready” is always signed for a specific year."),
    Refusal.YEAR_NOT_WANTED: _("Only the level “ready” has a year. Leave the year empty."),
    Refusal.YEAR_PAST: _("The year is in the past. Enter this year or a later one."),
    Refusal.YEAR_TOO_FAR: _("“Ready” can only be signed for this year or next year."),
    Refusal.RATIONALE_MISSING: _("Enter the reason for the change."),
    Refusal.EVIDENCE_MISSING: _("The rule for this level requires at least one evidence link."),
    Refusal.DOCUMENT_MISSING: _("The runbook has no document, so there is no text to sign."),
    Refusal.DOCUMENT_NOT_SHOWN: _(
        "The stored text does not belong to the runbook's path, or does not match its sha256. It "
        "cannot be shown, so it cannot be signed. Import the documents again."
    ),
    Refusal.DOCUMENT_IS_STUB: _(
        "The document is a stub: it contains nothing that anyone could follow live."
    ),
    Refusal.EVIDENCE_NOT_A_LINK: _(
        "Enter evidence as links: one address per line, each starting with https://."
    ),
    Refusal.RULE_MISSING: _("No sign-off rule is in force for this level. Add one in the admin."),
    Refusal.ACCESS_TOO_NEW: _(
        "This account was recently created, activated or added to its group. It cannot request or "
        "sign until the waiting time is over, or until a second risk owner confirms the change "
        "under “Changes to confirm”."
    ),
    Refusal.QUORUM_OUT_OF_REACH: _(
        "Not enough people can sign this request, so it could never be completed. Add members to "
        "the group that signs, or change the rule."
    ),
    Refusal.OWN_CHANGE: _(
        "You made this change, it concerns your account, or one of the two accounts recently "
        "created the other or gave it access. Another risk owner must decide on it."
    ),
    Refusal.CHANGE_SETTLED: _("This change is no longer waiting for a decision."),
    Refusal.NOT_A_DOWNGRADE: _(
        "This is not a downgrade. It needs a request and the signatures that its rule requires."
    ),
}

# The texts of reasons that end at a known time. They are used where the time is known.
TEXTS_WITH_TIME = {
    Refusal.COOLING_DOWN: _(
        "Your password was set by someone else. You cannot request or sign until %(moment)s."
    ),
    Refusal.ACCESS_TOO_NEW: _(
        "Your account was recently created, activated or added to its group. You cannot request "
        "or sign until %(moment)s, or until a second risk owner confirms the change under "
        "“Changes to confirm”."
    ),
}


def refusal_text(reason: Refusal, until: Mapping[Refusal, datetime] | None = None) -> str:
    """Return the text of a reason, with the time at which it ends if ``until`` has it.

    :param until: the end of each waiting time (aware), as ``policy.waits_until`` returns it.
    """
    moment = (until or {}).get(reason)
    if moment is None:
        return str(REFUSAL_TEXTS[reason])
    shown = date_format(timezone.localtime(moment), "DATETIME_FORMAT")
    return str(TEXTS_WITH_TIME[reason]) % {"moment": shown}


# Shown beside the readiness of a review that was not independent.
DEPENDENCE_TEXTS = {
    Dependence.FIRST_DAY: _(
        "It was signed on the portal's first day, before there was an established risk owner."
    ),
    Dependence.MADE_BY_PARTY: _(
        "In the 30 days before the approval, the requester or a signer created or activated the "
        "account of one of them, added it to a group or set its password."
    ),
    Dependence.MADE_BY_ONE: _(
        "In the 30 days before the approval, one person created or activated the accounts of the "
        "requester and all signers, added them to a group or set their passwords."
    ),
}
