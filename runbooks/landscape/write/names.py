"""How runbooks are named outside their own row, before and after titles changed. Pure: imports no Django."""

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
        # The plain pair of indexes comes first: a name that a former title alone explains must not
        # become one.
        self._pairs = (
            (NameIndex(titles), NameIndex(new_titles)),
            (NameIndex(titles, aliases), NameIndex(new_titles, aliases)),
        )

    def still_means(self, name: str) -> str | None:
        """The title, as it is now, that ``name`` means before and after; None when it means none or another."""
        for before, after in self._pairs:
            meant = before.resolve(name).title
            if meant is not None:
                now = self.now.get(meant)
                return now if now is not None and after.resolve(name).title == now else None
        return None

    def cell(self, was: SituationRow | None, row: SituationRow) -> str | None:
        """The names of a situation; None when the cell may stay as it is."""
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
