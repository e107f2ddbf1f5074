"""Which database is the demo's. Its runbooks, people and signatures are invented; no other portal may serve them.

The mark is a row of the ledger: nobody can take it out, and it travels with every backup.
``seed_demo`` has always written it, so a database of an earlier version's demo is recognised, too.
"""

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections

from governance import ledger
from governance.ledger.models import ChangeLogEntry

# The reason of every row that the demo itself writes, and how early a demo made its people at the
# latest.
DEMO_REASON = "Demo"
LATEST_MARK = 5_000
# What ``migrate`` fills by itself.
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
    """Return whether the database holds anything beside what ``migrate`` puts there."""
    models = (model for label in APPS for model in apps.get_app_config(label).get_models())
    return any(
        model._default_manager.exists()
        for model in models
        if model._meta.label_lower not in FILLED_BY_MIGRATE
    )


def refusal() -> str:
    """Return why this process must not use this database: the demo's without the demo, or the other way round.

    Empty where it may, and where the database cannot be asked: it does not answer, or has no tables
    yet.
    """
    try:
        if settings.PORTAL_DEMO:
            return "" if is_demo_database() or not holds_a_portal() else REAL_DATABASE
        return OTHERS_DATABASE if is_demo_database() else ""
    except DatabaseError:
        return ""


def require_own_database() -> None:
    """Raise ImproperlyConfigured with the reason, if there is one."""
    reason = refusal()
    if reason:
        raise ImproperlyConfigured(reason)


@register("demo", Tags.database)
def database_is_ours(databases: object = None, **_: object) -> list[CheckMessage]:
    """Return the error of the system check: ``migrate``, and so ``run.py serve``, goes no further.

    ``run.py demo --reset`` asks for it alone, by its tag, before it removes the file.
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
