"""Storing a document: rendered once for each version of the renderer, kept by its sha256."""

import hashlib
from datetime import datetime
from typing import Any

from django.utils import timezone

from governance import ledger
from governance.findings.choices import Detector, FindingKind
from governance.findings.drafts import FindingDraft
from governance.findings.models import Finding
from governance.ledger.choices import Action
from governance.ledger.snapshot import diff, snapshot, subject_of
from runbooks.digests import sha256_of_text
from runbooks.documents import RENDERER
from runbooks.documents.rendering.rendered import Rendered
from runbooks.documents.rendering.sandbox import render_document
from runbooks.models import Document, Runbook

AS_IT_STANDS = (
    0  # Document.renderer of a text that could not be rendered: the next migrate tries again
)


def store_document(
    *,
    path: str,
    content: bytes,
    by: ledger.Actor,
    source_revision: str = "",
    authored_at: datetime | None = None,
    at: datetime | None = None,
) -> Document:
    """Keep one version of a file; the same bytes at the same path are kept once. See ``kept_document``."""
    return kept_document(
        path=path,
        content=content,
        by=by,
        source_revision=source_revision,
        authored_at=authored_at,
        at=at,
    )[0]


def kept_document(
    *,
    path: str,
    content: bytes,
    by: ledger.Actor,
    source_revision: str = "",
    authored_at: datetime | None = None,
    at: datetime | None = None,
) -> tuple[Document, bool]:
    """The stored version of a file, and whether this call stored it; it may have been kept before, or by another meanwhile.

    A text that asks too much of the renderer is shown as it stands, and is a finding.

    :param content: the file's bytes, UTF-8. The sha256 is taken of exactly these.
    :param source_revision: the commit that brought it, and ``authored_at`` when its author wrote
        that.
    :raises UnicodeDecodeError: the bytes are not UTF-8 text.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    same = Document.objects.filter(path=path, sha256=sha256)
    if known := same.first():
        return known, False
    text = content.decode("utf-8")  # a byte order mark stays: the text must hash to the same sha256
    rendered = rendered_text(text, path)
    moment = at or timezone.now()
    with ledger.atomic():
        # Rendering holds no lock: another sync may have stored the same version meanwhile.
        if known := same.first():
            return known, False
        document = Document.objects.create(
            path=path,
            sha256=sha256,
            text=text,
            size=len(content),
            source_revision=source_revision,
            authored_at=authored_at,
            seen_at=moment,
            **_fields(rendered),
        )
        _record(Action.DOCUMENT_STORED, document, before=None, by=by)
        _update_trouble_finding(path, rendered.trouble, moment)
    return document, True


def render_documents_anew(*, by: ledger.Actor, at: datetime | None = None) -> int:
    """Render what an older renderer made, or none could; returns how many documents are shown anew.

    What is signed is the text and its sha256; each change of what is shown of it is a row in the
    ledger.
    """
    changed = 0
    older = Document.objects.filter(renderer__lt=RENDERER).order_by("pk")
    for key in list(older.values_list("pk", flat=True)):
        document = Document.objects.get(pk=key)
        rendered = rendered_text(document.text, document.path)
        if rendered.trouble and document.html_sha256:
            continue  # shown as it stands already
        with ledger.atomic():
            # Rendering holds no lock: another migrate may have shown it anew meanwhile.
            if not older.filter(pk=key).exists():
                continue
            before = snapshot(document)
            for name, value in _fields(rendered, renderer=RENDERER).items():
                setattr(document, name, value)
            document.save(update_fields=["html", "contents", "html_sha256", "renderer"])
            _record(Action.CHANGED, document, before=before, by=by)
            _update_trouble_finding(document.path, rendered.trouble, at or timezone.now())
        changed += 1
    return changed


def rendered_text(text: str, path: str) -> Rendered:
    """What is shown of a stored text: without the byte order mark that belongs to its sha256."""
    return render_document(text.removeprefix("\ufeff"), document_path=path)


def _fields(rendered: Rendered, *, renderer: int | None = None) -> dict[str, Any]:
    version = AS_IT_STANDS if rendered.trouble else RENDERER
    return {
        "html": rendered.html,
        "contents": rendered.contents,
        "html_sha256": sha256_of_text(rendered.html),
        "renderer": version if renderer is None else renderer,
    }


def _record(
    action: Action, document: Document, *, before: dict[str, Any] | None, by: ledger.Actor
) -> None:
    ledger.append(
        ledger.Record(
            actor=by,
            action=action,
            subject=subject_of(document),
            subject_title=str(document),
            changes=diff(before, snapshot(document)),
        )
    )


def _update_trouble_finding(path: str, trouble: str, moment: datetime) -> None:
    """Open the finding of a text that cannot be rendered, or settle it where a later text can."""
    kind = FindingKind.UNRENDERABLE_DOCUMENT
    known = Finding.objects.filter(kind=kind, subject=path, file=path, resolved_at__isnull=True)
    if not trouble:
        known.update(resolved_at=moment)
    elif not known.exists():
        message = (
            f"{trouble} It is shown unrendered. Make it smaller or simpler, then import again."
        )
        runbook = Runbook.objects.filter(document_path=path).values_list("pk", flat=True).first()
        draft = FindingDraft(kind, path, message, path, runbook=runbook)
        draft.to_finding(detector=Detector.OTHER, first_seen=moment).save()
