"""A restored older backup is exposed by a checkpoint.

Only the right backup or a person settles it.
"""

import json

import pytest
from django.core.management import CommandError

from governance import guards, ledger
from governance.assurance.evidence import verdict_on
from governance.assurance.integrity_incidents import note_ledger_state
from governance.findings.models import Finding
from governance.ledger.choices import Action
from governance.ledger.models import ChangeLogEntry
from governance.signoff.downgrade import downgrade
from runbooks.models import Runbook
from tests import cast
from tests.governance.ledger.test_checkpoint import (
    rewrite_chain,
    run,
)

pytestmark = pytest.mark.django_db


def reasons(runbook):
    return {reason.value for reason in verdict_on(Runbook.objects.get(pk=runbook.pk)).reasons}


@pytest.fixture
def restored(ready_runbook, kept):
    """The last rows are lost, new ones were written, and the checkpoint has exposed it."""
    rewrite_chain(list(ChangeLogEntry.objects.order_by("sequence"))[:-1])
    for number in range(3):
        cast.make_runbook(f"After the restore {number}")
        cast.store(f"docs/after_{number}.md", "# After\n")
    with pytest.raises(CommandError, match="checkpoint"):
        run("verify_ledger", "--checkpoint", str(kept))
    assert "ledger_broken" in reasons(ready_runbook)
    return kept


def test_the_nightly_commands_do_not_settle_it(restored, ready_runbook, tmp_path):
    before = restored.read_text()
    with pytest.raises(CommandError, match="left as it is: it is the proof"):
        run("checkpoint", "--output", str(restored))
    assert restored.read_text() == before
    with pytest.raises(CommandError, match="A checkpoint exposed"):
        run("checkpoint", "--output", str(tmp_path / "another.json"))
    assert not (tmp_path / "another.json").exists()
    for words in ([], ["--checkpoint", str(restored)]):
        with pytest.raises(CommandError):
            run("verify_ledger", *words)
    with pytest.raises(CommandError, match="no-go"):
        run("tick")
    assert "ledger_broken" in reasons(ready_runbook)


def test_a_checkpoint_exposes_it_even_if_only_the_next_one_is_taken(ready_runbook, kept):
    rewrite_chain(list(ChangeLogEntry.objects.order_by("sequence"))[:-1])
    with pytest.raises(CommandError, match="left as it is"):
        run("checkpoint", "--output", str(kept))
    assert "ledger_broken" in reasons(ready_runbook)


def test_the_right_backup_settles_it(ready_runbook, kept):
    rows = list(ChangeLogEntry.objects.order_by("sequence"))
    rewrite_chain(list(rows)[:-1])
    with pytest.raises(CommandError):
        run("verify_ledger", "--checkpoint", str(kept))
    rewrite_chain(rows)
    assert "whole" in run("verify_ledger")
    assert reasons(ready_runbook) == set()


def test_a_person_goes_on_and_nothing_stays_ready(restored, ready_runbook, people):
    said = run("accept_restore", "--as", "rita", "--reason", "The disk of Tuesday is lost.")
    assert ready_runbook.slug in said
    assert Runbook.objects.get(pk=ready_runbook.pk).readiness_level == "unassessed"
    assert not Finding.objects.filter(kind="broken_ledger", resolved_at=None).exists()
    row = ChangeLogEntry.objects.get(action=Action.RESTORE_ACCEPTED)
    assert (row.actor, row.reason) == ("rita", "The disk of Tuesday is lost.")
    assert row.changes["checkpoints"]["before"][0]["hash"]
    assert ledger.verify().is_whole
    assert "whole" in run("verify_ledger")
    again = cast.make_ready(ready_runbook)
    assert reasons(again) == set()


def test_the_nightly_checkpoint_goes_on_afterwards(restored, ready_runbook, people):
    run("accept_restore", "--as", "rita", "--reason", "The disk of Tuesday is lost.")
    again = cast.make_ready(ready_runbook)
    assert "whole" in run("verify_ledger", "--checkpoint", str(restored))
    before = restored.read_text()
    run("checkpoint", "--output", str(restored))
    assert restored.read_text() != before
    assert reasons(again) == set()


def test_a_forged_word_that_it_was_accepted_settles_nothing_that_is_ready(restored, ready_runbook):
    with ledger.atomic():
        lost = [{"sequence": 1, "hash": json.loads(restored.read_text())["hash"]}]
        ledger.append(
            ledger.Record(
                actor=ledger.SYSTEM,
                action=Action.RESTORE_ACCEPTED,
                subject="ledger",
                changes={"checkpoints": {"before": lost, "after": None}},
            )
        )
    Finding.objects.all().delete()  # the restored database knows nothing of what was found since
    with pytest.raises(CommandError, match="checkpoint"):
        run("verify_ledger", "--checkpoint", str(restored))
    assert "ledger_broken" in reasons(ready_runbook)


def test_what_waited_for_signatures_lapses_and_lower_levels_go_too(restored, ready_runbook, people):
    """The lost rows may have rejected the one and lowered the other."""
    waiting, shadow = cast.make_runbook("Waits"), cast.make_ready(cast.make_runbook("Shadow"))
    downgrade(runbook=shadow, level="shadow", reason="x", by=people["rita"])
    request = cast.ask(waiting, by=people["ed"])
    cast.approve(request, by=people["rita"])
    said = run("accept_restore", "--as", "rolf", "--reason", "The disk of Tuesday is lost.")
    assert shadow.slug in said
    request.refresh_from_db()
    assert (request.state, request.closed_reason) == ("lapsed", "The disk of Tuesday is lost.")
    assert Runbook.objects.get(pk=shadow.pk).readiness_level == "unassessed"
    assert ledger.verify().is_whole


@pytest.mark.parametrize(
    ("who", "why"), [("ed", "risk owner"), ("nobody-here", "no active account")]
)
def test_not_everybody_goes_on(restored, ready_runbook, who, why):
    rows = ChangeLogEntry.objects.count()
    with pytest.raises(CommandError, match=why):
        run("accept_restore", "--as", who, "--reason", "Lost.")
    assert ChangeLogEntry.objects.count() == rows
    assert "ledger_broken" in reasons(ready_runbook)


def test_where_nothing_is_exposed_nothing_is_accepted(ready_runbook):
    with pytest.raises(CommandError, match="nothing to accept"):
        run("accept_restore", "--as", "rita", "--reason", "Just so.")
    assert reasons(ready_runbook) == set()


def test_a_chain_that_is_broken_in_itself_is_not_accepted(restored, ready_runbook):
    note_ledger_state(problem="Row 3 is not itself.")
    rows = list(ChangeLogEntry.objects.order_by("sequence"))
    rows[2].actor = "nobody"
    guards.remove()
    rows[2].save()
    guards.install()
    with pytest.raises(CommandError, match="broken in itself"):
        run("accept_restore", "--as", "rita", "--reason", "Lost.")


def test_a_file_that_is_no_checkpoint_is_not_written_over(ready_runbook, tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("My notes.")
    with pytest.raises(CommandError, match="name another file"):
        run("checkpoint", "--output", str(file))
    assert file.read_text() == "My notes."


def test_a_checkpoint_takes_the_place_of_its_own_chains_earlier_one(kept, people):
    before = kept.read_text()
    cast.store("docs/later.md", "# Later\n")
    run("checkpoint", "--output", str(kept))
    assert kept.read_text() != before
