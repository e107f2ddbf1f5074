"""The app config of the catalogue, which never changes anything governed."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class RunbooksConfig(AppConfig):
    """Runbooks, clusters, layers, sections, situations, documents."""

    name = "runbooks"
    verbose_name = _("Catalogue")

    def ready(self) -> None:
        """Connect the search index to the catalogue, and complete it after every migrate."""
        from runbooks.search import checks, signals  # noqa: F401 - registers the system check
        from runbooks.search.post_migrate import prepare_search

        signals.connect()
        post_migrate.connect(prepare_search, dispatch_uid="runbooks.prepare_search")
