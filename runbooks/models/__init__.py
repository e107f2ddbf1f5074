"""The models of the catalogue, one file per subject."""

from runbooks.models.alias import RunbookAlias
from runbooks.models.catalogue import Cluster, CodeReference, Layer
from runbooks.models.document import Document
from runbooks.models.runbook import Runbook
from runbooks.models.search import (
    SearchEntry,
    SearchPassage,
    SearchPlaces,
    SearchStamp,
    SearchSynonym,
    SearchWord,
)
from runbooks.models.section import Section, SectionEntry
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
