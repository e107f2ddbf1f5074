"""The form of the import page: a file or a pasted text, and the decisions made so far."""

import base64
import binascii
from pathlib import PurePosixPath
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from governance.admin.base import is_a_key
from governance.exchange.importing import Answers, LandscapeFile, placed_name
from governance.exchange.models import LandscapeSource
from runbooks.landscape.schema import ConflictChoice

# A real landscape has 20 KB. Larger files are imported by the command.
MAXIMUM_BYTES = 1024 * 1024
DEFAULT_NAME = "landscape.md"
SIDE, ANSWER = "side-", "answer-"
SIDES = {choice.value: choice for choice in ConflictChoice if choice is not ConflictChoice.STOP}
YES_OR_NO = {"yes": True, "no": False}


class ImportForm(forms.Form):
    """The file, which travels with the form: the server stores nothing before it is applied."""

    upload = forms.FileField(
        label=_("Landscape file"), required=False, help_text=_("Markdown in UTF-8, up to 1 MB.")
    )
    pasted = forms.CharField(
        label=_("Or paste its text"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "class": "vLargeTextField", "spellcheck": "false"}),
        help_text=_("Pasted text gets Unix line endings. Upload the file to keep it unchanged."),
    )
    content = forms.CharField(required=False, strip=False, widget=forms.HiddenInput)
    name = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """Return the file's bytes as ``content`` and its name as ``name``.

        They come from an upload, a pasted text or the previous page.
        """
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        upload, pasted = cleaned.get("upload"), cleaned.get("pasted")
        if upload:
            cleaned["name"] = PurePosixPath(upload.name).name
            content = upload.read(MAXIMUM_BYTES + 1)
        elif pasted:
            # A browser sends every line end of a text field as CR LF.
            content = pasted.replace("\r\n", "\n").encode("utf-8", errors="surrogatepass")
        else:
            content = self._carried(cleaned.get("content", ""))
        if len(content) > MAXIMUM_BYTES:
            raise ValidationError(
                _("The file is larger than 1 MB. Import it with manage.py import_landscape.")
            )
        if not content:
            raise ValidationError(_("Choose a file, or paste its text."))
        newest = LandscapeSource.objects.only("file").first()
        cleaned["name"], _placed = placed_name(
            PurePosixPath(cleaned["name"] or (newest.file if newest else DEFAULT_NAME)).name
        )
        return {**cleaned, "content": content}

    @staticmethod
    def _carried(encoded: str) -> bytes:
        try:
            return base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError) as error:
            raise ValidationError(_("The upload was incomplete. Choose the file again.")) from error

    def file(self, data: QueryDict) -> LandscapeFile:
        """Return the file, with the sides chosen so far for its conflicts."""
        sides = {
            int(name.removeprefix(SIDE)): SIDES[value]
            for name, value in data.items()
            if name.startswith(SIDE) and is_a_key(name.removeprefix(SIDE)) and value in SIDES
        }
        name, is_placed = placed_name(PurePosixPath(self.cleaned_data["name"]).name)
        return LandscapeFile(name, self.cleaned_data["content"], sides, is_placed)


def carried(content: bytes) -> str:
    """Return the bytes as the next page's form carries them."""
    return base64.b64encode(content).decode("ascii")


def answers(data: QueryDict) -> Answers:
    """Return the answers given so far to proposals."""
    said = {
        name.removeprefix(ANSWER): value for name, value in data.items() if name.startswith(ANSWER)
    }
    return Answers({key: YES_OR_NO[value] for key, value in said.items() if value in YES_OR_NO})
