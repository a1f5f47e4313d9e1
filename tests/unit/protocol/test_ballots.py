"""Ballots judged by themselves: every stateless check, its place in the order, and batches that agree with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secballot import blind
from secballot.elgamal import Ciphertexts
from secballot.errors import NOBODY, ProtocolError, SecballotError
from secballot.group import ORDER, Scalars, multiply_base
from secballot.protocol.ballots import (
    BallotContext,
    ContestShape,
    ballot_entry_size,
    check_ballot,
    check_ballots,
    credential_digest,
)
from secballot.records.ballot import BALLOT, Ballot, BallotContest
from secballot.records.entry import encode_unsigned
from tests.sealed_ballots import (
    JOINT_SECRET,
    ONE_OF_THREE,
    REGISTRARS,
    SCORES,
    make_context,
    never_known,
    own,
    seal_sample,
)

if TYPE_CHECKING:
    from secballot.blind import BlindPublicKey

CONTEXT = make_context(ONE_OF_THREE, SCORES)
GOOD = seal_sample(CONTEXT, ((0, 1, 0), (2, 1))).cast()
OTHER = seal_sample(CONTEXT, ((0, 0, 0), (0, 3)), number=2).cast()

NOT_SCALAR = ORDER.to_bytes(32, "little")
NOT_ELEMENT = bytes([255]) * 32
IDENTITY = bytes(32)


def replace(ballot: Ballot, **fields: object) -> Ballot:
    """Return the ballot with other fields."""
    return msgspec.structs.replace(ballot, **fields)


def put(ballot: Ballot, contest: int, field: str, at: int, value: bytes) -> Ballot:
    """Return the ballot with one 32-byte value of a contest's string overwritten."""
    contests = list(ballot.contests)
    data: bytes = getattr(contests[contest], field)
    start = 32 * at if at >= 0 else len(data) + 32 * at
    contests[contest] = msgspec.structs.replace(contests[contest], **{field: data[:start] + value + data[start + 32 :]})
    return replace(ballot, contests=tuple(contests))


def taken(contest: int, field: str, at: int) -> bytes:
    """Return the value that the other ballot has in this place."""
    data: bytes = getattr(OTHER.contests[contest], field)
    return data[32 * at :][:32] if at >= 0 else data[len(data) + 32 * at :][:32]


def flip(data: bytes, at: int) -> bytes:
    """Return the data with one bit turned."""
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def verdict(context: BallotContext, ballot: Ballot) -> SecballotError | None:
    """Return what the single check raises."""
    try:
        check_ballot(context, ballot, known_credential=never_known)
    except SecballotError as error:
        return error
    return None


def described(outcome: object) -> tuple[object, ...]:
    """Return what two verdicts must have in common."""
    if isinstance(outcome, SecballotError):
        return type(outcome), outcome.check, outcome.culprit, outcome.message
    assert isinstance(outcome, Ciphertexts)
    return (outcome.encode(),)


