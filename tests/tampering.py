"""Writing to the database as somebody with every right in it could."""

from collections.abc import Callable, Iterable

from django.db import connection

from governance import guards


def past_the_refusals(statement: str, *parameters: object) -> None:
    """Run a statement with the refusing guards dropped; those that remove seals stay."""
    _run(
        statement,
        parameters,
        lift=lambda: _execute(
            drop
            for drop in guards.DIALECTS[connection.vendor].remove_statements()
            if "guard_unseal" not in drop
        ),
    )


def past_every_guard(statement: str, *parameters: object) -> None:
    """Run a statement with all guards dropped for the write, as the owner of the tables can."""
    _run(statement, parameters, lift=guards.remove)


def _run(statement: str, parameters: tuple[object, ...], *, lift: Callable[[], None]) -> None:
    lift()
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
    guards.install()


def _execute(statements: Iterable[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
