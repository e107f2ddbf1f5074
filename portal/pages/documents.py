"""Documents on pages: the HTML that is shown, and where a link from one document to another leads."""

from urllib.parse import unquote

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from governance.assurance.standings import add_standings, with_assurance
from governance.exchange.models import LandscapeSource
from runbooks.documents.links import DOCUMENT_ROUTE
from runbooks.documents.rendering.rendered import linked_addresses, with_note_on_links
from runbooks.models import CodeReference, Document, Runbook


def document_html(document: Document) -> SafeString:
    """Return the rendered text, which is safe; a link to a path that the catalogue lacks says so.

    One query where there is such a link.
    """
    paths = {
        address: unquote(address.removeprefix(DOCUMENT_ROUTE))
        for address in linked_addresses(document.html)
    }
    known = _known(set(paths.values())) if paths else set()
    missing = {address for address, path in paths.items() if path not in known}
    return mark_safe(
        with_note_on_links(document.html, missing=missing, note=gettext("(not in the portal)"))
    )


def _known(paths: set[str]) -> set[str]:
    """Return those of the paths that lead somewhere: to a runbook, a code reference, the landscape."""
    runbooks = Runbook.objects.filter(document_path__in=paths).order_by()
    references = CodeReference.objects.filter(path__in=paths).order_by()
    landscapes = LandscapeSource.objects.filter(file__in=paths).order_by()
    found = runbooks.values_list("document_path").union(
        references.values_list("path"), landscapes.values_list("file")
    )
    return {path for (path,) in found}


def document_at_path(request: HttpRequest, document_path: str) -> HttpResponse:
    """``/documents/<path>``: where a link from one document to another leads, as things stand now.

    It leads to the runbook whose document it is, the code reference or the landscape; to a choice
    where several runbooks share the path.
    """
    runbooks = list(
        with_assurance(Runbook.objects.with_catalogue()).filter(document_path=document_path)
    )
    if len(runbooks) == 1:
        return redirect(runbooks[0])
    reference = CodeReference.objects.filter(path=document_path).first()
    if reference and not runbooks:
        return redirect(reference)
    if not runbooks and LandscapeSource.objects.filter(file=document_path).exists():
        return redirect("landscape")
    context = {"document_path": document_path, "runbooks": add_standings(runbooks)}
    return render(
        request, "runbooks/document_at_path.html", context, status=200 if runbooks else 404
    )
