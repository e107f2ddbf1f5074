"""The wiring app: settings, pages that belong to no subject, and the demo."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """Wires ``governance`` and ``runbooks`` together; holds no model."""

    name = "portal"
    verbose_name = "Portal"
