"""Resolution of links in documents, and the anchors of headings. Pure: imports no Django.

A relative path becomes the portal's URL for that path. The runbook at that path is looked up when
the link is followed, because the catalogue changes and stored HTML does not.
"""

import posixpath
import re
import unicodedata
from urllib.parse import quote, unquote

# The URL of a document by its path, see portal.pages.urls.
DOCUMENT_ROUTE = "/documents/"
ID_PREFIX = "doc-"
SCHEMES = re.compile(r"^(?:https?|mailto):", re.IGNORECASE)
# What may be a scheme (RFC 3986: a relative path has no colon before its first slash), and what
# browsers treat as a host.
FOREIGN = re.compile(r"^(?:[^/]*:|[/\\]{2})")
UNSEEN = re.compile(r"[\x00-\x20\x7f]")


def resolved(address: str, *, document_path: str) -> str | None:
    """Return the URL to put into a page; None if the link leads nowhere in the portal.

    :param address: as the author wrote it, percent-encoded or not; fragments get the ids' prefix.
    :param document_path: the path of the document that contains the link, from the root of the
        repository.
    """
    if SCHEMES.match(address):
        return address
    path, hash_sign, fragment = UNSEEN.sub("", address).partition("#")
    anchor = f"#{ID_PREFIX}{fragment}" if hash_sign and fragment else ""
    if not path:
        return anchor or None
    target = _target(path, document_path)
    if target is None:
        return None
    if target == document_path:
        return anchor or "#"
    return f"{DOCUMENT_ROUTE}{quote(target)}{anchor}"


def repository_path(target: str, document_path: str) -> str | None:
    """Return the path of a link's target from the root of the repository; None if it is outside.

    Every relative link of the portal is resolved here, as a forge does it (RFC 3986, section 5.2):
    from the folder of the file that contains it, or from the root if it begins with a slash. The
    root itself is ``.``.

    :param target: as written, percent-encoded or not; a fragment and a query are ignored.
    :param document_path: the path of the file that contains the link, from the root of the
        repository.
    """
    path = unquote(target.partition("#")[0].partition("?")[0])
    start = "" if path.startswith("/") else posixpath.dirname(document_path)
    found = posixpath.normpath(posixpath.join(start, path.lstrip("/")))
    return None if found == ".." or found.startswith(("../", "/")) else found


def heading_slug(title: str) -> str:
    """Return the anchor that GitHub makes of a heading's visible text, with the portal's prefix.

    Letters, digits and marks of any script are kept, in lower case.
    """
    kept = "".join(letter for letter in title.lower() if letter in " -" or _is_word(letter))
    return ID_PREFIX + kept.replace(" ", "-")


class Slugs:
    """The anchors of one document; repeated ones are numbered (``-1``, ``-2``) to be unique."""

    def __init__(self) -> None:
        self._given: dict[str, int] = {}

    def anchor(self, title: str) -> str:
        """Return a new anchor for a heading."""
        slug = anchor = heading_slug(title)
        while anchor in self._given:
            self._given[slug] += 1
            anchor = f"{slug}-{self._given[slug]}"
        self._given[anchor] = 0
        return anchor

    def __contains__(self, anchor: str) -> bool:
        return anchor in self._given


def _target(target: str, document_path: str) -> str | None:
    """Return the path from the root of the repository; None if it is outside, or is not a path."""
    path = unquote(target.partition("?")[0])
    if (
        not path
        or FOREIGN.match(path)
        or "\\" in path
        or any(ord(sign) < ord(" ") for sign in path)
    ):
        return None
    found = repository_path(target, document_path)
    return None if found == "." else found


def _is_word(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] in "LMN" or category == "Pc"
