"""The app config of governance, which makes every change."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.translation import gettext_lazy as _


class GovernanceConfig(AppConfig):
    """Sign-offs, the ledger and the guards that protect both in the database."""

    name = "governance"
    verbose_name = _("Governance")

    def ready(self) -> None:
        """Register the checks, and prepare the database after every migrate."""
        from axes.signals import user_locked_out
        from django.contrib.auth.signals import user_logged_in

        import governance.assurance.renewal
        import governance.signoff.access_changes  # noqa: F401 - listens to changes of accounts
        from governance import checks, demo_database  # noqa: F401 - they register system checks
        from governance.accounts.known_devices import remember_signed_in
        from governance.accounts.lockout import record_locked_sign_in
        from governance.post_migrate import lift_guards, prepare_database

        user_locked_out.connect(
            record_locked_sign_in, dispatch_uid="governance.record_locked_sign_in"
        )
        user_logged_in.connect(remember_signed_in, dispatch_uid="governance.remember_signed_in")
        pre_migrate.connect(lift_guards, dispatch_uid="governance.lift_guards")
        # Django's table rebuild on SQLite drops triggers, so they are restored after every migrate.
        post_migrate.connect(prepare_database, dispatch_uid="governance.prepare_database")
