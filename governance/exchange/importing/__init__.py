"""Import of a landscape file: parsed landscape -> plan (dry run) -> apply through the actions."""

from governance.exchange.importing.apply import (
    CatalogueChanged,
    PlanChanged,
    PlanRefused,
    ProposalsOpen,
    apply_plan,
)
from governance.exchange.importing.matching import Answers, Proposal
from governance.exchange.importing.plan import Plan, Step, plan_import
from governance.exchange.importing.upload import LandscapeFile, placed_name

__all__ = [
    "Answers",
    "CatalogueChanged",
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
