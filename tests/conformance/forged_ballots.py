"""Forged ballots: each ends the record of an open poll with six honest ones, and is excluded with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from secballot.blind import blind_sign, emsa_pss_encode, prepare
from secballot.elgamal import Ciphertexts
from secballot.group import ORDER, Elements
from secballot.protocol.registration import credential_message, key_id
from tests.adversary.ballot_forger import Forger, base, drawn, times
from tests.ballot_mutants import plus_one
from tests.conformance.drafts import Draft, forged_of
from tests.conformance.golden import open_poll
from tests.simulator import TAGS, resolution
from tests.stages import AGAINST, FOR, Stream, published_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from secballot.records.ballot import Ballot

    Fault = Callable[[Stream], Ballot]

replace = msgspec.structs.replace

ME = 3
"""The dishonest delegate; 0 to 2, 4 and 5 have voted, 0 twice."""

NON_CANONICAL = (2**255 - 18).to_bytes(32, "little")
NEGATIVE = (2**255 - 20).to_bytes(32, "little")
NOT_SQUARE = bytes([2]) + bytes(31)


def _mine(stream: Stream, seed: bytes = b"") -> Ballot:
    return stream.ballot(ME, (FOR,), seed=seed)


def _with(ballot: Ballot, **parts: bytes) -> Ballot:
    first, *rest = ballot.contests
    return replace(ballot, contests=(replace(first, **parts), *rest))


def _again(stream: Stream, who: int, **changes: object) -> Ballot:
    return stream.resign(who, replace(stream.ballot(who, (FOR,)), **changes))


def _forged(stream: Stream, values: list[int], **how: object) -> Ballot:
    forger = Forger(stream.poll().context, _mine(stream), values, **how)  # type: ignore[arg-type]  # its fields
    return stream.resign(ME, forger.prove())


def _copied(stream: Stream) -> Ballot:
    """Return the first delegate's contests under the credential of the dishonest one."""
    return stream.resign(ME, replace(_mine(stream), contests=stream.ballot(0, (AGAINST,), tag=TAGS[9]).contests))


def _masked(stream: Stream) -> Ballot:
    """Return a copy whose ciphertexts got fresh randomness."""
    other = _copied(stream)
    pairs = Ciphertexts.decode(other.contests[0].ciphertexts)
    key, extra = stream.poll().context.joint_key, [drawn(f"mask {at}") for at in range(3)]
    alphas = Elements.concat([pairs.alphas[at] + base(extra[at]) for at in range(3)])
    betas = Elements.concat([pairs.betas[at] + times(key, extra[at]) for at in range(3)])
    return stream.resign(ME, _with(other, ciphertexts=Ciphertexts(alphas, betas).encode()))


def _scalar(stream: Stream, field: str, spelling: Callable[[int], int]) -> Ballot:
    ballot = _mine(stream)
    data = getattr(ballot.contests[0], field)
    number = spelling(int.from_bytes(data[:32], "little"))
    return _with(ballot, **{field: (number % 2**256).to_bytes(32, "little") + data[32:]})


def _element(stream: Stream, field: str, at: int, encoding: bytes) -> Ballot:
    ballot = _mine(stream)
    data = getattr(ballot.contests[0], field)
    return stream.resign(ME, _with(ballot, **{field: data[: 32 * at] + encoding + data[32 * at + 32 :]}))


def _second_signature(stream: Stream) -> Ballot:
    """Return a revote of the first delegate with other signatures of the same credential."""
    ballot, poll, signatures = stream.ballot(0, (FOR,)), stream.poll(), []
    for registrar, key in enumerate(poll.context.registrar_keys[1], 1):
        name = key_id(stream.board.anchor, poll.registration.number, registrar, 1, 1, key)
        message = credential_message(stream.board.anchor, 1, registrar, name, 1, ballot.credential)
        randomizer = ballot.randomizers[32 * (registrar - 1) : 32 * registrar]
        encoded = emsa_pss_encode(prepare(randomizer, message), 3071, b"another salt".ljust(48))
        signatures.append(blind_sign(published_secret(key.n), encoded))
    return _again(stream, 0, signatures=b"".join(signatures))


def _cancelling(stream: Stream) -> Ballot:
    """Return a ballot with two responses moved by the same, one up and one down."""
    ballot = _mine(stream)
    data = ballot.contests[0].responses
    first, second = (int.from_bytes(data[at : at + 32], "little") for at in (0, 32))
    moved = ((first + 1) % ORDER, (second - 1) % ORDER)
    return _with(ballot, responses=b"".join(value.to_bytes(32, "little") for value in moved) + data[64:])


def _options_exchanged(stream: Stream) -> Ballot:
    ballot = _mine(stream)
    data = ballot.contests[0].ciphertexts
    return stream.resign(ME, _with(ballot, ciphertexts=data[64:128] + data[:64] + data[128:]))


def _without_option_proofs(stream: Stream) -> Ballot:
    ballot = _mine(stream)
    (contest,) = ballot.contests
    parts = {"commitments": contest.commitments[-64:], "challenges": b"", "responses": contest.responses[-32:]}
    return stream.resign(ME, _with(ballot, **parts))


