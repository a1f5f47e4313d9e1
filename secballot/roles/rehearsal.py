"""A whole sitting in one process: every party with its own secrets and its own state, talking only through the board.

For demonstrations, for tests, and for a congress that wants to rehearse before it votes. The clock is simulated; the
protocol is the real one, and so are the records, the databases and the checks. What is shared between delegates is the
replay of the public log, which every one of them would compute alike.

Source: SPEC.md#an-example-sitting.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from secballot.blind import BlindSecretKey
from secballot.errors import RefusalError, SecballotError
from secballot.protocol.phrase import Wallet, generate_phrase
from secballot.records.manifest import (
    DelegateClass,
    Limits,
    LogKeys,
    Manifest,
    Presidium,
    RuleSet,
    Successor,
    Trustees,
    Witness,
    Witnesses,
)
from secballot.roles.board import BoardOperator
from secballot.roles.commission import CommissionMember
from secballot.roles.delegate import Delegate
from secballot.roles.officer import Officer, poll_by_number
from secballot.roles.registrar import Registrar
from secballot.roles.trustee import Trustee
from secballot.roles.view import WitnessedView
from secballot.roles.witness import WitnessRole
from secballot.signing import SigningKey
from secballot.store.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from secballot.board.reader import LogSource
    from secballot.record import SittingRecord
    from secballot.record.state import PollState, SittingState
    from secballot.records.opening import Contest
    from secballot.records.promise import Promise

    PageMaker = Callable[[SittingState, PollState], bytes]


@dataclass(frozen=True, slots=True)
class Plan:
    """Who takes part, and by which rules.

    Attributes:
        title: of the sitting.
        classes: name, seats and weight of each class.
        delegates: number of delegates of each class, in class order.
        rules: the rule sets.
        polls: most polls of the sitting.
        presidium: number of keys, and how many sign.
        commission: number of members.
        registrars: number of registrars.
        trustees: number, minimum for convening, threshold.
        witnesses: number, quorum, dishonest ones withstood.
        minimum_ballots: privacy floor.
        objection_period: seconds.
        successors: operators to whom the log can be handed over.
    """

    title: str
    classes: tuple[DelegateClass, ...]
    delegates: tuple[int, ...]
    rules: tuple[RuleSet, ...]
    polls: int = 1
    presidium: tuple[int, int] = (3, 2)
    commission: int = 2
    registrars: int = 3
    trustees: tuple[int, int, int] = (5, 4, 3)
    witnesses: tuple[int, int, int] = (4, 3, 1)
    minimum_ballots: int = 2
    objection_period: int = 600
    ballots_per_credential: int = 10
    extension_limit: int = 7_200
    grace: int = 86_400
    decryption_period: int = 86_400
    ceremony_sessions: int = 5
    successors: int = 0


@dataclass(slots=True)
class Entropy:
    """Where keys and phrases come from; tests replace it to have the same sitting every time."""

    draw: Callable[[int], bytes] = os.urandom
    rsa_key: Callable[[], BlindSecretKey] = BlindSecretKey.generate

    def signing_keys(self, count: int) -> list[SigningKey]:
        """Return so many fresh identity keys."""
        return [SigningKey.from_seed(self.draw(32)) for _ in range(count)]


@dataclass(slots=True)
class Keys:
    """Every identity key of a rehearsal; in a real sitting no machine holds two of them."""

    presidium: list[SigningKey]
    commission: list[SigningKey]
    registrars: list[SigningKey]
    trustees: list[SigningKey]
    witnesses: list[SigningKey]
    log: list[SigningKey]
    promise: list[SigningKey]

    @classmethod
    def draw(cls, plan: Plan, entropy: Entropy) -> Keys:
        """Return fresh keys for every party of the plan."""
        counts = (plan.presidium[0], plan.commission, plan.registrars, plan.trustees[0], plan.witnesses[0])
        groups = [entropy.signing_keys(count) for count in (*counts, 1 + plan.successors, 1 + plan.successors)]
        return cls(*groups)


def make_manifest(plan: Plan, keys: Keys, *, nonce: bytes) -> Manifest:
    """Return the manifest of a plan.

    Args:
        plan: who and how.
        keys: of every party.
        nonce: 16 random bytes of the origin.
    """

    def public(signing: Iterable[SigningKey]) -> tuple[bytes, ...]:
        return tuple(key.verify_key.encode() for key in signing)

    log_keys, promise_keys = public(keys.log), public(keys.promise)
    witnesses = tuple(
        Witness(key=key, name=f"witness-{number}.example") for number, key in enumerate(public(keys.witnesses), 1)
    )
    return Manifest(
        ceremony_sessions=plan.ceremony_sessions,
        classes=plan.classes,
        commission=public(keys.commission),
        decryption_period=plan.decryption_period,
        dishonest_witnesses=plan.witnesses[2],
        extension_limit=plan.extension_limit,
        grace=plan.grace,
        limits=Limits(ballots_per_credential=plan.ballots_per_credential),
        log=LogKeys(
            key=log_keys[0], maximum_delay=60, origin=f"board.example/{nonce.hex()}", promise_key=promise_keys[0]
        ),
        minimum_ballots=plan.minimum_ballots,
        objection_period=plan.objection_period,
        polls=plan.polls,
        presidium=Presidium(keys=public(keys.presidium), threshold=plan.presidium[1]),
        registrars=public(keys.registrars),
        rules=plan.rules,
        successors=tuple(map(Successor, log_keys[1:], promise_keys[1:])),
        suite="secballot/v1",
        title=plan.title,
        trustees=Trustees(keys=public(keys.trustees), minimum=plan.trustees[1], threshold=plan.trustees[2]),
        witnesses=Witnesses(quorum=plan.witnesses[1], witnesses=witnesses),
    )


class Operator(Protocol):
    """The board operator as a rehearsal drives it; `BoardOperator` is one."""

    anchor: bytes

    @property
    def record(self) -> SittingRecord:
        """The operator's own machine."""

    def source(self) -> LogSource:
        """Return a reader of the log."""

    def submit(self, entries: Sequence[bytes], *, now: int) -> Sequence[Promise | SecballotError]:
        """Admit or refuse entries."""

    def sign_checkpoint(self) -> object:
        """Sign the head."""

    def collect(self, witnesses: Sequence[WitnessRole], *, now: int) -> object:
        """Have the head cosigned."""

    def publish(self, folder: str | Path) -> int:
        """Write the log as static files."""

    def close(self) -> None:
        """Let go of the store."""


