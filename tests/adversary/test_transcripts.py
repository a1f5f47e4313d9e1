"""What a challenge is made of: ambiguous encodings, borrowed proofs, short or biased challenges, empty proofs.

Sections FS and EN of the catalogue, as far as they are about hashes and about the doors that bytes come in by.
"""

from __future__ import annotations

import ast
import hashlib
from itertools import combinations
from typing import TYPE_CHECKING
from unittest import mock

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from secballot import transcript
from secballot.audit.report import Status, Verdict
from secballot.audit.verifier import audit
from secballot.errors import EncodingError, InvalidProofError, InvalidSignatureError
from secballot.group import ORDER, Elements, Scalars, multiply_base, reduce_wide, vartime_multiscalar_mul
from secballot.proofs.equality import prove_equality, verify_equality
from secballot.proofs.knowledge import prove_knowledge, verify_knowledge
from secballot.records.entry import CODECS, UNSIGNED, signing_message
from secballot.signing import SigningKey, verify
from secballot.transcript import challenge, digest
from tests.audit.sources import ListSource
from tests.packaging.source_tree import library_sources
from tests.record_stage import Stage, fault, golden_bodies
from tests.simulator import golden

if TYPE_CHECKING:
    from collections.abc import Callable

ZERO = bytes(32)


def preimage(label: str, *fields: transcript.Field) -> bytes:
    """Return what is hashed for these fields."""
    seen: list[bytes] = []

    def spy(data: bytes) -> object:
        seen.append(data)
        return hashlib.sha512(data)

    with mock.patch.object(transcript, "hashlib", mock.Mock(sha512=spy)):
        digest(label, *fields)
    (data,) = seen
    return data


texts = st.one_of(st.binary(max_size=12), st.sampled_from([b"", b"0", b"null", b"[]", b"[1,2]", b"12", b"a|b", b"$"]))


@given(st.tuples(texts, texts), st.tuples(texts, texts))
def test_different_fields_are_hashed_from_different_bytes(one: tuple[bytes, bytes], other: tuple[bytes, bytes]) -> None:
    """FS-05: wherever the border between two fields lies, and whatever separators they hold."""
    assume(one != other)
    assert preimage("tally", ZERO, ZERO, *one) != preimage("tally", ZERO, ZERO, *other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((b"ab", b"c"), (b"a", b"bc")),
        ((b"", b"x"), (b"x", b"")),
        ((b"", b"\0"), (b"\0", b"")),
        ((b"null", b""), (b"", b"null")),
        ((b"[1,2]", b""), (b"[12]", b"")),
        ((b"0", b""), (b"", b"0")),
        ((bytes(8), b""), (b"", bytes(8))),
    ],
)
def test_no_two_lists_run_together(one: tuple[bytes, bytes], other: tuple[bytes, bytes]) -> None:
    """FS-05: the collisions that other systems had."""
    assert digest("tally", ZERO, ZERO, *one) != digest("tally", ZERO, ZERO, *other)


@pytest.mark.parametrize("label", sorted(transcript._LABELS))
def test_a_field_is_neither_forgotten_nor_added(label: str) -> None:
    """FS-03, FS-05, FS-18: each label has its number of fields; another one is a bug, never another challenge."""
    sizes = transcript._LABELS[label]
    fields: list[bytes] = [bytes(max(size, 0)) for size in sizes]
    digest(label, *fields)
    for wrong in (fields[:-1], [*fields, b""], []):
        with pytest.raises(ValueError, match="fields"):
            challenge(label, *wrong)
    for at, size in enumerate(sizes):
        if size > 0:
            with pytest.raises(ValueError, match="bytes where"):
                challenge(label, *fields[:at], fields[at][:-1], *fields[at + 1 :])


def test_labels_are_prefixes_of_nothing() -> None:
    """FS-06: with its length before it no label runs into a field, so none is hashed as another."""
    begun = [preimage(label, *(bytes(max(size, 0)) for size in sizes)) for label, sizes in transcript._LABELS.items()]
    for one, other in combinations(begun, 2):
        assert not one.startswith(other)
        assert not other.startswith(one)


def test_a_challenge_is_512_bits_reduced() -> None:
    """FS-18: nothing is cut off, and the bias of the reduction is below 2^−256; one answer is known."""
    data = b"secballot/v1" + (5).to_bytes(8, "big") + b"tally"
    for field in (ZERO, ZERO, b"", b""):
        data += len(field).to_bytes(8, "big") + field
    expected = int.from_bytes(hashlib.sha512(data).digest(), "little") % ORDER
    assert challenge("tally", ZERO, ZERO, b"", b"") == expected
    assert expected.bit_length() > 128
    assert reduce_wide(b"\xff" * 64) == (2**512 - 1) % ORDER


