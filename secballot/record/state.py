"""The verified state of a sitting: everything that later entries are judged against, and nothing unverified.

Rules read it and return a commit; only commits write it. Callers outside this package read it through
`SittingRecord` and treat it as read-only.

Source: SPEC.md#state-machine.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from secballot.errors import PhaseError
from secballot.record.history import LogHistory, LogOperator
from secballot.record.rolls import Heads, Requests, Roll
from secballot.record.sums import FEW_WAITING

if TYPE_CHECKING:
    import hashlib
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet

    import msgspec

    from secballot.blind import BlindPublicKey, ModuliProduct
    from secballot.elgamal import Ciphertexts
    from secballot.errors import Party
    from secballot.group import Elements
    from secballot.protocol.ballots import BallotContext
    from secballot.protocol.ceremony import Dealing, Session
    from secballot.record.outcome import Failure
    from secballot.record.parties import Parties
    from secballot.record.statements import Statement
    from secballot.record.sums import BallotSums
    from secballot.records.manifest import Manifest
    from secballot.records.opening import Opening
    from secballot.records.result import Result


@dataclass(slots=True)
class Collection:
    """Signatures of one act so far: who signed this body, and where the first of them stands."""

    first_index: int
    signers: set[bytes] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Posted:
    """One effective ceremony entry: its leaf hash and body."""

    leaf: bytes
    body: msgspec.Struct


@dataclass(frozen=True, slots=True)
class EndedSession:
    """A ceremony session that ended without a key: whom it blamed (None after a restart), and why."""

    number: int
    blamed: Party | None
    reason: str


@dataclass(slots=True)
class CeremonyState:
    """The current ceremony session, or the complete one."""

    session: Session
    rounds: tuple[dict[int, Posted], ...]
    dealings: dict[int, Dealing] = field(default_factory=dict)
    joint_key: Elements | None = None
    public_shares: dict[int, Elements] = field(default_factory=dict)
    complete: bool = False
    ended: list[EndedSession] = field(default_factory=list)

    @property
    def round(self) -> int:
        """The lowest round that some participant has not filled, 0..3; 4 when complete."""
        participants = len(self.session.participants)
        return next((number for number, posted in enumerate(self.rounds) if len(posted) < participants), 4)


class RegistrarKeys(NamedTuple):
    """All registrars' RSA keys for one poll and class, in manifest order.

    Attributes:
        keys: the keys.
        moduli: their moduli, 384 bytes each.
    """

    keys: list[BlindPublicKey]
    moduli: bytes

    @classmethod
    def of(cls, keys: list[BlindPublicKey]) -> RegistrarKeys:
        """Return these keys."""
        return cls(keys, b"".join([key.encode() for key in keys]))


_NO_KEYS: Final = RegistrarKeys([], b"")


@dataclass(slots=True)
class RegistrationState:
    """One registration: first staged (roll chunks, registrar keys), then effective, closed, ended, convened.

    Attributes:
        number: j.
        chunks: number of roll chunks, None before the first.
        roll_chunks: chunk numbers that are effective.
        roll: roll key to class.
        keys: (poll, class) to the registrars' RSA keys, by registrar index.
        first_poll: 0 while staged.
        requests: leaf hash to request.
        closed, end: whether requests are over; log size at which the registration ended.
        consents: party that consented to the index of its entry.
        convening: body hash of the convening, None before.
    """

    number: int
    chunks: int | None = None
    roll_chunks: set[int] = field(default_factory=set)
    roll: Roll = field(default_factory=Roll)
    keys: dict[tuple[int, int], dict[int, BlindPublicKey]] = field(default_factory=lambda: defaultdict(dict))
    key_bodies: dict[tuple[int, int, int], bytes] = field(default_factory=dict)
    first_poll: int = 0
    requests: Requests = field(init=False)
    closed: bool = False
    end: int | None = None
    consents: dict[Party, tuple[int, bytes]] = field(default_factory=dict)
    convening: bytes | None = None
    _rows: dict[tuple[int, int], RegistrarKeys] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Begin without requests."""
        self.requests = Requests(self.roll)

    def next_poll(self, key: bytes) -> int:
        """Return the first poll that a roll key has not asked a credential for."""
        return self.requests.next_poll(key) or self.first_poll

    def registrar_keys(self, poll: int, class_index: int) -> RegistrarKeys:
        """Return the keys for a poll and class, none where there are none, or while the registration is staged."""
        return self._rows.get((poll, class_index), _NO_KEYS)

    def freeze(self, first_poll: int) -> None:
        """Become effective: nothing changes roll or keys any more."""
        self.first_poll = first_poll
        for place, own in self.keys.items():
            self._rows[place] = RegistrarKeys.of([own[index] for index in sorted(own)])

    def answered(self, poll: int) -> dict[int, int]:
        """Return per class how many delegates' requests cover the poll and have every registrar's answer."""
        return {
            class_index: count for (covered, class_index), count in self.requests.covered.items() if covered == poll
        }

    def class_sizes(self) -> dict[int, int]:
        """Return per class the number of keys on the roll."""
        return dict(self.roll.sizes)


