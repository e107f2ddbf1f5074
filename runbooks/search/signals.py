"""Signal receivers that update the entries of what is saved, deleted or linked."""

from collections.abc import Callable, Iterable
from typing import Any

from django.db.models import Model, Q, QuerySet
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete

from runbooks.managers import NOT_SEARCHED, TELLS_THE_TEXT, rows_changed
from runbooks.models import (
    Cluster,
    CodeReference,
    Document,
    Layer,
    Runbook,
    RunbookAlias,
    SearchSynonym,
    Section,
    SectionEntry,
    Situation,
    SituationRunbook,
)
from runbooks.search import index

Keys = tuple[Iterable[int], Iterable[int]]  # of runbooks, of situations
REMEMBERED = "_search_affected"


def _runbooks(**condition: Any) -> list[int]:
    return list(Runbook.objects.filter(**condition).values_list("pk", flat=True).distinct())


def _of_cluster(pks: list[int]) -> Keys:
    concerned = Q(primary_cluster__in=pks) | Q(related_clusters__in=pks)
    return Runbook.objects.filter(concerned).values_list("pk", flat=True).distinct(), ()


def _of_runbook(pks: list[int]) -> Keys:
    return pks, SituationRunbook.objects.filter(runbook__in=pks).values_list("situation", flat=True)


def _of_step(pks: list[int]) -> Keys:
    """Return what a step concerns: it and the other steps of its situation.

    Which of them is the first may have changed.
    """
    situations = SituationRunbook.objects.filter(pk__in=pks).values_list("situation", flat=True)
    steps = SituationRunbook.objects.filter(Q(pk__in=pks) | Q(situation__in=list(situations)))
    return steps.values_list("runbook", flat=True), list(situations)


def _of_document(pks: list[int]) -> Keys:
    """Return the runbooks with this document, and those whose signed text it is.

    Their page may show it now or later.
    """
    signed = Document.objects.filter(pk__in=pks).values("sha256")
    return _runbooks(document__in=pks) + _runbooks(signed_document_sha256__in=signed), ()


# The runbooks and situations that rows of each model concern, by the rows' primary keys.
AFFECTED: dict[type[Model], Callable[[list[int]], Keys]] = {
    Runbook: _of_runbook,
    RunbookAlias: lambda pks: (_runbooks(aliases__in=pks), ()),
    Document: _of_document,
    Cluster: _of_cluster,
    Layer: lambda pks: (_runbooks(layers__in=pks), ()),
    CodeReference: lambda pks: (_runbooks(code_references__in=pks), ()),
    Section: lambda pks: (_runbooks(section_entries__section__in=pks), ()),
    SectionEntry: lambda pks: (_runbooks(section_entries__in=pks), ()),
    Situation: lambda pks: (_runbooks(situation_steps__situation__in=pks), pks),
    SituationRunbook: _of_step,
}
LINKS = (Runbook.layers.through, Runbook.related_clusters.through, CodeReference.runbooks.through)


def connect() -> None:
    """Connect the receivers. Called once, when the application is ready."""
    for model in AFFECTED:
        post_save.connect(_saved, sender=model, dispatch_uid=f"search.saved.{model.__name__}")
        pre_delete.connect(
            _before_delete, sender=model, dispatch_uid=f"search.before.{model.__name__}"
        )
        post_delete.connect(_deleted, sender=model, dispatch_uid=f"search.deleted.{model.__name__}")
    for through in LINKS:
        m2m_changed.connect(
            _linked, sender=through, dispatch_uid=f"search.linked.{through.__name__}"
        )
    rows_changed.connect(_rows_changed, dispatch_uid="search.rows")
    for signal in (post_save, post_delete):
        signal.connect(
            _synonyms_changed, sender=SearchSynonym, dispatch_uid=f"search.synonyms.{id(signal)}"
        )


def _saved(
    sender: type[Model], instance: Any, raw: bool = False, update_fields: Any = None, **_: Any
) -> None:
    if raw:
        # `loaddata`: related rows may not exist yet. The system check reports that the index is
        # behind.
        _forget(sender, instance.pk)
    else:
        _changed(sender, [instance.pk], frozenset(update_fields or ()))


def _rows_changed(sender: type[Model], pks: list[int], fields: frozenset[str], **_: Any) -> None:
    if sender in AFFECTED:
        _changed(sender, pks, fields)
    else:
        index.stamp()  # the rows are synonyms


def _changed(model: type[Model], pks: list[int], fields: frozenset[str]) -> None:
    """Update the index after a write of some fields; without names, of all fields."""
    if not fields or not fields <= NOT_SEARCHED | TELLS_THE_TEXT:
        _refresh(model, pks)
    elif fields & TELLS_THE_TEXT:
        index.refresh_texts(pks)


def _refresh(model: type[Model], pks: list[int]) -> None:
    runbooks, situations = AFFECTED[model](pks)
    # A stored text never changes, but its rendered HTML may, and is then read again.
    index.refresh(runbooks, situations, reread=model is Document)


def _forget(model: type[Model], pk: int) -> None:
    if model is Runbook:
        index.forget(runbooks=[pk])
    elif model is Situation:
        index.forget(situations=[pk])


def _before_delete(sender: type[Model], instance: Any, **_: Any) -> None:
    runbooks, situations = (set(keys) for keys in AFFECTED[sender]([instance.pk]))
    if sender is Runbook:  # without it, another runbook may be the first of its situations
        runbooks |= set(_runbooks(situation_steps__situation__in=situations))
    setattr(instance, REMEMBERED, (runbooks, situations))
    _forget(sender, instance.pk)


def _deleted(sender: type[Model], instance: Any, origin: Any = None, **_: Any) -> None:
    cause = origin.model if isinstance(origin, QuerySet) else type(origin)
    if origin is not None and cause is not sender:
        return  # a cascade: the signal of the object that is deleted updates the index
    index.refresh(*getattr(instance, REMEMBERED, ((), ())))


def _linked(sender: Any, instance: Any, action: str, pk_set: Any, **_: Any) -> None:
    """Update the index when a runbook is linked with a layer, a cluster or a code reference.

    Either side of the link may be the sender's instance.
    """
    if action == "pre_clear":
        runbooks, _situations = AFFECTED[type(instance)]([instance.pk])
        setattr(instance, REMEMBERED, (set(runbooks), set()))
    elif action == "post_clear":
        index.refresh(*getattr(instance, REMEMBERED, ((), ())))
    elif action.startswith("post_"):
        index.refresh([instance.pk] if isinstance(instance, Runbook) else pk_set)


def _synonyms_changed(**_: Any) -> None:
    index.stamp()
