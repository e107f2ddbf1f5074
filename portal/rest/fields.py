"""Serializers of the catalogue.

The fields are declared for the OpenAPI schema. The rows are built by hand in
``to_representation``, which costs half as much as the field machinery of DRF
(docs/decisions/0006). A test checks that both have the same names.
"""

from typing import Any

from rest_framework import serializers

from runbooks.choices import ClusterKind, ReadinessLevel
from runbooks.models import Cluster, CodeReference, Layer, Runbook, Section, Situation
from runbooks.validity import Standing


class ReferenceSerializer(serializers.Serializer):
    """A related object: its slug, and its title for display."""

    slug = serializers.CharField()
    title = serializers.CharField()


def reference(instance: Cluster | Layer | Runbook | Section | Situation) -> dict[str, str]:
    """Return ``{"slug": …, "title": …}``."""
    return {"slug": instance.slug, "title": str(instance)}


class RunbookNowSerializer(serializers.Serializer):
    """A runbook with its signed and its declared readiness."""

    slug = serializers.CharField()
    title = serializers.CharField()
    document_path = serializers.CharField()
    document_sha256 = serializers.CharField(allow_null=True)
    version = serializers.CharField()
    scope = serializers.CharField()
    primary_cluster = ReferenceSerializer(allow_null=True)
    related_clusters = ReferenceSerializer(many=True)
    layers = ReferenceSerializer(many=True)
    owner = serializers.CharField()
    escalation_contact = serializers.CharField()
    readiness_level = serializers.ChoiceField(choices=ReadinessLevel.choices)
    readiness_year = serializers.IntegerField(allow_null=True)
    signed_at = serializers.DateTimeField(allow_null=True)
    signed_document_sha256 = serializers.CharField(
        help_text="The text that was signed; empty where none was."
    )
    changed_since_sign_off = serializers.BooleanField(
        help_text="Another text, or none, stands there now."
    )
    signed_until = serializers.DateField(
        allow_null=True, help_text="The last day; null where it has none."
    )
    signed_solo = serializers.BooleanField(
        help_text="Its owner signed alone: no independent review."
    )
    signed_dependence = serializers.ListField(
        child=serializers.CharField(),
        help_text="Why the review was not independent; empty where it was, or see signed_solo.",
    )
    declared_level = serializers.ChoiceField(choices=ReadinessLevel.choices)
    declared_year = serializers.IntegerField(allow_null=True)
    live_ready = serializers.BooleanField()
    reasons_against_live = serializers.ListField(child=serializers.CharField())

    def to_representation(self, instance: Runbook) -> dict[str, Any]:
        """Return the row of a runbook.

        :param instance: a runbook with its ``standing`` set (``governance.assurance.standings``).
        """
        return self.row(instance, instance.standing)

    def row(self, instance: Runbook, standing: Standing) -> dict[str, Any]:
        """Return the row of a runbook with the given standing."""
        cluster, document = instance.primary_cluster, instance.document
        return {
            "slug": instance.slug,
            "title": instance.title,
            "document_path": instance.document_path,
            "document_sha256": document.sha256 if document else None,
            "version": instance.version,
            "scope": instance.scope,
            "primary_cluster": reference(cluster) if cluster else None,
            "related_clusters": [
                reference(related) for related in instance.related("related_clusters")
            ],
            "layers": [reference(layer) for layer in instance.related("layers")],
            "owner": instance.owner,
            "escalation_contact": instance.escalation_contact,
            "readiness_level": instance.readiness_level,
            "readiness_year": instance.readiness_year,
            "signed_at": instance.signed_at,
            "signed_document_sha256": instance.signed_document_sha256,
            "changed_since_sign_off": instance.text_changed,
            "signed_until": instance.valid_until,
            "signed_solo": instance.signed_solo,
            "signed_dependence": instance.signed_dependence.split(),
            "declared_level": instance.declared_level,
            "declared_year": instance.declared_year,
            "live_ready": standing.is_live_ready,
            "reasons_against_live": [reason.value for reason in standing.reasons],
        }


