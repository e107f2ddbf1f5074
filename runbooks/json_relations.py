"""Related rows that come with a row's own query, each kind as one JSON list: no query for each kind, no manager for each row.

What is at hand is what the database held when the row was read, as with ``prefetch_related``. See
docs/decisions/0014.
"""

from functools import cache
from typing import Any

from django.db import connections, models
from django.db.models import Func
from django.db.models.functions import JSONArray

# How each database makes one list of the rows of a subquery, in its order.
AS_A_LIST = {
    "sqlite": "(SELECT JSON_GROUP_ARRAY(JSON(related.one)) FROM ({rows}) related)",
    "postgresql": "(SELECT COALESCE(JSONB_AGG(related.one), '[]'::jsonb) FROM ({rows}) related)",
}


class RowsField(models.JSONField):
    """A JSON list of rows, read as the instances of a model."""

    def __init__(self, model: type[models.Model], fields: tuple[str, ...]) -> None:
        """:param fields: what each row holds, in the order of the model's own; the primary key is among them."""
        super().__init__()
        self.rows_of, self.row_fields = model, fields

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> list[Any]:
        """The instances; whatever else they are asked for is read from the database then."""
        make, alias = self.rows_of.from_db, connection.alias
        return [
            make(alias, self.row_fields, row)
            for row in super().from_db_value(value, expression, connection)
        ]


class RelatedRows(Func):
    """The related rows of each row of a query, in their own order."""

    def __init__(self, relation: Any, fields: tuple[str, ...]) -> None:
        """:param relation: the field of the outer model that leads there, or the reverse one."""
        super().__init__("pk", output_field=RowsField(relation.related_model, fields))
        self.relation, self.fields = relation, fields

    def as_sql(self, compiler: Any, connection: Any, *_: Any, **__: Any) -> Any:
        """The subquery, with the outer row's primary key put in."""
        template = _template(self.relation.model, self.relation.name, self.fields, connection.alias)
        return super().as_sql(compiler, connection, template=template)


@cache
def _template(model: type[models.Model], name: str, fields: tuple[str, ...], using: str) -> str:
    """The text of the subquery: the same for every row and every answer, and slow to put together."""
    relation: Any = model._meta.get_field(name)
    rows = relation.related_model._default_manager.using(using).filter(
        **{relation.remote_field.name: 0}
    )
    text, _parameters = rows.values(one=JSONArray(*fields)).query.get_compiler(using).as_sql()
    return AS_A_LIST[connections[using].vendor].format(rows=text % "%(expressions)s")
