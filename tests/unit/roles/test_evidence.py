"""Evidence files: what an operator signed against itself convinces a stranger, and nothing else does."""

from __future__ import annotations

import hashlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secballot.board.checkpoint import Checkpoint, sign_checkpoint
from secballot.board.merkle import EMPTY_ROOT, leaf_hash
from secballot.board.note import Ed25519Signer, Note, SignatureLine
from secballot.errors import (
    EncodingError,
    InvalidSignatureError,
    Party,
    PolicyError,
    RefusalError,
    SecballotError,
    VerificationError,
)
from secballot.records.manifest import MANIFEST
from secballot.roles.evidence import (
    BrokenPromise,
    SplitView,
    broken_promise,
    check_evidence,
    decode_evidence,
    encode_evidence,
    split_view,
)
from tests.small_sitting import ORIGIN, SITTING_ID, SMALL_MANIFEST, key
from tests.two_views import View, entries, promise

HONEST = View(entries(1, 2, 3, 4, 5), sizes=(5, 7))
OTHER = View(entries(1, 2, 9, 4, 5, 6), sizes=(5, 7, 8), witnesses=("w2.example", "w3.example"))


def _split(smaller: bytes, larger: bytes, of: View) -> SplitView:
    found = split_view(SMALL_MANIFEST, smaller, larger, of.history)
    assert found is not None
    return found


@pytest.mark.parametrize(("small", "large"), [(5, 5), (5, 7), (5, 8), (7, 8)])
def test_two_views_are_shown_to_a_stranger(small: int, large: int) -> None:
    """Of one size or of two, the file alone is enough, and says which witness failed as well."""
    evidence = _split(HONEST.note(small), OTHER.note(large), OTHER)
    finding = check_evidence(decode_evidence(encode_evidence(evidence)), SITTING_ID)
    assert (finding.culprit, finding.operator, finding.sizes) == (Party("board"), 1, (small, large))
    assert finding.failing_witnesses == ("w2.example",)
    assert (finding.title, finding.sitting_id) == (SMALL_MANIFEST.title, SITTING_ID)


def test_growth_is_no_evidence() -> None:
    """An honest log gives none, and it cannot be made up from its checkpoints."""
    assert split_view(SMALL_MANIFEST, HONEST.note(5), HONEST.note(7), HONEST.history) is None
    assert split_view(SMALL_MANIFEST, HONEST.note(4), OTHER.note(8), OTHER.history) is None
    made = _split(HONEST.note(5), OTHER.note(8), OTHER)
    for changed in (
        msgspec.structs.replace(made, notes=(HONEST.note(5).decode(), HONEST.note(7).decode())),
        msgspec.structs.replace(made, notes=(OTHER.note(5).decode(), OTHER.note(8).decode())),
        msgspec.structs.replace(made, notes=made.notes[::-1]),
        msgspec.structs.replace(made, root=bytes(32)),
        msgspec.structs.replace(made, proof=made.proof[1:]),
        msgspec.structs.replace(made, root=HONEST.history.root(5)),
    ):
        with pytest.raises(VerificationError):
            check_evidence(changed, SITTING_ID)


def test_a_successors_log_is_not_held_against_the_first_operator() -> None:
    """Two operators that contradict each other are not one operator that contradicts itself."""
    successor = View(OTHER.log, OTHER.sizes, operator="log 2")
    with pytest.raises(PolicyError):
        check_evidence(_split(HONEST.note(5), successor.note(8), successor), SITTING_ID)
    twice = View(HONEST.log, HONEST.sizes, operator="log 2")
    assert check_evidence(_split(twice.note(5), successor.note(8), successor)).operator == 2


def test_a_stranger_cannot_sign_for_the_board() -> None:
    """A checkpoint of another key, or of another log, is no evidence."""
    forged = View(OTHER.log, OTHER.sizes, operator="somebody")
    with pytest.raises(PolicyError):
        check_evidence(_split(HONEST.note(5), forged.note(8), forged), SITTING_ID)


