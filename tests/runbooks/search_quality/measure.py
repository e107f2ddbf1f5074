"""Asking the labelled questions of whatever database is connected, and counting."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from django.core.management import call_command

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures"
FIRST, AMONG_THREE = 0.90, 0.98

Ask = Callable[[str], Sequence[str]]  # a question -> slugs of runbooks, best first


@dataclass(frozen=True)
class Figures:
    """How often the right runbook was first, or in the first three, and the other questions."""

    first: float
    among_three: float
    misses: list[tuple[str, str, list[str]]]

    def __str__(self) -> str:
        return f"first {self.first:.1%}, among three {self.among_three:.1%}"


def import_fixtures() -> None:
    """Import the landscape and documents of ``fixtures/``, and restore the synonyms.

    A test with real transactions deletes them.
    """
    from runbooks.models import SearchSynonym
    from runbooks.search.first_synonyms import TO_BEGIN_WITH

    for words in TO_BEGIN_WITH:
        SearchSynonym.objects.get_or_create(words=words)
    call_command(
        "import_landscape", str(FIXTURES / "landscape.md"), docs_root=FIXTURES, stdout=StringIO()
    )


def ask_the_search(question: str) -> list[str]:
    """What the portal's own search answers."""
    from governance.assurance.standings import standings
    from runbooks.search.query import answer

    found = answer(question, standings=standings)
    return [hit.runbook.slug for hit in found.hits(found.runbooks[:3])]


def figures(questions: Iterable[tuple[str, str]], ask: Ask = ask_the_search) -> Figures:
    """Ask every question."""
    first = three = number = 0
    misses = []
    for question, right in questions:
        found = list(ask(question))[:3]
        number += 1
        first += found[:1] == [right]
        three += right in found
        if found[:1] != [right]:
            misses.append((question, right, found))
    return Figures(first / number, three / number, misses)
