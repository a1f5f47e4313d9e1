"""The log's own rules: what is signed, and which checkpoint is kept."""

from __future__ import annotations

import pytest

from secballot.board.checkpoint import Checkpoint, sign_checkpoint
from secballot.board.cosignature import Ed25519Cosigner, cosignature_time
from secballot.board.log import check_continues, merge_checkpoints, newest_reading, sign_head, witness_request
from secballot.board.merkle import ConsistencyProof, leaf_hash, root_of
from secballot.board.note import Ed25519Signer, Note
from secballot.board.witness import WitnessState, decide, open_request
from secballot.errors import EncodingError, InconsistentLogError, RefusalError
from secballot.signing import SigningKey

ORIGIN = "log.example/sitting"
LOG = Ed25519Signer(ORIGIN, SigningKey(bytes([1]) * 32))
COSIGNERS = [Ed25519Cosigner(f"w{number}.example", SigningKey(bytes([2 + number]) * 32)) for number in range(2)]


class MemoryLog:
    """A log of entries in memory."""

    def __init__(self, entries: list[bytes], newest: bytes | None = None) -> None:
        """Hold these entries and this checkpoint."""
        self.origin = ORIGIN
        self.leaves = [leaf_hash(entry) for entry in entries]
        self.newest = newest

    def size(self) -> int:
        """Return the number of entries."""
        return len(self.leaves)

    def root(self, size: int) -> bytes:
        """Return a root."""
        return root_of(self.leaves[:size])

    def consistency_proof(self, old_size: int, new_size: int) -> ConsistencyProof:
        """Return a proof."""
        return ConsistencyProof.prove(
            old_size, new_size, lambda level, index: root_of(self.leaves[index << level : (index + 1) << level])
        )

    def latest_checkpoint(self) -> bytes | None:
        """Return the newest checkpoint."""
        return self.newest


ENTRIES = [b"a", b"b", b"c", b"d", b"e"]


def _signed(entries: list[bytes]) -> Note:
    return sign_head(MemoryLog(entries), [LOG])


def test_the_head_is_signed() -> None:
    """The checkpoint says what is stored, and the same bytes whenever it is signed again."""
    note = _signed(ENTRIES)
    assert Checkpoint.decode(note.text) == Checkpoint(ORIGIN, 5, MemoryLog(ENTRIES).root(5))
    assert sign_head(MemoryLog(ENTRIES, note.encode()), [LOG]) == note


@pytest.mark.parametrize("entries", [ENTRIES[:2], [b"x", *ENTRIES[1:]], []])
def test_a_restored_copy_signs_nothing(entries: list[bytes]) -> None:
    """A log shorter than, or different from, its newest checkpoint is not signed; the checkpoint is evidence."""
    newest = _signed(ENTRIES[:3]).encode()
    with pytest.raises(InconsistentLogError) as caught:
        sign_head(MemoryLog(entries, newest), [LOG])
    assert caught.value.evidence == newest


def test_another_logs_checkpoint() -> None:
    """A checkpoint of another origin is not continued."""
    other = sign_checkpoint(Checkpoint("other.example", 0, root_of([])), [LOG]).encode()
    with pytest.raises(InconsistentLogError):
        check_continues(MemoryLog(ENTRIES), other)


@pytest.mark.parametrize("old", [0, 3, 5])
def test_a_witness_accepts_the_request(old: int) -> None:
    """The request made from the stored log convinces a witness at any earlier size."""
    log = MemoryLog(ENTRIES)
    body = witness_request(log, _signed(ENTRIES), old).encode()
    opened = open_request(body, {ORIGIN: [LOG.vkey]})
    assert decide(opened, WitnessState(old, log.root(old)), COSIGNERS[:1], 7).state.tree_size == 5


def test_a_witness_ahead_of_the_log() -> None:
    """A witness that knows more entries than the log has means that the log was rolled back."""
    with pytest.raises(InconsistentLogError):
        witness_request(MemoryLog(ENTRIES), _signed(ENTRIES), 6)


def test_cosignatures_are_joined() -> None:
    """At one size the cosignatures of two notes are kept together: what came last first, the earliest last."""
    note = _signed(ENTRIES)
    first = note.with_signatures([COSIGNERS[0].cosign(note.text, 1)])
    second = note.with_signatures([COSIGNERS[1].cosign(note.text, 2), COSIGNERS[0].cosign(note.text, 3)])
    merged = Note.decode(merge_checkpoints(first.encode(), second.encode()))
    log_line, of_two, of_one = second.signatures
    assert merged.signatures == (log_line, of_one, of_two, first.signatures[-1])
    merged_back = Note.decode(merge_checkpoints(merged.encode(), first.encode()))
    assert merged_back.signatures == (log_line, first.signatures[-1], of_two)


def test_the_larger_checkpoint_is_kept() -> None:
    """A larger checkpoint replaces a smaller one, and never the other way round."""
    small, large = _signed(ENTRIES[:2]).encode(), _signed(ENTRIES).encode()
    assert merge_checkpoints(None, small) == small
    assert merge_checkpoints(small, large) == large
    with pytest.raises(RefusalError):
        merge_checkpoints(large, small)


def test_contradictions_are_evidence() -> None:
    """Two roots for one size, or another origin, are refused with both notes in hand."""
    kept = _signed(ENTRIES).encode()
    for arriving in (
        _signed([*ENTRIES[:4], b"x"]).encode(),
        sign_checkpoint(Checkpoint("other.example", 5, bytes(32)), [LOG]).encode(),
    ):
        with pytest.raises(InconsistentLogError) as caught:
            merge_checkpoints(kept, arriving)
        assert kept in caught.value.evidence
        assert arriving in caught.value.evidence


def test_only_checkpoints_of_the_profile_are_kept() -> None:
    """What is no checkpoint, or has extension lines, is not kept."""
    note = _signed(ENTRIES)
    extended = Note(note.text + "more\n", note.signatures).encode()
    for data in (b"nonsense", extended):
        with pytest.raises(EncodingError):
            merge_checkpoints(None, data)


def test_strangers_are_shown_one_line_of_each_key() -> None:
    """The newest cosignature of each, in the order of the keys; a note without repetitions stays as it is."""
    note = _signed(ENTRIES)
    once = note.with_signatures([COSIGNERS[0].cosign(note.text, 1), COSIGNERS[1].cosign(note.text, 2)]).encode()
    again = Note(note.text, (COSIGNERS[1].cosign(note.text, 9), COSIGNERS[0].cosign(note.text, 8))).encode()
    kept = merge_checkpoints(merge_checkpoints(None, once), again)
    shown = Note.decode(newest_reading(kept))
    times = [(line.name, cosignature_time(line)) for line in shown.signatures[1:]]
    assert times == [(COSIGNERS[0].vkey.name, 8), (COSIGNERS[1].vkey.name, 9)]
    assert len(Note.decode(kept).signatures) == 5
    assert newest_reading(once) == once
