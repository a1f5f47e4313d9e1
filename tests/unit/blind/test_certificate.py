"""The certificate of a registrar's key, and keys that share a prime."""

from __future__ import annotations

import hashlib
import math
import os
from functools import cache

import gmpy2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secballot.blind import (
    CERTIFICATE_ROOTS,
    BlindPublicKey,
    BlindSecretKey,
    ModuliProduct,
    Suite,
    certificate_element,
    certify,
    check_coprime,
    check_public_key,
)
from secballot.errors import (
    EncodingError,
    InvalidProofError,
    InvalidSignatureError,
)
from tests.unit.blind.sample_key import (
    PUBLIC,
    SECRET,
    N,
    prime,
)


def elements(n: int) -> list[int]:
    """Return eight elements hashed from the modulus."""
    return [
        certificate_element(hashlib.shake_256(b"%d of %x" % (i, n)).digest(512), n) for i in range(CERTIFICATE_ROOTS)
    ]


RHO = elements(N)
ROOTS = certify(SECRET, RHO)


def bad_modulus(kind: str) -> int:
    """Return a 3072-bit modulus that a dishonest registrar might post."""
    if kind == "prime":
        return prime(3072)
    if kind == "square":
        return prime(1536) ** 2
    if kind == "power of three":
        return 3**1938
    if kind == "small factor":
        rest = prime(3057)
        return 65521 * rest
    raise KeyError(kind)