MUTANTS: dict[str, tuple[str, Ballot]] = {
    "of another poll": ("BAL-01", replace(GOOD, ctx=bytes(32))),
    "of a class that does not exist": ("BAL-06", replace(GOOD, class_index=3)),
    "without a contest": ("BAL-06", replace(GOOD, contests=GOOD.contests[:1])),
    "with a contest twice": ("BAL-06", replace(GOOD, contests=(*GOOD.contests, GOOD.contests[0]))),
    "with contests in another order": ("BAL-06", replace(GOOD, contests=GOOD.contests[::-1])),
    "of one registrar": ("BAL-06", replace(GOOD, randomizers=GOOD.randomizers[:32], signatures=GOOD.signatures[:384])),
    "with a credential that is no element": ("BAL-07", replace(GOOD, credential=NOT_ELEMENT)),
    "of the identity as credential": ("BAL-07", replace(GOOD, credential=IDENTITY)),
    "with the identity as T": ("BAL-07", replace(GOOD, commitment=IDENTITY)),
    "with z not below the order": ("BAL-07", replace(GOOD, response=NOT_SCALAR)),
    "with a turned bit in the first signature": ("BAL-08", replace(GOOD, signatures=flip(GOOD.signatures, 100))),
    "with a turned bit in the last signature": ("BAL-08", replace(GOOD, signatures=flip(GOOD.signatures, -100))),
    "with a turned bit in a randomizer": ("BAL-08", replace(GOOD, randomizers=flip(GOOD.randomizers, 40))),
    "with the other's credential key": ("BAL-08", replace(GOOD, credential=OTHER.credential)),
    "with the registrars' signatures swapped": (
        "BAL-08",
        replace(GOOD, signatures=GOOD.signatures[384:] + GOOD.signatures[:384]),
    ),
    "with another T": ("BAL-09", replace(GOOD, commitment=OTHER.commitment)),
    "with another z": ("BAL-09", replace(GOOD, response=OTHER.response)),
    "with another sequence": ("BAL-09", replace(GOOD, sequence=1)),
    "with another previous": ("BAL-09", replace(GOOD, previous=bytes([1]) * 32)),
    "with another tag": ("BAL-09", replace(GOOD, tag="3164225164")),
    "with another α": ("BAL-09", put(GOOD, 0, "ciphertexts", 0, taken(0, "ciphertexts", 0))),
    "with another A of an option": ("BAL-09", put(GOOD, 0, "commitments", 0, taken(0, "commitments", 0))),
    "with another B of a sum": ("BAL-09", put(GOOD, 1, "commitments", -1, taken(1, "commitments", -1))),
    "with a challenge not below the order": ("BAL-10", put(GOOD, 0, "challenges", 2, NOT_SCALAR)),
    "with a response not below the order": ("BAL-10", put(GOOD, 1, "responses", -1, NOT_SCALAR)),
    "with an α that is no element": ("BAL-11", own(CONTEXT, put(GOOD, 0, "ciphertexts", 2, NOT_ELEMENT))),
    "with the identity as β": ("BAL-11", own(CONTEXT, put(GOOD, 1, "ciphertexts", 1, IDENTITY))),
    "with the identity as A of an option": ("BAL-11", own(CONTEXT, put(GOOD, 1, "commitments", 4, IDENTITY))),
    "with the identity as B of a sum": ("BAL-11", own(CONTEXT, put(GOOD, 0, "commitments", -1, IDENTITY))),
    "with a new T and old proofs": ("BAL-12", own(CONTEXT, GOOD)),
    "with another challenge of an option": ("BAL-12", put(GOOD, 0, "challenges", 0, taken(0, "challenges", 0))),
    "with another response of an option": ("BAL-12", put(GOOD, 1, "responses", 0, taken(1, "responses", 0))),
    "with another challenge of a sum": ("BAL-13", put(GOOD, 1, "challenges", -1, taken(1, "challenges", -1))),
    "with another response of a sum": ("BAL-13", put(GOOD, 0, "responses", -1, taken(0, "responses", -1))),
}
"""What is wrong with a ballot, the check that says so, and the ballot."""


def test_a_good_ballot_gives_its_ciphertexts() -> None:
    """The returned ciphertexts decrypt to the choices, in the order of contests and options."""
    ciphertexts = check_ballot(CONTEXT, GOOD, known_credential=never_known)
    assert ciphertexts.encode() == b"".join(contest.ciphertexts for contest in GOOD.contests)
    plain = ciphertexts.betas - ciphertexts.alphas * Scalars.from_ints([JOINT_SECRET])
    assert plain == multiply_base(Scalars.from_ints([0, 1, 0, 2, 1]))


@pytest.mark.parametrize("name", MUTANTS)
def test_the_first_failing_check_is_the_reason(name: str) -> None:
    """Each fault is found by its own check, and nobody is blamed: whoever posted the ballot is not known."""
    check, mutant = MUTANTS[name]
    error = verdict(CONTEXT, mutant)
    assert error is not None
    assert (error.check, error.culprit) == (check, NOBODY)


@pytest.mark.parametrize("field", ["ciphertexts", "commitments", "challenges", "responses"])
@pytest.mark.parametrize("change", [-32, -1, 1, 32, 64])
def test_every_string_has_one_size(field: str, change: int) -> None:
    """A value more or less, of any kind and in any contest, is BAL-06 before anything is decoded."""
    for number in range(2):
        data: bytes = getattr(GOOD.contests[number], field)
        longer = data + bytes(change) if change > 0 else data[:change]
        contests = list(GOOD.contests)
        contests[number] = msgspec.structs.replace(contests[number], **{field: longer})
        error = verdict(CONTEXT, replace(GOOD, contests=tuple(contests)))
        assert error is not None
        assert error.check == "BAL-06"


def test_a_class_without_a_contest_has_no_ballot() -> None:
    """A poll that is open to class 1 only takes no ballot of class 2, not even an empty one."""
    context = make_context(SCORES)
    ballot = seal_sample(context, ((1, 0),)).cast()
    for contests in (ballot.contests, ()):
        error = verdict(context, replace(ballot, class_index=2, contests=contests))
        assert error is not None
        assert error.check == "BAL-06"


