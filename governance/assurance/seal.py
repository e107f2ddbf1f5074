"""The seal of an assurance: a keyed signature of the runbook's signed columns and the assurance.

The ledger's hash chain has no key, so the owner of the database can recompute it. Nobody can make a
seal without ``SECRET_KEY``. ``SECRET_KEY_FALLBACKS`` are accepted, so that the key can be changed.
"""

from typing import NamedTuple

from django.core.signing import BadSignature, Signer

from governance.ledger.canonical import canonical_time
from runbooks.models import Runbook

SALT = "governance.assurance"


class Proof(NamedTuple):
    """What a seal covers beside the signed columns of the runbook.

    :ivar request: the primary key of the approved request.
    :ivar sequence: the ledger row that recorded the readiness.
    :ivar hash: the hash of that row.
    :ivar generation: how often the seal had been taken away.
    """

    request: int
    sequence: int
    hash: str
    generation: int


def seal_of(runbook: Runbook, proof: Proof) -> str:
    """Return the seal for a proof and the signed columns of a runbook's row."""
    return seal_signer().signature(_sealed_text(runbook, proof))


def is_sealed(runbook: Runbook, proof: Proof, seal: str, *, signer: Signer | None = None) -> bool:
    """Return whether a seal is valid for a proof and the signed columns of a runbook's row.

    :param signer: ``seal_signer()``, made once for many rows.
    """
    try:
        (signer or seal_signer()).unsign(f"{_sealed_text(runbook, proof)}:{seal}")
    except BadSignature:
        return False
    return True


def seal_signer() -> Signer:
    """Return the signer with the keys of now."""
    return Signer(salt=SALT)


def _sealed_text(runbook: Runbook, proof: Proof) -> str:
    signed_at = canonical_time(runbook.signed_at) if runbook.signed_at else ""
    return (
        f"{runbook.pk}|{runbook.readiness_level}|{runbook.readiness_year}"
        f"|{runbook.signed_document_sha256}|{runbook.signed_metadata_sha256}|{signed_at}"
        f"|{runbook.signed_from_year}|{runbook.signed_until}|{runbook.signed_solo}"
        f"|{runbook.signed_dependence}"
        f"|{proof.request}|{proof.sequence}|{proof.hash}|{proof.generation}"
    )
