"""Hits: a runbook's live row, with the section of its shown text that matches best."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from runbooks.models import Document, Runbook, SearchPassage
from runbooks.search.snippets import Part, marked, snippet
from runbooks.validity import Standing


@dataclass(frozen=True, slots=True)
class Found:
    """A runbook that was found: its live row, its standing, and the best section, if any.

    ``document`` is the key of the text that contains the section. ``unsigned`` is true if words of
    the question occur only in a newer text, which nobody has signed and which the page does not
    show.
    """

    runbook: Runbook
    standing: Standing
    passage: int | None = None
    document: int | None = None
    unsigned: bool = False

    @property
    def pk(self) -> int:
        """Return the runbook's primary key."""
        return self.runbook.pk


@dataclass(frozen=True, slots=True)
class RunbookHit:
    """A runbook as shown among the hits, with the section in which it was found.

    ``unsigned`` is true if it was found, also or only, in an unsigned text although another text
    was signed. Nothing of the unsigned text is shown.
    """

    runbook: Runbook
    standing: Standing
    heading: str
    anchor: str
    passage_text: str
    words: frozenset[str]
    unsigned: bool

    @property
    def address(self) -> str:
        """Return the address of the runbook's page, at the section."""
        page = self.runbook.get_absolute_url()
        return f"{page}#{self.anchor}" if self.anchor else page

    def heading_parts(self) -> list[Part]:
        """Return the section's heading, with the words of the question marked."""
        return marked(self.heading, self.words)

    def snippet_parts(self) -> list[Part]:
        """Return an excerpt of the section's text, with the words of the question marked."""
        return snippet(self.passage_text, self.words)


def hits_of(found: Iterable[Found], words: frozenset[str]) -> list[RunbookHit]:
    """Return the runbooks as they are shown.

    Runs one query for the sections, and another if a text changed since its sign-off.

    :param words: the folded words of the question.
    """
    wanted = list(found)
    leading = {each.passage: each for each in wanted if each.passage}
    shown = _whose_text_is_shown(leading.values())
    rows = SearchPassage.objects.filter(
        pk__in=[pk for pk, each in leading.items() if each.pk in shown]
    ).order_by()
    sections = (
        {pk: section for pk, *section in rows.values_list("pk", "heading", "anchor", "text")}
        if shown
        else {}
    )
    return [
        _hit(each, sections.get(each.passage or 0), words, is_shown=each.pk in shown)
        for each in wanted
    ]


def _whose_text_is_shown(found: Iterable[Found]) -> set[int]:
    """Return the keys of the runbooks whose page shows the text that the index has read.

    A section of another text would lead nowhere.
    """
    candidates = list(found)
    changed = [each for each in candidates if each.runbook.text_changed]
    documents = Document.objects.filter(pk__in=[each.document for each in changed])
    sha256 = dict(documents.values_list("pk", "sha256")) if changed else {}
    return {
        each.pk
        for each in candidates
        if (
            sha256.get(each.document or 0) == each.runbook.signed_document_sha256
            if each.runbook.text_changed
            else each.document == each.runbook.document_id
        )
    }


def _hit(
    found: Found, section: Sequence[str] | None, words: frozenset[str], *, is_shown: bool
) -> RunbookHit:
    row = found.runbook
    elsewhere = found.unsigned or (found.passage is not None and not is_shown)
    unsigned = elsewhere and row.text_changed and row.document_id is not None
    heading, anchor, text = section or ("", "", "")
    return RunbookHit(row, found.standing, heading, anchor, text or row.scope, words, unsigned)
