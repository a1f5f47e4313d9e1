"""Registrars that tag, delegates that want more than one credential, and signatures of other schemes.

Source: SPEC.md#registration; RFC 9474 §7.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, HashAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_private_key

from secballot.blind import BlindSecretKey, blind, finalize, prepare, verify
from secballot.errors import (
    EncodingError,
    InvalidSignatureError,
    Party,
    ProtocolError,
    VerificationError,
)
from secballot.protocol.registration import (
    check_answer,
    check_request,
    credential_message,
    issue,
    key_id,
)
from secballot.records.credential import CredentialRequest
from tests.registrar_keys import test_key, test_primes
from tests.registration_run import (
    CLASS,
    POLLS,
    REGISTRARS,
    REGISTRATION,
    SITTING,
    answered,
    credential,
    public_keys,
    requested,
    secret_key,
)

if TYPE_CHECKING:
    from collections.abc import Callable

# Keys that tag -------------------------------------------------------------------------------------------------------


@pytest.mark.attack("CR-02")
def test_a_registrar_that_signs_with_another_key_is_caught_by_everybody() -> None:
    """A tag for one delegate is a key of its own, and its answer is no root under the posted one."""
    tagging = [test_key(20), test_key(21)]
    value = [int.from_bytes(item[:384], "big") for item in requested().blinded]
    answer = b"".join(
        key.power(b % key.public_key.n, lambda size: b"\3" * size).to_bytes(384, "big")
        for key, b in zip(tagging, value, strict=True)
    )

    with pytest.raises(VerificationError) as raised:
        check_answer(answer, requested(), [secret_key(1, poll).public_key for poll in POLLS], 1)
    assert (raised.value.check, raised.value.culprit) == ("REG-07", Party("registrar", 1))


@pytest.mark.attack("CR-14")
def test_one_key_in_two_places_gives_two_key_ids() -> None:
    """Sitting, registration, registrar, poll and class are in the name of a key, and the name in the message."""
    key = test_key(0).public_key
    places = [
        (SITTING, 1, 1, 1, 1),
        (bytes(32), 1, 1, 1, 1),
        (SITTING, 2, 1, 1, 1),
        (SITTING, 1, 2, 1, 1),
        (SITTING, 1, 1, 2, 1),
        (SITTING, 1, 1, 1, 2),
    ]
    names = {key_id(*place, key) for place in places} | {key_id(*places[0], test_key(1).public_key)}

    assert len(names) == len(places) + 1


# More credentials than requests --------------------------------------------------------------------------------------


def signature_of(registrar: int, poll: int = 3) -> bytes:
    """Return a registrar's signature in the sample credential."""
    return credential(poll).signatures[384 * (registrar - 1) : 384 * registrar]


def prepared_for(registrar: int, *, poll: int = 3, class_index: int = CLASS, S: bytes | None = None) -> bytes:
    """Return what a registrar's signature in the sample credential is to stand for."""
    name = key_id(SITTING, REGISTRATION, registrar, poll, class_index, secret_key(registrar, poll).public_key)
    message = credential_message(SITTING, poll, registrar, name, class_index, S or credential(poll).S)
    return prepare(credential(poll).randomizers[32 * (registrar - 1) : 32 * registrar], message)


@pytest.mark.attack("CR-06")
def test_signatures_stand_for_their_registrar_poll_class_and_credential_only() -> None:
    """One registrar's signature in another's slot, for another poll, class or credential key: none verifies."""
    key = secret_key(1, 3).public_key
    verify(key, prepared_for(1), signature_of(1))

    wrong = [
        (key, prepared_for(1), signature_of(2)),
        (secret_key(2, 3).public_key, prepared_for(2), signature_of(1)),
        (key, prepared_for(2), signature_of(1)),
        (secret_key(1, 4).public_key, prepared_for(1, poll=4), signature_of(1)),
        (key, prepared_for(1, class_index=1), signature_of(1)),
        (key, prepared_for(1, S=credential(4).S), signature_of(1)),
    ]
    for public_key, message, signature in wrong:
        with pytest.raises(InvalidSignatureError):
            verify(public_key, message, signature)


@pytest.mark.attack("CR-06")
def test_a_credential_for_a_class_must_be_signed_by_the_keys_of_that_class() -> None:
    """A delegate has class 2's blind signature made on a message that says class 1: good under neither."""
    mine, other = test_key(10), test_key(11)
    name = key_id(SITTING, REGISTRATION, 1, 3, 1, other.public_key)
    message = prepare(bytes(32), credential_message(SITTING, 3, 1, name, 1, credential().S))
    blinded, inverse = blind(mine.public_key, message, salt=bytes(48), r=12345)
    signature = finalize(
        mine.public_key, message, issue(CredentialRequest((blinded,), 3, 1), [mine], registrar=1), inverse
    )

    with pytest.raises(InvalidSignatureError):
        verify(other.public_key, message, signature)
    real_name = key_id(SITTING, REGISTRATION, 1, 3, CLASS, mine.public_key)
    for class_index, named in ((CLASS, real_name), (1, real_name), (CLASS, name)):
        ours = prepare(bytes(32), credential_message(SITTING, 3, 1, named, class_index, credential().S))
        with pytest.raises(InvalidSignatureError):
            verify(mine.public_key, ours, signature)


