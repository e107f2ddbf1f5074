"""The catalogue: it answers, and never changes anything governed."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RunbooksConfig(AppConfig):
    """Runbooks, clusters, layers, sections, situations, documents."""

    name = "runbooks"
    verbose_name = _("Catalogue")
