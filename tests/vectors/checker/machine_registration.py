"""Registration: roll, registrar keys, the act itself, requests, issues, close, consent and convening."""

from __future__ import annotations

import math

from . import ed25519, ristretto, rsa
from .machine_board import examine
from .machine_state import (
    EFFECT,
    Body,
    Entry,
    FaultError,
    NoEffectError,
    Outcome,
    Registration,
    Request,
    State,
)
from .transcript import digest

MODULUS_SIZE = 384
ROOTS = 8
BLOCKS = 8
REQUEST_ROOM = 64_000


def next_number(state: State) -> int:
    """Return the number of the next registration."""
    return len(state.registrations) + 1


def _current(state: State, number: int) -> Registration:
    """Return the current registration if it has this number; else the entry is out of phase."""
    current = state.current
    if current is None or current.number != number:
        raise NoEffectError("ENT-06")
    return current


def roll_filled(state: State, body: Body) -> bool:
    """Tell whether a chunk of the roll is effective, or its registration past."""
    number = next_number(state)
    return bool(
        body["registration"] < number or (body["registration"] == number and body["chunk"] in state.next_chunks)
    )


def perform_roll(state: State, entry: Entry) -> Outcome:
    """Add a chunk to the next roll, or raise REG-01."""
    body, sitting = entry.body, state.sitting
    others = list(state.next_chunks.values())
    taken = {key for chunk in others for key in chunk["keys"]}
    held = sum(len(chunk["keys"]) for chunk in others if chunk["class"] == body["class"])
    if (
        body["registration"] != next_number(state)
        or not sitting.has_class(body["class"])
        or any(chunk["chunks"] != body["chunks"] for chunk in others)
        or any(key in sitting.party_keys or key in taken for key in body["keys"])
        or held + len(body["keys"]) > sitting.classes[body["class"] - 1]["seats"]
        or not all(ed25519.acceptable(key) for key in body["keys"])
    ):
        raise NoEffectError("REG-01")
    state.next_chunks[body["chunk"]] = body
    return EFFECT


def key_phase(state: State, entry: Entry) -> None:
    """Raise ENT-06 for a registrar key out of phase, the fault for a second content of its slot."""
    body, sitting = entry.body, state.sitting
    slot = (sitting.registrars[entry.signer], body["poll"], body["class"])
    if (
        body["registration"] != next_number(state)
        or body["poll"] > sitting.polls
        or not sitting.has_class(body["class"])
        or state.next_keys.get(slot) == entry.body_bytes
    ):
        raise NoEffectError("ENT-06")
    if slot in state.next_keys:
        raise FaultError("REG-02")


def _roots_hold(state: State, entry: Entry, modulus: int) -> bool:
    body = entry.body
    registrar = state.sitting.registrars[entry.signer]
    heads = (state.sitting.sitting_id, body["registration"], registrar, body["poll"], body["class"], body["modulus"])
    for i in range(1, ROOTS + 1):
        blocks = (digest("certificate-element", *heads, rsa.EXPONENT, i, j) for j in range(1, BLOCKS + 1))
        rho = int.from_bytes(b"".join(blocks), "big") % modulus
        sigma = int.from_bytes(body["roots"][MODULUS_SIZE * (i - 1) : MODULUS_SIZE * i], "big")
        if math.gcd(rho, modulus) != 1 or not 0 < sigma < modulus or pow(sigma, rsa.EXPONENT, modulus) != rho:
            return False
    return True


def perform_key(state: State, entry: Entry) -> Outcome:
    """Admit a registrar's key, or raise REG-02 to REG-04."""
    body = entry.body
    modulus = int.from_bytes(body["modulus"], "big")
    if not rsa.modulus_is_right(modulus):
        raise FaultError("REG-02")
    if not _roots_hold(state, entry, modulus):
        raise FaultError("REG-03")
    if any(math.gcd(modulus, other) != 1 for other in state.moduli):
        raise FaultError("REG-04")
    slot = (state.sitting.registrars[entry.signer], body["poll"], body["class"])
    state.next_keys[slot] = entry.body_bytes
    state.next_moduli[slot] = modulus
    state.moduli.append(modulus)
    return EFFECT


