"""``manage.py check``: Django's own, which here also asks the database and the settings."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.checks import Tags
from django.core.checks.registry import registry
from django.core.management.commands.check import Command as DjangoCommand

from governance.checks import database_is_sound, guards_stand, has_file
from portal.checks import settings_have_an_effect, settings_suit_a_deployment


class Command(DjangoCommand):
    """Exit with 1 when guards are missing, the database role has too little or too much, or a setting has no effect."""

    def handle(self, *app_labels: Any, **options: Any) -> None:
        """Run the checks; Django leaves the database out unless it is named.

        :raises SystemCheckError: a check failed.
        """
        databases = options["databases"] or (["default"] if has_file() else None)
        with _strict_checks():
            super().handle(*app_labels, **{**options, "databases": databases})


@contextmanager
def _strict_checks() -> Iterator[None]:
    """Register what only this command asks.

    ``migrate`` and other commands run the registered checks first, and an error stops them: the
    ``migrate`` that puts guards back, or the downgrade on a portal whose e-mail has no sender.
    """
    before = registry.registered_checks.copy(), registry.deployment_checks.copy()
    registry.registered_checks.discard(guards_stand)
    registry.register(database_is_sound, Tags.database)
    registry.register(settings_have_an_effect, Tags.security)
    registry.register(settings_suit_a_deployment, Tags.security, deploy=True)
    try:
        yield
    finally:
        registry.registered_checks, registry.deployment_checks = before
