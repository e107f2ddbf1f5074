"""Read single table cells: plain text, names, layers and the declared status.

Pure: imports no Django.
"""

import html
import re
from collections.abc import Iterable, Iterator

from runbooks.landscape.parse.notices import NoticeKind, NoticeLog, excerpt
from runbooks.landscape.schema import DeclaredReadiness

# --- tables -------------------------------------------------------------------------------

# Every character that is read as a hyphen: hyphen-minus, hyphens, dashes, minus, small and
# full-width forms (Unicode, General Category Pd, and U+2212).
DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
PLAIN_DASHES = str.maketrans(dict.fromkeys(DASHES, "-"))

TICK, WARNING_SIGN = "\u2705", "\u26a0"

# The only form that declares readiness for live use and its year. Any further word, character or
# question mark makes it another text. The years are those that the catalogue accepts.
READY = re.compile(rf"(?:{TICK}\ufe0f? *)?(20[2-9][0-9]) ?[{re.escape(DASHES)}] ?ready")

# Every other level with the texts that name it, folded (lower case, plain hyphens, no emoji).
LEVEL_TEXTS = {
    "rnd_only": ("r&d only", "r&d", "nur r&d", "research only"),
    "safety_sandbox": ("safety-sandbox", "safety sandbox", "sandbox"),
    "shadow": (
        "shadow-mode aktiv",
        "shadow-mode active",
        "shadow-mode",
        "shadow mode aktiv",
        "shadow mode active",
        "shadow mode",
        "shadow-modus aktiv",
        "shadow-modus",
        "shadow",
    ),
    "track": ("track",),
    "retired": ("retired", "archiviert", "archived", "stillgelegt"),
    "unassessed": ("unassessed", "not assessed", "nicht bewertet"),
}
LEVEL_OF_TEXT = {text: level for level, texts in LEVEL_TEXTS.items() for text in texts}
# Remarks after a level that repeat that it is not live; they are ignored.
NOT_LIVE_REMARKS = (
    "(kein live)",
    "(nicht live)",
    "(no live)",
    "(no-live)",
    "(no-live default)",
    "(no live default)",
    "(not live)",
)
KNOWN_STATUSES = (
    '"\u2705 2026-ready", "R&D only", "Safety-Sandbox", "Shadow-Mode", "Track" or "retired"'
)
MAX_STATUS_LENGTH = 200

# Invisible characters: soft hyphens, zero-width, directional and tag characters (Unicode, General
# Category Cf, without those of its characters that are visible).
INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f]"
)
# A text without any of these is already plain; most are.
MARKS = re.compile(r"[][*_`\\&<]")
# What a Markdown viewer shows as a new line inside a cell.
LINE_BREAK = "<br ?/?>"
BREAK = re.compile(LINE_BREAK, re.IGNORECASE)
# The Markdown inside a text: code, which is kept unchanged, escaped characters, and markup that is
# removed or becomes a space.
INLINE = re.compile(
    rf"(?<!`)`+(?P<code>[^`]+)`+|(?P<written_out>\\[\\`<])|(?P<line>{LINE_BREAK})"
    r"|<!--[^<>]*(?<=--)>|\*\*|`",
    re.IGNORECASE,
)
# For text that keeps its Markdown: only line breaks outside of code are replaced.
LINES = re.compile(rf"(?<!`)`+[^`]+`+|\\.|(?P<line>{LINE_BREAK})", re.IGNORECASE)
# Markers that may enclose a whole text. Bold markers are removed everywhere.
ENCLOSING_MARKS = ("__", "*", "_")
ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
# Every pattern here is linear: each character class excludes what follows it, so there is only one
# way to match.
LINK = re.compile(r"!?\[([^\[\]]*)\]\(((?:[^()]|\([^()]*\))*)\)")
CODE_SPAN = re.compile(r"(?<!`)`+([^`]+)`+")
PARENTHESIS = re.compile(r"[()]")
COMMA = re.compile(r"[(),]")
# Python refuses to convert such numbers (sys.set_int_max_str_digits), so html.unescape would raise.
ENDLESS_ENTITY = re.compile(r"&#[0-9]{10}")

# --- text ---------------------------------------------------------------------------------


def decode_entities(text: str) -> str:
    """Return ``text`` with HTML character references replaced (``&#47;`` -> ``/``)."""
    return text if ENDLESS_ENTITY.search(text) else html.unescape(text)


def plain_text(text: str) -> str:
    """Return ``text`` as a reader sees it, with single spaces.

    Emphasis, links, code markers, comments and invisible characters are removed, and entities are
    decoded.
    """
    if not MARKS.search(text):
        return " ".join(visible(text).split())
    plain = _without_marks(LINK.sub(r"\1", text)).strip()
    for mark in ENCLOSING_MARKS:
        inner = plain[len(mark) : -len(mark)]
        if plain == f"{mark}{inner}{mark}" and inner and mark not in inner:
            plain = inner
    return " ".join(visible(decode_entities(ESCAPE.sub(r"\1", plain))).split())


