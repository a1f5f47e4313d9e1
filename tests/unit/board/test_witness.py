"""The witness: each refusal with its status, and no two roots for one size whatever arrives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secballot.board.checkpoint import Checkpoint
from secballot.board.cosignature import Ed25519Cosigner, MlDsaCosigner
from secballot.board.merkle import EMPTY_ROOT, ConsistencyProof, leaf_hash, root_of
from secballot.board.note import Ed25519Signer, Note, SignatureLine, sign_note
from secballot.board.witness import (
    MAX_PROOF_HASHES,
    SIZE_TEXT,
    Request,
    WitnessRefusalError,
    WitnessState,
    decide,
    open_request,
    read_cosignatures,
    read_size,
)
from secballot.errors import EncodingError, InvalidSignatureError
from secballot.signing import SigningKey

ORIGIN = "log.example/sitting"
LOG = Ed25519Signer(ORIGIN, SigningKey(bytes([1]) * 32))
LOGS = {ORIGIN: [LOG.vkey]}
COSIGNER = Ed25519Cosigner("witness.example", SigningKey(bytes([2]) * 32))
TIME = 1_700_000_000
LEAVES = [leaf_hash(bytes([number])) for number in range(9)]
STATE_3 = WitnessState(3, root_of(LEAVES[:3]))


def _subtree(level: int, index: int) -> bytes:
    return root_of(LEAVES[index << level : (index + 1) << level])


def _note(size: int, root: bytes | None = None) -> Note:
    return sign_note(Checkpoint(ORIGIN, size, root or root_of(LEAVES[:size])).encode(), [LOG])


def _request(
    old: int,
    size: int,
    *,
    hashes: tuple[bytes, ...] | None = None,
    note: bytes | None = None,
    old_size: int | None = None,
) -> bytes:
    if hashes is None:
        hashes = ConsistencyProof.prove(old, size, _subtree).hashes if old <= size else ()
    note = _note(size).encode() if note is None else note
    return Request(old if old_size is None else old_size, hashes, note).encode()


def _refusal(body: bytes, state: WitnessState = STATE_3) -> WitnessRefusalError:
    with pytest.raises(WitnessRefusalError) as caught:
        decide(open_request(body, LOGS), state, [COSIGNER], TIME)
    return caught.value


@pytest.mark.parametrize(("old", "size"), [(0, 0), (0, 5), (3, 3), (3, 8), (8, 9)])
def test_growth_is_cosigned(old: int, size: int) -> None:
    """A checkpoint that grows from the last one becomes the state, and the client can read the cosignature."""
    state = WitnessState(old, root_of(LEAVES[:old]))
    opened = open_request(_request(old, size), LOGS)
    decision = decide(opened, state, [COSIGNER], TIME)
    assert decision.state == WitnessState(size, root_of(LEAVES[:size]))
    assert read_cosignatures(decision.body, opened.note.text, [COSIGNER.vkey]) == decision.cosignatures


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 3\n",
        b"old 03\n\n" + _note(8).encode(),
        b"old +3\n\n" + _note(8).encode(),
        b"old -1\n\n" + _note(8).encode(),
        b"old 9223372036854775808\n\n" + _note(8).encode(),
        b"old 3 \n\n" + _note(8).encode(),
        b"old 3\r\n\n" + _note(8).encode(),
        b"OLD 3\n\n" + _note(8).encode(),
        b"old 3\nAAAA\n\n" + _note(8).encode(),
        _request(3, 8).replace(b"old 3\n", b"old 3\n" + (b"A" * 43 + b"=\n") * 64),
        _request(3, 8, note=b"not a note"),
        _request(3, 8, note=sign_note("not a checkpoint\n", [LOG]).encode()),
        _request(9, 8),
    ],
)
def test_malformed_requests(body: bytes) -> None:
    """A body that is not a request, and an old size above the new one, are a 400."""
    assert _refusal(body).status == 400


def test_unknown_log() -> None:
    """Another origin is a 404, before any signature is looked at."""
    other = sign_note(Checkpoint("other.example", 5, bytes(32)).encode(), [LOG])
    assert _refusal(_request(3, 8, note=other.encode())).status == 404


def test_no_valid_log_signature() -> None:
    """A note by strangers only, and one with a false signature of the log, are a 403."""
    stranger = Ed25519Signer(ORIGIN, SigningKey(bytes([7]) * 32))
    by_stranger = sign_note(_note(8).text, [stranger])
    good = _note(8).signatures[0]
    false = SignatureLine(good.name, good.key_id, bytes(64))
    for note in (by_stranger, Note(by_stranger.text, (good, false)), Note(by_stranger.text, (false,))):
        assert _refusal(_request(3, 8, note=note.encode())).status == 403


@pytest.mark.parametrize("old", [0, 2, 4])
def test_conflict_tells_the_size(old: int) -> None:
    """Another old size than the last cosigned one is a 409 whose body is that size."""
    refusal = _refusal(_request(old, 8))
    assert (refusal.status, refusal.content_type, refusal.body) == (409, SIZE_TEXT, b"3\n")
    assert read_size(refusal.body) == 3


@pytest.mark.parametrize(
    ("body", "state"),
    [
        (_request(3, 8, hashes=()), STATE_3),
        (_request(3, 8, hashes=(*ConsistencyProof.prove(3, 8, _subtree).hashes, bytes(32))), STATE_3),
        (_request(3, 8, note=_note(8, bytes(32)).encode()), STATE_3),
        (_request(3, 3, note=_note(3, bytes(32)).encode()), STATE_3),
        (_request(3, 3, hashes=(bytes(32),)), STATE_3),
        (_request(0, 8, hashes=(bytes(32),)), WitnessState()),
        (_request(0, 0, note=_note(0, bytes(32)).encode()), WitnessState()),
        (_request(3, 8), WitnessState(3, bytes(32))),
    ],
)
def test_what_does_not_follow_is_unprocessable(body: bytes, state: WitnessState) -> None:
    """A proof that does not lead from the state to the checkpoint, and another root at one size, are a 422."""
    assert _refusal(body, state).status == 422


def test_the_order_of_the_refusals() -> None:
    """An old size above the checkpoint's is a 400 even where it is also not the last cosigned one."""
    assert _refusal(_request(9, 8), WitnessState()).status == 400
    assert _refusal(_request(8, 8, note=_note(8, bytes(32)).encode())).status == 409


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.booleans()), max_size=12))
def test_a_witness_never_signs_two_roots(requests: list[tuple[int, int, bool]]) -> None:
    """Whatever a log that forks asks for, cosigned sizes never fall and no size gets two roots."""
    forked = [LEAVES[0], *(leaf_hash(b"fork" + leaf) for leaf in LEAVES[1:])]
    state, seen = WitnessState(), {0: EMPTY_ROOT}
    for old, size, fork in requests:
        leaves = forked if fork else LEAVES

        def subtree(level: int, index: int, leaves: list[bytes] = leaves) -> bytes:
            return root_of(leaves[index << level : (index + 1) << level])

        if old > size:
            continue
        note = sign_note(Checkpoint(ORIGIN, size, root_of(leaves[:size])).encode(), [LOG])
        body = Request(old, ConsistencyProof.prove(old, size, subtree).hashes, note.encode()).encode()
        try:
            decision = decide(open_request(body, LOGS), state, [COSIGNER], TIME)
        except WitnessRefusalError:
            continue
        assert decision.state.tree_size >= state.tree_size
        assert seen.setdefault(size, decision.state.root) == decision.state.root
        state = decision.state


