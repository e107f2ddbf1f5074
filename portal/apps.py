"""The app that wires the others together: settings, pages without a subject, and the demo."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class PortalConfig(AppConfig):
    """Configuration of the app that wires ``governance`` and ``runbooks`` together.

    The app has no models.
    """

    name = "portal"
    verbose_name = "Portal"

    def ready(self) -> None:
        """Render stored documents again after ``migrate`` if the renderer has changed."""
        # Sent for our last app: the tables exist, and the guards are those of this version.
        post_migrate.connect(render_stored_documents, dispatch_uid="portal.render_stored_documents")


def render_stored_documents(sender: AppConfig, using: str, **_: Any) -> None:
    """Render the documents that an older renderer made, before they are read.

    Receiver of ``post_migrate``.
    """
    from django.db import connections

    from governance import ledger
    from governance.exchange.documents import render_documents_anew
    from runbooks.models import Document

    if sender.name != "runbooks" or using != "default":
        return
    connection = connections[using]
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        table = Document._meta.db_table
        columns = (
            connection.introspection.get_table_description(cursor, table) if table in tables else []
        )
    # A migrate to an earlier state has no such column.
    if "renderer" in {column.name for column in columns}:
        render_documents_anew(by=ledger.SYSTEM)
