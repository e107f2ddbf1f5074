"""``manage.py export_landscape``: write the landscape file, or check the file in git."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from governance.exchange.exporting import Export, export_landscape
from governance.management.base import PortalCommand

# Exit codes: the file differs from the portal; the file cannot be read or written.
DIFFERENT, UNREADABLE = 1, 2


class Command(PortalCommand):
    """Writes the last imported file with the current catalogue; changes nothing in the portal."""

    help = (
        "Export the landscape file. With --check: exit 1 and a diff when a file is not what the "
        "portal says."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options that the README names."""
        parser.add_argument(
            "--declared",
            action="store_true",
            help="write the status that the file declared, not the signed one",
        )
        where = parser.add_mutually_exclusive_group()
        where.add_argument(
            "--output", metavar="FILE", type=Path, help="write to a file (default: standard output)"
        )
        where.add_argument(
            "--check", metavar="FILE", type=Path, help="compare with a file and write nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Write, or compare.

        :raises CommandError: the file differs from the portal, was written without something that
            it cannot express, or has a line whose claim does not hold (exit 1), or cannot be read
            or written (exit 2).
        """
        export = export_landscape(declared=options["declared"])
        name = str(options["check"] or options["output"] or "the file")
        lines = (f"{name}:{each.line}: {each.message}" for each in export.contradictions)
        for sentence in (*export.unwritten, *export.withheld, *lines):
            self.stderr.write(self.style.WARNING(sentence))
        if options["check"]:
            self._check(export, Path(options["check"]), declared=options["declared"])
        elif options["output"]:
            self._write(export, Path(options["output"]))
            self._refuse_part(export, str(options["output"]))
        else:
            self.stdout.write(export.text, ending="")
            self._refuse_part(export, "The file")

    def _write(self, export: Export, path: Path) -> None:
        try:
            path.write_bytes(export.text.encode("utf-8"))
        except OSError as error:
            raise CommandError(
                f"{path} cannot be written: {error.strerror}.", returncode=UNREADABLE
            ) from error

    def _refuse_part(self, export: Export, name: str) -> None:
        """Raise an error if the file is incomplete, so that nobody takes it for the whole."""
        if export.unwritten:
            raise CommandError(
                f"{name} was written, and it is not what the portal says: "
                f"{len(export.unwritten)} thing(s) have no place "
                "in it, see above. Write them by hand, and import.",
                returncode=DIFFERENT,
            )
        self._refuse_contradictions(export, name)

    def _refuse_contradictions(self, export: Export, name: str) -> None:
        """Raise an error for lines whose claim does not hold.

        Readers believe every line of the file, including lines that the portal does not write.
        """
        if export.contradictions:
            raise CommandError(
                f"{name}: {len(export.contradictions)} line(s) claim what is not valid, see "
                "above. Correct them, and import.",
                returncode=DIFFERENT,
            )

    def _check(self, export: Export, path: Path, *, declared: bool) -> None:
        try:
            text = path.read_bytes().decode("utf-8")
        except OSError as error:
            raise CommandError(
                f"{path} cannot be read: {error.strerror}.", returncode=UNREADABLE
            ) from error
        except UnicodeDecodeError as error:
            raise CommandError(
                f"{path} is not UTF-8 text (byte {error.start}).", returncode=UNREADABLE
            ) from error
        lines = list(export.difference_from(text, path.name))
        for line in lines:
            self.stdout.write(line)
        if lines or export.unwritten:
            option = " --declared" if declared else ""
            raise CommandError(
                f"{path} is not what the portal says. Import it, or take what the portal says: "
                f"manage.py export_landscape{option} --output {path}",
                returncode=DIFFERENT,
            )
        self._refuse_contradictions(export, str(path))
        self.stdout.write(f"{path} is what the portal says.")
