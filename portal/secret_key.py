"""The secret key of an installation, generated at the first start without ``SECRET_KEY``."""

import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def stored_secret_key(path: Path) -> str:
    """Return the key in a file that only its owner can read; create the file if it is missing.

    :raises ImproperlyConfigured: the file cannot be read or written, or is not ASCII text.
    """
    try:
        return _read(path) or _make(path)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it holds no key"
        raise ImproperlyConfigured(
            f"SECRET_KEY is not set and {path.name} cannot be read or written: {reason}. "
            "Set SECRET_KEY, or move the file away."
        ) from None


def _read(path: Path) -> str:
    """Return the text of the file, or an empty string if it does not exist."""
    return path.read_text(encoding="ascii").strip() if path.exists() else ""


def _make(path: Path) -> str:
    """Write a draft and link it to the path, so that simultaneous starts get the same key."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_urlsafe(50), encoding="ascii")
    try:
        os.link(draft, path)
    except OSError:  # the file exists, or the file system has no hard links
        if not _read(path):
            draft.replace(path)
    draft.unlink(missing_ok=True)
    return _read(path)
