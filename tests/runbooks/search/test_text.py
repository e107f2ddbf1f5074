"""Which spellings are one word, and which stay whole."""

import pytest

from runbooks.search.passages import passages_of
from runbooks.search.places import Places, written
from runbooks.search.snippets import LENGTH, snippet
from runbooks.search.text import MAX_TERMS, MAX_WORD_LENGTH, comparable, fold, index_words, terms_of
from runbooks.search.vocabulary import MAX_ALTERNATIVES, ONE_TYPO, TWO_TYPOS, Vocabulary


@pytest.mark.parametrize(
    "spellings",
    [
        (
            "ueberpruefung",
            "Überprüfung",
            "uberprufung",
            "ÜBERPRÜFUNG",
            "U\u0308berpru\u0308fung",
            "Über\u00adprüfung",
        ),
        ("größe", "groesse", "grosse", "GRÖSSE"),
        ("Störung", "stoerung", "storung"),
        ("café", "cafe"),
        ("ﬁnish", "finish"),
    ],
)
def test_spellings_of_one_word_are_one_word(spellings):
    assert len({tuple(index_words(spelling)) for spelling in spellings}) == 1


@pytest.mark.parametrize(
    "text", ["a×b", "a – b", "a—b", "a‑b", "a/b", "a · b", "a\u00a0b", "a & b"]
)
def test_signs_between_words_part_them(text):
    assert index_words(text)[:2] == ["a", "b"]


def test_what_a_hyphen_joins_is_found_together_and_apart():
    assert {"live", "freigabekriterien", "livefreigabekriterien"} == set(
        index_words("Live-Freigabekriterien")
    )
    assert "oncall" in index_words("On‑Call")
    assert "gonogo" in index_words("Go/No-Go 2026")


def test_identifiers_stay_whole_and_are_found_by_their_parts():
    assert index_words("`run_id`") == ["run_id", "run", "id"]
    assert index_words("ExecutionStatus") == ["executionstatus", "execution", "status"]
    assert index_words("is_synthetic=True") == ["is_synthetic", "is", "synthetic", fold("true")]
    assert [term.word for term in terms_of("is_synthetic=True run_id")] == [
        "is_synthetic",
        fold("true"),
        "run_id",
    ]


def test_a_question_is_asked_for_its_words_and_not_for_its_filling():
    assert [term.word for term in terms_of("Was tun, wenn die Ampel rot ist?")] == ["ampel", "rot"]
    assert [term.word for term in terms_of("was ist das")] == ["was", "ist", "das"]
    assert [term.word for term in terms_of("no-go")] == ["no", "go"]


@pytest.mark.parametrize(
    "text", ["", "   ", "\x00", "*", '"', "'", "-", "!?…", "🔥", "()", "\ud800", "_", "__", "%"]
)
def test_what_has_no_word_asks_for_nothing(text):
    assert terms_of(text) == ()
    assert index_words(text) == []


def test_a_question_of_any_length_asks_for_a_few_words():
    assert len(terms_of(" ".join(f"word{number}" for number in range(500)))) <= MAX_TERMS
    assert len(fold("x" * 5_000)) == MAX_WORD_LENGTH


def test_two_names_compare_without_their_signs():
    assert comparable("Go/No-Go 2026 – Live Alerts & Escalation") == comparable(
        "go no go 2026 live alerts escalation"
    )
    assert comparable("Armstrong × El Karoui") == comparable("armstrong x el-karoui")


# ---- which words of the index a word means


WORDS = (
    "escalation severity incident pipeline alert alerts freigabekriterien kriterien run_id "
    "blocked blockiert blockierte "
    "ampel probealarm red reduce traffic light stop stopp"
).split()
VOCABULARY = Vocabulary(dict.fromkeys(WORDS, 1), 20, [("ampel", "traffic light"), ("halt", "stop")])


def meant(question: str) -> list[str]:
    return [
        alternative.word
        for wanted in VOCABULARY.wanted(terms_of(question))
        for alternative in wanted.alternatives
    ]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("escalaton", "escalation"),
        ("severty", "severity"),
        ("incidnet", "incident"),
        ("Probealaram", "probealarm"),
        ("pipline", "pipeline"),
        ("xescalatiom", "escalation"),
        ("escal", "escalation"),
        ("sev", "severity"),
        ("freigabe", "freigabekriterien"),
        ("alerting", "alert"),
        ("run_id", "run_id"),
        ("halt", "stop"),
        ("traffic light", "traffic"),
    ],
)
def test_a_word_means(typed, first):
    assert meant(typed)[0] == first


def test_a_word_means_its_other_endings():
    assert {"blocked", "blockiert", "blockierte"} <= set(meant("blockieren"))
    assert {"alert", "alerts"} <= set(meant("alerting"))


