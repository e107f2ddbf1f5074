"""Resolve findings by hand."""

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import User
from django.utils import timezone

from governance import ledger
from governance.editing.audited_edit import audited_edit
from governance.findings.choices import FindingKind
from governance.findings.models import Finding

# Resolved only by the check itself, because verdicts depend on them.
AUTO_RESOLVED_ONLY = frozenset({FindingKind.BROKEN_LEDGER})


def resolve_findings(findings: Iterable[Finding], *, by: User, at: datetime | None = None) -> int:
    """Mark findings as resolved, each with a row in the ledger; return how many were.

    Findings that are already resolved, or that only a check may resolve, are skipped. Each is
    resolved in its own transaction, so that nobody waits for thousands.
    """
    moment = at or timezone.now()
    done = 0
    for finding in findings:
        with ledger.atomic():
            stored = Finding.objects.filter(pk=finding.pk).first()
            if (
                stored is None
                or stored.resolved_at is not None
                or stored.kind in AUTO_RESOLVED_ONLY
            ):
                continue
            with audited_edit(stored, by=by):
                stored.resolved_at = moment
                stored.save(update_fields=["resolved_at"])
            done += 1
    return done
