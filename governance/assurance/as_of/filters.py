"""The filters of the runbook list, applied to another moment."""

from datetime import datetime

from django.http import QueryDict

from governance.assurance.as_of.status import RunbookAsOf, runbooks_as_of
from runbooks.filters import RunbookFilterSet
from runbooks.models import Runbook

# These are applied to what was signed then; the others are applied to the present catalogue.
OF_READINESS = ("readiness", "year")


def filtered_as_of(data: QueryDict, moment: datetime) -> tuple[RunbookFilterSet, list[RunbookAsOf]]:
    """Return the filter set and the runbooks that passed it at a moment; none if it is invalid."""
    asked = RunbookFilterSet(data, queryset=Runbook.objects.with_catalogue())
    if not asked.is_valid():
        return asked, []
    levels, year = (asked.form.cleaned_data[name] for name in OF_READINESS)
    others = data.copy()
    for name in OF_READINESS:
        others.pop(name, None)
    found = RunbookFilterSet(others, queryset=Runbook.objects.with_catalogue()).qs
    return asked, [
        then
        for then in runbooks_as_of(found, moment)
        if (not levels or then.signed.level in levels)
        and (year is None or then.signed.year == year)
    ]
