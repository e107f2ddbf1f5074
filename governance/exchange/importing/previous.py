"""What has disappeared from the file since the last import.

Only that is removed, never what an editor added.
"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field

from governance.exchange.importing.limits import MODELS
from governance.exchange.importing.target_state import Facts
from governance.exchange.models import LandscapeSource
from governance.ledger.snapshot import subject_of
from runbooks.digests import sha256_of_text
from runbooks.landscape.parse.reader import parse_settled
from runbooks.landscape.schema import Landscape, LandscapeError

# Objects that the file alone defines. A runbook is retired by a sign-off and never removed here.
REMOVABLE = ("section", "situation", "code_reference")


@dataclass(frozen=True, slots=True)
class Before:
    """What the last imported file named, by kind, and what it said; empty if there was none."""

    sha256: str = ""
    keys: Mapping[str, frozenset[str]] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    landscape: Landscape | None = None

    @classmethod
    def newest(cls, aliases: Mapping[str, str] | None = None) -> "Before":
        """Read the newest import.

        :param aliases: further names of runbooks -> their titles.
        """
        source = LandscapeSource.objects.first()
        if source is None:
            return cls()
        try:
            landscape = parse_settled(source.text, aliases=aliases, path=source.file).landscape
        except LandscapeError:  # imported by another version of the parser
            return cls(sha256=source.sha256, dropped=tuple(source.dropped))
        return cls(source.sha256, _keys(landscape), tuple(source.dropped), landscape)

    def is_the_same(self, text: str, dropped: tuple[str, ...]) -> bool:
        """Return whether that file was this text, and dropped the same objects."""
        return (self.sha256, self.dropped) == (
            sha256_of_text(text),
            dropped,
        )

    def gone(
        self, kind: str, current: Mapping[str, Facts], desired: Mapping[str, Facts]
    ) -> list[str]:
        """Return the stored objects of a kind that the last file named and this one does not.

        Objects that earlier imports left because the file could not be read whole are included.
        """
        if kind not in REMOVABLE:
            return []
        named = self.keys.get(kind, frozenset()) | self._held(kind)
        return [key for key in current if key in named and key not in desired]

    def _held(self, kind: str) -> frozenset[str]:
        """Return the keys that stayed although unnamed: the last file was not read whole."""
        begin = f"{MODELS[kind][0]._meta.model_name}:"
        subjects = {subject for subject in self.dropped if subject.startswith(begin)}
        return (
            frozenset(key for key, subject in subjects_of(kind).items() if subject in subjects)
            if subjects
            else frozenset()
        )


def subjects_of(kind: str) -> dict[str, str]:
    """Return the key of each stored object of a kind -> its ledger name."""
    model, key_field = MODELS[kind]
    return {
        getattr(instance, key_field): subject_of(instance)
        for instance in model._default_manager.all()
    }


def _keys(landscape: Landscape) -> dict[str, frozenset[str]]:
    return {
        "runbook": frozenset(row.title for row in landscape.runbooks),
        "release": frozenset(release.version for release in landscape.releases),
        "section": frozenset(section.title for section in landscape.sections),
        "situation": frozenset(situation.title for situation in landscape.situations),
        "code_reference": frozenset(code.path for code in landscape.code_references),
    }


def pair_renamed(
    kind: str, gone: Iterable[str], current: Mapping[str, Facts], desired: Mapping[str, Facts]
) -> dict[str, str]:
    """Return new key -> stored key of each renamed object.

    An object was renamed if exactly one disappeared and exactly one appeared with the same content.
    What an editor added to it (alert labels, the address) stays with it.
    """
    if kind not in REMOVABLE:
        return {}
    went = _by_content(kind, {key: current[key] for key in gone})
    came = _by_content(kind, {key: facts for key, facts in desired.items() if key not in current})
    return {
        came[content][0]: went[content][0]
        for content in went
        if content in came and len(went[content]) == len(came[content]) == 1
    }


def _by_content(kind: str, objects: Mapping[str, Facts]) -> dict[Hashable, list[str]]:
    grouped: dict[Hashable, list[str]] = {}
    for key, facts in objects.items():
        content = CONTENT[kind](facts)
        if content:
            grouped.setdefault(content, []).append(key)
    return grouped


CONTENT = {
    "section": lambda facts: tuple(entry[0] for entry in facts["entries"]),
    # Many situations may lead to the same runbook, so without a comment that does not tell two
    # apart.
    "situation": lambda facts: (
        (*facts["runbooks"], facts["comment"]) if facts["runbooks"] and facts["comment"] else ()
    ),
    "code_reference": lambda facts: facts["description"],
}
