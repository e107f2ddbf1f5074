"""The forms of the sign-off. They collect and show; the policy holds the rules."""

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from governance.signoff import transitions
from governance.signoff.choices import Decision, RulePurpose, refusal_text
from governance.signoff.models import SignOffRule, StatusChangeRequest
from governance.signoff.policy import TEMPORARY, Refusal
from governance.signoff.submit import reasons_against_submitting, waits_until
from runbooks.choices import ReadinessLevel
from runbooks.models import Runbook

# The field at which the page shows a reason. Others are shown at the top.
FIELD_OF_REFUSAL = {
    Refusal.YEAR_MISSING: "to_year",
    Refusal.YEAR_NOT_WANTED: "to_year",
    Refusal.YEAR_PAST: "to_year",
    Refusal.YEAR_TOO_FAR: "to_year",
    Refusal.STEP_NOT_ALLOWED: "to_level",
    Refusal.RND_ONLY_CANNOT_BE_READY: "to_level",
    Refusal.NOTHING_CHANGES: "to_level",
    Refusal.RULE_MISSING: "to_level",
    Refusal.QUORUM_OUT_OF_REACH: "to_level",
    Refusal.RATIONALE_MISSING: "rationale",
    Refusal.EVIDENCE_MISSING: "evidence",
    Refusal.EVIDENCE_NOT_A_LINK: "evidence",
    Refusal.OPEN_REQUEST_EXISTS: "runbook",
    Refusal.DOCUMENT_MISSING: "runbook",
    Refusal.DOCUMENT_NOT_SHOWN: "runbook",
}
CONFIRM, REFUSE = "confirm", "refuse"
REQUESTABLE = [
    choice
    for choice in ReadinessLevel.choices
    if any(choice[0] in up for up in transitions.UP.values())
]


class SubmitForm(forms.ModelForm):
    """Request a status change.

    :ivar requested_by: the visitor; set by the view from the session, never from the form data.
    """

    requested_by: User

    to_level = forms.ChoiceField(label=_("To level"), choices=[("", "---------"), *REQUESTABLE])

    class Meta:
        model = StatusChangeRequest
        fields = ("runbook", "to_level", "to_year", "rationale", "evidence")
        help_texts = {  # noqa: RUF012 - Django's own spelling
            "to_year": _("Only for level “ready”: the year it is valid for."),
            "rationale": _(
                "Why the change is needed now, and what was checked. Signers will read this."
            ),
        }
        widgets = {  # noqa: RUF012
            "rationale": forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"}),
            "evidence": forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
        }

    def clean(self) -> dict[str, Any] | None:
        """Add every reason that the policy has against the request, each at its field."""
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            reasons = reasons_against_submitting(
                runbook=cleaned["runbook"],
                level=cleaned["to_level"],
                year=cleaned["to_year"],
                rationale=cleaned["rationale"],
                evidence=cleaned["evidence"],
                by=self.requested_by,
            )
            until = waits_until(by=self.requested_by) if TEMPORARY.intersection(reasons) else {}
            for reason in reasons:
                self.add_error(FIELD_OF_REFUSAL.get(reason), refusal_text(reason, until))
        return cleaned

    def _get_validation_exclusions(self) -> set[str]:
        """Return the fields that are not validated here.

        The action fills them in and the database checks them. Validating an incomplete row would
        mislead.
        """
        checked = {"runbook", "to_year", "rationale"} - set(self.errors)
        return {field.name for field in StatusChangeRequest._meta.fields} - checked

    def validate_constraints(self) -> None:
        """Skip the constraints, because they are about fields that this form does not have."""


class SubmitButtons(forms.RadioSelect):
    """One submit button per choice.

    The Enter key presses the first submit button of a form. That one is disabled, so that Enter in
    a field never decides.
    """

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        """Return the buttons, after the disabled one."""
        buttons = format_html_join(
            " ",
            '<button type="submit" class="button" name="{}" value="{}">{}</button>',
            ((name, choice, label) for choice, label in self.choices),
        )
        return format_html('<button type="submit" disabled hidden></button>{}', buttons)


class DecisionForm(forms.Form):
    """Approve or reject a request, with a comment and the password."""

    seen = forms.CharField(widget=forms.HiddenInput)
    comment = forms.CharField(
        label=_("Comment"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
        help_text=_("What you based the decision on. Stored permanently."),
    )
    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text=_("Required for every signature."),
    )
    decision = forms.ChoiceField(
        label=_("Your decision"),
        choices=((Decision.APPROVE, _("Approve")), (Decision.REJECT, _("Reject"))),
        widget=SubmitButtons,
    )


class WithdrawForm(forms.Form):
    """Withdraw one's own request."""

    reason = forms.CharField(
        label=_("Reason"), max_length=2000, widget=forms.Textarea(attrs={"rows": 2})
    )


class SettleForm(forms.Form):
    """Confirm or refuse a change of a rule or of who may sign, with the password."""

    decision = forms.ChoiceField(
        label=_("Your decision"),
        choices=(
            (CONFIRM, _("Confirm – it takes effect immediately")),
            (REFUSE, _("Refuse – it is undone")),
        ),
        widget=forms.RadioSelect,
    )
    comment = forms.CharField(
        label=_("Comment"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
        help_text=_("Recorded in the change log."),
    )
    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text=_("Required for every signature."),
    )


class DowngradeForm(forms.Form):
    """Take a readiness down to a lower level, with a reason."""

    level = forms.ChoiceField(label=_("To level"))
    reason = forms.CharField(
        label=_("Reason"), max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, *args: Any, runbook: Runbook, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        allowed = transitions.DOWN[runbook.readiness_level]
        level: Any = self.fields["level"]
        level.choices = [choice for choice in ReadinessLevel.choices if choice[0] in allowed]


class RuleForm(forms.ModelForm):
    """Create the next version of a level's rule."""

    class Meta:
        model = SignOffRule
        fields = (
            "target_level",
            "purpose",
            "required_signatures",
            "group",
            "evidence_required",
            "valid_days",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "target_level" in self.fields:  # not on the page that only shows a rule
            self.fields["target_level"].choices = REQUESTABLE  # type: ignore[attr-defined]
            # Solo rules are created and ended by the setting, not by a form.
            purposes = [choice for choice in RulePurpose.choices if choice[0] != RulePurpose.SOLO]
            self.fields["purpose"].choices = purposes  # type: ignore[attr-defined]
