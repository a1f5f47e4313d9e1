"""The ceremony: sessions, rounds, complaints and restarts."""

from __future__ import annotations

from . import aead, ristretto
from .edwards import ORDER, Point, add, combine, multiply_base
from .machine_state import EFFECT, Body, Entry, FaultError, NoEffectError, Outcome, Session, State
from .proofs import equality_holds, knowledge_holds
from .transcript import Field, digest, numbers

ROUNDS = {
    "ceremony-commit": 0,
    "ceremony-reveal": 1,
    "ceremony-shares": 2,
    "ceremony-confirm": 3,
    "ceremony-complain": 3,
}
SHARE_NONCE = bytes(24)


def begin(state: State) -> None:
    """Begin session 1 with all trustees."""
    state.session = Session(1, sorted(state.sitting.trustees.values()))


def _session(state: State) -> Session:
    if state.session is None:
        raise NoEffectError("ENT-06")
    return state.session


def end_session(state: State, participants: list[int]) -> None:
    """End the current session and begin the next with these participants, or end the sitting."""
    number = _session(state).number
    body = state.sitting.body
    if len(participants) < body["trustees"]["minimum"] or number == body["ceremony_sessions"]:
        state.over = "ceremony"
    else:
        state.session = Session(number + 1, participants)


def blame(state: State, trustee: int) -> None:
    """End the current session because of a trustee."""
    end_session(state, [i for i in _session(state).participants if i != trustee])


def phase(state: State, entry: Entry) -> None:
    """Raise ENT-06 out of phase or for a repetition, CER-10 for a second content."""
    session, trustee, number = _session(state), state.sitting.trustees[entry.signer], ROUNDS[entry.kind]
    if (
        state.joint is not None
        or entry.body["session"] != session.number
        or trustee not in session.participants
        or number > session.round()
    ):
        raise NoEffectError("ENT-06")
    before = session.rounds[number].get(trustee)
    if before is not None:
        if (before.kind, before.body_bytes) == (entry.kind, entry.body_bytes):
            raise NoEffectError("ENT-06")
        raise FaultError("CER-10")


def perform(state: State, entry: Entry) -> Outcome:
    """Apply an entry of a round, or raise its fault."""
    session, trustee = _session(state), state.sitting.trustees[entry.signer]
    if entry.kind == "ceremony-complain":
        return _complain(state, entry, trustee)
    if entry.kind == "ceremony-reveal":
        _reveal(state, session, entry, trustee)
    elif entry.kind == "ceremony-shares":
        _check_shares(session, entry)
    elif entry.kind == "ceremony-confirm" and entry.body["transcript"] != _transcript(state, session):
        raise FaultError("CER-07")
    number = ROUNDS[entry.kind]
    session.rounds[number][trustee] = entry
    if len(session.rounds[number]) < len(session.participants):
        return EFFECT
    if number == 1:
        return _join(state, session)
    if number == 3:
        state.joint = session.joint
        state.public_shares = _public_shares(session)
    return EFFECT


def _context(state: State, session: Session, entry: Entry, trustee: int) -> list[Field]:
    body = entry.body
    return [
        state.sitting.sitting_id,
        session.number,
        len(session.participants),
        state.sitting.threshold,
        trustee,
        entry.signer,
        body["commitments"],
        body["encryption_key"],
    ]


def _reveal(state: State, session: Session, entry: Entry, trustee: int) -> None:
    body, threshold = entry.body, state.sitting.threshold
    raw = body["commitments"]
    points = [ristretto.decode(raw[i : i + 32]) for i in range(0, len(raw), 32)]
    commitments = [point for point in points if point is not None]
    key = ristretto.decode(body["encryption_key"])
    if len(raw) != 32 * threshold or len(commitments) != threshold or key is None:
        raise FaultError("CER-02")
    expected = digest(
        "ceremony-commit",
        state.sitting.sitting_id,
        session.number,
        trustee,
        raw,
        body["encryption_key"],
        body["nonce"],
    )
    if expected != session.rounds[0][trustee].body["commitment"]:
        raise FaultError("CER-01")
    context = _context(state, session, entry, trustee)
    if not knowledge_holds("ceremony-secret", context, commitments[0], body["proof_secret"]) or not knowledge_holds(
        "ceremony-encryption", context, key, body["proof_encryption"]
    ):
        raise FaultError("CER-03")
    session.commitments[trustee] = commitments
    session.encryption[trustee] = key


