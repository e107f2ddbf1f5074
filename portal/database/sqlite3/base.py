"""The name under which Django looks for a backend's classes."""

from typing import Any

from django.db import OperationalError
from django.db.backends.sqlite3 import base
from django.db.backends.sqlite3 import features as stock
from django.utils.functional import cached_property


class DatabaseFeatures(stock.DatabaseFeatures):
    """Django's own, with one question asked without a transaction.

    Django asks whether SQLite knows JSON at a connection's first query of a JSON value, inside a
    transaction. Ours are IMMEDIATE (``portal.connection_urls``), so that read would wait for
    whoever writes; after the timeout Django would take it that there is no JSON, and answer every
    later read on that connection with an error (docs/decisions/0021-slow-work-holds-no-lock.md).
    """

    @cached_property
    def supports_json_field(self) -> bool:  # type: ignore[override]
        """Whether SQLite knows JSON. Reads alone: in WAL mode that waits for nobody."""
        connection: Any = self.connection
        with connection.cursor() as cursor:
            try:
                cursor.execute("SELECT json('{}')")
            except OperationalError:
                return False
        return True


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own with the features above."""

    features_class = DatabaseFeatures
