"""Resolve short names to runbook titles. Pure: imports no Django.

``Go/No-Go 2026`` resolves to ``Go/No-Go 2026 - Live Alerts & Escalation`` if no other title
contains these words in this order. A name that matches two titles is ambiguous and resolves to
none.
"""

import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

Tokens = tuple[str, ...]

# Remarks in parentheses that are not part of a name: "(siehe oben)", "(see above)", "(v1.1)".
ASIDE = re.compile(
    r"\((?:(?:siehe|see|vgl\.?|cf\.?) [^()]*|s\. ?[ou]\.|(?:v|version) ?[0-9][^()]*)\)",
    re.IGNORECASE,
)
WORD = re.compile(r"[^\W_]+")
# Folding takes more than linear time for crafted text, so longer names are compared as they are.
MAX_NAME_LENGTH = 1_000
CANDIDATE_LIMIT = 20
GENERIC_WORD = "runbook"


@dataclass(frozen=True, slots=True)
class Resolution:
    """The result of resolving a name.

    :ivar title: the one title, or None.
    :ivar candidates: the matching titles, at most ``CANDIDATE_LIMIT``: one if resolved, several if
        ambiguous, none if unknown.
    """

    title: str | None
    candidates: tuple[str, ...]


def name_tokens(name: str) -> Tokens:
    """Return the words of ``name``, folded so that spelling variants are equal.

    Case, compatibility forms, invisible characters, and the kind of dash or punctuation are ignored
    (NFKC, Unicode Annex 15). A name of punctuation only, or of more than ``MAX_NAME_LENGTH``
    characters, is one token.
    """
    if len(name) > MAX_NAME_LENGTH:
        return (name,)
    if name.isascii():
        # The common and fast case: nothing to normalise and nothing invisible.
        return tuple(WORD.findall(name.lower())) or (name.strip(),)
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    # Soft hyphens and zero-width characters are invisible, so they must not split a word.
    visible = "".join(character for character in folded if unicodedata.category(character) != "Cf")
    return tuple(WORD.findall(visible)) or (visible.strip(),)


def bare_tokens(name: str) -> Tokens:
    """Return the words of ``name`` without remarks such as "(siehe oben)" or "(v1.1)"."""
    if "(" not in name or len(name) > MAX_NAME_LENGTH:
        return name_tokens(name)
    return name_tokens(ASIDE.sub(" ", name))


class NameIndex:
    """Resolves names against a fixed set of titles.

    Building and resolving take time in proportion to the text, not to titles times names.

    :param titles: the full titles.
    :param aliases: further names -> titles; an alias of an unknown title is ignored.
    """

    def __init__(self, titles: Iterable[str], aliases: Mapping[str, str] | None = None) -> None:
        self._titles = tuple(dict.fromkeys(titles))
        self._tokens = tuple(name_tokens(title) for title in self._titles)
        self._texts = tuple(_as_text(tokens) for tokens in self._tokens)
        self._exact = _grouped(zip(self._tokens, self._titles, strict=True))
        self._bare = _grouped((bare_tokens(title), title) for title in self._titles)
        self._aliases = _grouped(
            (bare_tokens(alias), title)
            for alias, target in (aliases or {}).items()
            for title in self._exact.get(name_tokens(target), ())
        )
        self._holders = self._index_of_runs()
        self.most_commas = max((title.count(",") for title in self._titles), default=0)

    def is_title(self, name: str) -> bool:
        """Return whether ``name`` is a whole title, ignoring spelling variants."""
        return name_tokens(name) in self._exact or bare_tokens(name) in self._bare

    def resolve(self, name: str) -> Resolution:
        """Return the title that ``name`` means.

        The first of these steps with a match decides: the whole title, the title without remarks,
        an alias, consecutive words of a title. For a name that ends in "Runbook", the last three
        are then tried without that word.
        """
        tokens, bare = name_tokens(name), bare_tokens(name)
        found = self._exact.get(tokens) or self._climb(bare)
        if not found and len(bare) > 1 and bare[-1] == GENERIC_WORD:
            found = self._climb(bare[:-1])
        candidates = tuple(found[:CANDIDATE_LIMIT])
        return Resolution(
            title=candidates[0] if len(candidates) == 1 else None, candidates=candidates
        )

    def _climb(self, tokens: Tokens) -> list[str]:
        rungs: tuple[Callable[[Tokens], list[str]], ...] = (
            lambda run: self._bare.get(run, []),
            lambda run: self._aliases.get(run, []),
            self._titles_with_run,
        )
        return next((found for rung in rungs if (found := rung(tokens))), [])

    def _titles_with_run(self, run: Tokens) -> list[str]:
        """Return the first titles that contain the words of ``run`` consecutively."""
        keys = _run_keys(run) if len(run) > 1 else [run]
        rarest = min((self._holders.get(key, []) for key in keys), key=len)
        wanted = _as_text(run)
        found: list[str] = []
        for position in rarest:
            if wanted in self._texts[position]:
                found.append(self._titles[position])
            if len(found) == CANDIDATE_LIMIT:
                break
        return found

    def _index_of_runs(self) -> dict[Tokens, list[int]]:
        """Return single words and pairs of adjacent words -> positions of the titles with them."""
        holders: dict[Tokens, list[int]] = {}
        for position, tokens in enumerate(self._tokens):
            for key in {*((token,) for token in tokens), *_run_keys(tokens)}:
                holders.setdefault(key, []).append(position)
        return holders


def _run_keys(tokens: Tokens) -> list[Tokens]:
    return list(itertools.pairwise(tokens))


def _as_text(tokens: Tokens) -> str:
    """Return the tokens as one text in which a run can be searched. No token contains a newline."""
    return "\n".join(("", *tokens, ""))


def _grouped(pairs: Iterable[tuple[Tokens, str]]) -> dict[Tokens, list[str]]:
    groups: dict[Tokens, list[str]] = {}
    for tokens, title in pairs:
        group = groups.setdefault(tokens, [])
        if title not in group[:CANDIDATE_LIMIT]:
            group.append(title)
    return groups
