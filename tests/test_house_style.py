"""Rules of style for the whole tree that the linter does not check everywhere."""

import subprocess
from pathlib import Path

import pytest

BASE_DIR = Path(__file__).resolve().parent.parent
MAX_COLUMNS = 100
# Folders that do not belong to the project: environments, caches and local data.
SKIPPED = frozenset({"node_modules", "var", "venv", "build", "dist", "__pycache__"})


def python_files() -> list[str]:
    """Return the tracked Python files, or without git those in the project's folders."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--", "*.py"],
            cwd=BASE_DIR,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split("\0")
        names = [name for name in listed if name and (BASE_DIR / name).is_file()]
    except (OSError, subprocess.CalledProcessError):
        names = []
    return names or [
        str(path.relative_to(BASE_DIR))
        for path in BASE_DIR.rglob("*.py")
        if not any(
            part in SKIPPED or part.startswith(".") for part in path.relative_to(BASE_DIR).parts
        )
    ]


def too_long(text: str) -> list[int]:
    return [
        number for number, line in enumerate(text.split("\n"), start=1) if len(line) > MAX_COLUMNS
    ]


def test_no_line_of_python_exceeds_100_columns():
    files = python_files()
    long = [
        f"{name}:{number}"
        for name in files
        for number in too_long((BASE_DIR / name).read_text(encoding="utf-8"))
    ]

    assert not long, f"Split these lines at {MAX_COLUMNS} columns: {', '.join(long)}"


@pytest.mark.parametrize("expected", ["portal/urls.py", "runbooks/migrations/0001_initial.py"])
def test_the_rule_covers_code_and_migrations(expected):
    assert expected in python_files()


def test_a_long_line_is_found():
    assert too_long("x = 1\n" + "#" * 101 + "\n" + "#" * 100 + "\n") == [2]
