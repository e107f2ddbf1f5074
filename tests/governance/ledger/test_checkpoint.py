"""Checkpoints and proofs: what is kept outside of the database exposes changes inside."""

import importlib.util
import json
import subprocess
import sys
from io import StringIO

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from governance import guards, ledger
from governance.findings.models import Finding
from governance.ledger.checkpoint import CheckpointError, read_checkpoint
from governance.ledger.models import ChangeLogEntry
from governance.signoff.downgrade import downgrade
from tests import cast
from tests.governance.ledger.test_ledger import entries

KEY = "0123456789abcdef0123"
SCRIPT = django_settings.BASE_DIR / "docs" / "verify_proof.py"


def run(name, *words, **options):
    out = StringIO()
    call_command(name, *words, stdout=out, stderr=StringIO(), **options)
    return out.getvalue()


def rewrite_chain(rows):
    """Replace the ledger by ``rows`` with a recomputed chain, as a database superuser could."""
    made, previous = [], ledger.GENESIS
    for number, row in enumerate(rows, start=1):
        row.sequence, row.previous_hash = number, previous
        row.digests = ledger.digests_of(row)
        row.hash = ledger.hash_of(row)
        previous = row.hash
        made.append(row)
    guards.remove()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM governance_changelogentry")
    ChangeLogEntry.objects.bulk_create(made)
    guards.install()


@pytest.mark.django_db
def test_a_ledger_that_went_on_goes_through_its_checkpoint(kept, people):
    cast.make_runbook("Another")
    assert "goes on from the checkpoint" in run("verify_ledger", "--checkpoint", str(kept))


@pytest.mark.django_db
def test_a_cut_off_end_verifies_in_itself_and_not_against_the_checkpoint(kept):
    rewrite_chain(list(ChangeLogEntry.objects.order_by("sequence"))[:-1])
    assert (
        ledger.verify().is_whole
    )  # what is stored beside it tells of more, unless that was cut too
    with pytest.raises(CommandError, match="rows were cut off, or an old backup was restored"):
        run("verify_ledger", "--checkpoint", str(kept))
    assert Finding.objects.filter(kind="broken_ledger", resolved_at=None).exists()


@pytest.mark.django_db
def test_a_chain_that_was_made_anew_is_exposed(kept):
    rows = list(ChangeLogEntry.objects.order_by("sequence"))
    rows[2].actor = "nobody"
    rewrite_chain(rows)
    assert "whole" in run("verify_ledger")
    with pytest.raises(CommandError, match="the chain was made anew"):
        run("verify_ledger", "--checkpoint", str(kept))


@pytest.mark.django_db
def test_an_old_backup_that_was_gone_on_with_is_exposed(kept, people):
    rewrite_chain(list(ChangeLogEntry.objects.order_by("sequence"))[:-3])
    for number in range(6):
        cast.make_runbook(f"Later {number}")
    assert ledger.verify().is_whole
    with pytest.raises(CommandError, match="an old backup was"):
        run("verify_ledger", "--checkpoint", str(kept))


@pytest.mark.django_db
def test_an_empty_ledger_has_a_checkpoint_too(kept, tmp_path):
    rewrite_chain([])
    path = tmp_path / "empty.json"
    run("checkpoint", "--output", str(path))
    assert json.loads(path.read_text())["sequence"] == 0
    with pytest.raises(
        CommandError, match="The chain is whole, but stored rows are not what it tells"
    ):
        run("verify_ledger", "--checkpoint", str(path))
    with pytest.raises(CommandError, match="cut off"):
        run("verify_ledger", "--checkpoint", str(kept))


@pytest.mark.django_db
def test_no_checkpoint_is_taken_of_a_broken_ledger(ready_runbook, tmp_path):
    guards.remove()
    ChangeLogEntry.objects.filter(sequence=2).update(reason="nicer")
    guards.install()
    path = tmp_path / "checkpoint.json"
    with pytest.raises(CommandError, match="column reason"):
        run("checkpoint", "--output", str(path))
    assert not path.exists()


@pytest.mark.django_db
def test_a_key_signs_it_and_nobody_without_the_key_makes_one(ready_runbook, tmp_path, settings):
    settings.CHECKPOINT_KEY = KEY
    path = tmp_path / "checkpoint.json"
    assert "(signed)" in run("checkpoint", "--output", str(path))
    assert "(signed)" in run("verify_ledger", "--checkpoint", str(path))
    values = json.loads(path.read_text())
    forgeries = {
        "altered": values | {"sequence": 1},
        "with another key": values | {"signature": "0" * 64},
        "not signed": values | {"signature": ""},
    }
    for text in forgeries.values():
        path.write_text(json.dumps(text))
        with pytest.raises(CommandError, match=r"signature is wrong|not signed"):
            run("verify_ledger", "--checkpoint", str(path))


