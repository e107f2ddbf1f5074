"""Documents on pages: the HTML that is shown, and the targets of links between documents."""

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
    """Return the rendered text as safe HTML, with a note on links to unknown paths.

    A path is unknown if the catalogue lacks it. Runs one query if there is any link to a document,
    otherwise none.
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
    """Return the paths that belong to a runbook, a code reference or the landscape."""
    runbooks = Runbook.objects.filter(document_path__in=paths).order_by()
    references = CodeReference.objects.filter(path__in=paths).order_by()
    landscapes = LandscapeSource.objects.filter(file__in=paths).order_by()
    found = runbooks.values_list("document_path").union(
        references.values_list("path"), landscapes.values_list("file")
    )
    return {path for (path,) in found}


def document_at_path(request: HttpRequest, document_path: str) -> HttpResponse:
    """Redirect to what a document path belongs to in the current catalogue (``/documents/<path>``).

    The target is the runbook with this document, the code reference or the landscape. If several
    runbooks share the path, the page lists them. An unknown path is answered with status 404.
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