def collected(asked: list[set[str]]) -> Callable[[int], set[str]]:
    """Return which credentials hold k signatures, if registrar i has signed the ones in asked[i]."""

    def complete(needed: int) -> set[str]:
        return {name for name in ("S", "T") if sum(name in signed for signed in asked) >= needed}

    return complete


@pytest.mark.attack("CR-04")
def test_splitting_the_registrars_would_give_two_credentials_if_fewer_than_all_sufficed() -> None:
    """The attack is real: 2 of 4, or 2 of 3 with f = 1 corrupt, give ⌊(n − f)/(k − f)⌋ = 2 credentials; n of n one."""
    assert collected([{"S"}, {"S"}, {"T"}, {"T"}])(2) == {"S", "T"}
    assert collected([{"S", "T"}, {"S"}, {"T"}])(2) == {"S", "T"}
    for honest in product("ST", repeat=2):
        assert len(collected([{"S", "T"}, *({one} for one in honest)])(3)) <= 1


@pytest.mark.attack("CR-04")
def test_a_delegate_that_splits_its_request_gets_nothing() -> None:
    """S to registrar 1, another S to registrar 2: each lacks a signature that nothing at hand stands in for."""
    salt, randomizer = bytes(48), bytes(32)
    secrets = [secret_key(registrar, 3) for registrar in REGISTRARS]
    candidates = [b"\1" * 32, b"\2" * 32]
    prepared = [
        [
            prepare(
                randomizer,
                credential_message(
                    SITTING, 3, i, key_id(SITTING, REGISTRATION, i, 3, CLASS, secrets[i - 1].public_key), CLASS, S
                ),
            )
            for i in REGISTRARS
        ]
        for S in candidates
    ]
    blinded = [blind(secrets[i].public_key, prepared[i][i], salt=salt, r=1000 + i) for i in range(2)]
    split = CredentialRequest((b"".join(b for b, _ in blinded),), 3, REGISTRATION)
    check_request(split, keys=[public_keys(3)], polls=1)
    signatures = [
        finalize(secrets[i].public_key, prepared[i][i], issue(split, [secrets[i]], registrar=i + 1), blinded[i][1])
        for i in range(2)
    ]

    for i in range(2):
        verify(secrets[i].public_key, prepared[i][i], signatures[i])
        for signature in signatures:
            with pytest.raises(InvalidSignatureError):
                verify(secrets[i].public_key, prepared[1 - i][i], signature)


@pytest.mark.attack("CR-09")
def test_an_answer_asked_for_twice_is_one_answer() -> None:
    """The same request gives the same bytes; so a repeated or raced request gains nothing."""
    again = issue(requested(), [secret_key(1, poll) for poll in POLLS], registrar=1)

    assert again == answered(1)


@pytest.mark.attack("CR-07")
@pytest.mark.parametrize(("randomizer", "message"), [(31, 65), (33, 63), (0, 96), (96, 0), (32, 63)])
def test_what_is_signed_splits_in_one_way_only(randomizer: int, message: int) -> None:
    """A shifted boundary would make a second credential of one signature."""
    whole = prepared_for(1) * 2
    with pytest.raises(EncodingError):
        prepare(whole[:randomizer], whole[randomizer : randomizer + message])


# Bad blinded values --------------------------------------------------------------------------------------------------


KEY = secret_key(1, 3)
N = KEY.public_key.n
BAD_VALUES = {
    "zero": bytes(384),
    "one": (1).to_bytes(384, "big"),
    "minus one": (N - 1).to_bytes(384, "big"),
    "modulus": N.to_bytes(384, "big"),
    "beyond": (N + 1).to_bytes(384, "big"),
    "largest": b"\xff" * 384,
    "a prime factor": test_primes(0)[0].to_bytes(384, "big"),
    "a multiple": (5 * test_primes(0)[1]).to_bytes(384, "big"),
}


