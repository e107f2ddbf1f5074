"""The quorum is written in four places: one table of cases, each run through all four.

``docs/readiness.md`` lists the places and why some of them answer some cases otherwise.
"""

import importlib.util
import re
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.utils import timezone

from governance import guards, ledger
from governance.accounts.roles import RISK_OWNERS
from governance.assurance.evidence import verdict_on
from governance.editing.audited_edit import audited_edit
from governance.errors import ActionRefused, StaleForm
from governance.signoff.decide import form_etag, reject, sign
from governance.signoff.models import SignOff, StatusChangeRequest
from governance.signoff.rules import replace_rule
from runbooks.models import Runbook
from tests import cast

pytestmark = pytest.mark.django_db

ROOT = django_settings.BASE_DIR
APPROVES, REJECTS, APPROVES_OTHER_TEXT = "approves", "rejects", "approves another text"
LEAVES, IS_SWITCHED_OFF, JOINS, IS_MADE = "leaves", "is switched off", "joins", "is made"
SOLO_ENDS = ("portal", "ends solo mode")
# The moment at which the readiness moves; where a case does not name it, after the last step.
MOVE = ("portal", "moves the readiness")

# Why one writing answers a case otherwise than the others (docs/readiness.md).
ACCEPTED_THEN = "It counts what was accepted then: who may sign is not in its records."
NO_ORDER = "It counts the stored decisions, whenever they were given."
NO_HISTORY = "It knows the members of today, and not since when."
NO_SETTING = "It knows no setting of the portal."
NO_SUCH_RECORD = "No portal writes such a record: it refuses the whole."

OLDER_ACCOUNT, NEW_ACCOUNT = "tom", "nina"


@dataclass(frozen=True)
class Case:
    """Decisions on one request, and whether a readiness may stand on them.

    ``otherwise`` names the writings that answer the opposite, each with the reason.
    """

    name: str
    stands: bool
    steps: tuple[tuple[str, str], ...]
    needed: int = 2
    asked_by: str = "ed"
    solo: bool = False
    otherwise: dict[str, str] = field(default_factory=dict)

    def __str__(self):
        return self.name.replace(" ", "-")


def approvals(*names):
    return tuple((name, APPROVES) for name in names)


RECORDS = {"verdict": ACCEPTED_THEN, "proof": ACCEPTED_THEN}
CASES = (
    # How many.
    Case("nobody", False, ()),
    Case("too few", False, approvals("rita")),
    Case("exactly enough", True, approvals("rita", "rolf")),
    Case("one is enough where one is needed", True, approvals("rita"), needed=1),
    Case("two of three", False, approvals("rita", "rolf"), needed=3),
    Case("three of three", True, approvals("rita", "rolf", "ruth"), needed=3),
    # One person counts once.
    Case("the same person twice", False, approvals("rita", "rita")),
    Case("the same person twice and another", True, approvals("rita", "rita", "rolf")),
    # The requester does not count.
    Case("the requester alone", False, approvals("rita"), needed=1, asked_by="rita"),
    Case("the requester and another", False, approvals("rita", "rolf"), asked_by="rita"),
    Case(
        "the requester and enough others",
        True,
        approvals("rita", "rolf", "ruth"),
        asked_by="rita",
        otherwise={"proof": NO_SUCH_RECORD},
    ),
    # Solo mode.
    Case("solo", True, approvals("rita"), needed=1, asked_by="rita", solo=True),
    Case("solo without a signature", False, (), needed=1, asked_by="rita", solo=True),
    Case(
        "solo mode has ended",
        False,
        (SOLO_ENDS, *approvals("rita")),
        needed=1,
        asked_by="rita",
        solo=True,
        otherwise={"guard": NO_SETTING, "proof": NO_SETTING},
    ),
    # One rejection ends a request.
    Case("one of two rejects", False, (*approvals("rita"), ("rolf", REJECTS))),
    Case("a rejection outweighs enough", False, (("ruth", REJECTS), *approvals("rita", "rolf"))),
    # After the move.
    Case(
        "a missing approval comes later",
        False,
        (*approvals("rita"), MOVE, *approvals("rolf")),
        otherwise={"verdict": NO_ORDER},
    ),
    Case(
        "one more approval comes later",
        True,
        (*approvals("rita", "rolf"), MOVE, *approvals("ruth")),
        otherwise={"proof": NO_SUCH_RECORD},
    ),
    Case(
        "a rejection comes later",
        True,
        (*approvals("rita", "rolf"), MOVE, ("ruth", REJECTS)),
        otherwise={"verdict": NO_SUCH_RECORD, "proof": NO_SUCH_RECORD},
    ),
    # Other content.
    Case("another text is signed", False, (*approvals("rita"), ("rolf", APPROVES_OTHER_TEXT))),
    # Signers who do not count.
    Case("not in the group", False, approvals("rita", "otto"), otherwise=RECORDS),
    Case(
        "left the group since",
        False,
        (*approvals("rita"), ("rita", LEAVES), *approvals("rolf")),
        otherwise=RECORDS,
    ),
    Case(
        "enough without the one who left",
        True,
        (*approvals("rita"), ("rita", LEAVES), *approvals("rolf", "ruth")),
    ),
    Case(
        "switched off since",
        False,
        (*approvals("rita"), ("rita", IS_SWITCHED_OFF), *approvals("rolf")),
        otherwise=RECORDS,
    ),
    Case(
        "made after the request",
        False,
        ((NEW_ACCOUNT, IS_MADE), *approvals("rita", NEW_ACCOUNT)),
        otherwise=RECORDS,
    ),
    Case(
        "joined after the request",
        False,
        ((OLDER_ACCOUNT, JOINS), *approvals("rita", OLDER_ACCOUNT)),
        otherwise=RECORDS | {"guard": NO_HISTORY},
    ),
)