@given(
    st.binary()
    | st.lists(st.sampled_from(["old ", "0", "3", "\n", "A" * 43 + "=", "note"])).map("".join).map(str.encode)
)
def test_any_request(body: bytes) -> None:
    """Any bytes are refused with the library's own error, or come back."""
    try:
        request = Request.decode(body)
    except EncodingError:
        return
    assert request.encode() == body


def test_clients_ignore_strangers_and_refuse_falsehoods() -> None:
    """Of an answer, only valid lines of the asked witness are kept, and there must be one."""
    text = _note(8).text
    line = COSIGNER.cosign(text, TIME)
    stranger = Ed25519Cosigner("stranger.example", SigningKey(bytes([8]) * 32)).cosign(text, TIME)
    body = (stranger.encode() + line.encode()).encode()
    assert read_cosignatures(body, text, [COSIGNER.vkey]) == (line,)
    for wrong in (stranger.encode(), COSIGNER.cosign(_note(7).text, TIME).encode()):
        with pytest.raises(InvalidSignatureError):
            read_cosignatures(wrong.encode(), text, [COSIGNER.vkey])
    for garbage in (b"", b"hello\n", b"\n" + body, b"more\n\n" + body, body * 60):
        with pytest.raises(EncodingError):
            read_cosignatures(garbage, text, [COSIGNER.vkey])


