"""The equations of a ballot's proof, as claims that can be checked alone or with those of thousands of ballots.

A ballot claims, with its one challenge e,

    z·G = T + e·S                                                that its author knows the secret of the credential
    a membership proof per option, and one per contest's sum     that its values and sums are admitted

Everything here is public, so challenges and responses are Python integers.

Source: SPEC.md#ballot-proof, SPEC.md#membership.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secballot.elgamal import Ciphertexts
from secballot.errors import EncodingError, InvalidProofError
from secballot.group import ENCODED_BYTES, ORDER, Elements
from secballot.proofs.membership import Disjunction, fold_branches, verify_membership

if TYPE_CHECKING:
    from collections.abc import Sequence

    from secballot.protocol.ballot_layout import BallotLayout
    from secballot.records.ballot import BallotWithoutResponse


def decode_integers(data: bytes) -> list[int]:
    """Return the canonical scalars that stand one after the other, 32 bytes each, as public integers.

    Raises:
        EncodingError: one of them is not below the group order or is cut short; `offset` is its index.

    Source: SPEC.md#group.
    """
    if len(data) % ENCODED_BYTES:
        raise EncodingError("the last scalar is cut short", offset=len(data) // ENCODED_BYTES)
    starts = range(0, len(data), ENCODED_BYTES)
    values = [int.from_bytes(data[start : start + ENCODED_BYTES], "little") for start in starts]
    if values and max(values) >= ORDER:
        index = next(index for index, value in enumerate(values) if value >= ORDER)
        raise EncodingError("a scalar is not below the group order", offset=index)
    return values


class OwnershipClaim:
    """The claim z·G = T + e·S of one ballot: whoever made it knows the secret of the credential S.

    Attributes:
        elements: S and T.
        equations: 1.
    """

    __slots__ = ("_e", "_response", "elements")

    equations = 1

    def __init__(self, elements: Elements, response: int, e: int) -> None:
        """Hold S and T, z, and the ballot's challenge."""
        self.elements = elements
        self._response = response
        self._e = e

    def fold(self, weights: Sequence[int]) -> tuple[list[int], int, int]:
        """Return the coefficients of S and T, of G and of Y in weight·(T + e·S − z·G)."""
        (weight,) = weights
        return [weight * self._e % ORDER, weight], -weight * self._response, 0


class ContestsClaim:
    """The claims of all disjunctions of one ballot.

    Attributes:
        elements: α and β of every ciphertext, then A and B of every branch.
        equations: two per branch.
    """

    __slots__ = ("_challenges", "_layout", "_responses", "elements", "equations")

    def __init__(self, layout: BallotLayout, elements: Elements, challenges: list[int], responses: list[int]) -> None:
        """Hold the decoded elements and scalars of a ballot of this layout: one of each kind per branch."""
        self._layout = layout
        self._challenges = challenges
        self._responses = responses
        self.elements = elements
        self.equations = 2 * layout.branches

    @property
    def layout(self) -> BallotLayout:
        """Return the form of the ballot."""
        return self._layout

    @property
    def ciphertexts(self) -> Ciphertexts:
        """Return the ciphertexts of all contests, in order."""
        pairs = self.elements[: 2 * self._layout.values]
        return Ciphertexts(pairs[0::2], pairs[1::2])

    def fold(self, weights: Sequence[int]) -> tuple[list[int], int, int]:
        """Return the coefficients of the elements, of G and of Y in the weighted sum of all equations."""
        layout = self._layout
        alphas, betas, base, key = fold_branches(
            layout.owners,
            layout.branch_values,
            self._challenges,
            self._responses,
            weights,
            len(layout.disjunctions),
        )
        coefficients: list[int] = []
        # A sum's disjunction is about α_1 + … + α_k, so every one of them gets its coefficient too.
        for option, total in layout.about:
            coefficients += ((alphas[option] + alphas[total]) % ORDER, (betas[option] + betas[total]) % ORDER)
        coefficients += weights
        return coefficients, base, key

    def check(self, key: Elements, *, sums: bool) -> None:
        """Check the disjunctions of all options, or those of all sums, equation by equation.

        Args:
            key: the joint key Y.
            sums: whether those of the sums are meant.

        Raises:
            InvalidProofError: one of them does not hold; the message names contest and option.

        Source: SPEC.md#ballot-proof.
        """
        pairs = self.elements[2 * self._layout.values :]
        for part in self._layout.disjunctions:
            if (part.option == 0) != sums:
                continue
            start, stop = part.branches.start, part.branches.stop
            disjunction = Disjunction(
                part.values, tuple(self._challenges[start:stop]), tuple(self._responses[start:stop])
            )
            ciphertext = self.ciphertexts[part.ciphertexts.start : part.ciphertexts.stop].sum()
            commitments = pairs[2 * part.branches.start : 2 * part.branches.stop]
            try:
                verify_membership(ciphertext, commitments, disjunction, key)
            except InvalidProofError as error:
                place = f"option {part.option}" if part.option else "sum"
                raise InvalidProofError(f"contest {part.contest} of the ballot, {place}: {error.message}") from error


def sum_ciphertexts(claims: Sequence[ContestsClaim]) -> Ciphertexts:
    """Return the sum of the ciphertexts of many ballots of one class, ciphertext by ciphertext.

    Args:
        claims: of one layout, at least one.

    Source: SPEC.md#aggregates.
    """
    width, values = len(claims[0].elements), claims[0].layout.values
    joined = Elements.concat([claim.elements for claim in claims])
    # α and β of ciphertext i stand at 2·i and 2·i + 1 of every ballot.
    columns = [joined[position::width].sum() for position in range(2 * values)]
    return Ciphertexts(Elements.concat(columns[0::2]), Elements.concat(columns[1::2]))


def decode_scalars(layout: BallotLayout, ballot: BallotWithoutResponse, e: int) -> tuple[list[int], list[int]]:
    """Return challenge and response of every branch of a ballot, the last challenge of each disjunction filled in.

    Raises:
        EncodingError: a challenge or response is not a canonical scalar.

    Source: SPEC.md#ballot-form, SPEC.md#membership.
    """
    sent = decode_integers(b"".join([contest.challenges for contest in ballot.contests]))
    responses = decode_integers(b"".join([contest.responses for contest in ballot.contests]))
    challenges: list[int] = []
    for part in layout.disjunctions:
        own = sent[part.challenges.start : part.challenges.stop]
        # c_b = e − (c_1 + … + c_{b−1})
        challenges += own
        challenges.append((e - sum(own)) % ORDER)
    return challenges, responses


def decode_elements(ballot: BallotWithoutResponse) -> Elements:
    """Return α and β of every ciphertext of a ballot, then A and B of every branch.

    Raises:
        EncodingError: one of them does not decode, or is the identity.

    Source: SPEC.md#ballot-form.
    """
    strings = [contest.ciphertexts for contest in ballot.contests]
    strings += [contest.commitments for contest in ballot.contests]
    return Elements.decode(b"".join(strings))
