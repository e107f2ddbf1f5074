"""Who may read which findings."""

from django.db.models import Q, QuerySet

from governance.findings.choices import Detector
from governance.findings.models import Finding
from governance.ledger.disclosure import AUDIENCE_OF_SUBJECT, Audience


def disclosed_findings(findings: QuerySet[Finding], *, security: bool) -> QuerySet[Finding]:
    """Return the findings that a reader may see.

    A comparison with the ledger reveals ledger entries about accounts and groups, so its findings
    about these are left out for others.

    :param security: whether the reader may read the entries about accounts.
    """
    if security:
        return findings
    about = Q()
    for kind, audience in AUDIENCE_OF_SUBJECT.items():
        if audience is Audience.SECURITY:
            about |= Q(subject__startswith=f"{kind}:")
    return findings.exclude(about, noticed_by=Detector.LEDGER)
