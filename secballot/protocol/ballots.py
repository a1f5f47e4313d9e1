"""Judge ballots by themselves: the stateless checks BAL-06 to BAL-13, one ballot at a time or many at once.

A verdict depends on the poll and the ballot alone; what came before it in the log is for `secballot.record`. The
checks run in the order of SPEC.md#admission, and a ballot's reason is the first that fails:

- BAL-06 sizes, BAL-07 credential, T and z decode, BAL-08 the registrars' signatures;
- BAL-09 z·G = T + e·S: only the owner of the credential gets past this, and it costs two decodings;
- BAL-10, BAL-11 everything else decodes; BAL-12, BAL-13 the options' and sums' proofs hold.

`check_ballots` weighs and adds the equations of all ballots, finds those that fail, and lets the single check have the
last word on them: verdicts and reasons are those of `check_ballot`. `check_block` also adds up what was decoded.

Source: SPEC.md#admission, SPEC.md#ballot-proof.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from secballot import blind
from secballot.errors import NOBODY, EncodingError, InvalidProofError, RecordError, SecballotError, blaming
from secballot.group import ENCODED_BYTES, Elements, PublicScalars
from secballot.proofs.batch import find_invalid, first_false_equation
from secballot.protocol.ballot_layout import (
    RANDOMIZER_BYTES,
    SIGNATURE_BYTES,
    BallotContext,
    BallotLayout,
    ContestShape,
    ballot_challenge,
    ballot_entry_size,
    ballot_fields,
    credential_digest,
)
from secballot.protocol.ballot_proof import (
    ContestsClaims,
    OwnershipClaims,
    decode_elements,
    decode_public,
    decode_scalars,
    sum_ciphertexts,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from secballot.elgamal import Ciphertexts
    from secballot.records.ballot import Ballot

__all__ = [
    "BallotContext",
    "BallotLayout",
    "BlockVerdict",
    "ContestShape",
    "ballot_entry_size",
    "ballot_fields",
    "check_ballot",
    "check_ballots",
    "check_block",
    "credential_digest",
]


def check_ballot(context: BallotContext, ballot: Ballot, *, known_credential: Callable[[bytes], bool]) -> Ciphertexts:
    """Check a ballot by itself, equation by equation, and return its ciphertexts.

    This is the judge in doubt: every equation is checked exactly, without weights. `check_ballots` is faster, even for
    one ballot.

    Args:
        context: the poll that the ballot names.
        ballot: any ballot body.
        known_credential: tells of a `credential_digest` whether its registrars' signatures were verified before;
            they are not verified again.

    Returns:
        The decoded ciphertexts of all contests of the ballot's class, in order.

    Raises:
        RecordError: BAL-01 it names another poll, BAL-06 the class has no contest or a size is wrong.
        EncodingError: BAL-07, BAL-10 or BAL-11: something does not decode.
        InvalidSignatureError: BAL-08: a registrar's signature does not verify.
        InvalidProofError: BAL-09, BAL-12 or BAL-13: the credential's, an option's or a sum's proof does not hold.

    Source: SPEC.md#admission.
    """
    return _check_proof(context, _check_credential(context, ballot, known_credential)).ciphertexts


def check_ballots(
    context: BallotContext,
    ballots: Sequence[Ballot],
    *,
    known_credential: Callable[[bytes], bool],
    draw: Callable[[int], bytes] = os.urandom,
) -> list[Ciphertexts | SecballotError]:
    """Return for every ballot its ciphertexts, or the error that `check_ballot` raises for it.

    Args:
        context: the poll that the ballots name.
        ballots: one block; some hundreds make good use of the batch.
        known_credential: as in `check_ballot`.
        draw: gives so many bytes that nobody could foresee, for the weights of the batch.

    Raises:
        ProtocolError: `draw` is broken.

    Source: SPEC.md#admission.
    """
    errors, groups = _check_together(context, ballots, known_credential, draw)
    found: dict[int, Ciphertexts | SecballotError] = dict(errors)
    for group in groups:
        for number, position in enumerate(group.positions):
            found[position] = group.claims[number : number + 1].ciphertexts
    return [found[position] for position in range(len(ballots))]


@dataclass(frozen=True, slots=True)
class BlockVerdict:
    """What the stateless checks say of ballots that were verified together.

    Attributes:
        errors: position to the error that `check_ballot` raises for that ballot.
        sums: class to the sum of the ciphertexts of all its ballots that passed; no class without any.
    """

    errors: Mapping[int, SecballotError]
    sums: Mapping[int, Ciphertexts]


def check_block(
    context: BallotContext,
    ballots: Sequence[Ballot],
    *,
    known_credential: Callable[[bytes], bool],
    draw: Callable[[int], bytes] = os.urandom,
) -> BlockVerdict:
    """Return the verdicts of `check_ballots` and, from the elements decoded for them, the sums of those that passed.

    Args and errors are those of `check_ballots`.

    Source: SPEC.md#admission, SPEC.md#aggregates.
    """
    errors, groups = _check_together(context, ballots, known_credential, draw)
    by_class: dict[int, list[ContestsClaims]] = {}
    for group in groups:
        by_class.setdefault(group.class_index, []).append(group.claims)
    return BlockVerdict(errors, {class_index: sum_ciphertexts(own) for class_index, own in by_class.items()})


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A ballot that passed BAL-06 to BAL-08, and what its proof is checked against.

    Attributes:
        ballot: the ballot.
        layout: its form.
        digest: its `credential_digest`.
        challenge: e.
        pair: S and T.
        response: z, one scalar.
    """

    ballot: Ballot
    layout: BallotLayout
    digest: bytes
    challenge: int
    pair: Elements
    response: PublicScalars


