"""Questions that a machine asks and acts on: go or no-go, and what an alert leads to. Computed at each question."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.api import serializers
from governance.go_no_go import verdict_on_slug, verdicts_on
from governance.verdict import VerdictReason
from runbooks.alerts import MOST_SIGNS, NAMES, Alert, resolve
from runbooks.models import Situation
from runbooks.models.runbook import YEARS
from runbooks.views import situations_in_order

NEVER_KEPT = {"Cache-Control": "no-store"}


class VerdictView(APIView):
    """``runbooks/<slug>/verdict/?year=``: go or no-go, computed at each question. An unknown slug is a no-go with 404."""

    @extend_schema(
        responses=serializers.VerdictSerializer,
        parameters=[OpenApiParameter("year", OpenApiTypes.INT, description="The calendar year of the live use.")],
    )
    def get(self, request: Request, slug: str) -> Response:
        """The verdict, never from a cache.

        :raises ValidationError: the year is none, or a parameter is unknown.
        """
        unknown = sorted(set(request.query_params) - {"year", "format"})
        if unknown:
            raise ValidationError(dict.fromkeys(unknown, "Unknown parameter. Known: format, year."))
        answer = verdict_on_slug(slug, year=_year(request))
        body = {
            "runbook": slug,
            "verdict": answer.word,
            "reasons": answer.reasons,
            "valid_until": answer.valid_until,
            "independent": answer.independent,
        }
        status = 404 if VerdictReason.UNKNOWN_RUNBOOK in answer.reasons else 200
        return Response(serializers.VerdictSerializer(body).data, status=status, headers={"Cache-Control": "no-store"})


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
        body = {"matched_by": found.matched_by, "situations": [_situation(each, request) for each in found.situations]}
        return Response(serializers.ResolutionSerializer(body).data, headers=NEVER_KEPT)


def _situation(situation: Situation, request: Request) -> dict[str, Any]:
    steps = list(situation.steps.all())
    verdicts = verdicts_on([step.runbook for step in steps])
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
                "escalation_contact": step.runbook.escalation_contact,
                "headings": [line.strip() for line in step.headings.splitlines() if line.strip()],
            }
            for step, verdict in zip(steps, verdicts, strict=True)
        ],
    }


def _refuse_unknown(request: Request, known: set[str]) -> None:
    """A misspelt parameter must not be taken for none.

    :raises ValidationError: there is one.
    """
    known = known | {"format"}
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        raise ValidationError({name: f"Unknown parameter. Known: {', '.join(sorted(known))}." for name in unknown})
