"""A delegate's phrase: what derives from it, what is forgiven in typing it, and what it never shows."""

from __future__ import annotations

import copy
import hashlib
import hmac
import pickle
import traceback
from math import gcd

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secballot.blind import BlindPublicKey
from secballot.errors import EncodingError, InvalidSignatureError, ProtocolError
from secballot.group import ORDER
from secballot.protocol import phrase as phrase_module
from secballot.protocol.phrase import Wallet, finalize, generate_phrase, phrase_seed, request
from secballot.protocol.registration import key_id, polls_per_request
from secballot.signing import SigningKey
from tests.registration_run import (
    CLASS,
    POLLS,
    REGISTRARS,
    REGISTRATION,
    SITTING,
    answered,
    public_keys,
    requested,
    secret_key,
    wallet,
)

PHRASE = generate_phrase(bytes(range(32)))
LABEL = "Sitting of März"


def derive(purpose: str, *fields: bytes | int, length: int) -> bytes:
    """Return HKDF-SHA512 as SPEC.md#phrase uses it, from RFC 5869 and hmac alone."""
    info = b""
    for field in (purpose.encode(), LABEL.encode(), *fields):
        data = field.to_bytes(8, "big") if isinstance(field, int) else field
        info += len(data).to_bytes(8, "big") + data
    seed = hashlib.pbkdf2_hmac("sha512", PHRASE.encode(), b"mnemonic", 2048)
    key = hmac.digest(b"secballot/v1", seed, "sha512")
    output = block = b""
    while len(output) < length:
        block = hmac.digest(key, block + info + bytes([len(output) // 64 + 1]), "sha512")
        output += block
    return output[:length]


def test_every_secret_is_derived_as_the_specification_states() -> None:
    """Roll key, credential secret, randomizer, salt and blinding factor, computed by other means."""
    mine = Wallet(PHRASE, LABEL)
    name = hashlib.sha512(b"key id").digest()
    key = secret_key(1, 3).public_key

    assert mine.signing_key().encode_private() == derive("identity", length=32)
    wide = int.from_bytes(derive("credential", SITTING, 1, 7, length=64), "little")
    assert mine.credential_secret(SITTING, 1, 7).to_ints() == [wide % ORDER]
    assert mine.randomizer(SITTING, name) == derive("randomizer", SITTING, name, length=32)
    assert mine.salt(SITTING, name) == derive("salt", SITTING, name, length=48)
    candidates = [int.from_bytes(derive("blinding", SITTING, name, i, length=384), "big") for i in range(12)]
    assert mine.blinding(SITTING, name, key) == next(r for r in candidates if 1 < r < key.n)


def test_a_blinding_factor_out_of_range_or_no_unit_gives_way_to_the_next() -> None:
    """A modulus just above 2^3071, and divisible by 3, makes two thirds of all candidates useless."""
    smallest = BlindPublicKey(2**3071 + 1)
    mine = Wallet(PHRASE, LABEL)
    skipped = 0
    for i in range(12):
        name = hashlib.sha512(bytes([i])).digest()
        candidates = [int.from_bytes(derive("blinding", SITTING, name, j, length=384), "big") for j in range(12)]
        expected = next(r for r in candidates if 1 < r < smallest.n and gcd(r, smallest.n) == 1)
        skipped += expected != candidates[0]
        assert mine.blinding(SITTING, name, smallest) == expected
    assert skipped


def test_no_secret_serves_two_purposes() -> None:
    """Sittings, registrations, polls, key ids and labels all give other secrets."""
    mine, other = Wallet(PHRASE, LABEL), Wallet(PHRASE, "another label")
    name, second = hashlib.sha512(b"1").digest(), hashlib.sha512(b"2").digest()
    foreign = hashlib.sha256(b"another sitting").digest()
    secrets = [who.credential_secret(*place).encode() for who in (mine, other) for place in places(foreign)]
    secrets += [who.signing_key().encode_private() for who in (mine, other)]
    for sitting_id in (SITTING, foreign):
        for key_name in (name, second):
            secrets += [mine.randomizer(sitting_id, key_name), mine.salt(sitting_id, key_name)]
    prefixes = [secret[:32] for secret in secrets]

    assert len(set(prefixes)) == len(prefixes)


def places(foreign: bytes) -> list[tuple[bytes, int, int]]:
    """Return places of credentials that differ in sitting, registration or poll."""
    return [(sitting_id, r, p) for sitting_id in (SITTING, foreign) for r in (1, 2) for p in (1, 2, 256)]


def test_names_of_derivations_are_framed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A label cannot swallow a field, or a field a label: the info of HKDF tells them apart."""
    infos: list[bytes] = []

    def record(secret: bytes, *, salt: bytes, info: bytes, length: int) -> bytes:
        infos.append(info)
        return bytes(length)

    monkeypatch.setattr(phrase_module, "hkdf_sha512", record)
    Wallet(PHRASE, "ab")._derive("x", b"c", length=32)
    Wallet(PHRASE, "a")._derive("x", b"bc", length=32)
    Wallet(PHRASE, "a")._derive("x", b"b", b"c", length=32)
    Wallet(PHRASE, "b")._derive("xa", b"c", length=32)

    assert len(set(infos)) == 4


@given(st.binary(min_size=32, max_size=32))
@settings(max_examples=30, deadline=None)
def test_every_entropy_gives_a_good_phrase(entropy: bytes) -> None:
    """24 words, accepted, and other words for other entropy."""
    phrase = generate_phrase(entropy)
    flipped = bytes([entropy[0] ^ 1]) + entropy[1:]

    assert len(phrase.split()) == 24
    assert phrase_seed(phrase) != phrase_seed(generate_phrase(flipped))


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_entropy_of_another_length_is_a_mistake_of_the_caller(size: int) -> None:
    """A phrase of 12 words has too little for a secret that is kept for years."""
    with pytest.raises(ValueError, match="32 bytes"):
        generate_phrase(bytes(size))


@pytest.mark.parametrize(
    "typed",
    [PHRASE.upper(), PHRASE.title(), f"  {PHRASE}\n", PHRASE.replace(" ", "\n"), PHRASE.replace(" ", " \t ")],
    ids=["upper case", "title case", "around", "lines", "tabs"],
)
def test_case_and_white_space_are_forgiven(typed: str) -> None:
    """The same secrets come out."""
    assert phrase_seed(typed) == phrase_seed(PHRASE)


def replaced(at: int, word: str) -> str:
    """Return the phrase with one word replaced."""
    words = PHRASE.split()
    words[at] = word
    return " ".join(words)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "0 words"),
        (" ".join(PHRASE.split()[:23]), "23 words"),
        (f"{PHRASE} abandon", "25 words"),
        (" ".join(PHRASE.split()[:12]), "12 words"),
        (PHRASE.replace(" ", "-"), "1 words"),
        (replaced(4, "hunter2secret"), "word 5 "),
        (replaced(0, "aban"), "word 1 "),
        (replaced(23, "\ud800"), "word 24 "),
        (replaced(23, "åbandon"), "word 24 "),
        (replaced(3, "zoo"), "do not go together"),
        (" ".join(PHRASE.split()[::-1]), "do not go together"),
        ("zoo " * 24, "do not go together"),
    ],
)
def test_a_mistyped_phrase_is_refused_without_repeating_it(typed: str, message: str) -> None:
    """The error names the place and no word, and neither does its cause."""
    with pytest.raises(EncodingError, match=message) as raised:
        Wallet(typed, LABEL)
    shown = "".join(traceback.format_exception(raised.value, limit=0))
    assert raised.value.field == "phrase"
    assert raised.value.__cause__ is None
    assert [word for word in typed.split() if len(word) > 4 and word in shown] == []


@pytest.mark.parametrize("label", ["", "x" * 101, "é" * 51, "a\nb", "e\u0301", "\u200b", "\ud800"])
def test_a_label_that_is_no_text_of_a_record_is_refused(label: str) -> None:
    """Two spellings of one label would be two wallets."""
    with pytest.raises(EncodingError) as raised:
        Wallet(PHRASE, label)
    assert raised.value.field == "label"


def test_a_wallet_shows_nothing_of_itself() -> None:
    """Neither phrase nor label is printed, pickled or copied; the phrase is not even kept."""
    mine = Wallet(PHRASE, LABEL)

    assert repr(mine) == str(mine) == "Wallet(<redacted>)"
    assert not hasattr(mine, "__dict__")
    for escape in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            escape(mine)


@pytest.mark.attack("CR-12")
def test_a_delegate_restored_from_paper_asks_in_the_same_bytes() -> None:
    """A second wallet from the same words makes the same request."""
    again = Wallet(generate_phrase(hashlib.sha256(b"delegate").digest()), "sitting of the tests")

    assert make_request(again) == requested()
    assert make_request(wallet("another delegate")) != requested()


def make_request(of: Wallet, *, class_index: int = CLASS, registration: int = REGISTRATION) -> object:
    """Return the request of a wallet for the polls of the sample."""
    return request(
        of,
        sitting_id=SITTING,
        registration=registration,
        first_poll=POLLS[0],
        class_index=class_index,
        keys=[public_keys(poll) for poll in POLLS],
    )


def test_requests_of_two_registrations_or_classes_share_nothing() -> None:
    """No blinded message comes twice."""
    requests = [requested(), make_request(wallet(), class_index=1), make_request(wallet(), registration=2)]
    blinded = [item[at : at + 384] for body in requests for item in body.blinded for at in (0, 384)]  # type: ignore[attr-defined]

    assert len(set(blinded)) == len(blinded) == 12


def test_a_request_stops_where_an_entry_is_full() -> None:
    """With more polls than fit, the first M are asked for."""
    key = public_keys(3) * 8
    most = polls_per_request(len(key))
    body = request(
        wallet(), sitting_id=SITTING, registration=1, first_poll=1, class_index=CLASS, keys=[key[:15]] * (most + 2)
    )

    assert polls_per_request(15) == 8
    assert len(body.blinded) == polls_per_request(15)
    assert {len(item) for item in body.blinded} == {384 * 15}


@pytest.mark.parametrize("keys", [[], [[]]])
def test_nobody_is_asked_for_nothing(keys: list[list[BlindPublicKey]]) -> None:
    """Without registrars there is no credential."""
    with pytest.raises(ProtocolError):
        request(wallet(), sitting_id=SITTING, registration=1, first_poll=1, class_index=CLASS, keys=keys)


def finish(signatures: list[bytes], keys: list[BlindPublicKey] | None = None) -> object:
    """Return the credential for poll 3 from these blind signatures."""
    return finalize(
        wallet(),
        sitting_id=SITTING,
        registration=REGISTRATION,
        poll=3,
        class_index=CLASS,
        keys=public_keys(3) if keys is None else keys,
        signatures=signatures,
    )


def test_a_credential_needs_every_registrar() -> None:
    """One signature too few, too many, or none at all."""
    good = [answered(registrar)[:384] for registrar in REGISTRARS]

    finish(good)
    for signatures in (good[:1], [*good, good[0]], []):
        with pytest.raises(ProtocolError):
            finish(signatures)
    with pytest.raises(ProtocolError):
        finish([], [])


@pytest.mark.attack("CR-12")
def test_a_signature_that_does_not_verify_makes_no_credential() -> None:
    """Garbage, another poll's, another registrar's, another size."""
    good = [answered(registrar)[:384] for registrar in REGISTRARS]

    for bad in (b"\5" * 384, answered(1)[384:], good[1]):
        with pytest.raises(InvalidSignatureError):
            finish([bad, good[1]])
    with pytest.raises(EncodingError):
        finish([good[0][:-1], good[1]])


@pytest.mark.attack("CR-12")
def test_blinding_factors_differ_between_registrars_and_polls() -> None:
    """No factor serves twice, so no two requests of a delegate can be matched by it."""
    factors = set()
    for poll in POLLS:
        for registrar in REGISTRARS:
            key = secret_key(registrar, poll).public_key
            name = key_id(SITTING, REGISTRATION, registrar, poll, CLASS, key)
            factors.add(wallet().blinding(SITTING, name, key))

    assert len(factors) == 4


def test_the_roll_key_is_an_ordinary_ed25519_key() -> None:
    """Its seed is 32 derived bytes."""
    assert Wallet(PHRASE, LABEL).signing_key().verify_key == SigningKey(derive("identity", length=32)).verify_key
