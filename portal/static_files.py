"""Storage of static files: hashed names for collected files, plain names for the others."""

from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    """Storage that compresses collected files and hashes their names, for caching without expiry.

    ``run.py serve`` collects the files. A file that was not collected keeps its plain name, so that
    a page or a command that renders a template also works before ``collectstatic`` has run, and
    after an update that adds a file.
    """

    def load_manifest(self) -> tuple[dict[str, str], str]:
        """Return the names of the collected files; none if the manifest is missing or broken."""
        try:
            paths, digest = super().load_manifest()
        except (OSError, ValueError):  # for example, the disk was full when it was written
            return {}, ""
        return paths, digest

    def stored_name(self, name: str) -> str:
        """Return the name under which a file is served."""
        key = self.hash_key(name.partition("#")[0].partition("?")[0].strip())
        stored: Any = super().stored_name(name) if key in self.hashed_files else name
        return str(stored)
