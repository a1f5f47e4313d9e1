"""Admission of ballots: one credential's chain, what counts, and the first check that a bad ballot fails."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.board.merkle import leaf_hash
from secballot.elgamal import Ciphertexts
from secballot.errors import RecordError, RefusalError
from secballot.record import Outcome, read_entry
from secballot.record.ahead import Lookahead
from secballot.records.ballot import Ballot
from secballot.records.closing import Lapse
from secballot.records.entry import decode_entry
from secballot.records.opening import Extension
from secballot.roles.delegate import ballot_entry
from tests.ballot_mutants import MUTATIONS, NOT_CANONICAL, mutant
from tests.second_verifier import ignore
from tests.simulator import TAGS, election, resolution
from tests.stages import ABSTAIN, AGAINST, FOR, Stream, verdict, voter

if TYPE_CHECKING:
    from collections.abc import Iterable

BOTH = (FOR, (1, 0, 1))


def every_path(stream: Stream, entry: bytes) -> set[str | None]:
    """Return the checks that the machine and the blocks of board and auditor name for the next entry."""
    record, read = stream.board.record, read_entry(entry)
    plan = Lookahead(record.state).plan([read])
    plan.run()
    (answer,) = stream.board.submit([entry], now=stream.now)
    assert isinstance(answer, RefusalError)
    return {answer.check, *(record.judge(read, verdict=verdict).check for verdict in (None, plan.verdicts.get(0)))}


def _ciphertexts(body: object) -> Ciphertexts:
    assert isinstance(body, Ballot)
    return Ciphertexts.decode(b"".join(contest.ciphertexts for contest in body.contests))


# --- chains


def test_a_revote_takes_the_place_of_the_ballot_before() -> None:
    """BAL-03: each ballot names the one before; the newest is the head, and only it is in the sum."""
    stream = Stream()
    note = stream.open(resolution())
    stream.vote((FOR,), (FOR,), (FOR,))
    for again in (AGAINST, ABSTAIN):
        assert verdict(stream.cast(stream.ballot(0, (again,)))) == ("accepted", None)
    head = stream.poll().heads[voter(0).credential.S]
    assert (head.sequence, head.index) == (2, len(stream.board.entries) - 1)
    assert stream.poll().counted() == {1: 3}
    stream.close(note)
    stream.decrypt(2, 4)
    assert stream.result().contests[0].counts == (4, 0, 2)


def test_the_sums_hold_the_heads_and_nothing_else() -> None:
    """Whatever was revoted or excluded on the way, a class's sum is that of its heads."""
    stream = Stream()
    stream.open(resolution(), election())
    stream.vote(BOTH, BOTH, (AGAINST, (0, 1, 1)))
    stream.cast(stream.ballot(1, (AGAINST, (0, 0, 0))))
    stream.cast(mutant(stream, 2, stream.ballot(2, BOTH), ["BAL-12"]))
    poll = stream.poll()
    parts = [_ciphertexts(decode_entry(stream.board.entries[head.index]).body) for head in poll.heads.values()]
    assert poll.sums[1] == parts[0] + parts[1] + parts[2]
    assert poll.sums[2] == Ciphertexts.identity(3)


def chain_breakers(first: Ballot, second: Ballot) -> dict[str, Ballot]:
    """Return what an adversary posts after two ballots of one credential."""
    replace = msgspec.structs.replace
    leaf = leaf_hash(ballot_entry(first))
    return {
        "the same again": second,
        "the older one again": first,
        "a gap": replace(second, sequence=5),
        "a fork": replace(second, tag=TAGS[9], previous=leaf),
        "sequence of the next, previous of the one before": replace(second, sequence=2, previous=leaf),
        "a fresh start": replace(first, tag=TAGS[9]),
        "a jump to the end": replace(second, sequence=2**53 - 1),
    }


def test_nothing_breaks_a_chain() -> None:
    """BA-01 to BA-03: replayed, forked and gapped ballots are excluded (BAL-03), and the head stays."""
    stream = Stream()
    stream.open(resolution())
    first = stream.ballot(0, (FOR,))
    stream.cast(first)
    second = stream.ballot(0, (AGAINST,))
    stream.cast(second)
    for name, ballot in chain_breakers(first, second).items():
        signed = stream.resign(0, ballot) if ballot not in {first, second} else ballot
        assert verdict(stream.cast(signed)) == ("excluded", "BAL-03"), name
        assert stream.poll().heads[first.credential].leaf == leaf_hash(ballot_entry(second)), name


