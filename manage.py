#!/usr/bin/env python
"""Django's command line for the portal. For a first start see ``python3 run.py``."""

import os
import sys


def main() -> None:
    """Run one management command.

    The settings are ``portal.settings`` unless the environment says otherwise.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError as error:
        sys.exit(
            f"Django is not installed for this Python ({error}). Run 'python3 run.py setup' "
            "first, then use .venv."
        )
    from django.core.exceptions import ImproperlyConfigured

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))  # a sentence that says what to set needs no traceback


if __name__ == "__main__":
    main()
