"""Keeping the index: rows that are made of the catalogue and follow it in the same transaction."""

import logging
import secrets
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.db.models import Exists, F, OuterRef

from runbooks.models import Runbook, SearchEntry, SearchPassage, SearchStamp, SearchWord, Situation
from runbooks.models.search import NO_SECTION
from runbooks.search import databases, index_documents
from runbooks.search.index_documents import Draft
from runbooks.search.text import folded

logger = logging.getLogger(__name__)
# Grows when the index is made another way: `migrate` then builds it anew.
SHAPE = 3
ROWS_AT_ONCE = 200
RUNBOOKS_AT_ONCE = 1_000
# So many entries are made anew in the transaction of the change; more wait until it has committed.
MAX_AT_ONCE = 20
# Bytes of a text that is read in the transaction of the change. Reading 100 KB takes about 0.1 s.
MAX_AT_ONCE_LENGTH = 100_000
# Entries, and bytes of their texts, that are written in one transaction when many are behind: about
# 0.1 s.
ENTRIES_AT_ONCE, BYTES_AT_ONCE = 50, 100_000
# Seconds that a change of many runbooks goes on reading after its commit; `tick` does the rest.
PATIENCE = 20.0
ATTEMPTS = 3
MAX_MARK_BYTES = 2**31 - 1
WORDS_AT_ONCE = 5_000  # SQLite takes 32,766 values in one query at least


@dataclass(slots=True)
class _Held:
    runbooks: set[int] = field(default_factory=set)
    situations: set[int] = field(default_factory=set)


_held: ContextVar[_Held | None] = ContextVar("search_index_held", default=None)


@contextmanager
def deferred() -> Iterator[None]:
    """Put off the refreshing of what changes inside the block to its end; for a caller that writes much.

    Belongs inside the transaction of the writes: what is then behind is noted with them.
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
    """All or nothing; and an index that is broken stops no write of the catalogue.

    A readiness must come down whatever the search is like. What else goes wrong, such as a lock, is
    raised as ever. Without its stamp nobody takes the index for a present one: titles are searched
    until it is rebuilt.
    """
    try:
        with transaction.atomic():
            yield
    except DatabaseError:
        # SQLite ends the whole transaction when it meets damaged pages: then there is nothing to go
        # on with.
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
    """Make the entries of these anew; of one that is gone, the entry goes too.

    A few are made anew at once, in the transaction of the change. Of many, or of a long text, it is
    only noted that they are behind: reading them must hold no lock. ``catch_up`` follows after the
    commit.

    :param runbooks: primary keys.
    :param situations: primary keys.
    :param reread: read the documents again though they are the ones that were indexed.
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
        _keep(drafts)
        _drop([*gone, *old.values()])
        if long:
            _put_off(long, (), reread=reread)


def _put_off(runbooks: Iterable[int], situations: Iterable[int], *, reread: bool) -> None:
    """Note that the entries of these are behind, and catch up once the transaction has committed."""
    # Another number each time: one that was made anew and is behind once more is not taken for the
    # one before.
    mark = secrets.randbelow(MAX_MARK_BYTES) + 1
    noted = {"behind": mark} | ({"document": None} if reread else {})
    for name, model, keys in (("runbook", Runbook, runbooks), ("situation", Situation, situations)):
        for part in _parts(sorted(keys)):
            entries = SearchEntry.objects.filter(**{f"{name}__in": part})
            known = set(entries.values_list(f"{name}_id", flat=True))
            entries.update(**noted)
            new = model._default_manager.filter(pk__in=set(part) - known).values_list(
                "pk", flat=True
            )
            # An entry without a word, which no search finds, so that whoever fills it meets no
            # other who does.
            blank = (SearchEntry(**{f"{name}_id": pk}, behind=mark) for pk in new)
            SearchEntry.objects.bulk_create(blank, batch_size=RUNBOOKS_AT_ONCE)
    transaction.on_commit(lambda: catch_up(seconds=PATIENCE), robust=True)


def catch_up(*, seconds: float | None = None) -> int:
    """Make anew the entries that are behind; returns how many. Belongs outside a transaction.

    The sources are read without a lock, a portion at a time, and each portion is written in a short
    transaction. An entry that changes in between is left to the next portion. Who is killed on the
    way leaves the rest noted as behind: the next call goes on with it.

    :param seconds: stop after so long; None goes on until none is behind.
    """
    until = time.monotonic() + seconds if seconds is not None else None
    done = 0
    while made := _catch_up_once(until):  # again: some may have changed in between
        done += made
    return done


def _catch_up_once(until: float | None) -> int:
    """Go once through the entries that are behind; returns how many were made anew."""
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
    """The first entries, as many as have no more text together than is written at once; one at least."""
    portion: list[SearchEntry] = []
    room = BYTES_AT_ONCE
    for entry in entries:
        room -= entry.size or 0
        if portion and room < 0:
            break
        portion.append(entry)
    return portion


