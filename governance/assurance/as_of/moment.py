"""Parse the moment that an address asks about: a day or a time."""

import re
from datetime import datetime, time

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

# The parameter's name, for pages and API alike.
AS_OF = "as_of"
MAX_LENGTH = 40
YEARS = (2000, 2100)
# A plus sign that was not encoded in an address arrives as a blank.
BLANK_FOR_PLUS = re.compile(r"^(\S+T\S+) (\d\d:?\d\d)$")


class AsOfError(ValueError):
    """The text does not name a moment that can be asked about. The message says what to write."""


def moment_of(text: str, *, now: datetime | None = None) -> datetime:
    """Return the moment that a text names.

    A day means its end in the portal's time zone; today means now.

    :param text: ``2026-01-31``, or a time such as ``2026-01-31T09:30`` (the portal's zone) or
        ``…T09:30:00Z``.
    :param now: the present (aware; now by default).
    :raises AsOfError: the text is not a date or time, or it lies in the future.
    """
    present = now or timezone.now()
    moment, is_day = _parsed(text.strip())
    if is_day and moment.date() == timezone.localdate(present):
        return present
    if moment > present:
        raise AsOfError(_("This date is in the future. Enter today or an earlier date."))
    return moment


def _parsed(text: str) -> tuple[datetime, bool]:
    """Return the aware moment, and whether the text names a whole day."""
    written = BLANK_FOR_PLUS.sub(r"\1+\2", text) if len(text) <= MAX_LENGTH else ""
    try:
        day = parse_date(written)
        moment = parse_datetime(written)
    except ValueError:
        day = moment = None
    if day is None and moment is None:
        raise _not_understood()
    at = datetime.combine(day, time.max) if day is not None else moment
    if at is None or not YEARS[0] <= at.year <= YEARS[1]:
        raise _not_understood()
    return (timezone.make_aware(at) if timezone.is_naive(at) else at), day is not None


def _not_understood() -> AsOfError:
    return AsOfError(
        _(
            "This is not a date. Enter a date such as 2026-01-31, or a time such as "
            "2026-01-31T09:30."
        )
    )