@dataclass(frozen=True, slots=True)
class _Group:
    """Some ballots of one class, and what their contests claim.

    Attributes:
        class_index: the class.
        positions: of the ballots in their block.
        claims: one for each of them.
    """

    class_index: int
    positions: Sequence[int]
    claims: ContestsClaims


def _check_together(
    context: BallotContext,
    ballots: Sequence[Ballot],
    known_credential: Callable[[bytes], bool],
    draw: Callable[[int], bytes],
) -> tuple[dict[int, SecballotError], list[_Group]]:
    """Return by position the errors of ballots that fail, and the claims of those that hold."""
    # (1) BAL-06 to BAL-08, ballot by ballot; revotes share the signatures of a credential's first ballot
    candidates, errors = _check_credentials(context, ballots, known_credential)
    # (2) BAL-09 of all that are left: before anything else of a ballot costs a decoding
    stolen = set(find_invalid([_ownership(list(candidates.values()))], context.joint_key, draw))
    owned = {at: one for number, (at, one) in enumerate(candidates.items()) if number not in stolen}
    # (3) BAL-10 and BAL-11, ballot by ballot
    groups = _decode_groups(owned)
    # (4) BAL-12 and BAL-13 of all that decode
    holding = _without_invalid(groups, context.joint_key, draw)
    # (5) whatever fell out on the way is judged alone, in the order of the checks
    held = {position for group in holding for position in group.positions}
    for position, candidate in candidates.items():
        if position not in held:
            try:
                claims = _check_proof(context, candidate)
            except SecballotError as error:
                errors[position] = error
            else:
                holding.append(_Group(candidate.ballot.class_index, (position,), claims))
    return errors, holding


def _ownership(candidates: Sequence[_Candidate]) -> OwnershipClaims:
    """Return what BAL-09 is about: one claim for each candidate."""
    return OwnershipClaims(
        Elements.concat([candidate.pair for candidate in candidates]),
        PublicScalars.concat([candidate.response for candidate in candidates]),
        PublicScalars.from_ints([candidate.challenge for candidate in candidates]),
    )


def _decode_groups(candidates: Mapping[int, _Candidate]) -> list[_Group]:
    """Decode everything else of these ballots, and return class by class what the proofs of those that decode claim."""
    decoded: dict[int, list[tuple[int, Elements, PublicScalars]]] = {}
    for position, candidate in candidates.items():
        try:
            scalars, elements = decode_scalars(candidate.ballot), decode_elements(candidate.ballot)
        except SecballotError:
            continue
        decoded.setdefault(candidate.ballot.class_index, []).append((position, elements, scalars))
    return [
        _Group(
            class_index,
            [position for position, _, _ in own],
            ContestsClaims.complete(
                candidates[own[0][0]].layout,
                Elements.concat([elements for _, elements, _ in own]),
                PublicScalars.concat([scalars for _, _, scalars in own]),
                PublicScalars.from_ints([candidates[position].challenge for position, _, _ in own]),
            ),
        )
        for class_index, own in decoded.items()
    ]


def _without_invalid(groups: Sequence[_Group], key: Elements, draw: Callable[[int], bytes]) -> list[_Group]:
    """Return the groups without the ballots whose claims do not hold, having checked all of them in one batch."""
    invalid = set(find_invalid([group.claims for group in groups], key, draw))
    if not invalid:
        return list(groups)
    holding: list[_Group] = []
    numbers = count()
    for group in groups:
        holding += [
            _Group(group.class_index, (position,), group.claims[number : number + 1])
            for number, position in enumerate(group.positions)
            if next(numbers) not in invalid
        ]
    return holding


