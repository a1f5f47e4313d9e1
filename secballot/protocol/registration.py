"""Credentials from blind signatures: certified registrar keys, requests, and answers.

Registrars sign what they cannot see, so a key means one poll and one class, and everything else is in the message::

    key_id   H("key-id", sitting_id, registration, registrar, poll, class, modulus)
    message  H("credential", sitting_id, poll, registrar, key_id, class, S)
    request  per poll and registrar the blinded message, 384 bytes
    answer   per poll the blind signature, 384 bytes; everyone checks σ^65537 = b

Whether request and answer are in place (whose key, which poll comes next, answered already) is the record's business.
The delegate's side of it is in `phrase`.

Source: SPEC.md#registration; RFC 9474.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from secballot.blind import (
    ANSWER_DIGEST_BYTES,
    CERTIFICATE_ROOTS,
    EXPONENT,
    MODULUS_BYTES,
    BlindPublicKey,
    answer_digest,
    blind_sign,
    certificate_element,
    certify,
    check_blinded,
    check_public_key,
    check_root,
)
from secballot.errors import EncodingError, InvalidProofError, Party, ProtocolError, VerificationError, blaming
from secballot.records.credential import RegistrarKey
from secballot.transcript import Begun, digest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from secballot.blind import BlindSecretKey
    from secballot.records.credential import CredentialRequest

REQUEST_BYTES: Final = 64_000
"""Bytes of base64 that the blinded messages of one request may take; the rest of the entry fits in what is left."""

_BASE64_BYTES_PER_REGISTRAR: Final = 512
_PUNCTUATION_BYTES_PER_POLL: Final = 3
_CERTIFICATE_BLOCKS: Final = 8
_VERIFIED_KEYS: Final = 1 << 12
_DELEGATE: Final = Party("delegate")


@dataclass(frozen=True, slots=True)
class Credential:
    """The public parts of a credential: what its ballots show.

    Attributes:
        S: the credential's public key s·G, 32 bytes.
        class_index: the class that its keys stand for.
        randomizers: 32 bytes per registrar, concatenated in manifest order.
        signatures: 384 bytes per registrar, concatenated in manifest order.

    Source: SPEC.md#credentials.
    """

    S: bytes
    class_index: int
    randomizers: bytes
    signatures: bytes


def key_id(  # noqa: PLR0917  # in the order of SPEC.md#hash
    sitting_id: bytes, registration: int, registrar: int, poll: int, class_index: int, public_key: BlindPublicKey
) -> bytes:
    """Return the 64-byte name of a registrar's key.

    Source: SPEC.md#credentials.
    """
    return digest("key-id", sitting_id, registration, registrar, poll, class_index, public_key.encode())


def credential_message(  # noqa: PLR0917  # in the order of SPEC.md#hash
    sitting_id: bytes,
    poll: int,
    registrar: int,
    key_id: bytes,
    class_index: int,
    S: bytes,  # noqa: N803  # the credential's key has this name everywhere
) -> bytes:
    """Return the 64-byte message that a registrar signs for the credential S (32 bytes).

    Source: SPEC.md#credentials.
    """
    return credential_message_begun(sitting_id, poll, registrar, key_id, class_index).digest(S)


def credential_message_begun(  # in the order of SPEC.md#hash
    sitting_id: bytes, poll: int, registrar: int, key_id: bytes, class_index: int
) -> Begun:
    """Return the hash of `credential_message` as far as it is the same for all credentials; S is what is left.

    Source: SPEC.md#credentials.
    """
    return Begun("credential", sitting_id, poll, registrar, key_id, class_index)


def certificate_elements(  # noqa: PLR0917  # in the order of SPEC.md#hash
    sitting_id: bytes, registration: int, registrar: int, poll: int, class_index: int, modulus: bytes
) -> list[int]:
    """Return the eight elements ρ_1..ρ_8 modulo N whose e-th roots certify a key.

    Args:
        sitting_id: 32 bytes.
        registration: number of the registration.
        registrar: manifest index.
        poll: poll number.
        class_index: class.
        modulus: N, 384 bytes, big-endian, not zero.

    Source: SPEC.md#registrar-keys.
    """
    n = int.from_bytes(modulus, "big")
    place = (sitting_id, registration, registrar, poll, class_index, modulus, EXPONENT)
    return [
        certificate_element(
            b"".join(digest("certificate-element", *place, i, block) for block in range(1, _CERTIFICATE_BLOCKS + 1)), n
        )
        for i in range(1, CERTIFICATE_ROOTS + 1)
    ]


def make_registrar_key(  # noqa: PLR0917  # in the order of SPEC.md#hash
    sitting_id: bytes,
    registrar: int,
    registration: int,
    poll: int,
    class_index: int,
    secret: BlindSecretKey,
    *,
    rng: Callable[[int], bytes] = os.urandom,
) -> RegistrarKey:
    """Return a registrar's key with its certificate, as it is posted.

    Args:
        sitting_id: 32 bytes.
        registrar: manifest index.
        registration: number of the registration.
        poll: poll number.
        class_index: class.
        secret: a fresh key, used for nothing else.
        rng: randomness for base blinding, which the result does not depend on.

    Raises:
        ProtocolError: a fault in the private operation; nothing is released.

    Source: SPEC.md#registrar-keys.
    """
    modulus = secret.public_key.encode()
    elements = certificate_elements(sitting_id, registration, registrar, poll, class_index, modulus)
    roots = b"".join(certify(secret, elements, rng=rng))
    return RegistrarKey(class_index, modulus, poll, registration, roots)


def verify_registrar_key(sitting_id: bytes, registrar: int, body: RegistrarKey) -> BlindPublicKey:
    """Return a registrar's key, verified to be fit for blinding under it.

    Remembered under all bytes it depends on, since every party replays every key. That no two keys share a factor
    (REG-04) is a check of the record.

    Args:
        sitting_id: 32 bytes.
        registrar: manifest index of the signer.
        body: modulus, place and roots as posted.

    Raises:
        EncodingError: REG-02, REG-03, a size is wrong.
        InvalidSignatureError: REG-02, the modulus is not of exactly 3072 bits, even, prime, a perfect power, or has a
            prime factor below 2^16.
        InvalidProofError: REG-03, an element is no unit or its root is wrong.

    Source: SPEC.md#registrar-keys.
    """
    culprit = Party("registrar", registrar)
    place = (sitting_id, body.registration, registrar, body.poll, body.class_index)
    try:
        return _certified_key(*place, body.modulus, body.roots)
    except InvalidProofError as error:
        error.check, error.culprit = "REG-03", culprit
        raise
    except (EncodingError, VerificationError) as error:
        error.check, error.culprit = error.check or "REG-02", culprit
        raise


@lru_cache(maxsize=_VERIFIED_KEYS)
def _certified_key(  # noqa: PLR0917  # in the order of SPEC.md#hash
    sitting_id: bytes, registration: int, registrar: int, poll: int, class_index: int, modulus: bytes, roots: bytes
) -> BlindPublicKey:
    """Return the key of a certified modulus; what fails raises, and is not remembered."""
    public_key = BlindPublicKey.decode(modulus)
    if len(roots) != CERTIFICATE_ROOTS * MODULUS_BYTES:
        raise EncodingError("certificate has another size", field="roots", check="REG-03")
    elements = certificate_elements(sitting_id, registration, registrar, poll, class_index, modulus)
    check_public_key(public_key, split_values(roots), elements)
    return public_key


def polls_per_request(registrars: int) -> int:
    """Return M, the most polls that one request covers, so that its entry stays within the limit.

    Source: SPEC.md#requests.
    """
    return REQUEST_BYTES // (_BASE64_BYTES_PER_REGISTRAR * registrars + _PUNCTUATION_BYTES_PER_POLL)


def polls_of_request(polls: int, registrars: int) -> int:
    """Return how many polls a request covers: all that remain, up to M.

    Args:
        polls: polls from the request's first poll to the last of the sitting.
        registrars: registrars of the sitting.

    Source: SPEC.md#requests.
    """
    return min(polls, polls_per_request(registrars))


def check_request(
    body: CredentialRequest,
    *,
    keys: Sequence[Sequence[BlindPublicKey]],
    polls: int,
    known: Callable[[int, bytes], bool] | None = None,
) -> None:
    """Check that a request has one good blinded message for every poll that it must cover and every registrar.

    Args:
        body: the request.
        keys: for each poll from the request's first poll on, the registrars' keys for the class of the requesting
            key, in manifest order; at least as many polls as a request covers.
        polls: polls from the request's first poll to the last of the sitting.
        known: tells by position of the blinded messages of one poll whether they were verified before under its keys.

    Raises:
        EncodingError: REG-06, too few or too many polls, or bytes.
        VerificationError: REG-06, a blinded message is out of range or no unit.
        ProtocolError: keys are missing; the caller's mistake.

    Source: SPEC.md#requests.
    """
    registrars = len(keys[0]) if keys else 0
    covered = polls_of_request(polls, registrars) if registrars else 0
    if not 0 < covered <= len(keys) or any(len(row) != registrars for row in keys):
        raise ProtocolError("registrar keys of the polls of a request are missing")
    with blaming("REG-06", _DELEGATE):
        if len(body.blinded) != covered:
            raise EncodingError(f"request covers {len(body.blinded)} polls instead of {covered}", field="blinded")
        for at, (item, row) in enumerate(zip(body.blinded, keys, strict=False)):
            if len(item) != MODULUS_BYTES * registrars:
                raise EncodingError("not one blinded message per registrar", field="blinded", offset=at)
            if known is None or not known(at, item):
                for public_key, blinded in zip(row, split_values(item), strict=True):
                    check_blinded(public_key, blinded)


def issue(
    request: CredentialRequest,
    secrets: Sequence[BlindSecretKey],
    *,
    registrar: int,
    rng: Callable[[int], bytes] = os.urandom,
) -> bytes:
    """Return one registrar's blind signatures for a request, 384 bytes per poll; the same request, the same bytes.

    That the request has effect, lies under a witnessed checkpoint and is the only one of its key for these polls in
    the registrar's journal, the role checks before.

    Args:
        request: the request, which passed `check_request`.
        secrets: this registrar's keys of the request's polls, for the class of the requesting key.
        registrar: this registrar's manifest index.
        rng: randomness for base blinding, which the result does not depend on.

    Raises:
        ProtocolError: not one key per poll, or a fault in the private operation; nothing is released.
        EncodingError: the request holds nothing for this registrar.
        VerificationError: a blinded message is out of range; the secret key was not used.

    Source: SPEC.md#issues.
    """
    blinded = _own_parts(request, registrar, len(secrets))
    for secret, value in zip(secrets, blinded, strict=True):
        check_blinded(secret.public_key, value)
    return b"".join(blind_sign(secret, value, rng=rng) for secret, value in zip(secrets, blinded, strict=True))


def expected_answers(request: CredentialRequest) -> bytes:
    """Return what the answers to a request are compared with: 32 bytes for each poll and, in it, each registrar.

    Args:
        request: a request that passed `check_request`.

    Source: SPEC.md#issues.
    """
    return b"".join(
        [
            answer_digest(item[at : at + MODULUS_BYTES])
            for item in request.blinded
            for at in range(0, len(item), MODULUS_BYTES)
        ]
    )


def expected_of(expected: bytes, registrar: int, registrars: int) -> list[bytes]:
    """Return one registrar's part of `expected_answers`, poll by poll."""
    first, step = ANSWER_DIGEST_BYTES * (registrar - 1), ANSWER_DIGEST_BYTES * registrars
    return [expected[start : start + ANSWER_DIGEST_BYTES] for start in range(first, len(expected), step)]


