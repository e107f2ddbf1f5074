"""A form that two people opened at once: whoever saves later must not take the other's change back without knowing it."""

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
    """A model's form that carries what the object looked like when the page was opened.

    Where that differs at saving, nothing is saved; the page says what was changed meanwhile, and
    saving once more writes what the form says over it.
    """

    opened_on = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Now, before the form writes its values into the object; and only what the form writes.
        with ledger.canonical_language():
            facts = snapshot(self.instance) if self.instance.pk else {}
        written = {*self.fields, *registration_of(type(self.instance)).children}
        self._present = {name: value for name, value in facts.items() if name in written}
        self._digests = {name: _digest(value) for name, value in self._present.items()}
        self.initial[OPENED_ON] = json.dumps(self._digests, sort_keys=True)

    def clean(self) -> dict[str, Any] | None:
        """See that nobody has changed it since the page was opened.

        :raises ValidationError: somebody has; names what, and how it stands now.
        """
        cleaned = super().clean()
        changed = self._changed_meanwhile()
        if changed:
            # The page is shown anew, on what stands there now.
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
        """The names of the facts that differ from what the page was opened on."""
        try:
            opened_on = json.loads(self.data.get(self.add_prefix(OPENED_ON)) or "null")
        except ValueError:
            opened_on = None
        # Without it nobody knows what the page showed: then all of it counts as changed.
        opened_on = opened_on if isinstance(opened_on, dict) else {}
        return [name for name, digest in self._digests.items() if opened_on.get(name) != digest]

    def _in_words(self, name: str) -> str:
        model = type(self.instance)
        value = value_in_words(model, name, self._present[name])
        return (
            f"{field_in_words(model, name)}: "
            f"{', '.join(map(str, value)) if isinstance(value, list) else value}"
        )
