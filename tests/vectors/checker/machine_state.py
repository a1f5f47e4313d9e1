"""The state of a sitting, the entry being judged, and the ways in which judging one can end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .merkle import Tree

if TYPE_CHECKING:
    from .edwards import Point
    from .manifest import Manifest
    from .proofs import Cipher

Body = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What became of an entry; check and culprit where there is one."""

    outcome: str
    check: str | None = None
    culprit: str | None = None


EFFECT = Outcome("effect")


class NoEffectError(Exception):
    """The entry has no effect."""

    def __init__(self, check: str) -> None:
        """Keep the check's id."""
        super().__init__(check)
        self.check = check


class FaultError(Exception):
    """The entry proves a fault of its signer."""

    def __init__(self, check: str) -> None:
        """Keep the check's id."""
        super().__init__(check)
        self.check = check


class ExcludedError(Exception):
    """The ballot is excluded."""

    def __init__(self, check: str) -> None:
        """Keep the check's id."""
        super().__init__(check)
        self.check = check


@dataclass(frozen=True)
class Entry:
    """An entry past ENT-02."""

    index: int
    leaf: bytes
    kind: str
    body: Body
    body_bytes: bytes
    body_hash: bytes
    signer: bytes
    signature: bytes


@dataclass
class Session:
    """A ceremony session: effective entries of each round by trustee."""

    number: int
    participants: list[int]
    rounds: list[dict[int, Entry]] = field(default_factory=lambda: [{}, {}, {}, {}])
    commitments: dict[int, list[Point]] = field(default_factory=dict)
    encryption: dict[int, Point] = field(default_factory=dict)
    joint: Point | None = None

    def round(self) -> int:
        """Return the lowest incomplete round, or 4."""
        return next((r for r in range(4) if len(self.rounds[r]) < len(self.participants)), 4)


@dataclass
class Request:
    """An effective credential request and the registrars that answered it."""

    key: bytes
    kind: int
    first_poll: int
    blinded: list[bytes]
    answers: set[int] = field(default_factory=set)

    def covers(self, poll: int) -> bool:
        """Tell whether the request asks for this poll's credential."""
        return self.first_poll <= poll < self.first_poll + len(self.blinded)


@dataclass
class Registration:
    """An effective registration."""

    number: int
    first_poll: int
    roll: dict[bytes, int]
    moduli: dict[tuple[int, int, int], int]
    requests: dict[bytes, Request] = field(default_factory=dict)
    asked: dict[tuple[bytes, int], bytes] = field(default_factory=dict)
    closed: bool = False
    end: int | None = None
    consents: dict[bytes, Entry] = field(default_factory=dict)
    convening: bytes | None = None

    def complete_requests(self, poll: int, registrars: int) -> list[Request]:
        """Return the requests that cover a poll and have every registrar's answer."""
        return [r for r in self.requests.values() if r.covers(poll) and len(r.answers) == registrars]


@dataclass(frozen=True)
class Vote:
    """An accepted ballot."""

    index: int
    leaf: bytes
    body: Body


@dataclass
class Credential:
    """A credential's first accepted ballot and its head."""

    first: Vote
    head: Vote


@dataclass
class Poll:
    """An effective opening and everything about its poll."""

    ctx: bytes
    index: int
    body: Body
    registration: Registration
    closes_at: int
    minimum_duration: int
    extended: bool = False
    status: str = "open"
    credentials: dict[bytes, Credential] = field(default_factory=dict)
    last_vote: int = -1
    closing_index: int = -1
    closing_leaf: bytes = b""
    closing_time: int = -1
    counted: list[Vote] = field(default_factory=list)
    aggregates: list[list[Cipher]] = field(default_factory=list)
    tally_id: bytes = b""
    at_floor: list[bool] = field(default_factory=list)
    decryptions: list[dict[int, tuple[bytes, list[Point]]]] = field(default_factory=list)
    counts: dict[int, list[int] | None] = field(default_factory=dict)
    page: bytes | None = None

    @property
    def number(self) -> int:
        """Return the poll's number."""
        return int(self.body["poll"])


@dataclass
class Progress:
    """A document of which chunks are still to come."""

    document: bytes
    chunks: int
    parts: list[str]


@dataclass
class State:
    """Everything the entries so far have made true; `seen` holds kind and body of the collected ones."""

    anchor: bytes | None
    tree: Tree = field(default_factory=Tree)
    seen: list[tuple[str, bytes] | None] = field(default_factory=list)
    collected: dict[tuple[str, bytes], set[bytes]] = field(default_factory=dict)
    manifest: Manifest | None = None
    over: str | None = None
    session: Session | None = None
    joint: Point | None = None
    public_shares: dict[int, Point] = field(default_factory=dict)
    next_chunks: dict[int, Body] = field(default_factory=dict)
    next_keys: dict[tuple[int, int, int], bytes] = field(default_factory=dict)
    next_moduli: dict[tuple[int, int, int], int] = field(default_factory=dict)
    moduli: list[int] = field(default_factory=list)
    registrations: list[Registration] = field(default_factory=list)
    convenings: list[tuple[bytes, Registration]] = field(default_factory=list)
    documents: set[bytes] = field(default_factory=set)
    progress: dict[bytes, Progress] = field(default_factory=dict)
    polls: dict[bytes, Poll] = field(default_factory=dict)
    handovers: list[tuple[int, int]] = field(default_factory=list)
    fails: list[tuple[str, int | None]] = field(default_factory=list)

    @property
    def sitting(self) -> Manifest:
        """Return the effective manifest, without which no other kind reaches its checks."""
        if self.manifest is None:
            raise NoEffectError("ENT-03")
        return self.manifest

    @property
    def current(self) -> Registration | None:
        """Return the current registration."""
        return self.registrations[-1] if self.registrations else None

    def spent(self) -> set[int]:
        """Return the spent poll numbers."""
        return {poll.number for poll in self.polls.values()}

    def fail(self, check: str, index: int | None) -> None:
        """Write down that the record fails."""
        self.fails.append((check, index))
