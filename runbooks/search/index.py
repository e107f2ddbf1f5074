"""Maintenance of the index: derived rows that follow the catalogue in the same transaction."""

import logging
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.db.models import Exists, F, OuterRef

from runbooks.models import Runbook, SearchEntry, SearchPlaces, SearchStamp, Situation
from runbooks.search import databases, index_documents
from runbooks.search.entries import (
    ROWS_AT_ONCE,
    counted,
    differs,
    drop,
    is_built,
    keep,
    parts,
    renew_stamp,
    store_counts,
)
from runbooks.search.index_documents import Draft

logger = logging.getLogger(__name__)
RUNBOOKS_AT_ONCE = 1_000
# At most this number of entries is updated in the transaction of a change; more wait until it
# has committed.
MAX_AT_ONCE = 20
# Bytes of a text that is read in the transaction of the change. Reading 100 KB takes about 0.1 s.
MAX_AT_ONCE_LENGTH = 100_000
# Entries, and bytes of their texts, that are written in one transaction when many are behind.
# Writing them takes about 0.1 s.
ENTRIES_AT_ONCE, BYTES_AT_ONCE = 50, 100_000
# Seconds that a change of many runbooks may go on reading after its commit; `tick` does the rest.
PATIENCE = 20.0
ATTEMPTS = 3
MAX_MARK_BYTES = 2**31 - 1


@dataclass(slots=True)
class _Held:
    runbooks: set[int] = field(default_factory=set)
    situations: set[int] = field(default_factory=set)


_held: ContextVar[_Held | None] = ContextVar("search_index_held", default=None)


@contextmanager
def deferred() -> Iterator[None]:
    """Postpone index updates inside the block to its end, for a caller that writes many rows.

    Must be inside the transaction of the writes, so that entries that are behind are recorded with
    them.
    """
    if _held.get() is not None:
        yield
        return
    waiting = _Held()
    token = _held.set(waiting)
    try:
        yield
    finally:
        _held.reset(token)
    refresh(waiting.runbooks, waiting.situations)


@contextmanager
def _harmless() -> Iterator[None]:
    """Apply a block completely or not at all, without failing because of a broken index.

    A readiness must be withdrawn whatever the state of the search. Other database errors, such as a
    lock, are raised. If the index is broken, its stamp is deleted, so that it is not used: only
    titles are searched until it is rebuilt.
    """
    try:
        with transaction.atomic():
            yield
    except DatabaseError:
        # SQLite rolls back the whole transaction if it finds damaged pages; it cannot be continued.
        if connection.needs_rollback or databases.is_sound():
            raise
        logger.exception(
            "The search index is broken and did not follow a change. Run 'manage.py "
            "rebuild_search'."
        )
        with suppress(DatabaseError), transaction.atomic():
            SearchStamp.objects.all().delete()


def refresh(
    runbooks: Iterable[int] = (), situations: Iterable[int] = (), *, reread: bool = False
) -> None:
    """Update the entries of these runbooks and situations; delete entries without a source.

    A few entries are updated at once, in the transaction of the change. If there are many, or if a
    text is long, they are only marked as behind, because reading them must not hold a lock.
    ``catch_up`` updates them after the commit.

    :param runbooks: primary keys.
    :param situations: primary keys.
    :param reread: read the documents again even if they are the ones that were indexed.
    """
    wanted_runbooks, wanted_situations = set(runbooks), set(situations)
    waiting = _held.get()
    if waiting is not None and not reread:
        waiting.runbooks |= wanted_runbooks
        waiting.situations |= wanted_situations
        return
    if not wanted_runbooks and not wanted_situations:
        return
    with _harmless():
        databases.lock()
        if len(wanted_runbooks) + len(wanted_situations) > MAX_AT_ONCE:
            _put_off(wanted_runbooks, wanted_situations, reread=reread)
            return
        drafts, gone, long = _drafts_of_runbooks(wanted_runbooks, reread=reread)
        found = SearchEntry.objects.filter(situation__in=wanted_situations)
        old: dict[int | None, SearchEntry] = {entry.situation_id: entry for entry in found}
        for situation in index_documents.situations_with_sources().filter(pk__in=wanted_situations):
            entry = old.pop(situation.pk, SearchEntry(situation=situation))
            drafts.append((entry, index_documents.draft_of_situation(situation)))
        keep(drafts)
        drop([*gone, *old.values()])
        if long:
            _put_off(long, (), reread=reread)


