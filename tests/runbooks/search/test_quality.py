"""The bar: the right runbook is first in 90 % of the questions, in the first three in 98 %."""

import pytest

from tests.runbooks.search_quality.held_back import HELD_BACK
from tests.runbooks.search_quality.measure import AMONG_THREE, FIRST, figures, import_fixtures
from tests.runbooks.search_quality.questions import QUESTIONS

pytestmark = pytest.mark.django_db


@pytest.fixture
def fixtures(people):
    import_fixtures()


@pytest.mark.parametrize("questions", [QUESTIONS, HELD_BACK], ids=["labelled", "held back"])
def test_the_right_runbook_comes_first(fixtures, questions):
    result = figures(questions)
    assert result.first >= FIRST, result.misses
    assert result.among_three >= AMONG_THREE, result.misses


def test_the_sets_are_large_enough_and_share_no_question():
    assert len(QUESTIONS) >= 60
    assert len(HELD_BACK) >= 30
    asked = [question.casefold() for question, _ in (*QUESTIONS, *HELD_BACK)]
    assert len(set(asked)) == len(asked)
    assert len({right for _, right in QUESTIONS}) == len({right for _, right in HELD_BACK}) == 16


@pytest.mark.parametrize(
    "spellings",
    [
        ("ueberanpassung", "Überanpassung", "uberanpassung", "ÜBERANPASSUNG"),
        ("Finish-C", "Finish‑C", "finish c", "FINISH–C"),
        (
            "Armstrong × El Karoui",
            "armstrong x el karoui",
            "Armstrong/El Karoui",
            "armstrong el-karoui",
        ),
        ("go/no-go", "Go No Go", "gonogo", "GO–NO‑GO"),
        ("escalation", "escalaton", "Eskalation"),
    ],
)
def test_spellings_of_one_question_bring_one_answer_first(fixtures, spellings):
    from tests.runbooks.search_quality.measure import ask_the_search

    firsts = {spelling: ask_the_search(spelling)[0] for spelling in spellings}
    assert len(set(firsts.values())) == 1, firsts
