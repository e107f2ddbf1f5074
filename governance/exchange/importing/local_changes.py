"""What people added in the portal to objects that the file defines.

These are labels, headings, and edits since the last file.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from governance.exchange.importing.matching import Stored
from governance.exchange.importing.target_state import (
    Catalogue,
    ClusterIndex,
    Facts,
    desired_catalogue,
)
from runbooks.landscape.parse.names import name_tokens
from runbooks.landscape.schema import Landscape
from runbooks.models import Situation, SituationRunbook

# Fields of a situation that a file cannot express.
LABELS = ("alert_category", "alert_source", "alert_severity", "alert_default")
# The position comes from the file alone; the title or path identifies the object.
NOT_ADDED = frozenset({"position", "title", "path"})


@dataclass(frozen=True, slots=True)
class Added:
    """What people added in the portal.

    :ivar labels: title of a situation -> its labels.
    :ivar headings: title of a situation -> pairs of runbook and headings to read.
    :ivar said: what the last file said of each object, by kind and key.
    """

    labels: Mapping[str, Facts]
    headings: Mapping[str, list[tuple[str, str]]]
    said: Catalogue

    @classmethod
    def now(cls, last: Landscape | None, stored: Stored, called: Mapping[str, str]) -> "Added":
        """Read the additions from the database.

        :param last: what the last file said; None where there was none.
        :param called: stored titles of runbooks -> the titles under which other objects are to
            refer to them.
        """
        labels = {
            title: {name: value for name, value in zip(LABELS, values, strict=True) if value}
            for title, *values in Situation.objects.values_list("title", *LABELS)
            if any(values)
        }
        headings: dict[str, list[tuple[str, str]]] = {}
        steps = SituationRunbook.objects.exclude(headings="").order_by("situation", "position")
        for title, runbook, text in steps.values_list(
            "situation__title", "runbook__title", "headings"
        ):
            headings.setdefault(title, []).append((called.get(runbook, runbook), text))
        return cls(labels, headings, _said(last, stored, called) if last else {})

    def to(self, kind: str, key: str, now: Facts) -> Facts:
        """Return what would be lost with an object: field -> value.

        A value that is not known to come from a file counts as added.
        """
        said = self.said.get(kind, {}).get(key, {})
        edited = {
            name: value
            for name, value in now.items()
            if name not in NOT_ADDED and value and said.get(name) != value
        }
        if kind != "situation":
            return edited
        headings = self.headings_without(key, ())
        return {
            **edited,
            **self.labels.get(key, {}),
            **({"headings": headings} if headings else {}),
        }

    def headings_without(self, situation: str, runbooks: Iterable[str]) -> list[str]:
        """Return the headings of each runbook of a situation that is not in ``runbooks``.

        Each is written as ``Runbook: heading, heading``.
        """
        kept = set(runbooks)
        return [
            f"{runbook}: {', '.join(text.splitlines())}"
            for runbook, text in self.headings.get(situation, ())
            if runbook not in kept
        ]


def _said(last: Landscape, stored: Stored, called: Mapping[str, str]) -> Catalogue:
    """Return what a file said, with runbooks under the titles that they have after this import."""
    titles = {
        row.title: row.title
        if row.title in stored.paths
        else stored.names.get(name_tokens(row.title), row.title)
        for row in last.runbooks
    }
    keys = {title: called.get(known, known) for title, known in titles.items()}
    without = replace(last, runbooks=())
    return desired_catalogue(without, ClusterIndex(without, []), keys)