def _sum_of_another(stream: Stream) -> Ballot:
    ballot, other = _mine(stream), _mine(stream, b"other")
    responses = ballot.contests[0].responses[:-32] + other.contests[0].responses[-32:]
    return _with(ballot, responses=responses)


def _challenge_moved(stream: Stream) -> Ballot:
    ballot = _mine(stream)
    data = ballot.contests[0].challenges
    return _with(ballot, challenges=plus_one(data[:32]) + data[32:])


def _z_plus_order(stream: Stream) -> Ballot:
    ballot = _mine(stream)
    z = int.from_bytes(ballot.response, "little") + ORDER
    return replace(ballot, response=z.to_bytes(32, "little"))


def _flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


PROOFS: dict[str, tuple[str, Fault, str]] = {
    "a_huge_vote": ("A value so large that no tally opens.", lambda s: _forged(s, [drawn("huge"), 0, 0]), "BAL-12"),
    "two_minus_one": ("Votes of 2 and −1, which add up to 1.", lambda s: _forged(s, [2, -1, 0]), "BAL-12"),
    "five_votes": ("Five votes for an option.", lambda s: _forged(s, [5, 0, 0]), "BAL-12"),
    "minus_one_and_two": ("Votes of −1, 1 and 1.", lambda s: _forged(s, [ORDER - 1, 1, 1]), "BAL-12"),
    "two_options": ("Two options where one is allowed.", lambda s: _forged(s, [1, 1, 0]), "BAL-13"),
    "no_option": ("No option where one is due.", lambda s: _forged(s, [0, 0, 0]), "BAL-13"),
    "a_vote_in_clear": (
        "An option encrypted with randomness 0.",
        lambda s: _forged(s, [0, 1, 0], randomness=[3, 0, 4]),
        "BAL-11",
    ),
    "garbage_in_alpha": ("An α that is not that of β.", lambda s: _forged(s, [1, 0, 0], garbage=[7, 0, 0]), "BAL-12"),
    "commitment_a_solved_last": (
        "A commitment A that no challenge covered.",
        lambda s: _forged(s, [2, -1, 0], solve=("A", "option")),
        "BAL-12",
    ),
    "commitment_b_solved_last": (
        "A commitment B that no challenge covered.",
        lambda s: _forged(s, [2, -1, 0], solve=("B", "option")),
        "BAL-12",
    ),
    "sum_commitment_solved_last": (
        "A sum's commitment that no challenge covered.",
        lambda s: _forged(s, [1, 1, 0], solve=("B", "sum")),
        "BAL-12",
    ),
    "copied_ciphertexts": ("Another delegate's contests under one's own credential.", _copied, "BAL-12"),
    "copied_and_masked": ("A copy with fresh randomness.", _masked, "BAL-12"),
    "options_exchanged": ("The ciphertexts of two options exchanged.", _options_exchanged, "BAL-12"),
    "without_option_proofs": ("Nothing but the proof of the sum.", _without_option_proofs, "BAL-06"),
    "sum_proof_of_another_ballot": ("A response of another ballot's sum proof.", _sum_of_another, "BAL-13"),
    "errors_that_cancel": ("Two responses wrong by what cancels.", _cancelling, "BAL-12"),
    "challenge_moved": ("A challenge moved on by one.", _challenge_moved, "BAL-12"),
}
"""By name: what it is, who makes it, and the check that excludes it."""

ENCODINGS: dict[str, tuple[str, Fault, str]] = {
    "challenge_plus_order": ("A challenge + ℓ.", lambda s: _scalar(s, "challenges", lambda n: n + ORDER), "BAL-10"),
    "response_plus_order": ("A response + ℓ.", lambda s: _scalar(s, "responses", lambda n: n + ORDER), "BAL-10"),
    "response_high_bit": ("A response + 2^255.", lambda s: _scalar(s, "responses", lambda n: n | 1 << 255), "BAL-10"),
    "alpha_identity": ("The identity as an α.", lambda s: _element(s, "ciphertexts", 0, bytes(32)), "BAL-11"),
    "beta_identity": ("The identity as a β.", lambda s: _element(s, "ciphertexts", 1, bytes(32)), "BAL-11"),
    "commitment_identity": (
        "The identity as commitment.",
        lambda s: _element(s, "commitments", 0, bytes(32)),
        "BAL-11",
    ),
    "alpha_not_canonical": ("An α spelt otherwise.", lambda s: _element(s, "ciphertexts", 0, NON_CANONICAL), "BAL-11"),
    "alpha_negative": ("A negative field element.", lambda s: _element(s, "ciphertexts", 0, NEGATIVE), "BAL-11"),
    "alpha_no_element": ("An α that is no element.", lambda s: _element(s, "ciphertexts", 2, NOT_SQUARE), "BAL-11"),
    "credential_identity": ("The identity as S.", lambda s: replace(_mine(s), credential=bytes(32)), "BAL-07"),
    "owner_commitment_identity": ("The identity as T.", lambda s: replace(_mine(s), commitment=bytes(32)), "BAL-07"),
    "owner_response_plus_order": ("z + ℓ.", _z_plus_order, "BAL-07"),
    "owner_response_moved": ("z + 1.", lambda s: replace(_mine(s), response=plus_one(_mine(s).response)), "BAL-09"),
    "tag_changed": ("A tag that the challenge does not cover.", lambda s: replace(_mine(s), tag=TAGS[33]), "BAL-09"),
    "a_contest_twice": ("Two contests.", lambda s: replace(_mine(s), contests=_mine(s).contests * 2), "BAL-06"),
    "no_contest": ("No contest at all.", lambda s: replace(_mine(s), contests=()), "BAL-06"),
}

