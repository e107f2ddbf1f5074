"""The sign-off in the admin: the inbox, the page of a request, and the rules."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.debug import sensitive_post_parameters

from governance.accounts.roles import signed_in
from governance.admin.access_changes import AccessChangesMixin
from governance.admin.base import ReadOnlyAdmin
from governance.admin.forms import DecisionForm, RuleForm, SubmitForm, WithdrawForm
from governance.errors import ActionRefused, RequestLapsed, StaleForm
from governance.ledger.labels import field_in_words, metadata_in_words
from governance.ledger.models import ChangeLogEntry
from governance.ledger.snapshot import subject_of
from governance.signoff.apply import statement
from governance.signoff.changes import SinceApproval, compare, since_last_approval
from governance.signoff.checklist import checklist_for
from governance.signoff.choices import Decision, RequestState, refusal_text
from governance.signoff.decide import reject, sign
from governance.signoff.eligibility import awaiting
from governance.signoff.lapse import what_changed
from governance.signoff.models import SignOff, SignOffRule, StatusChangeRequest
from governance.signoff.policy import Refusal
from governance.signoff.review_context import load_review_context
from governance.signoff.rules import replace_rule
from governance.signoff.submit import submit, withdraw
from runbooks.models import Document, Runbook

SIGN = "governance.sign_statuschangerequest"


class InboxFilter(admin.SimpleListFilter):
    """Filter requests by whose turn it is."""

    title = gettext_lazy("inbox")
    parameter_name = "inbox"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the choices: awaiting the visitor, requested by the visitor, open."""
        return [
            ("awaiting", gettext_lazy("Waiting for you")),
            ("yours", gettext_lazy("Requested by you")),
            ("open", gettext_lazy("All open")),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return the chosen requests."""
        if self.value() == "awaiting":
            return queryset.filter(pk__in=[found.pk for found in awaiting(signed_in(request))])
        if self.value() == "yours":
            return queryset.filter(requested_by=request.user)
        return queryset.open() if self.value() == "open" else queryset


@admin.register(StatusChangeRequest)
class StatusChangeRequestAdmin(AccessChangesMixin, ReadOnlyAdmin):
    """Requests, which are opened by a form, decided on a page of their own, and never edited."""

    form = SubmitForm
    list_display = (
        "__str__",
        "origin",
        "target",
        "state",
        "signatures",
        "requested_by",
        "requested_at",
    )
    list_filter = (InboxFilter, "state", "to_level")
    search_fields = ("runbook__title", "rationale", "requested_by__username")
    list_select_related = ("runbook", "requested_by")
    autocomplete_fields = ("runbook",)
    fields = ("runbook", "to_level", "to_year", "rationale", "evidence")
    date_hierarchy = "requested_at"

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the requests with their decisions; a single one with all that its page shows."""
        requests: Any = super().get_queryset(request)
        is_one = request.resolver_match is not None and "object_id" in request.resolver_match.kwargs
        return requests.whole() if is_one else requests.prefetch_related("sign_offs")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return whether the visitor may request status changes at all."""
        return request.user.has_perm("governance.add_statuschangerequest")

    def history_of(self, obj: Any) -> Any:
        """Return the ledger rows about the runbook that name the request."""
        rows = ChangeLogEntry.objects.filter(subject=subject_of(obj.runbook))
        return rows.filter(changes__request__after=obj.pk)

    @admin.display(description=gettext_lazy("signatures"))
    def signatures(self, request: StatusChangeRequest) -> str:
        """Return how many approvals there are, and how many are needed."""
        return _("%(given)d of %(needed)d") % {
            "given": request.approvals,
            "needed": request.required_signatures,
        }

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Return the form class, with the requester from the session and not from the form data."""
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.requested_by = request.user
        widget = form.base_fields["runbook"].widget
        widget.can_add_related = widget.can_change_related = widget.can_delete_related = False
        return form

    def save_model(
        self, request: HttpRequest, obj: StatusChangeRequest, form: Any, change: bool
    ) -> None:
        """Open the request with everything pinned, by the action, in place of a plain save."""
        opened = submit(
            runbook=form.cleaned_data["runbook"],
            level=form.cleaned_data["to_level"],
            year=form.cleaned_data["to_year"],
            rationale=form.cleaned_data["rationale"],
            evidence=form.cleaned_data["evidence"],
            by=signed_in(request),
        )
        # Django's view continues with this object, so it must be the stored one.
        obj.__dict__.update(opened.__dict__)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show or save Django's form. Show a refusal that came after its validation on the page."""
        buttons = {"show_save_and_add_another": False, "show_save_and_continue": False}
        context = {"title": _("Request a status change"), **buttons, **(extra_context or {})}
        try:
            return super().add_view(request, form_url, context)
        except ActionRefused as refused:
            again = super().add_view
            return self.shown_again(
                request, refused.messages, lambda: again(request, form_url, context)
            )

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: Any = None
    ) -> HttpResponse:
        """Redirect to the page of the new request."""
        text = ngettext(
            "The request is open. It needs %(count)d signature.",
            "The request is open. It needs %(count)d signatures.",
            obj.required_signatures,
        )
        self.message_user(request, text % {"count": obj.required_signatures})
        return HttpResponseRedirect(
            reverse("admin:governance_statuschangerequest_change", args=[obj.pk])
        )

    def get_urls(self) -> list[URLPattern]:
        """Return Django's addresses and those of the decisions."""
        view = self.admin_site.admin_view
        return [
            path(
                "<int:pk>/decide/",
                view(self.decide_view),
                name="governance_statuschangerequest_decide",
            ),
            path(
                "<int:pk>/withdraw/",
                view(self.withdraw_view),
                name="governance_statuschangerequest_withdraw",
            ),
            *self.access_change_urls(),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show a request: what a signature covers, who has decided, and the form for those who may.

        :raises PermissionDenied: the visitor may not see the request.
        """
        found = self.get_object(request, object_id)
        if found is None:
            messages.warning(request, _("Request not found."))
            return HttpResponseRedirect(reverse("admin:governance_statuschangerequest_changelist"))
        if not self.has_view_permission(request, found):
            raise PermissionDenied
        return self._page(request, found)

    @property
    def decide_view(self) -> Any:
        """Return the view of a decision, which keeps the password out of error reports."""
        return sensitive_post_parameters("password")(self._decide)

    def _decide(self, request: HttpRequest, pk: int) -> HttpResponse:
        found = get_object_or_404(StatusChangeRequest, pk=pk)
        if not request.user.has_perm(SIGN):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseRedirect(self._url(found))
        form = DecisionForm(request.POST)
        if not form.is_valid():
            return self._page(request, found, form=form, status=400)
        act = sign if form.cleaned_data["decision"] == Decision.APPROVE else reject
        try:
            act(
                request=found,
                comment=form.cleaned_data["comment"],
                seen=form.cleaned_data["seen"],
                password=form.cleaned_data["password"],
                by=signed_in(request),
            )
        except ActionRefused as refused:
            if refused.reasons == (Refusal.WRONG_PASSWORD,):
                form.add_error("password", refused.messages)
                return self._page(request, found, form=form, status=400)
            for message in refused.messages:
                messages.error(request, message)
            found = StatusChangeRequest.objects.whole().get(pk=pk)
            return self._page(request, found, typed=form.cleaned_data["comment"], status=403)
        except (StaleForm, RequestLapsed) as stale:
            messages.error(request, str(stale))
            now = StatusChangeRequest.objects.whole().get(pk=pk)
            return self._page(request, now, typed=form.cleaned_data["comment"], status=409)
        self.message_user(request, _("Your decision was recorded."))
        return HttpResponseRedirect(self._url(found))

    def withdraw_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Withdraw a request, as its requester.

        :raises PermissionDenied: the visitor may not see the request.
        """
        found = get_object_or_404(StatusChangeRequest.objects.whole(), pk=pk)
        if request.method != "POST":
            return HttpResponseRedirect(self._url(found))
        if not self.has_view_permission(request, found):
            raise PermissionDenied
        form = WithdrawForm(request.POST)
        if not form.is_valid():
            messages.error(request, _("Enter a reason for withdrawing the request."))
            return self._page(request, found, withdraw_form=form, status=400)
        try:
            withdraw(request=found, reason=form.cleaned_data["reason"], by=signed_in(request))
        except ActionRefused as refused:
            for message in refused.messages:
                messages.error(request, message)
            found = StatusChangeRequest.objects.whole().get(pk=pk)
            return self._page(request, found, typed=form.cleaned_data["reason"], status=403)
        self.message_user(request, _("The request was withdrawn."))
        return HttpResponseRedirect(self._url(found))

    def _url(self, found: StatusChangeRequest) -> str:
        return reverse("admin:governance_statuschangerequest_change", args=[found.pk])

    def _page(
        self,
        request: HttpRequest,
        found: StatusChangeRequest,
        *,
        form: DecisionForm | None = None,
        withdraw_form: WithdrawForm | None = None,
        typed: str = "",
        status: int = 200,
    ) -> HttpResponse:
        """Return the page of a request.

        :param form: the decision as it was sent, if one of its fields is wrong.
        :param withdraw_form: the withdrawal as it was sent, if one of its fields is wrong.
        :param typed: the comment of somebody whose decision was not accepted, because the content
            has changed or the policy is against it. The page gives it back.
        """
        may_sign = request.user.has_perm(SIGN)
        now = timezone.now()
        read = load_review_context(found, by=signed_in(request), at=now)
        refusals = read.reasons_against_signing(signed_in(request), at=now) if may_sign else ()
        until = read.waits_until(signed_in(request), at=now)
        own = next((each for each in read.decisions if each.signer_id == request.user.pk), None)
        document = _pinned_document(found)
        fresh = DecisionForm(initial={"seen": read.form_etag, "comment": typed})
        may_decide = may_sign and not refusals
        may_withdraw = found.is_open and found.requested_by_id == request.user.pk
        context = {
            **self.admin_site.each_context(request),
            "title": str(found),
            "opts": self.opts,
            "original": found,
            "found": found,
            "document": document,
            "metadata": metadata_in_words(found.metadata),
            "decisions": read.decisions,
            "missing": max(0, found.required_signatures - read.counting_approvals()),
            "changed": [field_in_words(Runbook, name) for name in what_changed(found)]
            if found.is_open
            else [],
            "statement": statement(found, Decision.APPROVE),
            "gates": checklist_for(found, history=read.history) if found.is_open else [],
            "since": since_last_approval(found),
            "since_pinned": _since_pinned(found, document),
            "refusals": [refusal_text(refusal, until) for refusal in refusals],
            "own_decision": own if refusals == (Refusal.SIGNED_ALREADY,) else None,
            "form": (form or fresh) if may_decide else None,
            "withdraw_form": (withdraw_form or WithdrawForm()) if may_withdraw else None,
            "typed": "" if may_decide else typed or (form.data.get("comment", "") if form else ""),
            "reach": read.reach(at=now),
        }
        return TemplateResponse(
            request, "admin/governance/statuschangerequest/sign_off.html", context, status=status
        )


def _pinned_document(found: StatusChangeRequest) -> Document | None:
    """Return the text that is signed; None if none is pinned or it is not stored."""
    path, sha256 = found.document_path, found.document_sha256
    now = found.runbook.document
    if now is not None and (now.path, now.sha256) == (path, sha256):
        return now
    return Document.objects.filter(path=path, sha256=sha256).first()


def _since_pinned(found: StatusChangeRequest, document: Document | None) -> SinceApproval | None:
    """Return how the present content differs from the pinned content; None if it does not.

    It is shown for a request that has lapsed, or that will.

    :param document: the pinned document, if it is stored.
    """
    if found.state not in (RequestState.OPEN, RequestState.LAPSED):
        return None
    runbook = found.runbook
    is_stored = document is not None or not found.document_sha256
    if is_stored and runbook.document == document and runbook.governed_metadata() == found.metadata:
        return None
    now = compare(
        found,
        path=runbook.document.path if runbook.document else "",
        sha256=runbook.document.sha256 if runbook.document else "",
        metadata=runbook.governed_metadata(),
    )
    return None if now.is_unchanged else now


@admin.register(SignOff)
class SignOffAdmin(ReadOnlyAdmin):
    """Decisions, which are never edited."""

    list_display = ("request", "signer", "decision", "signed_at")
    list_filter = ("decision", "signed_at")
    search_fields = ("request__runbook__title", "signer__username", "comment")
    list_select_related = ("request__runbook", "signer")


@admin.register(SignOffRule)
class SignOffRuleAdmin(ReadOnlyAdmin):
    """Rules. A change is a new version and needs the permission to add one."""

    form = RuleForm
    list_display = (
        "target_level",
        "purpose",
        "version",
        "required_signatures",
        "group",
        "evidence_required",
        "valid_days",
        "in_force",
        "effective_from",
    )
    list_filter = ("in_force", "purpose", "target_level")
    fields = RuleForm.Meta.fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return whether the visitor has a permission of its own, which no group has by default."""
        return request.user.has_perm("governance.add_signoffrule")

    def save_model(self, request: HttpRequest, obj: SignOffRule, form: Any, change: bool) -> None:
        """Create the next version by the action, in place of a plain save."""
        obj.__dict__.update(replace_rule(by=signed_in(request), **form.cleaned_data).__dict__)
        if not obj.in_force:
            text = _(
                "This rule is less strict than the previous one. It takes effect on %(moment)s, "
                "or as soon as a second risk owner confirms it."
            )
            messages.warning(
                request,
                text
                % {
                    "moment": date_format(timezone.localtime(obj.effective_from), "DATETIME_FORMAT")
                },
            )
