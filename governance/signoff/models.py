"""The models of the sign-off: rules, requests and decisions."""

from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from governance.ledger.registry import register
from governance.signoff import transitions
from governance.signoff.choices import Decision, Direction, RequestState, RulePurpose
from runbooks.choices import ReadinessLevel
from runbooks.digests import sha256_of_text
from runbooks.models.runbook import readiness_label

MAX_DAYS = 3_660  # ten years


class SignOffRule(models.Model):
    """The number and the group of the signatures that a level needs.

    A changed rule is a new version. A request keeps the version under which it was opened.
    """

    target_level = models.CharField(_("target level"), max_length=20, choices=ReadinessLevel)
    purpose = models.CharField(
        _("purpose"), max_length=10, choices=RulePurpose, default=RulePurpose.MOVE
    )
    version = models.PositiveIntegerField(_("version"), default=1)
    required_signatures = models.PositiveSmallIntegerField(_("signatures needed"), default=1)
    group = models.ForeignKey(Group, models.PROTECT, verbose_name=_("signed by"), related_name="+")
    evidence_required = models.BooleanField(_("evidence needed"), default=False)
    separate_from_requester = models.BooleanField(
        _("signers other than the requester"), default=True
    )
    valid_days = models.PositiveSmallIntegerField(
        _("valid for days"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_DAYS)],
        help_text=_(
            "The day of the request is day 1. If empty, “ready” is valid until the end of its "
            "year, every other level permanently."
        ),
    )
    in_force = models.BooleanField(_("in force"), default=True)
    effective_from = models.DateTimeField(
        _("effective from"),
        null=True,
        blank=True,
        help_text=_(
            "A rule that requires less takes effect at this time, or earlier if a second risk "
            "owner confirms it."
        ),
    )

    class Meta:
        verbose_name = _("sign-off rule")
        verbose_name_plural = _("sign-off rules")
        ordering = ("target_level", "-version", "pk")
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="rule_version_is_unique", fields=("target_level", "purpose", "version")
            ),
            models.UniqueConstraint(
                name="one_rule_in_force_per_level",
                fields=("target_level", "purpose"),
                condition=models.Q(in_force=True),
            ),
            models.CheckConstraint(
                name="rule_purpose_is_known", condition=models.Q(purpose__in=RulePurpose.values)
            ),
            models.CheckConstraint(
                name="rule_only_solo_signs_alone",
                condition=models.Q(separate_from_requester=True)
                | models.Q(purpose=RulePurpose.SOLO),
                violation_error_message=_("The requester cannot be a signer, except in solo mode."),
            ),
            models.CheckConstraint(
                name="rule_holds_for_a_day_at_least",
                condition=models.Q(valid_days__isnull=True)
                | models.Q(valid_days__range=(1, MAX_DAYS)),
                violation_error_message=_("Enter 1 to 3660 days, or leave it empty."),
            ),
            models.CheckConstraint(
                name="rule_needs_a_signature",
                condition=models.Q(required_signatures__gte=1),
                violation_error_message=_("At least one signature is needed."),
            ),
        ]

    def __str__(self) -> str:
        purpose = "" if self.purpose == RulePurpose.MOVE else f" ({self.get_purpose_display()})"
        return (
            f"{self.get_target_level_display()}{purpose}: {self.required_signatures} × "
            f"{self.group}, v{self.version}"
        )

    def get_absolute_url(self) -> str:
        """Return the URL of the rules on the sign-off page."""
        return f"{reverse('sign-offs')}#rules"


class StatusChangeRequestQuerySet(models.QuerySet[Any]):
    """Queries for status change requests."""

    def open(self) -> Self:
        """Return the requests that wait for signatures."""
        return self.filter(state=RequestState.OPEN)

    def whole(self) -> Self:
        """Select the related objects that a signature depends on.

        These are the runbook with its document, clusters and layers, the rule, and the requester.
        """
        related = self.select_related(
            "runbook__document", "runbook__primary_cluster", "rule__group", "requested_by"
        )
        return related.prefetch_related("runbook__related_clusters", "runbook__layers")