@pytest.mark.django_db
def test_a_signed_one_asks_for_the_key(ready_runbook, tmp_path, settings):
    settings.CHECKPOINT_KEY = KEY
    path = tmp_path / "checkpoint.json"
    run("checkpoint", "--output", str(path))
    settings.CHECKPOINT_KEY = ""
    with pytest.raises(CommandError, match="Set CHECKPOINT_KEY"):
        run("verify_ledger", "--checkpoint", str(path))


@given(
    text=st.one_of(
        st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps)
    )
)
def test_nonsense_is_no_checkpoint_and_no_crash(text):
    with pytest.raises(CheckpointError):
        read_checkpoint(text, key="")


@pytest.mark.parametrize(
    "change",
    [
        {"sequence": "1"},
        {"sequence": -1},
        {"count": True},
        {"hash": None},
        {"format": "other/1"},
        {"more": 1},
    ],
)
def test_a_checkpoint_with_a_wrong_member_is_refused(change):
    values = {"sequence": 1, "hash": "0" * 64, "count": 1, "recorded_at": "", "taken_at": ""}
    assert read_checkpoint(json.dumps(values), key="").sequence == 1
    with pytest.raises(CheckpointError):
        read_checkpoint(json.dumps(values | change), key="")


@pytest.mark.django_db
@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"{"])
def test_a_file_that_cannot_be_read_says_so(ready_runbook, tmp_path, content):
    path = tmp_path / "checkpoint.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CommandError, match=r"checkpoint\.json"):
        run("verify_ledger", "--checkpoint", str(path))


# ---- every cell of a long ledger

CELLS = (
    "recorded_at",
    "actor",
    "action",
    "subject",
    "subject_title",
    "reason",
    "release",
    "changes",
)


CHAIN = []


@settings(deadline=None, max_examples=60)
@given(
    row=st.integers(0, 999),
    cell=st.sampled_from((*CELLS, "digests", "previous_hash", "hash")),
    data=st.data(),
)
def test_no_change_of_one_cell_among_a_thousand_rows_goes_unnoticed_and_its_column_is_named(
    row, cell, data
):
    if not CHAIN:
        CHAIN.extend(entries(1_000))
    entry = CHAIN[row]
    old = getattr(entry, cell)
    if cell == "recorded_at":
        new = data.draw(
            st.timedeltas()
            .filter(bool)
            .map(lambda step: _moved(old, step))
            .filter(lambda at: at != old)
        )
    elif cell == "changes":
        new = data.draw(
            st.dictionaries(st.text(max_size=3), st.integers(), max_size=2).filter(
                lambda v: v != old
            )
        )
    else:
        new = data.draw(
            st.text(st.characters(exclude_categories=["Cs"]), max_size=70).filter(
                lambda v: v != old
            )
        )
    setattr(entry, cell, new)
    try:
        result = ledger.verify_entries(iter(CHAIN))
    finally:
        setattr(entry, cell, old)
    assert (result.bad_sequence, result.column) == (row + 1, cell)


def _moved(moment, step):
    try:
        return moment + step
    except OverflowError:
        return moment


# ---- proofs


@pytest.fixture
def proof(ready_runbook, people, tmp_path):
    """A proof, and the runbook that it is of; other things happened in between and afterwards."""
    cast.make_runbook("In between")
    path = tmp_path / "proof.json"
    run("export_proof", ready_runbook.slug, "--output", str(path))
    return path


