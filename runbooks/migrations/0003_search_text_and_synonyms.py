"""The full text index that each database keeps beside the table, and synonyms to begin with."""

from django.db import migrations

from runbooks.search.databases import dialect_of

# Words of operations in German and English. Editors change, add and delete them in the admin.
SYNONYMS = (
    "alarm, alert, Meldung, Benachrichtigung, notification",
    "Ampel, traffic light, severity",
    "rot, red",
    "gelb, yellow",
    "grün, green",
    "Eskalation, escalation",
    "Freigabe, approval, sign-off",
    "blockiert, gesperrt, Sperre, blocked, locked",
    "anhalten, stoppen, pausieren, stop, pause, halt",
    "starten, start, launch",
    "anlegen, eröffnen, open, create",
    "Vergleich, vergleichen, compare, comparison",
    "prüfen, Prüfung, check, verify, verifizieren",
    "Entscheidung, entscheiden, decision, decide",
    "Schicht, shift",
    "Übergabe, handover",
    "Zugangsdaten, credentials, Passwort, password",
    "Beweis, Nachweis, evidence",
    "Bericht, report",
    "Lauf, run",
    "künstlich, synthetisch, synthetic",
    "Vorfall, Störung, incident",
    "Änderung, ändern, change",
    "Übung, üben, drill",
    "Versuch, experiment",
    "Annahme, Hypothese, hypothesis",
    "doppelt, mehrfach, duplicate, Wiederholung",
    "Stille, stumm, silence",
    "dämpfen, stummschalten, mute",
    "Schwelle, threshold",
    "Verweis, link",
    "abgelehnt, rejected, refused",
    "Bereitschaft, Rufbereitschaft, on-call",
    "Einstieg, quickstart, getting started",
)


def install(apps, schema_editor):
    for statement in dialect_of(schema_editor.connection).CREATE:
        schema_editor.execute(statement, params=None)
    synonym = apps.get_model("runbooks", "SearchSynonym")
    synonym.objects.using(schema_editor.connection.alias).bulk_create(synonym(words=words) for words in SYNONYMS)


def remove(apps, schema_editor):
    for statement in dialect_of(schema_editor.connection).REMOVE:
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [("runbooks", "0002_search_index")]

    operations = [migrations.RunPython(install, remove)]
