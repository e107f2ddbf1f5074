"""Queries of the catalogue, as QuerySet methods that compose."""

import re
from datetime import date, datetime, timedelta
from typing import Any, Self

from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.dispatch import Signal
from django.utils import timezone

from runbooks.choices import ReadinessLevel
from runbooks.json_relations import RelatedRows

NUMBER = re.compile(r"^\s*(\d{1,6})\s*([A-Za-z]{0,4})\s*$")
# The fields of a plain text search; every word must be found in one of them.
SEARCHED = (
    "title",
    "slug",
    "aliases__name",
    "scope",
    "document_path",
    "owner",
    "layers__title",
    "primary_cluster__title",
    "situations__title",
    "document__text",
)
MAX_WORDS = 8

# What a page shows of each kind of related row, in the order of the model's fields.
RELATED_FIELDS = {
    "layers": ("id", "slug", "title"),
    "related_clusters": ("id", "slug", "kind", "first_number", "last_number", "suffix", "title"),
    "aliases": ("id", "name"),
    "situations": ("id", "slug", "title"),
    "code_references": ("id", "path", "description"),
    "section_entries": ("id", "section_id", "role_html"),
    "sections": ("id", "slug", "number", "title"),
}
RELATED = "_at_hand"

# Sent with ``sender`` (the model), ``pks`` and ``fields`` (empty means all) when a query wrote rows
# without ``save``; the search index listens.
rows_changed = Signal()
# Fields that the search index never contains: the readiness of a runbook is read from the live row
# at every search.
NOT_SEARCHED = frozenset(
    {
        "readiness_level", "readiness_year",
        "signed_metadata_sha256", "signed_at", "signed_from_year", "signed_until", "signed_solo",
        "signed_dependence", "declared_level", "declared_year", "declared_text",
        "escalation_contact",
    }
)  # fmt: skip
# The only signed field that affects the index: it decides which text the page of a runbook shows.
TELLS_THE_TEXT = frozenset({"signed_document_sha256"})


class SearchedQuerySet(models.QuerySet[Any]):
    """Rows of the search index: writes of many rows update the index, as saving one does."""

    def update(self, **kwargs: Any) -> int:
        """Update the rows, and the index in the same transaction."""
        if NOT_SEARCHED.issuperset(kwargs):
            return self.update_unsearched(**kwargs)
        with transaction.atomic(using=self.db):
            pks = list(self.values_list("pk", flat=True))
            number = super().update(**kwargs)
            rows_changed.send(self.model, pks=pks, fields=frozenset(kwargs))
        return number

    update.alters_data = True  # type: ignore[attr-defined]

    def update_unsearched(self, **kwargs: Any) -> int:
        """Update values that the search does not use. The caller is responsible for that."""
        return super().update(**kwargs)

    update_unsearched.alters_data = True  # type: ignore[attr-defined]

    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> list[Any]:
        """Create the rows, and update the index in the same transaction."""
        with transaction.atomic(using=self.db):
            made = super().bulk_create(objs, *args, **kwargs)
            rows_changed.send(
                self.model, pks=[row.pk for row in made if row.pk is not None], fields=frozenset()
            )
        return made


class ClusterQuerySet(SearchedQuerySet):
    """Queries of clusters."""

    def covering(self, number: str) -> Self:
        """Select clusters whose range covers a number such as ``83`` or ``16A``.

        A number without a letter also finds those with one: 16 finds ``Phase 16A``. Text that is
        not a number finds nothing.
        """
        found = NUMBER.match(number)
        if not found:
            return self.none()
        value, suffix = int(found[1]), found[2]
        covering = self.filter(first_number__lte=value, last_number__gte=value)
        return covering.filter(suffix__iexact=suffix) if suffix else covering

    def overlapping(self, cluster: Any) -> Self:
        """Select other clusters of the same kind that share a number; none for a named stream."""
        if cluster.first_number is None:
            return self.none()
        return self.filter(
            kind=cluster.kind,
            first_number__lte=cluster.last_number,
            last_number__gte=cluster.first_number,
        ).exclude(pk=cluster.pk)