def _without_marks(text: str) -> str:
    if "\\" in text or "<" in text:
        return INLINE.sub(_as_seen, text)
    # The common and fast case: no escaped characters and no HTML.
    return text.replace("**", "").replace("`", "")


def _as_seen(match: re.Match[str]) -> str:
    if match["code"]:
        return match["code"].replace("**", "")
    return match["written_out"] or (" " if match["line"] else "")


def visible(text: str) -> str:
    """Return ``text`` without invisible characters."""
    return text if text.isascii() else INVISIBLE.sub("", text)


def note_invisible(text: str, line: int, notices: NoticeLog) -> None:
    """Add a notice if ``text``, the name of something, contains invisible characters."""
    if text.isascii() and "&" not in text:
        return
    signs = INVISIBLE.findall(decode_entities(text))
    if not signs:
        return
    named = ", ".join(dict.fromkeys(f"U+{ord(sign):04X}" for sign in signs))
    subject = plain_text(text)
    notices.add(
        NoticeKind.OTHER,
        line,
        subject,
        f'"{excerpt(subject)}" is written with characters that nobody sees ({named}); they '
        "were left out. "
        "Take them out of the file.",
    )


def text_with_lines(cell: str) -> str:
    """Return the Markdown of a cell, with ``<br>`` outside of code replaced by a line feed."""
    return (
        LINES.sub(lambda match: "\n" if match["line"] else match[0], cell) if "<" in cell else cell
    )


def split_at_commas(text: str) -> list[str]:
    """Split ``text`` at commas outside of parentheses; the pieces are stripped and never empty.

    Unbalanced parentheses are ordinary characters.
    """
    pieces = (text[start:end].strip() for start, end in spans_outside_parentheses(text, COMMA))
    return [piece for piece in pieces if piece]


def spans_outside_parentheses(text: str, mark: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """Yield the start and end of the pieces of ``text`` between separators, including empty ones.

    :param mark: matches the separators, and each parenthesis as a match of its own.
    """
    step = {"(": 1, ")": -1} if is_balanced(text) else {}
    depth = start = 0
    for match in mark.finditer(text):
        if match[0] in ("(", ")"):
            depth += step.get(match[0], 0)
        elif not depth:
            yield start, match.start()
            start = match.end()
    yield start, len(text)


def is_balanced(text: str) -> bool:
    """Return whether the parentheses in ``text`` are balanced."""
    depth = 0
    for match in PARENTHESIS.finditer(text):
        depth += 1 if match[0] == "(" else -1
        if depth < 0:
            return False
    return depth == 0


def without_repeats(texts: Iterable[str]) -> tuple[str, ...]:
    """Return ``texts`` in order without duplicates, ignoring case; the first spelling is kept."""
    first_spelling: dict[str, str] = {}
    for text in texts:
        first_spelling.setdefault(text.casefold(), text)
    return tuple(first_spelling.values())


# --- layers -------------------------------------------------------------------------------


def read_layers(cell: str) -> tuple[str, ...]:
    """Return the layers of a cell: ``**Execution & Environments, Governance**`` names two.

    Layers are separated by commas or line breaks.
    """
    names = (
        plain_text(piece) for piece in split_at_commas(BREAK.sub(", ", cell.replace("**", "")))
    )
    # A dash marks an empty cell.
    return without_repeats(name for name in names if name.strip(DASHES))


# --- status -------------------------------------------------------------------------------


def read_readiness(cell: str, *, line: int, subject: str, notices: NoticeLog) -> DeclaredReadiness:
    """Return the readiness that a status cell declares.

    Only ``YYYY-ready``, alone or after a tick, is read as ready. Any unknown text, and any text
    that names two levels, is read as ``unassessed`` with a notice ``unknown_level``.

    :param subject: the title of the runbook, for the notice.
    """
    text = cell.strip()
    level, year = _level_and_year(text.replace("**", "").strip())
    if not level:
        notices.add(NoticeKind.UNKNOWN_LEVEL, line, subject, _unknown_level(text))
    return DeclaredReadiness(level=level or "unassessed", year=year, text=text)


def _level_and_year(text: str) -> tuple[str, int | None]:
    """Return the level, or an empty string if it is unknown, and the year of ``ready``."""
    if len(text) > MAX_STATUS_LENGTH:
        return "", None
    line = " ".join(text.split())
    ready = READY.fullmatch(line)
    if ready:
        return "ready", int(ready[1])
    folded = line.replace("\ufe0f", "").translate(PLAIN_DASHES).casefold()
    for sign in (TICK, WARNING_SIGN):
        folded = folded.removeprefix(sign).strip()
    for remark in NOT_LIVE_REMARKS:
        folded = folded.removesuffix(remark).strip()
    return LEVEL_OF_TEXT.get(folded, ""), None


def _unknown_level(text: str) -> str:
    said = f'The status "{excerpt(text)}" is no known level' if text else "The status cell is empty"
    return f"{said}; the runbook counts as unassessed. Write {KNOWN_STATUSES}."
