"""What takes the seal of an assurance away, once for every database. Pure.

Conditions are written as in ``governance.guards.rules``; ``TOLD_REQUEST`` is the request that a new
ledger row names.
"""

from collections.abc import Iterator

from governance.guards.rules import ALWAYS, DOCUMENT, LEDGER, REQUEST, RUNBOOK, SIGN_OFF, differs
from governance.signoff.columns import SIGNED_COLUMNS

LAYER, CLUSTER, USER = "runbooks_layer", "runbooks_cluster", "auth_user"
LAYERS_OF, CLUSTERS_OF = "runbooks_runbook_layers", "runbooks_runbook_related_clusters"

# What takes the seal of an assurance away: (name, table, columns that count in an update, whose
# assurance it is). No columns: any update counts. ``ROW`` stands for the old and for the new row.
# One trigger is made of each for insert, update and delete: ``INSERT OR REPLACE`` deletes a row
# without a word where SQLite's recursive triggers are off.
OF_ITS_RUNBOOK = "runbook_id = ROW.runbook_id"
UNSEALS: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    (
        "runbook",
        RUNBOOK,
        (
            *("id", "slug", "title", "document_path", "version", "scope"),
            *("primary_cluster_id", "document_id", *SIGNED_COLUMNS),
        ),
        "runbook_id = ROW.id",
    ),
    ("runbook_layer", LAYERS_OF, (), OF_ITS_RUNBOOK),
    ("runbook_cluster", CLUSTERS_OF, (), OF_ITS_RUNBOOK),
    (
        "layer",
        LAYER,
        ("id", "title"),
        f"runbook_id IN (SELECT l.runbook_id FROM {LAYERS_OF} l WHERE l.layer_id = ROW.id)",
    ),
    (
        "cluster",
        CLUSTER,
        ("id", "kind", "first_number", "last_number", "suffix", "title"),
        f"runbook_id IN (SELECT l.runbook_id FROM {CLUSTERS_OF} l WHERE l.cluster_id = ROW.id)"
        f" OR runbook_id IN (SELECT b.id FROM {RUNBOOK} b WHERE b.primary_cluster_id = ROW.id)",
    ),
    (
        "document",
        DOCUMENT,
        (),
        f"runbook_id IN (SELECT b.id FROM {RUNBOOK} b WHERE b.document_id = ROW.id)",
    ),
    ("request", REQUEST, (), "request_id = ROW.id"),
    ("sign_off", SIGN_OFF, (), "request_id = ROW.request_id"),
    (
        "user",
        USER,
        ("id", "username"),
        f"request_id IN (SELECT s.request_id FROM {SIGN_OFF} s WHERE s.signer_id = ROW.id)"
        f" OR request_id IN (SELECT r.id FROM {REQUEST} r WHERE r.requested_by_id = ROW.id)",
    ),
)
# A new ledger row may contradict an older one; a changed or deleted one breaks the whole chain.
LEDGER_SPEAKS_OF = f"""(NEW.action = 'readiness_changed' AND runbook_id IN (
    SELECT b.id FROM {RUNBOOK} b WHERE 'runbook:' || b.slug = NEW.subject))
  OR (NEW.action IN ('request_submitted', 'request_signed', 'request_rejected')
    AND CAST(request_id AS text) = TOLD_REQUEST)
  OR (NEW.subject LIKE 'document:%' AND runbook_id IN (
    SELECT b.id FROM {DOCUMENT} d JOIN {RUNBOOK} b ON b.document_id = d.id
    WHERE d.path = substr(NEW.subject, 10, length(NEW.subject) - 22)
      AND substr(d.sha256, 1, 12) = substr(NEW.subject, length(NEW.subject) - 11)))"""


def unseals() -> Iterator[tuple[str, str, str, str, str]]:
    """Yield (name, event, table, condition, whose assurances) of the triggers that remove seals."""
    for name, table, columns, whose in UNSEALS:
        old, new = whose.replace("ROW.", "OLD."), whose.replace("ROW.", "NEW.")
        changed = differs(columns) if columns else ALWAYS
        yield f"guard_unseal_{name}_insert", "AFTER INSERT", table, ALWAYS, new
        yield f"guard_unseal_{name}_update", "AFTER UPDATE", table, changed, f"({old}) OR ({new})"
        yield f"guard_unseal_{name}_delete", "AFTER DELETE", table, ALWAYS, old
    speaks = (
        "NEW.action IN ('readiness_changed', 'request_submitted', 'request_signed', "
        "'request_rejected')"
    )
    yield (
        *("guard_unseal_ledger_insert", "AFTER INSERT", LEDGER),
        *(f"{speaks} OR NEW.subject LIKE 'document:%'", LEDGER_SPEAKS_OF),
    )
    for event in ("UPDATE", "DELETE"):
        yield f"guard_unseal_ledger_{event.lower()}", f"AFTER {event}", LEDGER, ALWAYS, ALWAYS
