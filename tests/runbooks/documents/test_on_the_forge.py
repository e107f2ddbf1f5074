"""A document looks as on a forge. The oracle is GitHub's own parser (cmark-gfm), in tests only."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runbooks.documents.invisible_characters import escape_invisible_characters
from tests.rendering_oracle import FIXTURES, as_documents_are, compare
from tests.runbooks.documents.forge.constructs import all_documents
from tests.runbooks.documents.forge.structure import in_the_portal, on_the_forge

FAMILIES = all_documents()
# What still differs, on purpose or as a quirk of a parser, and in how many documents of the family.
KNOWN = {
    "tabs": {"code": 1},  # half a tab before a fence's line: the forge keeps a space
    "footnotes": {"items": 1},  # the forge numbers the ways back
    "placeholders": {"items": 1},  # <a> is a tag to the forge and a placeholder here
}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_construct_has_the_structure_that_the_forge_gives_it(family):
    assert compare(FAMILIES[family], as_documents_are) == KNOWN.get(family, {})


@pytest.mark.parametrize("path", sorted(FIXTURES.rglob("*.md")), ids=lambda path: path.name)
def test_every_fixture_document_has_the_structure_that_the_forge_gives_it(path):
    text = path.read_text()
    assert in_the_portal(as_documents_are(text)).differences(on_the_forge(text)) == []


def test_there_are_enough_documents_to_say_so():
    assert sum(len(family) for family in FAMILIES.values()) >= 900


@st.composite
def nested_lists(draw):
    """Typical nested lists: one indentation style each, at most one level deeper per item."""
    step = draw(st.sampled_from((2, 3, 4)))
    mark = draw(
        st.sampled_from(
            ("-", "*", "+") if step == 2 else ("-", "*", "1.") if step == 3 else ("-", "1.")
        )
    )
    depth, lines = 0, []
    for number in range(draw(st.integers(1, 12))):
        depth = draw(st.integers(0, depth + 1)) if number else 0
        indent = " " * (depth * step)
        lines.append(
            f"{indent}{mark} {draw(st.sampled_from(('', '[ ] ', '**b** ', '`c` ')))}step {number}"
        )
        lines += draw(st.sampled_from(([], [], [], [""], [f"{indent}   goes on"])))
    return "\n".join(lines) + "\n"


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(nested_lists())
def test_any_nested_list_has_its_depths(text):
    here, there = in_the_portal(as_documents_are(text)), on_the_forge(text)
    assert (here.depths, here.lists, here.tasks) == (there.depths, there.lists, there.tasks)


@settings(max_examples=200, deadline=None)
@given(
    # What joins letters is judged by its neighbours, which a colour may part.
    st.text(
        alphabet=st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u200c\u200d"),
        max_size=200,
    ),
    st.sampled_from(["", "python", "bash", "x"]),
)
def test_any_code_stays_as_it_is_save_that_unseen_signs_are_shown(code, language):
    text = f"~~~~~~~~ {language}\n{code}\n~~~~~~~~\n"
    there = [escape_invisible_characters(block) for block in on_the_forge(text).code]
    assert in_the_portal(as_documents_are(text)).code == there