def test_challenges_fill_their_range() -> None:
    """FS-18: of 4,000 challenges as many as should are in each sixteenth of 0..ℓ−1."""
    drawn = [challenge("tally", ZERO, ZERO, number.to_bytes(2, "big"), b"") for number in range(4_000)]
    parts = [sum(16 * value // ORDER == part for value in drawn) for part in range(16)]
    assert min(parts) > 170
    assert max(parts) < 330


def test_responses_are_reduced() -> None:
    """FS-13: a response that is not reduced leaks the secret; a thousand are, and no longer one can be written."""
    secret = Scalars.from_ints([ORDER - 1])
    X = multiply_base(secret)
    for number in range(1_000):
        nonce = Scalars.from_ints([ORDER - 1 - number])
        proof = prove_knowledge("ceremony-secret", pok_context(1, X), secret, X, nonce)
        assert all(int.from_bytes(proof[at : at + 32], "little") < ORDER for at in (0, 32))
    for value in (ORDER, 2**255, 2**256 - 1):
        with pytest.raises((EncodingError, ValueError, OverflowError)):
            Scalars.from_ints([value])


def pok_context(index: int, X: Elements, session: int = 1) -> tuple[transcript.Field, ...]:
    """Return the context of a trustee's proof of knowledge."""
    return (ZERO, session, 3, 2, index, ZERO, X.encode(), X.encode())


def test_a_proof_of_one_relation_is_none_of_another() -> None:
    """FS-06: knowledge for equality and back, one label for the other, although statement and sizes agree."""
    x, k = Scalars.from_ints([11]), Scalars.from_ints([12])
    X = multiply_base(x)
    known = prove_knowledge("ceremony-secret", pok_context(1, X), x, X, k)
    equal_context = (ZERO, 1, 1, 2, X.encode(), X.encode(), X.encode())
    equal = prove_equality("complaint", equal_context, x, multiply_base(Scalars.from_ints([1])), k)
    verify_knowledge("ceremony-secret", pok_context(1, X), X, known)
    base = multiply_base(Scalars.from_ints([1]))
    verify_equality("complaint", equal_context, base, X, X, equal)
    attempts: list[Callable[[], None]] = [
        lambda: verify_knowledge("ceremony-secret", pok_context(1, X), X, equal),
        lambda: verify_knowledge("ceremony-encryption", pok_context(1, X), X, known),
        lambda: verify_equality("complaint", equal_context, base, X, X, known),
    ]
    for attempt in attempts:
        with pytest.raises(InvalidProofError):
            attempt()


def test_a_ceremony_proof_is_no_decryption() -> None:
    """FS-06: the proof of trustee 1's constant term, posted in the place of a proof about its factor."""
    stage = Stage.before("decryption")
    reveal = next(body for _, body in golden_bodies("ceremony-reveal"))
    signer, decryption = next(iter(golden_bodies("decryption")))
    borrowed = reveal.proof_secret  # type: ignore[attr-defined]
    proofs = borrowed + decryption.proofs[64:]  # type: ignore[attr-defined]
    index = stage.manifest.trustees.keys.index(signer)
    body = msgspec.structs.replace(decryption, proofs=proofs)
    assert stage.post(stage.keys.trustees[index], "decryption", body) == fault("TAL-04", f"trustee {index + 1}")


def test_a_signature_of_one_kind_is_none_of_another() -> None:
    """FS-06, FS-07: the same bytes signed as one kind, or for one sitting, do not verify as another's."""
    key, body = SigningKey.from_seed(b"k" * 32), b'{"ctx":""}'
    kinds = sorted(set(CODECS) - UNSIGNED)
    signed = {kind: key.sign(signing_message(kind, ZERO, body)) for kind in kinds}
    for kind, other in combinations(kinds, 2):
        with pytest.raises(InvalidSignatureError):
            verify(key.verify_key, signing_message(other, ZERO, body), signed[kind])
    with pytest.raises(InvalidSignatureError):
        verify(key.verify_key, signing_message(kinds[0], b"\1" * 32, body), signed[kinds[0]])


@pytest.mark.parametrize("entries", [[], [b""], [b"{}"]])
def test_nothing_is_no_record(entries: list[bytes]) -> None:
    """FS-19: an empty log, or one of nothing, could not be checked; nothing passed but reading it."""
    report = audit(ListSource(entries, []), anchor=golden().anchor)
    assert report.verdict is Verdict.UNCHECKED
    assert {check.id for check in report.checks if check.status is Status.PASSED} <= {"ENT-01"}


def test_only_one_function_turns_bytes_into_elements() -> None:
    """EN-04: every element comes through `decode`, whose type is all that arithmetic takes; there is no other door.

    Beside it only hashing to the group makes an element of bytes, and nothing of the library but the group module
    calls that.
    """
    makers = {name for name in dir(Elements) if not name.startswith("_")}
    assert makers == {
        "concat",
        "decode",
        "encode",
        "encode_doubles",
        "identity",
        "is_identity",
        "multiply_short",
        "sum",
        "take",
    }
    callers = {
        source.module
        for source in library_sources()
        for node in ast.walk(source.tree)
        if getattr(node, "id", getattr(node, "attr", "")) == "hash_to_element"
    }
    assert callers <= {"secballot.group", "secballot._sodium"}
    one = Scalars.from_ints([1])
    for bad in (b"\1" * 32, b"\1", ZERO, bytearray(32), 7, None, [ZERO]):
        for attempt in (
            lambda bad=bad: multiply_base(one) + bad,
            lambda bad=bad: multiply_base(one) - bad,
            lambda bad=bad: multiply_base(one) * bad,
            lambda bad=bad: multiply_base(bad),
            lambda bad=bad: vartime_multiscalar_mul([1], bad),
            lambda bad=bad: Elements.concat([bad]),
        ):
            with pytest.raises((TypeError, ValueError)):
                attempt()
    for bad_bytes in (ZERO, b"\1" * 32, b"\xff" * 32, bytes(31)):
        with pytest.raises(EncodingError):
            Elements.decode(bad_bytes)
    assert Elements.decode(ZERO, allow_identity=True).is_identity() == [True]
