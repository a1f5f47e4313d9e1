"""Programmed forgers: each defeats a verifier weakened in one known way, and fails against the library's.

A weakened verifier is made here, inside the test, by leaving out what the library does not leave out. A forger that
did not defeat it would show nothing, so both are asserted.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import pytest

from secballot.elgamal import Ciphertexts, encrypt
from secballot.errors import InvalidProofError, ProtocolError
from secballot.group import (
    BASE,
    ORDER,
    Elements,
    PublicScalars,
    Scalars,
    multiply_base,
    reduce_wide,
    vartime_multiply,
    vartime_multiply_base,
)
from secballot.proofs.batch import find_invalid
from secballot.proofs.equality import prove_equality, verify_equality
from secballot.proofs.knowledge import verify_knowledge
from secballot.proofs.membership import Disjunction, MembershipClaim, verify_membership
from secballot.protocol.ballot_proof import OwnershipClaims
from secballot.protocol.tallying import partial_decrypt
from secballot.transcript import challenge

KEY_SECRET = 0xC0FFEE
KEY = vartime_multiply_base([KEY_SECRET])
BOTH = range(2)


def random(count: int = 1) -> list[int]:
    """Return so many random integers below ℓ."""
    return Scalars.random(count).to_ints()


def inverse(value: int) -> int:
    """Return 1/value modulo ℓ."""
    return pow(value, -1, ORDER)


def weak_hash(*parts: Elements) -> int:
    """Return a challenge over the given elements and nothing else."""
    return reduce_wide(hashlib.sha512(b"".join(part.encode() for part in parts)).digest())


def ballot_challenge(ciphertext: bytes, commitments: bytes, T: Elements = BASE, S: Elements = BASE) -> int:
    """Return the challenge of label `ballot` over one option; leaving bytes out makes it weak."""
    zero = bytes(32)
    fields = (zero, zero, KEY.encode(), 1, 1, S.encode(), b"", b"", 0, zero, "1263515243", 1)
    return challenge("ballot", *fields, ciphertext, commitments, b"", T.encode())


# --- weak Fiat–Shamir on membership: the ciphertext is chosen after the challenge (A2) ---


def square_root(value: int) -> int | None:
    """Return a square root modulo ℓ, which is 5 modulo 8; None if there is none."""
    root = pow(value, (ORDER + 3) // 8, ORDER)
    for candidate in (root, root * pow(2, (ORDER - 1) // 4, ORDER) % ORDER):
        if candidate * candidate % ORDER == value % ORDER:
            return candidate
    return None


@dataclass(frozen=True)
class ForgedBit:
    """A ciphertext of a huge value with a 0/1 proof for a challenge that leaves the ciphertext out."""

    value: int
    ciphertext: Ciphertexts
    commitments: Elements
    challenges: list[int]
    responses: list[int]

    def verify(self, e: int) -> None:
        """Run the library's equations under a challenge."""
        disjunction = Disjunction.complete(BOTH, e, self.challenges, self.responses)
        verify_membership(self.ciphertext, self.commitments, disjunction, KEY)


def forge_bit() -> ForgedBit:
    """Fix commitments, learn e, and solve e·m² − (e + d0 + d1)·m + d0 = 0 for the value m to encrypt."""
    while True:
        a0, a1, d0, d1, r = random(5)
        A = vartime_multiply_base([a0, a1])
        B = vartime_multiply(KEY.take([0, 0]), [a0, a1]) - vartime_multiply_base([d0, d1])
        commitments = Elements.concat([A, B]).take([0, 2, 1, 3])
        e = ballot_challenge(b"", commitments.encode())
        middle = e + d0 + d1
        root = square_root(middle * middle - 4 * e * d0)
        if root is None:
            continue
        m = (middle + root) * inverse(2 * e) % ORDER
        c0, c1 = d0 * inverse(m) % ORDER, d1 * inverse(m - 1) % ORDER
        ciphertext = encrypt(Scalars.from_ints([m]), Scalars.from_ints([r]), KEY)
        return ForgedBit(m, ciphertext, commitments, [c0], [(a0 + c0 * r) % ORDER, (a1 + c1 * r) % ORDER])