@pytest.fixture
def cast_of(people, settings):
    """``cast_of(case)``: an open request as the case wants it, and everybody by name."""

    def asked(case):
        people[OLDER_ACCOUNT] = cast.make_person(OLDER_ACCOUNT)
        settings.GOVERNANCE_SOLO = case.solo
        replace_rule(
            target_level="ready",
            required_signatures=case.needed,
            group=Group.objects.get(name=RISK_OWNERS),
            evidence_required=True,
            by=ledger.SYSTEM,
        )
        request = cast.ask(cast.make_runbook(), by=people[case.asked_by])
        assert request.required_signatures == case.needed
        assert request.independent is not case.solo
        return request, people

    return asked


def happen(who, what, people, settings):
    """A step that is no decision."""
    if (who, what) == SOLO_ENDS:
        settings.GOVERNANCE_SOLO = False
    elif what == IS_MADE:
        people[who] = cast.make_person(who, group=RISK_OWNERS)
    elif what == JOINS:
        cast.join(people[who], RISK_OWNERS)
    else:
        with audited_edit(people[who], by=ledger.SYSTEM):
            if what == LEAVES:
                people[who].groups.clear()
            else:
                people[who].is_active = False
                people[who].save()


def steps_of(case):
    return case.steps if MOVE in case.steps else (*case.steps, MOVE)


def is_decision(what):
    return what in (APPROVES, REJECTS, APPROVES_OTHER_TEXT)


def forge(request, who, what, people):
    """Store a decision past the policy; what the database refuses leaves nothing."""
    sha256 = "0" * 64 if what == APPROVES_OTHER_TEXT else request.document_sha256
    with suppress(IntegrityError), transaction.atomic():
        SignOff.objects.create(
            request=request,
            signer=people[who],
            decision="reject" if what == REJECTS else "approve",
            comment="x",
            statement="x",
            document_sha256=sha256,
            metadata_sha256=request.metadata_sha256,
            signed_at=timezone.now(),
        )


# ---- the four writings


def policy_stands(case, request, people, settings):
    """By the actions, which ask ``governance.signoff.policy``."""
    moved = None
    for who, what in steps_of(case):
        if (who, what) == MOVE:
            moved = StatusChangeRequest.objects.get(pk=request.pk).state
        elif is_decision(what):
            seen = form_etag(StatusChangeRequest.objects.get(pk=request.pk))
            with suppress(ActionRefused, StaleForm):
                (reject if what == REJECTS else sign)(
                    request=request,
                    comment="Read.",
                    seen=f"{seen}other" if what == APPROVES_OTHER_TEXT else seen,
                    password=cast.PASSWORD,
                    by=people[who],
                )
        else:
            happen(who, what, people, settings)
    request.refresh_from_db()
    return moved == request.state == "approved"


def guard_stands(case, request, people, settings):
    """Forge every decision and, as early as it is accepted, the approval, by database alone."""
    moved = None
    own = StatusChangeRequest.objects.filter(pk=request.pk)
    for who, what in steps_of(case):
        if (who, what) == MOVE:
            moved = own.get().state
        elif is_decision(what):
            forge(request, who, what, people)
            _approve_by_force(own)
        else:
            happen(who, what, people, settings)
    _approve_by_force(own)
    return moved == own.get().state == "approved"


