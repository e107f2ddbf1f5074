"""Pages of the change log: the log, one entry, and the history of one runbook."""

from itertools import groupby

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.generic import DetailView

from governance.accounts.roles import may_read_security_entries
from governance.ledger.choices import Action
from governance.ledger.disclosure import disclosed
from governance.ledger.models import ChangeLogEntry, Release
from governance.ledger.snapshot import subject_of
from portal.pages.paging import _page
from runbooks.models import Runbook


def changes(request: HttpRequest) -> HttpResponse:
    """Return the change log (``/changes/``).

    The release notes of the landscape come first, grouped by release; every other recorded change
    follows.
    """
    entries = _entries_for(request)
    notes = entries.filter(action=Action.RELEASE_NOTED).order_by("release", "sequence")
    by_release = {
        name: list(entries) for name, entries in groupby(notes, key=lambda entry: entry.release)
    }
    releases = [(release, by_release.get(release.version, [])) for release in Release.objects.all()]
    context = {
        "releases": releases,
        "page": _page(request, entries.exclude(action=Action.RELEASE_NOTED)),
    }
    return render(request, "governance/change_list.html", context)


class ChangeDetail(DetailView):
    """The page of one ledger entry (``/changes/<sequence>/``).

    It shows the values before and after, and the entry's place in the hash chain.
    """

    model = ChangeLogEntry
    pk_url_kwarg = "sequence"
    template_name = "governance/change_detail.html"
    context_object_name = "entry"

    def get_queryset(self) -> QuerySet[ChangeLogEntry]:
        """Return the entries, with placeholders for those that this reader may not see."""
        return _entries_for(self.request)


def _entries_for(request: HttpRequest) -> QuerySet[ChangeLogEntry]:
    """Return the whole ledger, with a placeholder for each entry that this reader may not see."""
    return disclosed(ChangeLogEntry.objects.all(), security=may_read_security_entries(request.user))


def runbook_history(request: HttpRequest, slug: str) -> HttpResponse:
    """Return every ledger entry about one runbook (``/runbooks/<slug>/history/``)."""
    runbook = get_object_or_404(Runbook, slug=slug)
    entries = _entries_for(request).filter(subject=subject_of(runbook))
    context = {"runbook": runbook, "page": _page(request, entries)}
    return render(request, "governance/runbook_history.html", context)
