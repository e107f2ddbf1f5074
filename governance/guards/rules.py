"""The rules of the guards, shared by all databases: name, event, table, condition, message. Pure.

Conditions are SQL that SQLite and PostgreSQL share, except for placeholders that each dialect
replaces: ``===`` and ``!==`` compare nulls like values; ``RECORDED_AT_IS_READABLE``,
``TEXTS_ARE_READABLE`` and ``CHANGES_ARE_READABLE`` check that a ledger row can be read again. An
unreadable row would break every reader of the ledger, including its verification.
"""

from governance.signoff import transitions
from governance.signoff.columns import PINNED_COLUMNS, SIGNED_COLUMNS
from runbooks.documents import RENDERER

RUNBOOK, DOCUMENT, RULE, REQUEST, SIGN_OFF, LEDGER, INCIDENT, ASSURANCE = (
    "runbooks_runbook",
    "runbooks_document",
    "governance_signoffrule",
    "governance_statuschangerequest",
    "governance_signoff",
    "governance_changelogentry",
    "governance_ledgerincident",
    "governance_assurance",
)


def differs(columns: tuple[str, ...]) -> str:
    """Return the condition that a row's update changes one of the columns."""
    return "(" + " OR ".join(f"NEW.{column} !== OLD.{column}" for column in columns) + ")"


APPROVED_REQUEST = (
    f"""
    SELECT 1 FROM {REQUEST} r
    WHERE r.runbook_id = OLD.id AND r.state = 'approved' AND r.applied_at IS NULL
      AND r.from_level = OLD.readiness_level AND r.from_year === OLD.readiness_year
      AND r.to_level = NEW.readiness_level AND r.to_year === NEW.readiness_year
      AND r.document_sha256 = NEW.signed_document_sha256
      AND r.metadata_sha256 = NEW.signed_metadata_sha256
      AND r.valid_from_year === NEW.signed_from_year AND r.valid_until === NEW.signed_until
      AND NEW.signed_solo ="""
    """ (CASE WHEN r.direction = 'up' THEN NOT r.independent ELSE OLD.signed_solo END)
      AND NEW.signed_dependence ="""
    """ (CASE WHEN r.direction = 'up' THEN r.dependence ELSE OLD.signed_dependence END)
"""
)
# The HTML is derived from the text. It may be rendered again, once per version of the renderer.
IMMUTABLE_COLUMNS = (
    "id",
    "path",
    "sha256",
    "text",
    "size",
    "source_revision",
    "authored_at",
    "seen_at",
)
RULE_COLUMNS = (
    "id",
    "target_level",
    "purpose",
    "version",
    "required_signatures",
    "group_id",
    "evidence_required",
    "separate_from_requester",
    "valid_days",
    "effective_from",
)
# A waiting version may come into force only if no newer version was ever in force. The policy
# checks that it has waited long enough or was confirmed: the database cannot tell who may confirm.
WAITED = (
    "(OLD.effective_from IS NOT NULL AND NOT EXISTS (\n"
    f"    SELECT 1 FROM {RULE} newer WHERE newer.target_level = OLD.target_level"
    """ AND newer.purpose = OLD.purpose
      AND newer.version > OLD.version AND newer.effective_from IS NULL))"""
)
INCIDENT_COLUMNS = ("id", "sequence", "hash", "message", "found_at")
# An upward request needs the rule in force and must meet its terms.
UNDER_ITS_RULE = (
    "EXISTS (\n"
    f"""    SELECT 1 FROM {RULE} rule
    WHERE rule.id = NEW.rule_id AND rule.in_force AND rule.target_level = NEW.to_level
      AND NEW.required_signatures >= rule.required_signatures"""
    """ AND (NEW.independent OR NOT rule.separate_from_requester)
      AND (rule.purpose <> 're_sign' OR (NEW.from_level = NEW.to_level"""
    f""" AND NEW.from_year === NEW.to_year AND EXISTS (
        SELECT 1 FROM {RUNBOOK} b WHERE b.id = NEW.runbook_id AND NOT b.signed_solo
          AND (b.signed_document_sha256 <> NEW.document_sha256"""
    " OR b.signed_metadata_sha256 <> NEW.metadata_sha256)))))"
)
# A retired runbook can only return to the level that it had before.
WHAT_IT_WAS = (
    "EXISTS (\n"
    f"""    SELECT 1 FROM {REQUEST} before
    WHERE before.from_level = NEW.to_level AND before.id = (
      SELECT max(last.id) FROM {REQUEST} last
      WHERE last.runbook_id = NEW.runbook_id AND last.to_level = 'retired'"""
    " AND last.applied_at IS NOT NULL))"
)
# The signer of an upward request is active and in the rule's group.
MAY_SIGN = (
    "EXISTS (\n"
    f"""    SELECT 1 FROM {RULE} rule
    JOIN auth_user_groups membership ON membership.group_id = rule.group_id
    JOIN auth_user person ON person.id = membership.user_id
    WHERE rule.id = r.rule_id AND person.id = NEW.signer_id AND person.is_active"""
    " AND person.date_joined <= r.requested_at)"
)
# The same must hold for every signer when the quorum is reached.
STILL_MAY = f"""EXISTS (
    SELECT 1 FROM {RULE} rule
    JOIN auth_user_groups membership ON membership.group_id = rule.group_id
    JOIN auth_user person ON person.id = membership.user_id
    WHERE rule.id = NEW.rule_id AND person.id = s.signer_id AND person.is_active)"""


