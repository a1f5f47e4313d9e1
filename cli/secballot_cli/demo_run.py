"""One whole sitting played: every party acts for itself, and the only thing they share is the board.

The steps, in order: manifest, key ceremony, roll, registrar keys, credentials, convening; then for each poll its
documents, opening, ballots, closing, decryption and result; then adjournment, receipts and the published folder. What
any party keeps secret stays in a folder of its own, which the caller removes.

Source: SPEC.md#an-example-sitting.
"""

from __future__ import annotations

import os
import secrets
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol

from secballot.blind import BlindSecretKey
from secballot.errors import RefusalError, SecballotError, VerificationError
from secballot.protocol.casting import DIE, TAG_DIGITS, OpenedBallot, check_opened, check_tag
from secballot.roles.board import BoardOperator
from secballot.roles.delegate import ballot_entry
from secballot.roles.receipt import RECEIPT, check_receipt
from secballot.roles.rehearsal import Entropy, Rehearsal
from secballot.roles.result_page import result_page
from secballot.roles.view import WitnessedView
from secballot.store.source import DatabaseSource, open_source
from secballot_cli.messages import _

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path
    from typing import Self

    from secballot.records.manifest import Manifest
    from secballot.roles.delegate import Choices
    from secballot.roles.receipt import Receipt
    from secballot.roles.trustee import Trustee
    from secballot.signing import SigningKey
    from secballot_cli.demo_input import PlannedPoll, Scenario, Voter

BATCH: Final = 12
"""Ballots that the board takes into one batch, and then has cosigned."""

_SECONDS_PER_BATCH: Final = 20


class Progress(Protocol):
    """Who is told how far the demonstration has come."""

    def step(self, text: str) -> None:
        """Begin a step."""

    def advance(self, done: int, total: int) -> None:
        """Go on within the step."""


@dataclass(frozen=True, slots=True)
class HeldReceipt:
    """One delegate's receipt of one poll, and the tag that only they would type in."""

    delegate: int
    poll: int
    tag: str
    receipt: Receipt

    @property
    def name(self) -> str:
        """File name of the receipt."""
        return f"delegate-{self.delegate:03}-poll-{self.poll}.json"


class RegistrarKeys:
    """Fresh RSA keys made ahead on all processors, since one takes a good part of a second."""

    def __init__(self, count: int) -> None:
        """Begin to make so many keys."""
        self._pool = ThreadPoolExecutor(max_workers=os.cpu_count())
        self._keys: deque[Future[BlindSecretKey]] = deque(
            self._pool.submit(BlindSecretKey.generate) for _ in range(count)
        )

    def take(self) -> BlindSecretKey:
        """Return a key that nobody else gets."""
        return self._keys.popleft().result() if self._keys else BlindSecretKey.generate()

    def __enter__(self) -> Self:
        """Return the keys themselves."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Make no further keys."""
        self._pool.shutdown(cancel_futures=True)


class _NewestNotes(DatabaseSource):
    """The board as a delegate's device reads it: the newest checkpoints, not every one that was ever kept."""

    def checkpoint_notes(self) -> Iterator[bytes]:
        """Yield the newest, and the one before, in case that witnesses are still at the newest."""
        return islice(super().checkpoint_notes(), 2)


