"""The form of the filters: the names and controls of the framework's own form, at less cost."""

import pytest
from django import forms
from django.test import SimpleTestCase

from runbooks.filters import NAMED, RunbookFilterSet, Select, names_to_offer, offer_names
from runbooks.models import Layer, Section, Situation

pytestmark = pytest.mark.django_db


@pytest.fixture
def names():
    for title in ("Zulu", 'A "layer" <b>', "Überblick"):
        Layer.objects.create(slug=f"layer-{Layer.objects.count()}", title=title)
    for number in (10, 2, 1):
        Section.objects.create(slug=f"section-{number}", number=number, title=f"Chapter {number}")
    for position, title in ((2, "Second"), (1, "First"), (1, "Before")):
        Situation.objects.create(slug=title.lower(), title=title, position=position)


def test_the_names_are_those_that_each_field_offers_by_itself_in_their_order(
    names, django_assert_num_queries
):
    offered, own = RunbookFilterSet({}).form, RunbookFilterSet({}).form
    with django_assert_num_queries(1):
        offer_names(offered, names_to_offer())
    for kind, *_ in NAMED:
        assert offered.fields[kind].widget.choices == [
            (str(key), label) for key, label in own.fields[kind].choices
        ]


def test_a_chosen_name_is_looked_up_and_an_unknown_one_refused(names):
    for chosen, valid in (("first", True), ("no-such", False)):
        form = RunbookFilterSet({"situation": chosen}).form
        offer_names(form, names_to_offer())
        assert form.is_valid() is valid


@pytest.mark.parametrize("value", [None, "", "b", '"<'])
def test_the_control_is_the_frameworks_own(value):
    choices = [("", "---------"), ("b", "Beta & more"), ('"<', '"quoted" <b>')]
    attrs = {"id": "id_x", "required": True, "disabled": False, "aria-invalid": "true"}
    own = forms.Select(choices=choices).render("x", value, attrs)
    SimpleTestCase().assertHTMLEqual(Select(choices=choices).render("x", value, attrs), own)
