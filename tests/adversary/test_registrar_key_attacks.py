"""Registrars with keys under which blinding hides nothing, and what they post as certificates.

Source: SPEC.md#registrar-keys; RFC 9474 §7.3.
"""

from __future__ import annotations

import gmpy2
import msgspec
import pytest

from secballot.blind import BlindPublicKey, BlindSecretKey, blind, emsa_pss_encode
from secballot.errors import (
    EncodingError,
    InvalidProofError,
    InvalidSignatureError,
    Party,
    VerificationError,
)
from secballot.protocol.registration import (
    certificate_elements,
    make_registrar_key,
    verify_registrar_key,
)
from secballot.records.credential import RegistrarKey
from tests.registrar_keys import leaky_prime, test_key, test_primes
from tests.registration_run import (
    CLASS,
    REGISTRATION,
    SITTING,
)

E = 65537


def body_of(n: int, roots: bytes = bytes(3072)) -> RegistrarKey:
    """Return a posted key of any modulus."""
    return RegistrarKey(CLASS, n.to_bytes(384, "big"), 3, REGISTRATION, roots)


def assert_refused(body: RegistrarKey, check: str) -> None:
    """Check that registrar 1's posted key is refused by this check, and the registrar named."""
    with pytest.raises((EncodingError, VerificationError)) as raised:
        verify_registrar_key(SITTING, 1, body)
    assert (raised.value.check, raised.value.culprit) == (check, Party("registrar", 1))


