"""Content of the index: drafts of the entries, made from the live rows."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.db.models import Prefetch, QuerySet

from runbooks.models import Document, Runbook, SectionEntry, Situation, SituationRunbook
from runbooks.search.passages import Passage, passages_of
from runbooks.search.places import written
from runbooks.search.text import comparable, folded, index_words, padded

# A document of 2 MB is not a usable runbook, and PostgreSQL's limit for a vector is 1 MB.
MAX_BODY_LENGTH = 300_000
MAX_NAME_LENGTH = 60
MAX_NEWER_LENGTH = 30_000

# Sources of further names of a runbook, besides its title. A new one needs a line here, and one in
# `signals.AFFECTED`.
NAMES: tuple[Callable[[Any], Iterable[str]], ...] = (
    lambda runbook: (alias.name for alias in runbook.read_aliases),
)


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry as it should be.

    ``passages`` is None if the document is the indexed one and was not read again. ``newer`` are
    the words, padded, that only a newer, unsigned text has; empty if there are none.
    """

    columns: dict[str, str]
    document_id: int | None = None
    passages: list[Passage] | None = field(default_factory=list)
    newer: str = ""
    # Positions of the document's words, in the format of ``runbooks.search.places.written``.
    places: str = ""


def runbooks_with_sources() -> QuerySet[Runbook]:
    """Return the runbooks with all that is indexed. A document's HTML is loaded on access."""
    return (
        Runbook.objects.with_document()
        .select_related("primary_cluster")
        .prefetch_related(
            # To plain lists, because a related manager for each row costs more than the row.
            Prefetch("layers", to_attr="read_layers"),
            Prefetch("related_clusters", to_attr="read_related_clusters"),
            Prefetch("code_references", to_attr="read_code_references"),
            Prefetch("aliases", to_attr="read_aliases"),
            Prefetch(
                "situation_steps",
                SituationRunbook.objects.select_related("situation")
                .prefetch_related("situation__steps")  # to find the first one
                .order_by("position", "pk"),
                to_attr="read_situation_steps",
            ),
            Prefetch(
                "section_entries",
                SectionEntry.objects.select_related("section").order_by("section__number", "pk"),
                to_attr="read_section_entries",
            ),
        )
        .order_by("pk")
    )


def situations_with_sources() -> QuerySet[Situation]:
    """Return the situations with the runbooks they lead to."""
    steps = Prefetch(
        "steps", SituationRunbook.objects.select_related("runbook").order_by("position", "pk")
    )
    return Situation.objects.prefetch_related(steps).order_by("pk")


def names_of(runbook: Any) -> list[str]:
    """Return the names of a runbook besides its title."""
    return [name for source in NAMES for name in source(runbook) if name]


def runbook_columns(runbook: Any) -> dict[str, str]:
    """Return the columns of a runbook, without those of its document.

    :param runbook: a row of ``runbooks_with_sources``.
    """
    names = names_of(runbook)
    steps = runbook.read_situation_steps
    first = [step.situation for step in steps if step.position <= _first_position(step)]
    later = [step.situation for step in steps if step.situation not in first]
    clusters = [*filter(None, [runbook.primary_cluster]), *runbook.read_related_clusters]
    facts = [
        runbook.scope,
        runbook.slug,
        *(str(cluster) for cluster in clusters),
        *(cluster.title for cluster in clusters),
        *(layer.title for layer in runbook.read_layers),
        runbook.version,
        runbook.document_path,
        runbook.owner,
        *(situation.comment for situation in first),
        *(
            f"{entry.section.title} {entry.heading} {entry.role}"
            for entry in runbook.read_section_entries
        ),
        *(f"{code.path} {code.description}" for code in runbook.read_code_references),
    ]
    return {
        "title": folded(runbook.title),
        "names": _folded_lines([*names, *(situation.title for situation in first)]),
        # The primary cluster says more about a runbook than a related one.
        "later_names": _folded_lines(
            [*(situation.title for situation in later), str(runbook.primary_cluster or "")]
        ),
        "facts": _folded_lines(facts),
        "exact_titles": _lines([runbook.title, *names]),
        "exact_names": _lines(situation.title for situation in first),
    }


