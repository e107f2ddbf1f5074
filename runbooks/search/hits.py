"""A runbook as it is shown among the hits: from its live row, with a section of the text that its page shows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from runbooks.models import Document, Runbook, SearchPassage
from runbooks.search.snippets import Part, marked, snippet
from runbooks.validity import Standing


@dataclass(frozen=True, slots=True)
class Found:
    """A runbook that was found: its live row, its standing, and the section that answers best, if any.

    ``document`` is the key of the text that the section is of. ``unsigned``: words of the question
    stand only in a newer text, which nobody has signed and its page does not show.
    """

    runbook: Runbook
    standing: Standing
    passage: int | None = None
    document: int | None = None
    unsigned: bool = False

    @property
    def pk(self) -> int:
        """The runbook's key."""
        return self.runbook.pk


@dataclass(frozen=True, slots=True)
class RunbookHit:
    """A runbook as it is shown among the hits, with the section it is found in.

    ``unsigned``: it is found, also or only, in a text that nobody has signed though another was. Of
    that nothing is shown.
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
        """The runbook's page, at the section."""
        page = self.runbook.get_absolute_url()
        return f"{page}#{self.anchor}" if self.anchor else page

    def heading_parts(self) -> list[Part]:
        """The section's heading, with what was sought marked."""
        return marked(self.heading, self.words)

    def snippet_parts(self) -> list[Part]:
        """A piece of the section's text."""
        return snippet(self.passage_text, self.words)


def hits_of(found: Iterable[Found], words: frozenset[str]) -> list[RunbookHit]:
    """The runbooks as they are shown; in a query for the sections, and one more where a text changed since its sign-off.

    :param words: the folded words that are sought.
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
    """Keys of those whose page shows the very text that the index knows; one that is behind leads nowhere."""
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
