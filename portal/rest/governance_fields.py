"""Serializers of governance: ledger entries, requests, findings, verdicts and alerts."""

from rest_framework import serializers

from governance.findings.choices import FindingKind, Severity
from governance.findings.models import Finding
from governance.ledger.choices import Action
from governance.ledger.disclosure import LABELS
from governance.ledger.models import ChangeLogEntry
from governance.signoff.choices import Decision, RequestState
from governance.signoff.models import SignOff, StatusChangeRequest
from runbooks.alerts import MatchedBy
from runbooks.validity import Reason


class ChangeSerializer(serializers.ModelSerializer):
    """One ledger entry, with its place in the hash chain."""

    action = serializers.ChoiceField(choices=[*Action.choices, *((word, word) for word in LABELS)])
    recorded_at = serializers.DateTimeField(
        allow_null=True, help_text="Null where the entry cannot be read."
    )

    class Meta:
        model = ChangeLogEntry
        fields = (
            "sequence",
            "recorded_at",
            "actor",
            "action",
            "subject",
            "subject_title",
            "reason",
            "release",
            "changes",
            "digests",
            "previous_hash",
            "hash",
        )


class DecisionSerializer(serializers.ModelSerializer):
    """One person's decision on a request."""

    signer = serializers.CharField(source="signer.username")
    decision = serializers.ChoiceField(choices=Decision.choices)

    class Meta:
        model = SignOff
        fields = (
            "signer",
            "decision",
            "comment",
            "statement",
            "document_sha256",
            "metadata_sha256",
            "signed_at",
        )


class StatusChangeRequestSerializer(serializers.ModelSerializer):
    """A status change request, with what it pins and its decisions."""

    runbook = serializers.CharField(source="runbook.slug")
    requested_by = serializers.CharField(source="requested_by.username")
    state = serializers.ChoiceField(choices=RequestState.choices)
    evidence_links = serializers.ListField(child=serializers.CharField())
    sign_offs = DecisionSerializer(many=True)

    class Meta:
        model = StatusChangeRequest
        fields = (
            "id",
            "runbook",
            "direction",
            "from_level",
            "from_year",
            "to_level",
            "to_year",
            "rationale",
            "evidence_links",
            "required_signatures",
            "independent",
            "valid_from_year",
            "valid_until",
            "document_path",
            "document_sha256",
            "metadata",
            "metadata_sha256",
            "state",
            "requested_by",
            "requested_at",
            "closed_at",
            "closed_reason",
            "sign_offs",
        )


class FindingSerializer(serializers.ModelSerializer):
    """A problem that an import or a check found."""

    kind = serializers.ChoiceField(choices=FindingKind.choices)
    severity = serializers.ChoiceField(choices=Severity.choices)
    runbook = serializers.SerializerMethodField()

    class Meta:
        model = Finding
        fields = (
            "id",
            "kind",
            "severity",
            "subject",
            "message",
            "file",
            "line",
            "runbook",
            "first_seen",
            "resolved_at",
        )

    def get_runbook(self, finding: Finding) -> str | None:
        """Return the slug of the runbook that the finding is about, or None."""
        return finding.runbook.slug if finding.runbook else None


class VerdictSerializer(serializers.Serializer):
    """Go or no-go: the only thing that a machine may act on."""

    runbook = serializers.CharField(help_text="The slug that was asked for.")
    year = serializers.IntegerField(
        allow_null=True,
        help_text="The calendar year of the live use: a go is one on no day of another year. "
        "Null where the request was refused before it was read.",
    )
    verdict = serializers.ChoiceField(choices=(("go", "go"), ("no-go", "no-go")))
    reasons = serializers.ListField(
        child=serializers.ChoiceField(
            choices=[reason.value for reason in Reason if reason != Reason.ASSURANCE_MISSING]
        )
    )
    valid_until = serializers.DateField(
        allow_null=True, help_text="The last day on which a go holds if nothing changes."
    )
    independent = serializers.BooleanField(
        allow_null=True,
        help_text=(
            "Whether others than the requester reviewed it, who owed neither account nor "
            "membership to each other."
        ),
    )
    not_independent_because = serializers.ListField(
        child=serializers.CharField(),
        help_text="Codes: solo, first_day, made_by_party, made_by_one.",
    )
    detail = serializers.CharField(
        allow_null=True, help_text="Why it is no-go, in words; null for a go."
    )
    as_of = serializers.DateTimeField(
        allow_null=True,
        help_text=(
            "The moment that was asked about; null for now. The verdict on another one is no-go."
        ),
    )
    verdict_then = serializers.CharField(
        allow_null=True, help_text="What it was at that moment: go or no-go."
    )
    reasons_then = serializers.ListField(child=serializers.CharField(), allow_null=True)


class ResolvedStepSerializer(serializers.Serializer):
    """A runbook to open, with its verdict. Act only on a `go`."""

    runbook = serializers.CharField(help_text="The slug.")
    title = serializers.CharField()
    url = serializers.CharField(help_text="Its page.")
    verdict = serializers.ChoiceField(choices=(("go", "go"), ("no-go", "no-go")))
    reasons = serializers.ListField(child=serializers.CharField())
    independent = serializers.BooleanField(
        allow_null=True,
        help_text=(
            "Whether others than the requester reviewed it, who owed neither account nor "
            "membership to each other."
        ),
    )
    not_independent_because = serializers.ListField(
        child=serializers.CharField(),
        help_text="Codes: solo, first_day, made_by_party, made_by_one.",
    )
    escalation_contact = serializers.CharField()
    headings = serializers.ListField(child=serializers.CharField())


class ResolvedSituationSerializer(serializers.Serializer):
    """A situation that matches the alert."""

    slug = serializers.CharField()
    title = serializers.CharField()
    comment = serializers.CharField()
    url = serializers.CharField()
    runbooks = ResolvedStepSerializer(many=True)


class ResolutionSerializer(serializers.Serializer):
    """The situations that match an alert, and the rule that matched."""

    matched_by = serializers.ChoiceField(choices=[rule.value for rule in MatchedBy])
    situations = ResolvedSituationSerializer(many=True)
