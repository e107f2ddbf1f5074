"""The actions that a ledger entry can record."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Action(models.TextChoices):
    """The action of a ledger row. The set is closed: the ledger refuses any other value."""

    CREATED = "created", _("created")
    CHANGED = "changed", _("changed")
    DELETED = "deleted", _("deleted")
    DOCUMENT_STORED = "document_stored", _("document stored")
    DOCUMENTS_SYNCED = "documents_synced", _("documents synced")
    CATALOGUE_CHECKED = "catalogue_checked", _("catalogue checked")
    LANDSCAPE_IMPORTED = "landscape_imported", _("landscape imported")
    RELEASE_NOTED = "release_noted", _("release note")
    REQUEST_SUBMITTED = "request_submitted", _("sign-off requested")
    REQUEST_SIGNED = "request_signed", _("signed")
    REQUEST_REJECTED = "request_rejected", _("sign-off rejected")
    REQUEST_WITHDRAWN = "request_withdrawn", _("sign-off withdrawn")
    REQUEST_LAPSED = "request_lapsed", _("sign-off lapsed")
    READINESS_CHANGED = "readiness_changed", _("readiness changed")
    CONFIRMATION_FAILED = "confirmation_failed", _("wrong password at signing")
    SIGN_IN_LOCKED = "sign_in_locked", _("sign-in locked")
    SIGN_IN_UNLOCKED = "sign_in_unlocked", _("sign-in unlocked")
    PASSWORD_SET = "password_set", _("password set")
    TOKEN_CREATED = "token_created", _("API token created")
    TOKEN_REVOKED = "token_revoked", _("API token revoked")
    RESTORE_ACCEPTED = "restore_accepted", _("restored ledger accepted")
    CHANGE_CONFIRMED = "change_confirmed", _("change confirmed")
    CHANGE_REFUSED = "change_refused", _("change refused")
    BREAK_ACCEPTED = "break_accepted", _("broken ledger accepted")
    CLOCK_ACCEPTED = "clock_accepted", _("corrected clock accepted")
