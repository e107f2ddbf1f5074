"""What the reader notices, gathered while it reads. Pure: imports no Django."""

from enum import StrEnum

from runbooks.landscape.schema import Notice

MAX_SUBJECT_LENGTH = 200
MAX_QUOTE_LENGTH = 120


class NoticeKind(StrEnum):
    """Every kind that the reader gives; each is a value of ``governance.findings.choices.FindingKind``."""

    # A merge conflict that was read by the user's choice.
    CONFLICT_MARKER = "conflict_marker"
    # A runbook row that repeats an earlier one; the earlier one is kept.
    DUPLICATE_ROW = "duplicate_row"
    # The same for a situation.
    DUPLICATE_SITUATION = "duplicate_situation"
    # A runbook row whose path cell is empty.
    MISSING_PATH = "missing_path"
    # A table lacks an optional column.
    MISSING_COLUMN = "missing_column"
    # A table has a column that nothing reads.
    UNKNOWN_COLUMN = "unknown_column"
    # A status text that is no level, or more than one.
    UNKNOWN_LEVEL = "unknown_level"
    # A row whose cells do not line up with the header.
    RAGGED_ROW = "ragged_row"
    # A path written with HTML entities, so that link checkers pass over it.
    ILLUSTRATIVE_PATH = "illustrative_path"
    # A path that leaves the repository.
    UNSAFE_PATH = "unsafe_path"
    # A cluster range that runs backwards.
    ODD_RANGE = "odd_range"
    # A short name that fits several runbooks.
    AMBIGUOUS_NAME = "ambiguous_name"
    # A name that fits none.
    UNRESOLVED_NAME = "unresolved_name"
    # Anything else that a person should look at; the message says what.
    OTHER = "other"


def excerpt(text: str, longest: int = MAX_QUOTE_LENGTH) -> str:
    """``text`` on one line, cut to ``longest`` characters with an ellipsis."""
    # Cut before splitting: a line of ten megabytes must not be split for a quote.
    line = " ".join(text[: longest + 1].split())
    return line if len(text) <= longest else f"{line[: longest - 1]}\u2026"


class NoticeLog:
    """Collects notices and hands them out in the order of the file.

    Kind, line and subject together name a notice: what is added under the same three is
    one notice with both sentences, because a finding is open only once.
    """

    def __init__(self) -> None:
        self._messages: dict[tuple[NoticeKind, int, str], list[str]] = {}

    def add(self, kind: NoticeKind, line: int, subject: str, message: str) -> None:
        """Note ``message`` about ``subject``; ``line`` counts from 1 in the file."""
        messages = self._messages.setdefault((kind, line, excerpt(subject, MAX_SUBJECT_LENGTH)), [])
        if message not in messages:
            messages.append(message)

    def extend(self, other: "NoticeLog") -> None:
        """Take over everything that ``other`` holds."""
        for (kind, line, subject), messages in other._messages.items():
            for message in messages:
                self.add(kind, line, subject, message)

    def in_order(self) -> tuple[Notice, ...]:
        """All notices by line; those of one line in the order in which they were added."""
        notices = [
            Notice(kind=kind.value, line=line, subject=subject, message=" ".join(messages))
            for (kind, line, subject), messages in self._messages.items()
        ]
        return tuple(sorted(notices, key=lambda notice: notice.line))
