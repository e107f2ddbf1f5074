"""The content of a landscape file as frozen dataclasses. Pure: imports no Django.

The reader creates these, and the importer plans from them. Every part knows its line, counted from
1 in the file on disk (conflict markers included), so that a finding can refer to it.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class ConflictChoice(StrEnum):
    """How unresolved merge-conflict blocks are resolved."""

    STOP = "stop"  # refuse the file and show both sides
    OURS = "ours"  # keep the side above the line of equals signs
    THEIRS = "theirs"  # keep the side below the line of equals signs
    UNION = "union"  # keep both sides, ours first


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One raw line with its number in the file."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class ConflictBlock:
    """One block between ``<<<<<<<`` and ``>>>>>>>``, with both sides unchanged."""

    first_line: int
    last_line: int
    ours_label: str
    theirs_label: str
    ours: tuple[SourceLine, ...]
    theirs: tuple[SourceLine, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """A problem that the reader has found, from which a finding is created.

    :ivar kind: a value of ``governance.findings.choices.FindingKind``.
    :ivar subject: the title, path or name that the notice is about, which distinguishes notices.
    """

    kind: str
    line: int
    subject: str
    message: str


@dataclass(frozen=True, slots=True)
class ClusterMention:
    """A cluster as one cell names it: ``Cluster 82–85 (Live Alerts & Escalation)``.

    :ivar kind: a value of ``runbooks.choices.ClusterKind``.
    :ivar first_number: None for a stream without a number.
    :ivar last_number: equal to ``first_number`` for a single number; None for a stream without a
        number.
    :ivar suffix: the letter after a number (``16A`` -> ``A``).
    :ivar title: empty if the cell has only the number.
    """

    kind: str
    first_number: int | None
    last_number: int | None
    suffix: str
    title: str


@dataclass(frozen=True, slots=True)
class DeclaredReadiness:
    """The readiness that a status cell declares.

    :ivar level: a value of ``runbooks.choices.ReadinessLevel``.
    :ivar text: the cell as written.
    """

    level: str
    year: int | None
    text: str


@dataclass(frozen=True, slots=True)
class RunbookRow:
    """One row of the runbook table.

    :ivar link: the target of the relative link that states the path; empty if none does.
    """

    line: int
    title: str
    document_path: str
    version: str
    scope: str
    primary_cluster: ClusterMention | None
    related_clusters: tuple[ClusterMention, ...]
    layers: tuple[str, ...]
    declared: DeclaredReadiness
    link: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SectionEntryRow:
    """The entry of a runbook in a chapter (``### 2.1 …``) with its role there.

    :ivar runbook: the resolved title of a ``RunbookRow``; None, with a notice, if it was not
        resolved.
    :ivar role: Markdown.
    :ivar role_lines: the lines of ``role`` with their numbers in the file; 0 for a line that is not
        in the file.
    :ivar path_line: the line of the path; 0 if there is none.
    """

    line: int
    number: str
    heading: str
    runbook: str | None
    role: str
    role_lines: tuple[SourceLine, ...] = field(default=(), compare=False, repr=False)
    path_line: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SectionRow:
    """A topic chapter.

    :ivar note: the Markdown inside its block quotes, without the ``>``.
    :ivar note_lines: the lines of ``note`` with their numbers in the file; 0 for a line that is not
        in the file.
    """

    line: int
    number: int
    title: str
    note: str
    entries: tuple[SectionEntryRow, ...]
    note_lines: tuple[SourceLine, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SituationRow:
    """One row of the situation table; ``runbooks`` are resolved titles in the order of the cell."""

    line: int
    title: str
    names: tuple[str, ...]
    runbooks: tuple[str, ...]
    comment: str


@dataclass(frozen=True, slots=True)
class CodeReferenceRow:
    """A source path with its description.

    Paths of one bullet share its line and description.

    :ivar runbooks: the titles of runbooks that the description names.
    :ivar remark: other text of the bullet before the dash (``& related modules`` -> ``related
        modules``).
    """

    line: int
    path: str
    description: str
    runbooks: tuple[str, ...]
    remark: str = ""


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """A named version of the landscape with its entries.

    :ivar dated: the month as written (``Januar 2026``).
    :ivar year: the year of ``dated``; None if it has none.
    :ivar month: the month of ``dated``; None if it has none.
    :ivar label: the text after the month (``2026-ready``).
    """

    line: int
    version: str
    dated: str
    year: int | None
    month: int | None
    label: str
    entries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Landscape:
    """A whole landscape file, in the order of the file (so releases are newest first)."""

    title: str
    runbooks: tuple[RunbookRow, ...]
    situations: tuple[SituationRow, ...]
    sections: tuple[SectionRow, ...]
    overview: str
    code_references: tuple[CodeReferenceRow, ...]
    releases: tuple[ReleaseRow, ...]
    conflicts: tuple[ConflictBlock, ...]
    notices: tuple[Notice, ...]


class LandscapeError(ValueError):
    """The file cannot be read as a landscape.

    The message states the problem, the line and a remedy.
    """

    def __init__(self, message: str, *, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


class UnresolvedConflicts(LandscapeError):
    """The file contains merge-conflict blocks for which no side was chosen."""

    def __init__(self, blocks: tuple[ConflictBlock, ...]) -> None:
        super().__init__(
            f"{len(blocks)} unresolved merge conflict(s); choose a side with --conflicts "
            "ours|theirs|union, "
            "or one for each with --conflict LINE=SIDE",
            line=blocks[0].first_line,
        )
        self.blocks = blocks
