"""Judging an entry: the seven steps of SPEC.md#judging-an-entry, and acts of several signers."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from . import canonical, ed25519
from . import machine_board as board
from . import machine_ceremony as ceremony
from . import machine_polls as polls
from . import machine_registration as registration
from . import machine_tally as tally
from .bodies import BODIES, UNSIGNED
from .machine_ballots import check_ballot
from .machine_state import (
    EFFECT,
    Body,
    Entry,
    ExcludedError,
    FaultError,
    NoEffectError,
    Outcome,
    State,
)
from .manifest import Manifest, admissible, keys_fit
from .merkle import leaf_hash
from .shapes import ShapeError
from .transcript import digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from .canonical import Value

LARGEST_ENTRY = 65_535
CEREMONY = set(ceremony.ROUNDS)

SINGLE: dict[str, tuple[Callable[[State, Entry], None] | None, Callable[[State, Entry], Outcome]]] = {
    **dict.fromkeys(CEREMONY, (ceremony.phase, ceremony.perform)),
    "registrar-key": (registration.key_phase, registration.perform_key),
    "credential-request": (registration.request_phase, registration.perform_request),
    "credential-issue": (registration.issue_phase, registration.perform_issue),
    "consent": (registration.consent_phase, registration.perform_consent),
    "document": (polls.document_phase, polls.perform_document),
    "closing": (polls.open_phase, polls.perform_closing),
    "lapse": (polls.open_phase, polls.perform_lapse),
    "decryption": (tally.decryption_phase, tally.perform_decryption),
    "ballot": (None, check_ballot),
}


def _never(_state: State, _body: Body) -> bool:
    return False


# The slot's test and the act, for kinds of several signers.
SHARED: dict[str, tuple[Callable[[State, Body], bool], Callable[[State, Entry], Outcome]]] = {
    "roll": (registration.roll_filled, registration.perform_roll),
    "ceremony-restart": (ceremony.restart_filled, ceremony.perform_restart),
    "registration": (registration.registration_filled, registration.perform_registration),
    "registration-close": (registration.close_filled, registration.perform_close),
    "convening": (registration.convening_filled, registration.perform_convening),
    "opening": (polls.opening_filled, polls.perform_opening),
    "extension": (polls.extension_filled, polls.perform_extension),
    "result": (tally.result_filled, tally.perform_result),
    "annul": (polls.annul_filled, polls.perform_annul),
    "adjournment": (_never, polls.perform_adjournment),
    "handover": (board.handover_filled, board.perform_handover),
}


def judge(state: State, data: bytes) -> tuple[str | None, Outcome]:
    """Apply one entry to the state and return its kind (if it could be read) and its outcome."""
    index, leaf = len(state.tree), leaf_hash(data)
    kind: str | None = None
    entry: Entry | None = None
    try:
        envelope = _envelope(data)
        entry = _entry(envelope, index, leaf)
        kind = entry.kind
        outcome = _judge_entry(state, entry, envelope["body"])
    except NoEffectError as error:
        outcome = Outcome("no effect", error.check)
    except ExcludedError as error:
        outcome = Outcome("excluded", error.check)
    except FaultError as error:
        outcome = Outcome("fault", error.check, _name(state, entry))
        if entry is not None and entry.kind in CEREMONY:
            ceremony.blame(state, state.sitting.trustees[entry.signer])
    collected = entry is not None and outcome.outcome == "collected"
    state.seen.append((entry.kind, entry.body_bytes) if entry and collected else None)
    state.tree.append(leaf)
    return kind, outcome


def _name(state: State, entry: Entry | None) -> str | None:
    if entry is None:
        return None
    if entry.signer in state.sitting.trustees:
        return f"trustee {state.sitting.trustees[entry.signer]}"
    if entry.signer in state.sitting.registrars:
        return f"registrar {state.sitting.registrars[entry.signer]}"
    return f"delegate {entry.signer.hex()}"


def _envelope(data: bytes) -> dict[str, Any]:
    """Return the members of a canonical envelope, signature and signer as bytes, or raise ENT-01."""
    try:
        value = canonical.read(data) if len(data) <= LARGEST_ENTRY else None
    except canonical.RefusedError as error:
        raise NoEffectError("ENT-01") from error
    if not isinstance(value, dict):
        raise NoEffectError("ENT-01")
    members: dict[str, Any] = dict(value)
    if not isinstance(members.get("kind"), str) or not isinstance(members.get("body"), dict):
        raise NoEffectError("ENT-01")
    if members.keys() == {"body", "kind"}:
        return members
    if members.keys() != {"body", "kind", "signature", "signer"}:
        raise NoEffectError("ENT-01")
    for name, size in (("signature", 64), ("signer", 32)):
        raw = canonical.decode_base64(members[name]) if isinstance(members[name], str) else None
        if raw is None or len(raw) != size:
            raise NoEffectError("ENT-01")
        members[name] = raw
    return members


def _entry(envelope: dict[str, Any], index: int, leaf: bytes) -> Entry:
    """Return the entry of an envelope, or raise ENT-01."""
    kind = envelope["kind"]
    if kind not in BODIES or ("signer" in envelope) == (kind in UNSIGNED):
        raise NoEffectError("ENT-01")
    body_bytes = canonical.encode(envelope["body"])
    try:
        body = BODIES[kind](envelope["body"])
    except ShapeError as error:
        raise NoEffectError("ENT-01") from error
    return Entry(
        index,
        leaf,
        kind,
        body,
        body_bytes,
        hashlib.sha256(body_bytes).digest(),
        envelope.get("signer", b""),
        envelope.get("signature", b""),
    )


def _judge_entry(state: State, entry: Entry, raw: Value) -> Outcome:
    """Take a well-formed entry through the other steps."""
    if state.over is not None or (entry.kind == "manifest") != (state.manifest is None):
        raise NoEffectError("ENT-03")
    if entry.kind == "manifest":
        return _judge_manifest(state, entry)
    if entry.kind not in UNSIGNED:
        if not _may_sign(state, entry):
            raise NoEffectError("ENT-04")
        _check_signature(entry, state.sitting.sitting_id)
    if entry.kind == "objection":
        if not isinstance(raw, dict):
            raise NoEffectError("ENT-01")
        return polls.perform_objection(state, entry, raw["ballot"])
    if entry.kind in SHARED:
        return _collect(state, entry)
    phase, perform = SINGLE[entry.kind]
    if phase is not None:
        phase(state, entry)
    return perform(state, entry)


def _check_signature(entry: Entry, sitting_id: bytes) -> None:
    message = digest("entry", entry.kind, sitting_id, entry.body_bytes)
    if not ed25519.verifies(entry.signer, message, entry.signature):
        raise NoEffectError("ENT-05")


def _judge_manifest(state: State, entry: Entry) -> Outcome:
    if state.anchor is not None and entry.body_hash != state.anchor:
        raise NoEffectError("SIT-01")
    if not admissible(entry.body):
        raise NoEffectError("SIT-02")
    if not keys_fit(entry.body):
        raise NoEffectError("SIT-03")
    presidium = entry.body["presidium"]
    if entry.signer not in presidium["keys"]:
        raise NoEffectError("ENT-04")
    _check_signature(entry, bytes(32))
    signers = _signers(state, entry)
    if len(signers) < presidium["threshold"]:
        state.collected[entry.kind, entry.body_bytes] = signers
        return Outcome("collected")
    state.manifest = Manifest(entry.body, entry.body_hash)
    ceremony.begin(state)
    return EFFECT


def _signers(state: State, entry: Entry) -> set[bytes]:
    """Return who has signed this body, this signer included, or raise ENT-06 for a repetition."""
    before = state.collected.get((entry.kind, entry.body_bytes), set())
    if entry.signer in before:
        raise NoEffectError("ENT-06")
    return before | {entry.signer}


def _participants(state: State) -> set[bytes]:
    """Return the keys of the complete ceremony's participants."""
    return {key for key, i in state.sitting.trustees.items() if i in state.public_shares}


