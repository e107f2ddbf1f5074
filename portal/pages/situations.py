"""Pages an operator starts from: situations, and the target of an alert."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.generic import DetailView, ListView

from governance.assurance.evidence import with_verdicts
from governance.assurance.standings import add_standings_to_steps
from runbooks.alerts import Alert, resolve
from runbooks.models import (
    Situation,
)


class SituationList(ListView):
    """The page ``/situations/``: every situation that an operator may face."""

    template_name = "runbooks/situation_list.html"
    context_object_name = "situations"

    def get_queryset(self) -> QuerySet[Situation]:
        """Return all situations in the order of the landscape."""
        return Situation.objects.with_steps()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the standing of each runbook."""
        context = super().get_context_data(**kwargs)
        context["situations"] = add_standings_to_steps(context["object_list"])
        return context


class SituationDetail(DetailView):
    """The page ``/situations/<slug>/``: the runbooks to open, in order."""

    template_name = "runbooks/situation_detail.html"
    context_object_name = "situation"

    def get_queryset(self) -> QuerySet[Situation]:
        """Return the situations with their runbooks."""
        return Situation.objects.with_steps(contents=True)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the steps of the situation, each with the verdict on its runbook."""
        return super().get_context_data(steps=with_verdicts([self.object])[0][1], **kwargs)


def alert(request: HttpRequest, labels: str = "") -> HttpResponse:
    """Return the situations that match an alert (``/a/?category=&source=&severity=``).

    The page is never empty and never a 404. ``/a/<category>:<source>:<severity>/`` is an older form
    of the address. ``/a/<slug of a situation>/`` redirects to that situation.
    """
    labels = labels.removesuffix("/")
    situations = Situation.objects.with_steps(contents=True)
    if labels in {situation.slug for situation in situations}:
        return redirect("situation", slug=labels)
    asked = Alert.parse(labels) if labels else Alert.of(request.GET)
    resolution = resolve(asked, situations)
    context = {
        "alert": asked,
        "resolution": resolution,
        "found": with_verdicts(resolution.situations),
    }
    return render(request, "runbooks/alert.html", context)
