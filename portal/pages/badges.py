"""Badges of a runbook's readiness: what is signed, and what its file merely claims.

Only a runbook that is live-ready gets green.
"""

from typing import NamedTuple

from django.utils.translation import gettext

from runbooks.choices import ReadinessLevel
from runbooks.models import Runbook
from runbooks.validity import Standing

LIVE, DOUBTFUL, CLAIM = "live", "doubtful", "claim"


class Badge(NamedTuple):
    """A badge: a kind and a text.

    ``kind`` selects the colour (class ``is-<kind>`` in the style sheet). It is ``LIVE``,
    ``DOUBTFUL``, ``CLAIM`` or a readiness level.
    """

    kind: str
    text: str


def badges_of(runbook: Runbook, standing: Standing) -> list[Badge]:
    """Return the badges of a runbook in display order.

    :param standing: whether it may be used live (``governance.assurance.standings``).
    """
    badges = [_signed(runbook, standing)]
    if runbook.signed_solo and runbook.readiness_level != ReadinessLevel.UNASSESSED:
        badges.append(Badge(DOUBTFUL, gettext("owner-led, no independent review")))
    elif runbook.signed_dependence and runbook.readiness_level != ReadinessLevel.UNASSESSED:
        badges.append(Badge(DOUBTFUL, gettext("no independent review")))
    if runbook.text_changed:
        badges.append(Badge(DOUBTFUL, gettext("changed since sign-off")))
    claim = (runbook.declared_level, runbook.declared_year)
    if claim[0] != ReadinessLevel.UNASSESSED and claim != (
        runbook.readiness_level,
        runbook.readiness_year,
    ):
        badges.append(Badge(CLAIM, f"{gettext('claimed')}: {runbook.declared}"))
    return badges


def _signed(runbook: Runbook, standing: Standing) -> Badge:
    if standing.is_live_ready:
        return Badge(LIVE, runbook.readiness)
    if runbook.readiness_level == ReadinessLevel.READY:
        return Badge(DOUBTFUL, f"{runbook.readiness}: {gettext('not valid')}")
    return Badge(runbook.readiness_level, runbook.readiness)