def _approve_by_force(own):
    with suppress(IntegrityError), transaction.atomic():
        own.filter(state="open").update(state="approved", closed_at=timezone.now())


def verdict_stands(case, request, people, settings):
    """By the verdict on what stands in the tables, the guards lifted."""
    guards.remove()
    for who, what in steps_of(case):
        if is_decision(what):
            forge(request, who, what, people)
        elif (who, what) != MOVE:
            happen(who, what, people, settings)
    now = timezone.now()
    StatusChangeRequest.objects.filter(pk=request.pk).update(
        state="approved", closed_at=now, applied_at=now
    )
    Runbook.objects.filter(pk=request.runbook_id).update(
        readiness_level=request.to_level,
        readiness_year=request.to_year,
        signed_document_sha256=request.document_sha256,
        signed_metadata_sha256=request.metadata_sha256,
        signed_from_year=request.valid_from_year,
        signed_until=request.valid_until,
        signed_solo=not request.independent,
        signed_at=now,
    )
    reasons = verdict_on(Runbook.objects.get(pk=request.runbook_id)).reasons
    return not {"signatures_missing", "no_independent_review"} & set(reasons)


def proof_stands(case, request, people, settings):
    """By the stand-alone verifier, on ledger rows that tell of every decision."""
    spec = importlib.util.spec_from_file_location("verify_proof", ROOT / "docs" / "verify_proof.py")
    verifier = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(verifier)
    proof = {
        "runbook": request.runbook.slug,
        "request": request.pk,
        "metadata": request.metadata,
        "statements": [
            {"signer": who, "statement": "x"} for who, what in case.steps if what == APPROVES
        ],
    }
    try:
        verifier.check_approval(proof, _rows(case, request))
    except verifier.Refuted:
        return False
    return True


def _rows(case, request):
    pins = {
        "document_sha256": request.document_sha256,
        "metadata_sha256": request.metadata_sha256,
    }
    opened = {
        "required_signatures": request.required_signatures,
        "independent": request.independent,
    }
    told = [("request_submitted", case.asked_by, pins | opened)]
    for who, what in steps_of(case):
        statement = {"statement_sha256": cast.sha256("x")}
        if (who, what) == MOVE:
            signed = {f"signed_{name}": value for name, value in pins.items()}
            told.append(("readiness_changed", "system", signed | {"readiness_level": "ready"}))
        elif what == APPROVES:
            told.append(("request_signed", who, pins | statement))
        elif what == APPROVES_OTHER_TEXT:
            told.append(("request_signed", who, pins | statement | {"document_sha256": "0" * 64}))
        elif what == REJECTS:
            told.append(("request_rejected", who, pins | statement))
    return [
        {
            "sequence": sequence,
            "action": action,
            "actor": actor,
            "subject": f"runbook:{request.runbook.slug}",
            "changes": {
                name: {"before": None, "after": value}
                for name, value in (facts | {"request": request.pk}).items()
            },
        }
        for sequence, (action, actor, facts) in enumerate(told, start=1)
    ]


WRITINGS = {
    "policy": policy_stands,
    "guard": guard_stands,
    "verdict": verdict_stands,
    "proof": proof_stands,
}


@pytest.mark.parametrize("writing", WRITINGS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_writing_of_the_quorum_answers_alike(case, writing, cast_of, settings):
    request, people = cast_of(case)
    expected = case.stands is not (writing in case.otherwise)
    answer = WRITINGS[writing](case, request, people, settings)
    assert answer is expected, case.otherwise.get(writing, "as the others answer")


def test_the_policy_answers_as_the_table_says():
    """The policy decides: it is never an exception, and each exception names its reason."""
    assert all("policy" not in case.otherwise for case in CASES)
    assert all(set(case.otherwise) <= set(WRITINGS) for case in CASES)


def test_the_documentation_lists_the_four_writings():
    text = (ROOT / "docs" / "readiness.md").read_text(encoding="utf-8")
    section = text.split("## Where the quorum is written")[1].split("\n## ")[0]
    files = re.findall(r"^\| `([\w/]+\.py)`", section, re.M)
    assert len(files) == len(WRITINGS)
    for file in files:
        assert (ROOT / file).is_file(), file
