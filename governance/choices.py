"""The closed vocabularies of governance, and the words for every refusal."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from governance.policy import Dependence, Refusal
from governance.verdict import VerdictReason
from runbooks.choices import REASON_TEXTS
from runbooks.standing import Reason


class RequestState(models.TextChoices):
    """Where a status change request stands. Only ``OPEN`` can move (``governance.states``)."""

    # Waits for signatures.
    OPEN = "open", _("open")
    # The quorum is reached and the readiness has moved.
    APPROVED = "approved", _("approved")
    # One risk owner said no.
    REJECTED = "rejected", _("rejected")
    # The requester took it back.
    WITHDRAWN = "withdrawn", _("withdrawn")
    # What was to be signed changed under it.
    LAPSED = "lapsed", _("lapsed")


class Direction(models.TextChoices):
    """Which way a request moves the readiness."""

    # More is permitted afterwards: needs the quorum.
    UP = "up", _("up")
    # Less is permitted afterwards: one authorised person, at once.
    DOWN = "down", _("down")


class Decision(models.TextChoices):
    """One person's decision on a request."""

    APPROVE = "approve", _("approve")
    REJECT = "reject", _("reject")


class Action(models.TextChoices):
    """What a ledger row says was done. Closed: the ledger refuses any other word."""

    CREATED = "created", _("created")
    CHANGED = "changed", _("changed")
    DELETED = "deleted", _("deleted")
    DOCUMENT_STORED = "document_stored", _("document stored")
    DOCUMENTS_SYNCED = "documents_synced", _("documents synced")
    CATALOGUE_CHECKED = "catalogue_checked", _("catalogue checked")
    LANDSCAPE_IMPORTED = "landscape_imported", _("landscape imported")
    RELEASE_NOTED = "release_noted", _("release note")
    REQUEST_SUBMITTED = "request_submitted", _("sign-off requested")
    REQUEST_SIGNED = "request_signed", _("signed")
    REQUEST_REJECTED = "request_rejected", _("sign-off rejected")
    REQUEST_WITHDRAWN = "request_withdrawn", _("sign-off withdrawn")
    REQUEST_LAPSED = "request_lapsed", _("sign-off lapsed")
    READINESS_CHANGED = "readiness_changed", _("readiness changed")
    CONFIRMATION_FAILED = "confirmation_failed", _("wrong password at signing")
    SIGN_IN_LOCKED = "sign_in_locked", _("sign-in locked")
    SIGN_IN_UNLOCKED = "sign_in_unlocked", _("sign-in unlocked")
    PASSWORD_SET = "password_set", _("password set")
    TOKEN_CREATED = "token_created", _("API token created")
    TOKEN_REVOKED = "token_revoked", _("API token revoked")
    RESTORE_ACCEPTED = "restore_accepted", _("restored ledger accepted")
    CHANGE_CONFIRMED = "change_confirmed", _("change confirmed")
    CHANGE_REFUSED = "change_refused", _("change refused")
    BREAK_ACCEPTED = "break_accepted", _("broken ledger accepted")
    CLOCK_ACCEPTED = "clock_accepted", _("corrected clock accepted")


class ReminderKind(models.TextChoices):
    """What ``tick`` reminds of."""

    # A signed readiness ends in 60, 30 or 7 days.
    EXPIRY = "expiry", _("readiness ends soon")
    # A request waits for the recipient's signature.
    WAITING = "waiting", _("request waits")


class RulePurpose(models.TextChoices):
    """What a rule is for. Each level has one rule in force for each purpose at most."""

    # Moves to the level from another, renewals for a later year, reinstatements.
    MOVE = "move", _("move to the level")
    # The same readiness again, on a changed text or changed metadata.
    RE_SIGN = "re_sign", _("sign again after a change")
    # One owner alone, where GOVERNANCE_SOLO is on; labelled wherever the readiness is shown.
    SOLO = "solo", _("owner alone (solo mode)")


