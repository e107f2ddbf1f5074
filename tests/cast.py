"""The fixed cast: the same people and runbooks in every test, so that a test reads like a story.

Ed edits and asks. Rita, Rolf and Ruth are risk owners. Otto operates, Ada audits, Sue is a
superuser and no risk owner.
"""

import hashlib
from datetime import datetime
from itertools import count

from django.contrib.auth.models import Group, User
from django.utils import timezone

from governance import ledger
from governance.accounts.roles import AUDITORS, EDITORS, OPERATORS, RISK_OWNERS
from governance.editing.audited_edit import audited_edit
from governance.exchange.documents import store_document
from governance.signoff.decide import form_etag, sign
from governance.signoff.models import StatusChangeRequest
from governance.signoff.submit import submit
from runbooks.models import Cluster, Layer, Runbook

PASSWORD = "correct-horse-battery"
EVIDENCE = "https://evidence.example/drill"
GROUPS = {
    "ed": EDITORS,
    "rita": RISK_OWNERS,
    "rolf": RISK_OWNERS,
    "ruth": RISK_OWNERS,
    "otto": OPERATORS,
    "ada": AUDITORS,
}
_numbers = count(1)


def make_person(username: str, *, group: str | None = None, joined: datetime | None = None) -> User:
    """An account with the cast's password; staff unless an operator."""
    user = User.objects.create_user(username, password=PASSWORD, is_staff=group != OPERATORS)
    if joined:
        User.objects.filter(pk=user.pk).update(date_joined=joined)
        user.refresh_from_db()
    if group:
        join(user, group)
    return user


def join(user: User, group: str) -> None:
    """Add to a group through the portal: a membership unknown to the ledger has no effect."""
    with audited_edit(user, by=ledger.SYSTEM):
        user.groups.add(Group.objects.get(name=group))


def make_runbook(
    title: str = "", *, text: str | None = "# Steps\n\n1. Look.\n2. Act.\n", **fields: object
) -> Runbook:
    """A runbook with a cluster, a layer and a document; ``text=None`` leaves the document out."""
    number = next(_numbers)
    title = title or f"Pump restart {number}"
    path = fields.pop("document_path", f"docs/pump_{number}.md")
    cluster = Cluster.objects.create(
        slug=f"cluster-{number}",
        first_number=number,
        last_number=number + 1,
        title=f"Pumps {number}",
    )
    runbook = Runbook(
        slug=fields.pop("slug", f"pump-restart-{number}"),
        title=title,
        document_path=path,
        version="v1.0",
        scope="Restart a pump without flooding the cellar.",
        primary_cluster=cluster,
        position=number,
        **fields,
    )
    if text is not None:
        runbook.document = store(path, text)
    runbook.save()
    runbook.layers.add(Layer.objects.get_or_create(slug="pumps", title="Pumps")[0])
    return runbook


def store(path: str, text: str):
    """The stored document for a text."""
    return store_document(path=path, content=text.encode(), by=ledger.SYSTEM)


def ask(
    runbook: Runbook,
    *,
    by: User,
    level: str = "ready",
    year: int | None = None,
    at: datetime | None = None,
) -> StatusChangeRequest:
    """An open request; ready is asked for this year."""
    year = year or (timezone.localdate(at).year if level == "ready" else None)
    return submit(
        runbook=runbook,
        level=level,
        year=year,
        rationale="Drilled.",
        evidence=EVIDENCE,
        by=by,
        at=at,
    )


def approve(
    request: StatusChangeRequest, *, by: User, at: datetime | None = None
) -> StatusChangeRequest:
    """One approval of what stands now."""
    return sign(
        request=request,
        comment="Read in full.",
        seen=form_etag(request),
        password=PASSWORD,
        by=by,
        at=at,
    )


def make_ready(runbook: Runbook, *, at: datetime | None = None) -> Runbook:
    """Signed ready for this year by two of the cast, the only way there is."""
    people = {
        user.username: user for user in User.objects.filter(username__in=("ed", "rita", "rolf"))
    }
    request = ask(runbook, by=people["ed"], at=at)
    approve(request, by=people["rita"], at=at)
    approve(request, by=people["rolf"], at=at)
    runbook.refresh_from_db()
    return runbook


def sha256(text: str) -> str:
    """The digest of a text, hex."""
    return hashlib.sha256(text.encode()).hexdigest()
