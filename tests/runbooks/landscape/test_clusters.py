"""Clusters: numbers, ranges, letters and names, the primary one and the related ones."""

import pytest

from runbooks.landscape.parse.clusters import read_clusters
from runbooks.landscape.schema import ClusterMention
from tests.runbooks.landscape.samples import read, row


def cluster(first, last=None, title="", kind="cluster", suffix=""):
    return ClusterMention(kind, first, last or first, suffix, title)


def named(title, kind="stream"):
    return ClusterMention(kind, None, None, "", title)


@pytest.mark.parametrize(
    ("cell", "primary"),
    [
        ("Cluster 84 (Incident Desk)", cluster(84, title="Incident Desk")),
        ("Cluster 82–85 (Live & Late)", cluster(82, 85, "Live & Late")),
        ("Cluster 82-85", cluster(82, 85)),
        ("Cluster 82\u201185", cluster(82, 85)),
        ("Clusters 82 – 85", cluster(82, 85)),
        ("cluster 7", cluster(7)),
        ("Phase 16A (Pipeline)", cluster(16, title="Pipeline", kind="phase", suffix="A")),
        ("Phase 16a / Dry Run", cluster(16, title="Dry Run", kind="phase", suffix="A")),
        ("Phase 78 / R&D Alpha × Beta", cluster(78, title="R&D Alpha × Beta", kind="phase")),
        ("Phase 3: Drills", cluster(3, title="Drills", kind="phase")),
        ("Cluster 82 – 2026 Roadmap", cluster(82, title="2026 Roadmap")),
        ("Cluster 5 (Pumps (old))", cluster(5, title="Pumps (old)")),
        ("Cluster 5 (Pumps) and more", cluster(5, title="(Pumps) and more")),
        ("Cluster 82–85 – Live Alerts", cluster(82, 85, "Live Alerts")),
        ("Cluster 82-85 Live Alerts", cluster(82, 85, "Live Alerts")),
        ("Cluster 82–85 [Live](docs/x.md)", cluster(82, 85, "Live")),
        ("Cluster 82–85: 2026 Roadmap", cluster(82, 85, "2026 Roadmap")),
        ("Cluster 84 Incident Phase 2 Drills", cluster(84, title="Incident Phase 2 Drills")),
        ("**Cluster 5 (Pumps)**", cluster(5, title="Pumps")),
        ("Reporting / Evidence Chain", named("Reporting / Evidence Chain")),
        ("Web/API + Grafana / Observability", named("Web/API + Grafana / Observability")),
        ("Ops, Governance & Drills", named("Ops, Governance & Drills")),
        ("Tier 1/2", named("Tier 1/2")),
        ("Cluster 16Alpha", named("Cluster 16Alpha")),
        ("Cluster 123456789", named("Cluster 123456789")),
        ("Finish\u2011C Track", named("Finish-C Track", "track")),
        ("Work related to Safety", named("Work related to Safety")),
        ("Tracking Desk", named("Tracking Desk")),
    ],
)
def test_a_cell_names_its_primary_cluster(cell, primary):
    read_cell = read_clusters(cell)
    assert read_cell.primary == primary
    assert read_cell.related == read_cell.odd_ranges == ()


@pytest.mark.parametrize(
    ("cell", "primary", "related"),
    [
        (
            "Phase 16A (Pipe), verknüpft mit Cluster 82–85",
            cluster(16, title="Pipe", kind="phase", suffix="A"),
            [(82, 85)],
        ),
        (
            "Cluster 1 (A), linked with Cluster 2, 3–4 und 5",
            cluster(1, title="A"),
            [(2, 2), (3, 4), (5, 5)],
        ),
        ("Cluster 1 (linked with Cluster 2)", cluster(1), [(2, 2)]),
        ("Cluster 1 (A), verknu\u0308pft mit Cluster 2", cluster(1, title="A"), [(2, 2)]),
        ("Cluster 82–85<br>Phase 16", cluster(82, 85), [(16, 16)]),
        ("Cluster 82–85 (Live) <br/> Phase 16", cluster(82, 85, "Live"), [(16, 16)]),
        ("Phase 25 (A) Phase 56 (B)", cluster(25, title="A", kind="phase"), [(56, 56)]),
        ("Phase 16A Cluster 2 (B)", cluster(16, kind="phase", suffix="A"), [(2, 2)]),
        ("Cluster 1 related to: Cluster 2", cluster(1), [(2, 2)]),
        ("Cluster 1, Cluster 1, Cluster 2, 2", cluster(1), [(2, 2)]),
        (
            "Cluster 1 (see Cluster 9, or 8) & Cluster 2",
            cluster(1, title="see Cluster 9, or 8"),
            [(2, 2)],
        ),
    ],
)
def test_linked_and_further_clusters_are_related(cell, primary, related):
    read_cell = read_clusters(cell)
    assert read_cell.primary == primary
    assert [(found.first_number, found.last_number) for found in read_cell.related] == related


def test_two_phases_in_one_cell_are_a_primary_and_a_related_one():
    read_cell = read_clusters("Phase 25 (Governance & Safety), Phase 56 (Drills)")
    assert read_cell.primary == cluster(25, title="Governance & Safety", kind="phase")
    assert read_cell.related == (cluster(56, title="Drills", kind="phase"),)
    assert read_clusters("Phase 25/56").related == (cluster(56, kind="phase"),)


def test_a_name_may_stand_beside_a_number():
    assert read_clusters("Ops / Drills, Cluster 2").primary == named("Ops / Drills")
    assert read_clusters("Ops / Drills, Cluster 2").related == (cluster(2),)
    assert read_clusters("Cluster 2, Ops").related == (named("Ops"),)


def test_a_cell_that_only_links_has_no_primary_cluster():
    read_cell = read_clusters("verknüpft mit Cluster 3")
    assert read_cell.primary is None
    assert read_cell.related == (cluster(3),)


@pytest.mark.parametrize("cell", ["", "  ", "–", "-", "**"])
def test_an_empty_cell_names_no_cluster(cell):
    assert read_clusters(cell).primary is None


@pytest.mark.parametrize(
    ("cell", "title"),
    [
        ("Cluster 82 bis 85", ""),
        ("Cluster 82 to 85 (Live)", "Live"),
        ("Cluster 82…85", ""),
        ("Cluster 82 … 85 – Live", "Live"),
        ("Cluster 82...85", ""),
        ("Cluster 82–85–90", ""),
        ("Cluster 82 – 85 Live", "Live"),
        ("Cluster 82-2026 Roadmap", "Roadmap"),
        ("Cluster 82–85er Reihe", "er Reihe"),
    ],
)
def test_what_begins_like_a_range_and_is_none_is_read_as_its_first_number_and_noted(cell, title):
    landscape = read(row(cluster=cell))
    assert landscape.runbooks[0].primary_cluster == cluster(82, title=title)
    assert [notice.kind for notice in landscape.notices] == ["odd_range"]
    assert "no proper end" in landscape.notices[0].message


@pytest.mark.parametrize(
    ("cell", "first"),
    [("Cluster 85–82 (Late)", (85, "")), ("Phase 16A–16C", (16, "A")), ("Phase 16–18B", (16, ""))],
)
def test_a_range_that_runs_backwards_or_has_letters_is_read_as_its_first_number_and_noted(
    cell, first
):
    landscape = read(row(cluster=cell))
    primary = landscape.runbooks[0].primary_cluster
    assert (primary.first_number, primary.suffix) == first
    assert primary.last_number == primary.first_number
    assert [notice.kind for notice in landscape.notices] == ["odd_range"]
    assert "–" in landscape.notices[0].message
