"""The full text index beside the table, and initial synonyms."""

from django.db import migrations

from runbooks.search.databases import dialect_of
from runbooks.search.first_synonyms import TO_BEGIN_WITH


def install(apps, schema_editor):
    for statement in dialect_of(schema_editor.connection).CREATE:
        schema_editor.execute(statement, params=None)
    synonym = apps.get_model("runbooks", "SearchSynonym")
    synonym.objects.using(schema_editor.connection.alias).bulk_create(
        synonym(words=words) for words in TO_BEGIN_WITH
    )


def remove(apps, schema_editor):
    for statement in dialect_of(schema_editor.connection).REMOVE:
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [("runbooks", "0006_search_index")]

    operations = [migrations.RunPython(install, remove)]
