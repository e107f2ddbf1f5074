"""``manage.py import_landscape FILE``: import the landscape file into the catalogue."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from governance import ledger
from governance.exchange.importing import (
    Answers,
    CatalogueChanged,
    LandscapeFile,
    Plan,
    PlanRefused,
    apply_plan,
    placed_name,
    plan_import,
)
from governance.exchange.importing.report import show_plan
from governance.management.base import PortalCommand, actor_named
from runbooks.documents.sources.folder import Source, SourceError
from runbooks.documents.sources.git import open_source
from runbooks.landscape.parse.conflicts import Choices, find_conflicts, split_lines
from runbooks.landscape.schema import (
    ConflictBlock,
    ConflictChoice,
    LandscapeError,
    UnresolvedConflicts,
)

MAXIMUM_BYTES = 50 * 1024 * 1024
ATTEMPTS = 3


class Command(PortalCommand):
    """Reads a landscape file, shows the plan and applies it. It guesses nothing."""

    help = (
        "Import a landscape file. Stops at merge conflicts until a side is chosen; signs nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options that the README names."""
        parser.add_argument(
            "file", metavar="FILE", type=Path, help="the landscape file (Markdown, UTF-8)"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="print the plan and write nothing"
        )
        parser.add_argument(
            "--conflicts",
            choices=[choice.value for choice in ConflictChoice],
            default=ConflictChoice.STOP.value,
            help="what to do with unresolved merge conflicts (default: stop and show both sides)",
        )
        parser.add_argument(
            "--conflict",
            metavar="LINE=SIDE",
            action="append",
            default=[],
            type=_one_choice,
            help="the side for the one conflict that begins on a line; may be given several times",
        )
        renames = parser.add_mutually_exclusive_group()
        renames.add_argument(
            "--accept-renames", action="store_true", help="yes to every proposed rename and move"
        )
        renames.add_argument(
            "--refuse-renames",
            action="store_true",
            help="no to every one: a renamed row is a new runbook, a moved one keeps its path",
        )
        removals = parser.add_mutually_exclusive_group()
        removals.add_argument(
            "--accept-removals",
            action="store_true",
            help=(
                "yes to every removal that takes what people added in the portal, such as alert "
                "labels"
            ),
        )
        removals.add_argument(
            "--refuse-removals", action="store_true", help="no to every one: it stays in the portal"
        )
        parser.add_argument(
            "--plan",
            metavar="SHA256",
            help="apply only the plan that a dry run printed this digest of",
        )
        parser.add_argument(
            "--docs-root",
            metavar="DIR|REPO",
            type=Path,
            help="where the documents' paths start, or a git repository",
        )
        parser.add_argument(
            "--ref", default="", help="the branch, tag or commit to read in the repository"
        )
        parser.add_argument(
            "--as", metavar="USERNAME", dest="username", help="who imports, for the change log"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Read, plan, show, apply.

        :raises CommandError: the file cannot be read, contains conflicts and no side is chosen, a
            proposed rename or removal needs an answer, or the plan is not the one that was shown.
            Nothing was written.
        """
        actor = actor_named(options["username"])
        content = self._content(options["file"])
        try:
            with self._source(options["docs_root"], options["ref"]) as source:
                name, is_placed = self._name(options["file"], options["docs_root"])
                file = LandscapeFile(name, content, _choices(options, content), is_placed)
                self._plan_and_apply(file, source, actor, options)
        except SourceError as error:
            raise CommandError(f"{error} Nothing was written.") from error

    def _plan_and_apply(
        self,
        file: LandscapeFile,
        source: Source | None,
        actor: ledger.Actor,
        options: dict[str, Any],
    ) -> None:
        try:
            plan = plan_import(file, documents=source, answers=_answers(options))
        except UnresolvedConflicts as refusal:
            for block in refusal.blocks:
                self._show_conflict(options["file"], block)
            raise CommandError(f"{options['file']}: {refusal} Nothing was written.") from refusal
        except LandscapeError as error:
            raise CommandError(f"{options['file']}: {error} Nothing was written.") from error
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._show_and_apply(plan, actor, options)
                return
            except CatalogueChanged as refusal:
                # No particular plan was requested, so the new one is shown and applied.
                if options["plan"] or refusal.plan is None or attempt == ATTEMPTS:
                    raise CommandError(f"{options['file']}: {refusal}") from refusal
                self.stdout.write("The catalogue changed in the meantime. The plan was made again:")
                plan = refusal.plan

    def _show_and_apply(self, plan: Plan, actor: ledger.Actor, options: dict[str, Any]) -> None:
        show_plan(plan, self.stdout.write, verbose=options["dry_run"] or options["verbosity"] > 1)
        if options["dry_run"]:
            self.stdout.write("Dry run: nothing was written.")
            return
        try:
            apply_plan(plan, by=actor, shown=options["plan"])
        except CatalogueChanged:
            raise
        except PlanRefused as refusal:
            raise CommandError(f"{options['file']}: {refusal} Nothing was written.") from refusal
        if plan.is_empty:
            self.stdout.write("Nothing changed, nothing was written.")
        else:
            self.stdout.write(
                self.style.SUCCESS(
                    "Imported. Nothing was signed off: declared levels are only claims."
                )
            )

    def _content(self, path: Path) -> bytes:
        try:
            if path.stat().st_size > MAXIMUM_BYTES:
                raise CommandError(
                    f"{path} is larger than {MAXIMUM_BYTES // 1024 // 1024} MB; a landscape "
                    "file is not."
                )
            return path.read_bytes()
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from error

    def _show_conflict(self, path: Path, block: ConflictBlock) -> None:
        self.stderr.write(f"{path}:{block.first_line}-{block.last_line}: merge conflict")
        for name, label, side in (
            ("ours", block.ours_label, block.ours),
            ("theirs", block.theirs_label, block.theirs),
        ):
            self.stderr.write(f"  --conflicts {name} keeps ({label or 'no label'}):")
            for line in side:
                self.stderr.write(f"    {line.number:>5} | {line.text}")
            if not side:
                self.stderr.write("          | (nothing)")

    @contextmanager
    def _source(self, docs_root: Path | None, ref: str) -> Iterator[Source | None]:
        root = docs_root or (Path(settings.DOCS_ROOT) if settings.DOCS_ROOT else None)
        if root is None:
            self.stderr.write("No --docs-root and no DOCS_ROOT: documents are left unchanged.")
            yield None
            return
        with open_source(root, ref or ("" if docs_root else settings.DOCS_REF)) as source:
            yield source

    def _name(self, path: Path, docs_root: Path | None) -> tuple[str, bool]:
        """Return the name of the file, and whether it is its path.

        That is the path below the documents' folder or repository, else the bare name. A file with
        the name of the last imported landscape is taken for that one, in whatever folder it is now.
        """
        root = docs_root or (Path(settings.DOCS_ROOT) if settings.DOCS_ROOT else None)
        if root is not None and path.resolve().is_relative_to(root.resolve()):
            return path.resolve().relative_to(root.resolve()).as_posix(), True
        return placed_name(path.name)


def _answers(options: dict[str, Any]) -> Answers:
    """Return the answers to all renames and moves, and to all removals."""
    of_renames, of_removals = (
        True if options[f"accept_{what}"] else False if options[f"refuse_{what}"] else None
        for what in ("renames", "removals")
    )
    return Answers(otherwise=of_renames, removals=of_removals)


def _one_choice(text: str) -> tuple[int, ConflictChoice]:
    """Return the line and the side of ``26=ours``."""
    line, _, side = text.partition("=")
    if not line.isdecimal() or side not in [choice.value for choice in ConflictChoice]:
        raise ArgumentTypeError(
            f"{text!r} is no choice. Write the line where the conflict begins and a side: 26=ours."
        )
    return int(line), ConflictChoice(side)


def _choices(options: dict[str, Any], content: bytes) -> Choices:
    """Return one side for all blocks, or one for each block and a common one for the others."""
    common = ConflictChoice(options["conflicts"])
    if not options["conflict"]:
        return common
    try:
        blocks = find_conflicts(split_lines(content.decode("utf-8", errors="replace")))
    except LandscapeError:
        blocks = ()  # the error is reported when the file is read
    return {block.first_line: common for block in blocks} | dict(options["conflict"])
