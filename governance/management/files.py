"""Write a command's output file completely, or not at all."""

import os
from contextlib import suppress
from pathlib import Path

from django.core.management.base import CommandError


def write_file(path: Path, text: str) -> None:
    """Replace a file with a text (UTF-8); the old file stays until the new one is complete.

    :raises CommandError: it cannot be written.
    """
    draft = path.parent / f".{path.name}.{os.getpid()}"
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)  # replaces the file at once or not at all
    except (OSError, ValueError) as error:
        with suppress(OSError, ValueError):
            draft.unlink(missing_ok=True)
        reason = error.strerror if isinstance(error, OSError) else error
        raise CommandError(
            f"{path} cannot be written: {reason}. Name a file in a folder that is there."
        ) from error