def _catch_up_with(entries: list[SearchEntry]) -> int:
    """Read the sources of some entries, then write those that did not change meanwhile; returns how many."""
    seen = {entry.pk: entry.behind for entry in entries}
    drafts = dict(_drafts_of(entries))
    with _harmless():
        databases.lock()
        # Whoever changed one in the meantime has made it anew, or has noted it once more.
        stored = [
            one for one in SearchEntry.objects.filter(pk__in=drafts) if one.behind == seen[one.pk]
        ]
        _keep([(one, drafts[one.pk]) for one in stored])
        return len(stored)
    return 0


def _drafts_of(entries: list[SearchEntry]) -> Iterator[tuple[int, Draft]]:
    """What each entry, by its key, should say. One whose source is gone goes with it, and is left out."""
    by_runbook = {entry.runbook_id: entry for entry in entries if entry.runbook_id}
    by_situation = {entry.situation_id: entry for entry in entries if entry.situation_id}
    newer = SearchPassage.objects.filter(entry__in=entries, folded_heading=NO_SECTION)
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
    """Each runbook's entry with what it should say; the entries whose runbook is gone; and whose text is long."""
    of_newer = SearchPassage.objects.filter(folded_heading=NO_SECTION, entry=OuterRef("pk"))
    entries = SearchEntry.objects.filter(runbook__in=pks).annotate(has_newer=Exists(of_newer))
    before: dict[int | None, Any] = {entry.runbook_id: entry for entry in entries}
    drafts, long = [], []
    for runbook in index_documents.runbooks_with_sources().filter(pk__in=pks):
        entry = before.pop(runbook.pk, None)
        # Of a newer text it is not known which one was read.
        known = entry.document_id if entry and not reread and not entry.has_newer else None
        if index_documents.bytes_to_read(runbook, indexed_document=known) > MAX_AT_ONCE_LENGTH:
            long.append(runbook.pk)
            continue
        draft = index_documents.draft_of_runbook(runbook, indexed_document=known)
        drafts.append((entry or SearchEntry(runbook=runbook), draft))
    return drafts, list(before.values()), long


def refresh_texts(runbooks: Iterable[int]) -> None:
    """Follow a signature: of these, make the entries anew whose page shows another text than they were made of."""
    with _harmless():
        refresh(with_another_text(runbooks))


def with_another_text(pks: Iterable[int] | None = None) -> list[int]:
    """Keys of the runbooks, all or some, whose entry was made of another text than their page shows."""
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
    """Take the entries of these out of the index, before they are deleted."""
    with _harmless():
        databases.lock()
        _drop(SearchEntry.objects.filter(runbook__in=list(runbooks)))
        _drop(SearchEntry.objects.filter(situation__in=list(situations)))


def stamp() -> None:
    """Say that the index or the synonyms changed."""
    with _harmless():
        _renew_stamp()


def _renew_stamp() -> None:
    """Another value, where there is one; a random one: a number could come again after a rollback."""
    SearchStamp.objects.filter(pk=1).update(value=secrets.token_hex(16))


def rebuild() -> int:
    """Make the whole index anew; returns the number of entries. Belongs outside a transaction.

    Everything is noted as behind, and made anew a portion at a time: searches and changes go on.
    """
    with transaction.atomic():
        databases.lock()
        if not is_built():
            SearchStamp.objects.all().delete()  # of another shape: titles are searched until this one is whole
        everything = (
            model._default_manager.values_list("pk", flat=True) for model in (Runbook, Situation)
        )
        _put_off(*everything, reread=True)
    catch_up()
    _recount()
    return SearchEntry.objects.count()


def _recount() -> None:
    """Count the words anew, and say that the index is whole in its present shape."""
    for _ in range(ATTEMPTS):
        stamped = SearchStamp.objects.filter(pk=1).values_list("value", flat=True).first()
        counts = _counted()
        with transaction.atomic():
            databases.lock()
            if SearchStamp.objects.filter(pk=1).values_list("value", flat=True).first() == stamped:
                _store_counts(counts)
                return
    with transaction.atomic():  # it changes faster than it is read: now nobody else may
        databases.lock()
        _store_counts(_counted())


def _counted() -> Counter[str]:
    counts: Counter[str] = Counter()
    for entry in SearchEntry.objects.only(*SearchEntry.COLUMNS).iterator(ROWS_AT_ONCE):
        counts.update(entry.all_words())
    return counts


def _store_counts(counts: Counter[str]) -> None:
    SearchWord.objects.all().delete()
    words = (SearchWord(word=word, count=count) for word, count in counts.items())
    SearchWord.objects.bulk_create(words, batch_size=ROWS_AT_ONCE)
    SearchStamp.objects.update_or_create(
        pk=1, defaults={"value": secrets.token_hex(16), "shape": SHAPE}
    )


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


def is_built() -> bool:
    """Whether it was ever made, in its present shape."""
    return SearchStamp.objects.filter(pk=1, shape=SHAPE).exists()


