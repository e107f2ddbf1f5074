"""Importing a landscape file: parsed landscape -> plan (dry run) -> apply through the actions."""

from governance.landscape_import.apply import CatalogueChanged, PlanChanged, PlanRefused, ProposalsOpen, apply_plan
from governance.landscape_import.findings import FindingDraft
from governance.landscape_import.identity import Answers, Proposal
from governance.landscape_import.plan import Plan, Step, plan_import
from governance.landscape_import.reading import LandscapeFile, placed_name

__all__ = [
    "Answers",
    "CatalogueChanged",
    "FindingDraft",
    "LandscapeFile",
    "Plan",
    "PlanChanged",
    "PlanRefused",
    "Proposal",
    "ProposalsOpen",
    "Step",
    "apply_plan",
    "placed_name",
    "plan_import",
]
