"""What fits into the catalogue's fields. SQLite would take more and PostgreSQL fail; here both say the same sentence."""

from collections.abc import Iterator

from django.db import models

from governance.landscape_import.desired import Catalogue, Facts
from governance.models import Release
from runbooks.landscape.document import LandscapeError
from runbooks.models import Cluster, CodeReference, Layer, Runbook, Section, SectionEntry, Situation

# kind -> the model, and the field that the key goes to.
MODELS: dict[str, tuple[type[models.Model], str]] = {
    "layer": (Layer, "title"),
    "cluster": (Cluster, "title"),
    "runbook": (Runbook, "title"),
    "section": (Section, "title"),
    "situation": (Situation, "title"),
    "code_reference": (CodeReference, "path"),
    "release": (Release, "version"),
}
LARGEST_NUMBER = 2**31 - 1
SHOWN = 60


def check_limits(catalogue: Catalogue) -> None:
    """Refuse a file with a value that no field can hold.

    :raises LandscapeError: names the object, the field, its length and what fits.
    """
    for kind, (model, key_field) in MODELS.items():
        for key, facts in catalogue[kind].items():
            for name, value in _values(kind, key, key_field, facts):
                _check(kind, key, model, name, value)
    for facts in catalogue["section"].values():
        for runbook, heading, _role in facts["entries"]:
            _check("section", runbook, SectionEntry, "heading", heading)


def _values(kind: str, key: str, key_field: str, facts: Facts) -> Iterator[tuple[str, object]]:
    if kind != "cluster":  # a cluster's key is its label, not a field
        yield key_field, key
    yield from facts.items()


def _check(kind: str, key: str, model: type[models.Model], name: str, value: object) -> None:
    subject = f'{kind.replace("_", " ")} "{key[:SHOWN]}"'
    if isinstance(value, int) and value > LARGEST_NUMBER:
        raise LandscapeError(f"{subject}: {name} is {value}, which is too large. Correct it in the file.")
    if not isinstance(value, str) or name not in {field.name for field in model._meta.get_fields()}:
        return
    longest = getattr(model._meta.get_field(name), "max_length", None)
    if longest is not None and len(value) > longest:
        raise LandscapeError(f"{subject}: {name} has {len(value)} characters, {longest} fit. Shorten it in the file.")