def test_a_class_that_does_not_exist_has_no_contests() -> None:
    """Not even those that would name it as eligible."""
    context = make_context(ContestShape(options=(1,), sum_minimum=0, sum_maximum=1, eligible=frozenset({1, 9})))
    assert context.shapes(9) == ()
    assert context.shapes(1) == context.contests
    assert context.layout(9).shapes == ()


def test_a_ballot_answers_only_the_contests_of_its_class() -> None:
    """Class 2 votes in the first contest only, and its ballot is good."""
    ballot = seal_sample(CONTEXT, ((1, 0, 0),), class_index=2).cast()
    assert len(ballot.contests) == 1
    assert verdict(CONTEXT, ballot) is None


def test_a_batch_of_every_mutant_gives_every_single_verdict() -> None:
    """All faults at once among good ballots: each is found, with the reason of the single check."""
    mixed = [ballot for _, mutant in MUTANTS.values() for ballot in (mutant, GOOD, OTHER)]
    found = check_ballots(CONTEXT, mixed, known_credential=never_known)
    assert [described(one) for one in found[1::3]] == [(check_bytes(GOOD),)] * len(MUTANTS)
    assert [described(one) for one in found[2::3]] == [(check_bytes(OTHER),)] * len(MUTANTS)
    assert [described(one) for one in found[::3]] == [described(verdict(CONTEXT, one)) for one in mixed[::3]]


def check_bytes(ballot: Ballot) -> bytes:
    """Return the ciphertexts of a ballot as it posts them."""
    return b"".join(contest.ciphertexts for contest in ballot.contests)


NAMES = sorted(MUTANTS)


@pytest.mark.attack("EN-10")
@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([*NAMES, "good"]), st.sampled_from([*NAMES, "good"])), max_size=5))
def test_batch_and_single_agree_on_ballots_with_one_or_two_faults(faults: list[tuple[str, str]]) -> None:
    """Whatever is mixed, and whichever of two faults comes first, both paths give the same first reason."""
    block = [combine(first, second) for first, second in faults]
    found = check_ballots(CONTEXT, block, known_credential=never_known)
    assert len(found) == len(block)
    for ballot, outcome in zip(block, found, strict=True):
        alone = verdict(CONTEXT, ballot)
        if alone is None:
            assert described(outcome) == (check_bytes(ballot),)
        else:
            assert described(outcome) == described(alone)


def combine(first: str, second: str) -> Ballot:
    """Return a ballot that has the fields in which either mutant differs from the good ballot."""
    ballot = GOOD
    for name in (first, second):
        mutant = MUTANTS[name][1] if name in MUTANTS else GOOD
        for field in Ballot.__struct_fields__:
            value = getattr(mutant, field)
            if field == "contests" and len(value) == len(ballot.contests):
                value = tuple(map(merge, ballot.contests, value, GOOD.contests))
            if value != getattr(GOOD, field):
                ballot = replace(ballot, **{field: value})
    return ballot


def merge(changed: BallotContest, mutant: BallotContest, good: BallotContest) -> BallotContest:
    """Return the contest with the strings in which the mutant differs from the good one."""
    fields = {name: getattr(mutant, name) for name in BallotContest.__struct_fields__}
    return msgspec.structs.replace(
        changed, **{name: value for name, value in fields.items() if value != getattr(good, name)}
    )