def check_answer(signatures: bytes, request: CredentialRequest, keys: Sequence[BlindPublicKey], registrar: int) -> None:
    """Check that a registrar's blind signatures answer a request: σ^65537 = b (mod N) with 0 < σ < N, poll by poll.

    Args:
        signatures: 384 bytes per poll of the request.
        request: a request that passed `check_request`.
        keys: this registrar's keys of the request's polls, for the class of the requesting key.
        registrar: its manifest index.

    Raises:
        EncodingError: REG-07, another size.
        VerificationError: REG-07, a value is out of range, or no root of the blinded message.
        ProtocolError: not one key per poll; the caller's mistake.

    Source: SPEC.md#issues.
    """
    expected = [answer_digest(value) for value in _own_parts(request, registrar, len(keys))]
    check_expected_answer(signatures, expected, keys, registrar)


def check_expected_answer(
    signatures: bytes,
    expected: Sequence[bytes],
    keys: Sequence[BlindPublicKey],
    registrar: int,
) -> None:
    """Check the same as `check_answer`, with what is left of a request that is not kept.

    Args:
        signatures: 384 bytes per poll of the request.
        expected: this registrar's part of `expected_answers`, one per poll.
        keys: this registrar's keys of the request's polls, for the class of the requesting key.
        registrar: its manifest index.

    Raises:
        EncodingError: REG-07, another size.
        VerificationError: REG-07, a value is out of range, or no root of the blinded message.
        ProtocolError: not one key per poll; the caller's mistake.

    Source: SPEC.md#issues.
    """
    if len(expected) != len(keys):
        raise ProtocolError("not one key of this registrar per poll of the request")
    with blaming("REG-07", Party("registrar", registrar)):
        if len(signatures) != MODULUS_BYTES * len(keys):
            raise EncodingError("not one blind signature per poll", field="signatures")
        for public_key, digest_of_b, signature in zip(keys, expected, split_values(signatures), strict=True):
            check_root(public_key, digest_of_b, signature)


def _own_parts(request: CredentialRequest, registrar: int, polls: int) -> list[bytes]:
    """Return the blinded messages for one registrar, poll by poll.

    Raises:
        ProtocolError: the caller has keys for another number of polls.
        EncodingError: the request holds nothing for this registrar.
    """
    if len(request.blinded) != polls:
        raise ProtocolError("not one key of this registrar per poll of the request")
    parts = [item[MODULUS_BYTES * (registrar - 1) : MODULUS_BYTES * registrar] for item in request.blinded]
    if registrar < 1 or any(len(part) != MODULUS_BYTES for part in parts):
        raise EncodingError("request holds no blinded message for this registrar", field="blinded")
    return parts


def split_values(data: bytes) -> list[bytes]:
    """Return the 384-byte values that the data holds; the last may be shorter."""
    return [data[start : start + MODULUS_BYTES] for start in range(0, len(data), MODULUS_BYTES)]
