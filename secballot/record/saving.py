"""The verified state of a sitting as bytes, for whoever verified it and wants to go on from there.

The bytes say nothing to anybody else: who did not write them can only verify the log. So whoever keeps them keeps them
under a key of their own (`store.verified`), and `restored` is given nothing else than bytes that were so kept.

Everything is stored by value, records as their canonical bytes. What follows from the rest is derived again.

Source: SPEC.md#state-machine.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

import msgspec

from secballot.blind import BlindPublicKey, ModuliProduct
from secballot.elgamal import Ciphertexts
from secballot.errors import EncodingError, Party, SecballotError, StoreError
from secballot.group import Elements
from secballot.protocol.ceremony_session import Dealing, Session
from secballot.record.history import LogHistory, LogOperator
from secballot.record.outcome import Failure
from secballot.record.parties import Parties
from secballot.record.polls import ballot_context
from secballot.record.rereading import read_again
from secballot.record.rolls import Heads, Requests, Roll
from secballot.record.sitting import SittingRecord
from secballot.record.state import (
    CeremonyState,
    ClosingInfo,
    Collection,
    DocumentProgress,
    EndedSession,
    PollState,
    Posted,
    RegistrationState,
)
from secballot.record.sums import FEW_WAITING, BallotSums, SavedSums
from secballot.records.ceremony import CEREMONY_COMMIT, CEREMONY_CONFIRM, CEREMONY_REVEAL, CEREMONY_SHARES
from secballot.records.document import Document
from secballot.records.manifest import MANIFEST
from secballot.records.opening import OPENING
from secballot.records.result import RESULT

if TYPE_CHECKING:
    from collections.abc import Callable

    from secballot.encoding import CanonicalCodec
    from secballot.record.state import SittingState

FORMAT: Final = 2
"""Counts up whenever what is saved changes; a state of another number is not used."""

_ROUNDS: Final[tuple[CanonicalCodec[Any], ...]] = (CEREMONY_COMMIT, CEREMONY_REVEAL, CEREMONY_SHARES, CEREMONY_CONFIRM)


class _Saved(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Base of what is saved: fields by position."""


class _Ceremony(_Saved, frozen=True):
    session: tuple[bytes, int, int, tuple[int, ...], tuple[bytes, ...]]
    rounds: tuple[tuple[tuple[int, bytes, bytes], ...], ...]
    dealings: tuple[tuple[int, bytes, bytes], ...]
    joint_key: bytes
    public_shares: tuple[tuple[int, bytes], ...]
    complete: bool
    ended: tuple[tuple[int, tuple[str, int] | None, str], ...]


class _Registration(_Saved, frozen=True):
    number: int
    chunks: int | None
    roll_chunks: tuple[int, ...]
    roll: tuple[bytes, bytes]
    keys: tuple[tuple[int, int, int, bytes], ...]
    key_bodies: tuple[tuple[int, int, int, bytes], ...]
    first_poll: int
    requests: tuple[bytes, ...]
    open_requests: tuple[tuple[bytes, bytes], ...]
    registrars: int
    covered: tuple[tuple[int, int, int], ...]
    closed: bool
    end: int | None
    consents: tuple[tuple[str, int, int, bytes], ...]
    convening: bytes | None


class _Poll(_Saved, frozen=True):
    ctx: bytes
    opening: bytes
    index: int
    registration: int
    closes_at: int
    status: str
    reason: str
    extended: bool
    heads: bytes
    counted: tuple[tuple[int, int], ...]
    last_accepted: int
    sums: SavedSums
    closing: tuple[bytes, int, int, int] | None
    tally_id: bytes
    aggregates: tuple[bytes, ...]
    at_floor: tuple[bool, ...]
    factors: tuple[tuple[tuple[int, bytes], ...], ...]
    documents: tuple[tuple[int, int, bytes], ...]
    decrypted: tuple[int, ...]
    counts: tuple[tuple[int, ...] | None, ...]
    result: bytes | None


class _State(_Saved, frozen=True):
    format: int
    anchor: bytes | None
    leaves: bytes
    manifest: bytes | None
    sitting_id: bytes
    operators: tuple[tuple[bytes, bytes, int, int | None], ...]
    collections: tuple[tuple[str, bytes, int, tuple[bytes, ...]], ...]
    ceremony: _Ceremony | None
    staged: _Registration
    registrations: tuple[_Registration, ...]
    moduli: bytes | None
    documents: tuple[tuple[bytes, bytes, int, tuple[int, ...]], ...]
    complete_documents: tuple[bytes, ...]
    polls: tuple[_Poll, ...]
    handovers: int
    over: str
    adjourned: bool
    failures: tuple[tuple[str, int | None, str, bytes], ...]


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_State, strict=True)


