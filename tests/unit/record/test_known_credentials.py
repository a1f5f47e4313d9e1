"""Which credentials a ballot's judge takes for verified: the head's own, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secballot.protocol.ballot_layout import credential_digest
from secballot.record import ballots
from tests.simulator import resolution
from tests.stages import AGAINST, FOR, Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from secballot.elgamal import Ciphertexts
    from secballot.protocol.ballots import BallotContext
    from secballot.records.ballot import Ballot


def test_the_registrars_signatures_are_verified_once_a_credential(monkeypatch: pytest.MonkeyPatch) -> None:
    """BAL-08: with the first ballot; a revote has the credential of its head, which BAL-04 has just compared."""
    seen: list[tuple[bool, bool]] = []
    honest = ballots.check_ballot

    def spy(context: BallotContext, body: Ballot, *, known_credential: Callable[[bytes], bool]) -> Ciphertexts:
        seen.append((known_credential(credential_digest(body)), known_credential(bytes(32))))
        return honest(context, body, known_credential=known_credential)

    monkeypatch.setattr(ballots, "check_ballot", spy)
    stream = Stream()
    stream.open(resolution())
    for who, choice in ((0, FOR), (0, AGAINST), (1, FOR), (0, FOR)):
        stream.vote((choice,), first=who)
    assert seen == [(False, False), (True, False), (False, False), (True, False)]
