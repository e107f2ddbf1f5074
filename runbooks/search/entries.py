"""The rows of the index: written as drafts say, counted word by word, and compared with drafts.

When they are written is decided in ``runbooks.search.index``. Whoever writes here holds the lock of
``runbooks.search.databases``.
"""

import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import F

from runbooks.models import SearchEntry, SearchPassage, SearchPlaces, SearchStamp, SearchWord
from runbooks.search.index_documents import MAX_BODY_LENGTH, Draft

# Grows when the index is made another way: `migrate` then builds it anew.
SHAPE = 4
ROWS_AT_ONCE = 200
WORDS_AT_ONCE = 5_000  # SQLite takes 32,766 values in one query at least


def is_built() -> bool:
    """Whether it was ever made, in its present shape."""
    return SearchStamp.objects.filter(pk=1, shape=SHAPE).exists()


def renew_stamp() -> None:
    """Another value, where there is one; a random one: a number could come again after a rollback."""
    SearchStamp.objects.filter(pk=1).update(value=secrets.token_hex(16))


def counted() -> Counter[str]:
    """Return in how many entries each word stands. Reads all of them."""
    counts: Counter[str] = Counter()
    for entry in SearchEntry.objects.only(*SearchEntry.COLUMNS).iterator(ROWS_AT_ONCE):
        counts.update(entry.all_words())
    return counts


def store_counts(counts: Counter[str]) -> None:
    """Replace all words with these, and say that the index is whole in its present shape."""
    SearchWord.objects.all().delete()
    words = (SearchWord(word=word, count=count) for word, count in counts.items())
    SearchWord.objects.bulk_create(words, batch_size=ROWS_AT_ONCE)
    SearchStamp.objects.update_or_create(
        pk=1, defaults={"value": secrets.token_hex(16), "shape": SHAPE}
    )


def keep(drafts: list[tuple[SearchEntry, Draft]]) -> None:
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
    """Delete entries, and take away their words."""
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
    """Return whether what is stored of an entry's source is not what the draft says."""
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
