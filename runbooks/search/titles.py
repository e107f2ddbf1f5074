"""The plain answer: by titles and names alone, read from the live rows. For when the index cannot be read."""

from collections import defaultdict
from collections.abc import Iterable

from runbooks.models import Runbook, RunbookAlias, Situation
from runbooks.search.text import Term, folded, terms_of

Named = Iterable[tuple[int, str]]  # a key, and a title or name


def runbooks_by_title(question: str) -> list[int]:
    """Keys of the runbooks in whose title or further names words of the question begin a word; most words first."""
    titles = Runbook.objects.values_list("pk", "title")
    names = RunbookAlias.objects.values_list("runbook", "name")
    return _by_words(terms_of(question), [*titles, *names])


def situations_by_title(question: str) -> list[int]:
    """Keys of the situations, likewise."""
    return _by_words(terms_of(question), Situation.objects.values_list("pk", "title"))


def _by_words(terms: Iterable[Term], named: Named) -> list[int]:
    found: dict[int, set[str]] = defaultdict(set)
    for pk, name in named:
        text = folded(name)
        found[pk].update(term.word for term in terms if f" {term.word}" in text)
    # Of those with equally many the order is the landscape's.
    return sorted((pk for pk, words in found.items() if words), key=lambda pk: -len(found[pk]))
