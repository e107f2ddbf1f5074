"""Find content that a written file should state but does not. Pure: imports no Django."""

from collections.abc import Callable, Hashable, Iterable, Mapping

from runbooks.landscape.parse.notices import excerpt
from runbooks.landscape.schema import Landscape, RunbookRow, SectionRow
from runbooks.landscape.write.edits import LINE_END

Facts = dict[str, Hashable]


def unwritten(wanted: Landscape, found: Landscape) -> tuple[str, ...]:
    """Return one sentence for each difference of ``found``, the file that was read back."""
    sentences: list[str] = []
    for what, facts_of in READINGS.items():
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
    """Return the lines of a Markdown text without insignificant white space.

    This is white space at the end of a line, and empty lines at either end.
    """
    return tuple(line.rstrip() for line in LINE_END.split(text.strip()))


READINGS: Mapping[str, Callable[[Landscape], Mapping[str, Facts]]] = {
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
