"""An entry that was judged is appended behind the very log that it was judged behind, or not at all."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from secballot.board.merkle import leaf_hash
from secballot.errors import NOBODY, Party, ProtocolError
from secballot.record import Outcome, SittingRecord, read_entry
from secballot.record.history import LogOperator
from secballot.record.statements import Signed
from secballot.records.document import Document
from secballot.records.entry import decode_entry, encode_signed
from tests.record_stage import picture
from tests.small_sitting import SITTING_ID, SMALL_MANIFEST, document, founding, public, signed


def founded() -> SittingRecord:
    """Return the record of a sitting that has its manifest and nothing else."""
    record = SittingRecord(SITTING_ID, fetch=lambda index: founding()[index])
    for entry in founding():
        record.append(entry)
    return record


def test_what_was_considered_is_appended_as_it_was_judged() -> None:
    """Considering changes nothing; appending then does what `append` does at once."""
    record, other = founded(), founded()
    before, read = picture(record.state), read_entry(document(1))
    assert (read.data, read.leaf) == (document(1), leaf_hash(document(1)))
    considered = record.consider(read.data)
    assert (picture(record.state), len(record)) == (before, 2)
    considered.append()
    assert other.append(read) == considered.judgement
    assert considered.judgement.outcome is Outcome.EFFECT
    assert picture(record.state) == picture(other.state) != before
    assert record.state.history.leaves() == other.state.history.leaves()


def test_an_entry_considered_behind_another_log_is_not_appended() -> None:
    """Another entry has come first, the entry itself has, or the record is another one of equal length."""
    record, twin = founded(), founded()
    first, second, late = (record.consider(document(number)) for number in (1, 1, 2))
    with pytest.raises(ProtocolError):
        twin.take(first)
    first.append()
    after = picture(record.state)
    for one in (first, second, late):
        with pytest.raises(ProtocolError):
            one.append()
    assert (picture(record.state), len(record), len(twin)) == (after, 3, 2)


def test_the_first_operator_is_the_manifests() -> None:
    """Whoever reads checkpoints ahead of the replay expects the keys that the replay then finds in force."""
    operators, (log_key, promise_key) = SittingRecord.first_operators(SMALL_MANIFEST), public("log", "promise")
    assert operators == [LogOperator(log_key, promise_key, 0, None)]
    assert founded().state.operators == operators


def test_a_signature_verified_ahead_is_not_verified_again() -> None:
    """ENT-05: known by signer, signature, kind, sitting and body, every one of them; whatever differs is verified."""
    record, true = founded(), decode_entry(document(1))
    false = encode_signed("document", true.body_bytes, true.signer, bytes(64))
    known = Signed(true.signer, bytes(64), "document", SITTING_ID, true.body_bytes)
    record.state.proven = frozenset({known})
    assert record.judge(false).outcome is Outcome.EFFECT
    changes: list[dict[str, Any]] = [
        {"signer": public("officer 2")[0]},
        {"signature": bytes(63) + b"1"},
        {"kind": "opening"},
        {"sitting_id": bytes(32)},
        {"body": true.body_bytes + b" "},
    ]
    for change in changes:
        record.state.proven = frozenset({msgspec.structs.replace(known, **change)})
        assert record.judge(false).check == "ENT-05"
    assert record.judge(document(1)).outcome is Outcome.EFFECT


def test_a_refusal_without_fault_names_nobody() -> None:
    """An officer's chunk out of order, and an objectionable one that the error itself lays at the officer's door."""
    record = founded()
    assert record.judge(document(1, 2, 3)).culprit == NOBODY
    false = Document(chunk=1, chunks=1, data="text", document=bytes(32))
    judgement = record.judge(signed("document", false, "officer 1"))
    assert (judgement.outcome, judgement.check) == (Outcome.NO_EFFECT, "POL-01")
    assert judgement.culprit == Party("presidium", 1)


def test_whoever_comes_too_late_is_told_why_the_sitting_is_over() -> None:
    """ENT-03: in the words of what ended it, whatever is signed, and by whomever."""
    record = founded()
    record.state.over = "the sitting is adjourned"
    for late in (document(1), founding()[0], document(1, officer="trustee 1")):
        judgement = record.judge(late)
        assert (judgement.outcome, judgement.check) == (Outcome.NO_EFFECT, "ENT-03")
        assert (judgement.culprit, judgement.reason) == (NOBODY, "the sitting is adjourned")
