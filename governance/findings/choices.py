"""Closed vocabularies of findings: kind, detector and severity."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class FindingKind(models.TextChoices):
    """What an import or a check can find."""

    CONFLICT_MARKER = "conflict_marker", _("merge conflict marker")
    DUPLICATE_ROW = "duplicate_row", _("duplicate row")
    DUPLICATE_SITUATION = "duplicate_situation", _("duplicate situation")
    MISSING_DOCUMENT = "missing_document", _("missing document")
    MISSING_PATH = "missing_path", _("row without a path")
    MISSING_ROW = "missing_row", _("runbook missing from the file")
    MISSING_COLUMN = "missing_column", _("missing column")
    UNKNOWN_COLUMN = "unknown_column", _("unknown column")
    UNKNOWN_LEVEL = "unknown_level", _("unknown level")
    RAGGED_ROW = "ragged_row", _("ragged row")
    ILLUSTRATIVE_PATH = "illustrative_path", _("illustrative path")
    UNSAFE_PATH = "unsafe_path", _("unsafe path")
    ODD_RANGE = "odd_range", _("odd range")
    AMBIGUOUS_NAME = "ambiguous_name", _("ambiguous name")
    AMBIGUOUS_CLUSTER = "ambiguous_cluster", _("ambiguous cluster")
    UNRESOLVED_NAME = "unresolved_name", _("unresolved name")
    FORMER_NAME = "former_name", _("former name")
    REFUSED_MOVE = "refused_move", _("path not adopted")
    UNREADABLE_DOCUMENT = "unreadable_document", _("unreadable document")
    # Found by the checks of documents and catalogue (governance.findings); each is explained in
    # docs/findings.md.
    PATH_MOVED = "path_moved", _("path moved")
    STUB = "stub", _("stub")
    DEAD_LINK = "dead_link", _("dead link")
    VERSION_DISAGREES = "version_disagrees", _("version mismatch")
    DATE_DISAGREES = "date_disagrees", _("date mismatch")
    LEVEL_DISAGREES = "level_disagrees", _("level mismatch")
    DOCUMENT_NOT_IN_FORCE = "document_not_in_force", _("document not in force")
    UNLISTED_DOCUMENT = "unlisted_document", _("document not in the landscape")
    NO_SITUATION = "runbook_without_situation", _("runbook without situation")
    SITUATION_NOT_LIVE = "situation_not_live", _("situation without a live-ready runbook")
    NO_OWNER = "runbook_without_owner", _("runbook without owner")
    NO_ESCALATION = "runbook_without_escalation", _("runbook without escalation contact")
    BROKEN_LEDGER = "broken_ledger", _("broken ledger")
    # A stored row differs from its last ledger entry, or has none.
    LEDGER_DISAGREES = "ledger_disagrees", _("changed without a ledger entry")
    NOT_IN_LEDGER = "not_in_ledger", _("not in the ledger")
    QUORUM_OUT_OF_REACH = "quorum_out_of_reach", _("request that nobody can complete")
    UNRENDERABLE_DOCUMENT = "unrenderable_document", _("unrenderable document")
    UNFINISHED_IMPORT = "unfinished_import", _("unfinished import")
    OTHER = "other", _("other")


class Detector(models.TextChoices):
    """The check that opens and resolves a finding. Each check resolves only its own findings."""

    # The import of the landscape file; the verification of the ledger.
    OTHER = "other", _("import or verification")
    # Documents and files as a sync saw them.
    DOCUMENTS = "documents", _("document sync")
    # The current catalogue.
    CATALOGUE = "catalogue", _("catalogue check")
    # Stored rows compared with their ledger entries.
    LEDGER = "ledger", _("comparison with the ledger")


class Severity(models.TextChoices):
    """How much a finding matters."""

    # For information only.
    INFORMATION = "information", _("information")
    # Something in the catalogue is probably wrong.
    WARNING = "warning", _("warning")
    # An operator may be misled.
    ERROR = "error", _("error")


# Kinds that are not listed are warnings.
SEVERITY_OF_KIND = {
    FindingKind.BROKEN_LEDGER: Severity.ERROR,
    FindingKind.LEDGER_DISAGREES: Severity.ERROR,
    FindingKind.CONFLICT_MARKER: Severity.ERROR,
    FindingKind.MISSING_DOCUMENT: Severity.ERROR,
    FindingKind.UNKNOWN_LEVEL: Severity.ERROR,
    FindingKind.UNSAFE_PATH: Severity.ERROR,
    FindingKind.UNREADABLE_DOCUMENT: Severity.ERROR,
    FindingKind.PATH_MOVED: Severity.ERROR,
    FindingKind.STUB: Severity.ERROR,
    FindingKind.LEVEL_DISAGREES: Severity.ERROR,
    FindingKind.UNFINISHED_IMPORT: Severity.ERROR,
    FindingKind.DATE_DISAGREES: Severity.INFORMATION,
    FindingKind.NO_SITUATION: Severity.INFORMATION,
    FindingKind.UNKNOWN_COLUMN: Severity.INFORMATION,
    FindingKind.ILLUSTRATIVE_PATH: Severity.INFORMATION,
    FindingKind.FORMER_NAME: Severity.INFORMATION,
}
