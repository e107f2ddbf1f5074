"""Static files: under hashed names once they are collected, under their plain names otherwise."""

from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    """Compress collected files and give them hashed names, so that a browser may keep them for ever.

    ``run.py serve`` collects the files. A file that was not collected keeps its plain name, so that
    a page or a command that renders a template also works before ``collectstatic`` has run, and
    after an update that brings a new file.
    """

    def load_manifest(self) -> tuple[dict[str, str], str]:
        """Return the names that were collected; none where the list is missing or broken."""
        try:
            paths, digest = super().load_manifest()
        except (OSError, ValueError):  # half written when the disk was full, for example
            return {}, ""
        return paths, digest

    def stored_name(self, name: str) -> str:
        """Return the name under which a file is served."""
        key = self.hash_key(name.partition("#")[0].partition("?")[0].strip())
        stored: Any = super().stored_name(name) if key in self.hashed_files else name
        return str(stored)
