"""Every command says what to do when the database is not ready for it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "command", [["import_landscape", "fixtures/landscape.md"], ["verify_ledger"], ["seed_demo"]]
)
def test_a_database_without_tables_gets_a_sentence(tmp_path, command):
    environment = os.environ | {
        "DATABASE_URL": f"sqlite:///{tmp_path}/empty.sqlite3",
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "PORTAL_DEMO": "1",
    }
    done = subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Run 'manage.py migrate' first" in done.stderr
    assert "Traceback" not in done.stderr
