"""Golden records: small sittings of every shape, in progress and finished, in which nothing is forged.

Order matters for size only: a record is written as what differs from an earlier one.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from secballot.protocol.ballots import ballot_fields
from secballot.protocol.phrase import Wallet, generate_phrase
from secballot.records.closing import Adjournment, Lapse
from secballot.records.manifest import DelegateClass
from secballot.records.opening import Contest, Option
from secballot.roles.delegate import Delegate
from secballot.transcript import challenge
from tests.adversary.ballot_forger import NONCE, Forger, drawn, encode
from tests.audit.every_kind import every_kind
from tests.conformance.drafts import Draft, golden_of
from tests.simulator import SMALL, TAGS, Simulator, adopt_rule, elect_rule, election, golden, resolution
from tests.stages import ABSTAIN, AGAINST, FOR, Stream, convened, voter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from secballot.records.ballot import Ballot


class StreamForger(Forger):
    """A forger whose ballots are finished by a delegate of a stream."""

    def sign(self, ballot: Ballot, number: int = 0) -> Ballot:
        """Return the ballot with the z of the delegate with this number, 0..7."""
        e = challenge("ballot", *self.forget((*ballot_fields(self.context, ballot), ballot.commitment)))
        (secret,) = voter(number, self.context.poll).secret.to_ints()
        return msgspec.structs.replace(ballot, response=encode(NONCE + e * secret))


@cache
def founded() -> Simulator:
    """Return a sitting that has its manifest and nothing else; not to be changed."""
    simulator = Simulator(SMALL, b"founded")
    simulator.rehearsal.found()
    return simulator


def in_ceremony() -> Simulator:
    """Return a sitting in the middle of its ceremony."""
    simulator = Simulator()
    simulator.rehearsal.found()
    for trustee in simulator.rehearsal.trustees:
        trustee.step()
    simulator.rehearsal.witness()
    simulator.rehearsal.trustees[0].step()
    return simulator


def open_poll() -> tuple[Stream, str]:
    """Return an open poll of one contest with six ballots, one of them a revote, and a note over its opening."""
    stream = Stream()
    note = stream.open(resolution())
    stream.vote((FOR,), (FOR,), (AGAINST,))
    stream.vote((FOR,), (ABSTAIN,), first=4)
    stream.cast(stream.ballot(0, (AGAINST,), tag=TAGS[9]))
    return stream, note


def closed_poll() -> Stream:
    """Return the same poll, closed."""
    stream, note = open_poll()
    stream.close(note)
    return stream


def decrypted_poll() -> Stream:
    """Return the same poll, decrypted by two trustees of four."""
    stream = closed_poll()
    stream.decrypt(2, 4)
    return stream


def one_contest() -> Stream:
    """Return the same poll with its result, and the sitting adjourned; two trustees stayed away."""
    stream = decrypted_poll()
    stream.act("result", stream.result())
    stream.act("adjournment", Adjournment(stream.note(stream.poll().closes_at + 1)))
    return stream


def unanimous() -> Stream:
    """Return a poll in which two options have no vote at all."""
    stream = Stream()
    note = stream.open(resolution())
    stream.vote((FOR,), (FOR,), (FOR,), (FOR,))
    return _finished(stream, note)


def cancelled() -> Stream:
    """Return a poll in which two delegates chose randomness that cancels: every α of the sum is the identity."""
    stream = Stream()
    note = stream.open(resolution())
    context = stream.poll().context
    for who, sign in ((0, 1), (1, -1)):
        randomness = [sign * drawn(f"shared {option}") for option in range(3)]
        forger = StreamForger(context, stream.ballot(who, (FOR,)), list(FOR), randomness)
        stream.cast(forger.prove(who))
    return _finished(stream, note)


def score_vote() -> Stream:
    """Return a poll with up to three points for each option and four to six in all."""
    stream = Stream()
    contest = Contest(
        documents=(),
        options=(Option("A", 3), Option("B", 3), Option("C", 2)),
        rules="council",
        sum_maximum=6,
        sum_minimum=4,
        text="Give up to three points.",
        title="A council by points",
    )
    note = stream.open(contest)
    stream.vote(((3, 1, 0),), ((0, 3, 2),), ((3, 3, 0),))
    return _finished(stream, note)


def tied_and_inquorate() -> Stream:
    """Return two contests: an election that ends in a tie, and a resolution without its quorum."""
    stream = Stream()
    note = stream.open(election(), resolution())
    stream.vote(((1, 0, 0), FOR), ((0, 1, 0), FOR), ((0, 0, 1), ABSTAIN))
    return _finished(stream, note, contests=2)


def below_the_floor() -> Stream:
    """Return a poll with one ballot: it stays closed, and its result says so."""
    stream = Stream()
    note = stream.open(resolution())
    stream.vote((FOR,))
    return _finished(stream, note)


def small_group() -> Stream:
    """Return a poll with enough ballots, but one alone in its weight group: it stays closed."""
    stream = Stream()
    note = stream.open(resolution())
    stream.vote((FOR,), (AGAINST,), (FOR,))
    stream.vote((FOR,), first=4)
    return _finished(stream, note)


def empty_poll() -> Stream:
    """Return a poll in which nobody voted, closed."""
    stream = Stream()
    return _finished(stream, stream.open(resolution()))


def stuffed() -> Stream:
    """Return a poll that all registrars together stuffed beyond what they answered for: it is void."""
    stream = Stream()
    note = stream.open(resolution())
    stream.vote((FOR,), (FOR,), (FOR,), (FOR,))
    stream.cast(stream.mint(1, (AGAINST,)))
    stream.close(note)
    return stream


def lapsed() -> Stream:
    """Return a poll that nobody closed in time."""
    stream, _ = open_poll()
    late = stream.poll().closes_at + stream.manifest.grace + 1
    stream.post(stream.keys.trustees[1], "lapse", Lapse(stream.note(late), stream.poll().ctx))
    return stream


def side_by_side() -> Stream:
    """Return two polls open at a time; the first is counted, and the sitting is adjourned before the second is."""
    stream = Stream()
    first = stream.open(resolution("First"))
    second = stream.open(resolution("Second"), number=2)
    stream.vote((FOR,), (AGAINST,))
    stream.vote((FOR,), (FOR,), number=2)
    stream.close(first)
    stream.close(second, number=2)
    stream.decrypt(1, 2)
    stream.act("result", stream.result())
    overdue = stream.poll(2).closes_at + stream.manifest.decryption_period + 1
    stream.act("adjournment", Adjournment(stream.note(overdue)))
    return stream


def one_by_one() -> Stream:
    """Return a poll in which a delegate votes as often as may be, and once more."""
    stream = Stream()
    note = stream.open(resolution())
    for number in range(stream.manifest.limits.ballots_per_credential + 1):
        stream.cast(stream.ballot(0, (FOR if number % 2 else AGAINST,), tag=TAGS[number]))
    stream.vote((FOR,), first=1)
    return _finished(stream, note)


def junk() -> Stream:
    """Return a counted poll whose log is full of junk, repetitions and things at the wrong time."""
    stream = Stream()
    board = stream.board
    note = stream.open(resolution())
    for entry in (b"", b"{}", bytes(65_535)):
        board.force(entry)
    stream.vote((FOR,), (AGAINST,))
    for index in (0, 5, 20, len(board.entries) - 1):
        board.force(board.entries[index])
    board.force(every_kind().entries[0])
    stream.close(note)
    board.force(board.entries[-1])
    stream.decrypt(1, 1, 2, 3, 4)
    stream.act("result", stream.result())
    stream.act("result", stream.result())
    return stream


def false_decryption() -> Stream:
    """Return a poll in which one trustee posts garbage and is named, and two others open it."""
    stream = closed_poll()
    body = stream.decryption(1)
    stream.post(stream.keys.trustees[0], "decryption", msgspec.structs.replace(body, factors=body.factors[::-1]))
    stream.decrypt(3, 2)
    stream.act("result", stream.result())
    return stream


def many_contests() -> Simulator:
    """Return a finished sitting of three classes and five contests, some open to one class alone."""
    plan = replace(
        SMALL,
        title="Many contests",
        classes=(DelegateClass("Deputies", 4, 3), DelegateClass("Guests", 4, 1), DelegateClass("Judges", 4, 3)),
        delegates=(2, 4, 2),
        rules=(
            adopt_rule(eligible=(1, 2, 3)),
            elect_rule(eligible=(1, 3)),
            adopt_rule(name="second", eligible=(2,)),
        ),
        polls=1,
    )
    simulator = Simulator(plan, b"many contests").until_polls()
    second = msgspec.structs.replace(resolution("For guests"), rules="second")
    rehearsal = simulator.rehearsal
    rehearsal.open_poll(1, [resolution(), election(), second, resolution("Another"), election()])
    for at, delegate in enumerate(rehearsal.delegates):
        guest = 2 <= at < 6
        choices = (FOR, AGAINST, ABSTAIN) if guest else (FOR, (1, 1, 0), AGAINST, (0, 1, 1))
        delegate.cast(delegate.seal(1, choices, TAGS[at]))
    _end(simulator, 1)
    return simulator


def second_registration() -> Simulator:
    """Return a sitting with an amended roll: one poll before the second registration, one after it."""
    simulator = Simulator(replace(SMALL, delegates=(4, 5), title="Registered twice"), b"twice").until_polls()
    rehearsal = simulator.rehearsal
    rehearsal.open_poll(1, [resolution()])
    newcomer = Delegate(Wallet(generate_phrase(bytes(32)), "rehearsal"), rehearsal.delegates[0].view, rehearsal)
    rehearsal.delegates.append(newcomer)
    rehearsal.roll[newcomer.public_key] = 1
    del rehearsal.roll[rehearsal.delegates[8].public_key]
    rehearsal.register(first_poll=2)
    rehearsal.convene()
    rehearsal.open_poll(2, [resolution("After the amendment")])
    for number in (1, 2):
        for at in (0, 1, 4, 5):
            delegate = rehearsal.delegates[at]
            delegate.cast(delegate.seal(number, (FOR,), TAGS[at]))
    newcomer.cast(newcomer.seal(2, (AGAINST,), TAGS[20]))
    rehearsal.witness()
    _end(simulator, 1, 2)
    return simulator


def one_of_everything() -> Simulator:
    """Return the smallest sitting there can be: one of everything, and one class."""
    plan = replace(
        SMALL,
        title="One of everything",
        classes=(DelegateClass("All", 2, 1),),
        delegates=(2,),
        rules=(adopt_rule(eligible=(1,)),),
        polls=1,
        presidium=(1, 1),
        commission=1,
        registrars=1,
        trustees=(1, 1, 1),
        witnesses=(1, 1, 0),
        minimum_ballots=1,
        successors=0,
    )
    simulator = Simulator(plan, b"one of everything").until_polls()
    rehearsal = simulator.rehearsal
    rehearsal.open_poll(1, [resolution()])
    rehearsal.delegates[0].cast(rehearsal.delegates[0].seal(1, (ABSTAIN,), TAGS[0]))
    _end(simulator, 1)
    return simulator


def _end(simulator: Simulator, *numbers: int) -> None:
    """Close, decrypt and publish these polls, and adjourn."""
    for number in numbers:
        simulator.rehearsal.close_poll(number)
        simulator.rehearsal.decrypt(number)
        simulator.rehearsal.publish_result(number)
    simulator.rehearsal.adjourn()


def _finished(stream: Stream, note: str, *, contests: int = 1) -> Stream:
    """Close poll 1, decrypt what is at the floor, and publish the result."""
    stream.close(note)
    for contest in range(1, contests + 1):
        if stream.poll().at_floor[contest - 1]:
            stream.decrypt(1, 3, contest=contest)
    stream.act("result", stream.result())
    return stream


def _every_kind() -> Draft:
    log = every_kind()
    what = "Every kind of entry: restarted and failed ceremony sessions, polls annulled, lapsed and void, a handover."
    return Draft("every_kind", what, log.entries, (log.checkpoint.decode(),), log.anchor)


def _whole_sitting() -> Draft:
    found = golden()
    notes = tuple(found.notes[size].decode() for size in sorted(found.notes, reverse=True))
    what = "Two classes of different weight, two contests, a revote, and every checkpoint that was ever cosigned."
    return Draft("whole_sitting", what, found.entries, notes, found.anchor)


STREAMS: dict[str, tuple[str, Callable[[], Simulator | Stream]]] = {
    "convened": ("In progress: convened, and no poll opened yet.", convened),
    "founded": ("In progress: nothing but the manifest.", founded),
    "in_ceremony": ("In progress: round 1 of the ceremony.", in_ceremony),
    "open_poll": ("In progress: a poll is open and has six ballots.", lambda: open_poll()[0]),
    "closed_poll": ("In progress: the poll is closed, and nothing decrypted.", closed_poll),
    "decrypted_poll": ("In progress: two trustees of four have decrypted.", decrypted_poll),
    "one_contest": ("One contest, counted and adjourned; two trustees stayed away.", one_contest),
    "zero_votes": ("Two options without a vote.", unanimous),
    "cancelled_alpha": ("Randomness of two ballots cancels, so that every sum of α is the identity.", cancelled),
    "score_votes": ("Up to three points an option, four to six in all.", score_vote),
    "tied_and_inquorate": ("An election tied over both seats; a resolution short of its quorum.", tied_and_inquorate),
    "below_the_floor": ("One ballot only: the contest stays closed.", below_the_floor),
    "small_group": ("A group of equal weight with a single ballot keeps the contest closed.", small_group),
    "empty_poll": ("Nobody voted.", empty_poll),
    "void_poll": ("More credentials voted than were answered for: void, all registrars blamed.", stuffed),
    "lapsed_poll": ("Nobody closed the poll within its grace.", lapsed),
    "polls_side_by_side": ("Two polls at a time; the second is not opened before the adjournment.", side_by_side),
    "revotes": ("A delegate votes as often as may be, and once more.", one_by_one),
    "junk_and_repetitions": ("Junk, repetitions and another sitting's manifest in the log change nothing.", junk),
    "false_decryption": ("A trustee posts garbage and is named; others open the tally.", false_decryption),
    "many_contests": ("Three classes, five contests, some open to one class alone.", many_contests),
    "second_registration": ("An amended roll; polls of both registrations.", second_registration),
    "one_of_everything": ("One key of every role, one class, one ballot.", one_of_everything),
}


def golden_drafts() -> Iterator[Draft]:
    """Yield all golden records."""
    yield _whole_sitting()
    yield _every_kind()
    for name, (what, make) in STREAMS.items():
        yield golden_of(name, what, make())
