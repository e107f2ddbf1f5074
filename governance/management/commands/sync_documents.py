"""``manage.py sync_documents``: store the documents of a folder or a git repository.

Every version is kept.
"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from governance.exchange.sync import Synced, sync_documents
from governance.management.base import PortalCommand, actor_named
from runbooks.documents.sources.folder import SourceError
from runbooks.documents.sources.git import open_source


class Command(PortalCommand):
    """Synchronises the documents of a source. A second run on the same source writes nothing."""

    help = "Take over the documents of a folder, or of a git repository at a ref. Signs nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options that the README names."""
        parser.add_argument(
            "--docs-root",
            metavar="DIR|REPO",
            help=(
                "the folder that the documents' paths start from, or a git repository (default: "
                "DOCS_ROOT)"
            ),
        )
        parser.add_argument(
            "--ref",
            help=(
                "the branch, tag or commit to read in the repository (default: DOCS_REF; without "
                "one, the files as they lie)"
            ),
        )
        parser.add_argument(
            "--as", metavar="USERNAME", dest="username", help="who syncs, for the change log"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Scan the source, store new versions, update the runbooks, check.

        :raises CommandError: the source cannot be used. No runbook was changed.
        """
        root = options["docs_root"] or settings.DOCS_ROOT
        if not root:
            raise CommandError("Say where the documents are: --docs-root DIR, or set DOCS_ROOT.")
        ref = (
            options["ref"]
            if options["ref"] is not None
            else ("" if options["docs_root"] else settings.DOCS_REF)
        )
        actor = actor_named(options["username"])
        try:
            with open_source(Path(root), ref) as source:
                synced = sync_documents(source=source, by=actor, name=_name(Path(root), ref))
        except SourceError as error:
            raise CommandError(f"{error} No runbook was touched.") from error
        self._say(synced)

    def _say(self, synced: Synced) -> None:
        where = f" at {synced.revision[:12]}" if synced.revision else ""
        self.stdout.write(
            f"Documents read{where}: {synced.read}. Not there or not readable: {synced.gone}."
        )
        if not synced:
            self.stdout.write("Nothing changed, nothing was written.")
            return
        opened = synced.documents.opened + synced.catalogue.opened
        settled = synced.documents.settled + synced.catalogue.settled
        self.stdout.write(
            f"Versions stored: {synced.stored}. Runbooks with another text: {synced.changed}."
        )
        self.stdout.write(f"Findings opened: {opened}, settled: {settled}. See /reports/findings/.")


def _name(root: Path, ref: str) -> str:
    """Return the name of the folder and the ref, without the path on this machine."""
    name = root.resolve().name
    return f"{name} at {ref}" if ref else name
