"""Cosignatures and policies: who counts, once, and for what."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secballot.board.checkpoint import Checkpoint, sign_checkpoint
from secballot.board.cosignature import Ed25519Cosigner, MlDsaCosigner
from secballot.board.note import Ed25519Signer, SignatureLine, VerifierKey
from secballot.board.policy import Policy
from secballot.errors import EncodingError, InvalidSignatureError, PolicyError, VerificationError
from secballot.signing import SigningKey

ORIGIN = "log.example/sitting"
LOG = Ed25519Signer(ORIGIN, SigningKey(bytes([1]) * 32))
WITNESSES = [Ed25519Cosigner(f"w{number}.example", SigningKey(bytes([10 + number]) * 32)) for number in range(3)]
KEYS = [witness.vkey for witness in WITNESSES]
POLICY = Policy.of([LOG.vkey], KEYS, 2)
NOTE = sign_checkpoint(Checkpoint(ORIGIN, 5, bytes(range(32))), [LOG])
TIME = 1_700_000_000


def _cosigned(*lines: SignatureLine) -> bytes:
    return NOTE.with_signatures(lines).encode()


def _line(number: int, time: int = TIME) -> SignatureLine:
    return WITNESSES[number].cosign(NOTE.text, time)


def test_a_quorum() -> None:
    """Two of three witnesses are enough, and their times are told in the order of the policy."""
    opened = POLICY.open(_cosigned(_line(2, 9), _line(0, 7)), origin=ORIGIN)
    assert [(found.vkey, found.time) for found in opened.cosignatures] == [(KEYS[0], 7), (KEYS[2], 9)]
    assert opened.checkpoint.tree_size == 5
    opened.check_exact(2)


@pytest.mark.parametrize("lines", [(), (_line(0),), (_line(0, 1), _line(0, 2))])
def test_no_quorum(lines: tuple[SignatureLine, ...]) -> None:
    """None, one, and one witness twice are not two."""
    note = NOTE.encode() + "".join(line.encode() for line in lines).encode()
    with pytest.raises(PolicyError):
        POLICY.open(note, origin=ORIGIN)


def test_the_logs_own_signature_is_needed() -> None:
    """Witnesses without the log are nothing."""
    data = NOTE.text.encode() + b"\n" + (_line(0).encode() + _line(1).encode()).encode()
    with pytest.raises(InvalidSignatureError):
        POLICY.open(data, origin=ORIGIN)


def test_a_false_cosignature_spoils_the_note() -> None:
    """A third, false cosignature is not covered up by two good ones."""
    false = SignatureLine(KEYS[2].name, KEYS[2].key_id, _line(2).signature[:-1] + b"\x00")
    with pytest.raises(InvalidSignatureError):
        POLICY.open(_cosigned(_line(0), _line(1), false), origin=ORIGIN)


@pytest.mark.attack("LG-07")
def test_another_origin() -> None:
    """A policy has keys for the origins it names, and a note speaks for its own."""
    data = _cosigned(_line(0), _line(1))
    with pytest.raises(PolicyError):
        POLICY.open(data, origin="other.example")
    other = Ed25519Signer("other.example", SigningKey(bytes([5]) * 32))
    with pytest.raises(VerificationError):
        Policy.of([LOG.vkey, other.vkey], KEYS, 2).open(data, origin="other.example")


def test_exactness() -> None:
    """A quorum is a quorum with further lines, but not exactly the expected one."""
    stranger = Ed25519Cosigner("stranger.example", SigningKey(bytes([99]) * 32))
    for extra in (_line(2), stranger.cosign(NOTE.text, TIME)):
        opened = POLICY.open(_cosigned(_line(0), _line(1), extra), origin=ORIGIN)
        with pytest.raises(PolicyError):
            opened.check_exact(2)
    twice = _cosigned(_line(0), _line(1)) + _line(1).encode().encode()
    with pytest.raises(PolicyError):
        POLICY.open(twice, origin=ORIGIN).check_exact(2)
    with pytest.raises(PolicyError):
        POLICY.open(_cosigned(_line(0), _line(1)), origin=ORIGIN).check_exact(1)


def test_ml_dsa_witnesses_count_but_are_not_exact() -> None:
    """A witness with an ML-DSA key counts for a quorum, where exactly Ed25519 is asked for it does not."""
    quantum = MlDsaCosigner("w9.example", bytes(32))
    policy = Policy.of([LOG.vkey], [KEYS[0], quantum.vkey], 2)
    opened = policy.open(_cosigned(_line(0), quantum.cosign(NOTE.text, 3)), origin=ORIGIN)
    with pytest.raises(PolicyError):
        opened.check_exact(2)


def test_a_witness_without_time_does_not_count() -> None:
    """An ML-DSA signature with time 0 says nothing of recency, so it is no cosignature of a witness."""
    quantum = MlDsaCosigner("w9.example", bytes(32))
    policy = Policy.of([LOG.vkey], [quantum.vkey], 1)
    with pytest.raises(InvalidSignatureError):
        policy.open(_cosigned(quantum.cosign(NOTE.text, 0)), origin=ORIGIN)


@pytest.mark.attack("LG-10")
@pytest.mark.parametrize("time", [0, -1, 2**63])
def test_times_out_of_range(time: int) -> None:
    """A witness states a time between 1 and 2^63-1."""
    with pytest.raises(EncodingError):
        WITNESSES[0].cosign(NOTE.text, time)


def test_only_checkpoints_are_cosigned() -> None:
    """A witness's key signs nothing but checkpoints."""
    with pytest.raises(EncodingError):
        WITNESSES[0].cosign("anything else\n", TIME)