def test_a_challenge_without_the_ciphertext_lets_any_value_pass_as_a_bit() -> None:
    """FS-01: the tally could not be opened any more; with the ciphertext hashed, the forgery is refused."""
    forged = forge_bit()
    commitments = forged.commitments.encode()

    assert forged.value not in BOTH
    forged.verify(ballot_challenge(b"", commitments))
    with pytest.raises(InvalidProofError):
        forged.verify(ballot_challenge(forged.ciphertext.encode(), commitments))


# --- a commitment that is not hashed can be set last (FS-03) ---


def simulate_bit(late: int) -> tuple[Ciphertexts, Elements, Disjunction]:
    """Prove a false ciphertext under a challenge over all commitments A_0, B_0, A_1, B_1 but the one set last."""
    branch, half = divmod(late, 2)
    other = 1 - branch
    s, nonce, c_other, z_other = random(4)
    # Without B the value is free; without A the two halves may use different randomness.
    if half:
        ciphertext = encrypt(Scalars.from_ints([5]), Scalars.from_ints([s]), KEY)
    else:
        alien = vartime_multiply_base(random())
        ciphertext = Ciphertexts(alien, vartime_multiply(KEY, [s]) + vartime_multiply_base([branch]))
    alpha = ciphertext.alphas
    shifted = [ciphertext.betas - vartime_multiply_base([v]) for v in BOTH]
    parts = [BASE] * 4
    parts[2 * other] = vartime_multiply_base([z_other]) - vartime_multiply(alpha, [c_other])
    parts[2 * other + 1] = vartime_multiply(KEY, [z_other]) - vartime_multiply(shifted[other], [c_other])
    parts[2 * branch], parts[2 * branch + 1] = vartime_multiply_base([nonce]), vartime_multiply(KEY, [nonce])
    del parts[late]
    e = ballot_challenge(ciphertext.encode(), Elements.concat(parts).encode())
    c = (e - c_other) % ORDER
    z = (nonce + c * s) % ORDER
    if half:
        parts.insert(late, vartime_multiply(KEY, [z]) - vartime_multiply(shifted[branch], [c]))
    else:
        parts.insert(late, vartime_multiply_base([z]) - vartime_multiply(alpha, [c]))
    scalars = {branch: (c, z), other: (c_other, z_other)}
    disjunction = Disjunction.complete(BOTH, e, [scalars[0][0]], [scalars[0][1], scalars[1][1]])
    return ciphertext, Elements.concat(parts), disjunction


@pytest.mark.attack("FS-03")
@pytest.mark.parametrize("late", range(4), ids=["A0", "B0", "A1", "B1"])
def test_every_membership_commitment_must_be_hashed(late: int) -> None:
    """A simulator that sets one commitment last proves what is false, unless it is in the challenge."""
    ciphertext, commitments, disjunction = simulate_bit(late)
    opened = ciphertext.betas - vartime_multiply(ciphertext.alphas, [KEY_SECRET])
    e = ballot_challenge(ciphertext.encode(), commitments.encode())
    challenged = Disjunction.complete(BOTH, e, disjunction.challenges[:1], disjunction.responses)

    assert opened not in (Elements.identity(), BASE)
    verify_membership(ciphertext, commitments, disjunction, KEY)
    with pytest.raises(InvalidProofError):
        verify_membership(ciphertext, commitments, challenged, KEY)
    claim = MembershipClaim(Elements.concat([ciphertext.alphas, ciphertext.betas, commitments]), challenged)
    assert find_invalid([claim], KEY) == [0]


@pytest.mark.attack("FS-03")
def test_the_commitment_of_ownership_must_be_hashed() -> None:
    """Whoever sets T last signs a ballot for any credential."""
    S, z = vartime_multiply_base(random()), random()[0]
    for T_hashed in (False, True):
        e = ballot_challenge(b"", b"", S=S)
        T = vartime_multiply_base([z]) - vartime_multiply(S, [e])
        e = ballot_challenge(b"", b"", T, S) if T_hashed else e
        claim = OwnershipClaims(Elements.concat([S, T]), *map(PublicScalars.from_ints, ([z], [e])))
        assert find_invalid([claim], KEY) == ([0] if T_hashed else [])


