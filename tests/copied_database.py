"""A pytest plugin for the mutation run: each process tests on its own copy of one SQLite file.

Each mutant has its own process, and to migrate an empty database takes longer than most tests. The
first process migrates, and stores the file with all guards. Delete ``mutants/`` after a change of a
migration or of a guard, so that the file is made again.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from django.db import connection

TEMPLATE = "template.sqlite3"


def pytest_collection_finish():
    """Replace the functions that create and destroy the test database of this process."""
    creation = connection.creation
    migrated = creation.create_test_db
    name = Path(connection.settings_dict["TEST"]["NAME"])
    template, own = name.with_name(TEMPLATE), name.with_name(f"test-{os.getpid()}.sqlite3")

    def create(*args, **kwargs):
        if not template.exists():
            migrated(*args, **kwargs)
            connection.close()
            copy(name, template)
        connection.close()
        own.unlink(missing_ok=True)
        copy(template, own)
        connection.settings_dict["NAME"] = str(own)
        return str(own)

    def destroy(*_, **__):
        connection.close()
        for path in own.parent.glob(f"{own.name}*"):
            path.unlink(missing_ok=True)

    creation.create_test_db, creation.destroy_test_db = create, destroy


def copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)