class DocumentSerializer(serializers.Serializer):
    """The text that a runbook's page shows.

    `is_signed` and `is_current` state whether it is the text that was signed and the current
    text.
    """

    is_signed = serializers.BooleanField(
        help_text="Whether this very text was signed, at whatever level."
    )
    is_current = serializers.BooleanField(
        help_text="False where another text, not signed, stands there now."
    )
    current_sha256 = serializers.CharField(
        allow_null=True, help_text="The text that stands there now; null for none."
    )
    path = serializers.CharField()
    sha256 = serializers.CharField()
    source_revision = serializers.CharField()
    authored_at = serializers.DateTimeField(allow_null=True)
    seen_at = serializers.DateTimeField()
    text = serializers.CharField()

    def to_representation(self, instance: Runbook) -> dict[str, Any]:
        """Return the shown text of a runbook.

        :raises ValueError: the runbook has no document.
        """
        shown = instance.shown_document()
        if shown is None:
            raise ValueError("This runbook has no document.")
        current = instance.document.sha256 if instance.document else None
        return {
            "is_signed": shown.sha256 == instance.signed_document_sha256,
            "is_current": shown.sha256 == current,
            "current_sha256": current,
            "path": shown.path,
            "sha256": shown.sha256,
            "source_revision": shown.source_revision,
            "authored_at": shown.authored_at,
            "seen_at": shown.seen_at,
            "text": shown.text,
        }


class ClusterSerializer(serializers.Serializer):
    """A work stream, with its range of numbers if it has one."""

    slug = serializers.CharField()
    kind = serializers.ChoiceField(choices=ClusterKind.choices)
    first_number = serializers.IntegerField(allow_null=True)
    last_number = serializers.IntegerField(allow_null=True)
    suffix = serializers.CharField()
    title = serializers.CharField()


class LayerSerializer(serializers.Serializer):
    """A part of the system that runbooks concern."""

    slug = serializers.CharField()
    title = serializers.CharField()


class SectionEntrySerializer(serializers.Serializer):
    """A runbook's role in a section. The role is Markdown."""

    runbook = ReferenceSerializer()
    heading = serializers.CharField()
    role = serializers.CharField()

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Return one entry of a section."""
        return {
            "runbook": reference(instance.runbook),
            "heading": instance.heading,
            "role": instance.role,
        }


class SectionSerializer(serializers.Serializer):
    """A chapter of the landscape, with its runbooks in order."""

    slug = serializers.CharField()
    number = serializers.IntegerField()
    title = serializers.CharField()
    note = serializers.CharField()
    entries = SectionEntrySerializer(many=True)


class SituationSerializer(serializers.Serializer):
    """A situation that an operator may face, with the runbooks to open, in order."""

    slug = serializers.CharField()
    title = serializers.CharField()
    comment = serializers.CharField()
    alert_category = serializers.CharField()
    alert_source = serializers.CharField()
    alert_severity = serializers.CharField()
    alert_default = serializers.BooleanField()
    runbooks = ReferenceSerializer(many=True)

    def to_representation(self, instance: Situation) -> dict[str, Any]:
        """Return the row of a situation."""
        return {
            "slug": instance.slug,
            "title": instance.title,
            "comment": instance.comment,
            "alert_category": instance.alert_category,
            "alert_source": instance.alert_source,
            "alert_severity": instance.alert_severity,
            "alert_default": instance.alert_default,
            "runbooks": [reference(step.runbook) for step in instance.steps.all()],
        }


class CodeReferenceSerializer(serializers.Serializer):
    """A source path and the runbooks that are tied to it."""

    path = serializers.CharField()
    description = serializers.CharField()
    runbooks = ReferenceSerializer(many=True)

    def to_representation(self, instance: CodeReference) -> dict[str, Any]:
        """Return the row of a code reference."""
        return {
            "path": instance.path,
            "description": instance.description,
            "runbooks": [reference(runbook) for runbook in instance.runbooks.all()],
        }