@pytest.mark.attack("LG-08")
def test_quorums_are_not_inflated() -> None:
    """One key under two names, a log's key as a witness's, and impossible thresholds are refused."""
    again = VerifierKey("again.example", KEYS[0].kind, KEYS[0].key)
    log_as_witness = VerifierKey("w.example", 4, LOG.vkey.key)
    for keys, threshold in (
        ([KEYS[0], again], 2),
        ([log_as_witness], 1),
        (KEYS, 0),
        (KEYS, 4),
        (KEYS, -1),
        ([], 0),
        ([LOG.vkey], 1),
    ):
        with pytest.raises(EncodingError):
            Policy.of([LOG.vkey], keys, threshold)
    with pytest.raises(EncodingError):
        Policy.of([KEYS[0]], KEYS[1:], 1)


def test_key_errors_name_their_line() -> None:
    """A fault in a policy file is reported with its line."""
    with pytest.raises(EncodingError) as caught:
        Policy.decode(b"# fine\n\nlog nonsense\nquorum none\n")
    assert caught.value.offset == 3


def test_bytes_above_ascii_are_opaque() -> None:
    """In comments, names and URLs whatever is not UTF-8 stands for itself; two spellings are two names."""
    one, two = KEYS[0].encode().encode(), KEYS[1].encode().encode()
    latin = b"# caf\xe9\nwitness caf\xe9 " + one + b" http://caf\xe9.example/\n"
    policy = Policy.decode(
        latin + b"witness caf\xc3\xa9 " + two + b"\ngroup g all caf\xe9 caf\xc3\xa9\nquorum caf\xe9\n"
    )
    assert [witness.vkey for witness in policy.witnesses] == KEYS[:2]
    policy.quorum.check([policy.witnesses[0].name])
    with pytest.raises(PolicyError):
        policy.quorum.check([policy.witnesses[1].name])
    spaced = "a\u00a0b\u2003c\u2028d".encode()
    policy = Policy.decode(b"witness " + spaced + b" " + one + b"\nquorum " + spaced + b"\n")
    assert policy.quorum.name == spaced.decode()
    for line in (b"log \xff", b"witness a \xff", b"group g \xff caf\xe9", b"\xff", b"quorum \xff"):
        with pytest.raises(EncodingError):
            Policy.decode(latin + line + b"\nquorum none\n")