def knowledge_context(X: Elements) -> tuple[bytes | int, ...]:
    """Return the fields of the label `ceremony-secret` before R."""
    return (bytes(32), 1, 3, 2, 2, bytes(32), X.encode(), BASE.encode())


@pytest.mark.attack("FS-03")
def test_the_commitment_of_a_proof_of_knowledge_must_be_hashed() -> None:
    """With R set last, R = z·G − c·X, anyone knows the logarithm of anything."""
    X, z = vartime_multiply_base(random()), random()[0]
    context = knowledge_context(X)

    def weak_accepts(c: int) -> bool:
        return c == challenge("ceremony-secret", *context, bytes(32))

    c = challenge("ceremony-secret", *context, bytes(32))
    assert weak_accepts(c)
    with pytest.raises(InvalidProofError):
        verify_knowledge("ceremony-secret", context, X, Scalars.from_ints([c, z]).encode())


def equality_context(X: Elements, H: Elements, D: Elements) -> tuple[bytes | int, ...]:
    """Return the fields of the label `decryption` before A."""
    return (bytes(32), bytes(64), 1, X.encode(), 1, 1, H.encode(), D.encode())


@pytest.mark.attack("FS-03")
@pytest.mark.parametrize("late", ["A", "B"])
def test_both_commitments_of_a_proof_of_equality_must_be_hashed(late: str) -> None:
    """With A or B set last, a false decryption factor is proved by someone who knows one of the logarithms."""
    x, y, k = random(3)
    H = vartime_multiply_base(random())
    X, D = vartime_multiply_base([x]), vartime_multiply(H, [y])
    context = equality_context(X, H, D)
    A, B = vartime_multiply_base([k]), vartime_multiply(H, [k])

    def weak(A: Elements, B: Elements) -> int:
        unset = bytes(32)
        hashed = (unset, B.encode()) if late == "A" else (A.encode(), unset)
        return challenge("decryption", *context, *hashed)

    c = weak(A, B)
    z = (k + c * (y if late == "A" else x)) % ORDER
    rebuilt_A = vartime_multiply_base([z]) - vartime_multiply(X, [c])
    rebuilt_B = vartime_multiply(H, [z]) - vartime_multiply(D, [c])
    assert c == weak(rebuilt_A, rebuilt_B)
    with pytest.raises(InvalidProofError):
        verify_equality("decryption", context, H, X, D, Scalars.from_ints([c, z]).encode())


# --- weak Fiat–Shamir on decryption: the last ballot is made for the proof (B) ---


def test_a_challenge_without_the_ciphertext_lets_a_trustee_shift_the_count() -> None:
    """FS-02: the trustee votes last, with a nonce that makes its false factor fit; the tally is off by 1000."""
    x, a, b, delta = KEY_SECRET, *random(2), 1000
    others = encrypt(Scalars.from_ints([3]), Scalars.random(), KEY)
    A, B = vartime_multiply_base([a]), vartime_multiply(others.alphas, [a]) + vartime_multiply_base([b])
    c = weak_hash(A, B)
    r = (b + delta * c) * inverse(a) % ORDER
    tally = others + encrypt(Scalars.from_ints([0]), Scalars.from_ints([r]), KEY)
    D = vartime_multiply(tally.alphas, [x]) + vartime_multiply_base([delta])
    z = (a + c * x) % ORDER

    assert tally.betas - D == vartime_multiply_base([(3 - delta) % ORDER])
    rebuilt_A = vartime_multiply_base([z]) - vartime_multiply(KEY, [c])
    rebuilt_B = vartime_multiply(tally.alphas, [z]) - vartime_multiply(D, [c])
    assert c == weak_hash(rebuilt_A, rebuilt_B)
    context = equality_context(KEY, tally.alphas, D)
    with pytest.raises(InvalidProofError):
        verify_equality("decryption", context, tally.alphas, KEY, D, Scalars.from_ints([c, z]).encode())


# --- batch weights (C1, C2) ---


