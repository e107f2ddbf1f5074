"""What the index says of a runbook or a situation, read from the live rows."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.db.models import Prefetch, QuerySet

from runbooks.models import Document, Runbook, SectionEntry, Situation, SituationRunbook
from runbooks.search.passages import Passage, passages_of
from runbooks.search.places import written
from runbooks.search.text import comparable, folded, index_words, padded

# A document of 2 MB is no runbook that anyone follows; PostgreSQL takes no vector above 1 MB.
MAX_BODY_LENGTH = 300_000
MAX_NAME_LENGTH = 60
MAX_NEWER_LENGTH = 30_000

# Further names of a runbook, beside its title. A source of them is one line here, and one in
# `signals.AFFECTED`.
NAMES: tuple[Callable[[Any], Iterable[str]], ...] = (
    lambda runbook: (alias.name for alias in runbook.read_aliases),
)


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry as it should be. ``passages`` is None where the document stayed the same and is not read again.

    ``newer`` are the words, padded, that only a newer, unsigned text has; empty where there is
    none.
    """

    columns: dict[str, str]
    document_id: int | None = None
    passages: list[Passage] | None = field(default_factory=list)
    newer: str = ""
    # Where each word of the document stands, as ``runbooks.search.places.written`` makes it.
    places: str = ""


def runbooks_with_sources() -> QuerySet[Runbook]:
    """Runbooks with all that the index says of them; a document's HTML is read when it is asked for."""
    return (
        Runbook.objects.with_document()
        .select_related("primary_cluster")
        .prefetch_related(
            # Into plain lists: a related manager for each row costs more than the row.
            Prefetch("layers", to_attr="read_layers"),
            Prefetch("related_clusters", to_attr="read_related_clusters"),
            Prefetch("code_references", to_attr="read_code_references"),
            Prefetch("aliases", to_attr="read_aliases"),
            Prefetch(
                "situation_steps",
                SituationRunbook.objects.select_related("situation")
                .prefetch_related("situation__steps")  # which of them is the first
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
    """Situations with the runbooks they lead to."""
    steps = Prefetch(
        "steps", SituationRunbook.objects.select_related("runbook").order_by("position", "pk")
    )
    return Situation.objects.prefetch_related(steps).order_by("pk")


def names_of(runbook: Any) -> list[str]:
    """What a runbook is called beside its title."""
    return [name for source in NAMES for name in source(runbook) if name]


def runbook_columns(runbook: Any) -> dict[str, str]:
    """The words of a runbook of ``runbooks_with_sources``, all but those of its document."""
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
        # Its own cluster tells more of it than a related one.
        "later_names": _folded_lines(
            [*(situation.title for situation in later), str(runbook.primary_cluster or "")]
        ),
        "facts": _folded_lines(facts),
        "exact_titles": _lines([runbook.title, *names]),
        "exact_names": _lines(situation.title for situation in first),
    }


def situation_columns(situation: Situation) -> dict[str, str]:
    """The words of a situation."""
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
    """The columns of a document.

    :param words: those of each passage's heading, and of its text.
    """
    headings, texts = ([word for part in words for word in part[side]] for side in (0, 1))
    return {"headings": padded(headings), "body": _cut(padded(texts), MAX_BODY_LENGTH)}


def bytes_to_read(runbook: Any, *, indexed_document: int | None) -> int:
    """How much text ``draft_of_runbook`` reads for a runbook."""
    shown = runbook.shown_document()
    newer = runbook.document if runbook.text_changed and runbook.document != shown else None
    if newer is None and shown is not None and shown.pk == indexed_document:
        return 0
    return sum(document.size for document in (shown, newer) if document is not None)


def draft_of_runbook(runbook: Any, *, indexed_document: int | None) -> Draft:
    """What the index should say of a runbook: of the text that its page shows, and which words only a newer one has.

    :param indexed_document: the document whose words the index holds already, and no newer one's; a
        stored text never changes.
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
    # The databases look for a word in the columns alone.
    columns["body"] += only_newer.lstrip()
    places = written(words) if passages else ""
    return Draft(columns, document_id, passages, only_newer, places)


def _only_in(newer: Document, columns: dict[str, str]) -> str:
    """The words, each once, that a newer text has and the columns of the shown one have not; empty where it has none."""
    shown = {*columns["headings"].split(), *columns["body"].split()}
    words = (
        word
        for each in passages_of(newer.html)
        for word in index_words(f"{each.heading} {each.text}")
    )
    new = [word for word in dict.fromkeys(words) if word not in shown]
    return _cut(padded(new), MAX_NEWER_LENGTH) if new else ""


def draft_of_situation(situation: Situation) -> Draft:
    """What the index should say of a situation."""
    return Draft(situation_columns(situation))


def _first_position(step: Any) -> int:
    """The position of the first step of the same situation."""
    return min(other.position for other in step.situation.steps.all())


def _cut(text: str, longest: int) -> str:
    """As many of the words of a padded text as fit."""
    return text if len(text) <= longest else text[: text.rindex(" ", 0, longest) + 1]


def _folded_lines(texts: Iterable[str]) -> str:
    return padded([word for text in texts if text for word in _words_of(text)])


def _words_of(text: str) -> Iterable[str]:
    return _words_of_name(text) if len(text) <= MAX_NAME_LENGTH else index_words(text)


@lru_cache(maxsize=4_096)
def _words_of_name(text: str) -> tuple[str, ...]:
    """The words of a short text: many runbooks share a cluster, a layer or a version."""
    return tuple(index_words(text))


def _lines(texts: Iterable[str]) -> str:
    return "\n".join(comparable(text) for text in texts if text)
