"""What is deleted takes nothing with it in silence, and no two clusters read the same."""

import pytest
from django.core.exceptions import ValidationError

from governance.editing.audited_edit import delete
from governance.ledger.models import ChangeLogEntry
from runbooks.models import Cluster, Layer, Runbook
from tests import cast

pytestmark = pytest.mark.django_db


def told_of(runbook):
    return (
        ChangeLogEntry.objects.filter(subject=f"runbook:{runbook.slug}").order_by("sequence").last()
    )


def test_a_deleted_layer_is_told_of_each_runbook_that_loses_it(people):
    runbook, other = cast.make_runbook(), cast.make_runbook()
    night = Layer.objects.create(slug="night", title="Night")
    runbook.layers.add(night)
    delete(night, by=people["ed"], reason="Nobody uses it.")
    row = told_of(runbook)
    assert (row.action, row.actor, row.reason) == ("changed", "ed", "Nobody uses it.")
    assert row.changes["layers"] == {"before": ["Night", "Pumps"], "after": ["Pumps"]}
    assert told_of(other) is None or "layers" not in told_of(other).changes


def test_a_deleted_cluster_is_told_of_each_runbook_that_loses_it(people):
    runbook = cast.make_runbook()
    cluster = Cluster.objects.create(slug="track", title="Track Live")
    runbook.related_clusters.add(cluster)
    delete(cluster, by=people["ed"])
    assert told_of(runbook).changes["related_clusters"] == {"before": ["Track Live"], "after": []}


def test_no_cluster_reads_like_another(people):
    """A signature covers clusters by name: a namesake without number could replace one."""
    runbook = cast.make_runbook()
    twin = Cluster(slug="twin", title=str(runbook.primary_cluster))
    with pytest.raises(ValidationError, match="has the same label"):
        twin.full_clean()
    Cluster.objects.get(pk=runbook.primary_cluster_id).full_clean()
    assert Runbook.objects.covering(str(runbook.primary_cluster.first_number)).get() == runbook
