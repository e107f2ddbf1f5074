"""Who may do what, and why not: the truth tables, and that every reason has its words."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from governance.findings.choices import SEVERITY_OF_KIND, FindingKind
from governance.signoff import policy, transitions
from governance.signoff.choices import REFUSAL_TEXTS, TEXTS_WITH_TIME, refusal_text
from governance.signoff.policy import (
    Dependence,
    Person,
    Proposal,
    Reach,
    Refusal,
    RequestFacts,
    RuleTerms,
    RunbookStatus,
    SignOffSettings,
)
from runbooks.choices import REASON_TEXTS, ReadinessLevel
from runbooks.landscape.parse.notices import NoticeKind
from runbooks.validity import Reason

OPENED = datetime(2026, 6, 15, 12, tzinfo=UTC)
AT = OPENED + timedelta(hours=1)
SETTINGS = SignOffSettings()
OWNER = Person(
    id=1,
    is_active=True,
    is_editor=False,
    is_risk_owner=True,
    joined_at=OPENED - timedelta(days=9),
    recorded_since=7,
    password_set_by_another_at=OPENED - timedelta(days=9),
)
EDITOR = replace(OWNER, id=2, is_editor=True, is_risk_owner=False)
REQUEST = RequestFacts(
    state=transitions.OPEN,
    requested_by=EDITOR.id,
    opened_at=OPENED,
    opened_as=20,
    independent=True,
    decided_by=frozenset(),
)


def against_signing(person, request, settings=SETTINGS):
    return policy.reasons_against_signing(person, request, settings=settings, at=AT)


STANDING = RunbookStatus(
    level=transitions.UNASSESSED,
    year=None,
    declared_level=transitions.UNASSESSED,
    has_document=True,
    document_is_intact=True,
    has_open_request=False,
)
PROPOSAL = Proposal(
    level=transitions.READY,
    year=2026,
    rationale="Drilled.",
    evidence=("https://evidence.example/",),
    evidence_required=True,
    rule_exists=True,
    this_year=2026,
)


def against_submitting(person, status, proposal, settings=SETTINGS):
    return policy.reasons_against_submitting(person, status, proposal, settings=settings, at=AT)


def told(reasons):
    """The reasons, each told once."""
    assert len(reasons) == len(set(reasons))
    return set(reasons)


# ---- every reason has its words


def test_every_refusal_has_a_text_of_its_own():
    assert set(REFUSAL_TEXTS) == set(Refusal)
    texts = [str(text) for text in REFUSAL_TEXTS.values()]
    assert len(texts) == len(set(texts))
    assert all(text.endswith(".") for text in texts)


def test_every_reason_against_live_has_a_text_of_its_own():
    assert set(REASON_TEXTS) == set(Reason)
    texts = [str(text) for text in REASON_TEXTS.values()]
    assert len(texts) == len(set(texts))
    assert all(text.endswith(".") for text in texts)


def test_every_kind_that_the_reader_notices_is_a_kind_of_finding():
    assert {kind.value for kind in NoticeKind} <= set(FindingKind.values)


def test_every_kind_of_finding_has_a_severity_or_is_a_warning():
    assert set(SEVERITY_OF_KIND) <= set(FindingKind)


# ---- signing


def doubts(*names):
    """All combinations of doubts, each with what it changes."""
    return [
        combination
        for size in range(len(names) + 1)
        for combination in itertools.combinations(names, size)
    ]


AGAINST_SIGNING = {
    Refusal.NOT_ACTIVE: lambda person, request: (replace(person, is_active=False), request),
    Refusal.NOT_A_RISK_OWNER: lambda person, request: (
        replace(person, is_risk_owner=False),
        request,
    ),
    Refusal.OWN_REQUEST: lambda person, request: (person, replace(request, requested_by=person.id)),
    Refusal.ACCOUNT_TOO_YOUNG: lambda person, request: (
        replace(person, joined_at=request.opened_at + timedelta(microseconds=1)),
        request,
    ),
    Refusal.MEMBERSHIP_NOT_RECORDED: lambda person, request: (
        replace(person, recorded_since=None),
        request,
    ),
    Refusal.COOLING_DOWN: lambda person, request: (
        replace(person, password_set_by_another_at=AT - SETTINGS.cool_down + timedelta(seconds=1)),
        request,
    ),
    Refusal.LOCKED_OUT: lambda person, request: (replace(person, wrong_passwords=5), request),
    Refusal.REQUEST_CLOSED: lambda person, request: (
        person,
        replace(request, state=transitions.APPROVED),
    ),
    Refusal.SIGNED_ALREADY: lambda person, request: (
        person,
        replace(request, decided_by=frozenset({person.id, 99})),
    ),
}


@pytest.mark.parametrize("held", doubts(*AGAINST_SIGNING), ids="+".join)
def test_signing_is_refused_for_exactly_the_doubts_that_hold(held):
    person, request = OWNER, REQUEST
    for doubt in held:
        person, request = AGAINST_SIGNING[doubt](person, request)
    held = set(held)
    if {Refusal.NOT_A_RISK_OWNER, Refusal.MEMBERSHIP_NOT_RECORDED} <= held:
        held.remove(Refusal.MEMBERSHIP_NOT_RECORDED)  # who is no member has no membership to record
    assert told(against_signing(person, request)) == set(held)
    counting = set(held) - {
        Refusal.REQUEST_CLOSED,
        Refusal.SIGNED_ALREADY,
        Refusal.COOLING_DOWN,
        Refusal.LOCKED_OUT,
    }
    assert told(policy.reasons_against_counting(person, request, settings=SETTINGS)) == counting


@pytest.mark.parametrize(
    "state",
    [
        transitions.APPROVED,
        transitions.REJECTED,
        transitions.WITHDRAWN,
        transitions.LAPSED,
        "",
        "bogus",
    ],
)
def test_what_is_not_open_is_closed(state):
    assert against_signing(OWNER, replace(REQUEST, state=state)) == (Refusal.REQUEST_CLOSED,)


def test_a_decision_of_others_does_not_stand_in_the_way():
    assert against_signing(OWNER, replace(REQUEST, decided_by=frozenset({2, 3}))) == ()


def test_an_account_that_joined_at_the_very_moment_counts():
    assert against_signing(replace(OWNER, joined_at=OPENED), REQUEST) == ()


def test_an_editor_is_no_risk_owner():
    assert Refusal.NOT_A_RISK_OWNER in against_signing(replace(EDITOR, id=3), REQUEST)


def test_who_joined_by_a_ledger_row_after_the_opening_does_not_count():
    assert against_signing(replace(OWNER, recorded_since=21), REQUEST) == (
        Refusal.ACCOUNT_TOO_YOUNG,
    )
    assert against_signing(replace(OWNER, recorded_since=20), REQUEST) == ()


def test_a_waiting_time_is_over_to_the_second():
    ended = replace(OWNER, password_set_by_another_at=AT - SETTINGS.cool_down)
    assert against_signing(ended, REQUEST) == ()
    assert against_signing(OWNER, REQUEST, SignOffSettings(cool_down=timedelta(days=30))) == (
        Refusal.COOLING_DOWN,
    )


def test_a_waiting_time_is_told_with_the_time_at_which_it_ends():
    """``waits_until`` names every waiting time that refuses now, and no other."""
    reset = replace(OWNER, password_set_by_another_at=AT, password_reset_at=AT)
    until = policy.waits_until(reset, settings=SETTINGS, at=AT)
    assert until == {Refusal.COOLING_DOWN: AT + SETTINGS.cool_down}
    assert not policy.waits_until(reset, settings=SETTINGS, at=AT + SETTINGS.cool_down)
    new = replace(OWNER, signs_since=AT - timedelta(hours=1))
    until = policy.waits_until(new, settings=SETTINGS, at=AT)
    assert until == {Refusal.ACCESS_TOO_NEW: AT + SETTINGS.cool_down - timedelta(hours=1)}
    first = SignOffSettings(first_day=True)
    assert set(policy.waits_until(reset, settings=first, at=AT)) == {Refusal.COOLING_DOWN}
    assert not policy.waits_until(new, settings=first, at=AT)
    assert not policy.waits_until(reset, settings=SignOffSettings(cool_down=timedelta()), at=AT)


def test_every_reason_that_ends_at_a_known_time_is_shown_with_it():
    assert set(TEXTS_WITH_TIME) <= policy.TEMPORARY
    for reason in TEXTS_WITH_TIME:
        assert "June 16, 2026, 3 p.m." in refusal_text(reason, {reason: AT + timedelta(days=1)})
        assert refusal_text(reason) == REFUSAL_TEXTS[reason]


def test_whoever_may_sign_only_since_now_waits_except_on_the_first_day():
    new = replace(OWNER, signs_since=AT - SETTINGS.cool_down + timedelta(seconds=1))
    assert against_signing(new, REQUEST) == (Refusal.ACCESS_TOO_NEW,)
    assert policy.reasons_against_counting(new, REQUEST, settings=SETTINGS) == ()
    assert against_signing(new, REQUEST, SignOffSettings(first_day=True)) == ()
    ended = replace(OWNER, signs_since=AT - SETTINGS.cool_down)
    assert against_signing(ended, REQUEST) == ()


def test_what_no_setting_says_is_a_day_of_waiting_and_two_people():
    assert (SETTINGS.cool_down, SETTINGS.solo, SETTINGS.first_day) == (
        timedelta(hours=24),
        False,
        False,
    )


def test_four_wrong_passwords_do_not_lock_and_five_do():
    assert against_signing(replace(OWNER, wrong_passwords=4), REQUEST) == ()
    assert against_signing(replace(OWNER, wrong_passwords=5), REQUEST) == (Refusal.LOCKED_OUT,)


@pytest.mark.parametrize("solo", [True, False])
@pytest.mark.parametrize("independent", [True, False])
def test_the_requester_signs_in_solo_mode_alone(solo, independent):
    own = replace(REQUEST, requested_by=OWNER.id, independent=independent)
    expected = {
        Refusal.OWN_REQUEST: independent,
        Refusal.SOLO_MODE_IS_OFF: not independent and not solo,
    }
    reasons = against_signing(OWNER, own, SignOffSettings(solo=solo))
    assert told(reasons) == {refusal for refusal, holds in expected.items() if holds}


# ---- whether the quorum can be reached, and by whom it was


def reach_of(*members, approved_by=(), needed=2, settings=SETTINGS, **request):
    return policy.reach(
        iter(members),
        replace(REQUEST, **request),
        approved_by=frozenset(approved_by),
        needed=needed,
        settings=settings,
        at=AT,
    )


def member(number, **changes):
    return replace(OWNER, id=number, **changes)


def test_who_approved_is_given_and_who_has_not_decided_can_sign():
    reached = reach_of(
        member(1), member(3), member(4), member(5), approved_by={1}, decided_by=frozenset({1, 5})
    )
    assert reached == Reach(given=1, can_sign=2, needed=2)
    assert not reached.is_lost


def test_an_approval_of_somebody_who_no_longer_counts_is_not_given():
    left = member(1, is_risk_owner=False, recorded_since=None)
    reached = reach_of(left, member(3), approved_by={1}, decided_by=frozenset({1}))
    assert reached == Reach(given=0, can_sign=1, needed=2)
    assert reached.is_lost


@pytest.mark.parametrize(
    "changes",
    [
        {"wrong_passwords": 5},
        {"signs_since": AT},
        {"password_set_by_another_at": AT},
        {"password_reset_at": AT},
    ],
)
def test_who_only_waits_can_sign_later(changes):
    assert reach_of(member(1, **changes), needed=1) == Reach(given=0, can_sign=1, needed=1)
    waiting_and_gone = member(1, **changes, is_active=False)
    assert reach_of(waiting_and_gone, needed=1) == Reach(given=0, can_sign=0, needed=1)


@pytest.mark.parametrize("solo", [True, False])
def test_an_approval_of_ones_own_counts_in_solo_mode_alone(solo):
    reached = reach_of(
        member(1),
        approved_by={1},
        needed=1,
        settings=SignOffSettings(solo=solo),
        requested_by=1,
        independent=False,
        decided_by=frozenset({1}),
    )
    assert reached == Reach(given=int(solo), can_sign=0, needed=1)


@pytest.mark.parametrize(
    ("given", "can_sign", "lost"), [(1, 0, True), (1, 1, False), (2, 0, False)]
)
def test_a_request_is_lost_when_both_together_are_too_few(given, can_sign, lost):
    assert Reach(given, can_sign, needed=2).is_lost is lost


@pytest.mark.parametrize(
    ("made_by", "first_day", "why"),
    [
        (((), (), ()), False, ()),
        (((), (), ()), True, (Dependence.FIRST_DAY,)),
        ((("sue",), (), ("sue",)), False, ()),
        ((("sue",), ("sue",), ("sue", "max")), False, (Dependence.MADE_BY_ONE,)),
        (((), ("ed",), ()), False, (Dependence.MADE_BY_PARTY,)),
        ((("rita",), ("rolf",), ("ed",)), True, (Dependence.FIRST_DAY, Dependence.MADE_BY_PARTY)),
    ],
)
def test_a_review_is_dependent_where_the_parties_owe_each_other_or_all_owe_one(
    made_by, first_day, why
):
    parties = (
        replace(OWNER, id=number, username=name, made_by=frozenset(makers))
        for number, (name, makers) in enumerate(zip(("ed", "rita", "rolf"), made_by, strict=True))
    )
    assert policy.dependence(parties, first_day=first_day) == why


def test_nobody_depends_on_nobody():
    assert policy.dependence((), first_day=False) == ()


# ---- withdrawing


@pytest.mark.parametrize("is_active", [True, False])
@pytest.mark.parametrize("state", [transitions.OPEN, transitions.APPROVED, transitions.LAPSED])
@pytest.mark.parametrize("who", [EDITOR.id, OWNER.id])
def test_only_the_requester_withdraws_and_only_what_is_open(is_active, state, who):
    person = replace(EDITOR, id=who, is_active=is_active)
    expected = {
        Refusal.NOT_ACTIVE: not is_active,
        Refusal.REQUEST_CLOSED: state != transitions.OPEN,
        Refusal.NOT_THE_REQUESTER: who != REQUEST.requested_by,
    }
    reasons = policy.reasons_against_withdrawing(person, replace(REQUEST, state=state))
    assert told(reasons) == {reason for reason, holds in expected.items() if holds}


# ---- asking


def test_a_whole_request_is_not_refused():
    assert against_submitting(EDITOR, STANDING, PROPOSAL) == ()


AGAINST_ASKING = {
    Refusal.NOT_ACTIVE: {"person": {"is_active": False}},
    Refusal.NOT_AN_EDITOR: {"person": {"is_editor": False}},
    Refusal.OPEN_REQUEST_EXISTS: {"status": {"has_open_request": True}},
    Refusal.DOCUMENT_MISSING: {"status": {"has_document": False}},
    Refusal.RULE_MISSING: {"proposal": {"rule_exists": False}},
    Refusal.RATIONALE_MISSING: {"proposal": {"rationale": " \t\n"}},
    Refusal.EVIDENCE_MISSING: {"proposal": {"evidence": ()}},
    Refusal.YEAR_PAST: {"proposal": {"year": 2025}},
}


@pytest.mark.parametrize("held", doubts(*AGAINST_ASKING), ids="+".join)
def test_asking_is_refused_for_exactly_the_doubts_that_hold(held):
    parts = {"person": EDITOR, "status": STANDING, "proposal": PROPOSAL}
    for doubt in held:
        for name, changes in AGAINST_ASKING[doubt].items():
            parts[name] = replace(parts[name], **changes)
    assert told(against_submitting(**parts)) == set(held)


AGAINST_THE_ASKER = {
    Refusal.NOT_ACTIVE: {"is_active": False},
    Refusal.NOT_AN_EDITOR: {"is_editor": False},
    Refusal.MEMBERSHIP_NOT_RECORDED: {"asking_recorded": False},
    Refusal.ACCESS_TOO_NEW: {"asks_since": AT - SETTINGS.cool_down + timedelta(seconds=1)},
    Refusal.COOLING_DOWN: {"password_set_by_another_at": AT - timedelta(hours=23)},
}


@pytest.mark.parametrize("held", doubts(*AGAINST_THE_ASKER), ids="+".join)
def test_whoever_asks_is_refused_for_exactly_the_doubts_that_hold(held):
    person = EDITOR
    for doubt in held:
        person = replace(person, **AGAINST_THE_ASKER[doubt])
    assert told(against_submitting(person, STANDING, PROPOSAL)) == set(held)


def test_the_waiting_time_of_whoever_asks_is_over_to_the_second_and_none_on_the_first_day():
    ended = replace(EDITOR, asks_since=AT - SETTINGS.cool_down)
    assert against_submitting(ended, STANDING, PROPOSAL) == ()
    new = replace(EDITOR, asks_since=AT, password_set_by_another_at=AT)
    assert against_submitting(new, STANDING, PROPOSAL, SignOffSettings(first_day=True)) == ()
    reset = replace(EDITOR, password_reset_at=AT)
    assert against_submitting(reset, STANDING, PROPOSAL, SignOffSettings(first_day=True)) == (
        Refusal.COOLING_DOWN,
    )


@pytest.mark.parametrize("rule_exists", [True, False])
@pytest.mark.parametrize("in_reach", [True, False])
def test_a_quorum_out_of_reach_is_said_where_there_is_a_rule(rule_exists, in_reach):
    proposal = replace(PROPOSAL, rule_exists=rule_exists, quorum_in_reach=in_reach)
    expected = {
        Refusal.RULE_MISSING: not rule_exists,
        Refusal.QUORUM_OUT_OF_REACH: rule_exists and not in_reach,
    }
    reasons = against_submitting(EDITOR, STANDING, proposal)
    assert told(reasons) == {refusal for refusal, holds in expected.items() if holds}


@pytest.mark.parametrize(
    ("text", "is_link"),
    [
        ("https://evidence.example/drill?day=1#top", True),
        ("http://evidence.example", True),
        ("HTTPS://evidence.example", True),
        ("ftp://evidence.example/", False),
        ("https:", False),
        ("https:///drill", False),
        ("//evidence.example/", False),
        ("evidence.example", False),
        ("javascript:alert(1)", False),
        ("https://[evidence", False),
        ("", False),
    ],
)
def test_a_link_has_a_scheme_of_the_web_and_a_host(text, is_link):
    assert policy.is_link(text) is is_link


@pytest.mark.parametrize(
    ("is_editor", "is_risk_owner", "may"),
    [(True, False, True), (False, True, True), (True, True, True), (False, False, False)],
)
def test_editors_and_risk_owners_ask(is_editor, is_risk_owner, may):
    person = replace(EDITOR, is_editor=is_editor, is_risk_owner=is_risk_owner)
    assert (against_submitting(person, STANDING, PROPOSAL) == ()) is may


def test_evidence_is_asked_for_where_the_rule_asks():
    without = replace(PROPOSAL, evidence=(), evidence_required=False)
    assert against_submitting(EDITOR, STANDING, without) == ()


def asked(level, target, declared=transitions.UNASSESSED, before=None):
    status = replace(
        STANDING,
        level=level,
        declared_level=declared,
        year=2026 if level == transitions.READY else None,
        before_retirement=before,
    )
    proposal = replace(PROPOSAL, level=target, year=2026 if target == transitions.READY else None)
    return against_submitting(EDITOR, status, proposal)


@pytest.mark.parametrize("level", ReadinessLevel.values)
@pytest.mark.parametrize("target", ReadinessLevel.values)
def test_every_step_is_refused_or_not_as_the_table_says(level, target):
    if level == transitions.RND_ONLY and target == transitions.READY:
        expected = (Refusal.RND_ONLY_CANNOT_BE_READY,)
    elif target in transitions.UP[level]:
        expected = ()
    else:
        expected = (Refusal.STEP_NOT_ALLOWED,)
    assert asked(level, target, before=target) == expected


@pytest.mark.parametrize("before", ReadinessLevel.values)
@pytest.mark.parametrize("target", sorted(transitions.UP[transitions.RETIRED]))
def test_retired_goes_back_to_what_it_was_and_nowhere_else(before, target):
    assert asked(transitions.RETIRED, target, before=before) == (
        () if target == before else (Refusal.NOT_WHAT_IT_WAS,)
    )


def test_what_holds_is_not_signed_a_second_time_for_the_same_year_nor_for_an_earlier_one():
    holding = replace(STANDING, level=transitions.READY, year=2026, holds=True)
    assert against_submitting(EDITOR, holding, PROPOSAL) == (Refusal.NOTHING_CHANGES,)
    renewed = replace(holding, year=2027)
    assert against_submitting(EDITOR, renewed, PROPOSAL) == (Refusal.YEAR_ALREADY_SIGNED,)
    assert against_submitting(EDITOR, holding, replace(PROPOSAL, year=2027)) == ()
    assert against_submitting(EDITOR, replace(holding, holds=False), PROPOSAL) == ()


@pytest.mark.parametrize("declared", ReadinessLevel.values)
@pytest.mark.parametrize("level", ReadinessLevel.values)
def test_what_the_file_declares_rnd_only_is_so_until_something_else_is_signed(level, declared):
    refused = Refusal.RND_ONLY_CANNOT_BE_READY in asked(level, transitions.READY, declared)
    assert refused is (
        level == transitions.RND_ONLY
        or (level == transitions.UNASSESSED and declared == transitions.RND_ONLY)
    )


@pytest.mark.parametrize("declared", ReadinessLevel.values)
def test_what_the_file_declares_opens_no_way(declared):
    """A declaration only blocks: it never permits a step that is refused without it."""
    for level, target in itertools.product(ReadinessLevel.values, ReadinessLevel.values):
        if asked(level, target):
            assert asked(level, target, declared), (level, target)


@pytest.mark.parametrize("target", ["bogus", "", "READY"])
def test_an_unknown_level_is_refused(target):
    assert Refusal.STEP_NOT_ALLOWED in asked(transitions.UNASSESSED, target)


@pytest.mark.parametrize(
    ("year", "reasons"),
    [
        (None, (Refusal.YEAR_MISSING,)),
        (0, (Refusal.YEAR_PAST,)),
        (2025, (Refusal.YEAR_PAST,)),
        (2026, ()),
        (2027, ()),
        (2028, (Refusal.YEAR_TOO_FAR,)),
    ],
)
def test_ready_is_for_this_year_or_the_next(year, reasons):
    assert against_submitting(EDITOR, STANDING, replace(PROPOSAL, year=year)) == reasons


@pytest.mark.parametrize(
    "level",
    [
        level
        for level in ReadinessLevel.values
        if level in transitions.UP[transitions.UNASSESSED] and level != "ready"
    ],
)
@pytest.mark.parametrize("year", [2026, 0])
def test_no_other_level_has_a_year(level, year):
    proposal = replace(PROPOSAL, level=level, year=year)
    assert against_submitting(EDITOR, STANDING, proposal) == (Refusal.YEAR_NOT_WANTED,)


# ---- the way down


@pytest.mark.parametrize("level", ReadinessLevel.values)
@pytest.mark.parametrize("target", ReadinessLevel.values)
def test_a_risk_owner_takes_down_what_the_table_says_and_nothing_else(level, target):
    reasons = policy.reasons_against_downgrading(
        OWNER, replace(STANDING, level=level), target, "Wrong step."
    )
    assert reasons == (() if target in transitions.DOWN[level] else (Refusal.NOT_A_DOWNGRADE,))


@pytest.mark.parametrize("is_active", [True, False])
@pytest.mark.parametrize("is_risk_owner", [True, False])
@pytest.mark.parametrize("reason", ["Wrong step.", " "])
@pytest.mark.parametrize("target", [transitions.SHADOW, transitions.READY])
def test_a_downgrade_is_refused_for_exactly_the_doubts_that_hold(
    is_active, is_risk_owner, reason, target
):
    person = replace(OWNER, is_active=is_active, is_risk_owner=is_risk_owner)
    expected = {
        Refusal.NOT_ACTIVE: not is_active,
        Refusal.NOT_A_RISK_OWNER: not is_risk_owner,
        Refusal.NOT_A_DOWNGRADE: target == transitions.READY,
        Refusal.RATIONALE_MISSING: not reason.strip(),
    }
    reasons = policy.reasons_against_downgrading(
        person, replace(STANDING, level=transitions.READY), target, reason
    )
    assert told(reasons) == {refusal for refusal, holds in expected.items() if holds}


def test_saying_no_needs_neither_a_document_nor_a_free_place():
    bare = replace(STANDING, level=transitions.READY, has_document=False, has_open_request=True)
    assert policy.reasons_against_downgrading(OWNER, bare, transitions.SHADOW, "Wrong step.") == ()


# ---- a change of signing rights or of a rule


TERMS = RuleTerms(required_signatures=2, group="owners", evidence_required=False, valid_days=90)


@pytest.mark.parametrize(
    ("changes", "stricter"),
    [
        ({}, True),
        ({"required_signatures": 3}, True),
        ({"required_signatures": 1}, False),
        ({"evidence_required": True}, True),
        ({"valid_days": 89}, True),
        ({"valid_days": 91}, False),
        ({"valid_days": None}, False),
        ({"group": "others"}, False),
        # What is lighter in one respect is not stricter, whatever it is in the others.
        ({"group": "others", "required_signatures": 9, "valid_days": 1}, False),
        ({"required_signatures": 1, "evidence_required": True, "valid_days": 1}, False),
        ({"required_signatures": 9, "evidence_required": True, "valid_days": 91}, False),
    ],
)
def test_a_rule_is_stricter_only_where_it_is_lighter_in_no_respect(changes, stricter):
    assert policy.is_stricter(replace(TERMS, **changes), TERMS) is stricter


def test_a_rule_without_evidence_is_lighter_than_one_with_it():
    with_evidence = replace(TERMS, evidence_required=True)
    assert policy.is_stricter(with_evidence, with_evidence)
    assert not policy.is_stricter(TERMS, with_evidence)


@pytest.mark.parametrize("days", [None, 1, 9_999])
def test_any_limit_is_stricter_than_none(days):
    assert policy.is_stricter(replace(TERMS, valid_days=days), replace(TERMS, valid_days=None))


def test_the_first_rule_is_stricter_than_nothing_and_waits():
    assert not policy.is_stricter(TERMS, None)


AGAINST_SETTLING = {
    Refusal.CHANGE_SETTLED: {"is_waiting": False},
    Refusal.NOT_ACTIVE: {"person": {"is_active": False}},
    Refusal.NOT_A_RISK_OWNER: {"person": {"is_risk_owner": False}},
    Refusal.MEMBERSHIP_NOT_RECORDED: {"person": {"recorded_since": None}},
    Refusal.OWN_CHANGE: {"behind": frozenset({"olga", "rita"})},
    Refusal.ACCESS_TOO_NEW: {"person": {"signs_since": AT - timedelta(hours=23)}},
    Refusal.COOLING_DOWN: {"person": {"password_set_by_another_at": AT - timedelta(hours=23)}},
    Refusal.LOCKED_OUT: {"person": {"wrong_passwords": 5}},
}


def against_settling(first_day=False, **changes):
    given = {
        "person": replace(OWNER, username="olga", **changes.pop("person", {})),
        "made_by": frozenset({"rita", "sue"}),
        "behind": frozenset({"olga"}),
        "about": "nora",
        "is_waiting": True,
    }
    return policy.reasons_against_settling(
        **{**given, **changes}, settings=SignOffSettings(first_day=first_day), at=AT
    )


@pytest.mark.parametrize("first_day", [True, False])
@pytest.mark.parametrize("held", doubts(*AGAINST_SETTLING), ids="+".join)
def test_settling_is_refused_for_exactly_the_doubts_that_hold_on_the_first_day_too(held, first_day):
    parts = {"person": {}}
    for doubt in held:
        for name, changes in AGAINST_SETTLING[doubt].items():
            parts[name] = {**parts[name], **changes} if name == "person" else changes
    held = set(held)
    if {Refusal.NOT_A_RISK_OWNER, Refusal.MEMBERSHIP_NOT_RECORDED} <= held:
        held.remove(Refusal.MEMBERSHIP_NOT_RECORDED)  # who is no member has no membership to record
    assert told(against_settling(first_day=first_day, **parts)) == held


def test_nobody_settles_a_change_of_their_own_account():
    assert against_settling(about="olga") == (Refusal.OWN_CHANGE,)
    assert against_settling(about="") == ()  # of a rule


# ---- damage of the ledger


@pytest.mark.parametrize("is_active", [True, False])
@pytest.mark.parametrize("is_risk_owner", [True, False])
@pytest.mark.parametrize("reason", ["The disk was replaced.", " \n"])
def test_damage_is_accepted_by_an_active_risk_owner_with_a_reason(is_active, is_risk_owner, reason):
    expected = {
        Refusal.NOT_ACTIVE: not is_active,
        Refusal.NOT_A_RISK_OWNER: not is_risk_owner,
        Refusal.RATIONALE_MISSING: not reason.strip(),
    }
    person = replace(OWNER, is_active=is_active, is_risk_owner=is_risk_owner)
    reasons = policy.reasons_against_accepting(person, reason)
    assert told(reasons) == {refusal for refusal, holds in expected.items() if holds}


def test_every_refusal_can_be_given():
    given = {
        *(reason for held in doubts(*AGAINST_SIGNING) for reason in held),
        *(reason for held in doubts(*AGAINST_ASKING) for reason in held),
        Refusal.NOT_THE_REQUESTER,
        Refusal.NOT_A_DOWNGRADE,
        Refusal.RND_ONLY_CANNOT_BE_READY,
        Refusal.STEP_NOT_ALLOWED,
        Refusal.NOTHING_CHANGES,
        Refusal.NOT_WHAT_IT_WAS,
        Refusal.YEAR_ALREADY_SIGNED,
        Refusal.SOLO_MODE_IS_OFF,
        Refusal.DOCUMENT_IS_STUB,
        Refusal.YEAR_MISSING,
        Refusal.YEAR_NOT_WANTED,
        Refusal.YEAR_TOO_FAR,
        Refusal.EVIDENCE_NOT_A_LINK,
        Refusal.DOCUMENT_NOT_SHOWN,
        # Given by the actions, which alone see the comment and the password.
        Refusal.COMMENT_MISSING,
        Refusal.WRONG_PASSWORD,
        Refusal.ACCESS_TOO_NEW,
        Refusal.QUORUM_OUT_OF_REACH,
        Refusal.OWN_CHANGE,
        Refusal.CHANGE_SETTLED,
    }
    assert given == set(Refusal)


def test_the_rules_import_no_framework():
    """They can be read, and run, without Django."""
    import subprocess
    import sys

    program = (
        "import sys; import governance.signoff.policy, governance.signoff.transitions;"
        "import runbooks.validity, runbooks.slugs, runbooks.landscape.parse.notices;"
        "sys.exit(any(name.split('.')[0] in ('django', 'rest_framework') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0


def test_evidence_that_is_no_link_is_refused():
    proposal = replace(PROPOSAL, evidence=("https://evidence.example/", "javascript:alert(1)"))
    assert against_submitting(EDITOR, STANDING, proposal) == (Refusal.EVIDENCE_NOT_A_LINK,)


def test_a_document_that_cannot_be_shown_is_refused():
    status = replace(STANDING, document_is_intact=False)
    assert against_submitting(EDITOR, status, PROPOSAL) == (Refusal.DOCUMENT_NOT_SHOWN,)


def test_a_stub_does_not_become_ready_and_may_become_anything_else():
    status = replace(STANDING, document_is_stub=True)
    assert against_submitting(EDITOR, status, PROPOSAL) == (Refusal.DOCUMENT_IS_STUB,)
    lower = replace(PROPOSAL, level=transitions.SHADOW, year=None)
    assert against_submitting(EDITOR, status, lower) == ()


def test_a_runbook_without_a_document_can_be_reinstated_where_nobody_had_assessed_it():
    status = replace(
        STANDING,
        level=transitions.RETIRED,
        before_retirement=transitions.UNASSESSED,
        has_document=False,
    )
    proposal = replace(PROPOSAL, level=transitions.UNASSESSED, year=None)
    assert against_submitting(EDITOR, status, proposal) == ()
