"""What the catalogue's tests share."""

import pytest
from django.test import Client

from tests.runbooks.scene import make_scene


@pytest.fixture
def scene(people):
    """A landscape with one row of every model."""
    return make_scene(people)


@pytest.fixture
def reader(settings):
    """A visitor without an account, where everybody may read."""
    settings.PORTAL_READ = "public"
    return Client()
