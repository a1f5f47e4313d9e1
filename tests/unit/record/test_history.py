"""The log's own past: roots at every size, and the operator whose key is in force.

Source: SPEC.md#merkle-tree, SPEC.md#handover, SPEC.md#witness-policy.
"""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secballot.board.checkpoint import Checkpoint
from secballot.board.merkle import leaf_hash, node_hash, root_of
from secballot.board.note import Note, SignatureLine
from secballot.encoding import MAX_INTEGER
from secballot.errors import EncodingError, InconsistentLogError, PolicyError, VerificationError
from secballot.record.history import LogHistory, LogOperator, open_embedded, open_witnessed, operator_at
from tests.record_stage import NOW, Stage
from tests.simulator import cosigned_head

LEAVES = [leaf_hash(b"%d" % number) for number in range(1_100)]


@pytest.fixture(scope="module")
def history() -> LogHistory:
    """Return a log in which several complete subtrees are remembered."""
    made = LogHistory()
    for leaf in LEAVES:
        made.append(leaf)
    return made


@pytest.mark.parametrize("size", [0, 1, 4_095, 4_096, 4_097, 8_192, 10_000])
def test_leaves_are_kept_in_order_whether_added_or_given(size: int) -> None:
    """At the edges of the pieces that they are kept in, and going on from there."""
    leaves = [leaf_hash(number.to_bytes(4, "big")) for number in range(size + 2)]
    added = LogHistory()
    for leaf in leaves[:size]:
        added.append(leaf)
    for made in (added, LogHistory(b"".join(leaves[:size]))):
        for leaf in leaves[size:]:
            made.append(leaf)
        assert (len(made), made.leaves()) == (size + 2, b"".join(leaves))
        assert [made.leaf(index) for index in range(size + 2)] == leaves


@given(size=st.integers(0, len(LEAVES)))
def test_the_root_at_every_size_is_that_of_the_tree(history: LogHistory, size: int) -> None:
    """However the subtrees are remembered, and in whatever order sizes are asked for."""
    assert history.root(size) == root_of(LEAVES[:size])


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 511, 512, 768, 1_024, 1_100])
def test_the_root_at_the_edges_of_remembered_subtrees(history: LogHistory, size: int) -> None:
    """Powers of two and their neighbours."""
    assert history.root(size) == root_of(LEAVES[:size])


