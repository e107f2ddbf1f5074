"""Keeping the index: rows that are made of the catalogue and follow it in the same transaction."""

import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import F

from runbooks.models import Runbook, SearchEntry, SearchPassage, SearchStamp, SearchWord, Situation
from runbooks.search import databases, sources
from runbooks.search.sources import Draft
from runbooks.search.text import folded

# Grows when the index is made another way: `migrate` then builds it anew.
SHAPE = 2
ROWS_AT_ONCE = 200
RUNBOOKS_AT_ONCE = 1_000
WORDS_AT_ONCE = 5_000  # SQLite takes 32,766 values in one query at least


@dataclass(slots=True)
class _Held:
    runbooks: set[int] = field(default_factory=set)
    situations: set[int] = field(default_factory=set)


_held: ContextVar[_Held | None] = ContextVar("search_index_held", default=None)


@contextmanager
def held() -> Iterator[None]:
    """Put off the refreshing of what changes inside the block to its end; for a caller that writes much.

    Belongs inside the transaction of the writes: the index then changes with them.
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
    # In portions: thousands of runbooks with all that is said of them are more than should be held at once.
    for runbooks in _parts(sorted(waiting.runbooks), RUNBOOKS_AT_ONCE):
        refresh(runbooks)
    for situations in _parts(sorted(waiting.situations), RUNBOOKS_AT_ONCE):
        refresh(situations=situations)


def refresh(runbooks: Iterable[int] = (), situations: Iterable[int] = (), *, reread: bool = False) -> None:
    """Make the entries of these anew; of one that is gone, the entry goes too.

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
    with transaction.atomic():
        before = {entry.runbook_id: entry for entry in SearchEntry.objects.filter(runbook__in=wanted_runbooks)}
        drafts: list[tuple[SearchEntry, Draft]] = []
        for runbook in sources.runbooks_with_sources().filter(pk__in=wanted_runbooks):
            entry = before.pop(runbook.pk, None)
            known = entry.document_id if entry and not reread else None
            draft = sources.draft_of_runbook(runbook, indexed_document=known)
            drafts.append((entry or SearchEntry(runbook=runbook), draft))
        found = SearchEntry.objects.filter(situation__in=wanted_situations)
        old: dict[int | None, SearchEntry] = {entry.situation_id: entry for entry in found}
        for situation in sources.situations_with_sources().filter(pk__in=wanted_situations):
            entry = old.pop(situation.pk, SearchEntry(situation=situation))
            drafts.append((entry, sources.draft_of_situation(situation)))
        _keep(drafts)
        _drop([*before.values(), *old.values()])


def forget(runbooks: Iterable[int] = (), situations: Iterable[int] = ()) -> None:
    """Take the entries of these out of the index, before they are deleted."""
    with transaction.atomic():
        _drop(SearchEntry.objects.filter(runbook__in=list(runbooks)))
        _drop(SearchEntry.objects.filter(situation__in=list(situations)))


def stamp() -> None:
    """Say that the index or the synonyms changed. A random value: a number could come again after a rollback."""
    value = secrets.token_hex(16)
    if not SearchStamp.objects.filter(pk=1).update(value=value, shape=SHAPE):
        SearchStamp.objects.create(pk=1, value=value, shape=SHAPE)


def rebuild() -> int:
    """Make the whole index anew; returns the number of entries."""
    with transaction.atomic():
        for model in (SearchPassage, SearchEntry, SearchWord):
            model.objects.all().delete()
        counts: Counter[str] = Counter()
        made = 0
        for entry, draft in _all_drafts():
            _fill(entry, draft)
            _write([(entry, draft)])
            counts.update(entry.all_words())
            made += 1
        words = (SearchWord(word=word, count=count) for word, count in counts.items())
        SearchWord.objects.bulk_create(words, batch_size=ROWS_AT_ONCE)
        stamp()
    return made


def _all_drafts() -> Iterator[tuple[SearchEntry, Draft]]:
    for runbook in sources.runbooks_with_sources().select_related("document").iterator(ROWS_AT_ONCE):
        yield SearchEntry(runbook=runbook), sources.draft_of_runbook(runbook, indexed_document=None)
    for situation in sources.situations_with_sources().iterator(ROWS_AT_ONCE):
        yield SearchEntry(situation=situation), sources.draft_of_situation(situation)


def behind(*, thoroughly: bool = False) -> list[str]:
    """What the index lacks or has too much of, as sentences; empty when it is up to date.

    :param thoroughly: read every source again and compare, not only who is there and with which document.
    """
    if not databases.standing():
        return ["The full text index is not in the database."]
    if not SearchStamp.objects.filter(pk=1, shape=SHAPE).exists() and Runbook.objects.exists():
        return ["The index was never built, or in another shape."]
    found = [
        (Runbook.objects.filter(search_entry__isnull=True).count(), "runbooks are not in the index"),
        (Situation.objects.filter(search_entry__isnull=True).count(), "situations are not in the index"),
        (
            SearchEntry.objects.exclude(runbook=None).exclude(document=F("runbook__document")).filter(
                runbook__document__isnull=False
            ).count(),
            "runbooks are indexed with another text",
        ),
        (sum(_differs(*pair) for pair in _all_drafts()) if thoroughly else 0, "entries say something else"),
    ]  # fmt: skip
    return [f"{number} {what}." for number, what in found if number]


def _differs(entry: SearchEntry, draft: Draft) -> bool:
    stored = SearchEntry.objects.filter(runbook=entry.runbook_id, situation=entry.situation_id).first()
    return stored is None or any(getattr(stored, name) != value for name, value in draft.columns.items())


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
    return not (entry.pk and draft.passages is None and is_same)


def _fill(entry: SearchEntry, draft: Draft) -> None:
    for name, value in draft.columns.items():
        setattr(entry, name, value)
    entry.document_id = draft.document_id


def _write(pairs: list[tuple[SearchEntry, Draft]]) -> None:
    stored = [(entry, draft) for entry, draft in pairs if entry.pk]
    for entry, _ in stored:
        entry.save()
    reread = [entry.pk for entry, draft in stored if draft.passages is not None]
    SearchPassage.objects.filter(entry__in=reread).delete()
    SearchEntry.objects.bulk_create([entry for entry, _ in pairs if not entry.pk], batch_size=ROWS_AT_ONCE)
    passages = (passage for entry, draft in pairs for passage in _passages(entry, draft))
    SearchPassage.objects.bulk_create(passages, batch_size=ROWS_AT_ONCE)


def _passages(entry: SearchEntry, draft: Draft) -> Iterator[SearchPassage]:
    for position, passage in enumerate(draft.passages or ()):
        text = passage.text[: sources.LONGEST_BODY]
        yield SearchPassage(
            entry=entry,
            position=position,
            heading=passage.heading,
            anchor=passage.anchor,
            text=text,
            folded_heading=folded(passage.heading),
            folded=folded(text),
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
    stamp()


def _parts(values: list[Any], size: int = WORDS_AT_ONCE) -> Iterator[list[Any]]:
    return (values[start : start + size] for start in range(0, len(values), size))
