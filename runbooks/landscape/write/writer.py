"""Write a landscape file by changing an existing one. Pure: imports no Django.

Unchanged content keeps every byte: padding, order, line endings, prose. Changes are written in the
style of their context. Content for which the file has no place is reported in ``unwritten``.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass

from runbooks.landscape.parse.notices import excerpt
from runbooks.landscape.parse.reader import parse_settled
from runbooks.landscape.schema import Landscape, RunbookRow, SectionRow
from runbooks.landscape.write.contradictions import Contradiction, contradictions
from runbooks.landscape.write.edits import LINE_END, LineEdits
from runbooks.landscape.write.lists import write_code_references, write_overview, write_releases
from runbooks.landscape.write.names import NamesWriter
from runbooks.landscape.write.rows import write_runbooks, write_situations
from runbooks.landscape.write.sections import SectionWriter

# The initial file of a portal that never imported one.
EMPTY = """\
# Runbooks Landscape

## 1. Runbooks

| Runbook | Path | Version | Scope / Purpose | Primary Cluster | Layer | Status |
| ------- | ---- | ------- | --------------- | --------------- | ----- | ------ |

---

## 2. Situations

| Situation | Relevant runbooks | Comment |
| --------- | ----------------- | ------- |

---

## 3. Code references

## 4. Changelog
"""


Facts = dict[str, Hashable]


@dataclass(frozen=True, slots=True)
class Written:
    """The result of writing.

    :ivar text: the new file.
    :ivar unwritten: a sentence for each thing that the file does not state.
    :ivar contradictions: each line that contradicts a runbook.
    """

    text: str
    unwritten: tuple[str, ...]
    contradictions: tuple[Contradiction, ...] = ()


def write_landscape(
    source: str, wanted: Landscape, *, aliases: Mapping[str, str] | None = None, path: str = ""
) -> Written:
    """Return ``source`` changed so that it states ``wanted``.

    :param source: a landscape file without conflicts, with its line endings.
    :param wanted: the wanted content. Each row has the line of its row in ``source``, or 0 if it is
        new; rows of ``source`` that are missing are removed. Titles, notes, order and the overview
        are used, notices and conflicts are ignored.
    :param aliases: further names of runbooks -> their titles, as for ``read_landscape``.
    :param path: the path of the file from the root of the repository.
    :raises LandscapeError: ``source`` is not a landscape file.
    """
    parsed = parse_settled(source, aliases=aliases, path=path)
    edits = LineEdits(source)
    names = NamesWriter(parsed.landscape, wanted.runbooks, aliases or {})
    write_runbooks(parsed, wanted.runbooks, edits)
    write_situations(parsed, wanted.situations, names, edits)
    SectionWriter(parsed, wanted, names, edits).write()
    write_code_references(parsed, wanted.code_references, edits)
    write_releases(parsed, wanted.releases, edits)
    write_overview(parsed, wanted, edits)
    text = edits.result()
    found = parse_settled(text, aliases=aliases, path=path) if text != source else parsed
    return Written(
        text, _unwritten(wanted, found.landscape), contradictions(found, wanted, parsed.landscape)
    )


def _unwritten(wanted: Landscape, found: Landscape) -> tuple[str, ...]:
    """Return a sentence for each object or field that differs in ``found``, the file read back."""
    sentences: list[str] = []
    for what, facts_of in FACTS_BY_KIND.items():
        sentences += _differences(what, facts_of(wanted), facts_of(found))
    return tuple(sentences)


def _differences(
    what: str, wanted: Mapping[str, Facts], found: Mapping[str, Facts]
) -> Iterable[str]:
    for key in wanted.keys() - found.keys():
        yield f'The {what} "{excerpt(key)}" has no place in the file. Add one by hand, and import.'
    for key in found.keys() - wanted.keys():
        yield f'The {what} "{excerpt(key)}" is still in the file. Take it out by hand.'
    for key, facts in wanted.items():
        differing = [
            name for name, value in facts.items() if key in found and found[key].get(name) != value
        ]
        if differing:
            yield (
                f'The {what} "{excerpt(key)}" could not be written whole: '
                f"{', '.join(differing)}. Write it by hand."
            )


def _runbook(row: RunbookRow) -> Facts:
    return {
        "path": row.document_path,
        "version": row.version,
        "scope": row.scope,
        "primary cluster": row.primary_cluster,
        "related clusters": frozenset(row.related_clusters),
        "layers": frozenset(row.layers),
        "status": (row.declared.level, row.declared.year),
    }


def _section(row: SectionRow) -> Facts:
    entries = {
        entry.runbook: (entry.heading, _lines(entry.role)) for entry in row.entries if entry.runbook
    }
    return {"number": row.number, "note": _lines(row.note), "order of entries": tuple(entries)} | {
        f"role of {runbook}": texts[1] for runbook, texts in entries.items()
    }


def _lines(text: str) -> tuple[str, ...]:
    """Return the lines of a Markdown text, without white space that has no meaning.

    That is white space at the end of a line, and empty lines at either end of the text.
    """
    return tuple(line.rstrip() for line in LINE_END.split(text.strip()))


FACTS_BY_KIND: Mapping[str, Callable[[Landscape], Mapping[str, Facts]]] = {
    "runbook": lambda it: {row.title: _runbook(row) for row in it.runbooks},
    "situation": lambda it: {
        row.title: {"runbooks": row.runbooks, "comment": row.comment} for row in it.situations
    },
    "chapter": lambda it: {row.title: _section(row) for row in it.sections},
    "code reference": lambda it: {
        row.path: {"description": row.description} for row in it.code_references
    },
    "release": lambda it: {
        row.version: {"date": row.dated, "label": row.label} for row in it.releases
    },
}
