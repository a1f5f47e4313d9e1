"""Registrar keys, requests and answers of honest parties, and the bytes of SPEC.md computed by other means."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA384

from secballot.blind import BlindPublicKey, blind
from secballot.errors import EncodingError, Party, ProtocolError, VerificationError
from secballot.protocol import registration
from secballot.protocol.registration import (
    certificate_elements,
    check_answer,
    check_request,
    credential_message,
    issue,
    key_id,
    make_registrar_key,
    polls_of_request,
    polls_per_request,
    verify_registrar_key,
)
from secballot.records.credential import CREDENTIAL_REQUEST, REGISTRAR_KEY, CredentialRequest, RegistrarKey
from tests.registrar_keys import KEYS, test_key, test_primes
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
from tests.spec_hash import spec_hash

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="module")
def posted() -> RegistrarKey:
    """Return registrar 2's posted key for registration 1, poll 3, class 2."""
    return make_registrar_key(SITTING, 2, REGISTRATION, 3, CLASS, secret_key(2, 3))


def all_keys() -> list[list[BlindPublicKey]]:
    """Return for each poll all registrars' keys."""
    return [public_keys(poll) for poll in POLLS]


def keys_of(registrar: int) -> list[BlindPublicKey]:
    """Return for each poll one registrar's key."""
    return [secret_key(registrar, poll).public_key for poll in POLLS]


def test_published_keys_are_all_different() -> None:
    """No two test keys share a prime, and all are of the suite."""
    primes = [prime for i in range(KEYS) for prime in test_primes(i)]

    assert len(set(primes)) == 2 * KEYS
    assert {test_key(i).public_key.n.bit_length() for i in range(KEYS)} == {3072}


def test_a_posted_key_verifies_and_survives_its_encoding(posted: RegistrarKey) -> None:
    """The key that comes out is the registrar's."""
    assert REGISTRAR_KEY.decode(REGISTRAR_KEY.encode(posted)) == posted
    assert verify_registrar_key(SITTING, 2, posted) == secret_key(2, 3).public_key


def test_a_key_is_posted_in_the_same_bytes_again(posted: RegistrarKey) -> None:
    """Base blinding is random, the roots are not."""
    again = make_registrar_key(SITTING, 2, REGISTRATION, 3, CLASS, secret_key(2, 3), rng=lambda size: b"\7" * size)

    assert again == posted


def test_certificate_elements_are_those_of_the_specification(posted: RegistrarKey) -> None:
    """512 hashed bytes, big-endian, mod N, and the posted roots are their roots."""
    n = int.from_bytes(posted.modulus, "big")
    expected = []
    for i in range(1, 9):
        fields = (SITTING, REGISTRATION, 2, 3, CLASS, posted.modulus, 65537, i)
        wide = b"".join(spec_hash("certificate-element", *fields, block) for block in range(1, 9))
        expected.append(int.from_bytes(wide, "big") % n)

    assert certificate_elements(SITTING, REGISTRATION, 2, 3, CLASS, posted.modulus) == expected
    roots = [int.from_bytes(posted.roots[at : at + 384], "big") for at in range(0, 3072, 384)]
    assert [pow(root, 65537, n) for root in roots] == expected


def test_key_id_and_message_are_those_of_the_specification(posted: RegistrarKey) -> None:
    """Both hashes field by field."""
    S = hashlib.sha256(b"S").digest()
    name = key_id(SITTING, REGISTRATION, 2, 3, CLASS, secret_key(2, 3).public_key)

    assert name == spec_hash("key-id", SITTING, REGISTRATION, 2, 3, CLASS, posted.modulus)
    assert credential_message(SITTING, 3, 2, name, CLASS, S) == spec_hash("credential", SITTING, 3, 2, name, CLASS, S)