def _may_sign(state: State, entry: Entry) -> bool:
    """Tell whether the signer's key is of a role that may sign this kind."""
    sitting, roll = state.sitting, state.current.roll.keys() if state.current else set()
    roles: dict[str, set[bytes]] = {
        **{kind: set(sitting.trustees) for kind in (*CEREMONY, "decryption")},
        **{kind: sitting.presidium | sitting.trustees.keys() for kind in ("closing", "lapse", "annul", "handover")},
        **{kind: set(sitting.registrars) for kind in ("registrar-key", "credential-issue")},
        "consent": sitting.registrars.keys() | sitting.trustees.keys(),
        "credential-request": set(roll),
        "roll": sitting.commission,
    }
    return entry.signer in roles.get(entry.kind, sitting.presidium)


def _complete(state: State, kind: str, signers: set[bytes]) -> bool:
    sitting = state.sitting
    if kind == "roll":
        return signers == sitting.commission
    enough = len(signers & sitting.presidium) >= sitting.presidium_threshold
    if kind in {"annul", "handover"}:
        return enough and len(signers & _participants(state)) >= sitting.threshold
    return enough


def _collect(state: State, entry: Entry) -> Outcome:
    """Collect a signature of an act, or perform the act if it is complete."""
    filled, perform = SHARED[entry.kind]
    if filled(state, entry.body):
        raise NoEffectError("ENT-06")
    signers = _signers(state, entry)
    if not _complete(state, entry.kind, signers):
        state.collected[entry.kind, entry.body_bytes] = signers
        return Outcome("collected")
    if "ctx" in entry.body and entry.body["ctx"] not in state.polls:
        raise NoEffectError("ENT-06")
    outcome = perform(state, entry)
    state.collected[entry.kind, entry.body_bytes] = signers
    return outcome