def _is_a_way(table: dict[str, frozenset[str]]) -> str:
    """Return a condition that a request's levels are a pair of a table of ``transitions``."""
    ways = (
        (
            f"(NEW.from_level = '{level}' AND NEW.to_level IN "
            f"({', '.join(repr(target) for target in sorted(targets))}))"
        )
        for level, targets in table.items()
        if targets
    )
    return "(" + " OR ".join(ways) + ")"


# The quorum is written in four places: see "Where the quorum is written" in docs/readiness.md.
APPROVALS = (
    f"SELECT count(*) FROM {SIGN_OFF} s WHERE s.request_id = NEW.id AND s.decision = 'approve'"
    f" AND (NEW.direction = 'down' OR {STILL_MAY})"
)
REJECTED = (
    f"EXISTS (SELECT 1 FROM {SIGN_OFF} denial WHERE denial.request_id = NEW.id AND "
    "denial.decision = 'reject')"
)
ALWAYS = "1 = 1"
LAST = f"SELECT max(sequence) FROM {LEDGER}"

# An assurance rests on an approved request that was applied, and on the ledger row that tells so.
IS_PROVEN = f"""(EXISTS (
    SELECT 1 FROM {REQUEST} r WHERE r.id = NEW.request_id AND r.runbook_id = NEW.runbook_id
      AND r.state = 'approved' AND r.applied_at IS NOT NULL)
  AND EXISTS (
    SELECT 1 FROM {LEDGER} c WHERE c.sequence = NEW.change_sequence AND c.hash = NEW.change_hash
      AND c.action = 'readiness_changed'))"""