def saved(record: SittingRecord) -> bytes:
    """Return everything that the record knows, for `restored`; nothing is read again for that."""
    state = record.state
    moduli = state.moduli
    return _ENCODER.encode(
        _State(
            format=FORMAT,
            anchor=state.anchor,
            leaves=state.history.leaves(),
            manifest=MANIFEST.encode(state.manifest) if state.manifest is not None else None,
            sitting_id=state.sitting_id,
            operators=tuple((one.key, one.promise_key, one.after, one.until) for one in state.operators),
            collections=tuple(
                (kind, body, held.first_index, tuple(sorted(held.signers)))
                for (kind, body), held in state.collections.items()
            ),
            ceremony=_saved_ceremony(state.ceremony) if state.ceremony is not None else None,
            staged=_saved_registration(state.staged),
            registrations=tuple(map(_saved_registration, state.registrations)),
            moduli=moduli.encode() if moduli is not None else None,
            documents=tuple(
                (signer, held.document, held.chunks, held.indices) for signer, held in state.documents.items()
            ),
            complete_documents=tuple(sorted(state.complete_documents)),
            polls=tuple(map(_saved_poll, state.polls.values())),
            handovers=state.handovers,
            over=state.over,
            adjourned=state.adjourned,
            failures=tuple((one.check, one.index, one.reason, one.evidence) for one in state.failures),
        )
    )


def restored(data: bytes, *, fetch: Callable[[int], bytes], most_waiting: int = FEW_WAITING) -> SittingRecord:
    """Return the record that `saved` wrote.

    Args:
        data: what `saved` returned, kept where nobody else can change it.
        fetch: as in `SittingRecord`.
        most_waiting: as in `SittingRecord`.

    Raises:
        EncodingError: of another format, or not what `saved` writes.
        StoreError: an entry of a document in progress cannot be read again.
    """
    try:
        held = _DECODER.decode(data)
        record = SittingRecord(held.anchor, fetch=fetch, most_waiting=most_waiting)
        _restore(record.state, held)
    except StoreError:
        raise
    except (SecballotError, msgspec.MsgspecError, ValueError, TypeError, LookupError, ArithmeticError) as error:
        raise EncodingError("not a saved state") from error
    if held.format != FORMAT:
        raise EncodingError("a state of another format")
    return record


def _restore(state: SittingState, held: _State) -> None:
    state.history = LogHistory(held.leaves)
    if held.manifest is not None:
        state.manifest = MANIFEST.decode(held.manifest)
        state.parties = Parties(state.manifest)
    state.sitting_id = held.sitting_id
    state.operators = [LogOperator(*one) for one in held.operators]
    state.collections = {
        (kind, body): Collection(first, set(signers)) for kind, body, first, signers in held.collections
    }
    state.ceremony = _restored_ceremony(held.ceremony) if held.ceremony is not None else None
    state.staged = _restored_registration(held.staged)
    state.registrations = [_restored_registration(one) for one in held.registrations]
    state.moduli = ModuliProduct.decode(held.moduli) if held.moduli is not None else None
    state.complete_documents = set(held.complete_documents)
    state.handovers, state.over, state.adjourned = held.handovers, held.over, held.adjourned
    state.failures = [Failure(*one) for one in held.failures]
    for poll in held.polls:
        restored_poll = _restored_poll(state, poll)
        state.polls[restored_poll.number] = restored_poll
        state.by_ctx[restored_poll.ctx] = restored_poll
    for signer, document, chunks, indices in held.documents:
        state.documents[signer] = _restored_document(state, document, chunks, indices)


def _saved_ceremony(state: CeremonyState) -> _Ceremony:
    session = state.session
    return _Ceremony(
        session=(
            session.sitting_id,
            session.number,
            session.threshold,
            session.participants,
            session.identity_keys,
        ),
        rounds=tuple(
            tuple((index, posted.leaf, codec.encode(posted.body)) for index, posted in held.items())
            for codec, held in zip(_ROUNDS, state.rounds, strict=True)
        ),
        dealings=tuple(
            (index, dealing.commitments.encode(), dealing.encryption_key.encode())
            for index, dealing in state.dealings.items()
        ),
        joint_key=state.joint_key.encode() if state.joint_key is not None else b"",
        public_shares=tuple((index, share.encode()) for index, share in state.public_shares.items()),
        complete=state.complete,
        ended=tuple((one.number, _saved_party(one.blamed), one.reason) for one in state.ended),
    )


def _restored_ceremony(held: _Ceremony) -> CeremonyState:
    return CeremonyState(
        session=Session(*held.session),
        rounds=tuple(
            {index: Posted(leaf, codec.decode(body)) for index, leaf, body in posted}
            for codec, posted in zip(_ROUNDS, held.rounds, strict=True)
        ),
        dealings={
            index: Dealing(Elements.decode(commitments), Elements.decode(key))
            for index, commitments, key in held.dealings
        },
        joint_key=_elements(held.joint_key) if held.joint_key else None,
        public_shares={index: _elements(share) for index, share in held.public_shares},
        complete=held.complete,
        ended=[
            EndedSession(number, Party(*blamed) if blamed is not None else None, reason)
            for number, blamed, reason in held.ended
        ],
    )


