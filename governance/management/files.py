"""Writing a command's file: wholly, or not at all."""

import os
from pathlib import Path

from django.core.management.base import CommandError


def write_file(path: Path, text: str) -> None:
    """Put a text in the place of a file (UTF-8); the one before stays until the new one is complete.

    :raises CommandError: it cannot be written.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