def test_a_ballot_logged_before_the_one_it_follows_is_lost() -> None:
    """BA-02: out of order the second is excluded, the first stands, and nothing switches silently."""
    ahead = Stream()
    ahead.open(resolution())
    first = ahead.ballot(0, (FOR,))
    ahead.cast(first)
    second = ahead.ballot(0, (AGAINST,))
    stream = Stream()
    stream.open(resolution())
    assert verdict(stream.cast(second)) == ("excluded", "BAL-03")
    assert verdict(stream.cast(first)) == ("accepted", None)
    # The very same bytes are judged afresh, and now they follow.
    assert verdict(stream.cast(second)) == ("accepted", None)


def test_a_credential_has_a_number_of_ballots() -> None:
    """BAL-05: the manifest allows three; the fourth is excluded, and the third counts."""
    stream = Stream()
    stream.open(resolution())
    for vote in (FOR, AGAINST, ABSTAIN):
        assert verdict(stream.cast(stream.ballot(0, (vote,)))) == ("accepted", None)
    for _ in range(2):
        assert verdict(stream.cast(stream.ballot(0, (FOR,)))) == ("excluded", "BAL-05")
    assert stream.poll().heads[voter(0).credential.S].sequence == 2


@pytest.mark.attack("CR-08")
def test_a_credential_never_changes_its_bytes() -> None:
    """BAL-04: class, randomizers and signatures are those of the first ballot, even where another class exists."""
    stream = Stream()
    stream.open(resolution())
    stream.cast(stream.ballot(0, (FOR,)))
    good = stream.ballot(0, (AGAINST,))
    replace = msgspec.structs.replace
    for changed in (
        replace(good, class_index=2),
        replace(good, randomizers=bytes(64)),
        replace(good, signatures=good.signatures[384:] + good.signatures[:384]),
        replace(good, signatures=b""),
    ):
        assert verdict(stream.cast(stream.resign(0, changed))) == ("excluded", "BAL-04")


# --- when


@pytest.mark.attack("BA-09")
def test_a_ballot_needs_its_poll_open() -> None:
    """BAL-01 before the opening, BAL-02 after the end; between closes_at and the closing it still counts."""
    stream, twin = Stream(), Stream()
    twin.open(resolution())
    early, late = twin.ballot(0, (FOR,)), twin.ballot(1, (FOR,))
    assert verdict(stream.cast(early)) == ("excluded", "BAL-01")
    note = stream.open(resolution())
    assert verdict(stream.cast(early)) == ("accepted", None)
    stream.note(stream.poll().closes_at + 10)
    assert verdict(stream.cast(late)) == ("accepted", None)
    stream.close(note)
    assert verdict(stream.cast(stream.ballot(2, (FOR,)))) == ("excluded", "BAL-02")
    assert stream.poll().counted() == {1: 2}


def test_a_lapsed_poll_takes_no_ballot() -> None:
    """BAL-02."""
    stream = Stream()
    stream.open(resolution())
    poll = stream.poll()
    lapse = Lapse(stream.note(poll.closes_at + stream.manifest.grace + 1), poll.ctx)
    assert verdict(stream.post(stream.officers[0], "lapse", lapse)) == ("effect", None)
    assert verdict(stream.cast(stream.ballot(0, (FOR,)))) == ("excluded", "BAL-02")


def test_an_extension_keeps_the_ballots() -> None:
    """A ballot from before an extension counts with those from after."""
    stream = Stream()
    note = stream.open(resolution())
    stream.vote((FOR,))
    stream.act("extension", Extension(stream.poll().closes_at + 60, stream.poll().ctx))
    stream.vote((AGAINST,), first=1)
    stream.close(note)
    assert stream.poll().counted() == {1: 2}


# --- what


def test_a_ballot_answers_the_contests_of_its_class() -> None:
    """BAL-06: one contest too few or too many for the class, another order of sizes, a class without contests."""
    stream = Stream()
    stream.open(election(), number=1)
    stream.open(resolution(), election(), number=2)
    good = stream.ballot(0, BOTH, 2)
    cases = [
        msgspec.structs.replace(good, contests=good.contests[:1]),
        msgspec.structs.replace(good, contests=(*good.contests, good.contests[0])),
        msgspec.structs.replace(good, contests=good.contests[::-1]),
        msgspec.structs.replace(good, class_index=2),
        msgspec.structs.replace(good, class_index=3),
        msgspec.structs.replace(good, randomizers=good.randomizers[:-32]),
        msgspec.structs.replace(good, signatures=good.signatures + bytes(384)),
    ]
    for case in cases:
        assert verdict(stream.cast(case)) == ("excluded", "BAL-06")
    assert stream.poll(1).context.shapes(2) == ()
    alone = msgspec.structs.replace(stream.ballot(0, ((1, 1, 0),), 1), class_index=2)
    assert verdict(stream.cast(alone)) == ("excluded", "BAL-06")