def test_every_scalar_is_read_in_one_way_only() -> None:
    """Challenges and responses + ℓ satisfy every equation, and are refused as another spelling, wherever they stand."""
    for number, contest in enumerate(GOOD.contests):
        for field in ("challenges", "responses"):
            data: bytes = getattr(contest, field)
            for at in range(len(data) // 32):
                value = int.from_bytes(data[32 * at : 32 * at + 32], "little") + ORDER
                error = verdict(CONTEXT, put(GOOD, number, field, at, value.to_bytes(32, "little")))
                assert error is not None
                assert error.check == "BAL-10"
    z = int.from_bytes(GOOD.response, "little") + ORDER
    error = verdict(CONTEXT, replace(GOOD, response=z.to_bytes(32, "little")))
    assert error is not None
    assert error.check == "BAL-07"


@pytest.mark.attack("PA-09")
def test_a_known_credential_is_not_verified_again() -> None:
    """`known_credential` spares the registrars' signatures and nothing else."""
    asked: list[bytes] = []

    def known(digest: bytes) -> bool:
        asked.append(digest)
        return True

    forged = own(CONTEXT, replace(GOOD, signatures=flip(GOOD.signatures, 5)))
    with pytest.raises(SecballotError) as caught:
        check_ballot(CONTEXT, forged, known_credential=known)
    assert caught.value.check == "BAL-12"
    assert asked == [credential_digest(forged)]
    assert verdict(CONTEXT, forged).check == "BAL-08"  # type: ignore[union-attr]


def test_revotes_in_a_batch_verify_their_credential_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three ballots of one credential cost the signatures of one; a changed signature is verified and refused."""
    revotes = [seal_sample(CONTEXT, ((0, 0, 0), (1, 0)), sequence=number).cast() for number in range(3)]
    calls: list[bytes] = []
    real = blind.verify

    def verify(key: BlindPublicKey, message: bytes, signature: bytes) -> None:
        calls.append(signature)
        real(key, message, signature)

    monkeypatch.setattr(blind, "verify", verify)
    found = check_ballots(CONTEXT, revotes, known_credential=never_known)
    assert not any(isinstance(outcome, SecballotError) for outcome in found)
    assert len(calls) == REGISTRARS
    forged = replace(revotes[1], signatures=flip(revotes[1].signatures, 3))
    outcome = check_ballots(CONTEXT, [revotes[0], forged], known_credential=never_known)[1]
    assert isinstance(outcome, SecballotError)
    assert outcome.check == "BAL-08"


def test_the_credential_digest_tells_poll_class_and_every_byte_apart() -> None:
    """What is known of a credential in one poll or class says nothing of another."""
    variants = [
        GOOD,
        replace(GOOD, ctx=bytes(32)),
        replace(GOOD, class_index=2),
        replace(GOOD, credential=OTHER.credential),
        replace(GOOD, randomizers=flip(GOOD.randomizers, 0)),
        replace(GOOD, signatures=flip(GOOD.signatures, 0)),
        replace(GOOD, randomizers=GOOD.randomizers + GOOD.signatures[:32], signatures=GOOD.signatures[32:]),
    ]
    assert len({credential_digest(ballot) for ballot in variants}) == len(variants)
    assert credential_digest(GOOD) == credential_digest(replace(GOOD, sequence=4, tag="1" * 10))


@pytest.mark.attack("EN-09")
@pytest.mark.parametrize("draw", [bytes, lambda size: bytes([1]) * size, lambda size: b"\1" * (size - 1)])
def test_a_broken_source_of_weights_gives_no_verdict(draw: object) -> None:
    """Zero, repeated or missing randomness stops the batch; it does not accept or exclude anybody."""
    with pytest.raises(ProtocolError):
        check_ballots(CONTEXT, [GOOD], known_credential=never_known, draw=draw)  # type: ignore[arg-type]


def test_no_ballots_have_no_verdicts() -> None:
    """An empty block is an empty list."""
    assert check_ballots(CONTEXT, [], known_credential=never_known) == []


SHAPES = st.builds(
    lambda options, low, width: ContestShape(
        options=tuple(options),
        sum_minimum=min(low, sum(options) - 1),
        sum_maximum=min(sum(options), min(low, sum(options) - 1) + 1 + width),
        eligible=frozenset({1}),
    ),
    st.lists(st.integers(1, 4), min_size=1, max_size=4),
    st.integers(0, 3),
    st.integers(0, 3),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(SHAPES, min_size=1, max_size=3), st.data())
def test_any_form_seals_to_good_ballots_of_one_predicted_size(shapes: list[ContestShape], data: st.DataObject) -> None:
    """Every admissible choice of every form verifies, and its entry has the size the opening was judged by."""
    context = make_context(*shapes)
    choices = tuple(data.draw(admissible(shape)) for shape in shapes)
    ballot = seal_sample(context, choices).cast()
    assert verdict(context, ballot) is None
    largest = replace(ballot, sequence=2**53 - 1)
    entry = encode_unsigned("ballot", BALLOT.encode(largest))
    assert len(entry) == ballot_entry_size(context.shapes(1), REGISTRARS, 1)
    assert len(encode_unsigned("ballot", BALLOT.encode(replace(largest, class_index=16)))) == ballot_entry_size(
        context.shapes(1), REGISTRARS, 16
    )


@st.composite
def admissible(draw: st.DrawFn, shape: ContestShape) -> tuple[int, ...]:
    """Draw values whose sum is within the limits."""
    total = draw(st.integers(shape.sum_minimum, shape.sum_maximum))
    values = [0] * len(shape.options)
    for _ in range(total):
        free = [at for at, value in enumerate(values) if value < shape.options[at]]
        values[draw(st.sampled_from(free))] += 1
    return tuple(values)
