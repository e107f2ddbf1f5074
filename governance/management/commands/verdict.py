"""``manage.py verdict SLUG``: go or no-go, for scripts. Exit code 0 is go, 1 is no-go."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from governance.assurance.evidence import verdict_on_slug
from governance.assurance.verdict import SOLO, Verdict
from governance.management.base import PortalCommand
from governance.signoff.choices import DEPENDENCE_TEXTS
from governance.signoff.policy import Dependence
from runbooks.choices import REASON_TEXTS


class Command(PortalCommand):
    """Answers for one runbook. Any error is a no-go."""

    help = "Go or no-go for one runbook. Exit 0: go. Exit 1: no-go, with every reason."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options that the design names."""
        parser.add_argument("slug", metavar="SLUG")
        parser.add_argument(
            "--year", type=int, help="the calendar year of the live use (default: this year)"
        )
        parser.add_argument(
            "--json", action="store_true", help="one JSON object instead of sentences"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Compute the verdict after verifying the whole ledger, and set the exit code.

        :raises SystemExit: 1 if it is no-go.
        """
        answer = verdict_on_slug(options["slug"], year=options["year"], thorough=True)
        if options["json"]:
            self.stdout.write(json.dumps(self._as_json(options["slug"], answer)))
        else:
            self._say(options["slug"], answer)
        if not answer.go:
            sys.exit(1)

    def _as_json(self, slug: str, answer: Verdict) -> dict[str, Any]:
        return {
            "runbook": slug,
            "verdict": answer.word,
            "reasons": [reason.value for reason in answer.reasons],
            "valid_until": answer.valid_until.isoformat() if answer.valid_until else None,
            "independent": answer.independent,
            "not_independent_because": list(answer.dependence),
        }

    def _say(self, slug: str, answer: Verdict) -> None:
        self.stdout.write(f"{answer.word}: {slug}")
        for reason in answer.reasons:
            self.stdout.write(f"  {reason.value}: {REASON_TEXTS[reason]}")
        if answer.go:
            self.stdout.write(f"  valid until {answer.valid_until}")
            if SOLO in answer.dependence:
                self.stdout.write("  owner-led, no independent review")
            for code in answer.dependence:
                if code != SOLO:
                    self.stdout.write(
                        f"  no independent review, {code}: {DEPENDENCE_TEXTS[Dependence(code)]}"
                    )
