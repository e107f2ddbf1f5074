"""Downgrade or retire a runbook without waiting for signatures."""

from datetime import datetime

from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext as _

from governance import ledger
from governance.errors import refuse_for
from governance.ledger.row_digests import digest_change
from governance.signoff import policy
from governance.signoff.apply import apply_request, store_decision
from governance.signoff.choices import Decision, Direction
from governance.signoff.lapse import lapse_open_requests
from governance.signoff.models import StatusChangeRequest
from governance.signoff.requests import (
    Pins,
    locked_runbook,
    open_request,
    status_of,
)
from governance.signoff.signers import person
from runbooks.models import Runbook


def downgrade(
    *, runbook: Runbook, level: str, reason: str, by: User, at: datetime | None = None
) -> StatusChangeRequest:
    """Downgrade a readiness or retire the runbook with immediate effect.

    This needs one risk owner and a reason. A downgrade signs no text. The signed text stays the
    same, even if the current text differs.

    :raises ActionRefused: the policy has reasons against it.
    """
    moment = at or timezone.now()
    with ledger.atomic():
        runbook = locked_runbook(runbook.pk)
        refuse_for(
            policy.reasons_against_downgrading(
                person(by), status_of(runbook, at=moment), level, reason
            )
        )
        lapsed = lapse_open_requests(
            runbook, _("The runbook was downgraded in the meantime."), by=by, at=moment
        )
        request = open_request(
            runbook,
            level=level,
            year=None,
            rationale=reason,
            evidence="",
            by=by,
            at=moment,
            rule=None,
            direction=Direction.DOWN,
            pins=Pins.as_it_was_signed(runbook),
        )
        decision = store_decision(request, Decision.APPROVE, comment=reason, by=by, at=moment)
        # One ledger row records all three steps: opened, decided, applied.
        digests = digest_change(request, "request_row") | digest_change(decision, "sign_off_row")
        apply_request(request, by=by, at=moment, preceding=lapsed, digests=digests)
        return request
