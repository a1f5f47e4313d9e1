"""What is refused of ballots, of choices and tags that are typed, and of opened ballots.

See `tests.adversary.refusals`.
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Final

import msgspec

from secballot.errors import SecballotError
from secballot.group import ORDER, PublicScalars, Scalars, multiply_base
from secballot.protocol.ballot_encryption import check_choices
from secballot.protocol.ballot_layout import ballot_fields
from secballot.protocol.ballot_proof import decode_elements, decode_public, decode_scalars
from secballot.protocol.ballots import check_ballot, check_ballots, check_block
from secballot.protocol.casting import check_tag
from secballot.protocol.opened import OpenedBallot, check_opened, check_opened_by_short
from secballot.protocol.short_tracker import read_short_tracker
from secballot.transcript import challenge
from tests.adversary.refusals import refuses
from tests.adversary.refusals_of_parts import BAD_SCALARS, ZERO, bad_points, of_bytes
from tests.sealed_ballots import ONE_OF_THREE, make_context, never_known, seal_sample
from tests.simulator import TAGS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from secballot.protocol.ballots import BallotContext
    from secballot.records.ballot import Ballot
    from tests.adversary.refusals import Attempt

replace: Final = msgspec.structs.replace
CHOICES: Final = ((0, 1, 0),)


@cache
def sample() -> tuple[BallotContext, Ballot]:
    """Return a poll and a good ballot of it."""
    context = make_context(ONE_OF_THREE)
    ballot = seal_sample(context, CHOICES).cast()
    check_ballot(context, ballot, known_credential=never_known)
    return context, ballot


def bad_ballots() -> list[Ballot]:
    """Return ballots with one fault each."""
    _, good = sample()
    (contest,) = good.contests
    contests = [
        *(replace(contest, ciphertexts=bad + contest.ciphertexts[32:]) for bad in bad_points()),
        *(replace(contest, commitments=contest.commitments[:-32] + bad) for bad in bad_points()),
        *(replace(contest, responses=bad + contest.responses[32:]) for bad in BAD_SCALARS),
        *(replace(contest, challenges=bad + contest.challenges[32:]) for bad in BAD_SCALARS),
        replace(contest, ciphertexts=contest.ciphertexts[64:] + contest.ciphertexts[:64]),
        replace(contest, responses=contest.responses[32:] + contest.responses[:32]),
        replace(contest, responses=contest.responses[:-32]),
        replace(contest, commitments=contest.commitments + ZERO),
    ]
    return [
        *(replace(good, contests=(item,)) for item in contests),
        *(replace(good, credential=bad) for bad in bad_points()),
        *(replace(good, commitment=bad) for bad in bad_points()),
        *(replace(good, response=bad) for bad in (*BAD_SCALARS, ZERO)),
        replace(good, contests=()),
        replace(good, contests=good.contests * 2),
        replace(good, class_index=2),
        replace(good, class_index=9),
        replace(good, sequence=1),
        replace(good, previous=b"\1" * 32),
        replace(good, tag=TAGS[1]),
        replace(good, ctx=ZERO),
        replace(good, signatures=good.signatures[384:] + good.signatures[:384]),
        replace(good, signatures=good.signatures[384:]),
        replace(good, randomizers=good.randomizers[32:] + good.randomizers[:32]),
    ]


@refuses("protocol.ballots:check_ballot", "protocol.ballots:check_ballots", "protocol.ballots:check_block")
def _ballots() -> Sequence[Attempt]:
    context, good = sample()

    def in_a_batch(bad: Ballot) -> None:
        first, verdict = check_ballots(context, [good, bad], known_credential=never_known)
        if isinstance(first, SecballotError):
            raise KeyError("a good ballot was refused beside a bad one")
        if isinstance(verdict, SecballotError):
            raise verdict

    def in_a_block(bad: Ballot) -> None:
        verdict = check_block(context, [bad, good], known_credential=never_known)
        if list(verdict.errors) != [0]:
            raise KeyError("a good ballot was refused beside a bad one, or the bad one was not")
        raise verdict.errors[0]

    bad = bad_ballots()
    return [
        *(partial(check_ballot, context, item, known_credential=never_known) for item in bad),
        *(partial(in_a_batch, item) for item in bad),
        *(partial(in_a_block, item) for item in bad),
        partial(check_ballot, make_context(ONE_OF_THREE, poll=2), good, known_credential=never_known),
        partial(check_ballot, make_context(ONE_OF_THREE, opening=b"other"), good, known_credential=never_known),
    ]


@refuses(
    "protocol.ballot_proof:decode_public",
    "protocol.ballot_proof:decode_scalars",
    "protocol.ballot_proof:decode_elements",
    "protocol.ballot_proof:ContestsClaims.check",
)
def _ballot_proofs() -> Sequence[Attempt]:
    from secballot.protocol.ballot_proof import ContestsClaims  # noqa: PLC0415

    context, good = sample()
    layout, (contest,) = context.layout(1), good.contests
    e = challenge("ballot", *ballot_fields(context, good), good.commitment)
    claim, other = (
        ContestsClaims.complete(layout, decode_elements(good), decode_scalars(good), PublicScalars.from_ints([used]))
        for used in (e, (e + 1) % ORDER)
    )
    for sums in (False, True):
        claim.check(context.joint_key, sums=sums)
    scalars = [replace(contest, responses=bad + contest.responses[32:]) for bad in BAD_SCALARS]
    encodings = [replace(contest, ciphertexts=bad + contest.ciphertexts[32:]) for bad in bad_points()]
    return [
        *(partial(decode_public, bad) for bad in (*BAD_SCALARS, bytes(31), bytes(33))),
        *(partial(decode_scalars, replace(good, contests=(item,))) for item in scalars),
        *(partial(decode_elements, replace(good, contests=(item,))) for item in encodings),
        *(partial(other.check, context.joint_key, sums=sums) for sums in (False, True)),
        *(partial(claim.check, multiply_base(Scalars.from_ints([5])), sums=sums) for sums in (False, True)),
    ]


@refuses(
    "protocol.ballot_encryption:check_choices",
    "protocol.casting:check_tag",
    "protocol.short_tracker:read_short_tracker",
)
def _typed() -> Sequence[Attempt]:
    layout = sample()[0].layout(1)
    choices = ((), ((),), ((1, 1, 0),), ((2, 0, 0),), ((-1, 1, 0),), ((0, 0),), ((0, 0, 0), (0, 0, 0)))
    tags = (
        "",
        "1",
        "1111111111",
        "1234561234",
        "316422516",
        "31642251634",
        "316422516x",
        "\u0663164225163",
        "0123456789",
    )
    return [
        *(partial(check_choices, layout, item) for item in choices),
        *(partial(check_tag, tag) for tag in tags),
        *(partial(read_short_tracker, text) for text in ("", "a", "\u202e", "0" * 1_000, "-----", "!!!! !!!!")),
    ]


@refuses(
    "protocol.opened:OpenedBallot.decode",
    "protocol.opened:check_opened",
    "protocol.opened:check_opened_by_short",
)
def _opened() -> Sequence[Attempt]:
    context = sample()[0]
    sealed = seal_sample(context, CHOICES)
    opened, tracker = sealed.open(), sealed.tracker
    check_opened(context, opened, tracker)
    data = opened.encode()
    lies = [
        replace(opened, seed=ZERO),
        replace(opened, choices=((1, 0, 0),)),
        replace(opened, choices=((1, 1, 1),)),
        replace(opened, choices=()),
        replace(opened, tag=TAGS[1]),
        replace(opened, sequence=1),
        replace(opened, commitment=ZERO),
        replace(opened, ctx=ZERO),
    ]
    return [
        *of_bytes(OpenedBallot.decode, data[:-1], data + b"\n"),
        *(partial(check_opened, context, lie, tracker) for lie in lies),
        partial(check_opened, context, opened, ZERO),
        partial(check_opened, make_context(ONE_OF_THREE, opening=b"other"), opened, tracker),
        partial(check_opened_by_short, context, opened, "0000"),
        partial(check_opened_by_short, context, opened, ""),
    ]
