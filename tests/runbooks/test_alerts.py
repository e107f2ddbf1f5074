"""From an alert to runbooks: the rules in order, never nothing, the warning before the answer."""

import itertools
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.editing.audited_edit import audited_edit
from runbooks.alerts import NAMES, RULES, Alert, MatchedBy, resolve
from runbooks.choices import MATCHED_BY_TEXTS
from runbooks.models import Situation, SituationRunbook
from tests import cast


@dataclass(frozen=True)
class Stated:
    """What a situation states."""

    alert_category: str = ""
    alert_source: str = ""
    alert_severity: str = ""
    alert_default: bool = False


ALERT = Alert("risk", "dashboard", "RED")


def stated(*names, **others):
    return Stated(**{f"alert_{name}": getattr(ALERT, name) for name in names} | others)


def test_every_rule_has_its_words():
    assert set(MATCHED_BY_TEXTS) == set(MatchedBy)


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_finds_the_situation_that_states_just_its_labels(rule):
    wanted = stated(*rule.value.split("+"))
    found = resolve(ALERT, [Stated(), wanted, Stated(alert_category="other")])
    assert (found.matched_by, found.situations) == (rule, (wanted,))


def test_the_rules_are_tried_from_the_closest_to_the_widest():
    every = [stated(*names) for size in (1, 2, 3) for names in itertools.combinations(NAMES, size)]
    for rule in RULES:
        found = resolve(ALERT, every)
        assert found.matched_by == rule
        every.remove(found.situations[0])


def test_a_situation_that_states_another_label_is_not_an_answer():
    other = Stated(alert_category="risk", alert_source="dashboard", alert_severity="YELLOW")
    assert resolve(ALERT, [other]).matched_by == MatchedBy.NONE


def test_a_situation_that_states_more_than_the_alert_carries_is_not_an_answer():
    assert resolve(Alert("risk"), [stated("category", "severity")]).matched_by == MatchedBy.NONE


def test_several_that_fit_alike_are_all_given_in_their_order():
    first, second = stated("category"), stated("category")
    assert resolve(ALERT, [first, second]).situations == (first, second)


def test_letters_and_spaces_around_do_not_count():
    assert (
        resolve(Alert(" RISK ", "Dashboard", "red"), [stated(*NAMES)]).matched_by
        == MatchedBy.CATEGORY_SOURCE_SEVERITY
    )


def test_what_nothing_fits_leads_to_the_default_and_without_one_to_all():
    other, default = Stated(alert_category="other"), Stated(alert_default=True)
    assert resolve(ALERT, [other, default]) == resolve(Alert(), [other, default])
    assert resolve(ALERT, [other, default]).situations == (default,)
    found = resolve(ALERT, [other])
    assert (found.matched_by, found.situations) == (MatchedBy.NONE, (other,))


@given(
    labels=st.tuples(st.text(), st.text(), st.text()), every=st.lists(st.builds(Stated), min_size=1)
)
def test_never_nothing(labels, every):
    assert resolve(Alert(*labels), every).situations


@pytest.mark.parametrize(
    ("text", "alert"),
    [
        ("risk:dashboard:RED", ALERT),
        ("risk:RED", Alert("risk", "", "RED")),
        ("risk", Alert("risk")),
        ("::RED", Alert("", "", "RED")),
        (" risk : dashboard : RED : more", Alert("risk", "dashboard : RED", "more")),
        ("risk:https://host:9090/a:RED", Alert("risk", "https://host:9090/a", "RED")),
        ("risk:<no value>:RED", Alert("risk", "", "RED")),
        ("", Alert()),
        ("x" * 500, Alert("x" * 500)),
    ],
)
def test_an_alerts_address_is_read_as_it_is_documented(text, alert):
    assert Alert.parse(text) == alert


# ---- on the pages and over REST


@pytest.fixture
def red(ready_runbook, people):
    situation = Situation.objects.create(
        slug="red-dashboard",
        title="RED on the dashboard",
        comment="Stop first.",
        alert_category="risk",
        alert_severity="RED",
    )
    SituationRunbook.objects.create(
        situation=situation, runbook=ready_runbook, position=1, headings="2. Steps\nNowhere"
    )
    SituationRunbook.objects.create(
        situation=situation, runbook=cast.make_runbook("Not signed"), position=2
    )
    return situation


