"""Pages of the search. They only read."""

from collections.abc import Sequence
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache

from governance.assurance.standings import add_standings_to_steps, standings
from runbooks.models import Situation
from runbooks.search import facets
from runbooks.search.hits import RunbookHit
from runbooks.search.query import Answer, answer
from runbooks.search.text import MAX_QUESTION_LENGTH

HITS_PER_PAGE = 20
SITUATIONS_AT_ONCE = 3  # so that the first runbook is visible without scrolling
MAX_SITUATIONS = 10
MAX_SUGGESTIONS = 8
MAX_SUGGESTED_SITUATIONS = 3


def search(request: HttpRequest) -> HttpResponse:
    """Return the results of a search (``/search/?q=&status=&layer=&cluster=&page=``).

    Situations come first, then runbooks, each with the section that matches.
    """
    text = question_of(request)
    chosen = {name: request.GET[name] for name in facets.READERS if request.GET.get(name)}
    found = answer(text, standings=standings, situations=MAX_SITUATIONS)
    kept = facets.narrowed(found.runbooks, chosen)
    if chosen and found.more:
        kept = facets.narrowed(
            answer(text, standings=standings, among=facets.among(chosen)).runbooks, chosen
        )
    situations = _situations(text, found, chosen)
    shown = SITUATIONS_AT_ONCE if found.runbooks else len(situations)
    page = Paginator(kept, HITS_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "text": text,
        "found": found,
        "situations": situations[:shown],
        "more_situations": situations[shown:],
        "facets": facets.facets_of(text, found.runbooks, chosen),
        "chosen": chosen,
        "page": page,
        "hits": found.hits(page.object_list),
    }
    return render(request, "runbooks/search.html", context)


@never_cache
def suggestions(request: HttpRequest) -> JsonResponse:
    """Return situations and runbooks that match a partial question (``/search/suggestions/?q=``).

    The search field shows them while a user types: at most eight suggestions, of which at most
    three situations. The response is never cached.
    """
    found = answer(question_of(request), standings=standings)
    pks = found.situation_pks[:MAX_SUGGESTED_SITUATIONS]
    rows = Situation.objects.annotate(number=Count("steps")).in_bulk(pks) if pks else {}
    situations = [_suggested_situation(rows[pk]) for pk in pks if pk in rows]
    first = found.runbooks[: MAX_SUGGESTIONS - len(situations)]
    runbooks = [_suggested_runbook(hit) for hit in found.hits(first)]
    return JsonResponse({"suggestions": [*situations, *runbooks]})


def question_of(request: HttpRequest) -> str:
    """Return the question in the query string, at most ``MAX_QUESTION_LENGTH`` characters."""
    return request.GET.get("q", "").replace("\x00", "").strip()[:MAX_QUESTION_LENGTH]


def _situations(text: str, found: Answer, chosen: dict[str, str]) -> Sequence[Situation]:
    """Return the situations that match.

    Without a question, or if nothing matches, return all: one of them may be what the user faces.
    """
    if not text or not (found.situation_pks or found.runbooks):
        return add_standings_to_steps(Situation.objects.with_steps())
    # A situation has no status, layer or cluster of its own.
    return () if chosen else found.situations


def _suggested_situation(situation: Any) -> dict[str, Any]:
    number = situation.number
    return {
        "kind": "situation",
        "title": situation.title,
        "address": situation.get_absolute_url(),
        "note": ngettext("%(number)s runbook", "%(number)s runbooks", number) % {"number": number},
    }


def _suggested_runbook(hit: RunbookHit) -> dict[str, Any]:
    standing = hit.runbook.readiness if hit.standing.is_live_ready else _("not for live use")
    if hit.unsigned:
        standing = _("not for live use, found only in an unsigned text")
    return {
        "kind": "runbook",
        "title": hit.runbook.title,
        "address": hit.runbook.get_absolute_url(),
        "note": standing,
        "live_ready": hit.standing.is_live_ready,
    }