class LeakyRegistrar:
    """Has a modulus p·q with e dividing p − 1: blinding multiplies by r^e, which has no e-th residue class modulo p.

    Source: RFC 9474 §7.3.
    """

    def __init__(self) -> None:
        """Take the published leaky prime and an ordinary one."""
        self.p, self.q = leaky_prime(), test_primes(0)[1]
        self.n = self.p * self.q

    def residue_class(self, value: int) -> int:
        """Return which of the e classes modulo p a value lies in."""
        return pow(value, (self.p - 1) // E, self.p)

    def root(self, value: int) -> int | None:
        """Return an e-th root modulo N, or None if there is none."""
        if self.residue_class(value) != 1:
            return None
        # e divides p − 1 once only, so e has an inverse modulo (p − 1)/e, and among e-th powers that inverse is a root.
        at_p = pow(value, pow(E, -1, (self.p - 1) // E), self.p)
        at_q = pow(value, pow(E, -1, self.q - 1), self.q)
        return (at_q + self.q * ((at_p - at_q) * pow(self.q, -1, self.p) % self.p)) % self.n


@pytest.mark.attack("CR-01")
def test_a_leaky_key_would_tell_whose_request_became_which_credential() -> None:
    """The attack is real: the class of a blinded message is the class of the message, before anything is signed."""
    registrar = LeakyRegistrar()
    key = BlindPublicKey(registrar.n)
    messages = [bytes([i]) * 96 for i in range(6)]
    salts = [bytes([i]) * 48 for i in range(6)]
    requests = [
        int.from_bytes(blind(key, message, salt=salt, r=3 + 10**i)[0], "big")
        for i, (message, salt) in enumerate(zip(messages, salts, strict=True))
    ]
    encodings = [
        int.from_bytes(emsa_pss_encode(message, 3071, salt), "big")
        for message, salt in zip(messages, salts, strict=True)
    ]

    assert [registrar.residue_class(b) for b in requests] == [registrar.residue_class(m) for m in encodings]
    assert len({registrar.residue_class(b) for b in requests}) == 6


@pytest.mark.attack("CR-01")
def test_a_leaky_key_has_no_certificate() -> None:
    """Its owner can root one element in 65537; whatever it posts for the others, REG-03 names it."""
    registrar = LeakyRegistrar()
    elements = certificate_elements(SITTING, REGISTRATION, 1, 3, CLASS, registrar.n.to_bytes(384, "big"))
    roots = [registrar.root(element) for element in elements]
    rootable = pow(elements[0], E, registrar.n)
    found = registrar.root(rootable)

    assert found is not None
    assert pow(found, E, registrar.n) == rootable  # the forger does find roots where there are any
    assert None in roots
    posted = b"".join((root or 2).to_bytes(384, "big") for root in roots)
    assert_refused(body_of(registrar.n, posted), "REG-03")


def test_a_leaky_key_cannot_be_made_by_mistake() -> None:
    """Honest code refuses such primes."""
    with pytest.raises(EncodingError):
        BlindSecretKey(leaky_prime(), test_primes(0)[1])


def ike_prime_3072() -> int:
    """Return the 3072-bit prime of RFC 3526: 2^3072 − 2^3008 − 1 + 2^64·(⌊2^2942·π⌋ + 1690314)."""
    with gmpy2.context(precision=3200):
        pi = int(gmpy2.floor(gmpy2.const_pi() * 2**2942))
    return 2**3072 - 2**3008 - 1 + 2**64 * (pi + 1690314)


def with_small_factor(factor: int) -> int:
    """Return an odd number of 3072 bits with this prime factor and no other one below 2^16."""
    cofactor = test_key(0).public_key.n // factor | 1
    while gmpy2.gcd(cofactor, gmpy2.primorial(2**16)) != 1:
        cofactor -= 2
    return cofactor * factor


BAD_MODULI = {
    "zero": 0,
    "one": 1,
    "even": test_key(0).public_key.n - 1,
    "short": test_key(0).public_key.n >> 1024 | 1,
    "of 3071 bits": test_key(0).public_key.n >> 1 | 1,
    "prime": ike_prime_3072(),
    "square": test_primes(0)[0] ** 2,
    "sixth power": int(gmpy2.next_prime(2**512 - 2**500)) ** 6,
    "factor 3": with_small_factor(3),
    "factor 65521": with_small_factor(65521),
}


def test_bad_moduli_are_what_they_are_said_to_be() -> None:
    """The cases below test what they name."""
    assert gmpy2.is_prime(BAD_MODULI["prime"])
    assert [name for name, n in BAD_MODULI.items() if n.bit_length() != 3072] == [
        "zero",
        "one",
        "short",
        "of 3071 bits",
    ]


@pytest.mark.attack("CR-01")
@pytest.mark.parametrize("name", list(BAD_MODULI))
def test_a_modulus_not_of_two_large_primes_is_refused(name: str) -> None:
    """REG-02, whatever certificate comes with it."""
    assert_refused(body_of(BAD_MODULI[name]), "REG-02")


def test_a_square_is_refused_though_its_certificate_is_right() -> None:
    """Powers permute the units modulo p² too; the modulus is refused for what it is."""
    p = test_primes(0)[0]
    elements = certificate_elements(SITTING, REGISTRATION, 1, 3, CLASS, (p * p).to_bytes(384, "big"))
    d = pow(E, -1, p * (p - 1))
    roots = b"".join(pow(element, d, p * p).to_bytes(384, "big") for element in elements)

    assert_refused(body_of(p * p, roots), "REG-02")


@pytest.mark.attack("CR-01")
def test_a_certificate_with_one_wrong_root_is_refused() -> None:
    """Each of the eight is looked at; a negated root or one beyond N as well."""
    good = make_registrar_key(SITTING, 1, REGISTRATION, 3, CLASS, test_key(0))
    n = test_key(0).public_key.n
    verify_registrar_key(SITTING, 1, good)

    for at in range(8):
        root = int.from_bytes(good.roots[384 * at : 384 * (at + 1)], "big")
        for wrong in (0, 1, n - root, n, root ^ 1):
            roots = good.roots[: 384 * at] + wrong.to_bytes(384, "big") + good.roots[384 * (at + 1) :]
            assert_refused(msgspec.structs.replace(good, roots=roots), "REG-03")


def test_a_certificate_of_another_key_is_refused() -> None:
    """Roots are of elements that hang on the modulus."""
    good = make_registrar_key(SITTING, 1, REGISTRATION, 3, CLASS, test_key(0))

    assert_refused(msgspec.structs.replace(good, modulus=test_key(1).public_key.encode()), "REG-03")


def test_a_certificate_of_another_size_is_refused() -> None:
    """Seven roots leave a bad key a chance of 2^-112."""
    good = make_registrar_key(SITTING, 1, REGISTRATION, 3, CLASS, test_key(0))

    for roots in (b"", good.roots[:-384], good.roots[:-1], good.roots + good.roots[:384]):
        assert_refused(msgspec.structs.replace(good, roots=roots), "REG-03")


def test_errors_of_proofs_and_of_keys_are_told_apart() -> None:
    """A wrong root is an invalid proof, a wrong modulus no proof at all."""
    with pytest.raises(InvalidProofError):
        verify_registrar_key(SITTING, 1, body_of(test_key(0).public_key.n))
    with pytest.raises(InvalidSignatureError):
        verify_registrar_key(SITTING, 1, body_of(BAD_MODULI["prime"]))