class FindingKind(models.TextChoices):
    """What an import or a check can notice."""

    CONFLICT_MARKER = "conflict_marker", _("merge conflict marker")
    DUPLICATE_ROW = "duplicate_row", _("duplicate row")
    DUPLICATE_SITUATION = "duplicate_situation", _("duplicate situation")
    MISSING_DOCUMENT = "missing_document", _("missing document")
    MISSING_PATH = "missing_path", _("row without a path")
    MISSING_ROW = "missing_row", _("runbook missing from the file")
    MISSING_COLUMN = "missing_column", _("missing column")
    UNKNOWN_COLUMN = "unknown_column", _("unknown column")
    UNKNOWN_LEVEL = "unknown_level", _("unknown level")
    RAGGED_ROW = "ragged_row", _("ragged row")
    ILLUSTRATIVE_PATH = "illustrative_path", _("illustrative path")
    UNSAFE_PATH = "unsafe_path", _("unsafe path")
    ODD_RANGE = "odd_range", _("odd range")
    AMBIGUOUS_NAME = "ambiguous_name", _("ambiguous name")
    AMBIGUOUS_CLUSTER = "ambiguous_cluster", _("ambiguous cluster")
    UNRESOLVED_NAME = "unresolved_name", _("unresolved name")
    FORMER_NAME = "former_name", _("former name")
    REFUSED_MOVE = "refused_move", _("path not taken over")
    UNREADABLE_DOCUMENT = "unreadable_document", _("unreadable document")
    # What the checks of documents and catalogue notice (governance.checking); each is explained in docs/findings.md.
    PATH_MOVED = "path_moved", _("path moved")
    STUB = "stub", _("stub")
    DEAD_LINK = "dead_link", _("dead link")
    VERSION_DISAGREES = "version_disagrees", _("version disagrees")
    DATE_DISAGREES = "date_disagrees", _("date disagrees")
    LEVEL_DISAGREES = "level_disagrees", _("level disagrees")
    DOCUMENT_NOT_IN_FORCE = "document_not_in_force", _("document not in force")
    UNLISTED_DOCUMENT = "unlisted_document", _("document not in the landscape")
    NO_SITUATION = "runbook_without_situation", _("runbook without situation")
    SITUATION_NOT_LIVE = "situation_not_live", _("situation without a live-ready runbook")
    NO_OWNER = "runbook_without_owner", _("runbook without owner")
    NO_ESCALATION = "runbook_without_escalation", _("runbook without escalation contact")
    BROKEN_LEDGER = "broken_ledger", _("broken ledger")
    # A stored row is not what the ledger last told of it, or the ledger never told of it.
    LEDGER_DISAGREES = "ledger_disagrees", _("changed past the ledger")
    NOT_IN_LEDGER = "not_in_ledger", _("unknown to the ledger")
    QUORUM_OUT_OF_REACH = "quorum_out_of_reach", _("request that nobody can complete")
    UNRENDERABLE_DOCUMENT = "unrenderable_document", _("unrenderable document")
    UNFINISHED_IMPORT = "unfinished_import", _("unfinished import")
    OTHER = "other", _("other")


class NoticedBy(models.TextChoices):
    """Which check opens and settles a finding by itself. Each settles its own alone."""

    # The landscape file, at its import; the ledger's verification.
    OTHER = "other", _("import or verification")
    # Documents and files as a sync saw them.
    DOCUMENTS = "documents", _("sync of the documents")
    # The catalogue as it stands.
    CATALOGUE = "catalogue", _("check of the catalogue")
    # Stored rows beside what the ledger told of them.
    LEDGER = "ledger", _("comparison with the ledger")


class Severity(models.TextChoices):
    """How much a finding matters."""

    # Worth knowing.
    INFORMATION = "information", _("information")
    # Something in the catalogue is probably not as it should be.
    WARNING = "warning", _("warning")
    # An operator may be led astray.
    ERROR = "error", _("error")


# Kinds that are not listed are warnings.
SEVERITY_OF_KIND = {
    FindingKind.BROKEN_LEDGER: Severity.ERROR,
    FindingKind.LEDGER_DISAGREES: Severity.ERROR,
    FindingKind.CONFLICT_MARKER: Severity.ERROR,
    FindingKind.MISSING_DOCUMENT: Severity.ERROR,
    FindingKind.UNKNOWN_LEVEL: Severity.ERROR,
    FindingKind.UNSAFE_PATH: Severity.ERROR,
    FindingKind.UNREADABLE_DOCUMENT: Severity.ERROR,
    FindingKind.PATH_MOVED: Severity.ERROR,
    FindingKind.STUB: Severity.ERROR,
    FindingKind.LEVEL_DISAGREES: Severity.ERROR,
    FindingKind.UNFINISHED_IMPORT: Severity.ERROR,
    FindingKind.DATE_DISAGREES: Severity.INFORMATION,
    FindingKind.NO_SITUATION: Severity.INFORMATION,
    FindingKind.UNKNOWN_COLUMN: Severity.INFORMATION,
    FindingKind.ILLUSTRATIVE_PATH: Severity.INFORMATION,
    FindingKind.FORMER_NAME: Severity.INFORMATION,
}

