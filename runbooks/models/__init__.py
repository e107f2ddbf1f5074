"""The models of the catalogue, one file per subject."""

from runbooks.models.catalogue import Cluster, CodeReference, Layer, Section, SectionEntry
from runbooks.models.document import Document
from runbooks.models.runbook import Runbook, RunbookAlias
from runbooks.models.search import (
    SearchEntry,
    SearchPassage,
    SearchPlaces,
    SearchStamp,
    SearchSynonym,
    SearchWord,
)
from runbooks.models.situation import Situation, SituationRunbook

__all__ = [
    "Cluster",
    "CodeReference",
    "Document",
    "Layer",
    "Runbook",
    "RunbookAlias",
    "SearchEntry",
    "SearchPassage",
    "SearchPlaces",
    "SearchStamp",
    "SearchSynonym",
    "SearchWord",
    "Section",
    "SectionEntry",
    "Situation",
    "SituationRunbook",
]
