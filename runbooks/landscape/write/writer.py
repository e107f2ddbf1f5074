"""Write a landscape file by changing an existing one. Pure: imports no Django.

Unchanged content keeps every byte: padding, order, line endings, prose. Changes are written in the
style of their context. Content for which the file has no place is reported in ``unwritten``.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from runbooks.landscape.parse.reader import parse_settled
from runbooks.landscape.schema import Landscape
from runbooks.landscape.write.contradictions import Contradiction, contradictions
from runbooks.landscape.write.edits import LineEdits
from runbooks.landscape.write.lists import write_code_references, write_overview, write_releases
from runbooks.landscape.write.lossy import unwritten
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
        text, unwritten(wanted, found.landscape), contradictions(found, wanted, parsed.landscape)
    )
