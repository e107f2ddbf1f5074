"""Pages of sign-off requests and their decisions. Decisions are made in the admin."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.generic import DetailView

from governance.signoff.choices import RequestState
from governance.signoff.eligibility import survey
from governance.signoff.models import SignOffRule, StatusChangeRequest
from portal.pages.paging import _page
from portal.pages.runbooks import version_page
from runbooks.models import Document


def sign_offs(request: HttpRequest) -> HttpResponse:
    """Return the open requests, the closed ones and the rules in force (``/sign-offs/``)."""
    requests = StatusChangeRequest.objects.select_related(
        "runbook", "requested_by"
    ).prefetch_related("sign_offs__signer")
    context = {
        "waiting": requests.filter(state=RequestState.OPEN),
        "page": _page(request, requests.exclude(state=RequestState.OPEN)),
        "rules": SignOffRule.objects.filter(in_force=True).select_related("group"),
    }
    return render(request, "governance/sign_off_list.html", context)


class SignOffDetail(DetailView):
    """The page ``/sign-offs/<id>/``: one request with what it pins, and its decisions."""

    template_name = "governance/sign_off_detail.html"
    context_object_name = "status_change_request"

    def get_queryset(self) -> QuerySet[StatusChangeRequest]:
        """Return the requests with their decisions."""
        return StatusChangeRequest.objects.select_related(
            "runbook", "requested_by", "rule__group"
        ).prefetch_related("sign_offs__signer")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add whether an open request can still be completed."""
        found = survey(requests=StatusChangeRequest.objects.filter(pk=self.object.pk))
        reach = found.reach(found.requests[0]) if found.requests else None
        return super().get_context_data(reach=reach, **kwargs)


def signed_document(request: HttpRequest, pk: int) -> HttpResponse:
    """Return exactly the text that a request pins (``/sign-offs/<id>/document/``).

    It is shown even if the runbook has another document now.
    """
    found = get_object_or_404(StatusChangeRequest.objects.select_related("runbook"), pk=pk)
    document = get_object_or_404(Document, path=found.document_path, sha256=found.document_sha256)
    return version_page(request, found.runbook, document)
