"""Print the figures of both sets: ``python -m tests.runbooks.search_quality``.

Runs on SQLite, and on PostgreSQL if ``DATABASE_URL`` or the command line names one, each in a
temporary database of its own.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = "--here"


def in_this_process() -> None:
    """Make a database, fill it, ask, print."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    from django.db import connection
    from django.test.utils import setup_databases, teardown_databases

    from tests.runbooks.search_quality.held_back import HELD_BACK
    from tests.runbooks.search_quality.measure import figures, import_fixtures
    from tests.runbooks.search_quality.questions import QUESTIONS

    connection.settings_dict["TEST"]["NAME"] = (
        None if connection.vendor == "sqlite" else "test_search_quality"
    )
    made = setup_databases(verbosity=0, interactive=False)
    try:
        import_fixtures()
        for name, questions in (("labelled", QUESTIONS), ("held back", HELD_BACK)):
            result = figures(questions)
            print(f"{connection.vendor:<11} {name:<10} {len(questions):>3} questions: {result}")
            if (
                "-v" in sys.argv and questions is QUESTIONS
            ):  # nobody looks at the others, lest they tune on them
                for question, right, found in result.misses:
                    print(f"    {question!r}: wanted {right}, found {found}")
    finally:
        teardown_databases(made, verbosity=0)


def main() -> None:
    """SQLite always; PostgreSQL where an address is known."""
    given = next((argument for argument in sys.argv[1:] if argument.startswith("postgres")), None)
    postgresql = given or os.environ.get("DATABASE_URL", "")
    with tempfile.TemporaryDirectory() as folder:
        addresses = [f"sqlite:///{Path(folder) / 'quality.sqlite3'}"]
        if postgresql.startswith("postgres"):
            addresses.append(postgresql)
        else:
            print("PostgreSQL is left out: give its address, or set DATABASE_URL.")
        for address in addresses:
            environment = {**os.environ, "DATABASE_URL": address}
            subprocess.run(
                [sys.executable, "-m", "tests.runbooks.search_quality", HERE, *sys.argv[1:]],
                env=environment,
                check=True,
            )


if __name__ == "__main__":
    in_this_process() if HERE in sys.argv else main()
