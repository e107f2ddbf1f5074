"""``manage.py import_landscape FILE``: the landscape file into the catalogue."""

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import CommandError

from governance import actions, ledger
from governance.landscape_import import Plan, apply_plan, plan_import
from governance.management.base import PortalCommand
from runbooks.documents.git_source import open_source
from runbooks.documents.source import FolderSource, Source, SourceError
from runbooks.landscape.document import ConflictBlock, ConflictChoice, Landscape, LandscapeError, UnresolvedConflicts
from runbooks.landscape.reader import read_landscape

MAXIMUM_BYTES = 50 * 1024 * 1024
TITLES = {
    "runbook": "runbooks",
    "situation": "situations",
    "section": "sections",
    "cluster": "clusters",
    "layer": "layers",
    "code_reference": "code references",
    "release": "releases",
}


class Command(PortalCommand):
    """Reads a landscape file, shows the plan, applies it in one transaction. Guesses nothing."""

    help = "Import a landscape file. Stops at merge conflicts until a side is chosen; signs nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The names are those of the README."""
        parser.add_argument("file", metavar="FILE", type=Path, help="the landscape file (Markdown, UTF-8)")
        parser.add_argument("--dry-run", action="store_true", help="print the plan and write nothing")
        parser.add_argument(
            "--conflicts",
            choices=[choice.value for choice in ConflictChoice],
            default=ConflictChoice.STOP.value,
            help="what to do with unresolved merge conflicts (default: stop and show both sides)",
        )
        parser.add_argument(
            "--docs-root", metavar="DIR|REPO", type=Path, help="where the documents' paths start, or a git repository"
        )
        parser.add_argument("--ref", default="", help="the branch, tag or commit to read in the repository")
        parser.add_argument("--as", metavar="USERNAME", dest="username", help="who imports, for the change log")

    def handle(self, *args: Any, **options: Any) -> None:
        """Read, plan, show, apply.

        :raises CommandError: the file cannot be read, or holds conflicts and no side is chosen. Nothing was written.
        """
        actor = self._actor(options["username"])
        content = self._content(options["file"])
        landscape = self._landscape(content, options)
        try:
            # Nothing may change between the plan and its application.
            with self._source(options["docs_root"], options["ref"]) as source, ledger.governed():
                self._plan_and_apply(landscape, content, source, actor, options)
        except SourceError as error:
            raise CommandError(f"{error} Nothing was written.") from error

    def _plan_and_apply(
        self,
        landscape: Landscape,
        content: bytes,
        source: Any,
        actor: ledger.Actor,
        options: dict[str, Any],
    ) -> None:
        try:
            plan = plan_import(landscape, file=self._name(options["file"], source), content=content, documents=source)
        except LandscapeError as error:
            raise CommandError(f"{options['file']}: {error} Nothing was written.") from error
        self._show(plan, landscape, verbose=options["dry_run"] or options["verbosity"] > 1)
        if options["dry_run"]:
            self.stdout.write("Dry run: nothing was written.")
        elif plan.is_empty:
            self.stdout.write("Nothing changed, nothing was written.")
        else:
            apply_plan(plan, by=actor)
            actions.check_catalogue(by=actor, reason=f"Import of {plan.file}")
            self.stdout.write(self.style.SUCCESS("Imported. No readiness was signed: declared levels are claims."))

    def _content(self, path: Path) -> bytes:
        try:
            if path.stat().st_size > MAXIMUM_BYTES:
                raise CommandError(
                    f"{path} is larger than {MAXIMUM_BYTES // 1024 // 1024} MB; a landscape file is not."
                )
            return path.read_bytes()
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from error

    def _landscape(self, content: bytes, options: dict[str, Any]) -> Landscape:
        path = options["file"]
        try:
            return read_landscape(content.decode("utf-8"), conflicts=ConflictChoice(options["conflicts"]))
        except UnicodeDecodeError as error:
            raise CommandError(f"{path} is not UTF-8 text (byte {error.start}). Save it as UTF-8.") from error
        except UnresolvedConflicts as conflicts:
            for block in conflicts.blocks:
                self._show_conflict(path, block)
            raise CommandError(
                f"{path} holds {len(conflicts.blocks)} unresolved merge conflict(s); nothing was written. "
                "Settle them in the file, or choose: --conflicts ours | theirs | union."
            ) from conflicts
        except LandscapeError as error:
            place = f"{path}:{error.line}" if error.line else str(path)
            raise CommandError(f"{place}: {error} Nothing was written.") from error

    def _show_conflict(self, path: Path, block: ConflictBlock) -> None:
        self.stderr.write(f"{path}:{block.first_line}-{block.last_line}: merge conflict")
        for name, label, side in (("ours", block.ours_label, block.ours), ("theirs", block.theirs_label, block.theirs)):
            self.stderr.write(f"  --conflicts {name} keeps ({label or 'no label'}):")
            for line in side:
                self.stderr.write(f"    {line.number:>5} | {line.text}")
            if not side:
                self.stderr.write("          | (nothing)")

    @contextmanager
    def _source(self, docs_root: Path | None, ref: str) -> Iterator[Source | None]:
        root = docs_root or (Path(settings.DOCS_ROOT) if settings.DOCS_ROOT else None)
        if root is None:
            self.stderr.write("No --docs-root and no DOCS_ROOT: documents are left as they are.")
            yield None
            return
        with open_source(root, ref or ("" if docs_root else settings.DOCS_REF)) as source:
            yield source

    def _name(self, path: Path, source: Source | None) -> str:
        """The file's name in findings: below the documents' folder where it lies there, else its own name."""
        if isinstance(source, FolderSource) and path.resolve().is_relative_to(source.root.resolve()):
            return path.resolve().relative_to(source.root.resolve()).as_posix()
        return path.name

    def _actor(self, username: str | None) -> ledger.Actor:
        if not username:
            return ledger.SYSTEM
        user = User.objects.filter(username=username, is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active account named {username!r}. Nothing was written.")
        return user

    def _show(self, plan: Plan, landscape: Landscape, *, verbose: bool) -> None:
        self.stdout.write(f"{plan.file}: {landscape.title}")
        self.stdout.write(f"{'':<18}{'in file':>9}{'added':>9}{'changed':>9}")
        for kind, title in TITLES.items():
            row = (plan.seen[kind], plan.counted(kind, "add"), plan.counted(kind, "change"))
            self.stdout.write(f"{title:<18}" + "".join(f"{number:>9}" for number in row))
        self.stdout.write(f"{'documents':<18}{plan.seen['document']:>9}{len(plan.documents):>9}{0:>9}")
        entries = sum(len(release.entries) for release in landscape.releases)
        self.stdout.write(f"{'release entries':<18}{entries:>9}")
        self.stdout.write(f"{'findings':<18}{len(plan.findings):>9}{len(plan.new_findings):>9}")
        if verbose:
            self._show_steps(plan)
        for draft in plan.findings:
            place = f"{draft.file}:{draft.line}" if draft.line else draft.file
            self.stdout.write(f"  {draft.kind}: {place}: {draft.subject}\n    {draft.message}")

    def _show_steps(self, plan: Plan) -> None:
        for path in plan.documents:
            self.stdout.write(f"  store document {path}")
        for step in plan.steps:
            self.stdout.write(f"  {step.verb} {TITLES[step.kind].removesuffix('s')} {step.key}")
            for name, (before, after) in step.changes.items() if step.verb == "change" else ():
                self.stdout.write(f"    {name}: {before!r} -> {after!r}")
