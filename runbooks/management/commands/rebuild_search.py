"""``manage.py rebuild_search``: rebuild the search index, or check whether it is complete."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from runbooks.search import databases, index


class Command(BaseCommand):
    """Rebuilds the index, which otherwise follows the catalogue by itself.

    It is needed after ``loaddata`` or raw SQL, or in case of doubt.
    """

    help = "Rebuild the search index. With --check, only report whether it is behind (exit 1)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the option ``--check``."""
        parser.add_argument(
            "--check",
            action="store_true",
            help="compare every entry with its sources, write nothing",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Check, or rebuild.

        :raises CommandError: with ``--check``, if the index is behind.
        """
        if options["check"]:
            found = index.staleness(thoroughly=True)
            if found:
                raise CommandError(
                    f"The search index is behind: {' '.join(found)} Run 'manage.py rebuild_search'."
                )
            self.stdout.write("The search index is up to date.")
            return
        databases.repair()
        self.stdout.write(f"The search index was rebuilt: {index.rebuild()} entries.")
