"""The golden sitting, stopped at any entry, with every party's key at hand to go on with it differently.

Every entry posted to a `Stage` is judged by the record machine and by the independent checker, which must agree, and is
held against what holds for all entries: judging changes nothing, judging and appending say the same, and what has no
effect leaves no trace.

    stage = Stage.after("roll")
    assert stage.post(stage.keys.registrars[0], "registrar-key", body) == fault("REG-02", "registrar 1")
"""

from __future__ import annotations

import copy
from array import array
from dataclasses import fields, is_dataclass
from functools import cache
from types import FunctionType, NoneType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import msgspec

from secballot.blind import BlindPublicKey, ModuliProduct
from secballot.board.checkpoint import Checkpoint
from secballot.board.merkle import leaf_hash, root_of
from secballot.board.note import Note
from secballot.elgamal import Ciphertexts
from secballot.errors import NOBODY, Party
from secballot.group import Elements
from secballot.record import Judgement, Outcome, SittingRecord
from secballot.record.history import LogHistory
from secballot.record.parties import Parties
from secballot.record.sums import BallotSums
from secballot.records.entry import decode_entry
from secballot.roles.party import sign_entry
from tests.second_verifier import check_failures, check_words
from tests.simulator import Simulator, Witness, cosigned_head, golden
from tests.vectors.checker import machine_judge
from tests.vectors.checker.machine_state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from secballot.record.state import SittingState
    from secballot.records.manifest import Manifest
    from secballot.roles.rehearsal import Keys
    from secballot.signing import SigningKey

NOW: Final = 1_770_000_000


class Verdict(NamedTuple):
    """Outcome, check and culprit of one entry; empty where there is none."""

    outcome: str
    check: str = ""
    culprit: str = ""


EFFECT: Final = Verdict("effect")
COLLECTED: Final = Verdict("collected")


def refused(check: str) -> Verdict:
    """Return the verdict `no effect` with this check."""
    return Verdict("no effect", check)


def fault(check: str, culprit: str) -> Verdict:
    """Return the verdict `fault` of this party."""
    return Verdict("fault", check, culprit)


def said(judgement: Judgement) -> Verdict:
    """Return what a judgement says; who is suspected of an entry without effect is left out."""
    names = judgement.outcome in {Outcome.EFFECT, Outcome.FAULT} and judgement.culprit not in {None, NOBODY}
    return Verdict(judgement.outcome.value, judgement.check or "", str(judgement.culprit) if names else "")


def checker_says(state: State, entry: bytes) -> Verdict:
    """Return what the independent checker says, after it has applied the entry."""
    _, found = machine_judge.judge(state, entry)
    culprit = "delegate" if (found.culprit or "").startswith("delegate") else found.culprit or ""
    return Verdict(found.outcome, found.check or "", culprit)