BAD_ELEMENTS = {"not canonical": NOT_CANONICAL, "identity": bytes(32)}


@pytest.mark.parametrize("bad", BAD_ELEMENTS)
def test_what_does_not_decode_is_excluded(bad: str) -> None:
    """BAL-07 for credential, T and z, BAL-11 for ciphertexts and commitments; the identity is refused everywhere."""
    stream = Stream()
    stream.open(resolution())
    good, element = stream.ballot(0, (FOR,)), BAD_ELEMENTS[bad]
    replace = msgspec.structs.replace
    cases = [(replace(good, **{name: element}), "BAL-07") for name in ("credential", "commitment")]
    cases.append((replace(good, response=NOT_CANONICAL), "BAL-07"))
    (contest,) = good.contests
    for name in ("ciphertexts", "commitments"):
        for at in (0, 32, len(getattr(contest, name)) - 32):
            data = getattr(contest, name)
            changed = replace(contest, **{name: data[:at] + element + data[at + 32 :]})
            cases.append((stream.resign(0, replace(good, contests=(changed,))), "BAL-11"))
    for ballot, check in cases:
        assert every_path(stream, ballot_entry(ballot)) == {check}
        assert verdict(stream.cast(ballot)) == ("excluded", check)


def test_another_delegates_credential_is_of_no_use() -> None:
    """BAL-09: with the victim's S only the victim can sign; BAL-08: the victim's signatures are not on the own S."""
    stream = Stream()
    stream.open(resolution())
    victim, own = stream.ballot(0, (FOR,)), stream.ballot(1, (AGAINST,))
    stolen = msgspec.structs.replace(
        own, credential=victim.credential, randomizers=victim.randomizers, signatures=victim.signatures
    )
    assert verdict(stream.cast(stream.resign(1, stolen))) == ("excluded", "BAL-09")
    borrowed = msgspec.structs.replace(own, randomizers=victim.randomizers, signatures=victim.signatures)
    assert verdict(stream.cast(stream.resign(1, borrowed))) == ("excluded", "BAL-08")
    assert verdict(stream.cast(victim)) == ("accepted", None)


# --- two faults


def two_faults(base: Iterable[str]) -> list[tuple[str, ...]]:
    """Return every single fault and every pair."""
    faults = sorted(base)
    return [*((fault,) for fault in faults), *combinations(faults, 2)]


def test_the_first_failing_check_is_the_reason_on_every_path() -> None:
    """Machine, board, auditor and second verifier name the earlier of two faults, in a first ballot."""
    stream = Stream()
    stream.open(resolution())
    good = stream.ballot(0, (FOR,))
    for faults in two_faults(set(MUTATIONS) - {"BAL-04"}):
        bad = mutant(stream, 0, good, faults)
        assert every_path(stream, ballot_entry(bad)) == {min(faults)}, faults
        assert verdict(stream.cast(bad)) == ("excluded", min(faults)), faults
    assert verdict(stream.cast(good)) == ("accepted", None)


def test_the_first_failing_check_is_the_reason_in_a_revote() -> None:
    """BAL-04 comes after the chain and before everything that only the ballot tells."""
    stream = Stream()
    stream.open(resolution())
    stream.cast(stream.ballot(0, (AGAINST,)))
    good = stream.ballot(0, (FOR,))
    for faults in two_faults(MUTATIONS):
        if "BAL-04" in faults or faults == ("BAL-08",):
            bad, expected = mutant(stream, 0, good, faults), min("BAL-04", *faults)
            assert every_path(stream, ballot_entry(bad)) == {expected}, faults
            assert verdict(stream.cast(bad)) == ("excluded", expected), faults


def test_the_first_failing_check_is_the_reason_of_an_exhausted_credential() -> None:
    """BAL-05 comes after the chain and before everything that only the ballot tells."""
    stream = Stream()
    stream.open(resolution())
    for vote in (FOR, AGAINST, ABSTAIN):
        stream.cast(stream.ballot(0, (vote,)))
    for fault in MUTATIONS:
        bad = mutant(stream, 0, stream.ballot(0, (FOR,)), [fault])
        expected = "BAL-04" if fault == "BAL-08" else min("BAL-05", fault)
        assert every_path(stream, ballot_entry(bad)) == {expected}, fault
        assert verdict(stream.cast(bad)) == ("excluded", expected), fault