@pytest.mark.attack("CR-10")
@pytest.mark.parametrize("name", list(BAD_VALUES))
@pytest.mark.parametrize("poll", [0, 1])
def test_a_bad_blinded_value_is_the_delegates_fault_and_never_signed(
    name: str, poll: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """REG-06 names the delegate; a registrar that is asked all the same does not touch its secret key."""
    secrets = [KEY, KEY]
    good = requested().blinded[0][:384]
    body = CredentialRequest(tuple(BAD_VALUES[name] if at == poll else good for at in range(2)), 3, 1)
    monkeypatch.setattr(BlindSecretKey, "power", None)

    with pytest.raises(VerificationError) as raised:
        check_request(body, keys=[[KEY.public_key]] * 2, polls=2)
    assert (raised.value.check, raised.value.culprit) == ("REG-06", Party("delegate"))
    with pytest.raises(VerificationError):
        issue(body, secrets, registrar=1)


@pytest.mark.attack("CR-13")
def test_a_fault_in_the_private_operation_releases_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """One wrong half of the computation would give away a factor of the modulus."""
    broken = BlindSecretKey(*test_primes(0))
    monkeypatch.setattr(broken, "_dp", broken._dp + 2)

    with pytest.raises(ProtocolError, match="nothing was released"):
        issue(CredentialRequest((requested().blinded[0][:384],), 3, 1), [broken], registrar=1)


# Signatures of other schemes -----------------------------------------------------------------------------------------


def openssl_signature(message: bytes, scheme: padding.AsymmetricPadding, algorithm: HashAlgorithm) -> bytes:
    """Return a signature that the key's owner makes by another scheme."""
    loaded = load_der_private_key(KEY.encode_private(), password=None)
    assert isinstance(loaded, rsa.RSAPrivateKey)
    return loaded.sign(message, scheme, algorithm)


SCHEMES: dict[str, tuple[padding.AsymmetricPadding, HashAlgorithm]] = {
    "no salt": (padding.PSS(padding.MGF1(SHA384()), 0), SHA384()),
    "salt of 20": (padding.PSS(padding.MGF1(SHA384()), 20), SHA384()),
    "salt of 47": (padding.PSS(padding.MGF1(SHA384()), 47), SHA384()),
    "longest salt": (padding.PSS(padding.MGF1(SHA384()), padding.PSS.MAX_LENGTH), SHA384()),
    "SHA-256": (padding.PSS(padding.MGF1(SHA256()), 48), SHA256()),
    "MGF1 with SHA-256": (padding.PSS(padding.MGF1(SHA256()), 48), SHA384()),
    "PKCS #1 v1.5": (padding.PKCS1v15(), SHA384()),
}


@pytest.mark.attack("CR-11")
@pytest.mark.parametrize("name", list(SCHEMES))
def test_a_signature_by_any_other_scheme_is_refused(name: str) -> None:
    """A looser verifier would let a registrar mark a signature by its salt."""
    with pytest.raises(InvalidSignatureError):
        verify(KEY.public_key, prepared_for(1), openssl_signature(prepared_for(1), *SCHEMES[name]))


def test_the_schemes_own_signature_is_accepted() -> None:
    """The key and message above are fit for a good signature."""
    scheme = padding.PSS(padding.MGF1(SHA384()), 48)

    verify(KEY.public_key, prepared_for(1), openssl_signature(prepared_for(1), scheme, SHA384()))


@pytest.mark.attack("CR-11")
@pytest.mark.parametrize(
    "change",
    [lambda s: s[:-1], lambda s: b"\0" + s, lambda s: s[1:], lambda s: s + b"\0", lambda s: s[:0], lambda s: s[::-1]],
    ids=["short", "leading zero", "leading byte off", "long", "empty", "little-endian"],
)
def test_a_signature_in_another_spelling_is_refused(change: Callable[[bytes], bytes]) -> None:
    """Exactly 384 bytes, big-endian."""
    with pytest.raises(InvalidSignatureError):
        verify(KEY.public_key, prepared_for(1), change(signature_of(1)))


@pytest.mark.attack("CR-11")
def test_a_signature_beyond_the_modulus_is_refused() -> None:
    """Zero, N, and s + N where that still fits 384 bytes."""
    s = int.from_bytes(signature_of(1), "big")
    values = [0, N, *([s + N] if s + N < 2**3072 else []), 2**3072 - 1]

    for value in values:
        with pytest.raises(InvalidSignatureError):
            verify(KEY.public_key, prepared_for(1), value.to_bytes(384, "big"))


@pytest.mark.attack("CR-12")
def test_a_tampered_answer_becomes_no_credential_and_costs_none() -> None:
    """The delegate's tool refuses it, and with the right answer the same request still gives the credential."""
    message = bytes(96)
    blinded, inverse = blind(KEY.public_key, message, salt=bytes(48), r=777)
    answer = issue(CredentialRequest((blinded,), 3, 1), [KEY], registrar=1)

    with pytest.raises(InvalidSignatureError):
        finalize(KEY.public_key, message, answer[:-1] + bytes([answer[-1] ^ 1]), inverse)
    verify(KEY.public_key, message, finalize(KEY.public_key, message, answer, inverse))
