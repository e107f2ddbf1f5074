"""The documents read for a plan, so that it can be made again without reading the source."""

import hashlib
from collections.abc import Iterable

from runbooks.batches import batched
from runbooks.documents.sources.folder import DocumentMissing, DocumentUnreadable, Source
from runbooks.models import Document


class ReadDocuments:
    """The texts at the requested paths, each read once.

    Only texts that are not stored yet are kept in full; for the others the sha256 is enough.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._sha256: dict[str, str] = {}
        self._problems: dict[str, DocumentMissing | DocumentUnreadable] = {}
        self._new: dict[str, bytes] = {}
        self._stored: set[tuple[str, str]] = set()
        self._readable: dict[str, bool] = {}

    def read_all(self, paths: Iterable[str]) -> None:
        """Read the paths that were not read before."""
        wanted = [path for path in dict.fromkeys(paths) if path and not self._is_known(path)]
        for part in batched(wanted):
            documents = Document.objects.filter(path__in=part)
            self._stored.update(documents.values_list("path", "sha256"))
        for path in wanted:
            self._read(path)

    def sha256(self, path: str) -> str:
        """Return the sha256 (hex) of the text at a path that was read.

        :raises DocumentMissing: there was no such file.
        :raises DocumentUnreadable: there was a file that cannot be stored.
        """
        if path in self._problems:
            raise self._problems[path]
        return self._sha256[path]

    def is_readable(self, path: str) -> bool:
        """Return whether there is a text at a path, without keeping it; ask the source once."""
        if self._is_known(path):
            return path in self._sha256
        if path not in self._readable:
            try:
                self._source.read(path)
            except (DocumentMissing, DocumentUnreadable):
                self._readable[path] = False
            else:
                self._readable[path] = True
        return self._readable[path]

    @property
    def number(self) -> int:
        """Return how many texts were read."""
        return len(self._sha256)

    def unstored(self) -> dict[str, bytes]:
        """Return path -> content of the texts that are not stored yet."""
        stored: set[tuple[str, str]] = set()
        for part in batched(list(self._new)):
            documents = Document.objects.filter(path__in=part)
            stored.update(documents.values_list("path", "sha256"))
        return {
            path: text
            for path, text in self._new.items()
            if (path, self._sha256[path]) not in stored
        }

    def _is_known(self, path: str) -> bool:
        return path in self._sha256 or path in self._problems

    def _read(self, path: str) -> None:
        try:
            content = self._source.read(path)
        except (DocumentMissing, DocumentUnreadable) as error:
            self._problems[path] = error.with_traceback(None)
            return
        self._sha256[path] = hashlib.sha256(content).hexdigest()
        if (path, self._sha256[path]) not in self._stored:
            self._new[path] = content