@pytest.mark.django_db
def test_an_alert_leads_to_its_runbooks_with_the_warning_first(red, sign_in):
    page = sign_in("otto").get("/a/risk:dashboard:RED/").content.decode()
    assert "Matched on category and severity" in page
    assert page.index("Not for live use.") < page.index("Not signed")
    assert 'href="/runbooks/' in page


@pytest.mark.django_db
def test_the_slug_of_a_situation_leads_to_it(red, sign_in):
    assert sign_in("otto").get("/a/red-dashboard/").url == red.get_absolute_url()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "labels", ["x", "a:b:c:d", ":", "%3Cscript%3E", "ü", "x" * 300, "..", "red-dashboar"]
)
def test_whatever_the_alert_there_is_an_answer(red, sign_in, labels):
    answer = sign_in("otto").get(f"/a/{labels}/")
    assert answer.status_code == 200
    assert "RED on the dashboard" in answer.content.decode()
    assert "<script>" not in answer.content.decode()


@pytest.mark.django_db
def test_page_and_api_agree_on_an_alert_that_lacks_a_label_which_the_situation_states(red, sign_in):
    page = sign_in("otto").get("/a/risk/").content.decode()
    assert "No runbook is assigned to this alert. Choose a situation below" in page
    assert sign_in("otto").get("/api/v1/resolve/?category=risk").json()["matched_by"] == "none"


@pytest.mark.django_db
def test_an_empty_portal_answers_too(people, sign_in):
    assert "No situations yet." in sign_in("otto").get("/a/risk:RED/").content.decode()


@pytest.mark.django_db
def test_a_situation_names_the_headings_to_read(red, sign_in):
    page = sign_in("otto").get(red.get_absolute_url()).content.decode()
    assert "#doc-steps" in page or "not in the text" in page
    assert "Nowhere" in page


@pytest.mark.django_db
def test_the_api_gives_the_same_with_the_verdicts_and_the_rule(red, sign_in):
    answer = sign_in("otto").get("/api/v1/resolve/?category=risk&source=dashboard&severity=red")
    body = answer.json()
    assert answer.headers["Cache-Control"] == "no-store"
    assert body["matched_by"] == "category+severity"
    assert [(step["verdict"], step["reasons"]) for step in body["situations"][0]["runbooks"]] == [
        ("go", []),
        ("no-go", ["not_ready"]),
    ]
    assert sign_in("otto").get("/api/v1/resolve/").json()["matched_by"] == "none"


@pytest.mark.django_db
@pytest.mark.parametrize("query", ["category=risk&category=pump", "categroy=risk"])
def test_a_question_that_makes_no_sense_is_refused(red, sign_in, query):
    assert sign_in("otto").get(f"/api/v1/resolve/?{query}").status_code == 400


