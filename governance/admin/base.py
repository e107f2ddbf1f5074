"""The base classes of the admin: one that records every write, and one that only shows."""

import re
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.db import DataError, IntegrityError, NotSupportedError, ProgrammingError, models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from governance import ledger
from governance.accounts.roles import may_read_security_entries, signed_in
from governance.admin.optimistic_locking import OPENED_ON, OpenedOnForm
from governance.editing.audited_edit import AuditedEdit, delete
from governance.ledger.disclosure import disclosed
from governance.ledger.models import ChangeLogEntry
from governance.ledger.snapshot import subject_of

MAX_HISTORY = 200
MAX_DELETED = 200
MAX_DIGITS = 18
MAX_SEARCH_WORDS = 20
MAX_SEARCH_LENGTH = 500
MAX_FILTER_LENGTH = 1_000  # SQLite fails on a pattern of 50,000 characters
REGULAR_EXPRESSIONS = ("regex", "iregex")
# What Django and the databases raise for an invalid filter: a year before the first, a number that
# no column holds, a lookup that the database does not know. A database that is busy or does not
# answer raises something else.
UNANSWERABLE = (
    ArithmeticError,
    LookupError,
    ValueError,
    DataError,
    NotSupportedError,
    ProgrammingError,
)
SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")


class ReasonForm(OpenedOnForm):
    """A model form with a field for the reason, which is recorded in the ledger."""

    reason = forms.CharField(
        label=gettext_lazy("Reason for the change"),
        required=False,
        max_length=500,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text=gettext_lazy("Recorded in the change log."),
    )


class LinesField(forms.CharField):
    """A text of several lines, with LF as line end. Browsers send CR LF."""

    def to_python(self, value: Any) -> Any:
        """Return the text with LF as the only line end."""
        return re.sub(r"\r\n?", "\n", super().to_python(value) or "")


LINES: Any = {models.TextField: {"form_class": LinesField}}


def is_a_key(text: str) -> bool:
    """Return whether a text can be a primary key. No database accepts more digits."""
    return text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS


def is_searchable(text: str) -> bool:
    """Return whether a search of the admin is short enough for every database."""
    return len(text) <= MAX_SEARCH_LENGTH and len(text.split()) <= MAX_SEARCH_WORDS


def _filters(request: HttpRequest) -> list[str]:
    """Return the parameters of the address that filter a list. The search is not among them."""
    return [value for name, found in request.GET.lists() if name != SEARCH_VAR for value in found]


REFUSED = "refused_because"


def _refused_form(form: Any, reasons: Sequence[str]) -> Any:
    """Return a subclass of a form that is never valid, for these reasons."""

    class RefusedForm(form):
        def clean(self) -> None:
            super().clean()
            raise ValidationError(list(reasons))

    return RefusedForm