def _open_board(path: Path, manifest: Manifest, log_key: SigningKey, promise_key: SigningKey) -> Operator:
    return BoardOperator.create(path, manifest, log_key=log_key, promise_key=promise_key)


@dataclass(slots=True)
class Rehearsal:
    """The parties of one sitting and its simulated clock.

    Attributes:
        folder: holds the board's database and each party's journal.
        plan: who takes part.
        now: simulated time, seconds since the epoch.
        notify: called with a line for every step that takes a while.
        board_factory: makes the operator from path, manifest, log key and promise key; a seam for tests.
    """

    folder: Path
    plan: Plan
    now: int = 1_770_000_000
    entropy: Entropy = field(default_factory=Entropy)
    notify: Callable[[str], None] = lambda _: None
    board_factory: Callable[[Path, Manifest, SigningKey, SigningKey], Operator] = _open_board
    keys: Keys = field(init=False)
    manifest: Manifest = field(init=False)
    sitting_id: bytes = field(init=False)
    operator: Operator = field(init=False)
    witnesses: list[WitnessRole] = field(init=False)
    officers: list[Officer] = field(init=False)
    commission: list[CommissionMember] = field(init=False)
    registrars: list[Registrar] = field(init=False)
    trustees: list[Trustee] = field(init=False)
    delegates: list[Delegate] = field(init=False, default_factory=list)
    roll: dict[bytes, int] = field(init=False, default_factory=dict)
    _journals: list[Journal] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        """Draw keys, make the manifest, and set up every party with a journal of its own."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.keys = Keys.draw(self.plan, self.entropy)
        self.manifest = make_manifest(self.plan, self.keys, nonce=self.entropy.draw(16))
        self.operator = self.board_factory(
            self.folder / "board.sqlite", self.manifest, self.keys.log[0], self.keys.promise[0]
        )
        self.sitting_id = self.operator.anchor
        self.witnesses = [self._witness(number, key) for number, key in enumerate(self.keys.witnesses, 1)]
        self.officers = [Officer(key, self.view(), self) for key in self.keys.presidium]
        self.commission = [CommissionMember(key, self.view(), self) for key in self.keys.commission]
        self.registrars = [
            Registrar(key, self.view(), self, self._journal(f"registrar-{number}"), self.entropy.rsa_key)
            for number, key in enumerate(self.keys.registrars, 1)
        ]
        self.trustees = [
            Trustee(key, self.view(), self, self._journal(f"trustee-{number}"))
            for number, key in enumerate(self.keys.trustees, 1)
        ]

    def view(self) -> WitnessedView:
        """Return a fresh view of the board for one party."""
        return WitnessedView(self.operator.source(), self.sitting_id)

    def post(self, entry: bytes) -> Promise:
        """Post one entry at the simulated time.

        Raises:
            RefusalError: the board refuses it.
        """
        answer = self.operator.submit([entry], now=self.now)[0]
        if isinstance(answer, SecballotError):
            raise answer
        return answer

    def witness(self) -> None:
        """Let the board sign its head and the witnesses cosign it."""
        self.operator.sign_checkpoint()
        self.operator.collect(self.witnesses, now=self.now)

    def found(self) -> None:
        """Found the sitting: as many officers as are needed sign the manifest."""
        self.notify("manifest")
        for officer in self.needed_officers():
            officer.found(self.manifest)
        self.witness()

    def run_ceremony(self, trustees: Sequence[Trustee] | None = None) -> None:
        """Run the key ceremony among these trustees (all by default) until nobody has anything to do."""
        self.notify("key ceremony")
        while [promise for trustee in trustees or self.trustees if (promise := trustee.step()) is not None]:
            self.witness()

    def enrol(self, label: str = "rehearsal") -> None:
        """Make the delegates' phrases; the commission learns their roll keys and classes."""
        view = self.view()
        for class_index, count in enumerate(self.plan.delegates, 1):
            for _ in range(count):
                delegate = Delegate(Wallet(generate_phrase(self.entropy.draw(32)), label), view, self)
                self.delegates.append(delegate)
                self.roll[delegate.public_key] = class_index

    def register(self, first_poll: int = 1) -> None:
        """Run one registration: roll, registrar keys, requests of all delegates, answers, close."""
        self.notify("roll and registrar keys")
        for member in self.commission:
            member.sign_roll(self.roll)
        for registrar in self.registrars:
            registrar.post_keys()
        self.witness()
        for officer in self.needed_officers():
            officer.register(first_poll)
        self.witness()
        self.notify("credentials")
        for delegate in self.delegates:
            if delegate.public_key in self.roll:
                delegate.request_credentials()
        self.witness()
        for officer in self.needed_officers():
            officer.close_registration()
        for registrar in self.registrars:
            registrar.answer_requests()
        self.witness()

    def convene(self, trustees: Sequence[Trustee] | None = None) -> None:
        """Collect consents and convene; registrars then destroy their keys."""
        self.notify("consents and convening")
        for registrar in self.registrars:
            registrar.consent()
        for trustee in trustees or self.trustees:
            trustee.consent()
        self.witness()
        first, *others = self.needed_officers()
        index = first.convene().index
        self.witness()
        self.countersign(others, index)
        self.witness()
        for registrar in self.registrars:
            registrar.destroy_keys()

    def open_poll(self, number: int, contests: Sequence[Contest], seconds: int = 3_600) -> None:
        """Open a poll that closes so many seconds from now."""
        for officer in self.needed_officers():
            officer.open_poll(number, contests, self.now + seconds)
        self.witness()
        # Whoever will close the poll keeps this checkpoint: it shows how long the poll stood open.
        self.officers[0].view.refresh()

    def close_poll(self, number: int) -> None:
        """Let time pass to the closing of a poll and close it."""
        poll = self.operator.record.state.polls[number]
        self.now = max(self.now, poll.closes_at)
        self.witness()
        self.officers[0].close_poll(number)
        self.witness()

    def decrypt(self, number: int, trustees: Sequence[Trustee] | None = None) -> None:
        """Let the objection period pass and these trustees (all by default) decrypt."""
        self.now += self.plan.objection_period + 1
        for trustee in trustees or self.trustees:
            try:
                trustee.decrypt(number, now=self.now)
            except RefusalError as refusal:
                self.notify(f"trustee {trustee.index}: {refusal.message}")
        self.witness()

    def publish_result(self, number: int, make_page: PageMaker = lambda _state, _poll: b"") -> None:
        """Sign and post the result, with the page that every officer makes from its own view; none by default."""
        for officer in self.needed_officers():
            officer.view.refresh()
            officer.publish_result(number, make_page(officer.view.state, poll_by_number(officer.view, number)))
        self.witness()

    def adjourn(self) -> None:
        """End the sitting; trustees then destroy their shares."""
        first, *others = self.needed_officers()
        index = first.adjourn().index
        self.witness()
        self.countersign(others, index)
        self.witness()
        for trustee in self.trustees:
            trustee.destroy_state()

    def close(self) -> None:
        """Let go of the board's store and of every party's journal."""
        self.operator.close()
        for journal in self._journals:
            journal.close()

    def needed_officers(self) -> list[Officer]:
        """Return as many officers as an act needs."""
        return self.officers[: self.plan.presidium[1]]

    def countersign(self, officers: Sequence[Officer], index: int) -> None:
        """Let these officers sign the act that another has posted at this index."""
        for officer in officers:
            officer.view.refresh()
            officer.countersign(index)

    def _journal(self, name: str) -> Journal:
        journal = Journal.create(self.folder / f"{name}.sqlite")
        self._journals.append(journal)
        return journal

    def _witness(self, number: int, key: SigningKey) -> WitnessRole:
        role = WitnessRole(f"witness-{number}.example", key, self._journal(f"witness-{number}"))
        role.follow(self.manifest.log.origin, self.keys.log[0].verify_key.encode())
        return role