CREDENTIALS: dict[str, tuple[str, Fault, str]] = {
    "credential_of_nobody": (
        "A credential that no registrar signed.",
        lambda s: replace(s.mint(1, (FOR,), colluding=1), signatures=bytes(768)),
        "BAL-08",
    ),
    "credential_of_one_registrar": ("Signed by one of two.", lambda s: s.mint(1, (FOR,), colluding=1), "BAL-08"),
    "signatures_exchanged": (
        "The registrars' signatures in the wrong order.",
        lambda s: _again(s, ME, signatures=_mine(s).signatures[384:] + _mine(s).signatures[:384]),
        "BAL-08",
    ),
    "signature_missing": (
        "One signature too few.",
        lambda s: _again(s, ME, signatures=_mine(s).signatures[:384]),
        "BAL-06",
    ),
    "randomizer_short": (
        "A randomizer a byte too short.",
        lambda s: _again(s, ME, randomizers=_mine(s).randomizers[:-1]),
        "BAL-06",
    ),
    "randomizer_changed": (
        "Another randomizer than was signed.",
        lambda s: _again(s, ME, randomizers=_flipped(_mine(s).randomizers)),
        "BAL-08",
    ),
    "class_changed": ("The credential of class 1 in class 2.", lambda s: _again(s, ME, class_index=2), "BAL-08"),
    "class_unknown": ("A class that there is not.", lambda s: replace(_mine(s), class_index=3), "BAL-06"),
    "second_signature": ("Other signatures of the credential in a revote.", _second_signature, "BAL-04"),
    "class_of_a_revote": ("A revote in another class.", lambda s: _again(s, 0, class_index=2), "BAL-04"),
    "sequence_repeated": ("A revote with the number of the last.", lambda s: _again(s, 0, sequence=1), "BAL-03"),
    "sequence_jumps": ("A revote that leaves a number out.", lambda s: _again(s, 0, sequence=3), "BAL-03"),
    "previous_is_none": ("A revote on top of nothing.", lambda s: _again(s, 0, previous=bytes(32)), "BAL-03"),
    "first_with_previous": ("A first one with one before.", lambda s: _again(s, ME, previous=b"\1" * 32), "BAL-03"),
    "first_with_sequence_one": ("A first ballot that is numbered 1.", lambda s: _again(s, ME, sequence=1), "BAL-03"),
    "another_poll": ("An opening that there is not.", lambda s: replace(_mine(s), ctx=bytes(32)), "BAL-01"),
}


def ballots() -> Iterator[Draft]:
    """Yield the forged ballots, and some that come at the wrong time."""
    for name, (what, fault, check) in {**PROOFS, **ENCODINGS, **CREDENTIALS}.items():
        stream, _ = open_poll()
        stream.cast(fault(stream))
        yield forged_of(f"ballot_{name}", what, stream, check)
    yield from _out_of_time()


def _out_of_time() -> Iterator[Draft]:
    stream, _ = open_poll()
    stream.board.force(stream.board.entries[-1])
    yield forged_of("ballot_repeated", "A ballot, posted once more.", stream, "BAL-03")
    stream, note = open_poll()
    ballot = _mine(stream)
    stream.close(note)
    stream.cast(ballot)
    yield forged_of("ballot_after_the_closing", "A good ballot behind the closing.", stream, "BAL-02")
    early = Stream()
    early.cast(ballot)
    yield forged_of("ballot_before_the_opening", "A ballot for a poll that is not opened yet.", early, "BAL-01")
    two = Stream()
    two.open(resolution("First"))
    two.open(resolution("Second"), number=2)
    two.cast(replace(two.ballot(0, (FOR,)), ctx=two.poll(2).ctx))
    yield forged_of("ballot_of_the_poll_beside", "A ballot of poll 1 in poll 2.", two, "BAL-08")
    again = Stream()
    again.open(resolution())
    for number in range(again.manifest.limits.ballots_per_credential):
        again.cast(again.ballot(0, (FOR,), tag=TAGS[number]))
    again.cast(again.ballot(0, (AGAINST,), tag=TAGS[20]))
    yield forged_of("ballot_one_too_many", "One ballot more than a credential has.", again, "BAL-05")
