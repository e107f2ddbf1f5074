"""Recognition of the demo's database.

Its runbooks, people and signatures are invented, so no other portal may serve them. The mark is a
row of the ledger: it cannot be removed, and every backup contains it. ``seed_demo`` has always
written it, so the database of an earlier version's demo is recognised, too.
"""

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections

from governance import ledger
from governance.ledger.models import ChangeLogEntry

# The reason of every row that the demo writes, and the highest sequence by which a demo has created
# its people.
DEMO_REASON = "Demo"
LATEST_MARK = 5_000
# Models that ``migrate`` itself fills.
FILLED_BY_MIGRATE = frozenset(
    {
        "auth.group",
        "auth.permission",
        "governance.changelogentry",
        "governance.signoffrule",
        "runbooks.searchstamp",
        "runbooks.searchsynonym",
    }
)
APPS = ("auth", "governance", "runbooks")

OTHERS_DATABASE = (
    "This database was filled by 'run.py demo': its runbooks, people and signatures are "
    "invented, and nothing but the "
    "demo may serve them. Set DATABASE_URL to a database of your own. If this is "
    "var/portal.sqlite3, an earlier "
    "version's demo made it: move the file away, then run 'manage.py migrate'."
)
REAL_DATABASE = (
    "PORTAL_DEMO is set, and this database holds a portal of its own. The demo never mixes "
    "with it. "
    "Unset PORTAL_DEMO, or unset DATABASE_URL: the demo has a file of its own, var/demo.sqlite3."
)


def is_demo_database() -> bool:
    """Return whether the demo filled this database."""
    rows = ChangeLogEntry.objects.filter(
        sequence__lte=LATEST_MARK, reason=DEMO_REASON, subject__startswith="user:"
    )
    return rows.filter(actor=str(ledger.SYSTEM)).exists()


def holds_a_portal() -> bool:
    """Return whether the database contains anything besides what ``migrate`` creates."""
    models = (model for label in APPS for model in apps.get_app_config(label).get_models())
    return any(
        model._default_manager.exists()
        for model in models
        if model._meta.label_lower not in FILLED_BY_MIGRATE
    )


def refusal() -> str:
    """Return why this process must not use this database; empty if it may.

    The demo uses only its own database, and any other process only another one. The answer is also
    empty if the database cannot be asked: it does not answer, or has no tables yet.
    """
    try:
        if settings.PORTAL_DEMO:
            return "" if is_demo_database() or not holds_a_portal() else REAL_DATABASE
        return OTHERS_DATABASE if is_demo_database() else ""
    except DatabaseError:
        return ""


def require_own_database() -> None:
    """Raise ImproperlyConfigured if this process must not use this database."""
    reason = refusal()
    if reason:
        raise ImproperlyConfigured(reason)


@register("demo", Tags.database)
def database_is_ours(databases: object = None, **_: object) -> list[CheckMessage]:
    """Check that this process may use this database.

    An error stops ``migrate`` and ``run.py serve``. ``run.py demo --reset`` runs this check alone,
    by its tag, before it removes the file.
    """
    if not databases or ChangeLogEntry._meta.db_table not in _tables():
        return []
    reason = refusal()
    return [Error(reason, id="governance.E020")] if reason else []


def _tables() -> list[str]:
    try:
        return connections["default"].introspection.table_names()
    except DatabaseError:
        return []