class Stage:
    """A log so far, the machine and the checker that have read it, and the keys of all parties."""

    def __init__(self, entries: Iterable[bytes] = (), simulator: Simulator | None = None) -> None:
        """Replay these entries of this simulator's sitting (the golden one by default)."""
        sitting = simulator or golden().simulator
        self.keys: Keys = sitting.rehearsal.keys
        self.manifest: Manifest = sitting.board.manifest
        self.anchor: bytes = sitting.board.anchor
        self.witnesses: list[Witness] = sitting.board.witnesses
        self.entries: list[bytes] = list(entries)
        self.record = SittingRecord(self.anchor, fetch=lambda index: self.entries[index])
        for entry in self.entries:
            self.record.append(entry)
        self.checker = State(self.anchor)
        self._checked = 0
        self._seen: object = None

    @classmethod
    def after(cls, kind: str) -> Self:
        """Return the golden sitting up to the last entry of this kind."""
        kinds = _golden_kinds()
        return cls(golden().entries[: len(kinds) - kinds[::-1].index(kind)])

    @classmethod
    def before(cls, kind: str) -> Self:
        """Return the golden sitting up to the first entry of this kind, that one left out."""
        return cls(golden().entries[: _golden_kinds().index(kind)])

    @property
    def state(self) -> SittingState:
        """The machine's state."""
        return self.record.state

    @property
    def presidium(self) -> list[SigningKey]:
        """As many presidium keys as an act needs."""
        return self.keys.presidium[: self.manifest.presidium.threshold]

    def entry(self, key: SigningKey, kind: str, body: msgspec.Struct) -> bytes:
        """Return the signed entry."""
        return sign_entry(key, kind, self.anchor, body)

    def post(self, key: SigningKey, kind: str, body: msgspec.Struct) -> Verdict:
        """Sign, log and judge an entry."""
        return self.log(self.entry(key, kind, body))

    def act(self, kind: str, body: msgspec.Struct, keys: Sequence[SigningKey] | None = None) -> Verdict:
        """Let these keys (the needed presidium by default) sign an act; return the last verdict.

        The first signatures may be there from an earlier try.
        """
        *first, last = keys or self.presidium
        assert {self.post(key, kind, body) for key in first} <= {COLLECTED, refused("ENT-06")}
        return self.post(last, kind, body)

    def log(self, entry: bytes) -> Verdict:
        """Log any bytes, with every check that holds for all entries, and return what they did."""
        before = picture(self.state) if self._seen is None else self._seen
        judgement = self.record.judge(entry)
        assert picture(self.state) == before, "judging changed the state"
        self._catch_up()
        self.entries.append(entry)
        assert self.record.append(entry) == judgement, "judging and appending differ"
        self._seen = picture(self.state)
        assert leaves_trace(judgement) or self._seen == before, "an entry without effect left a trace"
        self._checked += 1
        check_words([judgement], [entry], len(self.entries) - 1)
        check_failures(self.state, self.entries)
        assert said(judgement) == checker_says(self.checker, entry), judgement
        return said(judgement)

    def log_all(self, entries: Iterable[bytes]) -> list[Verdict]:
        """Log entries in order and return what each did."""
        return [self.log(entry) for entry in entries]

    def head(self, size: int | None = None, *, now: int = NOW, log_key: SigningKey | None = None) -> bytes:
        """Return a checkpoint over the first `size` entries (all by default), cosigned by every witness."""
        leaves = [leaf_hash(entry) for entry in self.entries[:size]]
        return cosigned_head(self.manifest.log.origin, log_key or self.keys.log[0], leaves, self.witnesses, now)

    def note(self, size: int | None = None, *, now: int = NOW, log_key: SigningKey | None = None) -> str:
        """Return the same as entries embed it: with exactly the quorum, in manifest order."""
        return trimmed(self.head(size, now=now, log_key=log_key), 1 + self.manifest.witnesses.quorum)

    def forked_note(self, size: int) -> str:
        """Return a note of this size, signed by all, over another log that differs in its first entry."""
        leaves = [leaf_hash(b"another log"), *map(leaf_hash, self.entries[1:size])]
        head = cosigned_head(self.manifest.log.origin, self.keys.log[0], leaves, self.witnesses, NOW)
        assert Checkpoint.decode(Note.decode(head).text).root != root_of(list(map(leaf_hash, self.entries[:size])))
        return trimmed(head, 1 + self.manifest.witnesses.quorum)

    def _catch_up(self) -> None:
        """Let the checker read what the machine was given without it."""
        if (self._checked, self.anchor) == (0, golden().anchor) and self._is_golden():
            self.checker, self._checked = copy.deepcopy(_checker_at(len(self.entries))), len(self.entries)
        for entry in self.entries[self._checked :]:
            checker_says(self.checker, entry)
        self._checked = len(self.entries)

    def _is_golden(self) -> bool:
        return tuple(self.entries) == golden().entries[: len(self.entries)]


def trimmed(note: bytes, lines: int) -> str:
    """Return a note with its first signature lines only."""
    opened = Note.decode(note)
    return Note(opened.text, opened.signatures[:lines]).encode().decode()


def golden_bodies(kind: str) -> list[tuple[bytes, msgspec.Struct]]:
    """Return signer and body of every entry of this kind in the golden sitting."""
    decoded = map(decode_entry, golden().entries)
    return [(entry.signer, entry.body) for entry in decoded if entry.kind == kind]


def golden_entries(kind: str) -> list[bytes]:
    """Return every entry of this kind in the golden sitting."""
    return [data for data, held in zip(golden().entries, _golden_kinds(), strict=True) if held == kind]


@cache
def _golden_kinds() -> list[str]:
    return [judgement.kind for judgement in golden().judgements]


@cache
def _checker_at(size: int) -> State:
    """Return the checker after so many golden entries; not to be changed."""
    if size == 0:
        return State(golden().anchor)
    state = copy.deepcopy(_checker_at(size - 1))
    checker_says(state, golden().entries[size - 1])
    return state


def leaves_trace(judgement: Judgement) -> bool:
    """Tell whether an entry may change the state: it stands, ends a session, abandons a document, or splits the log."""
    check = judgement.check or ""
    ends_session = judgement.outcome is Outcome.FAULT and check.startswith("CER-")
    return judgement.outcome.stands or ends_session or check in {"LOG-04", "POL-01", "RES-01"}


def picture(value: object) -> object:
    """Return everything that a state holds, but the log itself, as plain values that can be compared."""
    for kinds, show in _PICTURES:
        if isinstance(value, kinds):
            return show(value)
    if hasattr(value, "hexdigest"):
        return value.hexdigest()
    # Fields alone: what a context derives from them when it is first used is no state.
    names = [field.name for field in fields(value)] if is_dataclass(value) else vars(value)
    return {name: picture(getattr(value, name)) for name in names}


_PICTURES: Final[tuple[tuple[Any, Callable[[Any], object]], ...]] = (
    ((NoneType, str, bytes, int, range, set, frozenset, Party, msgspec.Struct), copy.copy),
    (dict, lambda value: {key: picture(held) for key, held in value.items()}),
    (BallotSums, lambda value: {key: picture(held) for key, held in value.items()}),
    ((bytearray, array), bytes),
    ((list, tuple), lambda value: [picture(held) for held in value]),
    ((Elements, Ciphertexts), lambda value: value.encode()),
    (BlindPublicKey, lambda value: value.n),
    (ModuliProduct, lambda value: int(value._product)),
    (Parties, lambda value: dict(value._by_key)),
    ((FunctionType, LogHistory), lambda _: None),
)
