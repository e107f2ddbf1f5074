"""Lists as forges read them, respelled for Python-Markdown. Pure: imports no Django.

CommonMark nests a list item under the one above when it is indented as far as that one's text, and
lets a list interrupt a paragraph. Python-Markdown wants four spaces a level and an empty line
before a list. Without this, the steps behind a code block or a sentence run together into one
paragraph.
"""

import re
from dataclasses import dataclass, field

MARKER = re.compile(r"^( *)([-*+]|\d{1,9}[.)])( +|$)(.*)$")
FENCE = re.compile(r"^ *(`{3,}|~{3,})")
RULE = re.compile(r"^ {0,3}([-*_])( *\1){2,} *$")
QUOTE = re.compile(r"^ *> ?")
MAX_QUOTE_DEPTH = 8
INDENT = 4
# CommonMark: four spaces and more beyond the marker are an indented code block inside the item.
WIDEST_GAP = 4


@dataclass(slots=True)
class _Item:
    """An open list item: where its marker and its text start, and what sort of list it is in."""

    marker_column: int
    text_column: int
    kind: str


@dataclass(slots=True)
class _Respelling:
    """What is known while the lines go by."""

    lines: list[str] = field(default_factory=list)
    items: list[_Item] = field(default_factory=list)
    fence: str = ""
    fence_column: int = 0
    fence_indent: int = 0
    depth: int = 0
    quote: list[str] = field(default_factory=list)
    block_indent: int = 0
    in_paragraph: bool = (
        False  # the line before is text that a list could not interrupt in Python-Markdown
    )

    def read(self, line: str) -> None:
        if not self.fence and self.depth < MAX_QUOTE_DEPTH and QUOTE.match(line):
            self.quote.append(line)
            return
        self.end_quote()
        if self.fence:
            self._read_fenced(line)
            return
        line = line.expandtabs(INDENT)
        if not line.strip():
            self._emit("")
            self.in_paragraph = False
        elif FENCE.match(line):
            self._open_fence(line)
        else:
            self._read_text(line)

    def end_quote(self) -> None:
        """Respell what the lines of a block quote say, and quote it again."""
        if not self.quote:
            return
        if not self.in_paragraph:
            self._close_items(_column(self.quote[0]))
        inner = "\n".join(QUOTE.sub("", line, count=1) for line in self.quote)
        prefix = " " * self._indent() + ">"
        for line in _respelled(inner, self.depth + 1):
            self._emit(f"{prefix} {line}" if line else prefix)
        self.quote, self.in_paragraph = [], False

    def _read_fenced(self, line: str) -> None:
        column = _column(line)
        self._emit(
            " " * self.fence_indent + line[min(column, self.fence_column) :] if line.strip() else ""
        )
        if line.strip().startswith(self.fence) and not line.strip().strip(self.fence[0]):
            self.fence = ""

    def _open_fence(self, line: str) -> None:
        column = _column(line)
        self._close_items(column)
        found = FENCE.match(line)
        assert found
        self.fence, self.fence_column, self.fence_indent = found[1], column, self._indent()
        self._emit(" " * self.fence_indent + line.strip())
        self.in_paragraph = False

    def _read_text(self, line: str) -> None:
        found = None if RULE.match(line) else MARKER.match(line)
        if found and self._starts_item(found):
            self._read_item(found)
            return
        column = _column(line)
        lazy = self.in_paragraph and bool(self.items)
        if not lazy:
            self._close_items(column)
        code = max(0, column - (self.items[-1].text_column if self.items else 0))
        kept = 0 if self.in_paragraph else code
        self._emit(" " * (self._indent() + kept) + line.lstrip(" "))
        self.in_paragraph = not _is_block(line)

    def _starts_item(self, found: re.Match[str]) -> bool:
        column = len(found[1])
        base = self.items[-1].text_column if self.items else 0
        if self.items and column < base:
            return True
        # Four spaces beyond the text are code, not a list.
        if column >= base + INDENT:
            return False
        # In the middle of a paragraph only a bullet or a 1 starts a list, and never an empty item.
        return not self.in_paragraph or bool(
            found[4].strip() and (found[2][0] in "+-*" or found[2][:-1] == "1")
        )

    def _read_item(self, found: re.Match[str]) -> None:
        column, marker, gap, text = len(found[1]), found[2], found[3], found[4]
        before = len(self.items)
        sibling = self._close_for_marker(column)
        kind = "bullet" if marker in ("-", "*", "+") else "number"
        indent = self._indent()
        if self.lines and self.lines[-1]:
            parts = self._needs_gap(before, sibling) or (
                sibling is not None and sibling.kind != kind
            )
            if parts or indent < self.block_indent:
                self._emit("")
        width = len(marker) + (len(gap) if 0 < len(gap) <= WIDEST_GAP else 1)
        self.items.append(_Item(column, column + width, kind))
        respelled = "-" if kind == "bullet" else f"{marker[:-1]}."
        # Two spaces at the end are a line break: they stay.
        self._emit(
            f"{' ' * indent}{respelled} {text}" if text.strip() else f"{' ' * indent}{respelled}"
        )
        self.in_paragraph = bool(text.strip())

    def _needs_gap(self, before: int, sibling: _Item | None) -> bool:
        """A list that starts behind a sentence needs an empty line; behind its parent's marker line it does not."""
        if sibling is not None:
            return False
        last = self.lines[-1].lstrip()
        follows_marker = bool(MARKER.match(last)) and len(self.items) == before
        return not follows_marker or not self.items

    def _emit(self, line: str) -> None:
        if not (self.lines and self.lines[-1]):
            # Python-Markdown takes whatever follows the first line of a block to be as far inside.
            self.block_indent = _column(line)
        self.lines.append(line)

    def _close_for_marker(self, column: int) -> _Item | None:
        """Close the items that a marker at ``column`` ends; returns the sibling that it follows, if any."""
        sibling = None
        while self.items and column < self.items[-1].text_column:
            sibling = self.items.pop()
            if (
                column > sibling.marker_column
                and self.items
                and column >= self.items[-1].text_column
            ):
                break
        return sibling

    def _close_items(self, column: int) -> None:
        while self.items and column < self.items[-1].text_column:
            self.items.pop()

    def _indent(self) -> int:
        return INDENT * len(self.items)


def respell_lists(text: str) -> str:
    """The same text with every list spelled as Python-Markdown nests it; what is fenced stays as it is."""
    return "\n".join(_respelled(text, 0))


def _respelled(text: str, depth: int) -> list[str]:
    respelling = _Respelling(depth=depth)
    for line in text.split("\n"):
        respelling.read(line)
    respelling.end_quote()
    return respelling.lines


def _column(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _is_block(line: str) -> bool:
    """A heading, a rule, a quote or a table row: no paragraph that goes on."""
    return bool(RULE.match(line)) or line.lstrip().startswith(("#", ">", "|"))
