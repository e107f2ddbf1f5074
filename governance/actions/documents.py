"""Storing a document: rendered once, kept by its sha256."""

import hashlib
from datetime import datetime

from django.utils import timezone

from governance import ledger
from governance.choices import Action
from governance.facts import difference, facts_of, subject_of
from runbooks.documents.render import render_document
from runbooks.models import Document


def store_document(
    *,
    path: str,
    content: bytes,
    by: ledger.Actor,
    source_revision: str = "",
    authored_at: datetime | None = None,
    at: datetime | None = None,
) -> Document:
    """Keep one version of a file; the same bytes at the same path are kept once.

    :param content: the file's bytes, UTF-8. The sha256 is taken of exactly these.
    :param source_revision: the commit that brought it, and ``authored_at`` when its author wrote that.
    :raises UnicodeDecodeError: the bytes are not UTF-8 text.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    known = Document.objects.filter(path=path, sha256=sha256).first()
    if known:
        return known
    text = content.decode("utf-8")  # a byte order mark stays: the text must hash to the same sha256
    rendered = render_document(text.removeprefix("\ufeff"))
    with ledger.governed():
        document = Document.objects.create(
            path=path,
            sha256=sha256,
            text=text,
            html=rendered.html,
            contents=rendered.contents,
            size=len(content),
            source_revision=source_revision,
            authored_at=authored_at,
            seen_at=at or timezone.now(),
        )
        ledger.append(
            ledger.Record(
                actor=by,
                action=Action.DOCUMENT_STORED,
                subject=subject_of(document),
                subject_title=str(document),
                changes=difference(None, facts_of(document)),
            )
        )
    return document
