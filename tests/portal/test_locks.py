"""The lock files are complete: pip looks up nothing else, so a new release cannot break set-up."""

import re
from importlib.metadata import PackageNotFoundError, distribution, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCKS = Path(__file__).resolve().parents[2] / "requirements"
PINNED = re.compile(r"^(?P<requirement>[a-z0-9][^ \\]*==[^ \\]+(?: *;[^\\]*)?) *\\?$", re.MULTILINE)


def locked(name):
    """The requirements of a lock that this Python needs, by canonical name."""
    found = (
        Requirement(match["requirement"])
        for match in PINNED.finditer((LOCKS / name).read_text("utf-8"))
    )
    return {
        canonicalize_name(one.name): one
        for one in found
        if one.marker is None or one.marker.evaluate()
    }


def wanted_by(one):
    """What a locked package asks for, with the extras it was locked with."""
    extras = one.extras or {""}
    for text in requires(one.name) or []:
        wanted = Requirement(text)
        if wanted.marker is None or any(
            wanted.marker.evaluate({"extra": extra}) for extra in extras
        ):
            yield wanted


@pytest.mark.parametrize("name", ["runtime.txt", "dev.txt"])
def test_a_lock_is_complete_extras_included(name):
    lock = locked(name)
    assert len(lock) > 10
    for one in lock.values():
        for wanted in wanted_by(one):
            held = lock.get(canonicalize_name(wanted.name))
            assert held is not None, f"{one.name} needs {wanted}, which {name} does not hold"
            assert wanted.specifier.contains(distribution(wanted.name).version, prereleases=True)
            assert wanted.extras <= held.extras, (
                f"{one.name} needs {wanted}; {name} has it as {held}"
            )


def test_what_is_installed_is_what_is_locked():
    for one in locked("dev.txt").values():
        try:
            assert one.specifier.contains(distribution(one.name).version, prereleases=True), one
        except PackageNotFoundError:
            pytest.fail(f"{one} is in the lock and not installed")


@pytest.mark.parametrize("name", ["runtime.txt", "dev.txt"])
def test_a_lock_names_no_address(name):
    text = (LOCKS / name).read_text("utf-8")
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text
