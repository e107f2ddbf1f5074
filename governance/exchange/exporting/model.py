"""The landscape to write: the last import, overlaid with what differs in the portal.

The comparison uses the same facts as an import, so a value that an import would call unchanged is
not rewritten.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace

from governance.exchange.exporting.status import SignedStatus
from governance.exchange.importing.current_state import current_catalogue
from governance.exchange.importing.target_state import (
    Catalogue,
    ClusterIndex,
    Facts,
    desired_catalogue,
)
from runbooks.choices import ReadinessLevel
from runbooks.landscape.parse.cells import plain_text
from runbooks.landscape.schema import (
    ClusterMention,
    CodeReferenceRow,
    DeclaredReadiness,
    Landscape,
    ReleaseRow,
    RunbookRow,
    SectionEntryRow,
    SectionRow,
    SituationRow,
)
from runbooks.landscape.write.contradictions import claimed_years
from runbooks.landscape.write.rows import status_text
from runbooks.models import Cluster, Runbook


def wanted_landscape(
    landscape: Landscape,
    keys: Mapping[str, str],
    *,
    dropped: frozenset[str],
    signed: Mapping[str, SignedStatus] | None = None,
) -> Landscape:
    """Return the landscape as the portal knows it.

    :param landscape: the last import as it is read now.
    :param keys: the title of each of its runbooks -> the title in the portal.
    :param dropped: runbooks and releases, by their ledger names, that a file no longer names: they
        are not put back.
    :param signed: the status of each runbook by its title in the portal; None writes the declared
        one.
    """
    clusters = list(Cluster.objects.all())
    said = desired_catalogue(landscape, ClusterIndex(landscape, clusters), keys)
    now = current_catalogue()
    runbooks = _Runbooks(
        landscape, keys, said, now, {str(cluster): cluster for cluster in clusters}
    )
    rows = runbooks.rows(dropped)
    if signed is not None:
        rows = _with_signed_status(rows, landscape, signed)
    return replace(
        landscape,
        runbooks=rows,
        situations=_situations(landscape.situations, said["situation"], now["situation"]),
        sections=_sections(landscape.sections, said["section"], now["section"], keys),
        code_references=_code_references(
            landscape.code_references, said["code_reference"], now["code_reference"]
        ),
        releases=_releases(landscape.releases, now["release"], dropped),
    )


# --- runbooks -----------------------------------------------------------------------------


class _Runbooks:
    """The rows of the runbook table."""

    def __init__(
        self,
        landscape: Landscape,
        keys: Mapping[str, str],
        said: Catalogue,
        now: Catalogue,
        clusters: Mapping[str, Cluster],
    ) -> None:
        self._landscape, self._keys = landscape, keys
        self._said, self._now = said["runbook"], now["runbook"]
        self._clusters = clusters

    def rows(self, dropped: frozenset[str]) -> tuple[RunbookRow, ...]:
        """Return the rows that stay, in the order of the portal, and the new ones."""
        kept = [
            (self._now[key]["position"], self._row(row, key))
            for row in self._landscape.runbooks
            if (key := self._keys[row.title]) in self._now
        ]
        named = set(self._keys.values())
        slugs = [
            subject.removeprefix("runbook:")
            for subject in dropped
            if subject.startswith("runbook:")
        ]
        absent = Runbook.objects.exclude(slug__in=slugs).exclude(
            readiness_level=ReadinessLevel.RETIRED
        )
        new = [
            (self._now[title]["position"] or len(self._now) + 1, self._new_row(self._now[title]))
            for title in absent.values_list("title", flat=True)
            if title not in named
        ]
        return tuple(row for _, row in sorted([*kept, *new], key=lambda item: item[0]))

    def _row(self, row: RunbookRow, key: str) -> RunbookRow:
        was, now = self._said[key], self._now[key]
        differing = {name for name, value in was.items() if now[name] != value}
        return replace(
            row,
            title=key,
            document_path=now["document_path"],
            version=now["version"],
            scope=now["scope"],
            primary_cluster=self._mention(now["primary_cluster"])
            if "primary_cluster" in differing
            else row.primary_cluster,
            related_clusters=self._mentions(now["related_clusters"])
            if "related_clusters" in differing
            else row.related_clusters,
            layers=_in_old_order(row.layers, now["layers"])
            if "layers" in differing
            else row.layers,
            declared=_declared(now)
            if differing & {"declared_level", "declared_year", "declared_text"}
            else row.declared,
        )

    def _new_row(self, now: Facts) -> RunbookRow:
        return RunbookRow(
            line=0,
            title=now["title"],
            document_path=now["document_path"],
            version=now["version"],
            scope=now["scope"],
            primary_cluster=self._mention(now["primary_cluster"]),
            related_clusters=self._mentions(now["related_clusters"]),
            layers=tuple(now["layers"]),
            declared=_declared(now),
        )

    def _mention(self, label: str) -> ClusterMention | None:
        cluster = self._clusters.get(label)
        if cluster is None:
            return None
        return ClusterMention(
            str(cluster.kind),
            cluster.first_number,
            cluster.last_number,
            cluster.suffix,
            cluster.title,
        )

    def _mentions(self, labels: Sequence[str]) -> tuple[ClusterMention, ...]:
        return tuple(mention for label in labels if (mention := self._mention(label)))


def _in_old_order(before: Sequence[str], now: Sequence[str]) -> tuple[str, ...]:
    return (
        *(name for name in before if name in now),
        *(name for name in now if name not in before),
    )


def _declared(now: Facts) -> DeclaredReadiness:
    return DeclaredReadiness(now["declared_level"], now["declared_year"], now["declared_text"])


def _with_signed_status(
    rows: Sequence[RunbookRow], landscape: Landscape, signed: Mapping[str, SignedStatus]
) -> tuple[RunbookRow, ...]:
    in_use = [row.declared for row in landscape.runbooks]
    said = {title: (status.level, status.year) for title, status in signed.items()}
    return tuple(
        row
        if row.line
        and said[row.title] == (row.declared.level, row.declared.year)
        and not _claims_more(row)
        else replace(row, declared=_as_written(*said[row.title], in_use))
        for row in rows
    )


def _claims_more(row: RunbookRow) -> bool:
    """Return whether a status text of no known level still calls the runbook ready."""
    return row.declared.level != ReadinessLevel.READY and bool(
        claimed_years(plain_text(row.declared.text))
    )


def _as_written(
    level: str, year: int | None, in_use: Sequence[DeclaredReadiness]
) -> DeclaredReadiness:
    return DeclaredReadiness(level, year, status_text(level, year, in_use))


# --- the rest -----------------------------------------------------------------------------


def _counterparts(
    said: Mapping[str, Facts],
    now: Mapping[str, Facts],
    alike: Sequence[Callable[[Facts], Hashable]],
) -> dict[str, str]:
    """Return a mapping from each key in the file to its key in the portal.

    A key pairs with the same key, else with the only one for which a function in ``alike`` returns
    the same value.
    """
    found = {key: key for key in said if key in now}
    for content in alike:
        gone, come = (
            _grouped(said, set(found), content),
            _grouped(now, set(found.values()), content),
        )
        found |= {
            gone[each][0]: come[each][0]
            for each in gone
            if each in come and len(gone[each]) == len(come[each]) == 1
        }
    return found


def _grouped(
    objects: Mapping[str, Facts], taken: set[str], content: Callable[[Facts], Hashable]
) -> dict[Hashable, list[str]]:
    grouped: dict[Hashable, list[str]] = {}
    for key, facts in objects.items():
        if key not in taken and content(facts):
            grouped.setdefault(content(facts), []).append(key)
    return grouped


def _situations(
    rows: Sequence[SituationRow], said: Mapping[str, Facts], now: Mapping[str, Facts]
) -> tuple[SituationRow, ...]:
    alike = (lambda facts: (*facts["runbooks"], facts["comment"]), lambda facts: facts["position"])
    found = _counterparts(said, now, alike)
    wanted = [
        (
            now[key]["position"],
            replace(
                row, title=key, comment=now[key]["comment"], runbooks=tuple(now[key]["runbooks"])
            ),
        )
        for row in rows
        if (key := found.get(row.title))
    ]
    wanted += [
        (
            facts["position"] or len(now) + 1,
            SituationRow(
                0, title, tuple(facts["runbooks"]), tuple(facts["runbooks"]), facts["comment"]
            ),
        )
        for title, facts in now.items()
        if title not in found.values()
    ]
    return tuple(row for _, row in sorted(wanted, key=lambda item: item[0]))


def _sections(
    rows: Sequence[SectionRow],
    said: Mapping[str, Facts],
    now: Mapping[str, Facts],
    keys: Mapping[str, str],
) -> tuple[SectionRow, ...]:
    alike = (
        lambda facts: tuple(entry[0] for entry in facts["entries"]),
        lambda facts: facts["number"],
    )
    found = _counterparts(said, now, alike)
    wanted = [_section(row, key, now[key], keys) for row in rows if (key := found.get(row.title))]
    wanted += [
        SectionRow(
            0,
            facts["number"],
            title,
            facts["note"],
            tuple(_new_entry(*entry) for entry in facts["entries"]),
        )
        for title, facts in now.items()
        if title not in found.values()
    ]
    return tuple(wanted)


def _section(row: SectionRow, title: str, now: Facts, keys: Mapping[str, str]) -> SectionRow:
    before = {keys[entry.runbook]: entry for entry in reversed(row.entries) if entry.runbook}
    entries = [
        replace(before[runbook], runbook=runbook, heading=heading, role=role)
        if runbook in before
        else _new_entry(runbook, heading, role)
        for runbook, heading, role in now["entries"]
    ]
    kept = [entry for entry in entries if entry.line]
    in_order = kept == sorted(kept, key=_line)
    # Keep the entries that lead to no runbook where they are.
    kept += [entry for entry in row.entries if not entry.runbook]
    if in_order:
        kept.sort(key=_line)
    new = (entry for entry in entries if not entry.line)
    return replace(row, title=title, number=now["number"], note=now["note"], entries=(*kept, *new))


def _line(entry: SectionEntryRow) -> int:
    return entry.line


def _new_entry(runbook: str, heading: str, role: str) -> SectionEntryRow:
    return SectionEntryRow(0, "", heading, runbook, role)


def _code_references(
    rows: Sequence[CodeReferenceRow], said: Mapping[str, Facts], now: Mapping[str, Facts]
) -> tuple[CodeReferenceRow, ...]:
    found = _counterparts(
        said, now, (lambda facts: facts["description"], lambda facts: facts["position"])
    )
    kept = [
        replace(row, path=key, description=now[key]["description"])
        for row in rows
        if (key := found.get(row.path))
    ]
    new = [
        CodeReferenceRow(0, path, facts["description"], ())
        for path, facts in now.items()
        if path not in found.values()
    ]
    return (*kept, *new)


def _releases(
    rows: Sequence[ReleaseRow], now: Mapping[str, Facts], dropped: frozenset[str]
) -> tuple[ReleaseRow, ...]:
    named = {row.version for row in rows}
    new = [
        ReleaseRow(
            0,
            version,
            facts["dated"],
            facts["year"],
            facts["month"],
            facts["label"],
            tuple(facts["notes"]),
        )
        for version, facts in now.items()
        if version not in named and f"release:{version}" not in dropped
    ]
    kept = [
        replace(row, dated=now[row.version]["dated"], label=now[row.version]["label"])
        if row.version in now
        else row
        for row in rows
    ]
    return (*new, *kept)
