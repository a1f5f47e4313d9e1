"""From counted ballots to counts: encrypted aggregates, partial decryptions, and the numbers any t of them give.

    aggregate    Σ over classes of weight · Σ over counted ballots, per contest and option
    tally_id     binds the opening, the closing, the counted ballots and the aggregates
    decryption   a trustee's D = x_i·α per option, each with a proof of equality
    counts       β − Σ λ_i·D_i = count·G, by a bounded discrete logarithm

Nothing here takes a single ballot: what a trustee decrypts is an aggregate under its tally id.

Source: SPEC.md#tally.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from secballot.dlog import BoundedLog
from secballot.elgamal import Ciphertexts
from secballot.errors import NOBODY, NotEnoughSharesError, Party, RecordError, RefusalError, VerificationError, blaming
from secballot.group import ENCODED_BYTES, Elements, Scalars, multiply_base, vartime_multiply
from secballot.proofs.equality import prove_equality, verify_equality
from secballot.proofs.knowledge import PROOF_BYTES
from secballot.records.decryption import Decryption
from secballot.sharing import lagrange_at_zero
from secballot.transcript import digest

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from secballot.transcript import Field


class Shape(Protocol):
    """What a tally needs of a contest; `ballots.ContestShape` is one."""

    @property
    def options(self) -> Sequence[int]:
        """Return the largest value of each option."""
        ...

    @property
    def eligible(self) -> Collection[int]:
        """Return the classes that the contest is open to."""
        ...


def aggregate(
    contests: Sequence[Shape], sums: Mapping[int, Ciphertexts], weights: Mapping[int, int]
) -> tuple[Ciphertexts, ...]:
    """Return the encrypted tally of every contest of a poll, one ciphertext per option.

    Args:
        contests: all contests of the poll, in the order of the opening.
        sums: by class, the sum of its counted ballots: one ciphertext per option of the contests open to the class, in
            the order of the opening. A class without counted ballots may be left out.
        weights: the weight of every class of the manifest.

    Returns:
        Contests in order, those that nobody voted in included: they hold the identity.

    Raises:
        ValueError: a class's sum is longer or shorter than its contests; a bug of the caller.

    Source: SPEC.md#aggregates.
    """
    aggregates = [Ciphertexts.identity(len(contest.options)) for contest in contests]
    for class_index, ballots in sorted(sums.items()):
        own = [position for position, contest in enumerate(contests) if class_index in contest.eligible]
        due = sum(len(contests[position].options) for position in own)
        if due != len(ballots):
            raise ValueError(f"class {class_index} summed {len(ballots)} options instead of {due}")
        stop = 0
        for position in own:
            start, stop = stop, stop + len(contests[position].options)
            aggregates[position] += ballots[start:stop].scale(weights[class_index])
    return tuple(aggregates)


def tally_id(
    ctx: bytes, closing_leaf_hash: bytes, counted_leaf_hashes: Sequence[bytes], aggregates: Ciphertexts
) -> bytes:
    """Return the 64-byte name of one tally: of what was counted and what it came to, encrypted.

    Args:
        ctx: of the opening, 32 bytes.
        closing_leaf_hash: 32 bytes.
        counted_leaf_hashes: of the counted ballots in log order, 32 bytes each.
        aggregates: of all contests, concatenated in order.

    Source: SPEC.md#aggregates.
    """
    return digest("tally", ctx, closing_leaf_hash, b"".join(counted_leaf_hashes), aggregates.encode())


def partial_decrypt(
    *,
    ctx: bytes,
    tally_id: bytes,
    trustee: int,
    public_share: Elements,
    contest: int,
    aggregates: Ciphertexts,
    secret: Scalars,
    fresh: bytes,
) -> Decryption:
    """Return a trustee's decryption factors of one contest, proved right.

    Args:
        ctx: of the opening, 32 bytes.
        tally_id: of the tally that the trustee recomputed from the log, 64 bytes.
        trustee: the trustee's index.
        public_share: X_i of the ceremony.
        contest: the contest's index in the opening.
        aggregates: of this contest, recomputed from the log.
        secret: x_i, one scalar.
        fresh: 32 random bytes. Nonces also depend on the secret and on everything proved, so that even constant bytes
            here give no nonce twice.

    Raises:
        RefusalError: the secret does not belong to the public share; the log shows another ceremony.

    Source: SPEC.md#partial-decryption.
    """
    if multiply_base(secret) != public_share:
        raise RefusalError("the secret share does not belong to the public share of the log's ceremony")
    factors = aggregates.alphas * secret
    proofs = []
    for position in range(len(aggregates)):
        alpha, factor = aggregates.alphas[position], factors[position]
        context = _context(ctx, tally_id, trustee, public_share, contest, position + 1, alpha, factor)
        statement = digest("decryption", *context, bytes(ENCODED_BYTES), bytes(ENCODED_BYTES))
        nonce = Scalars.from_wide(digest("trustee-nonce", secret.encode(), fresh, statement))
        proofs.append(prove_equality("decryption", context, secret, alpha, nonce))
    return Decryption(contest=contest, ctx=ctx, factors=factors.encode(), proofs=b"".join(proofs), tally_id=tally_id)


def verify_decryption(
    *,
    ctx: bytes,
    tally_id: bytes,
    trustee: int,
    public_share: Elements,
    contest: int,
    aggregates: Ciphertexts,
    body: Decryption,
) -> Elements:
    """Check one trustee's decryption of one contest and return its factors D, one per option.

    Args:
        ctx: of the opening, 32 bytes.
        tally_id: of the poll, recomputed, 64 bytes.
        trustee: index of the signer.
        public_share: X_i of the ceremony.
        contest: the contest's index in the opening.
        aggregates: of this contest, recomputed; at least one option.
        body: what was posted.

    Raises:
        RecordError: TAL-03; it is for another tally or contest, or its sizes are not those of the contest.
        EncodingError: TAL-04; a factor or a scalar of a proof does not decode.
        InvalidProofError: TAL-04; a proof of equality does not verify. The culprit is always the trustee.

    Source: SPEC.md#partial-decryption; Chaum and Pedersen, CRYPTO '92, §3.2.
    """
    culprit = Party("trustee", trustee)
    # (TAL-03) this tally, and a factor and a proof for every option that there must be
    if (body.ctx, body.tally_id, body.contest) != (ctx, tally_id, contest):
        raise RecordError("the decryption is of another tally", check="TAL-03", culprit=culprit)
    options = len(aggregates)
    if len(body.factors) != ENCODED_BYTES * options or len(body.proofs) != PROOF_BYTES * options:
        raise RecordError(f"the decryption is not of {options} options", check="TAL-03", culprit=culprit)
    # (TAL-04) every factor is the trustee's share of the key times α
    with blaming("TAL-04", culprit):
        factors = Elements.decode(body.factors, allow_identity=True)
        for position in range(options):
            alpha, factor = aggregates.alphas[position], factors[position]
            context = _context(ctx, tally_id, trustee, public_share, contest, position + 1, alpha, factor)
            proof = body.proofs[position * PROOF_BYTES : (position + 1) * PROOF_BYTES]
            verify_equality("decryption", context, alpha, public_share, factor, proof)
    return factors


def count_bounds(
    maxima: Sequence[int], eligible: Collection[int], counted: Mapping[int, int], weights: Mapping[int, int]
) -> list[int]:
    """Return the largest count that each option of a contest could have.

    Args:
        maxima: largest value of each option in one ballot.
        eligible: the classes that the contest is open to.
        counted: counted ballots by class.
        weights: weight by class.

    Source: SPEC.md#counts.
    """
    weighted = sum(weights[index] * ballots for index, ballots in counted.items() if index in eligible)
    return [weighted * maximum for maximum in maxima]


def combine(
    threshold: int, factors: Mapping[int, Elements], aggregates: Ciphertexts, bounds: Sequence[int]
) -> tuple[int, ...]:
    """Return the count of every option of a contest, from the factors of any t trustees.

    Args:
        threshold: t, trustees needed, at least 1.
        factors: verified factors by trustee index, one per option; only the t lowest indices are used, since all give
            the same.
        aggregates: of this contest.
        bounds: largest possible count of each option.

    Raises:
        NotEnoughSharesError: fewer than t trustees.
        VerificationError: TAL-05; an option has no count from 0 to its bound. Nobody is to blame.
        ValueError: there is not one bound, and one factor of each trustee, for every option; a bug of the caller.

    Source: SPEC.md#counts.
    """
    if len(bounds) != len(aggregates):
        raise ValueError(f"{len(bounds)} bounds for {len(aggregates)} options")
    if threshold < 1 or len(factors) < threshold:
        message = f"{len(factors)} of the {threshold} decryptions needed"
        raise NotEnoughSharesError(message, needed=threshold, got=len(factors))
    indices = sorted(factors)[:threshold]
    # M = β − Σ λ_i·D_i
    opened = aggregates.betas
    for index, coefficient in zip(indices, lagrange_at_zero(indices), strict=True):
        if len(factors[index]) != len(aggregates):
            raise ValueError(f"{len(factors[index])} factors for {len(aggregates)} options")
        opened -= vartime_multiply(factors[index], [coefficient] * len(aggregates))
    # M = count·G for exactly one count within the bound, or the ballots were not what they proved
    counts = []
    for position, bound in enumerate(bounds):
        try:
            counts.append(BoundedLog(bound).solve(opened[position]))
        except VerificationError as error:
            message = f"option {position + 1} has no count from 0 to {bound}"
            raise VerificationError(message, check="TAL-05", culprit=NOBODY) from error
    return tuple(counts)


def _context(  # noqa: PLR0917  # the fields of the label, in its order
    ctx: bytes,
    tally_id: bytes,
    trustee: int,
    public_share: Elements,
    contest: int,
    option: int,
    alpha: Elements,
    factor: Elements,
) -> Sequence[Field]:
    """Return the fields of the label `decryption` before A (SPEC.md#hash)."""
    return (ctx, tally_id, trustee, public_share.encode(), contest, option, alpha.encode(), factor.encode())