def script(*words):
    """Run the verifier without the portal: in another Python process, without packages."""
    command = [sys.executable, "-I", "-S", str(SCRIPT), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout


def check(proof_values, **options):
    spec = importlib.util.spec_from_file_location("verify_proof", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    try:
        return module.check(proof_values, **options)
    except module.Refuted as why:
        return str(why)


@pytest.mark.django_db
def test_a_proof_holds_without_the_portal(proof, ready_runbook, kept, tmp_path):
    document = tmp_path / "document.md"
    document.write_text(ready_runbook.document.text)
    code, said = script(proof, "--document", document)
    assert code == 0, said
    assert "by rita, rolf" in said
    assert "the document is the signed text" in said
    run("export_proof", ready_runbook.slug, "--output", str(proof))
    code, said = script(proof, "--checkpoint", kept)
    assert (code, "through the checkpoint" in said) == (0, True), said


@pytest.mark.django_db
def test_another_text_is_not_the_signed_one(proof, tmp_path):
    other = tmp_path / "other.md"
    other.write_text("# Something else\n")
    assert script(proof, "--document", other) == (
        1,
        "It does not hold: The document is not the signed text.\n",
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("forge", "why"),
    [
        (lambda proof: proof["entries"][1].update(actor="nobody"), "is not what its hash says"),
        (lambda proof: proof["entries"].pop(1), "one is missing"),
        (lambda proof: proof["metadata"].update(title="Other"), "metadata is not what was signed"),
        (
            lambda proof: proof["checkpoint"].update(hash="0" * 64),
            "does not go through the checkpoint",
        ),
        (lambda proof: proof.update(request=proof["request"] + 1), "not the one of this request"),
        (lambda proof: proof.update(runbook="other"), "not the one of this request"),
        (lambda proof: proof.update(format="x"), "no proof that this script knows"),
        (lambda proof: proof.update(entries=[]), "no rows"),
    ],
)
def test_a_forged_proof_does_not_hold(proof, forge, why):
    values = json.loads(proof.read_text())
    forge(values)
    assert why in check(values)


@pytest.mark.django_db
def test_a_proof_with_a_signature_too_few_does_not_hold_even_with_a_chain_made_anew(proof):
    values = json.loads(proof.read_text())
    signed = next(row for row in values["entries"] if row["action"] == "request_signed")
    values["entries"].remove(signed)
    rehash(values)
    assert "1 people have signed, 2 are needed" in check(values)


@pytest.mark.django_db
def test_the_requester_in_the_place_of_a_signer_is_noticed(proof):
    values = json.loads(proof.read_text())
    next(row for row in values["entries"] if row["action"] == "request_signed")["actor"] = "ed"
    rehash(values)
    assert "Whoever asked for it has signed it" in check(values)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            '"format": ',
            '"format": "runbook-portal-proof/2", "format": ',
            "names a member of an object twice",
        ),
        ('"actor": ', '"actor": "nobody", "actor": ', "names a member of an object twice"),
        ('"request": ', '"request": 1.0, "other": ', "not whole"),
        ('"request": ', '"request": NaN, "other": ', "not whole"),
    ],
)
def test_a_proof_that_two_readers_could_read_differently_is_refused(
    proof, tmp_path, old, new, words
):
    text = proof.read_text()
    assert old in text
    proof.write_text(text.replace(old, new, 1))
    code, said = script(proof)
    assert (code, words in said) == (1, True), said


def rehash(values):
    """Make the chain anew, as a forger would; a checkpoint from elsewhere would still expose it."""
    spec = importlib.util.spec_from_file_location("verify_proof", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    rows = values["entries"]
    for before, row in zip([None, *rows], rows, strict=False):
        if before:
            row["sequence"], row["previous_hash"] = before["sequence"] + 1, before["hash"]
        row["hash"] = module.row_hash(row)
    values["checkpoint"].update(sequence=rows[-1]["sequence"], hash=rows[-1]["hash"])


@pytest.mark.django_db
def test_a_chain_made_anew_does_not_go_through_the_kept_checkpoint(proof, kept, ready_runbook):
    run("export_proof", ready_runbook.slug, "--output", str(proof))
    values = json.loads(proof.read_text())
    values["entries"][0]["reason"] = "nicer"
    rehash(values)
    assert isinstance(check(values), list)
    assert "does not go through" in check(values, checkpoint=json.loads(kept.read_text()))


@pytest.mark.django_db
def test_a_readiness_that_was_taken_down_since_is_no_longer_proven_by_the_old_approval(
    proof, ready_runbook, people
):
    downgrade(runbook=ready_runbook, level="shadow", reason="Wrong step.", by=people["rita"])
    run("export_proof", ready_runbook.slug, "--output", str(proof))
    code, said = script(proof)
    assert (code, "shadow mode, by rita" in said) == (0, True), said


@pytest.mark.django_db
def test_what_was_never_approved_has_no_proof(runbook, tmp_path):
    with pytest.raises(CommandError, match="never approved"):
        run("export_proof", runbook.slug, "--output", str(tmp_path / "x.json"))
    with pytest.raises(CommandError, match="no runbook"):
        run("export_proof", "nowhere", "--output", str(tmp_path / "x.json"))


@pytest.mark.django_db
def test_a_place_that_cannot_be_written_is_told(ready_runbook, tmp_path):
    for command, words in (("checkpoint", ()), ("export_proof", (ready_runbook.slug,))):
        with pytest.raises(CommandError, match="cannot be written"):
            run(command, *words, "--output", str(tmp_path / "no" / "such" / "folder"))


@pytest.mark.parametrize(
    "content", ["", "[]", '{"format": "runbook-portal-proof/1"}', "{" * 9, '"text"', "[" * 200]
)
def test_the_script_answers_nonsense_with_a_sentence(tmp_path, content):
    path = tmp_path / "proof.json"
    path.write_text(content)
    code, said = script(path)
    assert (code, said.startswith("It does not hold")) == (1, True)
