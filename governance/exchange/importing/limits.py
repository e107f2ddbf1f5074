"""The limits of the catalogue's fields.

SQLite would store longer values and PostgreSQL would fail; this check raises the same error on
both.
"""

from collections.abc import Mapping

from django.db import models

from governance.exchange.importing.target_state import Catalogue
from governance.ledger.models import Release
from runbooks.landscape.schema import LandscapeError
from runbooks.models import Cluster, CodeReference, Layer, Runbook, Section, SectionEntry, Situation

# Kind -> the model, and the field that holds the key.
MODELS: dict[str, tuple[type[models.Model], str]] = {
    "layer": (Layer, "title"),
    "cluster": (Cluster, "title"),
    "runbook": (Runbook, "title"),
    "section": (Section, "title"),
    "situation": (Situation, "title"),
    "code_reference": (CodeReference, "path"),
    "release": (Release, "version"),
}
MAX_NUMBER = 2**31 - 1
SHOWN = 60


def check_limits(catalogue: Catalogue) -> None:
    """Raise an error for a value that does not fit into its field.

    :raises LandscapeError: names the object, the field, its length and the limit.
    """
    for kind, (model, key_field) in MODELS.items():
        longest = _longest(model)
        for key, facts in catalogue[kind].items():
            if kind != "cluster":  # a cluster's key is its label, not a field
                _check(kind, key, longest, key_field, key)
            for name, value in facts.items():
                _check(kind, key, longest, name, value)
    of_entries = _longest(SectionEntry)
    for facts in catalogue["section"].values():
        for runbook, heading, _role in facts["entries"]:
            _check("section", runbook, of_entries, "heading", heading)


def _longest(model: type[models.Model]) -> dict[str, int]:
    """Return the maximum length in characters of each field that has one."""
    lengths = {field.name: getattr(field, "max_length", None) for field in model._meta.get_fields()}
    return {name: length for name, length in lengths.items() if length is not None}


def _check(kind: str, key: str, longest: Mapping[str, int], name: str, value: object) -> None:
    if isinstance(value, int) and value > MAX_NUMBER:
        raise LandscapeError(
            f"{_named(kind, key)}: {name} is {value}, which is too large. Correct it in the file."
        )
    fits = longest.get(name)
    if fits is not None and isinstance(value, str) and len(value) > fits:
        raise LandscapeError(
            f"{_named(kind, key)}: {name} has {len(value)} characters, {fits} fit. Shorten "
            "it in the file."
        )


def _named(kind: str, key: str) -> str:
    return f'{kind.replace("_", " ")} "{key[:SHOWN]}"'
