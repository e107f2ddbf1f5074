"""``manage.py check``: Django's own command, extended to the database and the settings."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.checks import Tags
from django.core.checks.registry import registry
from django.core.management.commands.check import Command as DjangoCommand

from governance.checks import database_is_sound, guards_stand, has_file
from portal.checks import settings_have_an_effect, settings_suit_a_deployment


class Command(DjangoCommand):
    """Exits with 1 if guards, database privileges or settings are wrong.

    These are missing guards, a database role with missing or excess privileges, and settings
    without effect.
    """

    def handle(self, *app_labels: Any, **options: Any) -> None:
        """Run the checks, including the database, which Django only checks if it is named.

        :raises SystemCheckError: a check failed.
        """
        databases = options["databases"] or (["default"] if has_file() else None)
        with _strict_checks():
            super().handle(*app_labels, **{**options, "databases": databases})


@contextmanager
def _strict_checks() -> Iterator[None]:
    """Register checks that only this command runs.

    ``migrate`` and other commands first run the registered checks and stop at an error. These
    checks must not stop the ``migrate`` that reinstalls guards, or a downgrade on a portal whose
    e-mail has no sender.
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
