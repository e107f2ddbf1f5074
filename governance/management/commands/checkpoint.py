"""``manage.py checkpoint --output FILE``: where the ledger stands, to keep elsewhere."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone

from governance import ledger
from governance.checkpoint import take_checkpoint
from governance.management.base import PortalCommand
from governance.management.files import write_file


class Command(PortalCommand):
    """Verifies the ledger, then writes the number, the hash and the time of its last row."""

    help = "Write a checkpoint of the ledger to keep outside of the database. CHECKPOINT_KEY signs it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The names are those of the design."""
        parser.add_argument("--output", metavar="FILE", type=Path, required=True, help="where it is written")

    def handle(self, *args: Any, **options: Any) -> None:
        """Verify and write.

        :raises CommandError: the ledger is broken, or the file cannot be written.
        """
        with ledger.governed():  # nothing is added between the look and the note
            result = ledger.verify()
            taken = take_checkpoint(key=settings.CHECKPOINT_KEY, at=timezone.now())
        if not result.is_whole:
            raise CommandError(f"{result.sentence} No checkpoint was written.")
        path: Path = options["output"]
        write_file(path, taken.to_json())
        signed = "signed" if taken.signature else "unsigned: set CHECKPOINT_KEY to sign it"
        self.stdout.write(f"Row {taken.sequence}, hash {taken.hash} ({signed}). Keep {path} outside of this machine.")