def test_a_closed_poll_is_the_reason_before_all_others() -> None:
    """BAL-02 hides whatever else is wrong, BAL-01 excepted."""
    stream = Stream()
    note = stream.open(resolution())
    good = stream.ballot(0, (FOR,))
    bad = {fault: mutant(stream, 0, good, [fault]) for fault in set(MUTATIONS) - {"BAL-04"}}
    stream.close(note)
    for fault, ballot in bad.items():
        assert every_path(stream, ballot_entry(ballot)) == {min("BAL-02", fault)}, fault
        assert verdict(stream.cast(ballot)) == ("excluded", min("BAL-02", fault)), fault


# --- what an exclusion leaves


def test_an_excluded_ballot_leaves_no_trace() -> None:
    """Not its credential, nor its sums, nor its place in the closing window; EN-06: nor its α."""
    stream = Stream()
    note = stream.open(resolution())
    stream.vote((FOR,), (FOR,))
    before = (dict(stream.poll().heads), stream.poll().sums[1], stream.poll().last_accepted)
    good = stream.ballot(2, (AGAINST,))
    body = stream.closing(note)
    stream.cast(mutant(stream, 2, good, ["BAL-09"]))
    assert (dict(stream.poll().heads), stream.poll().sums[1], stream.poll().last_accepted) == before
    # The excluded one stands behind the checkpoint, and the poll closes nevertheless.
    assert verdict(stream.post(stream.officers[0], "closing", body)) == ("effect", None)


def test_a_copied_ciphertext_does_not_block_its_owner() -> None:
    """EN-06: a bad ballot with a victim's α, logged first, keeps nobody from voting."""
    stream = Stream()
    stream.open(resolution())
    victim = stream.ballot(0, (FOR,))
    copy = stream.resign(1, msgspec.structs.replace(stream.ballot(1, (FOR,)), contests=victim.contests))
    assert verdict(stream.cast(copy)) == ("excluded", "BAL-12")
    assert verdict(stream.cast(victim)) == ("accepted", None)


def junk(stream: Stream) -> list[bytes]:
    """Return what a board might log beside ballots."""
    entry = ballot_entry(stream.ballot(0, (FOR,)))
    return [
        b"",
        b"junk",
        entry[:-1],
        entry + b"\n",
        entry.replace(b'"sequence":0', b'"sequence":0.0'),
        entry.replace(b'"sequence":0', b'"sequence":true'),
        entry.replace(b'"sequence":0', b'"sequence":-1'),
        entry.replace(b'"kind":"ballot"', b'"kind":"ballots"'),
        entry.replace(b'{"body"', b'{"body":1,"body"'),
        b'{"body":{},"kind":"ballot"}',
        b"[" * 65_535,
        entry + b" " * (65_536 - len(entry)),
    ]


def test_junk_on_the_log_changes_nothing() -> None:
    """ENT-01, PA-01 to PA-08: whatever bytes the board logs, the ballots beside them count."""
    stream = Stream()
    note = stream.open(resolution())
    for data in junk(stream):
        assert verdict(stream.board.force(data)) == ("no effect", "ENT-01")
    stream.vote((FOR,), (FOR,))
    stream.close(note)
    stream.decrypt(1, 2)
    assert stream.result().contests[0].counts == (4, 0, 0)


def test_a_verdict_handed_in_is_taken_and_the_chain_is_judged_anyway() -> None:
    """Whoever verified a block beforehand saves the work, never a stateful check."""
    stream = Stream()
    stream.open(resolution())
    ballot = stream.ballot(0, (FOR,))
    entry = ballot_entry(ballot)
    ciphertexts = Ciphertexts.decode(ballot.contests[0].ciphertexts)
    refused = RecordError("no", check="BAL-12")
    assert verdict(stream.board.record.judge(entry, verdict=ciphertexts)) == ("accepted", None)
    assert stream.board.record.judge(entry).outcome is Outcome.ACCEPTED
    stray = ballot_entry(mutant(stream, 0, ballot, ["BAL-03"]))
    assert verdict(stream.board.record.judge(stray, verdict=ciphertexts)) == ("excluded", "BAL-03")
    assert verdict(stream.board.record.judge(entry, verdict=refused)) == ("excluded", "BAL-12")
    ignore(stream.board)  # the second verifier takes nobody's word
    assert verdict(stream.board.record.append(entry, verdict=refused)) == ("excluded", "BAL-12")