def registration_filled(state: State, body: Body) -> bool:
    """Tell whether a registration of this number is effective."""
    return bool(body["registration"] < next_number(state))


def _keys_complete(state: State, first_poll: int) -> bool:
    sitting = state.sitting
    return all(
        (registrar, poll, kind) in state.next_keys
        for registrar in sitting.registrars.values()
        for poll in range(first_poll, sitting.polls + 1)
        for kind in range(1, len(sitting.classes) + 1)
    )


def _floors_hold(state: State, roll: dict[bytes, int]) -> bool:
    sitting = state.sitting
    held = [list(roll.values()).count(kind) for kind in range(1, len(sitting.classes) + 1)]
    by_weight: dict[int, int] = {}
    for kind, count in enumerate(held, start=1):
        by_weight[sitting.weight(kind)] = by_weight.get(sitting.weight(kind), 0) + count
    return all(count >= sitting.floor for count in held) and all(
        total >= 2 * sitting.floor for total in by_weight.values()
    )


def perform_registration(state: State, entry: Entry) -> Outcome:
    """Freeze the next roll and keys, or raise REG-05."""
    body, chunks = entry.body, state.next_chunks
    first = body["first_poll"]
    roll = {key: chunk["class"] for chunk in chunks.values() for key in chunk["keys"]}
    if (
        state.joint is None
        or body["registration"] != next_number(state)
        or not 1 <= first <= state.sitting.polls
        or any(number >= first for number in state.spent())
        or not chunks
        or len(chunks) != next(iter(chunks.values()))["chunks"]
        or not _keys_complete(state, first)
        or not _floors_hold(state, roll)
    ):
        raise NoEffectError("REG-05")
    state.registrations.append(Registration(body["registration"], first, roll, dict(state.next_moduli)))
    state.next_chunks.clear()
    state.next_keys.clear()
    state.next_moduli.clear()
    return EFFECT


def request_phase(state: State, entry: Entry) -> None:
    """Raise ENT-06 out of phase or for a repetition, REG-06 for a second content."""
    current = _current(state, entry.body["registration"])
    if current.closed:
        raise NoEffectError("ENT-06")
    first = entry.body["first_poll"]
    before = current.asked.get((entry.signer, first))
    if before is not None and before != entry.body_bytes:
        raise FaultError("REG-06")
    following = max((poll + 1 for key, poll in current.asked if key == entry.signer), default=current.first_poll)
    if before is not None or first != following or first > state.sitting.polls:
        raise NoEffectError("ENT-06")


def perform_request(state: State, entry: Entry) -> Outcome:
    """Admit a credential request, or raise REG-06."""
    body, current, registrars = entry.body, _current(state, entry.body["registration"]), len(state.sitting.registrars)
    kind, first = current.roll[entry.signer], body["first_poll"]
    room = REQUEST_ROOM // (512 * registrars + 3)
    if len(body["blinded"]) != min(state.sitting.polls - first + 1, room):
        raise FaultError("REG-06")
    for poll, blinded in enumerate(body["blinded"], start=first):
        if len(blinded) != MODULUS_SIZE * registrars:
            raise FaultError("REG-06")
        for registrar in range(1, registrars + 1):
            value = int.from_bytes(blinded[MODULUS_SIZE * (registrar - 1) : MODULUS_SIZE * registrar], "big")
            modulus = current.moduli[registrar, poll, kind]
            if not 1 < value < modulus - 1 or math.gcd(value, modulus) != 1:
                raise FaultError("REG-06")
    request = Request(entry.signer, kind, first, body["blinded"])
    current.requests[entry.leaf] = request
    for poll in range(first, first + len(body["blinded"])):
        current.asked[entry.signer, poll] = entry.body_bytes
    return EFFECT


def issue_phase(state: State, entry: Entry) -> None:
    """Raise ENT-06 if an answer names no request, one twice, or one already answered."""
    current = _current(state, entry.body["registration"])
    registrar, named = state.sitting.registrars[entry.signer], set()
    for answer in entry.body["answers"]:
        request = current.requests.get(answer["request"])
        if request is None or registrar in request.answers or answer["request"] in named:
            raise NoEffectError("ENT-06")
        named.add(answer["request"])


