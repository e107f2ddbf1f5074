"""What single table cells say: plain text, names, layers, paths and the status claim.

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

# The one form that claims readiness for live, and for which year. Any further word, sign
# or question mark makes it another text. The years are those that the catalogue can hold.
READY = re.compile(rf"(?:{TICK}\ufe0f? *)?(20[2-9][0-9]) ?[{re.escape(DASHES)}] ?ready")

# Every other level with the texts that name it, folded (lower case, plain hyphens, no sign).
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
# Remarks behind a level that say once more that it is not live; they change nothing.
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

# Characters that nobody sees: soft hyphens, zero-width, directional and tag signs (Unicode, General
# Category Cf, without the signs of it that are drawn).
INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f]"
)
# A text without any of these is plain already; most are.
MARKS = re.compile(r"[][*_`\\&<]")
# What a Markdown viewer shows as a new line inside a cell.
LINE_BREAK = "<br ?/?>"
BREAK = re.compile(LINE_BREAK, re.IGNORECASE)
# What is read within a text: code as it stands, signs that are written out, and what leaves no
# trace but a space.
INLINE = re.compile(
    rf"(?<!`)`+(?P<code>[^`]+)`+|(?P<written_out>\\[\\`<])|(?P<line>{LINE_BREAK})|<!--[^<>]*(?<=--)>|\*\*|`",
    re.IGNORECASE,
)
# The same for a text that keeps its Markdown: line breaks outside of code alone.
LINES = re.compile(rf"(?<!`)`+[^`]+`+|\\.|(?P<line>{LINE_BREAK})", re.IGNORECASE)
# Marks that may enclose a whole text; bold ones are dropped wherever they stand.
ENCLOSING_MARKS = ("__", "*", "_")
ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
# Every pattern here is linear: each class excludes what follows it, so nothing can be cut in two
# ways.
LINK = re.compile(r"!?\[([^\[\]]*)\]\(((?:[^()]|\([^()]*\))*)\)")
CODE_SPAN = re.compile(r"(?<!`)`+([^`]+)`+")
PARENTHESIS = re.compile(r"[()]")
COMMA = re.compile(r"[(),]")
# Python refuses to convert such numbers (sys.set_int_max_str_digits), so html.unescape would raise.
ENDLESS_ENTITY = re.compile(r"&#[0-9]{10}")

# --- text ---------------------------------------------------------------------------------


def decode_entities(text: str) -> str:
    """``text`` with HTML character references replaced (``&#47;`` -> ``/``)."""
    return text if ENDLESS_ENTITY.search(text) else html.unescape(text)


def plain_text(text: str) -> str:
    """``text`` as a reader sees it: no emphasis, links, code marks, comments or entities, single spaces.

    Characters that nobody sees are left out.
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
    # The common case, and the quick one: no mark is written out, and there is no HTML.
    return text.replace("**", "").replace("`", "")


def _as_seen(match: re.Match[str]) -> str:
    if match["code"]:
        return match["code"].replace("**", "")
    return match["written_out"] or (" " if match["line"] else "")


def visible(text: str) -> str:
    """``text`` without the characters that nobody sees."""
    return text if text.isascii() else INVISIBLE.sub("", text)


def note_invisible(text: str, line: int, notices: NoticeLog) -> None:
    """Note the characters in ``text``, which names something, that nobody sees."""
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
    """The Markdown of a cell; ``<br>`` outside of code is a line feed."""
    return (
        LINES.sub(lambda match: "\n" if match["line"] else match[0], cell) if "<" in cell else cell
    )


def split_at_commas(text: str) -> list[str]:
    """``text`` cut at commas, but not inside parentheses; the pieces are stripped and never empty.

    Parentheses that do not balance are ordinary characters.
    """
    pieces = (text[start:end].strip() for start, end in spans_outside_parentheses(text, COMMA))
    return [piece for piece in pieces if piece]


def spans_outside_parentheses(text: str, mark: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """Where the pieces of ``text`` between separators stand, empty ones included.

    ``mark`` finds the separators, and each parenthesis as a match of its own.
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
    """Whether every parenthesis in ``text`` has its partner, in the right order."""
    depth = 0
    for match in PARENTHESIS.finditer(text):
        depth += 1 if match[0] == "(" else -1
        if depth < 0:
            return False
    return depth == 0


def without_repeats(texts: Iterable[str]) -> tuple[str, ...]:
    """``texts`` in order, each kept once as first written; letter case makes no difference."""
    first_spelling: dict[str, str] = {}
    for text in texts:
        first_spelling.setdefault(text.casefold(), text)
    return tuple(first_spelling.values())


# --- layers -------------------------------------------------------------------------------


def read_layers(cell: str) -> tuple[str, ...]:
    """The layers of a cell: ``**Execution & Environments, Governance**`` names two. A line break parts them, too."""
    names = (
        plain_text(piece) for piece in split_at_commas(BREAK.sub(", ", cell.replace("**", "")))
    )
    # A dash fills a cell that has nothing to say.
    return without_repeats(name for name in names if name.strip(DASHES))


# --- status -------------------------------------------------------------------------------


def read_readiness(cell: str, *, line: int, subject: str, notices: NoticeLog) -> DeclaredReadiness:
    """What a status cell claims; ``subject`` is the runbook's title, for the notice.

    Fails closed: only ``YYYY-ready``, alone or behind a tick, is read as ready. A text that
    is none of the known ones, or names two levels, is ``unassessed`` (notice ``unknown_level``).
    """
    text = cell.strip()
    level, year = _level_and_year(text.replace("**", "").strip())
    if not level:
        notices.add(NoticeKind.UNKNOWN_LEVEL, line, subject, _unknown_level(text))
    return DeclaredReadiness(level=level or "unassessed", year=year, text=text)


def _level_and_year(text: str) -> tuple[str, int | None]:
    """The level, empty when unknown, and the year of ``ready``."""
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