def test_no_quorum_is_needed() -> None:
    """What the operator signed alone is its word."""
    alone = View(OTHER.log, OTHER.sizes, witnesses=())
    assert check_evidence(_split(HONEST.note(5), alone.note(8), alone)).failing_witnesses == ()


def test_a_broken_promise_is_shown_to_a_stranger() -> None:
    """The promise and what stands in its place are enough."""
    promised = promise(HONEST.log[4], 4)
    evidence = broken_promise(SMALL_MANIFEST, promised, OTHER.note(7), OTHER.history)
    assert evidence is not None
    finding = check_evidence(decode_evidence(encode_evidence(evidence)), SITTING_ID)
    assert (finding.kind, finding.culprit, finding.index, finding.sizes) == ("broken-promise", Party("board"), 4, (7,))
    assert finding.failing_witnesses == ()


def test_a_kept_or_open_promise_is_no_evidence() -> None:
    """A promise that is kept, or whose place is not reached, gives none, and none can be made up."""
    kept, beyond = promise(OTHER.log[4], 4), promise(HONEST.log[6], 7)
    assert broken_promise(SMALL_MANIFEST, kept, OTHER.note(7), OTHER.history) is None
    assert broken_promise(SMALL_MANIFEST, beyond, OTHER.note(7), OTHER.history) is None
    made = broken_promise(SMALL_MANIFEST, promise(HONEST.log[4], 4), OTHER.note(7), OTHER.history)
    assert made is not None
    for changed in (
        msgspec.structs.replace(made, leaf_hash=leaf_hash(HONEST.log[4])),
        msgspec.structs.replace(made, leaf_hash=bytes(32)),
        msgspec.structs.replace(made, proof=made.proof[1:]),
        msgspec.structs.replace(made, note=HONEST.note(7).decode()),
    ):
        with pytest.raises(VerificationError):
            check_evidence(changed, SITTING_ID)


@pytest.mark.parametrize("signer", ["promise 2", "log", "somebody"])
def test_a_promise_of_another_key_is_no_evidence(signer: str) -> None:
    """Only the promise key of the operator that signed the checkpoint counts."""
    made = broken_promise(SMALL_MANIFEST, promise(HONEST.log[4], 4, signer), OTHER.note(7), OTHER.history)
    assert made is not None
    with pytest.raises(InvalidSignatureError):
        check_evidence(made, SITTING_ID)


def test_a_promise_of_another_sitting_is_no_evidence() -> None:
    """A promise names its sitting."""
    made = broken_promise(SMALL_MANIFEST, promise(HONEST.log[4], 4, sitting_id=bytes(32)), OTHER.note(7), OTHER.history)
    assert made is not None
    with pytest.raises(VerificationError, match="another sitting"):
        check_evidence(made, SITTING_ID)


def test_the_manifest_is_the_sittings_or_nobodys() -> None:
    """A made-up manifest convinces nobody who knows the sitting_id."""
    other = msgspec.structs.replace(SMALL_MANIFEST, title="Another")
    made = split_view(other, HONEST.note(5), OTHER.note(8), OTHER.history)
    assert made is not None
    assert check_evidence(made).sitting_id == hashlib.sha256(MANIFEST.encode(other)).digest()
    with pytest.raises(RefusalError, match="another sitting"):
        check_evidence(made, SITTING_ID)


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_no_changed_byte_is_other_evidence(place: int, value: int) -> None:
    """Whatever is changed in a file, it is refused by our own error, or it is the same finding."""
    evidence = _split(HONEST.note(5), OTHER.note(8), OTHER)
    data = bytearray(encode_evidence(evidence))
    data[place % len(data)] = value
    try:
        finding = check_evidence(decode_evidence(bytes(data)), SITTING_ID)
    except SecballotError:
        return
    assert finding.sizes == (5, 8)


@given(st.binary(max_size=200))
def test_any_bytes_are_evidence_or_an_encoding_error(data: bytes) -> None:
    """Junk is no evidence."""
    try:
        found = decode_evidence(data)
    except EncodingError:
        return
    assert isinstance(found, (SplitView, BrokenPromise))
    assert encode_evidence(found) == data


