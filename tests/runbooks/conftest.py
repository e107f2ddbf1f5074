"""What the catalogue's tests share."""

import pytest
from django.test import Client

from tests.runbooks.asking import LISTS, V1
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


@pytest.fixture
def details(scene):
    """The address of one row of every list, by the prefix of its route."""
    return {
        "runbooks": f"{V1}runbooks/{scene.ready.slug}/",
        "clusters": f"{V1}clusters/{scene.cluster.slug}/",
        "layers": f"{V1}layers/{scene.layer.slug}/",
        "sections": f"{V1}sections/{scene.section.slug}/",
        "situations": f"{V1}situations/{scene.situation.slug}/",
        "code-references": f"{V1}code-references/{scene.code_reference.pk}/",
        "changes": f"{V1}changes/1/",
        "sign-off-requests": f"{V1}sign-off-requests/{scene.request.pk}/",
        "findings": f"{V1}findings/{scene.finding.pk}/",
    }


@pytest.fixture
def every_address(details, scene):
    """Every address of the API that a row can be read at."""
    return [
        V1,
        "/api/schema/",
        *LISTS,
        *details.values(),
        f"{V1}runbooks/{scene.ready.slug}/document/",
        f"{V1}runbooks/{scene.ready.slug}/verdict/",
        f"{V1}runbooks/{scene.ready.slug}/gate/",
        f"{V1}resolve/",
    ]
