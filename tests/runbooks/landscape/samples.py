"""Small invented landscape files, built from the parts that a test is about."""

from runbooks.landscape.parse.reader import read_landscape
from runbooks.landscape.schema import Landscape, RunbookRow

RUNBOOK_HEADER = (
    "| Runbook | Pfad | Version | Scope / Zweck | Primary Cluster | Layer | 2026-ready Status |"
)
SITUATION_HEADER = "| Situation | Relevante Runbooks | Kommentar |"


def delimiter(header: str) -> str:
    """The line of dashes below a header."""
    return "|" + " --- |" * (header.count("|") - 1)


def row(
    title: str = "Pump Restart Runbook",
    path: str = "`docs/pump.md`",
    *,
    version: str = "v1.0",
    scope: str = "Restart a pump",
    cluster: str = "Cluster 11 (Pumps)",
    layer: str = "**Operations**",
    status: str = "✅ 2026-ready",
) -> str:
    """One line of the runbook table."""
    return f"| **{title}** | {path} | {version} | {scope} | {cluster} | {layer} | {status} |"


def situation(
    title: str = "Pump stands still", names: str = "Pump Restart Runbook", comment: str = "Check it"
) -> str:
    """One line of the situation table."""
    return f"| **{title}** | {names} | {comment} |"


PUMP = row()
VALVE = row("Valve Calibration", "`docs/valve.md`")
STILL = situation()


def text_of(
    runbooks: tuple[str, ...] = (PUMP,),
    situations: tuple[str, ...] = (STILL,),
    chapters: str = "",
    title: str = "# Plant",
) -> str:
    """A whole file: both tables, then ``chapters`` as they are."""
    return "\n".join(
        [
            title,
            "",
            "## 1. Runbooks",
            "",
            RUNBOOK_HEADER,
            delimiter(RUNBOOK_HEADER),
            *runbooks,
            "",
            "## 2. Situations",
            "",
            SITUATION_HEADER,
            delimiter(SITUATION_HEADER),
            *situations,
            "",
            chapters,
        ]
    )


def read(*runbooks: str, situations: tuple[str, ...] = (STILL,), chapters: str = "") -> Landscape:
    """The landscape of ``text_of``; without rows, the one with the pump alone."""
    return read_landscape(text_of(runbooks or (PUMP,), situations, chapters))


def read_row(**cells: str) -> tuple[RunbookRow, list[str]]:
    """The one runbook with these cells, and the kinds of its notices."""
    landscape = read(
        row(**cells), situations=(situation(names=cells.get("title", "Pump Restart Runbook")),)
    )
    return landscape.runbooks[0], kinds(landscape)


def kinds(landscape: Landscape) -> list[str]:
    """The kinds of all notices, in order."""
    return [notice.kind for notice in landscape.notices]


def line_of(text: str, part: str) -> int:
    """The number, from 1, of the first line that holds ``part``."""
    return next(number for number, line in enumerate(text.split("\n"), start=1) if part in line)
