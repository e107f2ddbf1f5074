"""``manage.py render_documents [--check]``: render stored documents again, or verify them."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance import ledger
from governance.exchange.documents import render_documents_anew, rendered_text
from runbooks.documents import RENDERER
from runbooks.models import Document


class Command(BaseCommand):
    help = (
        "Render anew what an older renderer made of the stored texts ('migrate' does the same). "
        "With --check nothing is written: every text is rendered again, and those that are shown "
        "in another way are named."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the option."""
        parser.add_argument(
            "--check",
            action="store_true",
            help="Write nothing; exit 1 if a text is shown in another way.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Render the documents again, or compare them.

        :raises CommandError: with ``--check``, the stored HTML of a document differs from what its
            renderer makes of its text.
        """
        if not options["check"]:
            self.stdout.write(
                f"Rendered again: {render_documents_anew(by=ledger.SYSTEM)} document(s)."
            )
            return
        different = [
            str(document)
            for document in Document.objects.iterator()
            if not _is_shown_as_rendered(document)
        ]
        if different:
            raise CommandError(
                "These are shown in another way than they are rendered: "
                + ", ".join(different)
                + (
                    ". Run 'manage.py migrate'. If they stay, somebody has changed them past the "
                    "guards: do not sign them."
                )
            )
        self.stdout.write(f"Every document is shown as renderer {RENDERER} renders it.")


def _is_shown_as_rendered(document: Document) -> bool:
    if not document.hash_matches:
        return False
    rendered = rendered_text(document.text, document.path)
    return document.html == rendered.html and document.contents == rendered.contents