def _put_off(runbooks: Iterable[int], situations: Iterable[int], *, reread: bool) -> None:
    """Mark the entries of these as behind, and catch up once the transaction has committed."""
    # The number differs each time, so that an entry that is behind again after its update is not
    # taken for the earlier one.
    mark = secrets.randbelow(MAX_MARK_BYTES) + 1
    noted = {"behind": mark} | ({"document": None} if reread else {})
    for name, model, keys in (("runbook", Runbook, runbooks), ("situation", Situation, situations)):
        for part in parts(sorted(keys)):
            entries = SearchEntry.objects.filter(**{f"{name}__in": part})
            known = set(entries.values_list(f"{name}_id", flat=True))
            entries.update(**noted)
            new = model._default_manager.filter(pk__in=set(part) - known).values_list(
                "pk", flat=True
            )
            # An entry without words, which no search finds. It is created here so that two
            # processes that fill it do not both try to create it.
            blank = (SearchEntry(**{f"{name}_id": pk}, behind=mark) for pk in new)
            SearchEntry.objects.bulk_create(blank, batch_size=RUNBOOKS_AT_ONCE)
    transaction.on_commit(lambda: catch_up(seconds=PATIENCE), robust=True)


def catch_up(*, seconds: float | None = None) -> int:
    """Update the entries that are behind, and return their number.

    Must be called outside a transaction. Sources are read without a lock, in portions, and each
    portion is written in a short transaction. An entry that changes meanwhile is left to the next
    portion. If the process is killed, the remaining entries stay marked as behind, and the next
    call continues.

    :param seconds: stop after this time; None continues until no entry is behind.
    """
    until = time.monotonic() + seconds if seconds is not None else None
    done = 0
    while made := _catch_up_once(until):  # again, because entries may have changed meanwhile
        done += made
    return done


def _catch_up_once(until: float | None) -> int:
    """Update each entry that is behind once, and return the number of updated entries."""
    done, last = 0, 0
    while until is None or time.monotonic() < until:
        behind = SearchEntry.objects.filter(behind__gt=0, pk__gt=last).order_by("pk")
        sized = behind.only("runbook", "situation", "document", "behind").annotate(
            size=F("runbook__document__size")
        )
        entries = _portion(sized[:ENTRIES_AT_ONCE])
        if not entries:
            break
        done += _catch_up_with(entries)
        last = entries[-1].pk
    return done


def _portion(entries: Iterable[Any]) -> list[SearchEntry]:
    """Return the first entries whose texts together fit into one transaction, at least one."""
    portion: list[SearchEntry] = []
    room = BYTES_AT_ONCE
    for entry in entries:
        room -= entry.size or 0
        if portion and room < 0:
            break
        portion.append(entry)
    return portion


def _catch_up_with(entries: list[SearchEntry]) -> int:
    """Read the sources of entries, write the entries, and return the number that were written.

    Entries that changed meanwhile are left out.
    """
    seen = {entry.pk: entry.behind for entry in entries}
    drafts = dict(_drafts_of(entries))
    with _harmless():
        databases.lock()
        # A transaction that changed an entry meanwhile has updated it or marked it again.
        stored = [
            one for one in SearchEntry.objects.filter(pk__in=drafts) if one.behind == seen[one.pk]
        ]
        keep([(one, drafts[one.pk]) for one in stored])
        return len(stored)
    return 0


def _drafts_of(entries: list[SearchEntry]) -> Iterator[tuple[int, Draft]]:
    """Yield each entry's key and draft.

    Entries whose source no longer exists are omitted, because they are deleted with it.
    """
    by_runbook = {entry.runbook_id: entry for entry in entries if entry.runbook_id}
    by_situation = {entry.situation_id: entry for entry in entries if entry.situation_id}
    newer = SearchPlaces.objects.filter(entry__in=entries).exclude(newer="")
    has_newer = set(newer.values_list("entry", flat=True))
    for runbook in index_documents.runbooks_with_sources().filter(pk__in=by_runbook):
        entry = by_runbook[runbook.pk]
        known = None if entry.pk in has_newer else entry.document_id
        yield entry.pk, index_documents.draft_of_runbook(runbook, indexed_document=known)
    for situation in index_documents.situations_with_sources().filter(pk__in=by_situation):
        yield by_situation[situation.pk].pk, index_documents.draft_of_situation(situation)


def _drafts_of_runbooks(
    pks: set[int], *, reread: bool
) -> tuple[list[tuple[SearchEntry, Draft]], list[SearchEntry], list[int]]:
    """Return the runbooks' entries with drafts, and two kinds of exceptions.

    These are the entries without a runbook, and the keys of runbooks whose text is long.
    """
    of_newer = SearchPlaces.objects.filter(entry=OuterRef("pk")).exclude(newer="")
    entries = SearchEntry.objects.filter(runbook__in=pks).annotate(has_newer=Exists(of_newer))
    before: dict[int | None, Any] = {entry.runbook_id: entry for entry in entries}
    drafts, long = [], []
    for runbook in index_documents.runbooks_with_sources().filter(pk__in=pks):
        entry = before.pop(runbook.pk, None)
        # If there is a newer text, the index does not know which one was read.
        known = entry.document_id if entry and not reread and not entry.has_newer else None
        if index_documents.bytes_to_read(runbook, indexed_document=known) > MAX_AT_ONCE_LENGTH:
            long.append(runbook.pk)
            continue
        draft = index_documents.draft_of_runbook(runbook, indexed_document=known)
        drafts.append((entry or SearchEntry(runbook=runbook), draft))
    return drafts, list(before.values()), long