def test_large_subtrees_are_hashed_once(history: LogHistory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for again, the roots of 256 leaves and of powers of two above cost nothing, and any other few hashes."""
    hashed: list[bytes] = []

    def spy(left: bytes, right: bytes) -> bytes:
        hashed.append(left)
        return node_hash(left, right)

    expected = {size: history.root(size) for size in (256, 512, 1_024, 1_023)}
    monkeypatch.setattr("secballot.record.history.node_hash", spy)
    monkeypatch.setattr("secballot.board.merkle.node_hash", spy)
    for size, limit in ((256, 0), (512, 0), (1_024, 0), (1_023, 256)):
        hashed.clear()
        assert history.root(size) == expected[size]
        assert len(hashed) <= limit
    assert LogHistory().leaves() == b""


def test_roots_of_the_past_stay_when_the_log_grows() -> None:
    """A root computed early is the root computed late."""
    grown, early = LogHistory(), []
    for leaf in LEAVES[:600]:
        grown.append(leaf)
        early.append(grown.root(len(grown)))
    assert [grown.root(size) for size in range(1, 601)] == early
    assert [grown.leaf(index) for index in (0, 599)] == [LEAVES[0], LEAVES[599]]


def test_the_root_of_no_entries_is_the_hash_of_nothing() -> None:
    """RFC 6962."""
    assert LogHistory().root(0) == hashlib.sha256(b"").digest()


# Operators -----------------------------------------------------------------------------------------------------------

FIRST = LogOperator(b"1" * 32, b"", 0, 10)
SECOND = LogOperator(b"2" * 32, b"", 13, 20)
THIRD = LogOperator(b"3" * 32, b"", 25, None)


@pytest.mark.parametrize(
    ("size", "expected"),
    [(1, FIRST), (10, FIRST), (14, SECOND), (20, SECOND), (26, THIRD), (2**53, THIRD)],
)
def test_the_operator_in_force_follows_from_the_size(size: int, expected: LogOperator) -> None:
    """Up to a handover's size the earlier, above its completing entry the successor."""
    assert operator_at([FIRST, SECOND, THIRD], size) == expected


@pytest.mark.parametrize("size", [11, 13, 21, 25])
def test_between_two_operators_no_key_is_in_force(size: int) -> None:
    """A checkpoint of such a size counts under nobody's key."""
    with pytest.raises(PolicyError):
        operator_at([FIRST, SECOND, THIRD], size)


# Checkpoints beside the entries and inside them ----------------------------------------------------------------------


def test_a_note_beside_the_entries_may_hold_more_lines() -> None:
    """All four witnesses, in any order: the quorum is there, and names come in manifest order."""
    stage = Stage.after("manifest")
    full = Note.decode(stage.head())
    turned = Note(full.text, tuple(reversed(full.signatures))).encode()

    opened = open_witnessed(stage.manifest, stage.state.operators, turned)
    assert set(opened.names) >= {f"witness-{number}.example" for number in (1, 2, 3)}
    assert set(opened.times) == {NOW}
    with pytest.raises(PolicyError) as caught:
        open_embedded(stage.manifest, stage.state.operators, stage.state.history, turned.decode(), 2)
    assert caught.value.check == "LOG-03"


@pytest.mark.attack("LG-08")
def test_a_note_that_repeats_a_witness_has_no_quorum() -> None:
    """Two witnesses and one of them again are two."""
    stage = Stage.after("manifest")
    full = Note.decode(stage.head())
    repeated = Note(full.text, (*full.signatures[:3], full.signatures[2])).encode()

    with pytest.raises((PolicyError, EncodingError, VerificationError)):
        open_witnessed(stage.manifest, stage.state.operators, repeated)


def noted(stage: Stage, *times: int) -> bytes:
    """Return a note over the log so far, which the witnesses have signed at these times."""
    leaves = [leaf_hash(entry) for entry in stage.entries]
    heads = [
        Note.decode(cosigned_head(stage.manifest.log.origin, stage.keys.log[0], leaves, [witness], time))
        for witness, time in zip(stage.witnesses, times, strict=True)
    ]
    return Note(heads[0].text, (heads[0].signatures[0], *(head.signatures[1] for head in heads))).encode()


def test_a_note_tells_who_signed_and_when() -> None:
    """Names and times in manifest order; the q-th smallest is when a quorum had signed."""
    stage = Stage.after("manifest")
    note = noted(stage, 7, MAX_INTEGER, 1, 5)

    opened = open_witnessed(stage.manifest, stage.state.operators, note)
    assert opened.names == tuple(witness.name for witness in stage.manifest.witnesses.witnesses)
    assert opened.times == (7, MAX_INTEGER, 1, 5)
    assert [opened.quorum_time(quorum) for quorum in (1, 2, 3, 4)] == [1, 5, 7, MAX_INTEGER]
    assert opened.note == note
    assert opened.checkpoint == Checkpoint.decode(Note.decode(note).text)


def test_a_cosignature_of_a_time_that_no_entry_holds_counts_for_nothing() -> None:
    """As if it were not there, beside a quorum of others; two of four leave none."""
    stage, impossible = Stage.after("manifest"), MAX_INTEGER + 1

    opened = open_witnessed(stage.manifest, stage.state.operators, noted(stage, 7, impossible, 1, 5))
    assert (opened.times, len(Note.decode(opened.note).signatures)) == ((7, 1, 5), 4)
    with pytest.raises(PolicyError):
        open_witnessed(stage.manifest, stage.state.operators, noted(stage, impossible, 7, 1, impossible))


def spoilt(line: SignatureLine) -> SignatureLine:
    """Return the line with its last bit changed."""
    return SignatureLine(line.name, line.key_id, line.signature[:-1] + bytes([line.signature[-1] ^ 1]))


def test_a_spoilt_line_beside_a_quorum_counts_for_nothing() -> None:
    """Whoever passes a note on may spoil or add lines, before or behind the good ones; in an entry none may be."""
    stage = Stage.after("manifest")
    full = Note.decode(stage.head())
    first, *others = full.signatures
    for lines in ((first, spoilt(others[0]), *others[1:]), (spoilt(first), *full.signatures)):
        opened = open_witnessed(stage.manifest, stage.state.operators, Note(full.text, lines).encode())
        assert len(opened.names) >= 3
    stranger = SignatureLine("stranger.example", first.key_id, first.signature)
    opened = open_witnessed(
        stage.manifest, stage.state.operators, Note(full.text, (stranger, *full.signatures)).encode()
    )
    assert (opened.note, len(opened.names)) == (full.encode(), 4)
    embedded = Note(full.text, (first, spoilt(others[0]), *others[1:3])).encode().decode()
    with pytest.raises(PolicyError) as caught:
        open_embedded(stage.manifest, stage.state.operators, stage.state.history, embedded, 2)
    assert caught.value.check == "LOG-03"


def test_a_note_of_spoilt_lines_alone_is_refused() -> None:
    """Nothing in it is by a key of the manifest and good."""
    stage = Stage.after("manifest")
    full = Note.decode(stage.head())

    with pytest.raises(PolicyError):
        open_witnessed(
            stage.manifest, stage.state.operators, Note(full.text, tuple(map(spoilt, full.signatures))).encode()
        )


@pytest.mark.parametrize("index", [0, 1])
def test_an_embedded_note_lies_before_its_entry(index: int) -> None:
    """A note over two entries cannot stand in the first or second of them."""
    stage = Stage.after("manifest")

    with pytest.raises(PolicyError) as caught:
        open_embedded(stage.manifest, stage.state.operators, stage.state.history, stage.note(), index)
    assert caught.value.check == "LOG-03"
    opened = open_embedded(stage.manifest, stage.state.operators, stage.state.history, stage.note(), 2)
    assert opened.checkpoint.tree_size == 2


def test_an_embedded_note_may_cover_the_first_entry_alone() -> None:
    """LOG-03 asks for one entry and no more; whether it is enough is a question of the entry that embeds it."""
    stage = Stage.after("manifest")
    note = stage.note(1)
    opened = open_embedded(stage.manifest, stage.state.operators, stage.state.history, note, 2)
    assert (opened.checkpoint.tree_size, opened.note) == (1, note.encode())


def test_an_embedded_note_over_another_log_is_kept_as_evidence() -> None:
    """LOG-04 carries the whole note, for anyone to publish."""
    stage = Stage.after("manifest")
    note = stage.forked_note(2)

    with pytest.raises(InconsistentLogError) as caught:
        open_embedded(stage.manifest, stage.state.operators, stage.state.history, note, 2)
    assert (caught.value.check, caught.value.evidence.decode()) == ("LOG-04", note)
