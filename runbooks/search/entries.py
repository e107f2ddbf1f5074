"""Rows of the index: writing them from drafts, counting their words, and comparing both.

``runbooks.search.index`` decides when they are written. A caller that writes must hold the lock of
``runbooks.search.databases``.
"""

import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import F

from runbooks.models import SearchEntry, SearchPassage, SearchPlaces, SearchStamp, SearchWord
from runbooks.search.index_documents import MAX_BODY_LENGTH, Draft

# Increase it if the content of the index changes: `migrate` then rebuilds it.
SHAPE = 4
ROWS_AT_ONCE = 200
WORDS_AT_ONCE = 5_000  # SQLite allows at least 32,766 values in one query


def is_built() -> bool:
    """Return whether the index was built, in its present shape."""
    return SearchStamp.objects.filter(pk=1, shape=SHAPE).exists()


def renew_stamp() -> None:
    """Change the stamp if there is one.

    The value is random, because a number could come again after a rollback.
    """
    SearchStamp.objects.filter(pk=1).update(value=secrets.token_hex(16))


def counted() -> Counter[str]:
    """Return the number of entries that contain each word. Reads all entries."""
    counts: Counter[str] = Counter()
    for entry in SearchEntry.objects.only(*SearchEntry.COLUMNS).iterator(ROWS_AT_ONCE):
        counts.update(entry.all_words())
    return counts


def store_counts(counts: Counter[str]) -> None:
    """Replace all word counts, and mark the index as complete in its present shape."""
    SearchWord.objects.all().delete()
    words = (SearchWord(word=word, count=count) for word, count in counts.items())
    SearchWord.objects.bulk_create(words, batch_size=ROWS_AT_ONCE)
    SearchStamp.objects.update_or_create(
        pk=1, defaults={"value": secrets.token_hex(16), "shape": SHAPE}
    )


def keep(drafts: list[tuple[SearchEntry, Draft]]) -> None:
    """Write the entries that differ from their drafts, and count their words.

    The number of queries grows only with the number of changed entries.
    """
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
    SearchPlaces.objects.filter(entry__in=reread).delete()
    places = (_places(entry, draft) for entry, draft in pairs if draft.passages or draft.newer)
    SearchPlaces.objects.bulk_create(places, batch_size=ROWS_AT_ONCE)


def _passages(entry: SearchEntry, draft: Draft) -> Iterator[SearchPassage]:
    for position, passage in enumerate(draft.passages or ()):
        yield SearchPassage(
            entry=entry,
            position=position,
            heading=passage.heading,
            anchor=passage.anchor,
            text=passage.text[:MAX_BODY_LENGTH],
        )


def _places(entry: SearchEntry, draft: Draft) -> SearchPlaces:
    return SearchPlaces(entry=entry, words=draft.places, newer=draft.newer)


def drop(entries: Iterable[SearchEntry]) -> None:
    """Delete entries and subtract their words from the counts."""
    counts: Counter[str] = Counter()
    for entry in entries:
        counts.subtract(entry.all_words())
        entry.delete()
    _count(counts)


def _count(counts: Counter[str]) -> None:
    """Add the differences to the word counts; delete words that no entry contains any more."""
    changed = {word: step for word, step in counts.items() if step}
    if not changed:
        return
    known: set[str] = set()
    for words in parts(sorted(changed)):
        known.update(SearchWord.objects.filter(word__in=words).values_list("word", flat=True))
    for step in set(changed.values()):
        for words in parts([word for word, by in changed.items() if by == step and word in known]):
            SearchWord.objects.filter(word__in=words).update(count=F("count") + step)
    new = (SearchWord(word=word, count=step) for word, step in changed.items() if word not in known)
    SearchWord.objects.bulk_create(new, batch_size=ROWS_AT_ONCE)
    SearchWord.objects.filter(count=0).delete()
    renew_stamp()


def parts(values: list[Any], size: int = WORDS_AT_ONCE) -> Iterator[list[Any]]:
    """Return values in lists that fit into one query."""
    return (values[start : start + size] for start in range(0, len(values), size))


def differs(entry: SearchEntry, draft: Draft) -> bool:
    """Return whether the stored entry of the same source differs from the draft.

    :param entry: an entry that names the runbook or the situation.
    """
    stored = SearchEntry.objects.filter(
        runbook=entry.runbook_id, situation=entry.situation_id
    ).first()
    if stored is None or any(
        getattr(stored, name) != value for name, value in draft.columns.items()
    ):
        return True
    names = ("position", "heading", "anchor", "text")
    wanted = [
        tuple(getattr(passage, name) for name in names) for passage in _passages(stored, draft)
    ]
    places = SearchPlaces.objects.filter(entry=stored).values_list("words", "newer").first()
    return wanted != list(stored.passages.order_by("position").values_list(*names)) or (
        (places or ("", "")) != (draft.places, draft.newer)
    )