def refresh_texts(runbooks: Iterable[int]) -> None:
    """Update the entries of those runbooks whose page shows another text than was indexed.

    A signature may change the shown text.
    """
    with _harmless():
        refresh(with_another_text(runbooks))


def with_another_text(pks: Iterable[int] | None = None) -> list[int]:
    """Return the keys of runbooks whose page shows another text than was indexed.

    :param pks: primary keys of the runbooks to check; None for all.
    """
    rows = Runbook.objects.with_document().filter(search_entry__isnull=False)
    if pks is not None:
        rows = rows.filter(pk__in=pks)
    indexed = F("search_entry__document__sha256")
    return [
        row.pk
        for row in rows.annotate(indexed=indexed).order_by()
        if row.indexed != _sha256_shown(row)
    ]


def _sha256_shown(runbook: Runbook) -> str | None:
    shown = runbook.shown_document()
    return shown.sha256 if shown else None


def forget(runbooks: Iterable[int] = (), situations: Iterable[int] = ()) -> None:
    """Delete the entries of these runbooks and situations, before those are deleted."""
    with _harmless():
        databases.lock()
        drop(SearchEntry.objects.filter(runbook__in=list(runbooks)))
        drop(SearchEntry.objects.filter(situation__in=list(situations)))


def stamp() -> None:
    """Record that the index or the synonyms changed."""
    with _harmless():
        renew_stamp()


def rebuild() -> int:
    """Rebuild the whole index and return the number of entries.

    Must be called outside a transaction. All entries are marked as behind and updated in portions,
    so that searches and changes go on.
    """
    with transaction.atomic():
        databases.lock()
        if not is_built():
            # The index has another shape. Titles are searched until it is complete again.
            SearchStamp.objects.all().delete()
        everything = (
            model._default_manager.values_list("pk", flat=True) for model in (Runbook, Situation)
        )
        _put_off(*everything, reread=True)
    catch_up()
    _recount()
    return SearchEntry.objects.count()


def _recount() -> None:
    """Count all words again, and mark the index as complete in its present shape."""
    for _ in range(ATTEMPTS):
        stamped = SearchStamp.objects.filter(pk=1).values_list("value", flat=True).first()
        counts = counted()
        with transaction.atomic():
            databases.lock()
            if SearchStamp.objects.filter(pk=1).values_list("value", flat=True).first() == stamped:
                store_counts(counts)
                return
    with transaction.atomic():  # it changes faster than it is read, so others must wait
        databases.lock()
        store_counts(counted())


def _all_drafts() -> Iterator[tuple[SearchEntry, Draft]]:
    with_html = (
        index_documents.runbooks_with_sources()
        .defer(None)
        .defer("document__text", "document__contents")
    )
    for runbook in with_html.iterator(ROWS_AT_ONCE):
        yield (
            SearchEntry(runbook=runbook),
            index_documents.draft_of_runbook(runbook, indexed_document=None),
        )
    for situation in index_documents.situations_with_sources().iterator(ROWS_AT_ONCE):
        yield SearchEntry(situation=situation), index_documents.draft_of_situation(situation)


def staleness(*, thoroughly: bool = False) -> list[str]:
    """Return sentences about what is missing from the index or outdated; empty if it is up to date.

    :param thoroughly: read every source again and compare it, not only check that each has an entry
        with the right document.
    """
    if not databases.standing():
        return ["The full text index is not in the database."]
    if thoroughly and not databases.is_sound():
        return ["The full text index is damaged."]
    if not is_built() and Runbook.objects.exists():
        return ["The index was never built, or in another shape."]
    found = [
        (
            Runbook.objects.filter(search_entry__isnull=True).count(),
            "runbooks are not in the index",
        ),
        (
            Situation.objects.filter(search_entry__isnull=True).count(),
            "situations are not in the index",
        ),
        (SearchEntry.objects.filter(behind__gt=0).count(), "entries are waiting to be rebuilt"),
        (len(with_another_text()), "runbooks are indexed with another text"),
        (
            sum(differs(*pair) for pair in _all_drafts()) if thoroughly else 0,
            "entries say something else",
        ),
    ]
    return [f"{number} {what}." for number, what in found if number]
