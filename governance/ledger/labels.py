"""The changes of a ledger row in the reader's language: field names and labels of values."""

from functools import cache
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils.translation import gettext, override
from django.utils.translation import gettext_lazy as _

from governance.ledger.models import ChangeLogEntry
from runbooks.choices import ReadinessLevel
from runbooks.models import Runbook

# Names in ledger rows that are not fields of a model.
WORDS = {
    "readiness": _("readiness"),
    "request": _("request"),
    "target": _("from, to"),
    "text": _("text"),
    "document_sha256": _("document sha256"),
    "metadata_sha256": _("metadata sha256"),
    "entries": _("section entries"),
    "steps": _("steps"),
    "headings": _("headings to read"),
    "moved": _("moved to another position"),
    "findings": _("findings"),
    "settled": _("findings resolved"),
    "stored": _("versions stored"),
    "runbooks": _("runbooks"),
    "source_revision": _("source revision"),
    "regraded": _("findings with a changed severity"),
    "statement_sha256": _("sha256 of the statement"),
    "request_row": _("digest of the stored request"),
    "closing_row": _("digest of how it was closed"),
    "sign_off_row": _("digest of the stored decision"),
    "rule": _("rule"),
    "required_signatures": _("signatures needed"),
    "independent": _("signers other than the requester"),
    "valid_from_year": _("valid from year"),
    "valid_until": _("valid until"),
    "evidence": _("evidence"),
    "change": _("change"),
    "email_changed": _("e-mail address changed"),
}
EMPTY = "–"
# Readiness labels, which the ledger stores in English: "unassessed", "R&D only", "2026-ready".
TRANSLATED_VALUES = frozenset({"readiness", "target"})


def labelled_changes(entry: ChangeLogEntry) -> list[dict[str, Any]]:
    """Return an entry's changes as dicts of ``field``, ``before`` and ``after``, translated."""
    model = _model_of(entry)
    return [
        {
            "field": field_in_words(model, name),
            "before": value_in_words(model, name, change.get("before")),
            "after": value_in_words(model, name, change.get("after")),
        }
        for name, change in (entry.changes.items() if isinstance(entry.changes, dict) else ())
        if isinstance(change, dict) and change.get("before") != change.get("after")
    ]


def metadata_in_words(metadata: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return a request's pinned metadata as translated pairs of field and value."""
    return [
        (field_in_words(Runbook, name), value_in_words(Runbook, name, value))
        for name, value in metadata.items()
    ]


def _model_of(entry: ChangeLogEntry) -> type[models.Model] | None:
    kind = entry.subject.partition(":")[0]
    for label in ("runbooks", "governance", "auth"):
        try:
            return apps.get_model(label, kind)
        except LookupError:
            continue
    return None


def _field(model: type[models.Model] | None, name: str) -> Any:
    try:
        return model._meta.get_field(name) if model else None
    except FieldDoesNotExist:
        return None


def field_in_words(model: type[models.Model] | None, name: str) -> str:
    """Return the translated name of a field of ``model``, or of a name used only in the ledger."""
    field = _field(model, name)
    if name in WORDS:
        return str(WORDS[name])
    return str(getattr(field, "verbose_name", name.replace("_", " ")))


@cache
def _levels_in_english() -> dict[str, ReadinessLevel]:
    with override("en"):
        return {str(level.label): level for level in ReadinessLevel}


def _readiness_in_words(english: str) -> str:
    """Return the translation of an English readiness label.

    A label with a year (``2026-ready``) is the same in every language.
    """
    levels = _levels_in_english()
    return str(levels[english].label) if english in levels else english


def value_in_words(model: type[models.Model] | None, name: str, value: Any) -> Any:
    """Return a recorded value for display: labels for codes, yes and no, a dash if empty."""
    if value in (None, "", [], {}):
        return EMPTY
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, list):
        return ", ".join(str(part) for part in value)
    if isinstance(value, dict):
        return ", ".join(f"{part}: {content}" for part, content in value.items())
    if name in TRANSLATED_VALUES:
        return _readiness_in_words(str(value))
    choices = dict(getattr(_field(model, name), "flatchoices", ()))
    return str(choices.get(value, value))