def test_a_verified_key_is_not_verified_again(posted: RegistrarKey, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second replay costs nothing."""
    verify_registrar_key(SITTING, 2, posted)
    monkeypatch.setattr(registration, "check_public_key", None)

    assert verify_registrar_key(SITTING, 2, posted) == secret_key(2, 3).public_key


@pytest.mark.parametrize(
    "move",
    [
        lambda body: (SITTING, 1, body),
        lambda body: (hashlib.sha256(b"another").digest(), 2, body),
        lambda body: (SITTING, 2, msgspec.structs.replace(body, poll=4)),
        lambda body: (SITTING, 2, msgspec.structs.replace(body, class_index=1)),
        lambda body: (SITTING, 2, msgspec.structs.replace(body, registration=2)),
        lambda body: (SITTING, 2, msgspec.structs.replace(body, roots=body.roots[384:] + body.roots[:384])),
    ],
    ids=["registrar", "sitting", "poll", "class", "registration", "order of roots"],
)
def test_what_is_remembered_of_a_key_is_good_in_no_other_place(
    posted: RegistrarKey, move: Callable[[RegistrarKey], tuple[bytes, int, RegistrarKey]]
) -> None:
    """A certificate names its place, and so does the memory of it."""
    verify_registrar_key(SITTING, 2, posted)
    sitting_id, registrar, body = move(posted)

    with pytest.raises(VerificationError) as raised:
        verify_registrar_key(sitting_id, registrar, body)
    assert (raised.value.check, raised.value.culprit) == ("REG-03", Party("registrar", registrar))


def test_a_request_is_answered_and_becomes_a_credential() -> None:
    """Request, answers and credential pass every check, and each signature any library's."""
    check_request(requested(), keys=all_keys(), polls=len(POLLS))
    for registrar in REGISTRARS:
        check_answer(answered(registrar), requested(), keys_of(registrar), registrar)

    for poll in POLLS:
        parts = credential(poll)
        for registrar in REGISTRARS:
            key = secret_key(registrar, poll).public_key
            name = key_id(SITTING, REGISTRATION, registrar, poll, CLASS, key)
            randomizer = parts.randomizers[32 * (registrar - 1) : 32 * registrar]
            message = randomizer + credential_message(SITTING, poll, registrar, name, CLASS, parts.S)
            signature = parts.signatures[384 * (registrar - 1) : 384 * registrar]
            rsa.RSAPublicNumbers(65537, key.n).public_key().verify(
                signature, message, padding.PSS(padding.MGF1(SHA384()), 48), SHA384()
            )


def test_credentials_for_two_polls_have_nothing_in_common() -> None:
    """Neither key nor randomizers nor signatures link them."""
    first, second = credential(3), credential(4)

    assert first.S != second.S
    assert first.randomizers != second.randomizers
    assert first.signatures != second.signatures


@pytest.mark.parametrize(("registrars", "most"), [(1, 124), (2, 62), (3, 41), (7, 17), (15, 8)])
def test_a_request_covers_as_many_polls_as_an_entry_holds(registrars: int, most: int) -> None:
    """M = ⌊64,000 / (512·R + 3)⌋, and an entry of M polls is within the limit."""
    body = CredentialRequest((b"\xff" * 384 * registrars,) * most, 1_000_000, 1_000_000)

    assert polls_per_request(registrars) == most
    assert polls_of_request(200, registrars) == most
    assert polls_of_request(5, registrars) == 5
    assert len(CREDENTIAL_REQUEST.encode(body)) + 300 < 65_535


def cut(blinded: tuple[bytes, ...]) -> CredentialRequest:
    """Return the sample request with other blinded messages."""
    return msgspec.structs.replace(requested(), blinded=blinded)


@pytest.mark.parametrize(
    "blinded",
    [
        requested().blinded[:1],
        (*requested().blinded, requested().blinded[0]),
        (requested().blinded[0], requested().blinded[1][:384]),
        (requested().blinded[0], requested().blinded[1] + requested().blinded[0][:384]),
        (requested().blinded[0][:-1], requested().blinded[1]),
        (b"", requested().blinded[1]),
        (requested().blinded[0] + requested().blinded[1], b""),
    ],
    ids=["a poll too few", "a poll too many", "a registrar too few", "a registrar too many", "short", "empty", "moved"],
)
def test_a_request_covers_every_poll_and_registrar_or_is_refused(blinded: tuple[bytes, ...]) -> None:
    """REG-06 names the delegate."""
    with pytest.raises(EncodingError) as raised:
        check_request(cut(blinded), keys=all_keys(), polls=2)
    assert (raised.value.check, raised.value.culprit) == ("REG-06", Party("delegate"))


def test_a_request_ends_at_the_limit_of_an_entry() -> None:
    """With more polls left than M, exactly M are asked for, and no more are looked at."""
    most = polls_per_request(2)
    full = cut((requested().blinded[0],) * most)

    check_request(full, keys=[public_keys(POLLS[0])] * (most + 1), polls=most + 1)
    with pytest.raises(EncodingError):
        check_request(cut(full.blinded[1:]), keys=[public_keys(POLLS[0])] * most, polls=most + 1)
    with pytest.raises(EncodingError):
        check_request(cut((*full.blinded, full.blinded[0])), keys=[public_keys(POLLS[0])] * most, polls=most + 1)


@pytest.mark.parametrize("keys", [[], [[]], [public_keys(3)], [public_keys(3), public_keys(4)[:1]]])
def test_a_request_is_not_judged_without_all_keys(keys: list[list[BlindPublicKey]]) -> None:
    """A missing key is the caller's mistake, and never lets a request pass."""
    with pytest.raises(ProtocolError):
        check_request(requested(), keys=keys, polls=2)


def test_an_answer_is_the_same_bytes_again() -> None:
    """A registrar that answers twice says nothing new, whatever the randomness of base blinding."""
    secrets = [secret_key(1, poll) for poll in POLLS]

    assert issue(requested(), secrets, registrar=1, rng=lambda size: b"\5" * size) == answered(1)


N = secret_key(1, 3).public_key.n
SIGMA = int.from_bytes(answered(1)[:384], "big")


def with_first(sigma: int) -> bytes:
    """Return registrar 1's answer with another first signature."""
    return sigma.to_bytes(384, "big") + answered(1)[384:]


@pytest.mark.parametrize(
    "signatures",
    [
        answered(1)[:-1],
        answered(1) + b"\0",
        answered(1)[:384],
        b"",
        answered(1)[384:] + answered(1)[:384],
        answered(2),
        with_first(N - SIGMA),
        with_first(SIGMA ^ 1),
        with_first(0),
        with_first(N),
        with_first(1),
    ],
    ids=["short", "long", "one poll", "none", "polls swapped", "another's", "negated", "a bit", "zero", "N", "one"],
)
def test_a_wrong_answer_is_the_registrars_fault(signatures: bytes) -> None:
    """REG-07 names the registrar, and everyone can see it."""
    with pytest.raises((EncodingError, VerificationError)) as raised:
        check_answer(signatures, requested(), keys_of(1), 1)
    assert (raised.value.check, raised.value.culprit) == ("REG-07", Party("registrar", 1))


def test_an_answer_out_of_range_is_refused_though_its_power_fits() -> None:
    """σ + N is a root too, and would give one answer two spellings; where it fits 384 bytes it is refused."""
    secret = next(test_key(i) for i in range(KEYS) if test_key(i).public_key.n < 2**3071 + 2**3070)
    n = secret.public_key.n
    small = next(x for x in range(2, 100) if n + x < 2**3072)
    request = CredentialRequest((pow(small, 65537, n).to_bytes(384, "big"),), 1, 1)

    check_answer(small.to_bytes(384, "big"), request, [secret.public_key], 1)
    with pytest.raises(VerificationError):
        check_answer((small + n).to_bytes(384, "big"), request, [secret.public_key], 1)


def test_steps_for_no_registrar_or_without_keys_are_refused() -> None:
    """Registrar 0 and 3 have no part of the request; a key per poll is needed."""
    secrets = [secret_key(1, poll) for poll in POLLS]

    for registrar in (0, 3, -1):
        with pytest.raises(EncodingError):
            issue(requested(), secrets, registrar=registrar)
        with pytest.raises(EncodingError):
            check_answer(answered(1), requested(), keys_of(1), registrar)
    with pytest.raises(ProtocolError):
        issue(requested(), secrets[:1], registrar=1)
    with pytest.raises(ProtocolError):
        check_answer(answered(1), requested(), keys_of(1)[:1], 1)


def test_a_blinded_message_hides_the_message_behind_any_factor() -> None:
    """For every message there is a factor that gives the same blinded bytes: nothing about it can be told."""
    secret = secret_key(1, 3)
    n = secret.public_key.n
    prepared = [bytes([i]) * 96 for i in range(2)]
    blinded, _ = blind(secret.public_key, prepared[0], salt=bytes(48), r=2**100)
    other, _ = blind(secret.public_key, prepared[1], salt=bytes(48), r=2)
    quotient = int.from_bytes(blinded, "big") * pow(int.from_bytes(other, "big"), -1, n) % n
    factor = secret.power(quotient, lambda size: b"\3" * size) * 2 % n

    assert blind(secret.public_key, prepared[1], salt=bytes(48), r=factor)[0] == blinded
