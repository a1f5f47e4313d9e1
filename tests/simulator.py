"""A whole sitting in memory, in which every party can be replaced by a liar.

`Simulator` runs the real parties against `MemoryBoard`, which admits like the real board and can be told to log
anything, sign any head and forget anything. `golden()` is one finished small sitting for tests that mutate a record.

    simulator = Simulator()
    simulator.until_polls()
    simulator.board.force(b"junk")                 # the operator logs what it likes
    simulator.board.append_signed(key, kind, body) # a party posts what it likes
"""

from __future__ import annotations

import hashlib
import itertools
import shutil
import tempfile
import weakref
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from secballot.board.checkpoint import Checkpoint, sign_checkpoint
from secballot.board.cosignature import Ed25519Cosigner
from secballot.board.merkle import leaf_hash, root_of
from secballot.board.note import Ed25519Signer, Note
from secballot.errors import RefusalError, StoreError
from secballot.record import Judgement, Outcome, SittingRecord
from secballot.records.manifest import MANIFEST, DelegateClass, Majority, Manifest, Quorum, RuleSet
from secballot.records.opening import Contest, Option
from secballot.records.promise import Promise
from secballot.roles.party import sign_entry
from secballot.roles.rehearsal import Entropy, Plan, Rehearsal
from tests.registrar_keys import test_key as published_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import msgspec

    from secballot.signing import SigningKey

TAGS = tuple(
    "".join(str(1 + byte % 6) for byte in hashlib.sha256(bytes([number])).digest()[:10]) for number in range(64)
)
"""Tags as dice would give them."""


