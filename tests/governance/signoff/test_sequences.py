"""No generated sequence of actions by any people reaches ready without the quorum."""

import os

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from governance import ledger
from governance.accounts.roles import EDITORS, RISK_OWNERS
from governance.assurance.evidence import verdict_on
from governance.editing.audited_edit import audited_edit
from governance.errors import ActionRefused, RequestLapsed, StaleForm
from governance.signoff import decide, submit, transitions
from governance.signoff.decide import form_etag
from governance.signoff.downgrade import downgrade
from governance.signoff.models import StatusChangeRequest
from governance.signoff.rules import replace_rule
from runbooks.choices import ReadinessLevel
from runbooks.models import Runbook
from tests import cast

NAMES = ("ed", "rita", "rolf", "ruth", "otto", "sue")
EXPECTED = (ActionRefused, StaleForm, RequestLapsed)
YEAR = timezone.localdate().year
STONES = {transitions.SAFETY_SANDBOX, transitions.TRACK, transitions.SHADOW}


class People(RuleBasedStateMachine):
    """People do whatever they like, in any order. What must hold is looked at after each step."""

    def __init__(self):
        super().__init__()
        self.people = {name: cast.make_person(name, group=cast.GROUPS.get(name)) for name in NAMES}
        self.runbook = cast.make_runbook()
        self.passed = []  # the levels that were signed, in order

    def _try(self, act, *args, **kwargs):
        try:
            return act(*args, **kwargs)
        except EXPECTED:
            return None

    def _last(self):
        return StatusChangeRequest.objects.order_by("-pk").first()

    @rule(
        who=st.sampled_from(NAMES),
        level=st.sampled_from(ReadinessLevel.values),
        year=st.sampled_from([0, 0, 1]),
    )
    def ask(self, who, level, year):
        year = YEAR + year if level == "ready" else None
        self._try(cast.ask, self.runbook, by=self.people[who], level=level, year=year)

    @rule(
        who=st.sampled_from(NAMES),
        password=st.sampled_from([cast.PASSWORD, cast.PASSWORD, "wrong"]),
    )
    def sign(self, who, password):
        request = self._last()
        if request:
            seen = form_etag(request)
            self._try(
                decide.sign,
                request=request,
                comment="x",
                seen=seen,
                password=password,
                by=self.people[who],
            )

    @rule(who=st.sampled_from(NAMES))
    def reject(self, who):
        request = self._last()
        if request:
            seen = form_etag(request)
            self._try(
                decide.reject,
                request=request,
                comment="x",
                seen=seen,
                password=cast.PASSWORD,
                by=self.people[who],
            )

    @rule(who=st.sampled_from(NAMES))
    def withdraw(self, who):
        request = self._last()
        if request:
            self._try(submit.withdraw, request=request, reason="x", by=self.people[who])

    @rule(who=st.sampled_from(NAMES), level=st.sampled_from(ReadinessLevel.values))
    def take_down(self, who, level):
        self._try(downgrade, runbook=self.runbook, level=level, reason="x", by=self.people[who])

    @rule(
        text=st.sampled_from(["# A\n\n1. One.\n", "# A\n\n1. Two.\n"]),
        scope=st.sampled_from(["a", "b"]),
    )
    def edit(self, text, scope):
        runbook = Runbook.objects.get(pk=self.runbook.pk)
        with audited_edit(runbook, by=self.people["ed"]):
            runbook.document, runbook.scope = cast.store(runbook.document_path, text), scope
            runbook.save()

    @rule(
        who=st.sampled_from(NAMES),
        group=st.sampled_from([RISK_OWNERS, EDITORS]),
        joins=st.booleans(),
    )
    def move_between_groups(self, who, group, joins):
        with audited_edit(self.people[who], by=ledger.SYSTEM):
            groups = self.people[who].groups
            (groups.add if joins else groups.remove)(Group.objects.get(name=group))

    @rule(number=st.integers(1, 3))
    def change_the_rule(self, number):
        group = Group.objects.get(name=RISK_OWNERS)
        replace_rule(
            target_level="ready",
            required_signatures=number,
            group=group,
            evidence_required=False,
            by=self.people["sue"],
        )

    @invariant()
    def ready_stands_on_its_quorum(self):
        runbook = Runbook.objects.get(pk=self.runbook.pk)
        if runbook.readiness_level != transitions.READY:
            return
        request = StatusChangeRequest.objects.filter(applied_at__isnull=False).latest(
            "applied_at", "pk"
        )
        signers = {
            decision.signer_id
            for decision in request.sign_offs.all()
            if decision.decision == "approve"
        }
        assert request.to_level == transitions.READY
        assert len(signers) >= request.required_signatures >= 1
        assert request.requested_by_id not in signers
        assert not request.sign_offs.filter(decision="reject").exists()
        assert runbook.signed_document_sha256 == request.document_sha256

    @invariant()
    def research_became_ready_by_a_stepping_stone_alone(self):
        applied = StatusChangeRequest.objects.filter(applied_at__isnull=False).order_by(
            "applied_at", "pk"
        )
        since_research = None
        for level in applied.values_list("to_level", flat=True):
            if level == transitions.RND_ONLY:
                since_research = set()
            elif since_research is not None:
                assert level != transitions.READY or since_research & STONES, (
                    "ready without a stepping stone"
                )
                since_research.add(level)

    @invariant()
    def go_is_what_was_signed(self):
        runbook = Runbook.objects.select_related("document").get(pk=self.runbook.pk)
        if verdict_on(runbook).go:
            assert runbook.readiness_level == transitions.READY
            assert runbook.document.sha256 == runbook.signed_document_sha256
            assert runbook.metadata_sha256() == runbook.signed_metadata_sha256

    @invariant()
    def the_chain_is_whole(self):
        assert ledger.verify().is_whole


class Isolated(People):
    """Each sequence in a transaction of its own, which is rolled back."""

    def __init__(self):
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        super().__init__()

    def teardown(self):
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)


@pytest.mark.django_db
def test_no_sequence_of_actions_reaches_ready_without_the_quorum():
    run_state_machine_as_test(
        Isolated,
        settings=settings(
            max_examples=int(os.environ.get("SEQUENCES", "20")),
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