REFUSAL_TEXTS = {
    Refusal.NOT_ACTIVE: _("This account is not active."),
    Refusal.NOT_A_RISK_OWNER: _("Only a risk owner may sign."),
    Refusal.OWN_REQUEST: _("Whoever asked for the change never signs it: a second pair of eyes is needed."),
    Refusal.SIGNED_ALREADY: _("You have decided on this request already; one person counts once."),
    Refusal.ACCOUNT_TOO_YOUNG: _(
        "This account was made, or joined the group, after the request was opened, so it does not count for it."
    ),
    Refusal.MEMBERSHIP_NOT_RECORDED: _(
        "The ledger does not say when this account joined the group, so it does not count. An administrator takes it out of "
        "the group and puts it in again, in the admin."
    ),
    Refusal.COOLING_DOWN: _(
        "Somebody else set this account's password a short while ago. It may not sign until the waiting time is over."
    ),
    Refusal.LOCKED_OUT: _("Too many wrong passwords. This account may not sign for a quarter of an hour."),
    Refusal.WRONG_PASSWORD: _("This is not your password. Nothing was signed, and the attempt is recorded."),
    Refusal.SOLO_MODE_IS_OFF: _(
        "This request was opened in solo mode, which is off now. Withdraw it and ask anew: others have to sign."
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
    Refusal.NOT_WHAT_IT_WAS: _("A retired runbook goes back to the level that it had before, and to no other."),
    Refusal.YEAR_ALREADY_SIGNED: _("It is signed for a later year already, and that holds now."),
    Refusal.YEAR_MISSING: _("Ready is always signed for a year. Give one."),
    Refusal.YEAR_NOT_WANTED: _("Only ready has a year. Leave it empty."),
    Refusal.YEAR_PAST: _("The year is over. Choose this year or a later one."),
    Refusal.YEAR_TOO_FAR: _("Ready is signed for this year or the next, not further ahead."),
    Refusal.RATIONALE_MISSING: _("Say why the change is asked for."),
    Refusal.EVIDENCE_MISSING: _("The rule for this level asks for at least one evidence link."),
    Refusal.DOCUMENT_MISSING: _("The runbook has no document. There is no text that could be signed."),
    Refusal.DOCUMENT_NOT_SHOWN: _(
        "The stored text is not that of the runbook's path, or not what its sha256 names: it cannot be shown, so it cannot "
        "be signed. Import the documents again."
    ),
    Refusal.DOCUMENT_IS_STUB: _("The document is a stub: there is nothing in it that anybody could follow live."),
    Refusal.EVIDENCE_NOT_A_LINK: _("Evidence is given as links: one address per line, each beginning with https://."),
    Refusal.RULE_MISSING: _("No sign-off rule is in force for this level. Add one in the admin."),
    Refusal.ACCESS_TOO_NEW: _(
        "This account was created, activated or added to its group a short while ago. It may ask and sign when the waiting "
        "time is over, or once a second risk owner has confirmed the change under “Changes to confirm”."
    ),
    Refusal.QUORUM_OUT_OF_REACH: _(
        "Not enough people can sign this request, so nobody could complete it. Add members to the group that signs, or change "
        "the rule."
    ),
    Refusal.OWN_CHANGE: _(
        "You made this change, it is about your account, or one of you lately created the other's account or gave it "
        "access. Another risk owner must decide on it."
    ),
    Refusal.CHANGE_SETTLED: _("This change does not wait for a decision any more."),
    Refusal.NOT_A_DOWNGRADE: _("This is not a downgrade: it needs a request and the signatures of its rule."),
}

# Why a review was not independent; shown beside the readiness.
DEPENDENCE_TEXTS = {
    Dependence.FIRST_DAY: _("It was signed on the portal's first day, before anybody was an established risk owner."),
    Dependence.MADE_BY_PARTY: _(
        "Within 30 days before, the requester or a signer created the account of one of them, activated it, gave it a group "
        "or set its password."
    ),
    Dependence.MADE_BY_ONE: _(
        "Within 30 days before, one person created the accounts of the requester and all signers, activated them, gave them "
        "a group or set their passwords."
    ),
}

# Why it is no-go; what the catalogue says already is said in the same words.
VERDICT_TEXTS = {
    **{VerdictReason(reason.value): REASON_TEXTS[reason] for reason in Reason},
    VerdictReason.YEAR_OVER: _("The year that was asked for is over."),
    VerdictReason.UNKNOWN_RUNBOOK: _("There is no such runbook."),
    VerdictReason.DATABASE_UNREACHABLE: _("The database does not answer."),
    VerdictReason.NOT_PERMITTED: _("Whoever asked may not read this. Check the token."),
    VerdictReason.BAD_REQUEST: _("The request was not understood."),
    VerdictReason.NOT_NOW: _("This tells how it stood at another time. It permits nothing now."),
}
