"""What a landscape file says, as frozen dataclasses. Pure: imports no Django.

The reader makes these, the importer plans from them. Every part remembers the line it
stood on, counted from 1 in the file as it lies on disk (conflict markers included), so
that a finding can point at it.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class ConflictChoice(StrEnum):
    """What to do with unresolved merge-conflict blocks."""

    STOP = "stop"  # refuse the file and show both sides
    OURS = "ours"  # keep the side above the line of equals signs
    THEIRS = "theirs"  # keep the side below it
    UNION = "union"  # keep both sides, ours first


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One raw line with the number it has in the file."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class ConflictBlock:
    """One block between ``<<<<<<<`` and ``>>>>>>>``, both sides as they stand."""

    first_line: int
    last_line: int
    ours_label: str
    theirs_label: str
    ours: tuple[SourceLine, ...]
    theirs: tuple[SourceLine, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the reader noticed: the pure half of a Finding.

    ``kind`` is a value of ``governance.findings.choices.FindingKind``; ``subject`` is what the
    notice is about (a title, a path, a name), so that two notices can be told apart.
    """

    kind: str
    line: int
    subject: str
    message: str


@dataclass(frozen=True, slots=True)
class ClusterMention:
    """A cluster as one cell names it: ``Cluster 82–85 (Live Alerts & Escalation)``.

    ``kind`` is a value of ``runbooks.choices.ClusterKind``. A stream without a number has
    no ``first_number`` and no ``last_number``; a single number is first and last alike.
    ``suffix`` is the letter behind a number (``16A`` -> ``A``). ``title`` may be empty when
    the cell gives the number alone.
    """

    kind: str
    first_number: int | None
    last_number: int | None
    suffix: str
    title: str


@dataclass(frozen=True, slots=True)
class DeclaredReadiness:
    """What the status cell claims.

    ``level`` is a value of ``runbooks.choices.ReadinessLevel``; ``text`` is the cell as written.
    """

    level: str
    year: int | None
    text: str


@dataclass(frozen=True, slots=True)
class RunbookRow:
    """One row of the runbook table. ``link`` is the target of the relative link that states its path, if one does."""

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
    """A runbook's place in a chapter (``### 2.1 …``) with the role it plays there.

    ``runbook`` is the resolved title of a ``RunbookRow``, or None when it could not be
    resolved (a notice says so). ``role`` is Markdown; ``role_lines`` are its lines with the
    number of the line that holds each (0: none does), ``path_line`` that of its path.
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
    """A topic chapter. ``note`` is the Markdown inside its block quotes, without the ``>``.

    ``note_lines`` are its lines as ``SectionEntryRow.role_lines`` are.
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
    """A source path with its description, and the titles of runbooks that the description names.

    Paths of one bullet share its line and description. ``remark`` is what the bullet says
    beside its paths, before the dash (``& related modules`` -> ``related modules``).
    """

    line: int
    path: str
    description: str
    runbooks: tuple[str, ...]
    remark: str = ""


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """A named version of the landscape with its entries.

    ``dated`` is the month as written (``Januar 2026``); ``year`` and ``month`` are read
    from it, None when it gives none. ``label`` is what follows the month (``2026-ready``).
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
    """A whole landscape file, in the order of the file (releases newest first, as written there)."""

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
    """The file cannot be read as a landscape. Says what, where (line) and what to do."""

    def __init__(self, message: str, *, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


class UnresolvedConflicts(LandscapeError):
    """The file holds merge-conflict blocks and no choice was made."""

    def __init__(self, blocks: tuple[ConflictBlock, ...]) -> None:
        super().__init__(
            f"{len(blocks)} unresolved merge conflict(s); choose a side with --conflicts "
            "ours|theirs|union, "
            "or one for each with --conflict LINE=SIDE",
            line=blocks[0].first_line,
        )
        self.blocks = blocks
