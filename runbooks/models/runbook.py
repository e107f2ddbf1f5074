"""The runbook: one governed document and its metadata."""

import json
from datetime import date, datetime
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.signals import m2m_changed
from django.dispatch import receiver
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from runbooks.choices import ReadinessLevel
from runbooks.digests import sha256_of_text
from runbooks.managers import RELATED, RELATED_FIELDS, RunbookQuerySet, SearchedQuerySet
from runbooks.models.catalogue import Cluster, Layer
from runbooks.models.document import Document
from runbooks.validity import SignedFacts, Standing, last_day, reasons_against_live

YEARS = (2020, 2100)


def readiness_label(level: str, year: int | None) -> str:
    """Return the label of a readiness: ``2026-ready``, ``R&D only``."""
    if level == ReadinessLevel.READY:
        return f"{year}-ready"
    return str(ReadinessLevel(level).label)


def metadata_digest(metadata: dict[str, Any]) -> str:
    """Return the sha256 (hex) of governed metadata as canonical JSON.

    Canonical JSON has sorted keys, UTF-8 and no white space.
    """
    canonical = json.dumps(metadata, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return sha256_of_text(canonical)


def _ready_has_a_year(prefix: str) -> models.Q:
    level, year = f"{prefix}_level", f"{prefix}_year"
    # Tested twice, because a check that evaluates to null accepts the row.
    has_year = models.Q(**{f"{year}__isnull": False, f"{year}__range": YEARS})
    return (models.Q(**{level: ReadinessLevel.READY}) & has_year) | (
        ~models.Q(**{level: ReadinessLevel.READY}) & models.Q(**{f"{year}__isnull": True})
    )


class Runbook(models.Model):
    """One governed document: what it covers, its state, and how far it may be used.

    Only an approved request changes the readiness and the signed fields (``governance.signoff``);
    the database refuses any other write (``governance.guards``).
    """

    slug = models.SlugField(_("slug"), max_length=100, unique=True)
    title = models.CharField(_("title"), max_length=200, unique=True)
    document_path = models.CharField(_("document path"), max_length=300, blank=True)
    version = models.CharField(_("version"), max_length=60, blank=True)
    scope = models.TextField(_("scope"), blank=True)
    primary_cluster = models.ForeignKey(
        Cluster,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="primary_runbooks",
        verbose_name=_("primary cluster"),
    )
    related_clusters = models.ManyToManyField(
        Cluster, blank=True, related_name="related_runbooks", verbose_name=_("related clusters")
    )
    layers = models.ManyToManyField(
        Layer, blank=True, related_name="runbooks", verbose_name=_("layers")
    )
    owner = models.CharField(
        _("owner"), max_length=120, blank=True, help_text=_("The role or team responsible for it.")
    )
    escalation_contact = models.CharField(
        _("escalation contact"),
        max_length=200,
        blank=True,
        help_text=_("Who to call if the runbook does not help."),
    )
    position = models.PositiveIntegerField(_("position in the landscape"), default=0)
    document = models.ForeignKey(
        Document,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="runbooks",
        verbose_name=_("document"),
    )

    declared_level = models.CharField(
        _("declared level"),
        max_length=20,
        choices=ReadinessLevel,
        default=ReadinessLevel.UNASSESSED,
    )
    declared_year = models.PositiveSmallIntegerField(_("declared year"), null=True, blank=True)
    declared_text = models.CharField(_("declared, as written"), max_length=120, blank=True)

    readiness_level = models.CharField(
        _("signed level"),
        max_length=20,
        choices=ReadinessLevel,
        default=ReadinessLevel.UNASSESSED,
        editable=False,
    )
    readiness_year = models.PositiveSmallIntegerField(
        _("signed year"), null=True, blank=True, editable=False
    )
    signed_document_sha256 = models.CharField(
        _("signed document"), max_length=64, blank=True, editable=False
    )
    signed_metadata_sha256 = models.CharField(
        _("signed metadata"), max_length=64, blank=True, editable=False
    )
    signed_at = models.DateTimeField(_("signed at"), null=True, blank=True, editable=False)
    # A renewal for a later year still covers the current year.
    signed_from_year = models.PositiveSmallIntegerField(
        _("signed from year"), null=True, blank=True, editable=False
    )
    signed_until = models.DateField(
        _("signed until"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("The last day, if the rule sets one."),
    )
    signed_solo = models.BooleanField(_("signed by its owner alone"), default=False, editable=False)
    # Codes of ``governance.signoff.policy.Dependence``; empty if the review was independent.
    signed_dependence = models.CharField(
        _("why not independent"), max_length=100, blank=True, default="", editable=False
    )

    # Whether it may be used live: set by the code that shows the row
    # (``governance.assurance.standings``). A row for which it was not computed has no attribute, so
    # nothing can take it for live-ready.
    standing: Standing

    objects = RunbookQuerySet.as_manager()

    class Meta:
        verbose_name = _("runbook")
        verbose_name_plural = _("runbooks")
        ordering = ("position", "title", "pk")
        constraints: ClassVar = [
            models.CheckConstraint(
                name="runbook_ready_has_a_year", condition=_ready_has_a_year("readiness")
            ),
            models.CheckConstraint(
                name="runbook_declared_ready_has_a_year",
                condition=_ready_has_a_year("declared"),
                violation_error_message=_(
                    "Declared ready needs a year; every other level has none."
                ),
            ),
            models.CheckConstraint(
                name="runbook_readiness_is_known",
                condition=models.Q(readiness_level__in=ReadinessLevel.values),
            ),
            models.CheckConstraint(
                name="runbook_declared_is_known",
                condition=models.Q(declared_level__in=ReadinessLevel.values),
            ),
            models.CheckConstraint(
                name="runbook_signed_fields_together",
                condition=models.Q(
                    signed_at__isnull=True, signed_document_sha256="", signed_metadata_sha256=""
                )
                | models.Q(signed_at__isnull=False),
            ),
        ]
        indexes: ClassVar = [
            models.Index(name="runbook_by_readiness", fields=("readiness_level", "readiness_year")),
            models.Index(name="runbook_in_order", fields=("position", "title")),
        ]

    def __str__(self) -> str:
        return self.title

    def natural_key(self) -> tuple[str]:
        """Return the natural key for fixtures."""
        return (self.slug,)

    def get_absolute_url(self) -> str:
        """Return the URL of the runbook's page."""
        return reverse("runbook", args=[self.slug])

    @property
    def readiness(self) -> str:
        """Return the label of the signed readiness."""
        return readiness_label(self.readiness_level, self.readiness_year)

    @property
    def declared(self) -> str:
        """Return the label of the declared readiness.

        The imported file declares it; it signs nothing.
        """
        return readiness_label(self.declared_level, self.declared_year)

    def related(self, name: str) -> list[Any]:
        """Return the related rows of one kind in order, from the cache or from the database."""
        came_along = self.__dict__.get(name + RELATED)
        return list(getattr(self, name).all()) if came_along is None else came_along

    def clear_related_cache(self) -> None:
        """Discard cached related rows, which may have changed."""
        for name in RELATED_FIELDS:
            self.__dict__.pop(name + RELATED, None)

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        """Reload the row and discard cached related rows."""
        super().refresh_from_db(*args, **kwargs)
        self.clear_related_cache()

    def governed_metadata(self) -> dict[str, Any]:
        """Return the metadata that a signature covers, as plain values in a fixed order.

        These are title, path, version, scope, clusters and layers. Owner, escalation contact and
        position may change without affecting a signature.
        """
        return {
            "title": self.title,
            "document_path": self.document_path,
            "version": self.version,
            "scope": self.scope,
            "primary_cluster": str(self.primary_cluster) if self.primary_cluster else "",
            "related_clusters": sorted(
                str(cluster) for cluster in self.related("related_clusters")
            ),
            "layers": sorted(layer.title for layer in self.related("layers")),
        }

    def metadata_sha256(self) -> str:
        """Return the sha256 (hex) of the governed metadata as canonical JSON.

        Canonical JSON has sorted keys, UTF-8 and no white space.
        """
        return metadata_digest(self.governed_metadata())

    def signed_facts(self, *, metadata_is_assured: bool = False) -> SignedFacts:
        """Return what the row says about its own readiness.

        :param metadata_is_assured: the metadata is known to be what was signed, and is not hashed.
        """
        return SignedFacts(
            level=self.readiness_level,
            year=self.readiness_year,
            signed_document_sha256=self.signed_document_sha256,
            document_sha256=self.document.sha256 if self.document else "",
            document_path=self.document_path,
            stored_path=self.document.path if self.document else "",
            signed_metadata_sha256=self.signed_metadata_sha256,
            metadata_sha256=self._metadata_sha256(is_assured=metadata_is_assured),
            from_year=self.signed_from_year,
            until=self.signed_until,
            solo=self.signed_solo,
            dependence=self.signed_dependence,
        )

    @property
    def valid_until(self) -> date | None:
        """Return the last day of the signed readiness (portal's time zone); None if unlimited."""
        return last_day(self.readiness_year, self.signed_until)

    def signature_holds(self, *, at: datetime | None = None) -> bool:
        """Return whether the signature, at any level, matches the content and has not expired."""
        if self.signed_at is None:
            return False
        if self.readiness_level == ReadinessLevel.READY:
            facts, today = self.signed_facts(), timezone.localdate(at)
            return not reasons_against_live(facts, today=today, solo_mode=settings.GOVERNANCE_SOLO)
        unchanged = (
            self.signed_document_sha256 == self._document_sha256()
            and self.signed_metadata_sha256 == self.metadata_sha256()
        )
        return unchanged and (
            self.signed_until is None or timezone.localdate(at) <= self.signed_until
        )

    @property
    def text_changed(self) -> bool:
        """Return whether the current text is missing or not the signed one, at any level."""
        return (
            bool(self.signed_document_sha256)
            and self.signed_document_sha256 != self._document_sha256()
        )

    def _metadata_sha256(self, *, is_assured: bool) -> str:
        """Hashing costs the related rows: only a row that claims to be ready is worth it."""
        if is_assured:
            return self.signed_metadata_sha256
        return self.metadata_sha256() if self.readiness_level == ReadinessLevel.READY else ""

    def _document_sha256(self) -> str:
        return self.document.sha256 if self.document else ""

    def versions(self) -> models.QuerySet[Document]:
        """Return all present and former texts of the runbook, most recently seen first.

        Includes the present document, because an edited path may differ from the path at which it
        was stored, and the signed document, which keeps its URL when the path changes.
        """
        signed = self.signed_document()
        of_runbook = models.Q(pk__in=[self.document_id or 0, signed.pk if signed else 0])
        if self.document_path:
            of_runbook |= models.Q(path=self.document_path)
        return Document.objects.filter(of_runbook).order_by("-seen_at", "-pk")

    def signed_document(self) -> Document | None:
        """Return the signed document without its content.

        None if no text was signed, or if it is not stored. The same text may be stored for several
        paths; the runbook's own document is preferred.
        """
        if not self.signed_document_sha256:
            return None
        nearest = models.Case(
            models.When(pk=self.document_id, then=0),
            models.When(path=self.document_path, then=1),
            default=2,
        )
        signed = Document.objects.filter(sha256=self.signed_document_sha256).order_by(nearest, "pk")
        return signed.defer("text", "html", "contents").first()

    def shown_document(self) -> Document | None:
        """Return the document that the page shows: the signed one if stored, else the current one.

        An unsigned text does not replace a signed one by itself (docs/decisions/0013).
        """
        return (self.signed_document() if self.text_changed else None) or self.document


@receiver(m2m_changed, sender=Runbook.layers.through)
@receiver(m2m_changed, sender=Runbook.related_clusters.through)
def _forget_what_was_linked(instance: models.Model, **_: Any) -> None:
    if isinstance(instance, Runbook):
        instance.clear_related_cache()


class RunbookAlias(models.Model):
    """A former title or slug of a runbook, or a common name for it. It identifies one runbook."""

    runbook = models.ForeignKey(
        Runbook, models.CASCADE, related_name="aliases", verbose_name=_("runbook")
    )
    name = models.CharField(_("name"), max_length=200, unique=True)

    objects = SearchedQuerySet.as_manager()

    class Meta:
        verbose_name = _("further name")
        verbose_name_plural = _("further names")
        ordering = ("name", "pk")

    def __str__(self) -> str:
        return self.name

    def natural_key(self) -> tuple[str]:
        """Return the natural key for fixtures."""
        return (self.name,)

    def get_absolute_url(self) -> str:
        """Return the URL of the runbook's page."""
        return reverse("runbook", args=[self.runbook.slug])

    @classmethod
    def runbook_named(cls, name: str) -> Runbook | None:
        """Return the runbook that has or had this name, or None."""
        alias = cls.objects.filter(name=name).select_related("runbook").first()
        return alias.runbook if alias else None

    def clean(self) -> None:
        """Refuse the title of a runbook, because the name would be ambiguous.

        :raises ValidationError: a runbook has this title.
        """
        if Runbook.objects.filter(title=self.name).exists():
            raise ValidationError({"name": _("A runbook with this title already exists.")})
