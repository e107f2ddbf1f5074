"""Questions that a machine asks and acts on: go or no-go, and what an alert leads to. Computed at each question."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.api import serializers
from governance.api.past import AS_OF_PARAMETER, asked_moment
from governance.as_of import AS_OF, runbooks_as_of
from governance.go_no_go import Steps, verdict_on_slug, with_verdicts
from governance.verdict import Verdict, VerdictReason, no_go
from runbooks.alerts import MOST_SIGNS, NAMES, Alert, resolve
from runbooks.models import Runbook, Situation
from runbooks.models.runbook import YEARS
from runbooks.views import situations_in_order

NEVER_KEPT = {"Cache-Control": "no-store"}


class VerdictView(APIView):
    """``runbooks/<slug>/verdict/?year=``: go or no-go, computed at each question. An unknown slug is a no-go with 404."""

    @extend_schema(
        responses=serializers.VerdictSerializer,
        parameters=[
            OpenApiParameter("year", OpenApiTypes.INT, description="The calendar year of the live use."),
            AS_OF_PARAMETER,
        ],
    )
    def get(self, request: Request, slug: str) -> Response:
        """The verdict, never from a cache. Asked as of another moment it is no-go, and tells beside it what it was.

        :raises ValidationError: the year or the moment is none, or a parameter is unknown.
        """
        _refuse_unknown(request, {"year", AS_OF})
        moment = asked_moment(request)
        then = None
        if moment is None:
            answer = verdict_on_slug(slug, year=_year(request))
        else:
            answer, then = _verdict_then(request, slug, moment)
        body = {
            "runbook": slug,
            "year": _year(request) or timezone.localdate(moment).year,
            "verdict": answer.word,
            "reasons": answer.reasons,
            "valid_until": answer.valid_until,
            "independent": answer.independent,
            "not_independent_because": answer.dependence,
            "as_of": moment,
            "verdict_then": then.word if then else None,
            "reasons_then": then.reasons if then else None,
        }
        status = 404 if VerdictReason.UNKNOWN_RUNBOOK in answer.reasons else 200
        return Response(serializers.VerdictSerializer(body).data, status=status, headers=NEVER_KEPT)


def _verdict_then(request: Request, slug: str, moment: datetime) -> tuple[Verdict, Verdict | None]:
    """What is answered now about another moment, and what held then; None where there was no such runbook."""
    if "year" in request.query_params:
        raise ValidationError({"year": "With as_of, the year is that of the moment. Leave year out."})
    rows = runbooks_as_of(Runbook.objects.with_catalogue().filter(slug=slug), moment)
    if not rows:
        return no_go(VerdictReason.UNKNOWN_RUNBOOK), None
    return no_go(VerdictReason.NOT_NOW), rows[0].verdict


def _year(request: Request) -> int | None:
    text = request.query_params.get("year", "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and YEARS[0] <= int(text[:5]) <= YEARS[1]):
        raise ValidationError({"year": f"year is a calendar year from {YEARS[0]} to {YEARS[1]}."})
    return int(text)


class ResolveView(APIView):
    """``resolve/?category=&source=&severity=``: what an alert leads to. Never nothing; says which rule found it."""

    @extend_schema(
        responses=serializers.ResolutionSerializer,
        parameters=[OpenApiParameter(name, OpenApiTypes.STR, description="A label of the alert.") for name in NAMES],
    )
    def get(self, request: Request) -> Response:
        """The situations in order, each with its runbooks and the verdict on each.

        :raises ValidationError: a label is too long, or a parameter is unknown.
        """
        _refuse_unknown(request, set(NAMES))
        labels = {name: request.query_params.get(name, "").strip() for name in NAMES}
        for name, label in labels.items():
            if len(label) > MOST_SIGNS:
                raise ValidationError({name: f"{name} is longer than {MOST_SIGNS} characters."})
        found = resolve(Alert(**labels), situations_in_order())
        body = {
            "matched_by": found.matched_by,
            "situations": [_situation(*each, request) for each in with_verdicts(found.situations)],
        }
        return Response(serializers.ResolutionSerializer(body).data, headers=NEVER_KEPT)


def _situation(situation: Situation, steps: Steps, request: Request) -> dict[str, Any]:
    return {
        "slug": situation.slug,
        "title": situation.title,
        "comment": situation.comment,
        "url": request.build_absolute_uri(situation.get_absolute_url()),
        "runbooks": [
            {
                "runbook": step.runbook.slug,
                "title": step.runbook.title,
                "url": request.build_absolute_uri(step.runbook.get_absolute_url()),
                "verdict": verdict.word,
                "reasons": verdict.reasons,
                "independent": verdict.independent,
                "not_independent_because": verdict.dependence,
                "escalation_contact": step.runbook.escalation_contact,
                "headings": [line.strip() for line in step.headings.splitlines() if line.strip()],
            }
            for step, verdict in steps
        ],
    }


def _refuse_unknown(request: Request, known: set[str]) -> None:
    """A misspelt parameter must not be taken for none, nor one of two for the other.

    :raises ValidationError: there is one.
    """
    known = known | {"format"}
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        raise ValidationError({name: f"Unknown parameter. Known: {', '.join(sorted(known))}." for name in unknown})
    repeated = [name for name, values in request.query_params.lists() if len(values) > 1]
    if repeated:
        raise ValidationError({name: f"{name} is given more than once." for name in repeated})
