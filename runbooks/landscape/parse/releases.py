"""Read the change log: named versions with their entries. Pure: imports no Django."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from runbooks.landscape.parse.cells import DASHES, plain_text
from runbooks.landscape.parse.names import name_tokens
from runbooks.landscape.parse.notices import NoticeKind, NoticeLog, excerpt
from runbooks.landscape.parse.outline import Part
from runbooks.landscape.parse.sections import note_repeat
from runbooks.landscape.schema import ReleaseRow, SourceLine

# Month -> its names in German and English, folded; an abbreviation may end in a full stop.
MONTH_NAMES = {
    1: ("januar", "january", "jan", "jänner", "jän"),
    2: ("februar", "february", "feb", "feber"),
    3: ("märz", "march", "mär", "mar", "mrz", "maerz"),
    4: ("april", "apr"),
    5: ("mai", "may"),
    6: ("juni", "june", "jun"),
    7: ("juli", "july", "jul"),
    8: ("august", "aug"),
    9: ("september", "sept", "sep"),
    10: ("oktober", "october", "okt", "oct"),
    11: ("november", "nov"),
    12: ("dezember", "december", "dez", "dec"),
}
MONTH_OF_NAME = {name: month for month, names in MONTH_NAMES.items() for name in names}

_MONTH = f"(?P<name>{'|'.join(sorted(MONTH_OF_NAME, key=len, reverse=True))})"
_YEAR = "(?P<year>[12][0-9]{3})"
# The accepted forms of a release date.
DATES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?:[0-9]{{1,2}}\. ?)?{_MONTH}\.?(?: {_YEAR})?",
        rf"{_MONTH}\.? [0-9]{{1,2}}, {_YEAR}",
        rf"{_YEAR}-(?P<month>[0-9]{{2}})(?:-[0-9]{{2}})?",
        rf"(?:[0-9]{{1,2}}\.)?(?P<month>[0-9]{{1,2}})[./]{_YEAR}",
        rf"(?:q[1-4] )?{_YEAR}",
    )
)
VERSION = re.compile(r"(?:version |v)?[0-9]{1,6}(?:\.[0-9]{1,6}){0,5}[\w.+-]{0,20}", re.IGNORECASE)
DASH = re.compile(rf" [{re.escape(DASHES)}]+ ")
MAX_HEADING_LENGTH = 300

BULLET = re.compile(r"([ \t]*)(?:[*+-]|[0-9]{1,9}[.)])(?:[ \t]+|$)")
HEADING = re.compile(r" {0,3}#{3,6}[ \t]+")


@dataclass
class _OpenRelease:
    """A release whose entries are still being read."""

    line: int
    heading: "ReleaseHeading"
    below_heading: bool
    entry_indent: int | None = None
    entries: list[list[str]] = field(default_factory=list)

    def closed(self) -> ReleaseRow:
        return ReleaseRow(
            line=self.line,
            version=self.heading.version,
            dated=self.heading.dated,
            year=self.heading.year,
            month=self.heading.month,
            label=self.heading.label,
            entries=tuple(text for entry in self.entries if (text := "\n".join(entry).strip())),
        )


@dataclass(frozen=True, slots=True)
class ReleaseHeading:
    """The parts of a heading such as ``v1.0 - December 2025 - 2026-ready``."""

    version: str
    dated: str
    year: int | None
    month: int | None
    label: str


def read_release_heading(text: str) -> ReleaseHeading | None:
    """Return the parts of a release heading, or None if ``text`` does not begin with a version."""
    if len(text) > MAX_HEADING_LENGTH:
        return None
    plain = plain_text(text).rstrip(":")
    version, *parts = DASH.split(plain)
    if not parts and version.endswith(")"):
        # "v1.2 (January 2026)"
        version, _, bracket = version[:-1].partition(" (")
        parts = [bracket]
    if not VERSION.fullmatch(version):
        return None
    date = _match_date(parts[0]) if parts else None
    if date is None:
        return ReleaseHeading(version, "", None, None, " \u2013 ".join(parts))
    groups = date.groupdict()
    month = (
        int(groups["month"]) if groups.get("month") else MONTH_OF_NAME.get(groups.get("name") or "")
    )
    return ReleaseHeading(
        version=version,
        dated=parts[0],
        year=int(groups["year"]) if groups.get("year") else None,
        month=month if month in MONTH_NAMES else None,
        label=" \u2013 ".join(parts[1:]),
    )


def _match_date(text: str) -> re.Match[str] | None:
    folded = text.strip().casefold()
    return next((match for pattern in DATES if (match := pattern.fullmatch(folded))), None)


def read_releases(
    chapters: Iterable[Part], hidden: frozenset[int], notices: NoticeLog
) -> tuple[ReleaseRow, ...]:
    """Return the releases of all change-log chapters, in order, each version once.

    A release is an unindented bullet or a heading that begins with a version. Its entries are the
    bullets below it; they keep their Markdown. Any other unindented bullet is ignored with a
    notice.
    """
    kept: dict[tuple[str, ...], ReleaseRow] = {}
    for chapter in chapters:
        for release in _read_chapter(chapter.body, hidden, notices):
            first = kept.setdefault(name_tokens(release.version), release)
            if first is not release:
                note_repeat("release", release.version, release.line, first.line, notices)
    return tuple(kept.values())


def _read_chapter(
    lines: Sequence[SourceLine], hidden: frozenset[int], notices: NoticeLog
) -> list[ReleaseRow]:
    releases: list[_OpenRelease] = []
    for line in lines:
        started = _start(line) if line.number not in hidden else None
        if started:
            releases.append(started)
        elif not (releases and _take(releases[-1], line)) and BULLET.match(line.text):
            _note_unread(line, notices)
    return [release.closed() for release in releases]


def _start(line: SourceLine) -> _OpenRelease | None:
    """Return the release that begins on ``line``, or None."""
    mark = HEADING.match(line.text)
    bullet = BULLET.match(line.text)
    if not mark and bullet and not bullet[1]:
        heading = read_release_heading(line.text[bullet.end() :])
    else:
        heading = read_release_heading(line.text[mark.end() :]) if mark else None
    return _OpenRelease(line.number, heading, below_heading=bool(mark)) if heading else None


def _take(release: _OpenRelease, line: SourceLine) -> bool:
    """Add ``line`` to the entries of ``release``. Return False if it does not belong there."""
    text = line.text.expandtabs(4)
    if not text.strip():
        if release.entries:
            release.entries[-1].append("")
        return True
    indent = len(text) - len(text.lstrip())
    bullet = BULLET.match(text)
    if not indent and not (bullet and release.below_heading):
        return False
    if release.entry_indent is None:
        release.entry_indent = indent
    if bullet and indent <= release.entry_indent:
        release.entries.append([text[bullet.end() :]])
    elif release.entries:
        # A continuation line keeps its indentation relative to the entry's text.
        release.entries[-1].append(text[min(indent, release.entry_indent + 2) :])
    else:
        release.entries.append([text.strip()])
    return True


def _note_unread(line: SourceLine, notices: NoticeLog) -> None:
    text = line.text.strip()
    notices.add(
        NoticeKind.OTHER,
        line.number,
        text,
        f'"{excerpt(text)}" stands in the change log and under no version, so it was not read. '
        "Indent it below the version that it belongs to.",
    )
