"""``manage.py checkpoint --output FILE``: write the state of the ledger, to keep elsewhere."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone

from governance import ledger
from governance.assurance.integrity_incidents import exposed_by_checkpoints, note_checkpoint
from governance.ledger.checkpoint import (
    Checkpoint,
    CheckpointError,
    compare,
    read_checkpoint,
    take_checkpoint,
)
from governance.management.base import PortalCommand
from governance.management.files import write_file


class Command(PortalCommand):
    """Verifies the ledger, then writes the number, the hash and the time of its last row.

    An existing checkpoint in the file is not overwritten by one of another chain.
    """

    help = (
        "Write a checkpoint of the ledger to keep outside of the database. CHECKPOINT_KEY signs it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options that the design names."""
        parser.add_argument(
            "--output", metavar="FILE", type=Path, required=True, help="where it is written"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Verify and write.

        :raises CommandError: the ledger is broken or in doubt, the file contains something else, or
            cannot be written.
        """
        path: Path = options["output"]
        kept = _kept(path)
        verified = ledger.verify()  # the whole chain takes long: before the lock
        with ledger.atomic():  # no row is added between the check and the checkpoint
            result = ledger.verify(after=verified)
            taken = take_checkpoint(key=settings.CHECKPOINT_KEY, at=timezone.now())
        if not result.is_whole:
            raise CommandError(f"{result.sentence} No checkpoint was written.")
        if kept:
            problem = compare(kept, result)
            note_checkpoint(sequence=kept.sequence, digest=kept.hash, problem=problem)
            if problem:
                raise CommandError(f"{problem} {path} was left as it is: it is the proof.")
        exposed = exposed_by_checkpoints()
        if exposed:
            raise CommandError(
                f"A checkpoint exposed: {exposed[0].message} None of this chain was written."
            )
        if ledger.look().is_restored:
            raise CommandError(
                "This host has seen rows that the ledger lacks: an older backup was "
                "restored. No checkpoint was written. "
                "Run 'manage.py verify_ledger'."
            )
        write_file(path, taken.to_json())
        signed = "signed" if taken.signature else "unsigned: set CHECKPOINT_KEY to sign it"
        self.stdout.write(
            f"Row {taken.sequence}, hash {taken.hash} ({signed}). Keep {path} outside of "
            "this machine."
        )


def _kept(path: Path) -> Checkpoint | None:
    """Return the checkpoint that the file contains; None if there is no file.

    :raises CommandError: the file contains something else, or cannot be read.
    """
    if not path.is_file():
        return None
    try:
        return read_checkpoint(path.read_text(encoding="utf-8"), key=settings.CHECKPOINT_KEY)
    except OSError as error:
        raise CommandError(
            f"{path} already exists and cannot be read: {error.strerror}. Name another file."
        ) from error
    except (CheckpointError, ValueError) as error:
        raise CommandError(
            f"{path} already exists: {error} It was left unchanged; name another file."
        ) from error
