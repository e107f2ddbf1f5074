"""Classes of the backend, in the module in which Django looks for them."""

from typing import Any

from django.db import OperationalError
from django.db.backends.sqlite3 import base
from django.db.backends.sqlite3 import features as stock
from django.utils.functional import cached_property


class DatabaseFeatures(stock.DatabaseFeatures):
    """Features of Django's backend, of which one is detected without a transaction.

    At the first query of a JSON value on a connection, Django detects in a transaction whether
    SQLite supports JSON. The portal's transactions are IMMEDIATE (``portal.connection_urls``), so
    the read would wait for a writer. After the timeout, Django would assume that there is no JSON
    support, and every later JSON query on that connection would fail
    (docs/decisions/0021-slow-work-holds-no-lock.md).
    """

    @cached_property
    def supports_json_field(self) -> bool:  # type: ignore[override]
        """Return whether SQLite supports JSON. In WAL mode, this read does not wait."""
        connection: Any = self.connection
        with connection.cursor() as cursor:
            try:
                cursor.execute("SELECT json('{}')")
            except OperationalError:
                return False
        return True


class DatabaseWrapper(base.DatabaseWrapper):
    """Database wrapper of Django's backend with the changed features."""

    features_class = DatabaseFeatures
