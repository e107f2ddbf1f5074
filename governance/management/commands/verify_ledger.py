"""``manage.py verify_ledger``: check that the chain is whole and is the one of a checkpoint."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import DatabaseError

from governance import guards, ledger
from governance.assurance.alarms import integrity_alarms
from governance.assurance.comparison.compare import compare_with_ledger
from governance.assurance.integrity_incidents import (
    exposed_by_checkpoints,
    note_checkpoint,
    note_ledger_state,
)
from governance.assurance.renewal import renew_all
from governance.ledger.acceptance import accepted_breaks
from governance.ledger.checkpoint import Checkpoint, CheckpointError, compare, read_checkpoint
from governance.management.base import PortalCommand
from runbooks.validity import Reason


class Command(PortalCommand):
    """Verifies the whole ledger and names the first bad row."""

    help = "Verify the ledger's hash chain. Exit 1 and the first bad row when it is broken."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options that the design names."""
        parser.add_argument(
            "--checkpoint",
            metavar="FILE",
            type=Path,
            help=(
                "a checkpoint that was kept elsewhere: exposes a cut, a chain made anew, and an "
                "old backup"
            ),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Verify chain, checkpoint and guards.

        A broken ledger is recorded: every verdict is no-go until it is whole.

        :raises CommandError: the chain is broken, is not the checkpoint's, or a guard is missing.
        """
        checkpoint = self._checkpoint(options["checkpoint"])
        result = ledger.verify()
        note_ledger_state(problem=result.sentence, sequence=result.bad_sequence or 0)
        if result.sentence:
            raise CommandError(result.sentence)
        if checkpoint:
            problem = compare(checkpoint, result)
            note_checkpoint(sequence=checkpoint.sequence, digest=checkpoint.hash, problem=problem)
            if problem:
                raise CommandError(problem)
        self._renew()
        self._look_beside_the_chain()
        self._compare()
        self._name_what_was_accepted(result)
        self.stdout.write(
            self.style.SUCCESS(
                f"The chain is whole: {result.count} rows, last hash {result.last_hash}."
            )
        )
        if checkpoint:
            signed = "signed" if checkpoint.signature else "unsigned"
            self.stdout.write(
                f"It goes on from the checkpoint of row {checkpoint.sequence} ({signed})."
            )

    def _renew(self) -> None:
        """Seal anew what holds. A copy that is open for reading alone can be verified as well."""
        try:
            renew_all()
        except DatabaseError as error:
            self.stdout.write(f"Nothing was sealed anew: {str(error).splitlines()[0]}.")

    def _look_beside_the_chain(self) -> None:
        """Check for damage that the chain itself does not show.

        :raises CommandError: rows are lost, or guards are missing.
        """
        exposed = exposed_by_checkpoints()
        if exposed:
            raise CommandError(
                "The chain is whole in itself, but another checkpoint exposed: "
                f"{exposed[0].message}"
            )
        seen = ledger.look()
        if seen.unreadable:
            raise CommandError(f"The chain is whole in itself, but {seen.unreadable}")
        if seen.is_restored:
            lost = next(
                alarm for alarm in integrity_alarms(seen) if alarm.reason == Reason.LEDGER_RESTORED
            )
            raise CommandError(f"The chain is whole in itself. {lost.detail}")
        ledger.follow(seen)
        missing = guards.missing()
        if missing:
            raise CommandError(
                f"The chain is whole, but guards are missing: {', '.join(missing)}. Run "
                "'manage.py migrate'."
            )

    def _name_what_was_accepted(self, result: ledger.Verification) -> None:
        """Name the rows that do not verify and that a person has accepted."""
        accepted = {each.sequence: by for each, by in accepted_breaks().items()}
        for sequence in result.accepted:
            self.stdout.write(
                f"Row {sequence} is not valid; it was accepted as it is (row {accepted[sequence]} "
                "of the ledger). The chain continues from there."
            )

    def _compare(self) -> None:
        """Compare stored rows with the whole chain, without writing: ``tick`` stores findings."""
        compared = compare_with_ledger()
        if compared.altered:
            raise CommandError(
                "\n".join(
                    [
                        "The chain is whole, but stored rows are not what it tells:",
                        *compared.sentences,
                    ]
                )
            )
        if compared.untold:
            self.stdout.write(
                f"Stored rows that the ledger never told of: {len(compared.untold)}. 'tick' "
                "names them."
            )

    def _checkpoint(self, path: Path | None) -> Checkpoint | None:
        if path is None:
            return None
        try:
            return read_checkpoint(path.read_text(encoding="utf-8"), key=settings.CHECKPOINT_KEY)
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
        except (CheckpointError, UnicodeDecodeError) as error:
            raise CommandError(f"{path}: {error}") from error
