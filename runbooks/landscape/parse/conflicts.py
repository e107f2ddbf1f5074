"""Merge-conflict blocks, found and settled on raw lines before anything else reads the text.

Pure: imports no Django. The format is Git's, in ``merge`` and ``diff3`` style (gitglossary and
git-merge(1), "How conflicts are presented"). Seven signs make a marker, or more
(``conflict-marker-size``, gitattributes(5)); all markers of a block have as many, and stand behind
the same spaces or quote marks.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from runbooks.landscape.schema import (
    ConflictBlock,
    ConflictChoice,
    LandscapeError,
    SourceLine,
    UnresolvedConflicts,
)
from runbooks.landscape.write.edits import LineEdits

# One side for every block, or a side for each by the line on which it begins.
Choices = ConflictChoice | Mapping[int, ConflictChoice]

OPEN, BASE, SPLIT, CLOSE = "<", "|", "=", ">"
# Spaces and quote marks, then seven equal signs or more. A quote mark is parted from what it
# quotes, or from another sign. A run of quote marks ends where another sign follows, so a prefix
# can be cut in one way only: the pattern is linear.
MARKER = re.compile(r"((?:[ \t]*>{1,6}(?=[ \t<|=]))*[ \t]*)(([<|=>])\3{6,})(?=\s|$)")

# (part that is being read, marker) -> part that follows; "" ends the block.
NEXT_PART = {
    ("ours", BASE): "base",
    ("ours", SPLIT): "theirs",
    ("base", SPLIT): "theirs",
    ("theirs", CLOSE): "",
}
# Inside a block, a marker that is missing above is one of these mistakes.
MISTAKES = {
    OPEN: "another conflict begins inside the one",
    SPLIT: "a second line of equals signs stands in the conflict",
    CLOSE: "no line of equals signs stands in the conflict",
}
# The same for a marker with another number of signs, or behind other spaces or quote marks.
FOREIGN = {
    OPEN: MISTAKES[OPEN],
    CLOSE: (
        "an end with another number of signs, or behind other spaces or quote marks, stands in "
        "the conflict"
    ),
}
REPAIR = (
    "Restore the marker that is missing, or settle the conflict by hand and remove its markers."
)


@dataclass(frozen=True, slots=True)
class Marker:
    """A line that parts the sides of a conflict: one of the four signs, repeated ``size`` times behind ``prefix``."""

    sign: str
    size: int
    prefix: str
    label: str

    def belongs_to(self, opener: "Marker") -> bool:
        """Whether it can be of the block that ``opener`` begins."""
        return (self.size, self.prefix) == (opener.size, opener.prefix)


def read_marker(text: str) -> Marker | None:
    """The marker that the line ``text`` is, if it is one."""
    match = MARKER.match(text)
    if not match:
        return None
    label = text[match.end() :].strip()
    # A text behind equal signs makes them part of a sentence.
    return None if match[3] == SPLIT and label else Marker(match[3], len(match[2]), match[1], label)


@dataclass
class _OpenBlock:
    """A block whose end has not been read yet."""

    first_line: int
    opener: Marker
    part: str = "ours"
    sides: dict[str, list[SourceLine]] = field(
        default_factory=lambda: {"ours": [], "base": [], "theirs": []}
    )

    def closed_by(self, line: SourceLine, closer: Marker) -> ConflictBlock:
        return ConflictBlock(
            first_line=self.first_line,
            last_line=line.number,
            ours_label=self.opener.label,
            theirs_label=closer.label,
            ours=tuple(self.sides["ours"]),
            theirs=tuple(self.sides["theirs"]),
        )


def split_lines(text: str) -> tuple[SourceLine, ...]:
    """Cut ``text`` into numbered lines at LF, CRLF and CR, as Markdown does (CommonMark 2.1).

    A byte order mark at the start and the empty piece behind a final newline are left out.
    """
    # str.splitlines would also cut at U+2028, form feeds and the like, and lose the line
    # numbers that an editor shows.
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    pieces = plain.removesuffix("\n").split("\n")
    return tuple(SourceLine(number, piece) for number, piece in enumerate(pieces, start=1))


def find_conflicts(lines: tuple[SourceLine, ...]) -> tuple[ConflictBlock, ...]:
    """All conflict blocks in ``lines``, in order.

    Raises LandscapeError, with the line, for a block that is nested, has no middle or has
    no beginning or end. A line of equals signs outside a block underlines a heading.
    """
    blocks: list[ConflictBlock] = []
    block: _OpenBlock | None = None
    for line in lines:
        marker = read_marker(line.text)
        if block is None:
            block = _begin(line, marker)
        elif marker is None:
            block.sides[block.part].append(line)
        elif _advance(block, line, marker):
            blocks.append(block.closed_by(line, marker))
            block = None
    if block is not None:
        raise LandscapeError(
            f"Line {block.first_line}: the merge conflict that begins here has no end. {REPAIR}",
            line=block.first_line,
        )
    return tuple(blocks)


def choose_sides(blocks: tuple[ConflictBlock, ...], choices: Choices) -> tuple[ConflictChoice, ...]:
    """The side that counts for each block, in order.

    Raises UnresolvedConflicts with the blocks that no side was chosen for; LandscapeError for a
    choice on a line where no conflict begins.
    """
    if not isinstance(choices, Mapping):
        # A command line gives a plain string; an unknown one must not pass for "not stop".
        sides = dict.fromkeys((block.first_line for block in blocks), ConflictChoice(choices))
    else:
        sides = {line: ConflictChoice(choice) for line, choice in choices.items()}
    stray = sorted(set(sides) - {block.first_line for block in blocks})
    if stray:
        raise LandscapeError(
            f"Line {stray[0]}: no merge conflict begins here. Choose by its first line.",
            line=stray[0],
        )
    open_blocks = tuple(
        block
        for block in blocks
        if sides.get(block.first_line, ConflictChoice.STOP) is ConflictChoice.STOP
    )
    if open_blocks:
        raise UnresolvedConflicts(open_blocks)
    return tuple(sides[block.first_line] for block in blocks)


def settle_conflicts(
    lines: tuple[SourceLine, ...],
    blocks: tuple[ConflictBlock, ...],
    sides: tuple[ConflictChoice, ...],
) -> tuple[SourceLine, ...]:
    """``lines`` with each block replaced by the side chosen for it; markers are gone.

    The lines keep their numbers. ``ConflictChoice.STOP`` is for ``choose_sides`` to refuse.
    """
    return tuple(_settled(lines, blocks, sides))


def settled_text(text: str, choices: Choices) -> str:
    """The file with its conflicts settled, every other byte as it is. Raises as ``choose_sides`` does."""
    lines = split_lines(text)
    blocks = find_conflicts(lines)
    kept = {line.number for line in settle_conflicts(lines, blocks, choose_sides(blocks, choices))}
    edits = LineEdits(text)
    for block in blocks:
        for number in range(block.first_line, block.last_line + 1):
            if number not in kept:
                edits.remove(number)
    return edits.result()


def _settled(
    lines: tuple[SourceLine, ...],
    blocks: tuple[ConflictBlock, ...],
    sides: tuple[ConflictChoice, ...],
) -> Iterator[SourceLine]:
    after = 0
    for block, side in zip(blocks, sides, strict=True):
        # Lines are numbered without a gap, so a number is an index plus one.
        yield from lines[after : block.first_line - 1]
        if side in (ConflictChoice.OURS, ConflictChoice.UNION):
            yield from block.ours
        if side in (ConflictChoice.THEIRS, ConflictChoice.UNION):
            yield from block.theirs
        after = block.last_line
    yield from lines[after:]


def _begin(line: SourceLine, marker: Marker | None) -> _OpenBlock | None:
    """The block that ``line`` opens, if it does. Raises LandscapeError for a stray end."""
    if marker and marker.sign == CLOSE:
        raise LandscapeError(
            f"Line {line.number}: a merge conflict ends here that never began. {REPAIR}",
            line=line.number,
        )
    return _OpenBlock(line.number, marker) if marker and marker.sign == OPEN else None


def _advance(block: _OpenBlock, line: SourceLine, marker: Marker) -> bool:
    """Take the marker on ``line`` into ``block``; true when it closes it. Raises LandscapeError for a stray one."""
    belongs = marker.belongs_to(block.opener)
    following = NEXT_PART.get((block.part, marker.sign)) if belongs else None
    if following is not None:
        block.part = following
        return not following
    mistake = MISTAKES.get(marker.sign) if belongs else _foreign(block, marker)
    if mistake:
        raise LandscapeError(
            f"Line {line.number}: {mistake} that begins on line {block.first_line}. {REPAIR}",
            line=line.number,
        )
    block.sides[block.part].append(line)
    return False


def _foreign(block: _OpenBlock, marker: Marker) -> str:
    """What is wrong with a marker of another width or place; empty where it is part of the text.

    Git writes the conflicts of a common ancestor wider, inside the base, which no side keeps.
    """
    return FOREIGN.get(marker.sign, "") if block.part != "base" else ""