WORDS = [b"log", b"witness", b"group", b"quorum", b"none", b"a", b"b", b"all", b"any", b"1", b"2", b"#", b"\xff"]
KEYED = [*WORDS, KEYS[0].encode().encode(), LOG.vkey.encode().encode()]


@given(st.lists(st.lists(st.sampled_from(KEYED), max_size=5).map(b" ".join)).map(b"\n".join) | st.binary())
def test_any_policy(data: bytes) -> None:
    """Any file is refused with the library's own error, or has a quorum that can be asked."""
    try:
        policy = Policy.decode(data)
    except EncodingError:
        return
    try:
        policy.quorum.check([])
    except PolicyError:
        return
    assert policy.quorum.name == "none"


def test_control_characters_stand_nowhere() -> None:
    """But the newline and the tab that separate lines and words: not even in a comment."""
    for byte in range(256):
        data = b"#" + bytes([byte]) + b"\nquorum none\n"
        if byte in b"\t\n" or (byte >= 0x20 and byte != 0x7F):
            assert Policy.decode(data).quorum.name == "none"
        else:
            with pytest.raises(EncodingError, match="control characters"):
                Policy.decode(data)


def test_the_longest_policy() -> None:
    """A megabyte is read, one byte more is not."""
    longest = b"quorum none\n".rjust(1_000_000, b"\n")
    assert Policy.decode(longest).quorum.name == "none"
    with pytest.raises(EncodingError, match="too long"):
        Policy.decode(b"\n" + longest)


def _numbered(number: int, kind: int) -> str:
    return VerifierKey("a", kind, number.to_bytes(32, "big")).encode()


@pytest.mark.parametrize("keyword", ["log", "witness", "group"])
def test_the_most_members(keyword: str) -> None:
    """256 logs, as many witnesses and as many groups, and none more."""
    logs = [f"log {_numbered(number, 0x01)}" for number in range(257)]
    witnesses = [f"witness w{number} {_numbered(1_000 + number, 0x04)}" for number in range(257)]
    groups = [f"group g{number} any {f'g{number - 1}' if number else 'w0'}" for number in range(257)]
    most = ["quorum none", *logs[:256], *witnesses[:256], *groups[:256]]
    policy = Policy.decode("\n".join(most).encode())
    assert (len(policy.logs), len(policy.witnesses), len(policy.quorum.groups)) == (256, 256, 256)
    more = {"log": logs, "witness": witnesses, "group": groups}[keyword][256]
    with pytest.raises(EncodingError, match=f"a {keyword} line reads") as caught:
        Policy.decode("\n".join([*most, more]).encode())
    assert caught.value.offset == 770


def test_witnesses_of_a_list_are_numbered() -> None:
    """The policy made of keys is the one that a file with these names would be."""
    lines = [f"log {LOG.vkey.encode()}", *(f"witness w{number} {key.encode()}" for number, key in enumerate(KEYS, 1))]
    expected = Policy.decode("\n".join([*lines, "group q 2 w1 w2 w3", "quorum q"]).encode())
    assert Policy.of([LOG.vkey], KEYS, 2) == expected


def test_urls_are_kept() -> None:
    """A log and a witness may say where they are; nothing may follow."""
    log, witness = LOG.vkey.encode(), KEYS[0].encode()
    policy = Policy.decode(f"log {log} https://a/\nwitness w {witness} https://b/\nquorum w\n".encode())
    assert [policy.logs[0].url, policy.witnesses[0].url] == ["https://a/", "https://b/"]
    policy = Policy.decode(f"log {log}\nwitness w {witness}\nquorum w\n".encode())
    assert [policy.logs[0].url, policy.witnesses[0].url] == [None, None]
    for line in ("log", f"log {log} u more", "witness w", f"witness w {witness} u more", "group g any", "quorum"):
        with pytest.raises(EncodingError, match=" reads: "):
            Policy.decode(line.encode())