def _join(state: State, session: Session) -> Outcome:
    joint: Point | None = None
    for i in session.participants:
        joint = add(joint, session.commitments[i][0]) if joint else session.commitments[i][0]
    if joint is None or ristretto.is_identity(joint):
        end_session(state, session.participants)
        return Outcome("effect", "CER-09")
    session.joint = joint
    return EFFECT


def _check_shares(session: Session, entry: Entry) -> None:
    count, raw = len(session.participants), entry.body["ephemerals"]
    if (
        len(raw) != 32 * count
        or len(entry.body["sealed"]) != 48 * count
        or any(ristretto.decode(raw[i : i + 32]) is None for i in range(0, len(raw), 32))
    ):
        raise FaultError("CER-04")


def _evaluate(commitments: list[Point], at: int) -> Point:
    """Return Σ at^k·C_k."""
    return combine([pow(at, k, ORDER) for k in range(len(commitments))], commitments)


def _public_shares(session: Session) -> dict[int, Point]:
    degree = len(next(iter(session.commitments.values())))
    summed = [session.commitments[session.participants[0]][k] for k in range(degree)]
    for i in session.participants[1:]:
        summed = [add(a, b) for a, b in zip(summed, session.commitments[i], strict=True)]
    return {j: _evaluate(summed, j) for j in session.participants}


def _transcript(state: State, session: Session) -> bytes:
    shares = _public_shares(session)
    leaves = b"".join(session.rounds[r][i].leaf for r in range(3) for i in session.participants)
    if session.joint is None:
        raise NoEffectError("ENT-06")
    return digest(
        "ceremony-transcript",
        state.sitting.sitting_id,
        session.number,
        numbers(session.participants),
        leaves,
        ristretto.encode(session.joint),
        b"".join(ristretto.encode(shares[i]) for i in session.participants),
    )


def _complain(state: State, entry: Entry, accuser: int) -> Outcome:
    """Uphold a complaint and end the session, or raise the accuser's fault."""
    session, dealer = _session(state), entry.body["dealer"]
    if dealer not in session.participants:
        raise FaultError("CER-06")
    place = session.participants.index(accuser)
    dealt = session.rounds[2][dealer].body
    ephemeral = dealt["ephemerals"][32 * place : 32 * place + 32]
    sealed = dealt["sealed"][48 * place : 48 * place + 48]
    base, dh = ristretto.decode(ephemeral), ristretto.decode(entry.body["point"])
    key = session.encryption[accuser]
    key_bytes = session.rounds[1][accuser].body["encryption_key"]
    heads: list[Field] = [state.sitting.sitting_id, session.number, dealer, accuser]
    context: list[Field] = [*heads, key_bytes, ephemeral, entry.body["point"]]
    if base is None or dh is None or not equality_holds("complaint", context, key, (base, dh), entry.body["proof"]):
        raise FaultError("CER-06")
    commitments = session.rounds[1][dealer].body["commitments"]
    share_key = digest("share-key", *heads, commitments, key_bytes, ephemeral, entry.body["point"])[:32]
    plain = aead.unseal(share_key, SHARE_NONCE, sealed)
    share = ristretto.scalar(plain) if plain is not None else None
    if share is not None:
        expected = _evaluate(session.commitments[dealer], accuser)
        if ristretto.equal(multiply_base(share), expected):
            raise FaultError("CER-06")
    blame(state, dealer)
    return Outcome("effect", "CER-05", f"trustee {dealer}")


def restart_filled(state: State, body: Body) -> bool:
    """Tell whether a session is over, or the ceremony complete."""
    return state.joint is not None or bool(body["session"] < _session(state).number)


def perform_restart(state: State, entry: Entry) -> Outcome:
    """Begin a session without the silent participants, or raise CER-08."""
    session, body = _session(state), entry.body
    silent, others = body["silent"], body["participants"]
    if (
        body["session"] != session.number
        or body["round"] != session.round()
        or not silent
        or sorted(set(silent)) != silent
        or any(i not in session.participants or i in session.rounds[body["round"]] for i in silent)
        or others != [i for i in session.participants if i not in silent]
    ):
        raise NoEffectError("CER-08")
    end_session(state, others)
    return EFFECT
