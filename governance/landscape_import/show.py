"""A plan as lines of text, for a terminal."""

from collections.abc import Callable

from governance.landscape_import.claims import claims_of
from governance.landscape_import.identity import RENAME, Proposal
from governance.landscape_import.plan import Plan

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
    """Hand the plan to ``write`` line by line; ``verbose`` shows every step and not their number alone."""
    write(f"{plan.file}: {plan.landscape.title}")
    write(f"{'':<18}{'in file':>9}{'added':>9}{'changed':>9}{'removed':>9}")
    for kind, title in TITLES.items():
        numbers = (plan.seen[kind], *(plan.counted(kind, verb) for verb in VERBS))
        write(f"{title:<18}" + "".join(f"{number:>9}" for number in numbers))
    write(f"{'documents':<18}{plan.seen['document']:>9}{len(plan.documents):>9}{0:>9}{0:>9}")
    entries = sum(len(release.entries) for release in plan.landscape.releases)
    write(f"{'release entries':<18}{entries:>9}")
    write(f"{'findings':<18}{len(plan.findings):>9}{len(plan.new_findings):>9}")
    for proposal in plan.proposals:
        write(f"  {ANSWERS[proposal.answer]}: {in_words(proposal)}")
    for title in plan.absent:
        write(f"  proposed for retirement: {title}")
    if verbose:
        _show_steps(plan, write)
        for claim in claims_of(plan):
            write(f"  declared {claim.declared}, signed {claim.signed}: {claim.title}")
        write(f"  plan {plan.digest}")
    for draft in plan.findings:
        place = f"{draft.file}:{draft.line}" if draft.line else draft.file
        write(f"  {draft.kind}: {place}: {draft.subject}\n    {draft.message}")


def in_words(proposal: Proposal) -> str:
    """``line 12: rename "A" to "B"``, with the paths where they differ."""
    words = f'"{proposal.stored_title}"'
    words = f'rename {words} to "{proposal.title}"' if proposal.kind == RENAME else f"move {words}"
    if proposal.stored_path != proposal.path:
        words += f" from {proposal.stored_path or 'no path'} to {proposal.path or 'no path'}"
    return f"line {proposal.line}: {words}"


def _show_steps(plan: Plan, write: Callable[[str], object]) -> None:
    for path in plan.documents:
        write(f"  store document {path}")
    for step in plan.steps:
        write(f"  {step.verb} {TITLES[step.kind].removesuffix('s')} {step.stored}")
        for name, (before, after) in step.changes.items() if step.verb == "change" else ():
            write(f"    {name}: {before!r} -> {after!r}")
