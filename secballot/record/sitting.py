"""The state machine of a sitting: fed entries in order, it gives each its outcome and holds only verified state.

How an entry is judged (SPEC.md#judging-an-entry):

1. its bytes are a well-formed entry (ENT-01);
2. the sitting is in a state where this kind may have effect (ENT-03);
3. a manifest fits the anchor and itself (SIT-01 to SIT-03);
4. the signer may sign this kind (ENT-04) and did (ENT-05);
5. its slot is free and its phase is now (ENT-06); an act of several signers waits for the set;
6. the rule of its kind.

Judging never changes the state; the commit that it returns does, and cannot fail.

Source: SPEC.md#state-machine; the idea of a pure trusted set is python-tuf's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from secballot.errors import (
    NOBODY,
    EncodingError,
    InvalidSignatureError,
    PhaseError,
    PolicyError,
    ProtocolError,
    RecordError,
    SecballotError,
    VerificationError,
)
from secballot.record.acts import ACTS, check_slot, collect
from secballot.record.history import LogOperator
from secballot.record.outcome import Act, Commit, Failure, Judgement, Naming, Outcome, Position
from secballot.record.parties import DELEGATE, SIGNERS
from secballot.record.reading import ReadEntry, read_entry
from secballot.record.state import SittingState
from secballot.record.statements import Signed
from secballot.record.sums import FEW_WAITING
from secballot.records.entry import UNSIGNED, Entry, signing_message
from secballot.signing import VerifyKey, verify

if TYPE_CHECKING:
    from collections.abc import Callable

    from secballot.errors import Party
    from secballot.record.ballots import Verdict
    from secballot.records.manifest import Manifest

_FAILING: Final = ("LOG-04", "RES-01")
"""Checks that an entry fails without effect and by which the record fails as well."""


class SittingRecord:
    """One sitting, replayed from its log.

    Rules:
    - entries are fed in log order, each once, from the first;
    - a manifest of another hash than the anchor has no effect; without an anchor the first that completes counts;
    - `judge` looks, `append` acts; both give the same outcome for the same prefix.
    """

    def __init__(self, anchor: bytes | None, *, fetch: Callable[[int], bytes], most_waiting: int = FEW_WAITING) -> None:
        """Begin with the empty log.

        Args:
            anchor: the sitting_id from outside (32 bytes), or None for a verdict relative to the manifest found.
            fetch: returns the bytes of the entry at an index that was appended before.
            most_waiting: superseded ballots that may wait to leave a poll's sums, until they are fetched together in
                the order of the log: `FEW_WAITING`, or `MANY_WAITING` where one entry is read with those beside it.
        """
        self.state = SittingState(anchor=anchor, fetch=fetch, most_waiting=most_waiting)

    @staticmethod
    def first_operators(manifest: Manifest) -> list[LogOperator]:
        """Return the log operators in force before any handover, for reading checkpoints ahead of the replay."""
        return [LogOperator(manifest.log.key, manifest.log.promise_key, 0, None)]

    def __len__(self) -> int:
        """Return the number of entries appended."""
        return len(self.state.history)

    def judge(self, data: bytes | ReadEntry, *, verdict: Verdict | None = None) -> Judgement:
        """Return the outcome that these bytes would have as the next entry; nothing changes.

        Args, errors: as `consider`.
        """
        return self.consider(data, verdict=verdict).judgement

    def append(self, data: bytes | ReadEntry, *, verdict: Verdict | None = None) -> Judgement:
        """Take these bytes as the next entry of the log and return their outcome.

        Args, errors: as `consider`; after an error the state is unchanged.
        """
        considered = self.consider(data, verdict=verdict)
        considered.append()
        return considered.judgement

    def consider(self, data: bytes | ReadEntry, *, verdict: Verdict | None = None) -> Considered:
        """Return what these bytes would do as the next entry, to be appended or left alone; nothing changes yet.

        Args:
            data: any bytes at all, or what `read_entry` made of them.
            verdict: the stateless verdict of a ballot, if the caller computed it.

        Raises:
            StoreError: an earlier entry cannot be read again; never because of `data`.
        """
        read = data if isinstance(data, ReadEntry) else read_entry(data)
        judgement, commit = self._judge(read, verdict)
        return Considered(judgement, self, read.leaf, commit)

    def take(self, considered: Considered) -> None:
        """Append an entry that was considered as the next one.

        Raises:
            ProtocolError: the record has changed since.
        """
        if considered.record is not self or considered.judgement.index != len(self):
            raise ProtocolError("an entry is appended to the very log behind which it was judged")
        self.state.history.append(considered.leaf)
        considered.commit()

    def _judge(self, read: ReadEntry, verdict: Verdict | None) -> tuple[Judgement, Commit]:
        at, entry = Position(len(self.state.history), read.leaf), read.entry
        if isinstance(entry, EncodingError):
            return Judgement(at.index, "", Outcome.NO_EFFECT, "ENT-01", NOBODY, entry.message), _nothing
        try:
            act = Act(entry, at, _check_author(self.state, entry))
            check_slot(self.state, act)
        except (PhaseError, EncodingError, VerificationError) as error:
            return _refusal(Act(entry, at, NOBODY), Outcome.NO_EFFECT, error), _nothing
        return self._judge_content(act, verdict)

    def _judge_content(self, act: Act, verdict: Verdict | None) -> tuple[Judgement, Commit]:
        from secballot.record import rules  # noqa: PLC0415  # with the first entry only

        entry, at = act.entry, act.at
        try:
            if entry.kind == "ballot":
                commit = rules.judge_ballot(self.state, entry.body, act, verdict)  # type: ignore[arg-type]  # of that kind
                return Judgement(at.index, entry.kind, Outcome.ACCEPTED), commit
            if entry.kind in ACTS:
                return collect(self.state, act, rules.RULES[entry.kind])
            commit = rules.RULES[entry.kind](self.state, entry.body, act)
        except PhaseError as error:
            return _refusal(act, Outcome.NO_EFFECT, error), _nothing
        except (EncodingError, VerificationError, PolicyError) as error:
            return self._refuse(act, error)
        if isinstance(commit, Naming):
            return Judgement(at.index, entry.kind, Outcome.EFFECT, commit.check, commit.culprit, commit.reason), commit
        return Judgement(at.index, entry.kind, Outcome.EFFECT), commit

    def _refuse(self, act: Act, error: SecballotError) -> tuple[Judgement, Commit]:
        """Return the outcome of content that its rule refused: excluded, a fault, or no effect."""
        from secballot.record import rules  # noqa: PLC0415  # with the first entry only

        state, kind = self.state, act.entry.kind
        if kind == "ballot":
            return _refusal(act, Outcome.EXCLUDED, error), _nothing
        if kind in rules.FAULT_KINDS:
            judgement = _refusal(act, Outcome.FAULT, error)
            session = getattr(act.entry.body, "session", 0)
            if rules.blames(state, kind, session, act.party):
                reason = f"{judgement.check}: {judgement.reason}"
                return judgement, lambda: rules.end_session(state, act.party, reason)
            return judgement, _nothing
        judgement = _refusal(act, Outcome.NO_EFFECT, error)
        if isinstance(error, VerificationError) and judgement.check in _FAILING:
            failure = Failure(judgement.check, act.at.index, error.message, error.evidence)
            return judgement, lambda: state.failures.append(failure)
        if kind == "document":
            return judgement, lambda: _abandon(state, act)
        return judgement, _nothing


class Considered(msgspec.Struct, frozen=True):
    """What an entry would do as the next one of a record.

    Attributes:
        judgement: its outcome.
        record: the record.
        leaf: its leaf hash.
        commit: what it does to the state.
    """

    judgement: Judgement
    record: SittingRecord
    leaf: bytes
    commit: Commit

    def append(self) -> None:
        """Append it.

        Raises:
            ProtocolError: the record has changed since.
        """
        self.record.take(self)


def _nothing() -> None:
    """Leave the state as it is."""


def _abandon(state: SittingState, act: Act) -> None:
    state.documents.pop(act.entry.signer, None)


def _refusal(act: Act, outcome: Outcome, error: SecballotError) -> Judgement:
    culprit = act.party if outcome is Outcome.FAULT else error.culprit or NOBODY
    return Judgement(act.at.index, act.entry.kind, outcome, error.check or "ENT-06", culprit, error.message)


def _check_author(state: SittingState, entry: Entry) -> Party:
    """Return the party that signed the entry, nobody for a kind without one, once whoever signed it may.

    Raises:
        PhaseError: ENT-03.
        RecordError: SIT-01, SIT-02, ENT-04.
        InvalidSignatureError: ENT-05.
    """
    if state.over:
        raise PhaseError(state.over, check="ENT-03")
    if entry.kind == "manifest":
        _check_manifest_author(state, entry)
        return NOBODY  # its signers are told apart by their keys: there are no parties before it
    state.the_manifest()
    if entry.kind in UNSIGNED:
        return NOBODY
    party = _party(state, entry)
    if party is None or party.role not in SIGNERS[entry.kind]:
        raise RecordError("this key may not sign this kind of entry", check="ENT-04", culprit=NOBODY)
    _check_signature(state, entry)
    return party


def _party(state: SittingState, entry: Entry) -> Party | None:
    if entry.kind == "credential-request":
        on_roll = state.registrations and entry.signer in state.registrations[-1].roll
        return DELEGATE if on_roll else None
    return state.parties.party(entry.signer) if state.parties is not None else None


def _check_manifest_author(state: SittingState, entry: Entry) -> None:
    from secballot.record import rules  # noqa: PLC0415  # with the first entry only

    body: Any = entry.body
    if state.manifest is not None:
        raise PhaseError("the sitting has its manifest", check="ENT-03")
    rules.check_manifest(body, entry.body_hash, state.anchor)
    if entry.signer not in body.presidium.keys:
        raise RecordError("this key may not sign this kind of entry", check="ENT-04", culprit=NOBODY)
    _check_signature(state, entry)


def _check_signature(state: SittingState, entry: Entry) -> None:
    try:
        # Roll keys were accepted when they came on the roll.
        on_roll = entry.kind == "credential-request"
        key = VerifyKey.accepted(entry.signer) if on_roll else VerifyKey(entry.signer)
        if Signed(entry.signer, entry.signature, entry.kind, state.sitting_id, entry.body_bytes) not in state.proven:
            verify(key, signing_message(entry.kind, state.sitting_id, entry.body_bytes), entry.signature)
    except (InvalidSignatureError, EncodingError) as error:
        raise InvalidSignatureError("the signature does not verify", check="ENT-05", culprit=NOBODY) from error