def situation_columns(situation: Situation) -> dict[str, str]:
    """Return the columns of a situation."""
    labels = (situation.alert_category, situation.alert_source, situation.alert_severity)
    return {
        "title": folded(situation.title),
        "names": "",
        "later_names": _folded_lines(step.runbook.title for step in situation.steps.all()),
        "headings": "",
        "facts": _folded_lines([situation.comment, *labels]),
        "body": "",
        "exact_titles": _lines([situation.title]),
        "exact_names": "",
    }


def document_columns(words: list[tuple[list[str], list[str]]]) -> dict[str, str]:
    """Return the columns of a document.

    :param words: for each passage, the words of its heading and those of its text.
    """
    headings, texts = ([word for part in words for word in part[side]] for side in (0, 1))
    return {"headings": padded(headings), "body": _cut(padded(texts), MAX_BODY_LENGTH)}


def bytes_to_read(runbook: Any, *, indexed_document: int | None) -> int:
    """Return the size in bytes of the texts that ``draft_of_runbook`` reads for a runbook."""
    shown = runbook.shown_document()
    newer = runbook.document if runbook.text_changed and runbook.document != shown else None
    if newer is None and shown is not None and shown.pk == indexed_document:
        return 0
    return sum(document.size for document in (shown, newer) if document is not None)


def draft_of_runbook(runbook: Any, *, indexed_document: int | None) -> Draft:
    """Return the draft of a runbook's entry, from the text that its page shows.

    The words that only a newer, unsigned text has are kept apart.

    :param indexed_document: the key of the document that was indexed, if no newer one was; it is
        not read again, because a stored text never changes.
    """
    columns = runbook_columns(runbook)
    shown = runbook.shown_document()
    newer = runbook.document if runbook.text_changed and runbook.document != shown else None
    document_id = shown.pk if shown else None
    if shown and newer is None and document_id == indexed_document:
        return Draft(columns, document_id, None)
    passages = passages_of(shown.html) if shown else []
    words = [(index_words(each.heading), index_words(each.text)) for each in passages]
    columns |= document_columns(words)
    only_newer = _only_in(newer, columns) if newer else ""
    # The databases search words only in the columns.
    columns["body"] += only_newer.lstrip()
    places = written(words) if passages else ""
    return Draft(columns, document_id, passages, only_newer, places)


def _only_in(newer: Document, columns: dict[str, str]) -> str:
    """Return the words, each once, that only a newer text has; empty if there are none.

    :param columns: the columns of the shown text.
    """
    shown = {*columns["headings"].split(), *columns["body"].split()}
    words = (
        word
        for each in passages_of(newer.html)
        for word in index_words(f"{each.heading} {each.text}")
    )
    new = [word for word in dict.fromkeys(words) if word not in shown]
    return _cut(padded(new), MAX_NEWER_LENGTH) if new else ""


def draft_of_situation(situation: Situation) -> Draft:
    """Return the draft of a situation's entry."""
    return Draft(situation_columns(situation))


def _first_position(step: Any) -> int:
    """Return the position of the first step of the same situation."""
    return min(other.position for other in step.situation.steps.all())


def _cut(text: str, longest: int) -> str:
    """Return as many words of a padded text as fit into a length."""
    return text if len(text) <= longest else text[: text.rindex(" ", 0, longest) + 1]


def _folded_lines(texts: Iterable[str]) -> str:
    return padded([word for text in texts if text for word in _words_of(text)])


def _words_of(text: str) -> Iterable[str]:
    return _words_of_name(text) if len(text) <= MAX_NAME_LENGTH else index_words(text)


@lru_cache(maxsize=4_096)
def _words_of_name(text: str) -> tuple[str, ...]:
    """Return the words of a short text, cached because many runbooks share a cluster or a layer."""
    return tuple(index_words(text))


def _lines(texts: Iterable[str]) -> str:
    return "\n".join(comparable(text) for text in texts if text)
