"""Open requests for many runbooks at once. Each request is still signed separately."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db import IntegrityError

from governance.errors import ActionRefused
from governance.signoff.models import StatusChangeRequest
from governance.signoff.submit import submit
from runbooks.choices import ReadinessLevel
from runbooks.models import Runbook


@dataclass(frozen=True, slots=True)
class Campaign:
    """The result of a bulk renewal.

    :ivar opened: the requests that were opened.
    :ivar refused: the refused runbooks, each with the reasons as text.
    """

    opened: tuple[StatusChangeRequest, ...]
    refused: tuple[tuple[Runbook, str], ...]


def open_renewals(
    *,
    runbooks: Iterable[Runbook],
    year: int,
    rationale: str,
    evidence: str = "",
    by: User,
    at: datetime | None = None,
) -> Campaign:
    """Request that each runbook be ready for a year, with one rationale.

    A refusal by the policy or the database does not affect the other runbooks.

    :param year: the calendar year of the requested readiness.
    """
    opened, refused = [], []
    for runbook in runbooks:
        try:
            opened.append(
                submit(
                    runbook=runbook,
                    level=ReadinessLevel.READY,
                    year=year,
                    rationale=rationale,
                    evidence=evidence,
                    by=by,
                    at=at,
                )
            )
        except ActionRefused as refusal:
            refused.append((runbook, " ".join(refusal.messages)))
        except IntegrityError as error:  # a guard of the database; the savepoint is rolled back
            refused.append((runbook, str(error).splitlines()[0]))
    return Campaign(opened=tuple(opened), refused=tuple(refused))
