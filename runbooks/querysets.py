"""The catalogue's questions, as QuerySet verbs that compose."""

import re
from datetime import datetime
from typing import Any, Self

from django.db import models, transaction
from django.db.models import Q
from django.dispatch import Signal
from django.utils import timezone

from runbooks.choices import ReadinessLevel

NUMBER = re.compile(r"^\s*(\d{1,6})\s*([A-Za-z]{0,4})\s*$")
# What a plain text search looks at; every word must be found in one of them.
SEARCHED = (
    "title",
    "slug",
    "scope",
    "document_path",
    "owner",
    "layers__title",
    "primary_cluster__title",
    "situations__title",
    "document__text",
)
MOST_WORDS = 8

# Sent with ``sender`` (the model) and ``pks`` when a query wrote rows past ``save``; the search index listens.
rows_changed = Signal()
# Fields that the search index never holds: where a runbook stands is read from the live row at every search.
NOT_SEARCHED = frozenset(
    {
        "readiness_level", "readiness_year", "signed_document_sha256", "signed_metadata_sha256", "signed_at",
        "declared_level", "declared_year", "declared_text", "escalation_contact",
    }
)  # fmt: skip


class SearchedQuerySet(models.QuerySet[Any]):
    """Rows that the search index is made of: a write of many tells it, as a save of one does by itself."""

    def update(self, **kwargs: Any) -> int:
        """As ever, and the index follows in the same transaction."""
        if NOT_SEARCHED.issuperset(kwargs):
            return super().update(**kwargs)
        with transaction.atomic(using=self.db):
            pks = list(self.values_list("pk", flat=True))
            number = super().update(**kwargs)
            rows_changed.send(self.model, pks=pks)
        return number

    update.alters_data = True  # type: ignore[attr-defined]

    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> list[Any]:
        """As ever, and the index follows in the same transaction."""
        with transaction.atomic(using=self.db):
            made = super().bulk_create(objs, *args, **kwargs)
            rows_changed.send(self.model, pks=[row.pk for row in made if row.pk is not None])
        return made


class ClusterQuerySet(SearchedQuerySet):
    """Questions about clusters."""

    def covering(self, number: str) -> Self:
        """Clusters whose range covers a number such as ``83`` or ``16A``; none when it is no number.

        A bare number also finds lettered ones: 16 finds ``Phase 16A``.
        """
        found = NUMBER.match(number)
        if not found:
            return self.none()
        value, suffix = int(found[1]), found[2]
        covering = self.filter(first_number__lte=value, last_number__gte=value)
        return covering.filter(suffix__iexact=suffix) if suffix else covering

    def overlapping(self, cluster: Any) -> Self:
        """Other clusters of the same kind whose range shares a number with this one's; none for a named stream."""
        if cluster.first_number is None:
            return self.none()
        return self.filter(
            kind=cluster.kind, first_number__lte=cluster.last_number, last_number__gte=cluster.first_number
        ).exclude(pk=cluster.pk)


class SituationQuerySet(SearchedQuerySet):
    """Questions about situations."""

    def with_steps(self) -> Self:
        """With their runbooks in order and all that a list shows of each, in a fixed number of queries."""
        # Asked by way of the fields: importing the models here would run in a ring.
        step = self.model._meta.get_field("steps").related_model
        runbook = step._meta.get_field("runbook").related_model
        return self.prefetch_related(
            models.Prefetch("steps", step.objects.order_by("position")),
            models.Prefetch("steps__runbook", runbook.objects.with_catalogue()),
        )

    def matching(self, text: str) -> Self:
        """Situations in whose title, comment or runbooks' titles every word of ``text`` is found."""
        return _matching(self, text, ("title", "comment", "runbooks__title"))


class RunbookQuerySet(SearchedQuerySet):
    """Questions about runbooks."""

    def with_document(self) -> Self:
        """With what tells its standing where it is not signed ready, in one query and without the texts."""
        return self.select_related("document").defer("document__text", "document__html", "document__contents")

    def with_catalogue(self) -> Self:
        """With all that a list shows of each, in a fixed number of queries and without the texts."""
        return self.with_document().select_related("primary_cluster").prefetch_related("layers", "related_clusters")

    def signed_ready(self, *, at: datetime | None = None) -> Self:
        """Signed for live use in the year of ``at`` (aware; now by default; the portal's time zone counts)."""
        return self.filter(readiness_level=ReadinessLevel.READY, readiness_year=timezone.localdate(at).year)

    def live_ready(self, *, at: datetime | None = None) -> list[Any]:
        """The runbooks that may be used live at a moment: signed, in date, text and metadata unchanged.

        A list and not a query: the metadata is hashed anew for each, so that no stored flag can lie.
        """
        candidates = self.signed_ready(at=at).filter(document__sha256=models.F("signed_document_sha256"))
        return [runbook for runbook in candidates.with_catalogue() if not runbook.reasons_against_live(at=at)]

    def covering(self, number: str) -> Self:
        """Runbooks whose primary or a related cluster covers a number (see ``ClusterQuerySet.covering``)."""
        # Asked by way of the field: importing the models here would run in a ring.
        cluster = self.model._meta.get_field("primary_cluster").related_model
        clusters = cluster.objects.covering(number).values("pk")
        return self.filter(Q(primary_cluster__in=clusters) | Q(related_clusters__in=clusters)).distinct()

    def matching(self, text: str) -> Self:
        """Runbooks in which every word of ``text`` (the first eight) is found somewhere."""
        return _matching(self, text, SEARCHED)


def _matching(queryset: Any, text: str, fields: tuple[str, ...]) -> Any:
    for word in text.split()[:MOST_WORDS]:
        anywhere = Q()
        for field in fields:
            anywhere |= Q(**{f"{field}__icontains": word})
        # A subquery for each word: joined rows would double the runbooks.
        queryset = queryset.filter(pk__in=queryset.model.objects.filter(anywhere).values("pk"))
    return queryset
