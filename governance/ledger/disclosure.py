"""Which ledger entries every reader may see, and what is shown of the others.

The change log is complete for every reader. A restricted entry keeps its sequence, its time and its
place in the chain, and nothing else. An entry whose stored values cannot be read is shown in the
same way.
"""

from collections.abc import Iterator
from enum import Enum, auto
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.query import ModelIterable
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry

# Shown instead of the action of a withheld entry. No action of the ledger has parentheses.
RESTRICTED, UNREADABLE = "(restricted)", "(unreadable)"


class Audience(Enum):
    """The readers of an entry."""

    READERS = auto()  # everyone who may read the portal
    SECURITY = auto()  # auditors and administrators, as the entry is about an account
    BY_SUBJECT = auto()  # decided by AUDIENCE_OF_SUBJECT


# Actions that are not listed are restricted to auditors and administrators.
AUDIENCE_OF_ACTION = {
    Action.CREATED: Audience.BY_SUBJECT,
    Action.CHANGED: Audience.BY_SUBJECT,
    Action.DELETED: Audience.BY_SUBJECT,
    Action.DOCUMENT_STORED: Audience.READERS,
    Action.DOCUMENTS_SYNCED: Audience.READERS,
    Action.CATALOGUE_CHECKED: Audience.READERS,
    Action.LANDSCAPE_IMPORTED: Audience.READERS,
    Action.RELEASE_NOTED: Audience.READERS,
    Action.REQUEST_SUBMITTED: Audience.READERS,
    Action.REQUEST_SIGNED: Audience.READERS,
    Action.REQUEST_REJECTED: Audience.READERS,
    Action.REQUEST_WITHDRAWN: Audience.READERS,
    Action.REQUEST_LAPSED: Audience.READERS,
    Action.READINESS_CHANGED: Audience.READERS,
    Action.RESTORE_ACCEPTED: Audience.READERS,
    Action.BREAK_ACCEPTED: Audience.READERS,
    Action.CLOCK_ACCEPTED: Audience.READERS,
    Action.CHANGE_CONFIRMED: Audience.BY_SUBJECT,
    Action.CHANGE_REFUSED: Audience.BY_SUBJECT,
    Action.SIGN_IN_UNLOCKED: Audience.SECURITY,
    Action.CONFIRMATION_FAILED: Audience.SECURITY,
    Action.SIGN_IN_LOCKED: Audience.SECURITY,
    Action.PASSWORD_SET: Audience.SECURITY,
    Action.TOKEN_CREATED: Audience.SECURITY,
    Action.TOKEN_REVOKED: Audience.SECURITY,
}
# Keyed by the type of object, the part of a subject before the colon. Types that are not listed are
# restricted.
AUDIENCE_OF_SUBJECT = {
    "cluster": Audience.READERS,
    "codereference": Audience.READERS,
    "document": Audience.READERS,
    "finding": Audience.READERS,
    "landscapesource": Audience.READERS,
    "layer": Audience.READERS,
    "release": Audience.READERS,
    "runbook": Audience.READERS,
    "searchsynonym": Audience.READERS,
    "section": Audience.READERS,
    "signoffrule": Audience.READERS,
    "situation": Audience.READERS,
    "statuschangerequest": Audience.READERS,
    "apitoken": Audience.SECURITY,
    "group": Audience.SECURITY,
    "user": Audience.SECURITY,
}


def is_restricted(action: str, subject: str) -> bool:
    """Return whether only auditors and administrators may read an entry."""
    known = AUDIENCE_OF_ACTION.get(action, Audience.SECURITY)  # type: ignore[call-overload]
    if known is Audience.BY_SUBJECT:
        known = AUDIENCE_OF_SUBJECT.get(subject.partition(":")[0], Audience.SECURITY)
    return known is Audience.SECURITY


def unrestricted() -> Q:
    """Return the condition for entries that every reader may read.

    Queries that narrow, search or sort entries need it.
    """
    subjects = Q()
    for kind, audience in AUDIENCE_OF_SUBJECT.items():
        if audience is Audience.READERS:
            subjects |= Q(subject__startswith=f"{kind}:")
    by_subject = Q(action__in=_actions_for(Audience.BY_SUBJECT)) & subjects
    return Q(action__in=_actions_for(Audience.READERS)) | by_subject


def _actions_for(wanted: Audience) -> list[Action]:
    return [action for action, audience in AUDIENCE_OF_ACTION.items() if audience is wanted]


def disclosed(entries: QuerySet[ChangeLogEntry], *, security: bool) -> QuerySet[ChangeLogEntry]:
    """Return all entries as a reader may see them, without gaps in the sequence.

    A query that a reader can narrow must first be filtered by ``unrestricted``: otherwise its
    results would reveal hidden values.

    :param security: whether the reader may read the entries about accounts
        (``accounts.roles.may_read_security_entries``).
    """
    shown = entries.all()
    shown._iterable_class = _AllEntries if security else _UnrestrictedEntries
    return shown


class _AllEntries(ModelIterable):
    """All entries. An entry that cannot be read is replaced by a placeholder."""

    def __iter__(self) -> Iterator[ChangeLogEntry]:
        try:
            entries = list(super().__iter__())
        except Exception:  # a number with thousands of digits, an invalid time, …
            entries = [
                _entry_or_placeholder(pk) for pk in self.queryset.values_list("pk", flat=True)
            ]
        return iter(entries)


class _UnrestrictedEntries(_AllEntries):
    """All entries, with a placeholder for each entry about an account."""

    def __iter__(self) -> Iterator[ChangeLogEntry]:
        for entry in super().__iter__():
            is_shown = entry.action == UNREADABLE or not is_restricted(entry.action, entry.subject)
            yield entry if is_shown else _placeholder(entry, RESTRICTED, entry.recorded_at)


def _entry_or_placeholder(pk: int) -> ChangeLogEntry:
    try:
        return ChangeLogEntry.objects.get(pk=pk)
    except Exception:  # this entry is the unreadable one
        chained = ChangeLogEntry.objects.only("hash", "previous_hash").get(pk=pk)
        return _placeholder(chained, UNREADABLE, None)


LABELS: dict[str, tuple[Promise, Promise]] = {
    RESTRICTED: (_("(restricted)"), _("Only auditors and administrators may read this entry.")),
    UNREADABLE: (_("(unreadable)"), _("This entry cannot be read. Run “manage.py verify_ledger”.")),
}


def _placeholder(entry: ChangeLogEntry, action: str, recorded_at: Any) -> ChangeLogEntry:
    """Return an entry that has only its place in the chain. ``withheld`` states the reason."""
    shown = ChangeLogEntry(
        sequence=entry.sequence,
        recorded_at=recorded_at,
        action=action,
        previous_hash=entry.previous_hash,
        hash=entry.hash,
    )
    label, sentence = LABELS[action]
    shown.__dict__.update(withheld=sentence, get_action_display=lambda: str(label))
    shown._state.adding = False
    return shown
