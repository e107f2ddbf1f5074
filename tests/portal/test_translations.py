"""The German catalogue: whole, faithful to the English, compiled; and pages that speak it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone, translation
from django.utils.translation.template import templatize

from governance.findings.choices import FindingKind, Severity
from governance.ledger.choices import Action
from governance.signoff.choices import REFUSAL_TEXTS, Decision, Direction, RequestState
from runbooks.choices import REASON_TEXTS, ClusterKind, ReadinessLevel
from tests.translations import COMPILED, compile_catalogue, read_catalogue

GETTEXT = re.compile(r"(?:_|n?p?gettext(?:_lazy)?)")
STRING = r"""u?(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")"""
# What Django makes of a template before GNU gettext reads it: everything else is blanked out.
CALL_IN_TEMPLATE = re.compile(rf"\b({GETTEXT.pattern})\(\s*({STRING}(?:\s*,\s*{STRING})*)")
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[a-z%]|\{\w*\}")
TAG = re.compile(r"</?[a-zA-Z][^>]*>")
NEGATION = re.compile(r"\b(?:not|never|no|nobody|nothing|cannot|neither|nor)\b", re.IGNORECASE)
GERMAN_NEGATION = re.compile(
    r"\b(?:nicht|nein|nie|niemals|niemand\w*|nichts|kein\w*|ungültig|weder)\b", re.IGNORECASE
)
VOCABULARIES = (
    Action,
    ClusterKind,
    Decision,
    Direction,
    FindingKind,
    ReadinessLevel,
    RequestState,
    Severity,
)

GERMAN = {"accept-language": "de"}

# A text as the sources ask for it: context, singular, plural (empty where there is none).
Text = tuple[str, str, str]


def _text(function: str, strings: tuple[str, ...]) -> Text:
    """The text behind a call of one of gettext's functions."""
    context, rest = (strings[0], strings[1:]) if "pgettext" in function else ("", strings)
    return (
        context,
        rest[0],
        rest[1] if function.removesuffix("_lazy") in ("ngettext", "npgettext") else "",
    )


def _python_files() -> list[Path]:
    return [
        path
        for app in ("portal", "governance", "runbooks")
        for path in (settings.BASE_DIR / app).rglob("*.py")
    ]


def _calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call of one of gettext's functions in a Python file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if GETTEXT.fullmatch(name):
                yield name, node


def _literals(call: ast.Call) -> tuple[str, ...]:
    """The strings that a call begins with."""
    values = [
        argument.value if isinstance(argument, ast.Constant) else None for argument in call.args
    ]
    strings = []
    for value in values:
        if not isinstance(value, str):
            break
        strings.append(value)
    return tuple(strings)


def _texts_of_python(path: Path) -> Iterator[Text]:
    for name, call in _calls(path):
        yield _text(name, _literals(call))


def _texts_of_template(path: Path) -> Iterator[Text]:
    for name, arguments in CALL_IN_TEMPLATE.findall(
        templatize(path.read_text(encoding="utf-8"), origin=str(path))
    ):
        yield _text(name, ast.literal_eval(f"({arguments},)"))


def _texts_of_sources() -> dict[Text, str]:
    """Every text that the sources ask for, and a file that does."""
    templates = [
        path
        for path in (settings.BASE_DIR / "templates").rglob("*.*")
        if path.suffix in (".html", ".txt")
    ]
    found = {text: path for path in templates for text in _texts_of_template(path)}
    found |= {text: path for path in _python_files() for text in _texts_of_python(path)}
    return {text: str(path.relative_to(settings.BASE_DIR)) for text, path in found.items()}


@pytest.fixture(scope="module")
def catalogue():
    return read_catalogue()


def _sides(entry) -> list[tuple[str, str]]:
    """Each English text of an entry beside its German one."""
    if not entry.msgid_plural:
        return [(entry.msgid, entry.msgstr)]
    return [(entry.msgid, entry.msgstr_plural[0]), (entry.msgid_plural, entry.msgstr_plural[1])]


# ---- the catalogue is whole


def test_every_text_of_the_sources_stands_in_the_catalogue(catalogue):
    known = {
        (entry.msgctxt or "", entry.msgid, entry.msgid_plural)
        for entry in catalogue
        if not entry.obsolete
    }
    missing = {text: path for text, path in _texts_of_sources().items() if text not in known}
    assert not missing, "run makemessages (CONTRIBUTING, Translations), then fill in the German"


def test_the_search_for_texts_finds_them():
    """A blind search would find nothing missing."""
    texts = _texts_of_sources()
    assert ("", "What are you facing?", "") in texts  # {% translate %}
    assert ("", "Signed for live use until %(day)s", "") in texts  # {% blocktranslate %}
    assert ("", "%(number)s runbook", "%(number)s runbooks") in texts  # {% plural %}
    assert ("", "Filter runbooks", "") in texts  # within an attribute
    assert ("", "It is not signed for live use.", "") in texts  # gettext_lazy
    assert ("", "%(count)d finding resolved.", "%(count)d findings resolved.") in texts  # ngettext


def test_only_literal_texts_are_marked_for_translation():
    """An f-string, a variable or a sum of texts is never found in a catalogue."""
    unsafe = [
        f"{path.relative_to(settings.BASE_DIR)}:{call.lineno}"
        for path in _python_files()
        for name, call in _calls(path)
        if len(_literals(call))
        < 1 + ("ngettext" in name or "npgettext" in name) + ("pgettext" in name)
    ]
    assert not unsafe


def test_every_text_is_translated_and_none_is_a_guess(catalogue):
    assert [entry.msgid for entry in catalogue if entry.fuzzy] == []
    assert [
        entry.msgid for entry in catalogue if not all(german.strip() for _, german in _sides(entry))
    ] == []
    assert not catalogue.metadata_is_fuzzy
    assert catalogue.obsolete_entries() == []


def test_no_text_stands_in_the_catalogue_twice(catalogue):
    keys = [(entry.msgctxt, entry.msgid) for entry in catalogue]
    assert len(keys) == len(set(keys))


# ---- the German says what the English says


@pytest.mark.parametrize("parts", [PLACEHOLDER, TAG], ids=["placeholders", "tags"])
def test_both_sides_hold_the_same(catalogue, parts):
    assert [
        (english, german)
        for entry in catalogue
        for english, german in _sides(entry)
        if sorted(parts.findall(english)) != sorted(parts.findall(german))
    ] == []


def test_both_sides_begin_and_end_alike(catalogue):
    """White space and the closing mark: a sentence stays one, a label stays one."""
    for entry in catalogue:
        for english, german in _sides(entry):
            assert german == german.strip(), entry.msgid
            assert (english[-1] in ".:?") == (german[-1] in ".:?"), (english, german)


def test_what_the_english_denies_the_german_denies(catalogue):
    """A lost “not” would be a permission."""
    lost = [
        (english, german)
        for entry in catalogue
        for english, german in _sides(entry)
        if NEGATION.search(english) and not GERMAN_NEGATION.search(german)
    ]
    assert not lost


@pytest.mark.parametrize("vocabulary", VOCABULARIES, ids=lambda vocabulary: vocabulary.__name__)
def test_no_two_members_of_a_vocabulary_share_a_german_word(vocabulary):
    with translation.override("de"):
        words = [str(label) for label in vocabulary.labels]
    assert len(words) == len(set(words))


@pytest.mark.parametrize("texts", [REASON_TEXTS, REFUSAL_TEXTS], ids=["reasons", "refusals"])
def test_every_reason_has_german_words_of_its_own(texts):
    with translation.override("de"):
        german = [str(text) for text in texts.values()]
    with translation.override("en"):
        english = [str(text) for text in texts.values()]
    assert len(german) == len(set(german))
    assert not set(german) & set(english)


# ---- what Django reads is what is written


def test_the_compiled_catalogue_is_up_to_date():
    assert COMPILED.read_bytes() == compile_catalogue(), (
        "run: .venv/bin/python -m tests.translations"
    )


def test_compiling_twice_gives_the_same_bytes():
    assert compile_catalogue() == compile_catalogue()


def test_plural_forms():
    with translation.override("de"):
        for number, words in (
            (0, "0 Befunde erledigt."),
            (1, "1 Befund erledigt."),
            (2, "2 Befunde erledigt."),
        ):
            text = translation.ngettext(
                "%(count)d finding resolved.", "%(count)d findings resolved.", number
            )
            assert text % {"count": number} == words


# ---- the pages speak German


@pytest.fixture
def visitor(settings):
    """A visitor from Germany without an account, where everybody may read."""
    settings.PORTAL_READ = "public"
    return Client(headers=GERMAN)


def _page(client, address, status=200):
    response = client.get(address, headers=GERMAN)
    assert response.status_code == status, address
    return response.content.decode()


@pytest.mark.django_db
def test_home_in_german(visitor, ready_runbook):
    page = _page(visitor, "/")
    assert '<html lang="de">' in page
    for words in (
        "Was liegt vor?",
        "Situationen",
        "Freigaben",
        "Änderungen",
        "jetzt für den Live-Einsatz zulässig",
    ):
        assert words in page, words
    assert "What are you facing?" not in page


@pytest.mark.django_db
def test_an_unsigned_runbook_in_german(visitor, runbook):
    page = _page(visitor, runbook.get_absolute_url())
    assert '<html lang="de">' in page
    assert '<h2 id="safety">Nicht für den Live-Einsatz</h2>' in page
    assert "Das Runbook ist nicht für den Live-Einsatz signiert." in page
    assert "Niemand hat dafür einen Freigabestand signiert." in page
    assert "is-go" not in page


@pytest.mark.django_db
def test_a_signed_runbook_in_german(visitor, ready_runbook):
    page = _page(visitor, ready_runbook.get_absolute_url())
    assert f"Für den Live-Einsatz bis 31. Dezember {timezone.localdate().year} signiert" in page
    assert "Signiert von" in page


@pytest.mark.django_db
def test_the_admin_in_german(sign_in):
    page = _page(sign_in("ed"), "/admin/")
    assert '<html lang="de"' in page
    for words in ("Katalog", "Governance", "Runbooks", "Freigabeanträge", "Befunde"):
        assert words in page, words


@pytest.mark.django_db
def test_an_error_page_in_german(visitor):
    assert "Diese Seite gibt es nicht" in _page(visitor, "/nowhere/", status=404)


@pytest.mark.django_db
def test_english_stays_english(visitor, runbook):
    response = visitor.get(runbook.get_absolute_url(), headers={"accept-language": "en"})
    assert '<html lang="en">' in response.content.decode()
    assert "Not for live use" in response.content.decode()
