"""The one way in which the admin writes, and the way in which it only shows."""

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
# What Django and the databases raise for a filter that makes no sense: a year before the first, a
# number that no column holds, a lookup that the database does not know. A database that is busy or
# gone raises something else.
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
    """A model's form with a line for why: it goes into the ledger."""

    reason = forms.CharField(
        label=gettext_lazy("Reason for the change"),
        required=False,
        max_length=500,
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text=gettext_lazy("Recorded in the change log."),
    )


class LinesField(forms.CharField):
    """A text of several lines. A browser ends them with CR LF; they are kept as they are in a file, with LF alone."""

    def to_python(self, value: Any) -> Any:
        """The text with one kind of line end."""
        return re.sub(r"\r\n?", "\n", super().to_python(value) or "")


LINES: Any = {models.TextField: {"form_class": LinesField}}


def is_a_key(text: str) -> bool:
    """Whether a text could be a row's number: no database takes more digits."""
    return text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS


def is_searchable(text: str) -> bool:
    """Return whether a search of the admin is short enough for every database."""
    return len(text) <= MAX_SEARCH_LENGTH and len(text.split()) <= MAX_SEARCH_WORDS


def _filters(request: HttpRequest) -> list[str]:
    """Return the values by which the address narrows a list; a person types the search alone."""
    return [value for name, found in request.GET.lists() if name != SEARCH_VAR for value in found]


REFUSED = "refused_because"


def _refused_form(form: Any, reasons: Sequence[str]) -> Any:
    """A form like another, which is never valid for these reasons."""

    class RefusedForm(form):
        def clean(self) -> None:
            super().clean()
            raise ValidationError(list(reasons))

    return RefusedForm


class BaseAdmin(admin.ModelAdmin):
    """What both kinds of admin have in common: the history is the ledger's, and line ends are of one kind.

    What no page of the portal sends is answered with 400 and never with an error page.
    """

    formfield_overrides = LINES

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show or save Django's own form.

        :raises BadRequest: where rows are chosen by a search, something else than their numbers
            was sent.
        """
        chosen = {name for one in (self, *self.inlines) for name in one.autocomplete_fields}
        for name, values in (*request.GET.lists(), *request.POST.lists()):
            if name.rpartition("-")[2] in chosen and not all(map(is_a_key, filter(None, values))):
                raise BadRequest(f"{name} must be the number of a row.")
        return super().changeform_view(request, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show Django's own list.

        :raises BadRequest: the list cannot be narrowed or sorted by what the address says.
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
            # Now: most of the queries are made while the page is rendered.
            return response.render() if hasattr(response, "render") else response
        except UNANSWERABLE as error:
            raise BadRequest("This filter cannot be applied.") from error

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        """Find the rows. A search that is too long finds none: SQLite fails on a condition of a thousand parts."""
        if not is_searchable(search_term):
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow Django's own lookups but regular expressions: one that backtracks for ever holds a worker."""
        return lookup.rpartition("__")[2] not in REGULAR_EXPRESSIONS and super().lookup_allowed(
            lookup, value, request
        )

    def response_action(
        self, request: HttpRequest, queryset: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Apply Django's own action.

        :raises BadRequest: a chosen row is no row's number.
        """
        if not all(map(is_a_key, request.POST.getlist(ACTION_CHECKBOX_NAME))):
            raise BadRequest("A chosen row must be the number of a row.")
        return super().response_action(request, queryset, *args, **kwargs)

    def shown_again(
        self, request: HttpRequest, reasons: Sequence[str], view: Callable[[], HttpResponse]
    ) -> HttpResponse:
        """The same form, with what was typed into it and why it was not saved.

        For what is refused after the form's own checks.

        :param view: answers the request; nothing is saved by it any more.
        """
        setattr(request, REFUSED, tuple(reasons))
        return view()

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """The stock form; one that is shown again says why."""
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        reasons = getattr(request, REFUSED, ())
        return _refused_form(form, reasons) if reasons else form

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """The ledger's rows about this object, in words."""
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
        """The ledger's rows about an object, the newest first."""
        return ChangeLogEntry.objects.filter(subject=subject_of(obj))


class AuditedAdmin(BaseAdmin):
    """Every add, change and delete of this admin is a row in the ledger, in one transaction with the change.

    What the database refuses (a guard, a protected row) becomes a message and not an error page.
    """

    form: Any = ReasonForm

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """With what a stored object looked like when the page was opened."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or not self.has_change_permission(request, obj):
            return fieldsets
        return [*fieldsets, (None, {"fields": (OPENED_ON,)})]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """First half: remember what was, then save."""
        form.audited_edit = AuditedEdit.start(
            type(obj), [obj.pk], by=signed_in(request), reason=form.cleaned_data.get("reason", "")
        )
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Second half: what belongs to the object is saved now, so the ledger can tell the whole."""
        super().save_related(request, form, formsets, change)
        form.audited_edit.commit([form.instance.pk])

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """One object."""
        delete(obj, by=signed_in(request))

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        """Many objects: all or none, one ledger row each."""
        with ledger.atomic():
            for obj in queryset:
                delete(obj, by=signed_in(request))

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The stock form; what the database refuses is said on the page, above what was typed."""

        def view() -> HttpResponse:
            return super(AuditedAdmin, self).changeform_view(request, *args, **kwargs)

        return self._with_integrity_errors(request, view, again=True)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The stock list with its actions, likewise; each action takes the lock for what it changes at once."""
        return self._with_integrity_errors(
            request,
            lambda: super(AuditedAdmin, self).changelist_view(request, extra_context),
            lock=False,
        )

    def response_action(
        self, request: HttpRequest, queryset: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Delete no more at once than others can wait for: all of it is one transaction."""
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
        """The stock confirmation, likewise."""
        return self._with_integrity_errors(
            request,
            lambda: super(AuditedAdmin, self).delete_view(request, object_id, extra_context),
        )

    def _with_integrity_errors(
        self, request: HttpRequest, view: Any, *, lock: bool = True, again: bool = False
    ) -> HttpResponse:
        """Answer a request.

        :param lock: hold the ledger's lock for the whole of it. False where slow work comes first
            and the action takes the lock by itself.
        :param again: show what the database refuses on the form, with what was typed; otherwise
            redirect to the address that the request was sent to.
        """
        if request.method in SAFE_METHODS:
            return view()  # looking takes no lock
        request.POST  # noqa: B018 - a body that arrives slowly is read before the lock
        try:
            # A savepoint of its own: a refused write must not leave half of itself behind.
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
    """A slug is chosen when the object is made and never changes: links and other systems hang on it."""

    prepopulated_fields = {"slug": ("title",)}  # noqa: RUF012 - Django's own spelling

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The slug is open on a new object alone."""
        fields = super().get_readonly_fields(request, obj)
        return fields if obj is None else (*fields, "slug")

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Any]:
        """Filled in from the title while the object is new."""
        return super().get_prepopulated_fields(request, obj) if obj is None else {}


class ReadOnlyAdmin(BaseAdmin):
    """For rows that no person edits: they come from actions and are only looked at."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody, a superuser included."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody, a superuser included."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody, a superuser included."""
        return False