GUARDS: tuple[tuple[str, str, str, str, str], ...] = (
    (
        "guard_runbook_update",
        "BEFORE UPDATE",
        RUNBOOK,
        f"{differs(SIGNED_COLUMNS)} AND NOT EXISTS ({APPROVED_REQUEST})",
        "A readiness moves by an approved request alone: open one under Sign-offs.",
    ),
    (
        "guard_runbook_identity",
        "BEFORE UPDATE",
        RUNBOOK,
        differs(("id", "slug")),
        "A runbook keeps its slug: links, signatures and other systems hang on it.",
    ),
    (
        "guard_runbook_insert",
        "BEFORE INSERT",
        RUNBOOK,
        "NEW.readiness_level <> 'unassessed' OR NEW.readiness_year IS NOT NULL OR "
        "NEW.signed_at IS NOT NULL"
        " OR NEW.signed_document_sha256 <> '' OR NEW.signed_metadata_sha256 <> ''"
        f" OR EXISTS (SELECT 1 FROM {RUNBOOK} o WHERE (o.id = NEW.id OR o.slug = NEW.slug OR "
        "o.title = NEW.title)"
        " AND o.readiness_level <> 'unassessed')",
        "A new runbook starts unassessed: a readiness comes from an approved request alone.",
    ),
    (
        "guard_runbook_delete",
        "BEFORE DELETE",
        RUNBOOK,
        "OLD.readiness_level <> 'unassessed'",
        "A runbook with a signed readiness is not deleted: retire it.",
    ),
    (
        "guard_document_insert",
        "BEFORE INSERT",
        DOCUMENT,
        (
            f"EXISTS (SELECT 1 FROM {DOCUMENT} o WHERE o.id = NEW.id OR (o.path = NEW.path AND "
            "o.sha256 = NEW.sha256))"
        ),
        "A version of a document is kept once.",
    ),
    (
        "guard_document_update",
        "BEFORE UPDATE",
        DOCUMENT,
        (
            f"{differs(IMMUTABLE_COLUMNS)} OR OLD.renderer >= {RENDERER} OR NEW.renderer <> "
            f"{RENDERER}"
        ),
        "A document is never edited: another text is another row.",
    ),
    (
        "guard_document_delete",
        "BEFORE DELETE",
        DOCUMENT,
        ALWAYS,
        "A version of a document is never deleted.",
    ),
    (
        "guard_rule_update",
        "BEFORE UPDATE",
        RULE,
        f"{differs(RULE_COLUMNS)} OR (NEW.in_force AND NOT OLD.in_force AND NOT {WAITED})",
        (
            "A rule is never edited: a changed rule is a new version, and one that was in force "
            "never comes back."
        ),
    ),
    ("guard_rule_delete", "BEFORE DELETE", RULE, ALWAYS, "A rule is never deleted."),
    (
        "guard_request_insert",
        "BEFORE INSERT",
        REQUEST,
        "NEW.state <> 'open' OR NEW.applied_at IS NOT NULL"
        f" OR EXISTS (SELECT 1 FROM {REQUEST} o WHERE o.id = NEW.id)"
        f" OR NOT EXISTS (SELECT 1 FROM {RUNBOOK} b WHERE b.id = NEW.runbook_id"
        " AND b.readiness_level = NEW.from_level AND b.readiness_year === NEW.from_year)"
        f" OR (NEW.direction = 'up' AND NOT ({UNDER_ITS_RULE} AND {_is_a_way(transitions.UP)}))"
        f" OR (NEW.from_level = 'retired' AND NOT {WHAT_IT_WAS})"
        f" OR (NEW.direction <> 'up' AND NOT {_is_a_way(transitions.DOWN)})",
        (
            "A request starts open, under a rule for its level, from where the runbook stands, "
            "on a way that the tables know."
        ),
    ),
    (
        "guard_request_update",
        "BEFORE UPDATE",
        REQUEST,
        f"{differs(PINNED_COLUMNS)} OR (OLD.state <> 'open' AND NEW.state <> OLD.state)"
        " OR (OLD.applied_at IS NOT NULL AND NEW.applied_at !== OLD.applied_at)"
        " OR (OLD.state <> 'open' AND (NEW.closed_at !== OLD.closed_at"
        " OR NEW.closed_reason <> OLD.closed_reason OR NEW.dependence <> OLD.dependence))",
        "What a request asks for is pinned, and a closed request never moves again.",
    ),
    (
        "guard_request_approval",
        "BEFORE UPDATE",
        REQUEST,
        (
            f"OLD.state = 'open' AND NEW.state = 'approved' AND (({APPROVALS}) < "
            f"NEW.required_signatures OR {REJECTED})"
        ),
        "A request is approved when its signatures are complete and count, not before.",
    ),
    (
        "guard_request_delete",
        "BEFORE DELETE",
        REQUEST,
        ALWAYS,
        "A status change request is never deleted.",
    ),
    (
        "guard_sign_off_insert",
        "BEFORE INSERT",
        SIGN_OFF,
        f"NOT EXISTS (SELECT 1 FROM {REQUEST} r WHERE r.id = NEW.request_id AND r.state = 'open'"
        " AND r.document_sha256 = NEW.document_sha256 AND r.metadata_sha256 = NEW.metadata_sha256"
        " AND NOT (r.independent AND r.requested_by_id = NEW.signer_id)"
        f" AND (r.direction = 'down' OR {MAY_SIGN}))"
        f" OR EXISTS (SELECT 1 FROM {SIGN_OFF} o"
        " WHERE o.id = NEW.id OR (o.request_id = NEW.request_id AND o.signer_id = NEW.signer_id))",
        "A decision counts once per person, on an open request, on what it pins, from the "
        "rule's group and never from "
        "the requester.",
    ),
    ("guard_sign_off_update", "BEFORE UPDATE", SIGN_OFF, ALWAYS, "A decision is never changed."),
    ("guard_sign_off_delete", "BEFORE DELETE", SIGN_OFF, ALWAYS, "A decision is never deleted."),
    (
        "guard_ledger_insert",
        "BEFORE INSERT",
        LEDGER,
        f"NEW.sequence <> coalesce(({LAST}), 0) + 1"
        f" OR NEW.previous_hash <> coalesce((SELECT hash FROM {LEDGER} WHERE sequence = "
        f"({LAST})), '{'0' * 64}')"
        f" OR EXISTS (SELECT 1 FROM {LEDGER} o WHERE o.hash = NEW.hash)"
        f" OR EXISTS (SELECT 1 FROM {LEDGER} o WHERE o.sequence = ({LAST}) AND "
        "NEW.recorded_at < o.recorded_at)"
        " OR NOT RECORDED_AT_IS_READABLE OR NOT TEXTS_ARE_READABLE OR NOT CHANGES_ARE_READABLE",
        "The ledger grows at its end alone, by rows that can be read.",
    ),
    ("guard_ledger_update", "BEFORE UPDATE", LEDGER, ALWAYS, "A ledger row is never changed."),
    ("guard_ledger_delete", "BEFORE DELETE", LEDGER, ALWAYS, "A ledger row is never deleted."),
    (
        "guard_incident_insert",
        "BEFORE INSERT",
        INCIDENT,
        f"NEW.settled_at IS NOT NULL OR EXISTS (SELECT 1 FROM {INCIDENT} o WHERE o.id = NEW.id)",
        "An incident of the ledger starts open.",
    ),
    (
        "guard_incident_update",
        "BEFORE UPDATE",
        INCIDENT,
        f"{differs(INCIDENT_COLUMNS)} OR OLD.settled_at IS NOT NULL",
        "An incident of the ledger is settled once, and never changed.",
    ),
    (
        "guard_incident_delete",
        "BEFORE DELETE",
        INCIDENT,
        ALWAYS,
        "An incident of the ledger is never deleted.",
    ),
    (
        "guard_assurance_insert",
        "BEFORE INSERT",
        ASSURANCE,
        f"NEW.generation <> 0 OR NOT {IS_PROVEN}"
        f" OR EXISTS (SELECT 1 FROM {ASSURANCE} o WHERE o.runbook_id = NEW.runbook_id)",
        "An assurance rests on an approved request and on the ledger row that tells of it.",
    ),
    (
        "guard_assurance_update",
        "BEFORE UPDATE",
        ASSURANCE,
        "NEW.runbook_id <> OLD.runbook_id"
        " OR NEW.generation NOT IN (OLD.generation, OLD.generation + 1)"
        f" OR (NEW.seal <> '' AND NOT {IS_PROVEN})",
        "An assurance moves to its next generation alone, and never back.",
    ),
    (
        "guard_assurance_delete",
        "BEFORE DELETE",
        ASSURANCE,
        ALWAYS,
        "An assurance is never deleted: without its seal it assures nothing.",
    ),
)
