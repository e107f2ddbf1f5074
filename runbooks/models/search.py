"""The models of the search: synonyms, which people edit, and the index, which can be rebuilt.

The index contains no readiness. Each search reads it from the runbooks themselves.
"""

from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from runbooks.managers import SearchedQuerySet
from runbooks.models.runbook import Runbook
from runbooks.models.situation import Situation
from runbooks.search.text import index_words

MAX_SYNONYMS = 20


def synonym_groups() -> tuple[tuple[str, ...], ...]:
    """Return every group of synonyms with its phrases folded, without groups of fewer than two."""
    groups = (synonym.phrases() for synonym in SearchSynonym.objects.all())
    return tuple(group for group in groups if len(group) > 1)


class SearchSynonym(models.Model):
    """Words or phrases that the search treats as equal: ``Ampel, traffic light, severity``."""

    words = models.CharField(
        _("words"),
        max_length=300,
        unique=True,
        help_text=_(
            "Words or phrases with the same meaning, separated by commas. A search for one finds "
            "the others."
        ),
    )

    objects = SearchedQuerySet.as_manager()

    class Meta:
        verbose_name = _("search synonym")
        verbose_name_plural = _("search synonyms")
        ordering = ("words", "pk")

    def __str__(self) -> str:
        return self.words

    def phrases(self) -> tuple[str, ...]:
        """Return the group's phrases, folded, without duplicates."""
        folded = (" ".join(index_words(phrase)) for phrase in self.words.split(","))
        return tuple(dict.fromkeys(phrase for phrase in folded if phrase))

    def clean(self) -> None:
        """Refuse a group of the wrong size.

        :raises ValidationError: there are fewer than two different words, or too many.
        """
        if not 1 < len(self.phrases()) <= MAX_SYNONYMS:
            raise ValidationError(
                {
                    "words": _(
                        "Enter 2 to %(most)s different words or phrases, separated by commas."
                    )
                    % {"most": MAX_SYNONYMS}
                }
            )


class SearchEntry(models.Model):
    """All words of one runbook or situation, folded and grouped by relevance. Derived.

    ``document`` is the stored text from which the headings, ``body`` and the passages were created:
    the one that the runbook's page shows. ``body`` also contains the words that only a newer,
    unsigned text has.

    ``behind`` is 0 if the entry is up to date. A change of many runbooks at once stores a random
    number there, and the entry is updated after the transaction
    (``runbooks.search.index.catch_up``).
    """

    COLUMNS: ClassVar = ("title", "names", "later_names", "headings", "facts", "body")

    runbook = models.OneToOneField(Runbook, models.CASCADE, null=True, related_name="search_entry")
    situation = models.OneToOneField(
        Situation, models.CASCADE, null=True, related_name="search_entry"
    )
    document = models.ForeignKey("runbooks.Document", models.SET_NULL, null=True, related_name="+")
    title = models.TextField()
    names = models.TextField()
    later_names = models.TextField()
    headings = models.TextField()
    facts = models.TextField()
    body = models.TextField()
    # The exact titles and names in the form of ``runbooks.search.text.comparable``, one per line.
    exact_titles = models.TextField()
    exact_names = models.TextField()
    behind = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="search_entry_is_of_one_thing",
                condition=models.Q(runbook__isnull=False, situation__isnull=True)
                | models.Q(runbook__isnull=True, situation__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return self.title.strip()

    def all_words(self) -> set[str]:
        """Return every different word of the entry."""
        return {word for column in self.COLUMNS for word in getattr(self, column).split()}

    # Set by Django from SearchPassage.entry; declared here for the type checker.
    passages: Any


class SearchPassage(models.Model):
    """One section of a runbook's document: where it stands, and its text to be shown. Derived."""

    entry = models.ForeignKey(SearchEntry, models.CASCADE, related_name="passages", db_index=False)
    position = models.PositiveIntegerField()
    heading = models.TextField()
    anchor = models.TextField()
    text = models.TextField()

    class Meta:
        ordering = ("entry", "position", "pk")
        # Its index is also how an entry's passages are found, and a single one of them.
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="search_passage_has_its_position", fields=["entry", "position"]
            )
        ]

    def __str__(self) -> str:
        return self.heading


class SearchPlaces(models.Model):
    """Where each word of a runbook's document stands, by the positions of its passages. Derived.

    ``words`` are as ``runbooks.search.places.written`` makes them. ``newer`` are the folded words,
    with spaces around them, that only a newer, unsigned text has; empty where there is none. They
    are for finding alone: of a text that nobody signed no heading, anchor or text is kept, so that
    none can be shown.
    """

    entry = models.OneToOneField(
        SearchEntry, models.CASCADE, primary_key=True, related_name="places"
    )
    words = models.TextField()
    newer = models.TextField()

    def __str__(self) -> str:
        return str(self.entry_id)


class SearchWord(models.Model):
    """A word of the index and the number of entries that contain it. Derived."""

    word = models.CharField(max_length=64, unique=True)
    count = models.PositiveIntegerField()

    def __str__(self) -> str:
        return self.word


class SearchStamp(models.Model):
    """One row that changes whenever the index does. Derived.

    It tells every process when its vocabulary is outdated.
    """

    value = models.CharField(max_length=32)
    # The version of the index's structure; an index with another version is rebuilt.
    shape = models.PositiveIntegerField()

    def __str__(self) -> str:
        return self.value


# Made of the other models, shown to nobody by name, edited by nobody.
DERIVED: tuple[type[models.Model], ...] = (
    SearchEntry,
    SearchPassage,
    SearchPlaces,
    SearchStamp,
    SearchWord,
)
