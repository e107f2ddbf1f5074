"""Matching of rows in the file with runbooks of the portal.

Probable matches are proposed, never made without asking. A title, or a further name, is certain. An
unknown row, together with a runbook that the file no longer names, may be that runbook under a new
title. A known runbook with another path may have moved. Both need a confirmation. See
``docs/decisions/0010-landscape-in-and-out.md``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from runbooks.digests import sha256_of_text
from runbooks.landscape.parse.names import name_tokens
from runbooks.landscape.schema import Landscape, RunbookRow
from runbooks.models import Runbook, RunbookAlias

RENAME, MOVE, REMOVAL = "rename", "move", "removal"
RUNBOOK = "runbook"
# Why a row and a runbook may be the same; a higher number is stronger.
SAME_PATH, SAME_WORDS, SAME_FILE, LIKE_WORDS = 4, 3, 2, 1
# Minimum share of the words of two titles that both contain.
ALIKE = 0.6
# Above this number of pairs, titles are not compared word by word.
MAX_PAIRS = 250_000


@dataclass(frozen=True, slots=True)
class Proposal:
    """A question that an import does not decide by itself.

    It is a probable rename or move, or a removal that takes more than the file added.

    :ivar answer: None until someone answers yes or no.
    :ivar of: the kind of object that it is about.
    :ivar line: where the file says so; 0 for a removal.
    :ivar lost: for a removal, what people added in the portal and would be lost: field and value.
    """

    kind: str
    line: int
    stored_title: str
    title: str = ""
    stored_path: str = ""
    path: str = ""
    answer: bool | None = None
    of: str = RUNBOOK
    lost: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Return the key that an answer refers to: equal for equal proposals."""
        words = [self.kind, self.stored_title, self.title, self.stored_path, self.path]
        if self.of != RUNBOOK:
            words += [self.of, *(f"{name}: {value}" for name, value in self.lost.items())]
        return sha256_of_text("\n".join(words))[:16]

    def answered(self, answers: "Answers") -> "Proposal":
        """Return the proposal with the user's answer to it."""
        return replace(self, answer=answers.to(self))


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers to proposals: by key, else ``otherwise``; None leaves a proposal open.

    ``otherwise`` answers renames and moves only; removals are answered by ``removals``.
    """

    by_key: Mapping[str, bool] = field(default_factory=dict)
    otherwise: bool | None = None
    removals: bool | None = None

    def to(self, proposal: Proposal) -> bool | None:
        """Return the answer to one proposal."""
        return self.by_key.get(
            proposal.key, self.removals if proposal.kind == REMOVAL else self.otherwise
        )


@dataclass(frozen=True, slots=True)
class Stored:
    """The names of the portal's runbooks.

    :ivar paths: title -> path of the document.
    :ivar names: further name (as folded tokens) -> title.
    :ivar aliases: further name -> title.
    """

    paths: Mapping[str, str]
    names: Mapping[tuple[str, ...], str]
    aliases: Mapping[str, str]

    @classmethod
    def now(cls) -> "Stored":
        """Read the names from the database."""
        aliases = dict(RunbookAlias.objects.values_list("name", "runbook__title"))
        names = {name_tokens(name): title for name, title in aliases.items()}
        return cls(dict(Runbook.objects.values_list("title", "document_path")), names, aliases)


@dataclass(slots=True)
class Matching:
    """The result of matching.

    :ivar keys: title in the file -> title in the catalogue after the import.
    :ivar renamed: title in the catalogue after the import -> stored title.
    """

    keys: dict[str, str] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    kept_paths: dict[str, str] = field(default_factory=dict)
    proposals: list[Proposal] = field(default_factory=list)
    former_names: list[RunbookRow] = field(default_factory=list)

    def aliases(self, stored: Stored) -> dict[str, str]:
        """Return further names -> titles as the file writes them.

        References in the file may still use these names.
        """
        in_file = {key: title for title, key in self.keys.items()}
        names = {name: in_file[title] for name, title in stored.aliases.items() if title in in_file}
        names |= {old: in_file[new] for new, old in self.renamed.items()}
        return names | {key: title for title, key in self.keys.items() if key != title}


def match(
    landscape: Landscape, stored: Stored, answers: Answers, refused: Iterable[tuple[str, str]]
) -> Matching:
    """Find the runbook of each row.

    :param refused: pairs of title and path: moves that were refused at an earlier import and are
        not proposed again.
    """
    identity = Matching()
    titles = {row.title for row in landscape.runbooks}
    unknown = []
    taken: set[str] = set()
    for row in landscape.runbooks:
        known = row.title if row.title in stored.paths else stored.names.get(name_tokens(row.title))
        if known is None or (known != row.title and known in titles) or known in taken:
            unknown.append(row)
            continue
        taken.add(known)
        identity.keys[row.title] = known
        if known != row.title:
            identity.former_names.append(row)
    absent = {title: path for title, path in stored.paths.items() if title not in taken}
    renames = _probable_renames(unknown, absent)
    for row in unknown:
        _take_unknown(identity, row, renames.get(row.title), stored, answers)
    refused_moves = set(refused)
    for row in landscape.runbooks:
        _take_move(identity, row, stored, answers, refused_moves)
    return identity


def _take_unknown(
    identity: Matching, row: RunbookRow, probable: str | None, stored: Stored, answers: Answers
) -> None:
    """Match a row of an unknown name: a renamed runbook unless the user denied it, or a new one."""
    identity.keys[row.title] = row.title
    if probable is None:
        return
    proposal = Proposal(
        RENAME, row.line, probable, row.title, stored.paths[probable], row.document_path
    ).answered(answers)
    identity.proposals.append(proposal)
    if proposal.answer is not False:
        identity.renamed[row.title] = probable


def _take_move(
    identity: Matching,
    row: RunbookRow,
    stored: Stored,
    answers: Answers,
    refused: set[tuple[str, str]],
) -> None:
    key = identity.keys[row.title]
    before = stored.paths.get(key, "")
    if not before or not row.document_path or before == row.document_path:
        return
    proposal = Proposal(MOVE, row.line, key, row.title, before, row.document_path).answered(answers)
    if proposal.answer is None and (key, row.document_path) in refused:
        identity.kept_paths[key] = before
        return
    identity.proposals.append(proposal)
    if proposal.answer is False:
        identity.kept_paths[key] = before


def _probable_renames(unknown: list[RunbookRow], absent: Mapping[str, str]) -> dict[str, str]:
    """Return the probable renames: title in the file -> stored title."""
    return best_pairs(_scores(unknown, absent))


def best_pairs(scores: Mapping[str, Mapping[str, float]]) -> dict[str, str]:
    """Return new name -> stored name, for each pair in which each is the best match of the other.

    :param scores: new name -> stored name -> how likely they are the same.
    """
    reverse: dict[str, dict[str, float]] = {}
    for title, candidates in scores.items():
        for old, score in candidates.items():
            reverse.setdefault(old, {})[title] = score
    best_of_stored = _only_best(reverse)
    return {
        title: old for title, old in _only_best(scores).items() if best_of_stored.get(old) == title
    }


def _only_best(candidates: Mapping[str, Mapping[str, float]]) -> dict[str, str]:
    """Return the one candidate with the highest score for each name; none if two share it."""
    best = {}
    for name, scores in candidates.items():
        highest = max(scores.values(), default=0)
        leaders = [other for other, score in scores.items() if score == highest]
        if len(leaders) == 1:
            best[name] = leaders[0]
    return best


def _scores(unknown: list[RunbookRow], absent: Mapping[str, str]) -> dict[str, dict[str, int]]:
    by_path, by_words, by_file = _grouped(absent)
    scores: dict[str, dict[str, int]] = {}
    for row in unknown:
        found: dict[str, int] = {}
        tokens = frozenset(name_tokens(row.title))
        for old in by_file.get(_file_name(row.document_path), ()):
            found[old] = SAME_FILE
        for old in by_words.get(name_tokens(row.title), ()):
            found[old] = SAME_WORDS
        for old in by_path.get(row.document_path, ()):
            found[old] = SAME_PATH
        if not found and len(unknown) * len(absent) <= MAX_PAIRS:
            found = {
                old: LIKE_WORDS
                for words, olds in by_words.items()
                for old in olds
                if _alike(tokens, words)
            }
        scores[row.title] = found
    return scores


def _grouped(
    absent: Mapping[str, str],
) -> tuple[dict[str, list[str]], dict[tuple[str, ...], list[str]], dict[str, list[str]]]:
    """Return the absent runbooks by path, by the words of the title, and by file name."""
    by_path: dict[str, list[str]] = {}
    by_words: dict[tuple[str, ...], list[str]] = {}
    by_file: dict[str, list[str]] = {}
    for title, path in absent.items():
        by_words.setdefault(name_tokens(title), []).append(title)
        if path:
            by_path.setdefault(path, []).append(title)
            by_file.setdefault(_file_name(path), []).append(title)
    return by_path, by_words, by_file


def _file_name(path: str) -> str:
    """Return the last part of a path; for an empty one, a value that is no file's name."""
    return path.rpartition("/")[2] or "\n"


def _alike(words: frozenset[str], other: tuple[str, ...]) -> bool:
    both = len(words & set(other))
    return both / max(1, len(words | set(other))) >= ALIKE
