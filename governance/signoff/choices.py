"""The choices of the sign-off models, and the text of every refusal."""

from django.db import models
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
    Refusal.NOT_A_RISK_OWNER: _("Only a risk owner may sign."),
    Refusal.OWN_REQUEST: _("You requested this change, so someone else must sign it."),
    Refusal.SIGNED_ALREADY: _("You have already decided on this request. Each person counts once."),
    Refusal.ACCOUNT_TOO_YOUNG: _(
        "You became a risk owner after this request was opened, so you cannot sign it."
    ),
    Refusal.MEMBERSHIP_NOT_RECORDED: _(
        "The ledger does not say when this account joined the group, so it does not count. "
        "An administrator takes it out of "
        "the group and puts it in again, in the admin."
    ),
    Refusal.COOLING_DOWN: _(
        "Somebody else set this account's password a short while ago. It may not sign until "
        "the waiting time is over."
    ),
    Refusal.LOCKED_OUT: _(
        "Too many wrong passwords. This account may not sign for a quarter of an hour."
    ),
    Refusal.WRONG_PASSWORD: _(
        "This is not your password. Nothing was signed, and the attempt is recorded."
    ),
    Refusal.SOLO_MODE_IS_OFF: _(
        "This request was opened in solo mode, which is off now. Withdraw it and ask anew: "
        "others have to sign."
    ),
    Refusal.REQUEST_CLOSED: _("This request is closed."),
    Refusal.COMMENT_MISSING: _("Say in a comment what you based the decision on."),
    Refusal.NOT_AN_EDITOR: _("Only an editor or a risk owner may ask for a status change."),
    Refusal.NOT_THE_REQUESTER: _("Only whoever asked for the change may withdraw it."),
    Refusal.OPEN_REQUEST_EXISTS: _(
        "This runbook has an open request already. Sign, reject or withdraw that one first."
    ),
    Refusal.STEP_NOT_ALLOWED: _("The readiness cannot move there in one step."),
    Refusal.RND_ONLY_CANNOT_BE_READY: _(
        "R&D only cannot become ready in one step, nor while the landscape declares it so: "
        "sign it for sandbox, track or shadow first."
    ),
    Refusal.NOTHING_CHANGES: _("The runbook has this readiness already, and it holds."),
    Refusal.NOT_WHAT_IT_WAS: _(
        "A retired runbook goes back to the level that it had before, and to no other."
    ),
    Refusal.YEAR_ALREADY_SIGNED: _("It is signed for a later year already, and that holds now."),
    Refusal.YEAR_MISSING: _("Enter the year: “ready” is always signed for one."),
    Refusal.YEAR_NOT_WANTED: _("Only ready has a year. Leave it empty."),
    Refusal.YEAR_PAST: _("The year is over. Choose this year or a later one."),
    Refusal.YEAR_TOO_FAR: _("Ready is signed for this year or the next, not further ahead."),
    Refusal.RATIONALE_MISSING: _("Say why the change is asked for."),
    Refusal.EVIDENCE_MISSING: _("The rule for this level asks for at least one evidence link."),
    Refusal.DOCUMENT_MISSING: _(
        "The runbook has no document. There is no text that could be signed."
    ),
    Refusal.DOCUMENT_NOT_SHOWN: _(
        "The stored text is not that of the runbook's path, or not what its sha256 names: it "
        "cannot be shown, so it cannot "
        "be signed. Import the documents again."
    ),
    Refusal.DOCUMENT_IS_STUB: _(
        "The document is a stub: there is nothing in it that anybody could follow live."
    ),
    Refusal.EVIDENCE_NOT_A_LINK: _(
        "Evidence is given as links: one address per line, each beginning with https://."
    ),
    Refusal.RULE_MISSING: _("No sign-off rule is in force for this level. Add one in the admin."),
    Refusal.ACCESS_TOO_NEW: _(
        "This account was created, activated or added to its group a short while ago. It may "
        "ask and sign when the waiting "
        "time is over, or once a second risk owner has confirmed the change under “Changes "
        "to confirm”."
    ),
    Refusal.QUORUM_OUT_OF_REACH: _(
        "Not enough people can sign this request, so nobody could complete it. Add members "
        "to the group that signs, or change "
        "the rule."
    ),
    Refusal.OWN_CHANGE: _(
        "You made this change, it is about your account, or one of you lately created the "
        "other's account or gave it "
        "access. Another risk owner must decide on it."
    ),
    Refusal.CHANGE_SETTLED: _("This change does not wait for a decision any more."),
    Refusal.NOT_A_DOWNGRADE: _(
        "This is not a downgrade: it needs a request and the signatures of its rule."
    ),
}

# Shown beside the readiness of a review that was not independent.
DEPENDENCE_TEXTS = {
    Dependence.FIRST_DAY: _(
        "It was signed on the portal's first day, before anybody was an established risk owner."
    ),
    Dependence.MADE_BY_PARTY: _(
        "Within 30 days before, the requester or a signer created the account of one of "
        "them, activated it, gave it a group "
        "or set its password."
    ),
    Dependence.MADE_BY_ONE: _(
        "Within 30 days before, one person created the accounts of the requester and all "
        "signers, activated them, gave them "
        "a group or set their passwords."
    ),
}
