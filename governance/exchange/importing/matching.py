"""Which row of the file is which runbook of the portal. Nothing is guessed: what is probable is proposed.

A title, or a further name, is certain. A row that nobody knows, beside a runbook that the file no
longer names, may be the same runbook under a new title; a known runbook with another path may have
moved. Both wait for a yes. See ``docs/decisions/0010-landscape-in-and-out.md``.
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
# Why a row and a runbook may be one, the stronger the higher.
SAME_PATH, SAME_WORDS, SAME_FILE, LIKE_WORDS = 4, 3, 2, 1
# Of all words of two titles, how many both have.
ALIKE = 0.6
# Beyond so many pairs, titles are not compared word by word.
MAX_PAIRS = 250_000


@dataclass(frozen=True, slots=True)
class Proposal:
    """What an import does not decide by itself: a probable rename or move, or a removal that takes more than the file gave.

    ``answer`` is None as long as nobody said yes or no.

    :ivar of: the kind of object that it is about.
    :ivar line: where the file says so; 0 for a removal.
    :ivar lost: for a removal, what people added in the portal and would go: field and value.
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
        """What an answer refers to: the same for the same proposal."""
        words = [self.kind, self.stored_title, self.title, self.stored_path, self.path]
        if self.of != RUNBOOK:
            words += [self.of, *(f"{name}: {value}" for name, value in self.lost.items())]
        return sha256_of_text("\n".join(words))[:16]

    def answered(self, answers: "Answers") -> "Proposal":
        """The proposal with the user's answer to it."""
        return replace(self, answer=answers.to(self))


@dataclass(frozen=True, slots=True)
class Answers:
    """Yes or no to proposals: for each by its key, else ``otherwise``; None leaves it open.

    A yes to renames and moves is none to removals, which have ``removals`` for it.
    """

    by_key: Mapping[str, bool] = field(default_factory=dict)
    otherwise: bool | None = None
    removals: bool | None = None

    def to(self, proposal: Proposal) -> bool | None:
        """The answer to one proposal."""
        return self.by_key.get(
            proposal.key, self.removals if proposal.kind == REMOVAL else self.otherwise
        )


@dataclass(frozen=True, slots=True)
class Stored:
    """What the portal knows of its runbooks: title -> path, and further name (folded) -> title."""

    paths: Mapping[str, str]
    names: Mapping[tuple[str, ...], str]
    aliases: Mapping[str, str]

    @classmethod
    def now(cls) -> "Stored":
        """Read from the database."""
        aliases = dict(RunbookAlias.objects.values_list("name", "runbook__title"))
        names = {name_tokens(name): title for name, title in aliases.items()}
        return cls(dict(Runbook.objects.values_list("title", "document_path")), names, aliases)


@dataclass(slots=True)
class Matching:
    """``keys``: title in the file -> title in the catalogue after the import. ``renamed``: that -> the stored one."""

    keys: dict[str, str] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    kept_paths: dict[str, str] = field(default_factory=dict)
    proposals: list[Proposal] = field(default_factory=list)
    former_names: list[RunbookRow] = field(default_factory=list)

    def aliases(self, stored: Stored) -> dict[str, str]:
        """Further names -> titles as the file writes them: what its own names may still use."""
        in_file = {key: title for title, key in self.keys.items()}
        names = {name: in_file[title] for name, title in stored.aliases.items() if title in in_file}
        names |= {old: in_file[new] for new, old in self.renamed.items()}
        return names | {key: title for title, key in self.keys.items() if key != title}


def match(
    landscape: Landscape, stored: Stored, answers: Answers, refused: Iterable[tuple[str, str]]
) -> Matching:
    """Find the runbook of each row.

    :param refused: pairs of title and path: moves that were refused at an earlier import and are
        not asked about again.
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
    """A row that no name leads to: the runbook that was renamed, unless that was denied, or a new one."""
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
    """Title in the file -> stored title."""
    return best_pairs(_scores(unknown, absent))


def best_pairs(scores: Mapping[str, Mapping[str, float]]) -> dict[str, str]:
    """New name -> stored name, for each pair that fits each other better than anybody else.

    :param scores: new name -> stored name -> how much speaks for their being one.
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
    """For each name the one candidate with the highest score; none where two share it."""
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
    """The absent runbooks by path, by the words of the title, and by the name of the file."""
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
    """The last step of a path; a name for nothing where there is none."""
    return path.rpartition("/")[2] or "\n"


def _alike(words: frozenset[str], other: tuple[str, ...]) -> bool:
    both = len(words & set(other))
    return both / max(1, len(words | set(other))) >= ALIKE