@dataclass(slots=True)
class DocumentProgress:
    """The document that one presidium key is posting; `indices` says where its chunks so far stand in the log."""

    document: bytes
    chunks: int
    next_chunk: int
    hasher: hashlib._Hash
    indices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ClosingInfo:
    """The effective closing: its leaf hash and index, the size m it embeds, and the latest of the q times."""

    leaf: bytes
    index: int
    size: int
    time: int


@dataclass(slots=True)
class PollState:
    """One poll from its opening on.

    Attributes:
        status: `open`, `closed`, `lapsed`, `void` or `annulled`.
        heads: credential S to its head.
        sums: class to the sum of its heads' ciphertexts, contests in order.
        at_floor: per contest, set at the closing.
        factors: per contest, trustee to decryption factors; `documents` the bodies' bytes.
        decrypted: positions of the contests of which t decryptions stand.
        counts: per contest, None before that, and where what was decrypted is no possible count.
    """

    number: int
    ctx: bytes
    opening: Opening
    index: int
    registration: RegistrationState
    context: BallotContext
    closes_at: int
    sums: BallotSums
    heads: Heads
    status: str = "open"
    reason: str = ""
    extended: bool = False
    last_accepted: int = -1
    closing: ClosingInfo | None = None
    tally_id: bytes = b""
    aggregates: tuple[Ciphertexts, ...] = ()
    at_floor: tuple[bool, ...] = ()
    factors: list[dict[int, Elements]] = field(default_factory=list)
    documents: dict[tuple[int, int], bytes] = field(default_factory=dict)
    decrypted: set[int] = field(default_factory=set)
    counts: list[tuple[int, ...] | None] = field(default_factory=list)
    result: Result | None = None

    def counted(self) -> dict[int, int]:
        """Return per class the number of heads."""
        return dict(self.heads.counted)

    def opened(self) -> bool:
        """Tell whether some contest has t effective decryptions."""
        return bool(self.decrypted)

    def finished(self) -> bool:
        """Tell whether nothing more is awaited of this poll (SPEC.md#adjournment)."""
        if self.status == "closed":
            return all(at in self.decrypted for at, at_floor in enumerate(self.at_floor) if at_floor)
        return self.status != "open"


@dataclass(slots=True)
class SittingState:
    """Everything verified so far.

    Attributes:
        anchor: the sitting_id from outside, or None.
        fetch: returns the bytes of an earlier entry by index, for ballots that leave a sum.
        most_waiting: superseded ballots that may wait to leave a poll's sums.
        proven: statements about entries to come that were verified ahead of their turn; never needed, only quicker.
        registrations: effective ones in order; `staged` is the next.
        moduli: those of all effective registrar keys, None before the first.
        polls: poll number to poll; a number in it is spent.
        over: why nothing has effect any more; empty while it may.
    """

    anchor: bytes | None
    fetch: Callable[[int], bytes]
    most_waiting: int = FEW_WAITING
    proven: AbstractSet[Statement] = frozenset()
    history: LogHistory = field(default_factory=LogHistory)
    manifest: Manifest | None = None
    sitting_id: bytes = b""
    parties: Parties | None = None
    operators: list[LogOperator] = field(default_factory=list)
    collections: dict[tuple[str, bytes], Collection] = field(default_factory=dict)
    ceremony: CeremonyState | None = None
    staged: RegistrationState = field(default_factory=lambda: RegistrationState(1))
    registrations: list[RegistrationState] = field(default_factory=list)
    moduli: ModuliProduct | None = None
    documents: dict[bytes, DocumentProgress] = field(default_factory=dict)
    complete_documents: set[bytes] = field(default_factory=set)
    polls: dict[int, PollState] = field(default_factory=dict)
    by_ctx: dict[bytes, PollState] = field(default_factory=dict)
    handovers: int = 0
    over: str = ""
    adjourned: bool = False
    failures: list[Failure] = field(default_factory=list)

    def the_manifest(self) -> Manifest:
        """Return the manifest.

        Raises:
            PhaseError: there is none yet (ENT-03).
        """
        if self.manifest is None:
            raise PhaseError("no manifest is in force yet", check="ENT-03")
        return self.manifest

    def complete_ceremony(self) -> CeremonyState:
        """Return the ceremony that made the joint key.

        Raises:
            PhaseError: it is not complete (ENT-06).
        """
        if self.ceremony is None or not self.ceremony.complete:
            raise PhaseError("the ceremony is not complete", check="ENT-06")
        return self.ceremony

    def current_registration(self, number: int) -> RegistrationState:
        """Return the newest effective registration, if this is its number.

        Raises:
            PhaseError: it is not (ENT-06).
        """
        if not self.registrations or self.registrations[-1].number != number:
            raise PhaseError(f"registration {number} is not the current one", check="ENT-06")
        return self.registrations[-1]
