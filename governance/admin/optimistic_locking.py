"""Optimistic locking of forms: nobody overwrites somebody else's change without knowing it."""

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from governance import ledger
from governance.ledger.labels import field_in_words, value_in_words
from governance.ledger.registry import registration_of
from governance.ledger.snapshot import snapshot
from runbooks.digests import sha256_of_text

OPENED_ON = "opened_on"
DIGITS = 16


def _digest(value: Any) -> str:
    return sha256_of_text(json.dumps(value, sort_keys=True, default=str))[:DIGITS]


class OpenedOnForm(forms.ModelForm):
    """A model form that carries the state of the object when the page was opened.

    If the state has changed at saving, nothing is saved, and the page shows what has changed.
    Saving again overwrites it.
    """

    opened_on = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Before the form writes its values into the object, and only for what it writes.
        with ledger.canonical_language():
            facts = snapshot(self.instance) if self.instance.pk else {}
        written = {*self.fields, *registration_of(type(self.instance)).children}
        self._present = {name: value for name, value in facts.items() if name in written}
        self._digests = {name: _digest(value) for name, value in self._present.items()}
        self.initial[OPENED_ON] = json.dumps(self._digests, sort_keys=True)

    def clean(self) -> dict[str, Any] | None:
        """Check that nobody has changed the object since the page was opened.

        :raises ValidationError: somebody has. It names what changed, and the present values.
        """
        cleaned = super().clean()
        changed = self._changed_meanwhile()
        if changed:
            # The page is shown again, with the present state of the object.
            sent: Any = self.data.copy()  # type: ignore[attr-defined]
            sent[self.add_prefix(OPENED_ON)] = self.initial[OPENED_ON]
            self.data = sent
            raise ValidationError(
                [
                    _(
                        "Nothing was saved, because someone else changed this after you opened "
                        "it. Your entries are below. If you save again, they replace these "
                        "current values:"
                    ),
                    *(self._in_words(name) for name in changed),
                ]
            )
        return cleaned

    def _changed_meanwhile(self) -> list[str]:
        """Return the names of the values that differ from when the page was opened."""
        try:
            opened_on = json.loads(self.data.get(self.add_prefix(OPENED_ON)) or "null")
        except ValueError:
            opened_on = None
        # Without it, nobody knows what the page showed, so everything counts as changed.
        opened_on = opened_on if isinstance(opened_on, dict) else {}
        return [name for name, digest in self._digests.items() if opened_on.get(name) != digest]

    def _in_words(self, name: str) -> str:
        model = type(self.instance)
        value = value_in_words(model, name, self._present[name])
        return (
            f"{field_in_words(model, name)}: "
            f"{', '.join(map(str, value)) if isinstance(value, list) else value}"
        )
