"""The export of the landscape, and its comparison with a file."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from governance.exchange.exporting.model import wanted_landscape
from governance.exchange.exporting.status import SignedStatus, signed_status
from governance.exchange.importing.matching import Answers, Stored, match
from governance.exchange.models import LandscapeSource
from runbooks.landscape.parse.reader import parse_settled
from runbooks.landscape.write.contradictions import Contradiction
from runbooks.landscape.write.writer import EMPTY, write_landscape


@dataclass(frozen=True, slots=True)
class Export:
    """An exported file, and what the user must be told about it.

    :ivar unwritten: a sentence for each thing that the file format cannot express.
    :ivar withheld: a sentence for each runbook that was signed as ready but is not exported as
        ready.
    :ivar contradictions: each line that claims a readiness or a version that the runbook does not
        have.
    """

    text: str
    unwritten: tuple[str, ...]
    withheld: tuple[str, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()

    def difference_from(self, text: str, name: str) -> Iterator[str]:
        """Yield the lines of a unified diff from ``text``; none when the texts are equal."""
        yield from difflib.unified_diff(
            _lines(text), _lines(self.text), f"{name} (file)", f"{name} (portal)", lineterm=""
        )


def export_landscape(*, declared: bool = False, at: datetime | None = None) -> Export:
    """Return the current catalogue as a landscape file.

    Only lines that differ from the last import are changed.

    :param declared: write the status that the last file declared; otherwise the signed one, where
        it holds.
    :param at: the moment at which a signature must hold (aware; now by default).
    """
    source = LandscapeSource.objects.first()
    text = source.text if source else EMPTY
    dropped = frozenset(source.dropped if source else ())
    stored = Stored.now()
    path = source.file if source else ""
    landscape = parse_settled(text, path=path).landscape
    # A probable match is not treated as certain here either: a row without its runbook is removed.
    identity = match(landscape, stored, Answers(otherwise=False), ())
    aliases = identity.aliases(stored)
    if aliases:
        landscape = parse_settled(text, aliases=aliases, path=path).landscape
    signed = None if declared else signed_status(at)
    wanted = wanted_landscape(landscape, identity.keys, dropped=dropped, signed=signed)
    written = write_landscape(text, wanted, aliases=aliases, path=path)
    return Export(
        written.text, written.unwritten, tuple(_withheld(signed or {})), written.contradictions
    )


def _withheld(signed: Mapping[str, SignedStatus]) -> Iterator[str]:
    for title, status in signed.items():
        if status.withheld:
            reasons = ", ".join(reason.value for reason in status.withheld)
            yield (
                f'The runbook "{title}" was signed as ready, but that sign-off is not valid '
                f"({reasons}): it is not written."
            )


def _lines(text: str) -> list[str]:
    """Return the lines with invisible differences shown.

    These are a carriage return, a byte order mark and a missing line end.
    """
    lines = text.replace("\r", "\\r").replace("\ufeff", "\\ufeff").split("\n")
    return lines[:-1] if not lines[-1] else [*lines[:-1], f"{lines[-1]}\\ (no line end)"]
