"""What the tests of several subjects of governance share."""

import pytest
from django.core.management import call_command


@pytest.fixture
def file(tmp_path):
    """Write a text to a landscape file; return its path."""
    path = tmp_path / "landscape.md"

    def write(text):
        path.write_bytes(text.encode())
        return str(path)

    return write


@pytest.fixture
def kept(ready_runbook, tmp_path):
    """A checkpoint that was taken while all was well."""
    path = tmp_path / "checkpoint.json"
    call_command("checkpoint", "--output", str(path), verbosity=0)
    return path
