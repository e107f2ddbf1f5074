"""``manage.py export_proof SLUG --output FILE``: write a proof of an approval.

The proof can be checked without the portal.
"""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from governance.assurance.proof import NothingToProve, proof_of
from governance.management.base import PortalCommand
from governance.management.files import write_file
from runbooks.models import Runbook


class Command(PortalCommand):
    """Writes the approval, its ledger rows, and the chain up to a checkpoint."""

    help = (
        "Write the proof of a runbook's last approval. Check it with 'python3 "
        "docs/verify_proof.py FILE'."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the arguments: the runbook and the file."""
        parser.add_argument("slug", metavar="SLUG")
        parser.add_argument(
            "--output", metavar="FILE", type=Path, required=True, help="where it is written"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the proof.

        :raises CommandError: there is no such runbook, nothing to prove, or the file cannot be
            written.
        """
        runbook = Runbook.objects.filter(slug=options["slug"]).first()
        if runbook is None:
            raise CommandError(
                f"There is no runbook {options['slug']!r}. Its slug is the last part of its "
                "address."
            )
        try:
            proof = proof_of(runbook)
        except NothingToProve as error:
            raise CommandError(str(error)) from error
        write_file(options["output"], json.dumps(proof, ensure_ascii=False, indent=1) + "\n")
        self.stdout.write(
            f"{len(proof['entries'])} rows up to row {proof['checkpoint']['sequence']}."
        )
