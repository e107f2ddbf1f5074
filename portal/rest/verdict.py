"""Verdicts and alert resolution for machines, computed at each request."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.assurance.as_of import AS_OF, runbooks_as_of
from governance.assurance.evidence import Steps, verdict_on_slug, with_verdicts
from governance.assurance.verdict import Verdict, no_go
from portal.rest import governance_fields
from portal.rest.runbooks import AS_OF_PARAMETER, asked_moment
from runbooks.alerts import NAMES, Alert, resolve
from runbooks.choices import REASON_TEXTS
from runbooks.models import Runbook, Situation
from runbooks.models.runbook import YEARS
from runbooks.validity import Reason

NEVER_KEPT = {"Cache-Control": "no-store"}
YEAR_DIGITS = 4


class JsonOnly(BaseContentNegotiation):
    """Content negotiation that always chooses JSON, whatever the request accepts.

    A script that reads only the status sends no ``Accept`` header for it.
    """

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """Return the only parser."""
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        """Return the only renderer and its media type."""
        return renderers[0], renderers[0].media_type


class VerdictResponse(Response):
    """A response that is a verdict.

    ``portal.gate`` turns every other response of these addresses into a no-go.
    """


def no_go_body(
    slug: str, *reasons: Reason, detail: object, year: int | None = None
) -> dict[str, Any]:
    """Return the body of a no-go that was not computed, with the members of a computed one."""
    body = {
        "runbook": slug,
        "year": year,
        "verdict": "no-go",
        "reasons": reasons,
        "detail": str(detail),
    }
    return governance_fields.VerdictSerializer(dict.fromkeys(_VERDICT_MEMBERS) | body).data


_VERDICT_MEMBERS = tuple(governance_fields.VerdictSerializer().fields)
YEAR_PARAMETER = OpenApiParameter(
    "year", OpenApiTypes.INT, description="The calendar year of the live use."
)
# Status codes of the verdict addresses and their meaning. Every body has the same members.
STATUSES = {
    400: "A no-go: the request was not understood.",
    401: "A no-go: the token is missing, unknown or revoked.",
    403: "A no-go: this account may not read.",
    404: "A no-go: there is no such runbook.",
    405: "A no-go: only GET and HEAD are answered.",
    429: "A no-go: too many wrong passwords.",
    503: "A no-go: the database did not answer in time.",
}
ERRORS = {
    status: OpenApiResponse(governance_fields.VerdictSerializer, description=text)
    for status, text in STATUSES.items()
}


class VerdictView(APIView):
    """Go or no-go for a runbook, computed at each request.

    An unknown slug is a no-go with status 404.
    """

    content_negotiation_class = JsonOnly

    @extend_schema(
        responses={200: governance_fields.VerdictSerializer, **ERRORS},
        parameters=[YEAR_PARAMETER, AS_OF_PARAMETER],
    )
    def get(self, request: Request, slug: str) -> Response:
        """Return go or no-go for a runbook, computed at each request and never from a cache.

        With `as_of`, the verdict is no-go; `verdict_then` and `reasons_then` state what it was at
        that moment, and `year` must be left out. Status 404: there is no such runbook. Status 400:
        `year` is not a year, `as_of` is not a moment, or a parameter is unknown or repeated.
        """
        _refuse_unknown(request, {"year", AS_OF})
        year, moment = _year(request), asked_moment(request)
        if moment is None:
            return _verdict_response(slug, verdict_on_slug(slug, year=year), year=year)
        answer, then = _verdict_then(request, slug, moment)
        past = {
            "year": timezone.localdate(moment).year,
            "as_of": moment,
            "verdict_then": then.word if then else None,
            "reasons_then": then.reasons if then else None,
        }
        return _verdict_response(slug, answer, past=past)


class GateView(APIView):
    """The verdict as an HTTP status, so that `curl --fail` alone decides correctly.

    Status 200 is go. Every other status is a no-go, with the reasons in the body.
    """

    content_negotiation_class = JsonOnly

    @extend_schema(
        responses={
            200: OpenApiResponse(governance_fields.VerdictSerializer, description="Go."),
            **ERRORS,
            409: OpenApiResponse(
                governance_fields.VerdictSerializer, description="A no-go, with the reasons."
            ),
        },
        parameters=[YEAR_PARAMETER],
    )
    def get(self, request: Request, slug: str) -> Response:
        """Return the present verdict on a runbook as an HTTP status, never from a cache.

        Status 200 is go. Every other status is a no-go, with the reasons in the body, so that
        `curl --fail` alone decides correctly.
        """
        _refuse_unknown(request, {"year"})
        year = _year(request)
        return _verdict_response(
            slug, verdict_on_slug(slug, year=year), year=year, no_go_status=409
        )


def _verdict_response(
    slug: str,
    verdict: Verdict,
    *,
    year: int | None = None,
    no_go_status: int = 200,
    past: dict[str, Any] | None = None,
) -> VerdictResponse:
    body = dict.fromkeys(_VERDICT_MEMBERS) | {
        "runbook": slug,
        "year": year or timezone.localdate().year,
        "verdict": verdict.word,
        "reasons": verdict.reasons,
        "valid_until": verdict.valid_until,
        "independent": verdict.independent,
        "not_independent_because": verdict.dependence,
        "detail": None
        if verdict.go
        else " ".join(str(REASON_TEXTS[reason]) for reason in verdict.reasons),
        **(past or {}),
    }
    status = 200 if verdict.go else _no_go_status(verdict.reasons, no_go_status)
    return VerdictResponse(
        governance_fields.VerdictSerializer(body).data, status=status, headers=NEVER_KEPT
    )


def _no_go_status(reasons: tuple[Reason, ...], otherwise: int) -> int:
    if Reason.DATABASE_UNREACHABLE in reasons:
        return 503
    return 404 if Reason.UNKNOWN_RUNBOOK in reasons else otherwise


def _verdict_then(request: Request, slug: str, moment: datetime) -> tuple[Verdict, Verdict | None]:
    """Return the present answer about another moment, and the verdict of that moment.

    The second is None if the runbook does not exist or did not exist then.

    :raises ValidationError: ``year`` is given.
    """
    if "year" in request.query_params:
        raise ValidationError(
            {"year": "With as_of, the year is that of the moment. Leave year out."}
        )
    rows = runbooks_as_of(Runbook.objects.with_catalogue().filter(slug=slug), moment)
    if not rows:
        return no_go(Reason.UNKNOWN_RUNBOOK), None
    return no_go(Reason.NOT_NOW), rows[0].verdict


def _year(request: Request) -> int | None:
    """Return the year in the query string, or None without the parameter.

    :raises ValidationError: the value is not a year in ``YEARS``; this includes an empty value.
    """
    if "year" not in request.query_params:
        return None
    text = request.query_params["year"]
    if not (
        len(text) == YEAR_DIGITS
        and text.isascii()
        and text.isdecimal()
        and YEARS[0] <= int(text) <= YEARS[1]
    ):
        raise ValidationError({"year": f"year is a calendar year from {YEARS[0]} to {YEARS[1]}."})
    return int(text)


class ResolveView(APIView):
    """The situations that match an alert, and the rule that matched."""

    @extend_schema(
        responses=governance_fields.ResolutionSerializer,
        parameters=[
            OpenApiParameter(name, OpenApiTypes.STR, description="A label of the alert.")
            for name in NAMES
        ],
    )
    def get(self, request: Request) -> Response:
        """Return the situations that match an alert, in order, each with its runbooks and verdicts.

        `matched_by` names the rule that matched. Status 400: a parameter is unknown or repeated.
        """
        _refuse_unknown(request, set(NAMES))
        found = resolve(Alert.of(request.query_params), Situation.objects.with_steps())
        body = {
            "matched_by": found.matched_by,
            "situations": [_situation(*each, request) for each in with_verdicts(found.situations)],
        }
        return Response(governance_fields.ResolutionSerializer(body).data, headers=NEVER_KEPT)


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
    """Refuse unknown and repeated parameters.

    A misspelled parameter must not be treated as absent, and one of two values must not be ignored.

    :raises ValidationError: a parameter is unknown or repeated, or ``format`` is not ``json``.
    """
    known = known | {"format"}
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        raise ValidationError(
            {name: f"Unknown parameter. Known: {', '.join(sorted(known))}." for name in unknown}
        )
    # The framework answers JSON for any value of ``format`` here, so a request for another format
    # is refused.
    if request.query_params.get("format", "json") != "json":
        raise ValidationError(
            {"format": "This is available in JSON only. Use format=json, or leave it out."}
        )
    repeated = [name for name, values in request.query_params.lists() if len(values) > 1]
    if repeated:
        raise ValidationError({name: f"{name} is given more than once." for name in repeated})
