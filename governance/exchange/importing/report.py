"""A plan as lines of text, for a terminal."""

from collections.abc import Callable, Mapping
from typing import Any

from governance.exchange.importing.declared_status import claims_of
from governance.exchange.importing.matching import REMOVAL, RENAME, RUNBOOK, Proposal
from governance.exchange.importing.plan import Plan

TITLES = {
    "runbook": "runbooks",
    "situation": "situations",
    "section": "sections",
    "cluster": "clusters",
    "layer": "layers",
    "code_reference": "code references",
    "release": "releases",
}
ANSWERS = {True: "accepted", False: "refused", None: "waits for an answer"}
VERBS = ("add", "change", "remove")


def show_plan(plan: Plan, write: Callable[[str], object], *, verbose: bool) -> None:
    """Pass the plan to ``write`` line by line.

    :param verbose: write every step, not only the number of steps.
    """
    write(f"{plan.file}: {plan.landscape.title}")
    write(f"{'':<18}{'in file':>9}{'added':>9}{'changed':>9}{'removed':>9}")
    for kind, title in TITLES.items():
        numbers = (plan.seen[kind], *(plan.counted(kind, verb) for verb in VERBS))
        write(f"{title:<18}" + "".join(f"{number:>9}" for number in numbers))
    write(f"{'documents':<18}{plan.seen['document']:>9}{len(plan.documents):>9}{0:>9}{0:>9}")
    entries = sum(len(release.entries) for release in plan.landscape.releases)
    write(f"{'release entries':<18}{entries:>9}")
    write(f"{'findings':<18}{len(plan.findings):>9}{len(plan.new_findings):>9}")
    _show_what_to_know(plan, write)
    if verbose:
        _show_steps(plan, write)
        for claim in claims_of(plan):
            write(f"  declared {claim.declared}, signed {claim.signed}: {claim.title}")
        write(f"  plan {plan.digest}")
    for draft in plan.findings:
        place = f"{draft.file}:{draft.line}" if draft.line else draft.file
        write(f"  {draft.kind}: {place}: {draft.subject}\n    {draft.message}")


def _show_what_to_know(plan: Plan, write: Callable[[str], object]) -> None:
    """Write what the numbers do not show: shifts, questions, losses, proposals."""
    for kind, title in TITLES.items():
        for places, number in plan.moved(kind).items():
            write(f"  {number} {title if number > 1 else _kind(kind)} moved by {places:+}")
    for proposal in plan.proposals:
        write(f"  {ANSWERS[proposal.answer]}: {in_words(proposal)}")
    for step in plan.losing:
        write(f"  lost with the {_kind(step.kind)} {step.stored}: {_in_words(step.lost)}")
    for title in plan.absent:
        write(f"  proposed for retirement: {title}")


def in_words(proposal: Proposal) -> str:
    """Return a proposal as text, such as ``line 12: rename "A" to "B"``.

    The paths follow where they differ; for a removal, what is lost.
    """
    words = f'"{proposal.stored_title}"'
    if proposal.of != RUNBOOK:
        words = f"{_kind(proposal.of)} {words}"
    if proposal.kind == REMOVAL:
        return f"remove {words}, and what people added in the portal: {_in_words(proposal.lost)}"
    words = f'rename {words} to "{proposal.title}"' if proposal.kind == RENAME else f"move {words}"
    if proposal.stored_path != proposal.path:
        words += f" from {proposal.stored_path or 'no path'} to {proposal.path or 'no path'}"
    return f"line {proposal.line}: {words}"


def _kind(kind: str) -> str:
    return TITLES[kind].removesuffix("s")


def _in_words(lost: Mapping[str, Any]) -> str:
    return "; ".join(f"{name}: {_value(value)}" for name, value in lost.items())


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(
            " · ".join(part) if isinstance(part, list) else str(part) for part in value
        )
    return "yes" if value is True else str(value)


def _show_steps(plan: Plan, write: Callable[[str], object]) -> None:
    for path in plan.documents:
        write(f"  store document {path}")
    for step in plan.steps:
        if step.verb == "move":
            continue  # reported together
        write(f"  {step.verb} {_kind(step.kind)} {step.stored}")
        for name, (before, after) in step.changes.items() if step.verb == "change" else ():
            write(f"    {name}: {before!r} -> {after!r}")