class MemorySource:
    """Reads a list of entries and notes, as a mirror would serve them."""

    def __init__(self, board: MemoryBoard) -> None:
        """Read from this board, live."""
        self._board = board

    def checkpoint_notes(self) -> list[bytes]:
        """Return the notes at hand, newest first."""
        return [self._board.notes[size] for size in sorted(self._board.notes, reverse=True)]

    def size(self) -> int:
        """Return the number of entries."""
        return len(self._board.entries)

    def entry(self, index: int) -> bytes:
        """Return an entry."""
        return self._board.entries[index]

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield entries in order."""
        return iter(self._board.entries[start:stop])

    def discrepancies(self, size: int, subtree: Callable[[int, int], bytes]) -> Iterator[str]:
        """Yield nothing: there is nothing beside entries and notes."""
        del size, subtree
        return iter(())


class MemoryBoard:
    """A board operator without storage, honest until told otherwise."""

    def __init__(self, manifest: Manifest, log_key: SigningKey, promise_key: SigningKey) -> None:
        """Begin with the empty log."""
        self.manifest = manifest
        self.log_key, self.promise_key = log_key, promise_key
        self.anchor = hashlib.sha256(MANIFEST.encode(manifest)).digest()
        self.entries: list[bytes] = []
        self.notes: dict[int, bytes] = {}
        self.record = SittingRecord(self.anchor, fetch=lambda index: self.entries[index])
        self.judgements: list[Judgement] = []
        self.witnesses: list[Witness] = []

    def source(self) -> MemorySource:
        """Return a reader."""
        return MemorySource(self)

    def submit(self, entries: Sequence[bytes], *, now: int) -> list[Promise | RefusalError]:
        """Admit what stands, and faults; refuse the rest."""
        answers: list[Promise | RefusalError] = []
        for entry in entries:
            judgement = self.record.judge(entry)
            if judgement.outcome.stands or judgement.outcome is Outcome.FAULT:
                self.force(entry)
                answers.append(self.promise(entry, len(self.entries) - 1, now))
            else:
                answers.append(RefusalError(judgement.reason, check=judgement.check))
        return answers

    def force(self, entry: bytes) -> Judgement:
        """Log these bytes whatever they are, and return what they did."""
        self.entries.append(entry)
        self.judgements.append(self.record.append(entry))
        return self.judgements[-1]

    def promise(self, entry: bytes, index: int, now: int) -> Promise:
        """Return a signed promise, kept or not."""
        blank = Promise(index, leaf_hash(entry), 60, bytes(64), self.anchor, now)
        return Promise(index, leaf_hash(entry), 60, self.promise_key.sign(blank.message()), self.anchor, now)

    def publish(self, folder: str | Path) -> int:
        """Refuse: tests read the lists."""
        raise StoreError(f"a board in memory publishes nothing to {folder}")

    def close(self) -> None:
        """Do nothing: there is no store."""

    def sign_checkpoint(self) -> None:
        """Do nothing: heads are signed when they are cosigned."""

    def collect(self, witnesses: Sequence[object], *, now: int) -> None:
        """Sign the head and let every witness of the simulator cosign it."""
        del witnesses
        leaves = [leaf_hash(entry) for entry in self.entries]
        note = cosigned_head(self.manifest.log.origin, self.log_key, leaves, self.witnesses, now)
        self.notes[len(self.entries)] = note


@dataclass(frozen=True)
class Witness:
    """A witness that signs whatever it is shown."""

    name: str
    key: SigningKey


def cosigned_head(
    origin: str, log_key: SigningKey, leaves: Sequence[bytes], witnesses: Sequence[Witness], now: int
) -> bytes:
    """Return a checkpoint over these leaves, signed by the log and by every witness given."""
    note = sign_checkpoint(Checkpoint(origin, len(leaves), root_of(leaves)), [Ed25519Signer(origin, log_key)])
    lines = [Ed25519Cosigner(witness.name, witness.key).cosign(note.text, now) for witness in witnesses]
    return Note(note.text, (*note.signatures, *lines)).encode()


def adopt_rule(**changes: object) -> RuleSet:
    """Return a rule set for resolutions, open to both classes."""
    rule = RuleSet(
        decision="adopt",
        eligible=(1, 2),
        majority=Majority(base="decided", denominator=2, numerator=1, strict=True),
        minimum_duration=60,
        name="simple",
        quorum=Quorum(base="roll", denominator=2, measure="count", numerator=1),
        seats=0,
    )
    return _replace(rule, changes)


def elect_rule(**changes: object) -> RuleSet:
    """Return a rule set for elections, open to the first class."""
    rule = RuleSet(
        decision="elect",
        eligible=(1,),
        majority=Majority(base="cast", denominator=1, numerator=0, strict=False),
        minimum_duration=60,
        name="council",
        quorum=Quorum(base="registered", denominator=2, measure="weight", numerator=1),
        seats=2,
    )
    return _replace(rule, changes)


def _replace(rule: RuleSet, changes: dict[str, object]) -> RuleSet:
    fields = {name: getattr(rule, name) for name in rule.__struct_fields__}
    return RuleSet(**{**fields, **changes})


SMALL = Plan(
    title="A small sitting",
    classes=(DelegateClass("Deputies", 10, 2), DelegateClass("Representatives", 10, 1)),
    delegates=(4, 4),
    rules=(adopt_rule(), elect_rule()),
    polls=2,
    presidium=(3, 2),
    commission=2,
    registrars=2,
    trustees=(4, 3, 2),
    witnesses=(4, 3, 1),
    minimum_ballots=2,
    ballots_per_credential=3,
    successors=1,
)
"""Small enough to run in a few seconds; every party comes in more than one."""


def resolution(title: str = "A declaration") -> Contest:
    """Return a contest for / against / abstain."""
    return Contest(
        documents=(),
        options=(Option("For", 1), Option("Against", 1), Option("Abstain", 1)),
        rules="simple",
        sum_maximum=1,
        sum_minimum=1,
        text="Shall it be adopted?",
        title=title,
    )


def election() -> Contest:
    """Return a contest of up to two of three, open to the first class."""
    return Contest(
        documents=(),
        options=(Option("A", 1), Option("B", 1), Option("C", 1)),
        rules="council",
        sum_maximum=2,
        sum_minimum=0,
        text="",
        title="A council",
    )


@dataclass
class Simulator:
    """A rehearsal over a memory board, with published RSA keys and reproducible identity keys."""

    plan: Plan = SMALL
    seed: bytes = b"simulator"
    rehearsal: Rehearsal = field(init=False)
    board: MemoryBoard = field(init=False)

    def __post_init__(self) -> None:
        """Set up every party; nothing is posted yet."""
        folder = Path(tempfile.mkdtemp())
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        numbers, blocks = itertools.count(), itertools.count()

        def draw(size: int) -> bytes:
            return hashlib.shake_256(self.seed + next(blocks).to_bytes(8, "big")).digest(size)

        entropy = Entropy(draw=draw, rsa_key=lambda: published_key(next(numbers)))
        self.rehearsal = Rehearsal(folder, self.plan, entropy=entropy, board_factory=self._make_board)
        names = [witness.name for witness in self.rehearsal.manifest.witnesses.witnesses]
        keys = self.rehearsal.keys.witnesses
        self.board.witnesses = [Witness(name, key) for name, key in zip(names, keys, strict=True)]

    def _make_board(self, path: Path, manifest: Manifest, log_key: SigningKey, promise_key: SigningKey) -> MemoryBoard:
        del path
        self.board = MemoryBoard(manifest, log_key, promise_key)
        return self.board

    def append_signed(self, key: SigningKey, kind: str, body: msgspec.Struct) -> Judgement:
        """Sign a body with any key, log it by force, and return what it did."""
        return self.board.force(sign_entry(key, kind, self.board.anchor, body))

    def append_act(self, kind: str, body: msgspec.Struct, keys: Sequence[SigningKey] | None = None) -> Judgement:
        """Let these keys (the needed officers by default) sign a body one after another; return the last outcome."""
        signers = keys if keys is not None else [officer.key for officer in self.rehearsal.needed_officers()]
        return [self.append_signed(key, kind, body) for key in signers][-1]

    def until_ceremony(self) -> Simulator:
        """Run up to the complete ceremony."""
        self.rehearsal.found()
        self.rehearsal.run_ceremony()
        return self

    def until_polls(self) -> Simulator:
        """Run up to the convening; polls can be opened."""
        self.until_ceremony()
        self.rehearsal.enrol()
        self.rehearsal.register()
        self.rehearsal.convene()
        return self

    def vote(self, number: int, votes: Sequence[int] = (0, 0, 0, 1, 0, 1, 1, 2)) -> Simulator:
        """Let the delegates vote on `resolution` and `election`; class 1 also approves A and the same option."""
        for at, (delegate, vote) in enumerate(zip(self.rehearsal.delegates, votes, strict=False)):
            choice = tuple(int(option == vote) for option in range(3))
            approvals = tuple(int(option in {0, vote}) for option in range(3))
            first_class = at < self.plan.delegates[0]
            delegate.cast(delegate.seal(number, (choice, approvals) if first_class else (choice,), TAGS[at]))
        self.rehearsal.witness()
        return self

    def until_closed(self, number: int = 1) -> Simulator:
        """Run up to the closing of one poll with two contests."""
        self.until_polls()
        self.rehearsal.open_poll(number, [resolution(), election()])
        self.vote(number)
        self.rehearsal.close_poll(number)
        return self

    def until_adjourned(self) -> Simulator:
        """Run a whole sitting with one poll, a revote among its ballots."""
        self.until_polls()
        self.rehearsal.open_poll(1, [resolution(), election()])
        self.vote(1)
        again = self.rehearsal.delegates[0]
        again.cast(again.seal(1, ((0, 1, 0), (0, 1, 1)), TAGS[40]))
        self.rehearsal.witness()
        self.rehearsal.close_poll(1)
        self.rehearsal.decrypt(1)
        self.rehearsal.publish_result(1)
        self.rehearsal.adjourn()
        return self


@dataclass(frozen=True)
class Golden:
    """A finished sitting as the public sees it, and what its entries did."""

    entries: tuple[bytes, ...]
    notes: dict[int, bytes]
    anchor: bytes
    judgements: tuple[Judgement, ...]
    simulator: Simulator


@cache
def golden() -> Golden:
    """Return one finished sitting; made once per process, not to be changed."""
    simulator = Simulator().until_adjourned()
    board = simulator.board
    return Golden(tuple(board.entries), dict(board.notes), board.anchor, tuple(board.judgements), simulator)


def replay(entries: Sequence[bytes], anchor: bytes | None) -> tuple[SittingRecord, list[Judgement]]:
    """Feed entries to a fresh machine and return it with every outcome."""
    record = SittingRecord(anchor, fetch=lambda index: entries[index])
    return record, [record.append(entry) for entry in entries]


def with_plan(**changes: object) -> Simulator:
    """Return a simulator of the small plan with these changes."""
    return Simulator(replace(SMALL, **changes))  # type: ignore[arg-type]  # field names are checked by replace