def test_a_compound_means_its_parts():
    assert {"alert", "pipeline"} <= set(meant("alertpipeline"))


def test_synonyms_work_both_ways_and_for_phrases():
    assert "traffic light" in meant("ampel")
    assert "ampel" in meant("traffic light")
    assert "ampel" not in meant("traffic jam")


@pytest.mark.parametrize("typed", ["zzzz", "rnu", "9999", "inxxxent", "run_xx"])
def test_a_word_too_far_from_any_means_none(typed):
    assert meant(typed) == []


def test_the_very_word_comes_before_what_begins_with_it():
    assert meant("red")[:1] == ["red"]
    assert meant("alert")[0] == "alert"


def test_alternatives_are_few_and_never_twice():
    many = Vocabulary({f"word{number}": 1 for number in range(500)}, 500)
    alternatives = many.wanted(terms_of("word"))[0].alternatives
    assert len(alternatives) == MAX_ALTERNATIVES
    assert len({each.word for each in alternatives}) == MAX_ALTERNATIVES


@pytest.mark.parametrize(
    ("typed", "quality"),
    [
        ("abcefghi", ONE_TYPO),  # one missing
        ("abcdxefghi", ONE_TYPO),  # one added
        ("abcdxfghi", ONE_TYPO),  # one wrong
        ("abcedfghi", ONE_TYPO),  # two exchanged
        ("bacdefgih", TWO_TYPOS),  # exchanged at both ends
        ("xbcdefghx", TWO_TYPOS),
        ("acbdegfhi", TWO_TYPOS),
        ("xbcdxfghx", None),  # three
        ("uvwxyzstr", None),
    ],
)
def test_typing_errors_are_counted(typed, quality):
    (wanted,) = Vocabulary({"abcdefghi": 1}, 1).wanted(terms_of(typed))
    assert [each.quality for each in wanted.alternatives] == [quality] * (quality is not None)


@pytest.mark.parametrize(("typed", "found"), [("abxd", True), ("abxy", False), ("axc", False)])
def test_a_short_word_may_have_one_typing_error_and_a_very_short_one_none(typed, found):
    (wanted,) = Vocabulary({"abcd": 1, "abc": 1}, 2).wanted(terms_of(typed))
    assert bool(wanted.alternatives) == found


# ---- sections and snippets


def test_a_document_is_parted_by_its_headings_with_the_anchors_of_the_page():
    html = (
        '<h2 id="doc-a">A</h2><p>one</p><h3 id="doc-b">B '
        "<code>run_id</code></h3><ul><li>two</li><li>three &lt;x&gt;</li></ul>"
    )
    first, second = passages_of(f"<p>before</p>{html}")[1:]
    assert (first.heading, first.anchor, first.text) == ("A", "doc-a", "one")
    assert (second.heading, second.anchor, second.text) == ("B run_id", "doc-b", "two · three <x>")
    assert passages_of("") == []


PLACES = Places(
    written(
        [
            (["valve"], ["close", "valve", "traffic", "light"]),
            (["gate", "traffic", "light"], ["close", "the_valve"]),
            ([], [f"word{number}" for number in range(3_000)]),
        ]
    )
)


@pytest.mark.parametrize(
    ("word", "in_text", "in_heading"),
    [
        ("valve", ["0"], ["0"]),
        ("close", ["0", "1"], []),
        ("gate", [], ["1"]),
        ("the_valve", ["1"], []),
        ("traffic light", ["0"], ["1"]),
        ("traffic valve", ["0"], []),
        ("valv", [], []),
        ("lose", [], []),
        ("0", [], []),
        ("word17", ["2"], []),
        ("word2999", ["2"], []),
        ("missing", [], []),
    ],
)
def test_a_word_is_looked_up_in_the_passages_that_hold_it(word, in_text, in_heading):
    texts, headings = PLACES.of(word)
    assert (list(texts), list(headings)) == (in_text, in_heading)


def test_no_document_has_no_places():
    assert PLACES.of("") == Places("").of("valve") == Places(written([])).of("valve") == ((), ())


def test_a_snippet_shows_where_most_of_the_words_stand():
    text = "filler " * 200 + "the lamp is red and the order waits " + "filler " * 200
    parts = snippet(text, frozenset({"lamp", "order"}))
    assert [part.text for part in parts if part.marked] == ["lamp", "order"]
    assert sum(len(part.text) for part in parts) < LENGTH + 20
    assert parts[0].text == "… "


def test_a_snippet_marks_every_spelling_and_parts_of_identifiers():
    parts = snippet("Überprüfung von run_id", frozenset({"uberprufung", "run"}))
    assert [part.text for part in parts if part.marked] == ["Überprüfung", "run_id"]
    assert "".join(part.text for part in snippet("short", frozenset())) == "short"
