"""The equations of a ballot's proof, as claims that can be checked alone or with those of thousands of ballots.

A ballot claims, with its one challenge e,

    z·G = T + e·S                                                that its author knows the secret of the credential
    a membership proof per option, and one per contest's sum     that its values and sums are admitted

Everything here is public. Claims come as vectors: those of many ballots, one behind the other.

Source: SPEC.md#ballot-proof, SPEC.md#membership.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secballot.elgamal import Ciphertexts
from secballot.errors import EncodingError, InvalidProofError
from secballot.group import ENCODED_BYTES, Elements, PublicScalars
from secballot.proofs.batch import Folded
from secballot.proofs.membership import Disjunction, fold_branches, verify_membership

if TYPE_CHECKING:
    from collections.abc import Sequence

    from secballot.protocol.ballot_layout import BallotLayout
    from secballot.records.ballot import BallotWithoutResponse


def decode_public(data: bytes) -> PublicScalars:
    """Return the canonical scalars that stand one after the other, 32 bytes each.

    Raises:
        EncodingError: one of them is not below the group order or is cut short; `offset` is its index.

    Source: SPEC.md#group.
    """
    if len(data) % ENCODED_BYTES:
        raise EncodingError("the last scalar is cut short", offset=len(data) // ENCODED_BYTES)
    try:
        return PublicScalars.decode(data)
    except EncodingError as error:
        raise EncodingError("a scalar is not below the group order", offset=error.offset) from error


class OwnershipClaims:
    """The claims z·G = T + e·S of some ballots: whoever made one knows the secret of its credential S.

    Attributes:
        equations: 1 for each.
    """

    __slots__ = ("_challenges", "_pairs", "_responses")

    equations = 1

    def __init__(self, pairs: Elements, responses: PublicScalars, challenges: PublicScalars) -> None:
        """Hold the claims.

        Args:
            pairs: S and T of every ballot.
            responses: z of every ballot.
            challenges: e of every ballot.

        Raises:
            ValueError: they are not of the same number of ballots.
        """
        if not len(pairs) == 2 * len(responses) == 2 * len(challenges):
            raise ValueError("not two elements, one response and one challenge for each ballot")
        self._pairs = pairs
        self._responses = responses
        self._challenges = challenges

    def __len__(self) -> int:
        """Return the number of ballots."""
        return len(self._challenges)

    def __getitem__(self, key: slice) -> OwnershipClaims:
        """Return the claims of some ballots that follow each other."""
        start, stop, _ = key.indices(len(self))
        return OwnershipClaims(
            self._pairs[2 * start : 2 * stop], self._responses[start:stop], self._challenges[start:stop]
        )

    def fold(self, weights: PublicScalars) -> Folded:
        """Return the sum of weight·(T + e·S − z·G).

        Raises:
            ValueError: there is not one weight for each ballot.
        """
        if len(weights) != len(self):
            raise ValueError(f"{len(weights)} weights for {len(self)} equations")
        elements = Elements.concat([self._pairs[0::2], self._pairs[1::2]])
        coefficients = PublicScalars.concat([weights * self._challenges, weights])
        return Folded(elements, coefficients, -(weights * self._responses).sum(), PublicScalars.from_ints([0]))


class ContestsClaims:
    """The claims of all disjunctions of some ballots of one layout.

    Attributes:
        layout: the form of the ballots.
        elements: of every ballot α and β of every ciphertext, then A and B of every branch.
        equations: of each ballot, two per branch.
    """

    __slots__ = ("_challenges", "_responses", "elements", "equations", "layout")

    def __init__(
        self, layout: BallotLayout, elements: Elements, challenges: PublicScalars, responses: PublicScalars
    ) -> None:
        """Hold decoded elements and scalars: of every ballot one of each kind per branch.

        Raises:
            ValueError: there are other numbers of elements or responses than of challenges.
        """
        ballots = len(challenges) // layout.branches
        if len(responses) != layout.branches * ballots or len(elements) != layout.elements * ballots:
            raise ValueError("other numbers of elements or scalars than ballots of this form have")
        self.layout = layout
        self._challenges = challenges
        self._responses = responses
        self.elements = elements
        self.equations = 2 * layout.branches

    @classmethod
    def complete(
        cls, layout: BallotLayout, elements: Elements, scalars: PublicScalars, challenges: PublicScalars
    ) -> ContestsClaims:
        """Return the claims with the last challenge of each disjunction filled in: e − (c_1 + … + c_{b−1}).

        Args:
            layout: the form of the ballots.
            elements: of every ballot those of `decode_elements`.
            scalars: of every ballot those of `decode_scalars`.
            challenges: e of every ballot.

        Source: SPEC.md#membership.
        """
        count, sent, disjunctions = len(challenges), len(layout.sent_owners), len(layout.disjunctions)
        width = sent + layout.branches
        posted, responses = scalars.gather(range(sent), width), scalars.gather(range(sent, width), width)
        last = challenges.gather([0] * disjunctions, 1) - posted.scatter(layout.sent_owners, disjunctions)
        both = PublicScalars.side_by_side([posted, last], count)
        return cls(layout, elements, both.gather(layout.all_challenges, sent + disjunctions), responses)

    def __len__(self) -> int:
        """Return the number of ballots."""
        return len(self._challenges) // self.layout.branches

    def __getitem__(self, key: slice) -> ContestsClaims:
        """Return the claims of some ballots that follow each other."""
        start, stop, _ = key.indices(len(self))
        branches, width = self.layout.branches, self.layout.elements
        own = slice(branches * start, branches * stop)
        return ContestsClaims(
            self.layout, self.elements[width * start : width * stop], self._challenges[own], self._responses[own]
        )

    @property
    def ciphertexts(self) -> Ciphertexts:
        """Return the ciphertexts of all contests of the first ballot, in order."""
        pairs = self.elements[: 2 * self.layout.values]
        return Ciphertexts(pairs[0::2], pairs[1::2])

    def fold(self, weights: PublicScalars) -> Folded:
        """Return the weighted sum of all equations."""
        layout, count = self.layout, len(self)
        disjunctions = len(layout.disjunctions)
        alphas, betas, base, key = fold_branches(
            layout.owners, layout.branch_values, self._challenges, self._responses, weights, disjunctions
        )
        both = PublicScalars.side_by_side([alphas, betas], count)
        # A sum's disjunction is about α_1 + … + α_k, so every one of them gets its coefficient too.
        pairs = both.gather(layout.about_option, 2 * disjunctions) + both.gather(layout.about_sum, 2 * disjunctions)
        return Folded(self.elements, PublicScalars.side_by_side([pairs, weights], count), base, key)

    def check(self, key: Elements, *, sums: bool) -> None:
        """Check the disjunctions of all options of the only ballot, or those of all sums, equation by equation.

        Args:
            key: the joint key Y.
            sums: whether those of the sums are meant.

        Raises:
            InvalidProofError: one of them does not hold; the message names contest and option.
            ValueError: there is not exactly one ballot.

        Source: SPEC.md#ballot-proof.
        """
        if len(self) != 1:
            raise ValueError(f"{len(self)} ballots where one is checked")
        pairs = self.elements[2 * self.layout.values :]
        challenges, responses = self._challenges.to_ints(), self._responses.to_ints()
        for part in self.layout.disjunctions:
            if (part.option == 0) != sums:
                continue
            start, stop = part.branches.start, part.branches.stop
            disjunction = Disjunction(part.values, tuple(challenges[start:stop]), tuple(responses[start:stop]))
            ciphertext = self.ciphertexts[part.ciphertexts.start : part.ciphertexts.stop].sum()
            try:
                verify_membership(ciphertext, pairs[2 * start : 2 * stop], disjunction, key)
            except InvalidProofError as error:
                place = f"option {part.option}" if part.option else "sum"
                raise InvalidProofError(f"contest {part.contest} of the ballot, {place}: {error.message}") from error


def sum_ciphertexts(claims: Sequence[ContestsClaims]) -> Ciphertexts:
    """Return the sum of the ciphertexts of many ballots of one class, ciphertext by ciphertext.

    Args:
        claims: of one layout, at least one.

    Source: SPEC.md#aggregates.
    """
    layout = claims[0].layout
    joined = claims[0].elements if len(claims) == 1 else Elements.concat([own.elements for own in claims])
    # α and β of ciphertext i stand at 2·i and 2·i + 1 of every ballot.
    columns = [joined[position :: layout.elements].sum() for position in range(2 * layout.values)]
    return Ciphertexts(Elements.concat(columns[0::2]), Elements.concat(columns[1::2]))


def decode_scalars(ballot: BallotWithoutResponse) -> PublicScalars:
    """Return the challenges of a ballot as they were posted, then its responses.

    Raises:
        EncodingError: a challenge or response is not a canonical scalar.

    Source: SPEC.md#ballot-form, SPEC.md#membership.
    """
    strings = [contest.challenges for contest in ballot.contests]
    strings += [contest.responses for contest in ballot.contests]
    return decode_public(b"".join(strings))


def decode_elements(ballot: BallotWithoutResponse) -> Elements:
    """Return α and β of every ciphertext of a ballot, then A and B of every branch.

    Raises:
        EncodingError: one of them does not decode, or is the identity.

    Source: SPEC.md#ballot-form.
    """
    strings = [contest.ciphertexts for contest in ballot.contests]
    strings += [contest.commitments for contest in ballot.contests]
    return Elements.decode(b"".join(strings))
