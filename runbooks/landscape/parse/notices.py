"""Collect the notices of the reader. Pure: imports no Django."""

from enum import StrEnum

from runbooks.landscape.schema import Notice

MAX_SUBJECT_LENGTH = 200
MAX_QUOTE_LENGTH = 120


class NoticeKind(StrEnum):
    """The kinds of notices, which are values of ``governance.findings.choices.FindingKind``."""

    # A merge conflict that was resolved by the user's choice.
    CONFLICT_MARKER = "conflict_marker"
    # A runbook row that repeats an earlier one; the earlier one is kept.
    DUPLICATE_ROW = "duplicate_row"
    # A situation row that repeats an earlier one; the earlier one is kept.
    DUPLICATE_SITUATION = "duplicate_situation"
    # A runbook row with an empty path cell.
    MISSING_PATH = "missing_path"
    # A missing optional column of a table.
    MISSING_COLUMN = "missing_column"
    # A column that is not read.
    UNKNOWN_COLUMN = "unknown_column"
    # A status text that is no known level, or more than one.
    UNKNOWN_LEVEL = "unknown_level"
    # A row whose number of cells differs from the header.
    RAGGED_ROW = "ragged_row"
    # A path written with HTML entities, so that link checkers ignore it.
    ILLUSTRATIVE_PATH = "illustrative_path"
    # A path that leaves the repository.
    UNSAFE_PATH = "unsafe_path"
    # A cluster range that runs backwards.
    ODD_RANGE = "odd_range"
    # A short name that matches several runbooks.
    AMBIGUOUS_NAME = "ambiguous_name"
    # A name that matches no runbook.
    UNRESOLVED_NAME = "unresolved_name"
    # Anything else that a person should look at; the message describes it.
    OTHER = "other"


def excerpt(text: str, longest: int = MAX_QUOTE_LENGTH) -> str:
    """Return ``text`` on one line, truncated to ``longest`` characters with an ellipsis."""
    # Truncated before splitting: a line of ten megabytes must not be split for a quote.
    line = " ".join(text[: longest + 1].split())
    return line if len(text) <= longest else f"{line[: longest - 1]}\u2026"


class NoticeLog:
    """Collects notices and returns them in the order of the file.

    A notice is identified by kind, line and subject. Messages with the same three are joined to one
    notice, because a finding can only be open once.
    """

    def __init__(self) -> None:
        self._messages: dict[tuple[NoticeKind, int, str], list[str]] = {}

    def add(self, kind: NoticeKind, line: int, subject: str, message: str) -> None:
        """Add ``message`` about ``subject``; ``line`` counts from 1 in the file."""
        messages = self._messages.setdefault((kind, line, excerpt(subject, MAX_SUBJECT_LENGTH)), [])
        if message not in messages:
            messages.append(message)

    def extend(self, other: "NoticeLog") -> None:
        """Add all notices of ``other``."""
        for (kind, line, subject), messages in other._messages.items():
            for message in messages:
                self.add(kind, line, subject, message)

    def in_order(self) -> tuple[Notice, ...]:
        """Return all notices by line; those of one line in the order in which they were added."""
        notices = [
            Notice(kind=kind.value, line=line, subject=subject, message=" ".join(messages))
            for (kind, line, subject), messages in self._messages.items()
        ]
        return tuple(sorted(notices, key=lambda notice: notice.line))
