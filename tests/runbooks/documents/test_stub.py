"""A file that exists to satisfy a link is no runbook; a short one that can be followed is."""

import pytest

from runbooks.documents.checks.stub import is_stub


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# Title only\n",
        "---\ntitle: x\nversion: v1\n---\n\n# Title\n",
        "---\r\ntitle: x\r\nversion: v1\r\n---\r\n\r\n# Title\r\n",
        "# A\n\n1. TODO\n2. TBD: write this\n",
        "# A\n\n- [ ] TODO: write this\n",
        "# A\n\n1. \n2. \n\nStub.\n",
        "# A\n\n```\n# placeholder\n```\n",
        "<!-- nothing -->\n# A\n",
        "# A\n\nStub for the docs gate.\n",
        "# A\n\nTODO\n",
        "# A\n\nTBD.\n",
        "# A\n\nWork in progress, to be written.\n",
        "# A\n\nDieser Text folgt noch.\n",
        "# A\n\nSee [the other runbook](other.md).\n",
        "# A\n\nMoved: https://example.org/runbooks/a\n",
    ],
)
def test_nobody_can_follow_this(text):
    assert is_stub(text)


@pytest.mark.parametrize(
    "text",
    [
        "# Steps\n\n1. Look.\n2. Act.\n",
        "# A\n\n1. Restart pump.\n2. Add a dummy order and check placeholder <id>\n",
        "# A\n\n1. TODO later call Bob\n2. Restart\n",
        "# A\n\n```\nmake stop\n# TODO: the others\n```\n",
        "# A\n\n```\nmake stop\n```\n\nSee [more](b.md).\n",
        "# A\n\n- [ ] Close the valve ([why](b.md))\n",
        "# A\n\nClose the valve, then call the desk and wait for the answer. See [more](b.md).\n",
        "# A\n\n" + "Work through this list of TODO items with care. " * 20,
    ],
)
def test_somebody_can_follow_this(text):
    assert not is_stub(text)
