"""What the portal's tests share."""

import pytest

from tests.runbooks.scene import make_scene


@pytest.fixture
def scene(people):
    """A landscape with one row of every model."""
    return make_scene(people)
