"""Opening requests for many runbooks at once; each is still signed on its own."""

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
    """What became of it: the requests that were opened, and the runbooks that were refused, with the reasons' words."""

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
    """Ask for each of the runbooks that it be ready for a year, with one rationale.

    One that is refused, by the policy or by the database, holds up no other.

    :param year: the calendar year that they are to be ready for.
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
        except IntegrityError as error:  # a guard of the database; its savepoint is undone
            refused.append((runbook, str(error).splitlines()[0]))
    return Campaign(opened=tuple(opened), refused=tuple(refused))
