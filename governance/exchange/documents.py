"""Store documents: render each text once per renderer version, and keep it by its sha256."""

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

# Document.renderer of a text that could not be rendered: the next migrate tries again.
AS_IT_STANDS = 0


def store_document(
    *,
    path: str,
    content: bytes,
    by: ledger.Actor,
    source_revision: str = "",
    authored_at: datetime | None = None,
    at: datetime | None = None,
) -> Document:
    """Store one version of a file and return it.

    The same bytes at the same path are stored once. See ``kept_document``.
    """
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
    """Return the stored version of a file, and whether this call stored it.

    The version may have been stored earlier, or by another process at the same time. A text that
    exceeds the limits of the renderer is shown as plain text and reported as a finding.

    :param content: the file's bytes, UTF-8. The sha256 is computed from exactly these bytes.
    :param source_revision: the commit that introduced the version.
    :param authored_at: when the author of that commit wrote it.
    :raises UnicodeDecodeError: the bytes are not UTF-8 text.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    same = Document.objects.filter(path=path, sha256=sha256)
    if known := same.first():
        return known, False
    # A byte order mark is kept, so that the stored text has the same sha256 as the bytes.
    text = content.decode("utf-8")
    rendered = rendered_text(text, path)
    moment = at or timezone.now()
    with ledger.atomic():
        # Rendering holds no lock, so another sync may have stored the same version meanwhile.
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
    """Render documents of an older renderer again; return the number of documents that changed.

    Documents that no renderer could render are tried again. A signature covers the text and its
    sha256, not the HTML, so each change of the HTML is recorded as a row in the ledger.
    """
    changed = 0
    older = Document.objects.filter(renderer__lt=RENDERER).order_by("pk")
    for key in list(older.values_list("pk", flat=True)):
        document = Document.objects.get(pk=key)
        rendered = rendered_text(document.text, document.path)
        if rendered.trouble and document.html_sha256:
            continue  # already shown as plain text
        with ledger.atomic():
            # Rendering holds no lock, so another migrate may have rendered it meanwhile.
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
    """Render a stored text without its byte order mark, which counts for the sha256 only."""
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
    """Open the finding of a text that cannot be rendered, or resolve it for a text that can be."""
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