def _check_credential(context: BallotContext, ballot: Ballot, known_credential: Callable[[bytes], bool]) -> _Candidate:
    """Check BAL-06 to BAL-08, and take the ballot's challenge."""
    if ballot.ctx != context.ctx:
        raise RecordError("the ballot names another poll", check="BAL-01", culprit=NOBODY)
    layout = context.layout(ballot.class_index)
    _check_form(context, layout, ballot)
    with blaming("BAL-07", NOBODY):
        if {len(ballot.credential), len(ballot.commitment), len(ballot.response)} != {ENCODED_BYTES}:
            raise EncodingError("credential, commitment or response is not of 32 bytes")
        pair = Elements.decode(ballot.credential + ballot.commitment)
        response = decode_public(ballot.response)
    digest = credential_digest(ballot)
    if not known_credential(digest):
        with blaming("BAL-08", NOBODY):
            _check_signatures(context, ballot)
    return _Candidate(ballot, layout, digest, ballot_challenge(context, ballot), pair, response)


def _check_form(context: BallotContext, layout: BallotLayout, ballot: Ballot) -> None:
    """Check BAL-06: the class has contests, and every size is that of the form."""
    if not layout.shapes:
        raise RecordError("the ballot's class has no contest in the poll", check="BAL-06", culprit=NOBODY)
    if len(ballot.contests) != len(layout.shapes):
        raise RecordError("the ballot has other contests than its class", check="BAL-06", culprit=NOBODY)
    registrars = len(context.registrar_keys[ballot.class_index])
    if (
        len(ballot.randomizers) != RANDOMIZER_BYTES * registrars
        or len(ballot.signatures) != SIGNATURE_BYTES * registrars
        or not all(size.fit(contest) for size, contest in zip(layout.sizes, ballot.contests, strict=True))
    ):
        raise RecordError("a part of the ballot has another size than its form", check="BAL-06", culprit=NOBODY)


def _check_signatures(context: BallotContext, ballot: Ballot) -> None:
    """Check that every registrar signed the credential, for this registration, poll and class.

    Raises:
        InvalidSignatureError: one of the signatures does not verify.

    Source: SPEC.md#credentials.
    """
    keys = context.registrar_keys[ballot.class_index]
    messages = context.credential_messages(ballot.class_index, ballot.credential)
    for number, (public_key, message) in enumerate(zip(keys, messages, strict=True)):
        randomizer = ballot.randomizers[RANDOMIZER_BYTES * number : RANDOMIZER_BYTES * (number + 1)]
        signature = ballot.signatures[SIGNATURE_BYTES * number : SIGNATURE_BYTES * (number + 1)]
        blind.verify(public_key, blind.prepare(randomizer, message), signature)


def _check_proof(context: BallotContext, candidate: _Candidate) -> ContestsClaims:
    """Check BAL-09 to BAL-13, each equation by itself, and return the claim that holds."""
    if first_false_equation(_ownership([candidate]), context.joint_key) is not None:
        raise InvalidProofError(
            "the ballot's proof does not show its credential's secret", check="BAL-09", culprit=NOBODY
        )
    with blaming("BAL-10", NOBODY):
        scalars = decode_scalars(candidate.ballot)
    with blaming("BAL-11", NOBODY):
        elements = decode_elements(candidate.ballot)
    challenges = PublicScalars.from_ints([candidate.challenge])
    claim = ContestsClaims.complete(candidate.layout, elements, scalars, challenges)
    with blaming("BAL-12", NOBODY):
        claim.check(context.joint_key, sums=False)
    with blaming("BAL-13", NOBODY):
        claim.check(context.joint_key, sums=True)
    return claim


def _check_credentials(
    context: BallotContext, ballots: Sequence[Ballot], known_credential: Callable[[bytes], bool]
) -> tuple[dict[int, _Candidate], dict[int, SecballotError]]:
    """Return by position the ballots that pass BAL-06 to BAL-08, and the errors of those that do not."""
    candidates: dict[int, _Candidate] = {}
    errors: dict[int, SecballotError] = {}
    verified: set[bytes] = set()

    def is_known(digest: bytes) -> bool:
        return digest in verified or known_credential(digest)

    for position, ballot in enumerate(ballots):
        try:
            candidates[position] = candidate = _check_credential(context, ballot, is_known)
        except SecballotError as error:
            errors[position] = error
        else:
            verified.add(candidate.digest)
    return candidates, errors