class DemoSitting:
    """The sitting of a scenario while it is played."""

    def __init__(self, scenario: Scenario, folder: Path, progress: Progress, keys: RegistrarKeys) -> None:
        """Set up every party.

        Args:
            scenario: what to play.
            folder: for databases and journals, secrets among them; private to the caller.
            progress: is told about every step.
            keys: where registrars take their RSA keys.
        """
        self._scenario = scenario
        self._progress = progress
        self._tags: dict[tuple[int, int], str] = {}
        self.rehearsal = Rehearsal(
            folder,
            scenario.plan,
            entropy=Entropy(rsa_key=keys.take),
            notify=progress.step,
            board_factory=self._open_board,
        )
        # A delegate checks an opened ballot on another device, which reads the log for itself.
        self._other_device = self.rehearsal.view()

    def _open_board(
        self, path: Path, manifest: Manifest, log_key: SigningKey, promise_key: SigningKey
    ) -> BoardOperator:
        self.board = BoardOperator.create(path, manifest, log_key=log_key, promise_key=promise_key)
        return self.board

    @property
    def present_trustees(self) -> list[Trustee]:
        """The trustees who take part after the ceremony."""
        absent = self._scenario.absent_trustees
        return [trustee for number, trustee in enumerate(self.rehearsal.trustees, 1) if number not in absent]

    def play(self) -> list[HeldReceipt]:
        """Play the sitting from manifest to adjournment and return every delegate's receipts.

        Raises:
            SecballotError: a party refuses, or a check fails; with honest parties that is a bug.
        """
        rehearsal = self.rehearsal
        rehearsal.found()
        rehearsal.run_ceremony()
        rehearsal.enrol(self._scenario.label)
        shared = WitnessedView(_NewestNotes(self.board.store), rehearsal.sitting_id)
        for delegate in rehearsal.delegates:
            delegate.view = shared
        rehearsal.register()
        rehearsal.convene(self.present_trustees)
        for number, poll in enumerate(self._scenario.polls, 1):
            self._play_poll(number, poll)
        rehearsal.adjourn()
        self._progress.step(_("receipts"))
        return [
            HeldReceipt(delegate, poll, tag, rehearsal.delegates[delegate - 1].receipt(poll))
            for (poll, delegate), tag in sorted(self._tags.items())
        ]

    def _play_poll(self, number: int, poll: PlannedPoll) -> None:
        rehearsal = self.rehearsal
        self._progress.step(_("poll {number}: opening").format(number=number))
        for text in poll.documents:
            rehearsal.officers[0].post_document(text)
        rehearsal.witness()
        rehearsal.open_poll(number, poll.contests, poll.seconds)
        # Whoever follows the log knows the poll before its ballots come, and verifies these in batches.
        for party in [*rehearsal.needed_officers(), *self.present_trustees, *rehearsal.delegates[:1]]:
            party.view.refresh()
        self._progress.step(_("poll {poll}: ballots").format(poll=number))
        again = [voter for voter in poll.voters if voter.replaced is not None]
        total = len(poll.voters) + len(again)
        self._cast(number, [(voter, voter.replaced or voter.choices) for voter in poll.voters], total, 0)
        self._cast(number, [(voter, voter.choices) for voter in again], total, len(poll.voters))
        self._progress.step(_("poll {number}: closing, decryption and result").format(number=number))
        rehearsal.close_poll(number)
        rehearsal.decrypt(number, self.present_trustees)
        rehearsal.publish_result(number, result_page)

    def _cast(self, number: int, ballots: Sequence[tuple[Voter, Choices]], total: int, done: int) -> None:
        """Cast ballots in an order that nobody chose, batch by batch, each batch under a witnessed checkpoint."""
        waiting = list(ballots)
        secrets.SystemRandom().shuffle(waiting)
        while waiting:
            batch, waiting = waiting[:BATCH], waiting[BATCH:]
            entries = [self._ballot(number, voter, choices) for voter, choices in batch]
            self.rehearsal.now += _SECONDS_PER_BATCH
            for answer in self.board.submit(entries, now=self.rehearsal.now):
                if isinstance(answer, SecballotError):
                    raise answer
            self.rehearsal.witness()
            done += len(batch)
            self._progress.advance(done, total)

    def _ballot(self, number: int, voter: Voter, choices: Choices) -> bytes:
        """Return a delegate's finished ballot, after another one was opened if the delegate does that."""
        delegate = self.rehearsal.delegates[voter.delegate - 1]
        if voter.opens and choices == voter.choices:
            sealed = delegate.seal(number, choices, throw_dice())
            shown, tracker = sealed.open().encode(), sealed.tracker
            self._other_device.refresh()
            opened = OpenedBallot.decode(shown)
            check_opened(self._other_device.state.polls[number].context, opened, tracker)
            if opened.choices != choices:
                raise VerificationError(_("the opened ballot says something else than the delegate entered"))
        self._tags[number, voter.delegate] = tag = throw_dice()
        return ballot_entry(delegate.seal(number, choices, tag).cast())


def throw_dice() -> str:
    """Return a tag as a delegate would find it with a die."""
    while True:
        tag = "".join(secrets.choice(DIE) for _ in range(TAG_DIGITS))
        try:
            check_tag(tag)
        except RefusalError:
            continue
        return tag


def write_receipts(folder: Path, receipts: Sequence[HeldReceipt]) -> None:
    """Write every receipt to a file of its own."""
    folder.mkdir()
    for held in receipts:
        (folder / held.name).write_bytes(RECEIPT.encode(held.receipt))


def check_receipts(board: Path, sitting_id: bytes, receipts: Sequence[HeldReceipt]) -> None:
    """Check every receipt against the published folder, as its delegate would.

    Raises:
        VerificationError: a ballot is not counted where it should be.
        SecballotError: as `check_receipt`.
    """
    view = WitnessedView(open_source(board), sitting_id)
    view.refresh()
    for held in receipts:
        finding = check_receipt(held.receipt, view, held.tag)
        if not finding.counted or finding.number != finding.of:
            words = _("the ballot of delegate {number} in poll {poll} is not counted")
            raise VerificationError(words.format(number=held.delegate, poll=held.poll))