def perform_issue(state: State, entry: Entry) -> Outcome:
    """Admit a registrar's answers, or raise REG-07."""
    current, registrar = _current(state, entry.body["registration"]), state.sitting.registrars[entry.signer]
    here = slice(MODULUS_SIZE * (registrar - 1), MODULUS_SIZE * registrar)
    for answer in entry.body["answers"]:
        request, signatures = current.requests[answer["request"]], answer["signatures"]
        if len(signatures) != MODULUS_SIZE * len(request.blinded):
            raise FaultError("REG-07")
        for i, blinded in enumerate(request.blinded):
            modulus = current.moduli[registrar, request.first_poll + i, request.kind]
            sigma = int.from_bytes(signatures[MODULUS_SIZE * i : MODULUS_SIZE * (i + 1)], "big")
            value = int.from_bytes(blinded[here], "big")
            if not 0 < sigma < modulus or pow(sigma, rsa.EXPONENT, modulus) != value:
                raise FaultError("REG-07")
    for answer in entry.body["answers"]:
        current.requests[answer["request"]].answers.add(registrar)
    _notice_end(state, current, entry.index)
    return EFFECT


def _notice_end(state: State, current: Registration, index: int) -> None:
    registrars = len(state.sitting.registrars)
    if current.closed and current.end is None and all(len(r.answers) == registrars for r in current.requests.values()):
        current.end = index + 1


def close_filled(state: State, body: Body) -> bool:
    """Tell whether this registration is past or closed."""
    current = state.current
    return current is not None and bool(
        body["registration"] < current.number or (body["registration"] == current.number and current.closed)
    )


def perform_close(state: State, entry: Entry) -> Outcome:
    """Close the current registration, or raise REG-08."""
    current = state.current
    if current is None or current.number != entry.body["registration"] or current.closed:
        raise NoEffectError("REG-08")
    current.closed = True
    _notice_end(state, current, entry.index)
    return EFFECT


def consent_phase(state: State, entry: Entry) -> None:
    """Raise ENT-06 out of phase or for a repetition, CON-01 for a second content."""
    current = _current(state, entry.body["registration"])
    before = current.consents.get(entry.signer)
    trustee = state.sitting.trustees.get(entry.signer)
    if (
        current.end is None
        or current.convening is not None
        or (trustee is not None and trustee not in state.public_shares)
        or (before is not None and before.body_bytes == entry.body_bytes)
    ):
        raise NoEffectError("ENT-06")
    if before is not None:
        raise FaultError("CON-01")


def perform_consent(state: State, entry: Entry) -> Outcome:
    """Count a consent, or raise CON-01."""
    current, body = _current(state, entry.body["registration"]), entry.body
    if (
        state.joint is None
        or current.end is None
        or body["joint_key"] != ristretto.encode(state.joint)
        or body["size"] != current.end
        or body["root"] != state.tree.root(current.end)
    ):
        raise FaultError("CON-01")
    current.consents[entry.signer] = entry
    return EFFECT


def convening_filled(state: State, body: Body) -> bool:
    """Tell whether this registration is past or has a convening."""
    current = state.current
    return current is not None and bool(
        body["registration"] < current.number
        or (body["registration"] == current.number and current.convening is not None)
    )


def perform_convening(state: State, entry: Entry) -> Outcome:
    """Convene the current registration, or raise CON-02, LOG-03 or LOG-04."""
    current, sitting = state.current, state.sitting
    if (
        current is None
        or current.number != entry.body["registration"]
        or current.end is None
        or current.convening is not None
    ):
        raise NoEffectError("CON-02")
    good = examine(state, entry.body["checkpoint"], entry.index)
    below = {signer for signer, consent in current.consents.items() if consent.index < good.size}
    trustees = below & sitting.trustees.keys()
    if not sitting.registrars.keys() <= below or len(trustees) < sitting.body["trustees"]["minimum"]:
        raise NoEffectError("CON-02")
    current.convening = entry.body_hash
    state.convenings.append((entry.body_hash, current))
    return EFFECT