@pytest.mark.parametrize("body", [b"", b"3", b"03\n", b"-3\n", b"3\n\n", b"9223372036854775808\n"])
def test_malformed_sizes(body: bytes) -> None:
    """A 409 holds one decimal and a newline."""
    with pytest.raises(EncodingError):
        read_size(body)


def test_a_request_is_bounded() -> None:
    """Neither too many hashes nor short ones can be sent."""
    for hashes in ((bytes(32),) * (MAX_PROOF_HASHES + 1), (bytes(31),)):
        with pytest.raises(EncodingError):
            _request(3, 8, hashes=hashes)
    with pytest.raises(EncodingError):
        _request(3, 8, old_size=-1)
    with pytest.raises(EncodingError):
        _request(3, 8, note=bytes(1_000_001))


@pytest.mark.parametrize(
    "request_",
    [
        Request(2**63 - 1, (bytes(32),) * MAX_PROOF_HASHES, bytes(1_000_000)),
        Request(0, (), b""),
    ],
)
def test_the_ends_of_the_ranges(request_: Request) -> None:
    """The largest request that can be written, and the smallest one, are read."""
    assert Request.decode(request_.encode()) == request_


def test_a_request_beyond_the_limit_is_not_read() -> None:
    """1,004,096 bytes are looked at, not one more."""
    with pytest.raises(EncodingError, match="checkpoint too long"):
        Request.decode(b"old 0\n\n".ljust(1_004_096, b"n"))
    with pytest.raises(EncodingError, match="is not too long"):
        Request.decode(b"old 0\n\n".ljust(1_004_097, b"n"))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"old 3\n" + _note(8).encode().replace(b"\n\n", b"\n"), "empty line"),
        (b"old \xc3\xa4\n\n", "ASCII head"),
        (b"\n\n", "old size is missing"),
        (b"Old 3\n\n", "old size is missing"),
        (b"old 3\n" + b"x\n" * 64 + b"\n", "at most 63 hashes"),
    ],
)
def test_what_is_missing_is_said(body: bytes, message: str) -> None:
    """Each part of the head has its own refusal."""
    with pytest.raises(EncodingError, match=message):
        Request.decode(body)


def test_a_refusal_is_a_text_for_people() -> None:
    """But for the size of a 409, the body is the message, with its newline."""
    refusal = _refusal(_request(9, 8))
    assert (refusal.content_type, refusal.body) == ("text/plain; charset=utf-8", f"{refusal}\n".encode())
    assert _refusal(_request(4, 8)).content_type == "text/x.tlog.size"
    unproved = _refusal(_request(3, 8, hashes=()))
    assert unproved.body.startswith(b"consistency proof: ")


def test_an_answer_says_when_it_was_given() -> None:
    """A signature of a log, without a time, is none of a witness; one second after the epoch is a time."""
    text, quantum = _note(8).text, MlDsaCosigner("witness.example", bytes(32))
    line = quantum.cosign(text, 1)
    assert read_cosignatures(line.encode().encode(), text, [quantum.vkey]) == (line,)
    for body in (quantum.sign(text).encode(), COSIGNER.cosign(text, TIME).encode() + quantum.sign(text).encode()):
        with pytest.raises(InvalidSignatureError, match="says when"):
            read_cosignatures(body.encode(), text, [COSIGNER.vkey, quantum.vkey])


def test_an_answer_has_at_most_a_hundred_lines() -> None:
    """And at most a million bytes."""
    text = _note(8).text
    own = COSIGNER.cosign(text, TIME)
    lines = [SignatureLine(f"w{number}.example", bytes(4), bytes(72)).encode() for number in range(100)]
    body = own.encode() + "".join(lines[:99])
    assert read_cosignatures(body.encode(), text, [COSIGNER.vkey]) == (own,)
    with pytest.raises(EncodingError, match="answer is too long"):
        read_cosignatures((body + lines[99]).encode(), text, [COSIGNER.vkey])
    with pytest.raises(EncodingError, match="answer is too long"):
        read_cosignatures(b"a" * 1_000_001, text, [COSIGNER.vkey])
    with pytest.raises(EncodingError, match="note too long"):
        read_cosignatures(b"a" * 1_000_000, text, [COSIGNER.vkey])
