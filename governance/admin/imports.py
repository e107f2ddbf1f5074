"""The import page of the admin: read a file, show the plan, and apply the plan that was shown."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from governance.accounts.roles import signed_in
from governance.admin.base import ReadOnlyAdmin
from governance.admin.import_form import ImportForm, answers, carried
from governance.admin.import_plan import plan_in_words, proposals_in_words
from governance.exchange.importing import (
    CatalogueChanged,
    Plan,
    PlanChanged,
    ProposalsOpen,
    apply_plan,
    plan_import,
)
from governance.exchange.importing.declared_status import claims_of, present_claims
from governance.exchange.models import LandscapeSource
from runbooks.documents.sources.folder import Source, SourceError
from runbooks.documents.sources.git import open_source
from runbooks.landscape.schema import ConflictBlock, LandscapeError, UnresolvedConflicts
from runbooks.models import Runbook

TEMPLATE = "admin/runbooks/runbook/import.html"


class LandscapeImport:
    """Adds the import page to the runbooks' admin. It requires permission to change runbooks."""

    def get_urls(self: Any) -> list[URLPattern]:
        """Return Django's addresses and that of the import."""
        own = path(
            "import/", self.admin_site.admin_view(self.import_view), name="runbooks_runbook_import"
        )
        return [own, *super().get_urls()]  # type: ignore[misc]

    def import_view(self: Any, request: HttpRequest) -> HttpResponse:
        """Ask for a file, show its plan, or apply the plan that was shown.

        :raises PermissionDenied: the visitor may not change runbooks.
        """
        if not self.has_change_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return _page(self, request, ImportForm(), claims=present_claims())
        # Reading, rendering and planning take long, so the action locks only for the change.
        return self._with_integrity_errors(request, lambda: _planned(self, request), lock=False)


def _planned(model_admin: Any, request: HttpRequest) -> HttpResponse:
    form = ImportForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(model_admin, request, form, status=400)
    file = form.file(request.POST)
    try:
        with _documents() as documents:
            plan = plan_import(file, documents=documents, answers=answers(request.POST))
    except UnresolvedConflicts as refusal:
        blocks = (
            *(block for block in _all_blocks(file) if block not in refusal.blocks),
            *refusal.blocks,
        )
        return _page(
            model_admin, request, form, blocks=sorted(blocks, key=lambda block: block.first_line)
        )
    except (LandscapeError, SourceError) as error:
        form.add_error(None, _("The file cannot be imported. %(reason)s") % {"reason": error})
        return _page(model_admin, request, form, status=400)
    if "apply" not in request.POST:
        return _page(model_admin, request, form, plan=plan)
    return _applied(model_admin, request, form, plan)


def _applied(model_admin: Any, request: HttpRequest, form: ImportForm, plan: Plan) -> HttpResponse:
    try:
        apply_plan(plan, by=signed_in(request), shown=request.POST.get("plan", ""))
    except ProposalsOpen:
        messages.error(
            request,
            _("Nothing was imported. Answer yes or no to every rename, move and removal first."),
        )
    except CatalogueChanged as changed:
        plan = changed.plan or plan
        messages.error(
            request,
            _(
                "No runbook was changed, because someone else changed the catalogue after the "
                "plan was shown. Review the new plan."
            ),
        )
    except PlanChanged:
        messages.error(
            request,
            _(
                "Nothing was imported, because something changed after the plan was shown. Review "
                "the new plan."
            ),
        )
    else:
        messages.success(
            request, _("Imported. Nothing was signed off: declared levels are only claims.")
        )
        return HttpResponseRedirect(reverse("admin:runbooks_runbook_import"))
    return _page(model_admin, request, form, plan=plan, status=409)


def _all_blocks(file: Any) -> tuple[ConflictBlock, ...]:
    """Return every conflict of the file, including those for which a side was chosen."""
    try:
        type(file)(file.name, file.content).read()
    except UnresolvedConflicts as refusal:
        return refusal.blocks
    return ()


def _documents_root() -> Path | None:
    root = Path(settings.DOCS_ROOT) if settings.DOCS_ROOT else None
    return root if root is not None and root.is_dir() else None


@contextmanager
def _documents() -> Iterator[Source | None]:
    """Open the source of documents; None if there is none, so that documents stay as they are.

    :raises SourceError: the repository cannot be used, or does not have the ref.
    """
    root = _documents_root()
    if root is None:
        yield None
        return
    with open_source(root, settings.DOCS_REF) as source:
        yield source


def _page(
    model_admin: Any,
    request: HttpRequest,
    form: ImportForm,
    *,
    plan: Plan | None = None,
    blocks: Sequence[ConflictBlock] = (),
    claims: Sequence[Any] = (),
    status: int = 200,
) -> HttpResponse:
    blocks = plan.landscape.conflicts if plan else blocks
    has_file = form.is_bound and "content" in form.cleaned_data and (plan or blocks)
    claims = claims_of(plan) if plan else claims
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Import a landscape"),
        "opts": model_admin.opts,
        "form": form if form.errors else ImportForm(),
        "content": carried(form.cleaned_data["content"]) if has_file else "",
        "name": form.cleaned_data["name"] if has_file else "",
        "blocks": [(block, request.POST.get(f"side-{block.first_line}", "")) for block in blocks],
        "plan": plan,
        "words": plan_in_words(plan) if plan else None,
        "proposals": proposals_in_words(plan) if plan else (),
        "absent": Runbook.objects.filter(title__in=plan.absent) if plan else (),
        "claims": claims,
        "reads_documents": _documents_root() is not None,
    }
    return TemplateResponse(request, TEMPLATE, context, status=status)


@admin.register(LandscapeSource)
class LandscapeSourceAdmin(ReadOnlyAdmin):
    """The imported files, unchanged. They are never edited."""

    list_display = ("file", "sha256", "imported_at")
    fields = ("file", "sha256", "imported_at", "dropped", "text")
    search_fields = ("file", "sha256")

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the imported files without their texts."""
        return super().get_queryset(request).defer("text")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the visitor may read the change log, which refers to these files."""
        return request.user.has_perm("governance.view_changelogentry")

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Return whether the visitor may read the change log."""
        return self.has_view_permission(request)
