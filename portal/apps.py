"""The wiring app: settings, pages that belong to no subject, and the demo."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class PortalConfig(AppConfig):
    """Wires ``governance`` and ``runbooks`` together; holds no model."""

    name = "portal"
    verbose_name = "Portal"

    def ready(self) -> None:
        """Render stored documents anew after a migrate, where the renderer has changed since."""
        # Sent for the last app of ours: the tables are there, and the guards stand as this version
        # wants them.
        post_migrate.connect(render_stored_documents, dispatch_uid="portal.render_stored_documents")


def render_stored_documents(sender: AppConfig, using: str, **_: Any) -> None:
    """Receiver of ``post_migrate``: what an older renderer made is made anew, before anybody reads it."""
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
    if "renderer" in {
        column.name for column in columns
    }:  # a migrate to an earlier state has no such column
        render_documents_anew(by=ledger.SYSTEM)