@pytest.mark.django_db
def test_one_situation_at_most_answers_other_alerts(red, sign_in):
    from django.db import IntegrityError, transaction

    Situation.objects.create(slug="any", title="Anything else", alert_default=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        Situation.objects.filter(pk=red.pk).update(alert_default=True)
    assert (
        "for alerts that match no other situation"
        in sign_in("otto").get("/a/other:GREEN/").content.decode()
    )


@pytest.mark.django_db
def test_many_situations_are_answered_in_a_fixed_number_of_queries(red, sign_in, people):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def asked(address):
        client.get(address)
        with CaptureQueriesContext(connection) as queries:
            client.get(address)
        return len(queries)

    client, addresses = (
        sign_in("otto"),
        ("/a/risk:RED/", "/api/v1/resolve/?category=risk&severity=RED"),
    )
    few = [asked(address) for address in addresses]
    for number in range(6):
        situation = Situation.objects.create(
            slug=f"red-{number}", title=f"RED {number}", alert_category="risk", alert_severity="RED"
        )
        SituationRunbook.objects.create(
            situation=situation, runbook=red.steps.first().runbook, position=1
        )
    assert [asked(address) for address in addresses] == few


@pytest.mark.django_db
def test_the_headings_to_read_are_those_of_the_text_that_the_page_shows(
    red, ready_runbook, people, sign_in
):
    """The signed text is shown first: a heading of a newer, unsigned one leads nowhere."""

    with audited_edit(ready_runbook, by=people["ed"]):
        ready_runbook.document = cast.store(
            ready_runbook.document_path, "# Other\n\n## Nowhere\n\n1. Else.\n"
        )
        ready_runbook.save()
    step = SituationRunbook.objects.get(situation=red, position=1)
    assert [bool(heading["anchor"]) for heading in step.headings_to_read()] == [
        "Steps" in str(ready_runbook.signed_document().contents),
        False,
    ]
    assert "#doc-nowhere" not in sign_in("otto").get(red.get_absolute_url()).content.decode()


# ---- whatever a label holds, page and API find the same


ODD_LABELS = [
    "a/b",
    "a:b",
    "https://prometheus.example:9090/graph?g0.expr=up&x=1#top",
    "two words",
    "50%",
    "100%25",
    "a+b",
    "a&b=c",
    "one\ntwo",
    "über · 🚨",
    "nothing\x00",
    "x" * 10_000,
    "..",
    "./..//",
    "?",
    "#",
    "<script>alert(1)</script>",
    "\\",
]


def ways_to(category, source, severity):
    """The page's address in its three spellings."""
    from urllib.parse import quote, urlencode

    labels = {"category": category, "source": source, "severity": severity}
    path = ":".join(quote(label) for label in labels.values())
    return [f"/a/?{urlencode(labels)}", f"/a/{path}/", f"/a/{path}"]


@pytest.mark.django_db
@pytest.mark.parametrize("label", ODD_LABELS, ids=range(len(ODD_LABELS)))
@pytest.mark.parametrize("name", NAMES)
def test_page_and_api_find_the_same_whatever_a_label_holds(red, sign_in, label, name):
    labels = {"category": "risk", "source": "dashboard", "severity": "RED"} | {name: label}
    stored = Situation.objects.create(slug="odd", title="The odd one")
    limit = Situation._meta.get_field(f"alert_{name}").max_length
    if len(label) <= limit and "\x00" not in label:
        Situation.objects.filter(pk=stored.pk).update(
            **{f"alert_{part}": value for part, value in labels.items()}
        )
    client = sign_in("otto")
    answer = client.get("/api/v1/resolve/", labels).json()
    addresses = ways_to(**labels)
    for address in addresses:
        ends_in_slash = labels["severity"].endswith("/") and address == addresses[-1]
        if "?" not in address and ((":" in label and name != "source") or ends_in_slash):
            continue  # the older form has no way to write it
        response = client.get(address)
        assert response.status_code == 200, address[:100]
        resolution = response.context["resolution"]
        assert resolution.matched_by == answer["matched_by"], address[:100]
        assert [each.slug for each in resolution.situations] == [
            each["slug"] for each in answer["situations"]
        ]
        assert "<script>alert" not in response.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address",
    ["/a/", "/a/:", "/a/::", "/a//", "/a/?category=&source=", "/a/?x=1", "/a/x/y/z/", "/a/%2F"],
)
def test_nothing_under_the_address_of_alerts_is_a_404(red, sign_in, address):
    response = sign_in("otto").get(address)
    assert response.status_code == 200
    assert "RED on the dashboard" in response.content.decode()


@pytest.mark.django_db
def test_an_unknown_alert_says_that_no_runbook_is_assigned_and_what_to_do(red, sign_in):
    page = sign_in("otto").get("/a/?category=weather&severity=RAIN").content.decode()
    assert "No runbook is assigned to this alert." in page
    assert "call your escalation contact" in page
    assert "This link contains no alert labels." in sign_in("otto").get("/a/").content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("source", ["", "<no value>", "[no value]", " "])
def test_a_label_that_is_missing_is_not_spoken_of(red, sign_in, source):
    page = (
        sign_in("otto")
        .get("/a/", {"category": "risk", "source": source, "severity": "RED"})
        .content.decode()
    )
    assert "Matched on category and severity." in page
    assert "this source" not in page
    assert "value" not in page.split("<main")[1].split("<section")[0].replace("value=", "")
    given = sign_in("otto").get("/a/?category=risk&source=dashboard&severity=RED").content.decode()
    assert "No situation also matches this source." in given


def test_the_documented_recipe_escapes_every_label():
    from pathlib import Path

    text = (Path(__file__).resolve().parents[2] / "docs" / "alerts.md").read_text("utf-8")
    recipes = [line for line in text.splitlines() if "/a/?category={{" in line]
    assert len(recipes) == 3
    for recipe in recipes:
        for name in NAMES:
            assert (
                f"{name}={{{{ $labels.{name} | urlquery }}}}" in recipe
                or f".Labels.{name} | urlquery" in recipe
            )