class BaseAdmin(admin.ModelAdmin):
    """The common base: the history comes from the ledger, and texts have one kind of line end.

    A request that no page of the portal sends is answered with 400, never with an error page.
    """

    formfield_overrides = LINES

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show or save Django's form.

        :raises BadRequest: where a person selects rows by a search, something other than primary
            keys was sent.
        """
        chosen = {name for one in (self, *self.inlines) for name in one.autocomplete_fields}
        for name, values in (*request.GET.lists(), *request.POST.lists()):
            if name.rpartition("-")[2] in chosen and not all(map(is_a_key, filter(None, values))):
                raise BadRequest(f"{name} must be the number of a row.")
        return super().changeform_view(request, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show Django's list.

        :raises BadRequest: the list cannot be filtered or sorted by the address.
        """
        if not is_searchable(request.GET.get(SEARCH_VAR, "")):
            limits = {"words": MAX_SEARCH_WORDS, "characters": MAX_SEARCH_LENGTH}
            messages.error(
                request,
                _("Search for at most %(words)d words and %(characters)d characters.") % limits,
            )
        if request.method not in SAFE_METHODS or not request.GET:
            return super().changelist_view(request, extra_context)
        if any(len(value) > MAX_FILTER_LENGTH for value in _filters(request)):
            raise BadRequest("A filter is too long.")
        try:
            response: Any = super().changelist_view(request, extra_context)
            # Render now, because most of the queries are made while the page is rendered.
            return response.render() if hasattr(response, "render") else response
        except UNANSWERABLE as error:
            raise BadRequest("This filter cannot be applied.") from error

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        """Return the rows that match. A search that is too long matches none.

        SQLite fails on a condition of a thousand parts.
        """
        if not is_searchable(search_term):
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow lookups except regular expressions, whose backtracking can block a worker."""
        return lookup.rpartition("__")[2] not in REGULAR_EXPRESSIONS and super().lookup_allowed(
            lookup, value, request
        )

    def response_action(
        self, request: HttpRequest, queryset: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Run Django's action.

        :raises BadRequest: a selected row is not a primary key.
        """
        if not all(map(is_a_key, request.POST.getlist(ACTION_CHECKBOX_NAME))):
            raise BadRequest("A chosen row must be the number of a row.")
        return super().response_action(request, queryset, *args, **kwargs)

    def shown_again(
        self, request: HttpRequest, reasons: Sequence[str], view: Callable[[], HttpResponse]
    ) -> HttpResponse:
        """Show the form again, with what was entered and why it was not saved.

        It is used for a refusal after the form's own validation.

        :param reasons: why nothing was saved.
        :param view: answers the request; it no longer saves anything.
        """
        setattr(request, REFUSED, tuple(reasons))
        return view()

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Return Django's form class. If the form is shown again, it gives the reasons."""
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        reasons = getattr(request, REFUSED, ())
        return _refused_form(form, reasons) if reasons else form

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Show the ledger rows about an object."""
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            raise Http404
        if not self.has_view_or_change_permission(request, obj):
            raise PermissionDenied
        security = may_read_security_entries(request.user)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Change history: %(object)s") % {"object": obj},
            "entries": disclosed(self.history_of(obj), security=security)[:MAX_HISTORY],
            "object": obj,
            "opts": self.opts,
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/ledger_history.html", context)

    def history_of(self, obj: Any) -> models.QuerySet[ChangeLogEntry]:
        """Return the ledger rows about an object, newest first."""
        return ChangeLogEntry.objects.filter(subject=subject_of(obj))


class AuditedAdmin(BaseAdmin):
    """An admin that records each addition, change and deletion in the ledger, in one transaction.

    What the database refuses (a guard, a protected row) becomes a message, not an error page.
    """

    form: Any = ReasonForm

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fieldsets, with the hidden field for the state when the page was opened."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or not self.has_change_permission(request, obj):
            return fieldsets
        return [*fieldsets, (None, {"fields": (OPENED_ON,)})]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Remember the stored state, then save. ``save_related`` records the change."""
        form.audited_edit = AuditedEdit.start(
            type(obj), [obj.pk], by=signed_in(request), reason=form.cleaned_data.get("reason", "")
        )
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save the related rows, then record the whole change in the ledger."""
        super().save_related(request, form, formsets, change)
        form.audited_edit.commit([form.instance.pk])

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete one object, with its ledger row."""
        delete(obj, by=signed_in(request))

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        """Delete all objects or none, with one ledger row each."""
        with ledger.atomic():
            for obj in queryset:
                delete(obj, by=signed_in(request))

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show or save Django's form. Show what the database refuses above what was entered."""

        def view() -> HttpResponse:
            return super(AuditedAdmin, self).changeform_view(request, *args, **kwargs)

        return self._with_integrity_errors(request, view, again=True)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show Django's list, or run an action. Show what the database refuses as a message.

        Each action takes the ledger's lock only for what it changes at once.
        """
        return self._with_integrity_errors(
            request,
            lambda: super(AuditedAdmin, self).changelist_view(request, extra_context),
            lock=False,
        )

    def response_action(
        self, request: HttpRequest, queryset: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Run the action. Refuse to delete more rows at once than other writers can wait for."""
        is_all = request.POST.get("select_across", "0") != "0"
        number = queryset.count() if is_all else len(request.POST.getlist(ACTION_CHECKBOX_NAME))
        if request.POST.get("action") == "delete_selected" and number > MAX_DELETED:
            text = _("Choose at most %(count)d rows to delete at once.") % {"count": MAX_DELETED}
            messages.error(request, text)
            return HttpResponseRedirect(request.get_full_path())
        return super().response_action(request, queryset, *args, **kwargs)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Show Django's confirmation, or delete. Show what the database refuses as a message."""
        return self._with_integrity_errors(
            request,
            lambda: super(AuditedAdmin, self).delete_view(request, object_id, extra_context),
        )

    def _with_integrity_errors(
        self, request: HttpRequest, view: Any, *, lock: bool = True, again: bool = False
    ) -> HttpResponse:
        """Answer a request, and show what the database refuses.

        :param view: answers the request.
        :param lock: whether to hold the ledger's lock for the whole request. False if slow work
            comes first and the action takes the lock itself.
        :param again: whether to show a refusal on the form, with what was entered. Otherwise the
            answer redirects to the same address.
        """
        if request.method in SAFE_METHODS:
            return view()  # reading takes no lock
        request.POST  # noqa: B018 - a body that arrives slowly is read before the lock
        try:
            # A savepoint of its own: a refused write must not be stored in part.
            with ledger.atomic() if lock else nullcontext():
                return view()
        except IntegrityError as error:
            reason = str(error).splitlines()[0]
            sentence = _("Nothing was saved. %(reason)s") % {"reason": reason}
            if again:
                return self.shown_again(request, [sentence], view)
            messages.error(request, sentence)
            return HttpResponseRedirect(request.get_full_path())


class ImmutableSlugAdmin(AuditedAdmin):
    """An admin whose slug is set on creation only, because links and other systems depend on it."""

    prepopulated_fields = {"slug": ("title",)}  # noqa: RUF012 - Django's own spelling

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the read-only fields: also the slug of an existing object."""
        fields = super().get_readonly_fields(request, obj)
        return fields if obj is None else (*fields, "slug")

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Any]:
        """Return the fields that are filled in from others: the slug of a new object."""
        return super().get_prepopulated_fields(request, obj) if obj is None else {}


class ReadOnlyAdmin(BaseAdmin):
    """An admin for rows that only actions write. Nobody edits them here, not even a superuser."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False, for a superuser as well."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False, for a superuser as well."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False, for a superuser as well."""
        return False
