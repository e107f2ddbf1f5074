"""Objects that the last file named and this one does not.

They were renamed, removed, or are left because the file was not read whole. What the file itself
added is removed without asking. What people added in the portal (alert labels, headings to read, an
edit) is removed only after a confirmation: see ``docs/decisions/0010-landscape-in-and-out.md``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from governance.exchange.importing.local_changes import Added
from governance.exchange.importing.matching import REMOVAL, RENAME, Answers, Proposal, best_pairs
from governance.exchange.importing.previous import REMOVABLE, Before, pair_renamed
from governance.exchange.importing.target_state import Catalogue, Facts
from runbooks.landscape.parse.names import name_tokens
from runbooks.landscape.parse.notices import NoticeKind
from runbooks.landscape.schema import Landscape

# Two situations are probably the same above this score: no single similarity is enough.
PROBABLE = 1.0
SAME_PLACE = 0.5
# The parser's name for a block without an end, below which nothing was read.
UNCLOSED = "code block or comment"


@dataclass(slots=True)
class Leaving:
    """What happens to the objects that the file no longer names, by kind.

    :ivar renamed: new key -> stored key.
    :ivar removed: the stored keys of what is removed.
    :ivar held: the stored keys of what is left, because the file may still name it in a part that
        could not be read.
    :ivar lost: kind and stored key -> what people added in the portal and is lost with the step.
    """

    renamed: dict[str, dict[str, str]] = field(default_factory=dict)
    removed: dict[str, list[str]] = field(default_factory=dict)
    held: dict[str, list[str]] = field(default_factory=dict)
    lost: dict[tuple[str, str], Facts] = field(default_factory=dict)
    proposals: list[Proposal] = field(default_factory=list)


def find_leaving(
    landscape: Landscape,
    before: Before,
    *,
    current: Catalogue,
    desired: Catalogue,
    added: Added,
    answers: Answers,
) -> Leaving:
    """Decide for each object that the last file named and this one does not.

    :param added: what people added in the portal.
    :param answers: a proposal without an answer is planned as if it were accepted.
    """
    leaving = Leaving()
    for kind in REMOVABLE:
        gone = before.gone(kind, current[kind], desired[kind])
        pairs = pair_renamed(kind, gone, current[kind], desired[kind])
        if kind == "situation":
            probable = _probable(pairs, gone, current[kind], desired[kind])
            pairs |= _confirmed(leaving, probable, landscape, answers)
        rest = [key for key in gone if key not in pairs.values()]
        held = _not_read(kind, rest, landscape, desired[kind])
        leaving.renamed[kind] = pairs
        leaving.held[kind] = [key for key in rest if key in held]
        leaving.removed[kind] = [
            key
            for key in rest
            if key not in held
            and _may_go(leaving, kind, key, added.to(kind, key, current[kind][key]), answers)
        ]
    _add_lost_headings(leaving, desired["situation"], added)
    return leaving


# --- renamed ------------------------------------------------------------------------------


def _probable(
    certain: Mapping[str, str],
    gone: Iterable[str],
    current: Mapping[str, Facts],
    desired: Mapping[str, Facts],
) -> dict[str, str]:
    """Return new title -> stored title of the situations that are probably the same.

    Pairs that are certainly the same are left out.
    """
    new = {
        key: facts for key, facts in desired.items() if key not in current and key not in certain
    }
    return best_pairs(
        _likenesses(new, {key: current[key] for key in gone if key not in certain.values()})
    )


def _confirmed(
    leaving: Leaving, pairs: Mapping[str, str], landscape: Landscape, answers: Answers
) -> dict[str, str]:
    """Return the pairs that nobody denied."""
    lines = {row.title: row.line for row in landscape.situations}
    confirmed = {}
    for title, stored in pairs.items():
        proposal = Proposal(RENAME, lines[title], stored, title, of="situation").answered(answers)
        leaving.proposals.append(proposal)
        if proposal.answer is not False:
            confirmed[title] = stored
    return confirmed


def _likenesses(new: Mapping[str, Facts], gone: Mapping[str, Facts]) -> dict[str, dict[str, float]]:
    """Return new title -> stored title -> likeness, of situations that are probably the same."""
    scores: dict[str, dict[str, float]] = {}
    for title, facts in new.items():
        alike = ((stored, _likeness(facts, before)) for stored, before in gone.items())
        scores[title] = {stored: likeness for stored, likeness in alike if likeness > PROBABLE}
    return scores


def _likeness(facts: Facts, before: Facts) -> float:
    """Return the likeness of two situations, from 0 to 3.5.

    It adds up the shares of common words in the titles, of common runbooks and of common words in
    the comments (each from 0 to 1), and 0.5 for the same position.
    """
    return (
        _shared(name_tokens(facts["title"]), name_tokens(before["title"]))
        + _shared(facts["runbooks"], before["runbooks"])
        + _shared(name_tokens(facts["comment"]), name_tokens(before["comment"]))
        + (SAME_PLACE if facts["position"] == before["position"] else 0)
    )


def _shared(one: Iterable[str], other: Iterable[str]) -> float:
    """Return the share of common words among all words, from 0 to 1; 0 if both are empty."""
    words, others = set(one) - {""}, set(other) - {""}
    return len(words & others) / max(1, len(words | others))


# --- removed, or held ---------------------------------------------------------------------


def _not_read(
    kind: str, gone: list[str], landscape: Landscape, desired: Mapping[str, Facts]
) -> set[str]:
    """Return the keys that the file may still name in a part that could not be read.

    These are all keys of a kind if the file names none of that kind any more (a header that lost a
    word looks like that), if it has a block without an end, or (situations) if a row could not be
    read.
    """
    notices = landscape.notices
    read = {row.line for row in landscape.runbooks} | {row.line for row in landscape.situations}
    unclosed = any(
        notice.kind == NoticeKind.OTHER and notice.subject == UNCLOSED for notice in notices
    )
    ragged = any(
        notice.kind == NoticeKind.RAGGED_ROW and notice.line not in read for notice in notices
    )
    if not desired or unclosed or (ragged and kind == "situation"):
        return set(gone)
    noticed = {notice.subject for notice in notices if notice.kind == NoticeKind.OTHER}
    return {key for key in gone if key in noticed}


def _may_go(leaving: Leaving, kind: str, key: str, lost: Facts, answers: Answers) -> bool:
    """Return whether an object is removed. What people added in the portal needs a confirmation."""
    if not lost:
        return True
    proposal = Proposal(REMOVAL, 0, key, of=kind, lost=lost).answered(answers)
    leaving.proposals.append(proposal)
    if proposal.answer is not False:
        leaving.lost[kind, key] = lost
    return proposal.answer is not False


def _add_lost_headings(leaving: Leaving, desired: Mapping[str, Facts], added: Added) -> None:
    """Record the headings that are lost when their runbook is removed from a situation."""
    for title, facts in desired.items():
        stored = leaving.renamed["situation"].get(title, title)
        lost = added.headings_without(stored, facts["runbooks"])
        if lost:
            leaving.lost["situation", stored] = {"headings": lost}