class TestCertificate:
    """Only keys under which every unit has exactly one root are blinded under."""

    def test_an_honest_key_is_certified(self) -> None:
        """Completeness, and the certificate is a function of the key."""
        check_public_key(PUBLIC, ROOTS, RHO)
        assert certify(SECRET, RHO) == ROOTS
        assert [len(root) for root in ROOTS] == [384] * 8

    def test_randomness_is_the_callers(self) -> None:
        """Two draws for each root, for the factor and its mask."""
        sizes: list[int] = []

        def rng(size: int) -> bytes:
            sizes.append(size)
            return os.urandom(size)

        assert certify(SECRET, RHO, rng=rng) == ROOTS
        assert sizes == [400] * 16

    @pytest.mark.parametrize("index", range(CERTIFICATE_ROOTS))
    def test_each_root_counts(self, index: int) -> None:
        """A wrong, negated, zero or unreduced root, or one of another length, is refused at every place."""
        root = int.from_bytes(ROOTS[index], "big")
        for value in (root ^ 1, N - root, 0, 2**3072 - 1):
            roots = [*ROOTS]
            roots[index] = value.to_bytes(384, "big")
            with pytest.raises(InvalidProofError, match=str(index)):
                check_public_key(PUBLIC, roots, RHO)
        for changed in (ROOTS[index][1:], b"\0" + ROOTS[index]):
            with pytest.raises(EncodingError):
                check_public_key(PUBLIC, [*ROOTS[:index], changed, *ROOTS[index + 1 :]], RHO)

    def test_root_plus_modulus_is_another_spelling(self) -> None:
        """Only the reduced root is canonical, tried under a modulus that leaves room for it."""
        secret = BlindSecretKey(prime(512, seed=b"x"), prime(512, seed=b"y"))
        n = secret.public_key.n
        suite = Suite(n.bit_length(), 48, None)
        rho = [pow(1 + i, 65537, n) for i in range(8)]
        roots = [(1 + i).to_bytes(secret.public_key.size, "big") for i in range(8)]
        check_public_key(secret.public_key, roots, rho, suite=suite)
        roots[0] = (1 + n).to_bytes(secret.public_key.size, "big")
        with pytest.raises(InvalidProofError):
            check_public_key(secret.public_key, roots, rho, suite=suite)

    @pytest.mark.parametrize("count", [0, 1, 7, 9])
    def test_exactly_eight_roots(self, count: int) -> None:
        """No certificate is no certificate."""
        with pytest.raises(EncodingError):
            check_public_key(PUBLIC, (ROOTS * 2)[:count], RHO)
        with pytest.raises(ValueError, match="8"):
            check_public_key(PUBLIC, (ROOTS * 2)[:count], (RHO * 2)[:count])

    def test_roots_of_other_elements_are_refused(self) -> None:
        """A certificate made for another key or place does not carry over, nor in another order."""
        with pytest.raises(InvalidProofError):
            check_public_key(PUBLIC, ROOTS, elements(N + 2))
        with pytest.raises(InvalidProofError):
            check_public_key(PUBLIC, ROOTS[::-1], RHO)

    def test_elements_that_are_no_units_are_refused(self) -> None:
        """Even with their root."""
        for element in (0, int(SECRET._p)):
            root = pow(element, int(gmpy2.invert(65537, (SECRET._p - 1) * (SECRET._q - 1))), N)
            with pytest.raises(InvalidProofError):
                check_public_key(PUBLIC, [root.to_bytes(384, "big"), *ROOTS[1:]], [element, *RHO[1:]])

    @pytest.mark.attack("CR-01")
    @pytest.mark.parametrize("kind", ["prime", "square", "power of three", "small factor"])
    def test_bad_moduli_are_refused_before_any_root(self, kind: str) -> None:
        """Prime, a perfect power, or with a factor below 2^16."""
        n = bad_modulus(kind)
        suite = Suite(n.bit_length(), 48, None)
        with pytest.raises(InvalidSignatureError):
            check_public_key(BlindPublicKey(n), ROOTS, RHO, suite=suite)

    @pytest.mark.attack("CR-01")
    @pytest.mark.parametrize("e", [3, 65535, 65539, N - 2])
    def test_other_exponents_are_refused(self, e: int) -> None:
        """Small, composite or enormous."""
        with pytest.raises(InvalidSignatureError):
            check_public_key(BlindPublicKey(N, e), ROOTS, RHO)

    @pytest.mark.parametrize("n", [N >> 1024 | 1, N << 1024 | 1, N >> 1 | 1])
    def test_other_sizes_are_refused(self, n: int) -> None:
        """3072 bits exactly."""
        with pytest.raises(InvalidSignatureError):
            check_public_key(BlindPublicKey(n), ROOTS, RHO)

    def test_a_key_whose_power_is_no_permutation_cannot_be_certified(self) -> None:
        """With e dividing p − 1 only one unit in e has a root: hashed elements have none, and the coset would leak."""
        p, q = prime(1536, modulo=(65537, 1)), prime(1536, seed=b"q")
        n = p * q
        rho = elements(n)
        coset = [pow(element % p, (p - 1) // 65537, p) for element in rho]
        assert all(symbol != 1 for symbol in coset)
        inverse = int(gmpy2.invert(65537, (p - 1) // 65537 * (q - 1)))
        roots = [pow(element, inverse, n).to_bytes(384, "big") for element in rho]
        with pytest.raises(InvalidProofError, match="root 0"):
            check_public_key(BlindPublicKey(n), roots, rho)

    @given(st.binary(min_size=512, max_size=512))
    def test_elements_are_hashes_modulo_n(self, expanded: bytes) -> None:
        """Big-endian, reduced."""
        assert certificate_element(expanded, N) == int(expanded.hex(), 16) % N

    @pytest.mark.parametrize("size", [0, 384, 511, 513])
    def test_elements_come_from_512_bytes(self, size: int) -> None:
        """Fewer would not be uniform."""
        with pytest.raises(ValueError, match="512"):
            certificate_element(bytes(size), N)


@cache
def _primes() -> list[int]:
    """Return thirty primes of 64 bits."""
    return [prime(64, seed=bytes([i])) for i in range(30)]


class TestCoprime:
    """No prime serves in two keys."""

    @given(st.permutations(range(30)), st.integers(1, 15))
    def test_moduli_of_different_primes_pass(self, order: list[int], count: int) -> None:
        """Any number of them."""
        primes = [_primes()[i] for i in order]
        check_coprime([primes[2 * i] * primes[2 * i + 1] for i in range(count)])

    @pytest.mark.attack("CR-05")
    @given(st.permutations(range(30)), st.integers(0, 13), st.integers(0, 13))
    def test_a_shared_prime_is_found_wherever_it_is(self, order: list[int], one: int, other: int) -> None:
        """The pair is named."""
        primes = [_primes()[i] for i in order]
        moduli = [primes[2 * i] * primes[2 * i + 1] for i in range(14)]
        if one == other:
            return
        moduli[other] = primes[2 * one] * primes[28]
        with pytest.raises(InvalidSignatureError, match=f"moduli {min(one, other)} and {max(one, other)} share"):
            check_coprime(moduli)
        assert math.gcd(moduli[one], moduli[other]) > 1

    def test_the_same_modulus_twice_is_refused(self) -> None:
        """One key in two slots."""
        with pytest.raises(InvalidSignatureError):
            check_coprime([N, N])

    def test_none_and_one_are_coprime(self) -> None:
        """There is no pair."""
        check_coprime([])
        check_coprime([N])


class TestModuliProduct:
    """The moduli of a sitting, one after the other."""

    def test_a_new_modulus_is_held_against_all_before(self) -> None:
        """One prime in common with any of them is found, and what was added stays."""
        primes = _primes()
        before = ModuliProduct()
        for i in range(0, 12, 2):
            before.check(primes[i] * primes[i + 1])
            before.add(primes[i] * primes[i + 1])
        for i in range(12):
            for bad in (primes[i] * primes[20], primes[21] * primes[i], primes[i]):
                with pytest.raises(InvalidSignatureError, match="shares a factor"):
                    before.check(bad)
        before.check(primes[20] * primes[21])

    def test_nothing_is_counted_before_it_is_added(self) -> None:
        """A check alone changes nothing; the same modulus twice is refused."""
        moduli = ModuliProduct()
        moduli.check(N)
        moduli.check(N)
        moduli.add(N)
        with pytest.raises(InvalidSignatureError):
            moduli.check(N)

    @pytest.mark.parametrize("count", [0, 1, 2, 5])
    def test_a_product_is_kept_as_bytes(self, count: int) -> None:
        """Big-endian without leading zeros; read again it refuses the same."""
        moduli, number = ModuliProduct(), 1
        for modulus in _primes()[:count]:
            moduli.add(modulus)
            number *= modulus
        data = moduli.encode()
        assert int(data.hex(), 16) == number
        assert data[0]
        again = ModuliProduct.decode(data)
        assert again.encode() == data
        for position, modulus in enumerate(_primes()[:8]):
            if position < count:
                with pytest.raises(InvalidSignatureError):
                    again.check(modulus * _primes()[20])
            else:
                again.check(modulus * _primes()[20])

    def test_a_size_is_rounded_up_to_bytes(self) -> None:
        """255 and 256, as the last number of one byte and the first of two."""
        for number, data in ((255, b"\xff"), (256, b"\1\0"), (257, b"\1\1")):
            moduli = ModuliProduct()
            moduli.add(number)
            assert moduli.encode() == data