def test_many_foreign_lines_do_not_save_the_board() -> None:
    """A board that pads its note until it is too long for a file is shown all the same."""
    note = Note.decode(OTHER.note(8))
    padding = [SignatureLine(ORIGIN, number.to_bytes(4, "big"), bytes(1_000)) for number in range(60)]
    padded = Note(note.text, (*padding, *note.signatures)).encode()
    assert len(padded) > 16_000
    finding = check_evidence(decode_evidence(encode_evidence(_split(HONEST.note(5), padded, OTHER))), SITTING_ID)
    assert finding.witnesses == (("w1.example", "w2.example"), ("w2.example", "w3.example"))
    broken = broken_promise(SMALL_MANIFEST, promise(HONEST.log[4], 4), padded, OTHER.history)
    assert broken is not None
    assert check_evidence(decode_evidence(encode_evidence(broken)), SITTING_ID).index == 4


def _signed(checkpoint: Checkpoint) -> str:
    return sign_checkpoint(checkpoint, [Ed25519Signer(checkpoint.origin, key("log"))]).encode().decode()


def test_another_log_of_the_same_key_is_no_evidence() -> None:
    """An operator may keep two logs: two roots of one size contradict each other within one origin only."""
    made = _split(HONEST.note(5), OTHER.note(5), OTHER)
    foreign = f"board.example/{bytes(16).hex()}"
    for at in (0, 1):
        notes = list(made.notes)
        notes[at] = _signed(Checkpoint(foreign, 5, (HONEST, OTHER)[at].history.root(5)))
        with pytest.raises((VerificationError, PolicyError)):
            check_evidence(msgspec.structs.replace(made, notes=tuple(notes)), SITTING_ID)
    extended = Checkpoint(ORIGIN, 5, OTHER.history.root(5), ("more",))
    with pytest.raises(EncodingError):
        check_evidence(msgspec.structs.replace(made, notes=(made.notes[0], _signed(extended))), SITTING_ID)


def test_an_empty_log_contradicts_nothing() -> None:
    """Every log grows from nothing, so that a checkpoint of nothing shows no second view of any log."""
    empty = _signed(Checkpoint(ORIGIN, 0, EMPTY_ROOT))
    assert split_view(SMALL_MANIFEST, empty.encode(), OTHER.note(8), OTHER.history) is None
    made = _split(HONEST.note(5), OTHER.note(8), OTHER)
    for root in (EMPTY_ROOT, bytes(32)):
        changed = msgspec.structs.replace(made, notes=(empty, made.notes[1]), proof=(), root=root)
        with pytest.raises(VerificationError):
            check_evidence(changed, SITTING_ID)


@pytest.mark.parametrize("size", range(1, 9))
def test_evidence_of_every_size_needs_its_own_proof(size: int) -> None:
    """From wherever two logs part, every later size of one contradicts the other, and no earlier size does."""
    found = split_view(SMALL_MANIFEST, HONEST.note(min(size, 7)), OTHER.note(8), OTHER.history)
    assert (found is None) == (size < 5)
    if found is not None:
        assert check_evidence(found, SITTING_ID).sizes == (min(size, 7), 8)
        for other in (7, 6, 5):
            if other != min(size, 7):
                moved = msgspec.structs.replace(found, notes=(HONEST.note(other).decode(), found.notes[1]))
                with pytest.raises(VerificationError):
                    check_evidence(moved, SITTING_ID)


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_no_changed_byte_is_another_broken_promise(place: int, value: int) -> None:
    """As for two views: our own error, or the same finding."""
    evidence = broken_promise(SMALL_MANIFEST, promise(HONEST.log[4], 4), OTHER.note(7), OTHER.history)
    assert evidence is not None
    data = bytearray(encode_evidence(evidence))
    data[place % len(data)] = value
    try:
        finding = check_evidence(decode_evidence(bytes(data)), SITTING_ID)
    except SecballotError:
        return
    assert (finding.kind, finding.index, finding.sizes) == ("broken-promise", 4, (7,))
