"""Find and resolve merge-conflict blocks in raw lines, before any other parsing.

Pure: imports no Django. The format is that of Git, in ``merge`` and ``diff3`` style (gitglossary
and git-merge(1), "How conflicts are presented"). A marker has seven or more characters
(``conflict-marker-size``, gitattributes(5)). All markers of a block have the same length and the
same prefix of spaces or quote marks.
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

# One side for every block, or a side for each block by its first line.
Choices = ConflictChoice | Mapping[int, ConflictChoice]

OPEN, BASE, SPLIT, CLOSE = "<", "|", "=", ">"
# A prefix of spaces and quote marks, then seven or more marker characters. A quote mark is
# separated from what follows. A run of quote marks ends before another character, so a prefix
# matches in one way only and the pattern is linear.
MARKER = re.compile(r"((?:[ \t]*>{1,6}(?=[ \t<|=]))*[ \t]*)(([<|=>])\3{6,})(?=\s|$)")

# (current part, marker) -> next part; "" ends the block.
NEXT_PART = {
    ("ours", BASE): "base",
    ("ours", SPLIT): "theirs",
    ("base", SPLIT): "theirs",
    ("theirs", CLOSE): "",
}
# Inside a block, a marker without a transition is one of these mistakes.
MISTAKES = {
    OPEN: "another conflict begins inside the one",
    SPLIT: "a second line of equals signs stands in the conflict",
    CLOSE: "no line of equals signs stands in the conflict",
}
# The mistakes of a marker with another length or prefix.
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
    """A line that separates the sides of a conflict.

    :ivar sign: the marker character, one of four.
    :ivar size: how often it is repeated.
    :ivar prefix: the text before it.
    :ivar label: the text after it.
    """

    sign: str
    size: int
    prefix: str
    label: str

    def belongs_to(self, opener: "Marker") -> bool:
        """Return whether the marker can belong to the block that ``opener`` begins."""
        return (self.size, self.prefix) == (opener.size, opener.prefix)


def read_marker(text: str) -> Marker | None:
    """Return ``text`` as a marker, or None if it is not one."""
    match = MARKER.match(text)
    if not match:
        return None
    label = text[match.end() :].strip()
    # Equals signs with text after them are part of a sentence.
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
    """Split ``text`` into numbered lines at LF, CRLF and CR, as Markdown does (CommonMark 2.1).

    A byte order mark at the start and the empty piece after a final newline are omitted.
    """
    # str.splitlines would also split at U+2028, form feeds and others, so that the line numbers
    # would differ from those in an editor.
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    pieces = plain.removesuffix("\n").split("\n")
    return tuple(SourceLine(number, piece) for number, piece in enumerate(pieces, start=1))


def find_conflicts(lines: tuple[SourceLine, ...]) -> tuple[ConflictBlock, ...]:
    """Return all conflict blocks in ``lines``, in order.

    A line of equals signs outside of a block underlines a heading.

    :raises LandscapeError: a block is nested, or has no middle, beginning or end; with its line.
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
    """Return the chosen side for each block, in order.

    :raises UnresolvedConflicts: there are blocks without a choice.
    :raises LandscapeError: there is a choice for a line on which no conflict begins.
    """
    if not isinstance(choices, Mapping):
        # The command line passes a plain string; an unknown one must not count as a choice.
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
    """Return ``lines`` with each block replaced by the chosen side, without markers.

    The lines keep their numbers. ``ConflictChoice.STOP`` is not allowed here: ``choose_sides``
    refuses it.
    """
    return tuple(_settled(lines, blocks, sides))


def settled_text(text: str, choices: Choices) -> str:
    """Return the file with its conflicts resolved and every other byte unchanged.

    Raises the exceptions of ``choose_sides``.
    """
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
        # Lines are numbered without gaps, so a number is an index plus one.
        yield from lines[after : block.first_line - 1]
        if side in (ConflictChoice.OURS, ConflictChoice.UNION):
            yield from block.ours
        if side in (ConflictChoice.THEIRS, ConflictChoice.UNION):
            yield from block.theirs
        after = block.last_line
    yield from lines[after:]


def _begin(line: SourceLine, marker: Marker | None) -> _OpenBlock | None:
    """Return the block that ``line`` opens, or None.

    :raises LandscapeError: the line is the end of a block that has no beginning.
    """
    if marker and marker.sign == CLOSE:
        raise LandscapeError(
            f"Line {line.number}: a merge conflict ends here that never began. {REPAIR}",
            line=line.number,
        )
    return _OpenBlock(line.number, marker) if marker and marker.sign == OPEN else None


def _advance(block: _OpenBlock, line: SourceLine, marker: Marker) -> bool:
    """Process the marker on ``line``. Return whether it closes ``block``.

    :raises LandscapeError: the marker is not allowed here.
    """
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


def _foreign(block: _OpenBlock, marker: Marker) -> str | None:
    """Return the mistake of a marker with another length or prefix; None if it is only text.

    Git writes conflicts of a common ancestor with longer markers into the base, which no side
    keeps.
    """
    return None if block.part == "base" else FOREIGN.get(marker.sign)
