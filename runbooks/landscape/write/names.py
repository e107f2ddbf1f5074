"""Runbook names outside of the runbooks' own rows, when titles change. Pure: imports no Django."""

from collections.abc import Mapping, Sequence

from runbooks.landscape.parse.cells import plain_text
from runbooks.landscape.parse.names import NameIndex
from runbooks.landscape.schema import Landscape, RunbookRow, SituationRow
from runbooks.landscape.write.spelling import escaped


class NamesWriter:
    """Keeps a name as the file writes it as long as it still means the same runbook."""

    def __init__(
        self, before: Landscape, wanted: Sequence[RunbookRow], aliases: Mapping[str, str]
    ) -> None:
        now_at = {row.line: row.title for row in wanted if row.line}
        self.titles_changed = [row.title for row in before.runbooks] != [
            row.title for row in wanted
        ]
        self.now = {row.title: now_at[row.line] for row in before.runbooks if row.line in now_at}
        titles, new_titles = [row.title for row in before.runbooks], [row.title for row in wanted]
        # Titles alone are tried first: a name that only a former title explains must not become
        # ambiguous.
        self._pairs = (
            (NameIndex(titles), NameIndex(new_titles)),
            (NameIndex(titles, aliases), NameIndex(new_titles, aliases)),
        )

    def still_means(self, name: str) -> str | None:
        """Return the present title that ``name`` means both before and after.

        None if it means no title, or another one than before.
        """
        for before, after in self._pairs:
            meant = before.resolve(name).title
            if meant is not None:
                now = self.now.get(meant)
                return now if now is not None and after.resolve(name).title == now else None
        return None

    def cell(self, was: SituationRow | None, row: SituationRow) -> str | None:
        """Return the names of a situation's runbooks; None if the cell can stay unchanged."""
        written = was.names if was else ()
        unread = [name for name in written if not self._meant_something(name)]
        meant = {name: self.still_means(name) for name in written if name not in unread}
        if (
            was
            and None not in meant.values()
            and tuple(dict.fromkeys(meant.values())) == row.runbooks
        ):
            return None
        kept = {title: name for name, title in reversed(meant.items()) if title is not None}
        names = [kept.get(title, title) for title in row.runbooks]
        return ", ".join(
            name if plain_text(name) == name else escaped(name) for name in (*names, *unread)
        )

    def _meant_something(self, name: str) -> bool:
        return any(before.resolve(name).title is not None for before, _ in self._pairs)
