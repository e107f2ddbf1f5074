#!/usr/bin/env python3
"""Check a proof that the portal has exported, without the portal.

It needs Python 3.8 or newer and nothing else.

    python3 verify_proof.py PROOF [--checkpoint FILE] [--document FILE] [--key-file FILE]

It checks that every row hashes to what it says, that the rows hang together up to the checkpoint,
that the request has its signatures from different people, on the same text and metadata, and that
the readiness moved by it. With a checkpoint that was kept elsewhere it checks that the chain goes
through it; with the document, that this is the signed text; with the key, that the checkpoints are
signed with it. Exit 0: it holds. Exit 1: it does not, and why.
"""

import argparse
import hashlib
import hmac
import json
import sys

COVERED = (
    "sequence",
    "recorded_at",
    "actor",
    "action",
    "subject",
    "subject_title",
    "reason",
    "release",
    "changes",
    "previous_hash",
)
PINS = ("document_sha256", "metadata_sha256")
ENDINGS = ("request_rejected", "request_withdrawn", "request_lapsed")


class Refuted(Exception):
    """The proof does not hold; the message says why."""


def members_of(pairs):
    """Return the members of a JSON object.

    No name may occur twice: another reader could take the other value.
    """
    members = dict(pairs)
    need(
        len(members) == len(pairs),
        "A file names a member of an object twice: two readers could read two values.",
    )
    return members


def refuse_number(text):
    """Refuse a number with a fraction or an exponent; these files have none.

    Raises Refuted.
    """
    raise Refuted("A file holds a number that is not whole: %s." % text[:40])


def parsed(content):
    """Return the value of a JSON file.

    content: bytes. Raises Refuted.
    """
    return json.loads(
        content,
        object_pairs_hook=members_of,
        parse_float=refuse_number,
        parse_constant=refuse_number,
    )


def canonical(value):
    """Return the canonical bytes of a JSON value: members sorted, no white space, UTF-8."""
    return json.dumps(
        value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    ).encode("utf-8")


def need(holds, why):
    """Raise Refuted with a reason if a condition does not hold."""
    if not holds:
        raise Refuted(why)


def row_hash(row):
    """Return the hash that a row should have."""
    values = {name: row[name] for name in COVERED}
    if row.get("digests"):
        values["digests"] = row["digests"]
    return hashlib.sha256(canonical(values)).hexdigest()


def check_chain(rows):
    """Check that every row has its hash and follows the one before."""
    need(rows, "There are no rows.")
    before = None
    for row in rows:
        need(row_hash(row) == row["hash"], "Row %s is not what its hash says." % row["sequence"])
        if before is not None:
            need(
                row["sequence"] == before["sequence"] + 1,
                "After row %s one is missing." % before["sequence"],
            )
            need(
                row["previous_hash"] == before["hash"],
                "Row %s does not follow the one before." % row["sequence"],
            )
        before = row


def check_checkpoint(checkpoint, rows, key):
    """Check that the chain goes through a checkpoint, and with a key that the key signed it."""
    by_sequence = {row["sequence"]: row["hash"] for row in rows}
    sequence = checkpoint["sequence"]
    need(
        sequence in by_sequence,
        "The checkpoint of row %s lies outside of the proof's rows." % sequence,
    )
    need(
        by_sequence[sequence] == checkpoint["hash"],
        "The chain does not go through the checkpoint of row %s." % sequence,
    )
    if key is not None:
        values = {name: value for name, value in checkpoint.items() if name != "signature"}
        message = json.dumps(values, sort_keys=True, separators=(",", ":")).encode()
        right = hmac.new(key, message, hashlib.sha256).hexdigest().encode()
        given = str(checkpoint.get("signature", "")).encode("utf-8", "replace")
        need(hmac.compare_digest(right, given), "The checkpoint's signature is wrong or missing.")


def after(row, name):
    """Return the value that a field got by the change of a row."""
    return row["changes"].get(name, {}).get("after")


def own_rows(proof, rows):
    """Return the rows of the proof's request, and of these the one that changed the readiness."""
    about = [row for row in rows if row["subject"] == "runbook:" + proof["runbook"]]
    own = [row for row in about if after(row, "request") == proof["request"]]
    changed = [row for row in about if row["action"] == "readiness_changed"]
    need(
        changed and changed[-1] in own,
        "The last change of the readiness is not the one of this request.",
    )
    ended = [row["action"] for row in own if row["action"] in ENDINGS]
    need(not ended, "The request was ended otherwise: %s." % ", ".join(ended))
    return own, changed[-1]


def check_content(proof, applied, pins):
    """Check that the readiness refers to the signed content, whose metadata is in the proof."""
    need(
        pins
        == tuple(
            after(applied, name) for name in ("signed_document_sha256", "signed_metadata_sha256")
        ),
        "The readiness stands on other content than the request.",
    )
    if not pins[1] and not proof["metadata"]:
        return  # retired, and nothing was ever signed
    metadata = hashlib.sha256(canonical(proof["metadata"])).hexdigest()
    need(metadata == pins[1], "The metadata is not what was signed.")