def _saved_party(party: Party | None) -> tuple[str, int] | None:
    return (party.role, party.index) if party is not None else None


def _elements(data: bytes) -> Elements:
    return Elements.decode(data, allow_identity=True)


def _saved_registration(state: RegistrationState) -> _Registration:
    columns, still_open, registrars = state.requests.packed()
    return _Registration(
        number=state.number,
        chunks=state.chunks,
        roll_chunks=tuple(sorted(state.roll_chunks)),
        roll=state.roll.packed(),
        keys=tuple(
            (poll, class_index, registrar, key.encode())
            for (poll, class_index), own in state.keys.items()
            for registrar, key in own.items()
        ),
        key_bodies=tuple((*slot, body) for slot, body in state.key_bodies.items()),
        first_poll=state.first_poll,
        requests=columns,
        open_requests=still_open,
        registrars=registrars,
        covered=tuple((*place, count) for place, count in state.requests.covered.items()),
        closed=state.closed,
        end=state.end,
        consents=tuple((party.role, party.index, *held) for party, held in state.consents.items()),
        convening=state.convening,
    )


def _restored_registration(held: _Registration) -> RegistrationState:
    keys: dict[tuple[int, int], dict[int, BlindPublicKey]] = defaultdict(dict)
    for poll, class_index, registrar, modulus in held.keys:
        keys[poll, class_index][registrar] = BlindPublicKey.decode(modulus)
    roll = Roll.unpacked(*held.roll)
    state = RegistrationState(
        number=held.number,
        chunks=held.chunks,
        roll_chunks=set(held.roll_chunks),
        roll=roll,
        keys=keys,
        key_bodies={(registrar, poll, class_index): body for registrar, poll, class_index, body in held.key_bodies},
        closed=held.closed,
        end=held.end,
        consents={Party(role, number): (index, body) for role, number, index, body in held.consents},
        convening=held.convening,
    )
    if held.first_poll:
        state.freeze(held.first_poll)
    state.requests = Requests.unpacked(roll, held.requests, held.open_requests, held.registrars)
    state.requests.covered.update({(poll, class_index): count for poll, class_index, count in held.covered})
    return state


def _saved_poll(poll: PollState) -> _Poll:
    closing = poll.closing
    return _Poll(
        ctx=poll.ctx,
        opening=OPENING.encode(poll.opening),
        index=poll.index,
        registration=poll.registration.number,
        closes_at=poll.closes_at,
        status=poll.status,
        reason=poll.reason,
        extended=poll.extended,
        heads=poll.heads.packed(),
        counted=tuple(poll.heads.counted.items()),
        last_accepted=poll.last_accepted,
        sums=poll.sums.packed(),
        closing=(closing.leaf, closing.index, closing.size, closing.time) if closing is not None else None,
        tally_id=poll.tally_id,
        aggregates=tuple(one.encode() for one in poll.aggregates),
        at_floor=poll.at_floor,
        factors=tuple(tuple((trustee, own.encode()) for trustee, own in held.items()) for held in poll.factors),
        documents=tuple((*place, body) for place, body in poll.documents.items()),
        decrypted=tuple(sorted(poll.decrypted)),
        counts=tuple(poll.counts),
        result=RESULT.encode(poll.result) if poll.result is not None else None,
    )


def _restored_poll(state: SittingState, held: _Poll) -> PollState:
    opening = OPENING.decode(held.opening)
    registration = {one.number: one for one in state.registrations}[held.registration]
    heads = Heads.unpacked(state.history, held.heads)
    heads.counted.update(dict(held.counted))
    return PollState(
        number=opening.poll,
        ctx=held.ctx,
        opening=opening,
        index=held.index,
        registration=registration,
        context=ballot_context(state, opening, held.ctx, registration),
        closes_at=held.closes_at,
        sums=BallotSums.unpacked(state, held.sums),
        heads=heads,
        status=held.status,
        reason=held.reason,
        extended=held.extended,
        last_accepted=held.last_accepted,
        closing=ClosingInfo(*held.closing) if held.closing is not None else None,
        tally_id=held.tally_id,
        aggregates=tuple(Ciphertexts.decode(one, allow_identity=True) for one in held.aggregates),
        at_floor=held.at_floor,
        factors=[{trustee: _elements(own) for trustee, own in factors} for factors in held.factors],
        documents={(contest, trustee): body for contest, trustee, body in held.documents},
        decrypted=set(held.decrypted),
        counts=list(held.counts),
        result=RESULT.decode(held.result) if held.result is not None else None,
    )


def _restored_document(state: SittingState, document: bytes, chunks: int, indices: tuple[int, ...]) -> DocumentProgress:
    """Return a document in progress: its chunks are read again, since what hashes them cannot be saved."""
    hasher = hashlib.sha256()
    for index in indices:
        body = read_again(state, index).body
        if not isinstance(body, Document):
            raise EncodingError("an entry of a document in progress is none")
        hasher.update(body.data.encode())
    return DocumentProgress(document, chunks, len(indices) + 1, hasher, indices)
