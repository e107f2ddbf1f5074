"""Differences between a runbook and its last approval: lines of text and fields of metadata."""

from dataclasses import dataclass
from typing import Any

from governance.ledger import snapshot
from governance.ledger.labels import EMPTY, field_in_words, value_in_words
from governance.signoff.choices import Direction
from governance.signoff.models import StatusChangeRequest
from runbooks.documents.diff import Difference, difference
from runbooks.documents.invisible_characters import escape_invisible_characters
from runbooks.models import Document, Runbook


@dataclass(frozen=True, slots=True)
class SinceApproval:
    """The differences since an approval.

    :ivar approval: the request that was applied last.
    :ivar text: the difference of the texts; None if one of them is not stored.
    :ivar metadata: the changed fields with their values before and after.
    """

    approval: StatusChangeRequest
    text: Difference | None
    metadata: list[dict[str, Any]]

    @property
    def is_unchanged(self) -> bool:
        """Return whether neither the text nor any field differs."""
        return self.text is not None and not self.text and not self.metadata


def last_move(runbook: Runbook) -> StatusChangeRequest | None:
    """Return the request that changed the readiness last, up or down."""
    return runbook.status_change_requests.filter(applied_at__isnull=False).order_by("-pk").first()


def last_approval(
    runbook: Runbook, *, before: StatusChangeRequest | None = None
) -> StatusChangeRequest | None:
    """Return the last applied request whose signers approved a text.

    Downgrades are skipped, because they approve no text.

    :param before: only consider requests before this one.
    """
    applied = runbook.status_change_requests.filter(
        applied_at__isnull=False, direction=Direction.UP
    ).order_by("-pk")
    if before is not None:
        applied = applied.filter(pk__lt=before.pk)
    return applied.first()


def since_last_approval(request: StatusChangeRequest) -> SinceApproval | None:
    """Compare what a request pins with the approval before it; None if there is none."""
    approval = last_approval(request.runbook, before=request)
    if approval is None:
        return None
    return compare(
        approval,
        path=request.document_path,
        sha256=request.document_sha256,
        metadata=request.metadata,
    )


def compare(
    approval: StatusChangeRequest, *, path: str, sha256: str, metadata: dict[str, Any]
) -> SinceApproval:
    """Compare an approval with another text and other metadata."""
    before = _text(approval.document_path, approval.document_sha256)
    is_same = (path, sha256) == (approval.document_path, approval.document_sha256)
    after = before if is_same else _text(path, sha256)
    changed = snapshot.diff(approval.metadata, metadata)
    return SinceApproval(
        approval=approval,
        text=difference(before, after) if before is not None and after is not None else None,
        metadata=[
            {
                "field": field_in_words(Runbook, name),
                "before": escape_invisible_characters(
                    value_in_words(Runbook, name, change["before"])
                )
                or EMPTY,
                "after": escape_invisible_characters(value_in_words(Runbook, name, change["after"]))
                or EMPTY,
            }
            for name, change in changed.items()
        ],
    )


def _text(path: str, sha256: str) -> str | None:
    if not sha256:
        return ""  # no text before: all lines are new
    return Document.objects.filter(path=path, sha256=sha256).values_list("text", flat=True).first()
