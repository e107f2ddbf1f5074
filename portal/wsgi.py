"""The WSGI entry point that ``run.py serve`` passes to gunicorn."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

application = get_wsgi_application()


def refuse_another_portals_database() -> None:
    """Check that this process may serve this database.

    :raises ImproperlyConfigured: it must not.
    """
    from django.db import connections  # noqa: PLC0415 - the apps are loaded above

    from governance.demo_database import require_own_database  # noqa: PLC0415

    try:
        require_own_database()
    finally:
        connections.close_all()  # each forked process opens its own connections


refuse_another_portals_database()
