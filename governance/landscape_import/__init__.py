"""Importing a landscape file: parsed landscape -> plan (dry run) -> apply through the actions."""

from governance.landscape_import.apply import apply_plan
from governance.landscape_import.plan import FindingDraft, Plan, Step, plan_import

__all__ = ["FindingDraft", "Plan", "Step", "apply_plan", "plan_import"]
