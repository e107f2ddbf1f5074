"""Related rows that come with the query of a row, each kind as one JSON list.

This saves a query for each kind and a manager for each row. The related rows are those in the
database when the row was read, as with ``prefetch_related``. See docs/decisions/0014.
"""

from functools import cache
from typing import Any

from django.db import connections, models
from django.db.models import Func
from django.db.models.functions import JSONArray

# How each database builds one list from the rows of a subquery, in their order.
AS_A_LIST = {
    "sqlite": "(SELECT JSON_GROUP_ARRAY(JSON(related.one)) FROM ({rows}) related)",
    "postgresql": "(SELECT COALESCE(JSONB_AGG(related.one), '[]'::jsonb) FROM ({rows}) related)",
}


class RowsField(models.JSONField):
    """A JSON list of rows, read as the instances of a model."""

    def __init__(self, model: type[models.Model], fields: tuple[str, ...]) -> None:
        """Describe the rows of a list.

        :param model: the model of the instances.
        :param fields: the fields of each row, in the order of the model's own; the primary key is
            among them.
        """
        super().__init__()
        self.rows_of, self.row_fields = model, fields

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> list[Any]:
        """Return the instances; other fields are read from the database on access."""
        make, alias = self.rows_of.from_db, connection.alias
        return [
            make(alias, self.row_fields, row)
            for row in super().from_db_value(value, expression, connection)
        ]


class RelatedRows(Func):
    """The related rows of each row of a query, in their own order."""

    def __init__(self, relation: Any, fields: tuple[str, ...]) -> None:
        """Describe the rows to read.

        :param relation: the field of the outer model that leads to the rows, or the reverse one.
        :param fields: the fields of each row.
        """
        super().__init__("pk", output_field=RowsField(relation.related_model, fields))
        self.relation, self.fields = relation, fields

    def as_sql(self, compiler: Any, connection: Any, *_: Any, **__: Any) -> Any:
        """Return the subquery, with the outer row's primary key inserted."""
        template = _template(self.relation.model, self.relation.name, self.fields, connection.alias)
        return super().as_sql(compiler, connection, template=template)


@cache
def _template(model: type[models.Model], name: str, fields: tuple[str, ...], using: str) -> str:
    """Return the text of the subquery, cached because it is slow to build and always the same."""
    relation: Any = model._meta.get_field(name)
    rows = relation.related_model._default_manager.using(using).filter(
        **{relation.remote_field.name: 0}
    )
    text, _parameters = rows.values(one=JSONArray(*fields)).query.get_compiler(using).as_sql()
    return AS_A_LIST[connections[using].vendor].format(rows=text % "%(expressions)s")