def staleness(*, thoroughly: bool = False) -> list[str]:
    """What the index lacks or has too much of, as sentences; empty when it is up to date.

    :param thoroughly: read every source again and compare, not only who is there and with which
        document.
    """
    if not databases.standing():
        return ["The full text index is not in the database."]
    if thoroughly and not databases.is_sound():
        return ["The full text index is damaged."]
    if not is_built() and Runbook.objects.exists():
        return ["The index was never built, or in another shape."]
    found = [
        (Runbook.objects.filter(search_entry__isnull=True).count(), "runbooks are not in the index"),
        (Situation.objects.filter(search_entry__isnull=True).count(), "situations are not in the index"),
        (SearchEntry.objects.filter(behind__gt=0).count(), "entries are waiting to be rebuilt"),
        (len(with_another_text()), "runbooks are indexed with another text"),
        (sum(_differs(*pair) for pair in _all_drafts()) if thoroughly else 0, "entries say something else"),
    ]  # fmt: skip
    return [f"{number} {what}." for number, what in found if number]


def _differs(entry: SearchEntry, draft: Draft) -> bool:
    stored = SearchEntry.objects.filter(
        runbook=entry.runbook_id, situation=entry.situation_id
    ).first()
    if stored is None or any(
        getattr(stored, name) != value for name, value in draft.columns.items()
    ):
        return True
    names = ("position", "heading", "anchor", "text", "folded_heading", "folded")
    wanted = [
        tuple(getattr(passage, name) for name in names) for passage in _passages(stored, draft)
    ]
    return wanted != list(stored.passages.order_by("position").values_list(*names))


def _keep(drafts: list[tuple[SearchEntry, Draft]]) -> None:
    """Write the entries that differ, and count their words: in a number of queries that grows with the changed ones alone."""
    counts: Counter[str] = Counter()
    differing = [pair for pair in drafts if _is_to_be_written(*pair)]
    for entry, draft in differing:
        counts.subtract(entry.all_words() if entry.pk else ())
        _fill(entry, draft)
        counts.update(entry.all_words())
    _write(differing)
    _count(counts)


def _is_to_be_written(entry: SearchEntry, draft: Draft) -> bool:
    is_same = all(getattr(entry, name) == value for name, value in draft.columns.items())
    return not (entry.pk and draft.passages is None and is_same and not entry.behind)


def _fill(entry: SearchEntry, draft: Draft) -> None:
    for name, value in draft.columns.items():
        setattr(entry, name, value)
    entry.document_id = draft.document_id
    entry.behind = 0


def _write(pairs: list[tuple[SearchEntry, Draft]]) -> None:
    stored = [(entry, draft) for entry, draft in pairs if entry.pk]
    for entry, _ in stored:
        entry.save()
    reread = [entry.pk for entry, draft in stored if draft.passages is not None]
    SearchPassage.objects.filter(entry__in=reread).delete()
    SearchEntry.objects.bulk_create(
        [entry for entry, _ in pairs if not entry.pk], batch_size=ROWS_AT_ONCE
    )
    passages = (passage for entry, draft in pairs for passage in _passages(entry, draft))
    SearchPassage.objects.bulk_create(passages, batch_size=ROWS_AT_ONCE)


def _passages(entry: SearchEntry, draft: Draft) -> Iterator[SearchPassage]:
    for position, passage in enumerate(draft.passages or ()):
        text = passage.text[: index_documents.MAX_BODY_LENGTH]
        yield SearchPassage(
            entry=entry,
            position=position,
            heading=passage.heading,
            anchor=passage.anchor,
            text=text,
            folded_heading=folded(passage.heading),
            folded=folded(text),
        )
    if draft.newer:
        after = len(draft.passages or ())
        yield SearchPassage(
            entry=entry,
            position=after,
            heading="",
            anchor="",
            text="",
            folded_heading=NO_SECTION,
            folded=draft.newer,
        )


def _drop(entries: Iterable[SearchEntry]) -> None:
    counts: Counter[str] = Counter()
    for entry in entries:
        counts.subtract(entry.all_words())
        entry.delete()
    _count(counts)


def _count(counts: Counter[str]) -> None:
    """Add to the numbers of entries that hold a word, or take away; a word that none holds is forgotten."""
    changed = {word: step for word, step in counts.items() if step}
    if not changed:
        return
    known: set[str] = set()
    for words in _parts(sorted(changed)):
        known.update(SearchWord.objects.filter(word__in=words).values_list("word", flat=True))
    for step in set(changed.values()):
        for words in _parts([word for word, by in changed.items() if by == step and word in known]):
            SearchWord.objects.filter(word__in=words).update(count=F("count") + step)
    new = (SearchWord(word=word, count=step) for word, step in changed.items() if word not in known)
    SearchWord.objects.bulk_create(new, batch_size=ROWS_AT_ONCE)
    SearchWord.objects.filter(count=0).delete()
    _renew_stamp()


def _parts(values: list[Any], size: int = WORDS_AT_ONCE) -> Iterator[list[Any]]:
    return (values[start : start + size] for start in range(0, len(values), size))
