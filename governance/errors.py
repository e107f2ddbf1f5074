"""Reasons why an action did not happen, as texts that can be shown."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from governance.signoff.choices import refusal_text
from governance.signoff.policy import Refusal


class ActionRefused(Exception):
    """The action was refused and nothing changed.

    :ivar reasons: the codes of the reasons.
    """

    def __init__(
        self, reasons: Sequence[Refusal], *, until: Mapping[Refusal, datetime] | None = None
    ) -> None:
        self.reasons = tuple(reasons)
        self.until = dict(until or {})
        super().__init__(" ".join(self.messages))

    @property
    def messages(self) -> list[str]:
        """Return the reasons in the reader's language."""
        return [refusal_text(reason, self.until) for reason in self.reasons]


class StaleForm(Exception):
    """The content to sign is not what the page showed. Reload the page and check the difference."""


class NothingToAccept(Exception):
    """There is no restored ledger to accept, or more than that is wrong. The message says which."""


class RequestLapsed(Exception):
    """The content that the request pins has changed; the request is closed as lapsed.

    The message names the change.
    """


def refuse_for(
    reasons: Sequence[Refusal], *, until: Mapping[Refusal, datetime] | None = None
) -> None:
    """Raise ``ActionRefused`` if there is any reason.

    :param until: when a reason that passes by itself ends.
    """
    if reasons:
        raise ActionRefused(reasons, until=until)
