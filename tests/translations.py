"""Compile the German catalogue to the file that Django reads: ``python -m tests.translations``.

Needs no GNU gettext.
"""

import sys
from pathlib import Path

import polib

CATALOGUE = (
    Path(__file__).resolve().parent.parent
    / "portal"
    / "locale"
    / "de"
    / "LC_MESSAGES"
    / "django.po"
)
COMPILED = CATALOGUE.with_suffix(".mo")


def read_catalogue() -> polib.POFile:
    """The catalogue as it is written."""
    return polib.pofile(str(CATALOGUE), encoding="utf-8")


def compile_catalogue() -> bytes:
    """The compiled catalogue: sorted by text, so the same catalogue always gives the same bytes."""
    return read_catalogue().to_binary()


if __name__ == "__main__":
    COMPILED.write_bytes(compile_catalogue())
    catalogue = read_catalogue()
    total = sum(not entry.obsolete for entry in catalogue)
    sys.stdout.write(
        f"{COMPILED.name}: {len(catalogue.translated_entries())} of {total} texts are translated.\n"
    )
