"""The WSGI entry point that ``run.py serve`` hands to gunicorn."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

application = get_wsgi_application()


def refuse_another_portals_database() -> None:
    """Raise ImproperlyConfigured if this process must not serve this database."""
    from django.db import connections  # noqa: PLC0415 - the apps are loaded above

    from governance.demo_database import require_own_database  # noqa: PLC0415

    try:
        require_own_database()
    finally:
        connections.close_all()  # a process that is forked from this one opens its own


refuse_another_portals_database()