class SituationQuerySet(SearchedQuerySet):
    """Queries of situations."""

    def with_steps(self, *, contents: bool = False) -> Self:
        """Load the runbooks in order, with all that a list shows, in a fixed number of queries.

        :param contents: also load the headings of the texts.
        """
        # The model is reached through the fields: importing it here would be a circular import.
        step = self.model._meta.get_field("steps").related_model
        runbook = step._meta.get_field("runbook").related_model
        runbooks = runbook.objects.with_contents() if contents else runbook.objects.with_catalogue()
        return self.prefetch_related(
            models.Prefetch("steps", step.objects.order_by("position", "pk")),
            models.Prefetch("steps__runbook", runbooks),
        )

    def matching(self, text: str) -> Self:
        """Select situations with every word of ``text`` in title, comment or runbooks' titles."""
        return _matching(self, text, ("title", "comment", "runbooks__title"))


class RunbookQuerySet(SearchedQuerySet):
    """Queries of runbooks."""

    def with_document(self) -> Self:
        """Load what decides the standing of a runbook that is not signed ready.

        It takes one query and loads no texts.
        """
        return self.select_related("document").defer(
            "document__text", "document__html", "document__contents"
        )

    def with_catalogue(self) -> Self:
        """Load all that a list shows of each runbook, in one query and without the texts."""
        return (
            self.with_document()
            .select_related("primary_cluster")
            .with_related("layers", "related_clusters")
        )

    def with_page(self) -> Self:
        """Load all that the page of a runbook shows, including the text, in one query."""
        return self.select_related("primary_cluster", "document").with_related(*RELATED_FIELDS)

    def with_related(self, *names: str) -> Self:
        """Load the related rows of these names (``Runbook.related``)."""
        field = self.model._meta.get_field
        return self.annotate(
            **{f"{name}{RELATED}": RelatedRows(field(name), RELATED_FIELDS[name]) for name in names}
        )

    def with_contents(self) -> Self:
        """Load all that a list shows, and the headings of each text for links to them."""
        return self.with_catalogue().defer(None).defer("document__text", "document__html")

    def signed_ready(self, *, at: datetime | None = None) -> Self:
        """Select runbooks signed for live use on the day of ``at``.

        :param at: aware; now by default. The day is the one in the portal's time zone.
        """
        today = timezone.localdate(at)
        first_year = Coalesce("signed_from_year", "readiness_year")
        return self.alias(first_year=first_year).filter(
            Q(signed_until__isnull=True) | Q(signed_until__gte=today),
            readiness_level=ReadinessLevel.READY,
            readiness_year__gte=today.year,
            first_year__lte=today.year,
        )

    def ending_soon(self, *, today: date, days: int) -> list[Any]:
        """Return the signed runbooks that end within ``days`` from ``today``, in that order."""
        until = today + timedelta(days=days)
        candidates = self.filter(
            Q(readiness_year__gte=today.year, readiness_year__lte=until.year)
            | Q(signed_until__gte=today, signed_until__lte=until)
        ).exclude(readiness_level=ReadinessLevel.RETIRED)
        ending = [
            runbook
            for runbook in candidates.with_catalogue()
            if today <= runbook.valid_until <= until
        ]
        return sorted(ending, key=lambda runbook: (runbook.valid_until, runbook.title))

    def covering(self, number: str) -> Self:
        """Select runbooks whose primary or a related cluster covers a number.

        See ``ClusterQuerySet.covering``.
        """
        # The model is reached through the field: importing it here would be a circular import.
        cluster = self.model._meta.get_field("primary_cluster").related_model
        clusters = cluster.objects.covering(number).values("pk")
        related = self.model.related_clusters.through.objects.filter(cluster__in=clusters).values(
            "runbook"
        )
        return self.filter(Q(primary_cluster__in=clusters) | Q(pk__in=related))

    def matching(self, text: str) -> Self:
        """Select runbooks with each of the first eight words of ``text`` in a searched field."""
        return _matching(self, text, SEARCHED)


def _matching(queryset: Any, text: str, fields: tuple[str, ...]) -> Any:
    for word in text.split()[:MAX_WORDS]:
        anywhere = Q()
        for field in fields:
            anywhere |= Q(**{f"{field}__icontains": word})
        # A subquery for each word: joined rows would duplicate runbooks.
        queryset = queryset.filter(pk__in=queryset.model.objects.filter(anywhere).values("pk"))
    return queryset
