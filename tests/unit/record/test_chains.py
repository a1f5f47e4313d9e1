"""What is judged of a ballot before it is looked at itself: its poll, its chain, and if its credential is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.errors import NOBODY, RecordError
from secballot.protocol.ballot_layout import credential_digest
from secballot.protocol.ballots import check_ballot
from secballot.record import ballots
from tests.ballot_mutants import mutant
from tests.simulator import resolution
from tests.stages import AGAINST, FOR, Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from secballot.elgamal import Ciphertexts
    from secballot.errors import Party
    from secballot.protocol.ballots import BallotContext
    from secballot.record.state import SittingState
    from secballot.records.ballot import Ballot


def test_the_registrars_signatures_are_verified_once_a_credential(monkeypatch: pytest.MonkeyPatch) -> None:
    """BAL-08: with the first ballot; a revote has the credential of its head, which BAL-04 has just compared."""
    seen: list[tuple[bool, bool]] = []
    honest = check_ballot

    def spy(context: BallotContext, body: Ballot, *, known_credential: Callable[[bytes], bool]) -> Ciphertexts:
        seen.append((known_credential(credential_digest(body)), known_credential(bytes(32))))
        return honest(context, body, known_credential=known_credential)

    monkeypatch.setattr(ballots, "check_ballot", spy)
    stream = Stream()
    stream.open(resolution())
    for who, choice in ((0, FOR), (0, AGAINST), (1, FOR), (0, FOR)):
        stream.vote((choice,), first=who)
    assert seen == [(False, False), (True, False), (False, False), (True, False)]


def test_a_chain_is_judged_with_the_digest_or_without() -> None:
    """BAL-03, BAL-04: whoever has not hashed the credential yet hears the same."""
    stream = Stream()
    stream.open(resolution())
    stream.vote((FOR,))
    state, poll, again = stream.board.record.state, stream.poll(), stream.ballot(0, (AGAINST,))
    for digest in (None, credential_digest(again)):
        ballots.check_continues(state, poll, again, digest)
    for ballot, check in ((mutant(stream, 0, again, ["BAL-03"]), "BAL-03"), (other_class(again), "BAL-04")):
        for digest in (None, credential_digest(ballot)):
            with pytest.raises(RecordError) as caught:
                ballots.check_continues(state, poll, ballot, digest)
            assert (caught.value.check, caught.value.culprit) == (check, NOBODY)


def other_class(ballot: Ballot) -> Ballot:
    """Return a ballot that says it is of the second class."""
    return msgspec.structs.replace(ballot, class_index=2)


def test_a_refusal_names_nobody() -> None:
    """BAL-01, BAL-02, BAL-05: nobody knows whose ballot it was."""
    stream = Stream()
    note = stream.open(resolution())
    lost = msgspec.structs.replace(stream.ballot(1, (FOR,)), ctx=bytes(32))
    for vote in (FOR, AGAINST, FOR):
        stream.vote((vote,))
    one_more = stream.ballot(0, (FOR,))
    state = stream.board.record.state
    assert refusal(state, lost) == ("BAL-01", NOBODY)
    assert refusal(state, one_more) == ("BAL-05", NOBODY)
    stream.close(note)
    assert refusal(state, one_more) == ("BAL-02", NOBODY)


def refusal(state: SittingState, ballot: Ballot) -> tuple[str | None, Party | None]:
    """Return the check that refuses a ballot before it is looked at itself, and whom it names."""
    with pytest.raises(RecordError) as caught:
        ballots.check_admissible(state, ballot, credential_digest(ballot))
    return caught.value.check, caught.value.culprit