class StatusChangeRequest(models.Model):
    """A request to change the readiness of a runbook.

    It pins the content that signatures will cover.
    """

    runbook = models.ForeignKey(
        "runbooks.Runbook",
        models.PROTECT,
        related_name="status_change_requests",
        verbose_name=_("runbook"),
    )
    direction = models.CharField(
        _("direction"), max_length=4, choices=Direction, default=Direction.UP
    )
    from_level = models.CharField(_("from level"), max_length=20, choices=ReadinessLevel)
    from_year = models.PositiveSmallIntegerField(_("from year"), null=True, blank=True)
    to_level = models.CharField(_("to level"), max_length=20, choices=ReadinessLevel)
    to_year = models.PositiveSmallIntegerField(_("to year"), null=True, blank=True)
    rationale = models.TextField(_("rationale"))
    evidence = models.TextField(_("evidence"), blank=True, help_text=_("One link per line."))

    rule = models.ForeignKey(
        SignOffRule,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="requests",
        verbose_name=_("rule"),
    )
    required_signatures = models.PositiveSmallIntegerField(_("signatures needed"))
    independent = models.BooleanField(_("signers other than the requester"), default=True)
    valid_from_year = models.PositiveSmallIntegerField(_("valid from year"), null=True, blank=True)
    valid_until = models.DateField(
        _("valid until"), null=True, blank=True, help_text=_("The last day.")
    )
    document_path = models.CharField(_("document path"), max_length=300, blank=True)
    document_sha256 = models.CharField(_("document sha256"), max_length=64, blank=True)
    metadata = models.JSONField(_("metadata"), default=dict)
    metadata_sha256 = models.CharField(_("metadata sha256"), max_length=64)

    state = models.CharField(
        _("state"), max_length=10, choices=RequestState, default=RequestState.OPEN
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="status_change_requests",
        verbose_name=_("requested by"),
    )
    requested_at = models.DateTimeField(_("requested at"))
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    closed_reason = models.TextField(_("closed because"), blank=True)
    applied_at = models.DateTimeField(_("applied at"), null=True, blank=True)
    dependence = models.CharField(
        _("why not independent"),
        max_length=100,
        blank=True,
        default="",
        help_text=_("Codes, separated by spaces. Empty if the review was independent."),
    )

    objects = StatusChangeRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("status change request")
        verbose_name_plural = _("status change requests")
        ordering = ("-requested_at", "-pk")
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="one_open_request_per_runbook",
                fields=("runbook",),
                condition=models.Q(state=RequestState.OPEN),
            ),
            models.CheckConstraint(
                name="request_is_closed_with_a_time",
                condition=models.Q(state=RequestState.OPEN, closed_at__isnull=True)
                | (~models.Q(state=RequestState.OPEN) & models.Q(closed_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="request_applied_only_when_approved",
                condition=models.Q(applied_at__isnull=True) | models.Q(state=RequestState.APPROVED),
            ),
            models.CheckConstraint(
                name="request_ready_has_a_year",
                condition=models.Q(to_level=ReadinessLevel.READY, to_year__isnull=False)
                | (~models.Q(to_level=ReadinessLevel.READY) & models.Q(to_year__isnull=True)),
            ),
            models.CheckConstraint(
                name="request_needs_a_signature", condition=models.Q(required_signatures__gte=1)
            ),
        ]
        permissions: ClassVar = [("sign_statuschangerequest", "Can sign status change requests")]

    def __str__(self) -> str:
        return f"{self.runbook} → {self.target}"

    @property
    @admin.display(description=_("from level"))
    def origin(self) -> str:
        """Return the label of the runbook's readiness when the request was opened."""
        return readiness_label(self.from_level, self.from_year)

    @property
    @admin.display(description=_("to level"))
    def target(self) -> str:
        """Return the label of the requested readiness."""
        return readiness_label(self.to_level, self.to_year)

    @property
    def move(self) -> transitions.Move:
        """Return the kind of move: raise, renew, re-sign, reinstate or lower."""
        return transitions.move(self.from_level, self.from_year, self.to_level, self.to_year)

    @property
    def is_solo(self) -> bool:
        """Return whether its owner may sign alone, without a review by others."""
        return self.direction == Direction.UP and not self.independent

    @property
    def is_open(self) -> bool:
        """Return whether it waits for signatures."""
        return self.state == RequestState.OPEN

    @property
    def evidence_links(self) -> list[str]:
        """Return the evidence as a list of links."""
        return self.evidence.split()

    @property
    def approvals(self) -> int:
        """Return how many people have approved so far."""
        return sum(sign_off.decision == Decision.APPROVE for sign_off in self.sign_offs.all())

    def get_absolute_url(self) -> str:
        """Return the URL of the request's page."""
        return reverse("sign-off", args=[self.pk])

    # Set by Django from SignOff.request; declared here for the type checker.
    sign_offs: Any


class SignOff(models.Model):
    """One person's decision on one request. It is never changed or deleted."""

    request = models.ForeignKey(
        StatusChangeRequest,
        models.PROTECT,
        related_name="sign_offs",
        verbose_name=_("status change request"),
    )
    signer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="sign_offs", verbose_name=_("signer")
    )
    decision = models.CharField(_("decision"), max_length=10, choices=Decision)
    comment = models.TextField(_("comment"))
    statement = models.TextField(_("what was signed"))
    document_sha256 = models.CharField(_("document sha256"), max_length=64, blank=True)
    metadata_sha256 = models.CharField(_("metadata sha256"), max_length=64)
    seen_sha256 = models.CharField(
        _("what was shown"),
        max_length=64,
        blank=True,
        help_text=_("The checksum of what the page showed, so that a second click is recognised."),
    )
    signed_at = models.DateTimeField(_("signed at"))

    class Meta:
        verbose_name = _("sign-off")
        verbose_name_plural = _("sign-offs")
        ordering = ("signed_at", "pk")
        constraints: ClassVar = [
            models.UniqueConstraint(name="one_decision_per_person", fields=("request", "signer")),
            models.CheckConstraint(name="sign_off_has_a_comment", condition=~models.Q(comment="")),
        ]

    def __str__(self) -> str:
        return f"{self.signer}: {self.get_decision_display()}"

    @property
    def statement_sha256(self) -> str:
        """Return the sha256 (hex) of the signed statement, which the ledger row contains."""
        return sha256_of_text(self.statement)

    def get_absolute_url(self) -> str:
        """Return the URL of the request's page."""
        return self.request.get_absolute_url()


register(SignOffRule, named_by=lambda rule: f"{rule.target_level}.{rule.purpose}")
