"""Why an action did not happen, in words that can be shown."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from governance.signoff.choices import refusal_text
from governance.signoff.policy import Refusal


class ActionRefused(Exception):
    """The action was refused and nothing changed. ``reasons`` are codes; ``messages`` their words."""

    def __init__(
        self, reasons: Sequence[Refusal], *, until: Mapping[Refusal, datetime] | None = None
    ) -> None:
        self.reasons = tuple(reasons)
        self.until = dict(until or {})
        super().__init__(" ".join(self.messages))

    @property
    def messages(self) -> list[str]:
        """The reasons in the reader's language."""
        return [refusal_text(reason, self.until) for reason in self.reasons]


class StaleForm(Exception):
    """What was to be signed is not what the page showed. Load it again and look at the difference."""


class NothingToAccept(Exception):
    """A restored ledger was to be accepted where none is in doubt, or where more than that is wrong. The text says which."""


class RequestLapsed(Exception):
    """What the request pins has changed; it is closed as lapsed and the change is named."""


def refuse_for(
    reasons: Sequence[Refusal], *, until: Mapping[Refusal, datetime] | None = None
) -> None:
    """Raise ``ActionRefused`` when there is any reason."""
    if reasons:
        raise ActionRefused(reasons, until=until)