def check_approval(proof, rows):
    """Check that the request was opened, signed by enough different people, and applied.

    All must have signed the same content. The readiness must not have changed afterwards.
    """
    own, applied = own_rows(proof, rows)
    opened = [row for row in own if row["action"] == "request_submitted"]
    if not opened:  # downgraded by one person without a request
        need(
            after(applied, "readiness_level") != "ready",
            "Nobody has asked for it, and ready is never given so.",
        )
        check_content(
            proof,
            applied,
            tuple(after(applied, "signed_%s_sha256" % part) for part in ("document", "metadata")),
        )
        return applied, [applied["actor"]]
    need(len(opened) == 1, "The request was opened more than once.")
    pins = tuple(after(opened[0], name) for name in PINS)
    signed = [row for row in own if row["action"] == "request_signed"]
    for row in signed:
        need(
            tuple(after(row, name) for name in PINS) == pins,
            "Row %s signs other content." % row["sequence"],
        )
        need(
            opened[0]["sequence"] < row["sequence"] < applied["sequence"],
            "Row %s is out of order." % row["sequence"],
        )
    # The quorum is written in four places: see "Where the quorum is written" in readiness.md.
    signers = sorted({row["actor"] for row in signed})
    if after(opened[0], "independent") is not False:
        need(opened[0]["actor"] not in signers, "Whoever asked for it has signed it.")
    required = after(opened[0], "required_signatures") or 1
    need(
        len(signers) >= required, "%d people have signed, %d are needed." % (len(signers), required)
    )
    check_content(proof, applied, pins)
    check_statements(proof, signed)
    return applied, signers


def check_statements(proof, signed):
    """Check that each sentence has the sha256 in its signer's row."""
    told = {(row["actor"], after(row, "statement_sha256")) for row in signed}
    given = {
        (said["signer"], hashlib.sha256(said["statement"].encode("utf-8")).hexdigest())
        for said in proof["statements"]
    }
    need(given == told, "The sentences are not those that were signed.")


def check(proof, checkpoint=None, document=None, key=None):
    """Check a proof completely, and return the sentences that hold.

    proof, checkpoint: the parsed files. document: bytes. key: bytes. Raises Refuted.
    """
    need(
        proof.get("format") == "runbook-portal-proof/1", "This is no proof that this script knows."
    )
    rows = proof["entries"]
    check_chain(rows)
    need(
        proof["checkpoint"]["sequence"] == rows[-1]["sequence"],
        "The proof's own checkpoint is not at its last row.",
    )
    check_checkpoint(proof["checkpoint"], rows, key)
    applied, signers = check_approval(proof, rows)
    if checkpoint is not None:
        check_checkpoint(checkpoint, rows, key)
        need(
            checkpoint["sequence"] >= applied["sequence"],
            (
                "The checkpoint that was kept is older than the approval (row %s): it proves "
                "nothing of it."
            )
            % applied["sequence"],
        )
    said = [
        "%s: %s, by %s" % (proof["runbook"], after(applied, "readiness"), ", ".join(signers)),
        "rows %s to %s hang together" % (rows[0]["sequence"], rows[-1]["sequence"]),
    ]
    if after(applied, "signed_solo"):
        said.append("owner-led, no independent review: the one who asked for it signed it alone")
    if after(applied, "signed_dependence"):
        said.append(
            "no independent review, the portal recorded: %s" % after(applied, "signed_dependence")
        )
    if document is not None:
        digest = hashlib.sha256(document).hexdigest()
        need(
            digest == after(applied, "signed_document_sha256"),
            "The document is not the signed text.",
        )
        said.append("the document is the signed text")
    if checkpoint is not None:
        said.append(
            "through the checkpoint of row %s, which was kept elsewhere" % checkpoint["sequence"]
        )
        said.append("rows behind %s are known from the proof alone" % checkpoint["sequence"])
    else:
        said.append("no checkpoint from elsewhere was given: the whole could have been made up")
    return said


def read(path):
    """Return the bytes of a file."""
    with open(path, "rb") as file:
        return file.read()


def main(arguments=None):
    """Run the command line, and return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("proof", metavar="PROOF")
    parser.add_argument("--checkpoint", metavar="FILE", help="a checkpoint that was kept elsewhere")
    parser.add_argument("--document", metavar="FILE", help="the text that is said to be signed")
    parser.add_argument("--key-file", metavar="FILE", help="the key that signs checkpoints")
    options = parser.parse_args(arguments)
    try:
        said = check(
            parsed(read(options.proof)),
            checkpoint=parsed(read(options.checkpoint)) if options.checkpoint else None,
            document=read(options.document) if options.document else None,
            key=read(options.key_file).strip() if options.key_file else None,
        )
    except (Refuted, OSError) as error:
        print("It does not hold: %s" % error)
        return 1
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        print("It does not hold: a file is no proof or checkpoint (%s)." % error)
        return 1
    print("It holds.\n  " + "\n  ".join(said))
    return 0


if __name__ == "__main__":
    sys.exit(main())
