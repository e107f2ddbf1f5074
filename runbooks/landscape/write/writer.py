"""Writes a landscape file: what it is to say, over the file that said something else. Pure: imports no Django.

Whatever did not change stays as it is, byte for byte: padding, order, line ends, prose. What
changed is written in the style of its place. What the file has no place for is not dropped in
silence: it is named in ``unwritten``.
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

# What a portal starts from that never imported a file.
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
    """The new file, a sentence for each thing that it does not say, and each line that says what does not hold."""

    text: str
    unwritten: tuple[str, ...]
    contradictions: tuple[Contradiction, ...] = ()


def write_landscape(
    source: str, wanted: Landscape, *, aliases: Mapping[str, str] | None = None, path: str = ""
) -> Written:
    """``source`` changed so that it says ``wanted``.

    :param source: a landscape file without conflicts, line ends as they are.
    :param wanted: rows carry the line of the row of ``source`` that they are; 0 makes a new one,
        and a row of ``source`` that is not among them is taken out. Titles, notes, order and the
        overview are read from it; its notices and conflicts say nothing here.
    :param aliases: further names of runbooks -> their titles, as for ``read_landscape``.
    :param path: where the file lies, from the root of the repository.
    :raises LandscapeError: ``source`` is no landscape file.
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