def owned(secret: int, e: int, error: int = 0) -> OwnershipClaims:
    """Return the claim of ownership of a ballot whose response is off by an error."""
    (t,) = random()
    elements = vartime_multiply_base([secret, t])
    response = (t + e * secret + error) % ORDER
    return OwnershipClaims(elements, *map(PublicScalars.from_ints, ([response], [e])))


def weak_batch_accepts(claims: list[OwnershipClaims], weights: list[int]) -> bool:
    """Add up all equations under weights that were known beforehand."""
    total = Elements.identity()
    for claim, weight in zip(claims, weights, strict=True):
        folded = claim.fold(PublicScalars.from_ints([weight]))
        terms = vartime_multiply(folded.elements, folded.coefficients).sum()
        total = total + terms + vartime_multiply_base(folded.base)
    return total.is_identity()[0]


@pytest.mark.attack("EN-08")
def test_errors_that_cancel_under_unit_weights_are_found() -> None:
    """C1: z1 + δ and z2 − δ."""
    forged = [owned(2, 3, 77), owned(5, 7, -77)]

    assert weak_batch_accepts(forged, [1, 1])
    assert find_invalid(forged, KEY) == [0, 1]
    with pytest.raises(ProtocolError):
        find_invalid(forged, KEY, lambda count: (b"\1" + bytes(15)) * (count // 16))


@pytest.mark.attack("EN-09")
def test_errors_made_for_foreseen_weights_are_found() -> None:
    """C2: z1 + 1 and z2 − w1/w2; only weights drawn after the responses find them."""

    def foreseen(count: int) -> bytes:
        return b"".join(number.to_bytes(16, "little") for number in range(5, 5 + count // 16))

    forged = [owned(2, 3, 1), owned(5, 7, -5 * inverse(6))]

    assert weak_batch_accepts(forged, [5, 6])
    assert find_invalid(forged, KEY, foreseen) == []
    assert find_invalid(forged, KEY) == [0, 1]


# --- randomness used twice (I, J) ---


@pytest.mark.attack("EN-06", "FS-17")
def test_two_ciphertexts_never_share_their_randomness() -> None:
    """I: with one r, β1 − β2 shows the difference of the votes; a single r for several values is refused."""
    r, values = Scalars.random(), Scalars.from_ints([1, 0])
    betas = KEY * r + multiply_base(values)

    assert betas[0] - betas[1] == BASE
    with pytest.raises(ValueError, match="do not go together"):
        encrypt(values, r, KEY)


def extracted(first: bytes, second: bytes) -> int:
    """Return x = (z1 − z2)/(c1 − c2), the secret if both proofs used one nonce."""
    (c1, z1), (c2, z2) = Scalars.decode(first).to_ints(), Scalars.decode(second).to_ints()
    return (z1 - z2) * inverse(c1 - c2) % ORDER


@pytest.mark.attack("FS-17", "OP-07")
def test_constant_randomness_does_not_give_away_a_share() -> None:
    """J: two proofs with one nonce give the trustee's secret; the trustee's nonces differ even without randomness."""
    secret, nonce = Scalars.from_ints([KEY_SECRET]), Scalars.random()
    bases = [vartime_multiply_base([7]), vartime_multiply_base([8])]
    contexts = [equality_context(KEY, H, H * secret) for H in bases]
    weak = [prove_equality("decryption", context, secret, H, nonce) for context, H in zip(contexts, bases, strict=True)]
    assert extracted(*weak) == KEY_SECRET

    proofs = []
    for name in (bytes(64), b"\1" * 64):
        body = partial_decrypt(
            ctx=bytes(32),
            tally_id=name,
            trustee=1,
            public_share=KEY,
            contest=1,
            aggregates=encrypt(Scalars.from_ints([1, 2]), Scalars.random(2), KEY),
            secret=secret,
            fresh=bytes(32),
        )
        proofs += [body.proofs[:64], body.proofs[64:]]
    pairs = [(first, second) for first in proofs for second in proofs if first != second]
    assert len(pairs) == 12
    assert all(extracted(*pair) != KEY_SECRET for pair in pairs)
