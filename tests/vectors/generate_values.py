"""Every intermediate value of a finished sitting, taken from the library's own objects.

Scalars and elements are their 32 bytes, integers modulo N are 384 bytes big-endian.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from secballot import blind
from secballot.board.merkle import leaf_hash
from secballot.group import ORDER, Scalars, multiply_base, vartime_multiply
from secballot.protocol.ballot_encryption import _draw, _root
from secballot.protocol.ballot_layout import ballot_fields
from secballot.protocol.ceremony_dealing import TrusteeSecrets
from secballot.protocol.ceremony_session import ShareChannel
from secballot.protocol.registration import certificate_elements, credential_message, key_id
from secballot.protocol.tallying import count_bounds
from secballot.record.ceremony import ceremony_transcript
from secballot.records.ballot import Ballot
from secballot.records.entry import decode_entry
from secballot.sharing import evaluate, lagrange_at_zero
from secballot.transcript import challenge, digest
from tests.registrar_keys import test_primes as published_primes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from secballot.protocol.ballot_layout import BallotContext
    from secballot.record.state import CeremonyState, PollState, RegistrationState
    from secballot.roles.delegate import Delegate
    from secballot.roles.trustee import Trustee
    from tests.simulator import Simulator

Values = dict[str, Any]


def ceremony_values(simulator: Simulator) -> Values:
    """Return the one session's secrets, messages, keys and transcript."""
    ceremony = simulator.board.record.state.complete_ceremony()
    assert ceremony.joint_key is not None
    trustees = simulator.rehearsal.trustees
    return {
        "session": ceremony.session.number,
        "threshold": ceremony.session.threshold,
        "participants": ceremony.session.participants,
        "dealers": [_dealer(ceremony, trustee) for trustee in trustees],
        "joint_key": ceremony.joint_key.encode(),
        "public_shares": [ceremony.public_shares[i].encode() for i in ceremony.session.participants],
        "transcript": ceremony_transcript(ceremony),
    }


def _dealer(ceremony: CeremonyState, trustee: Trustee) -> Values:
    secrets = trustee._ceremony_secrets(ceremony)
    assert isinstance(secrets, TrusteeSecrets)
    commit, reveal, shares = (ceremony.rounds[number][trustee.index].body for number in range(3))
    return {
        "index": trustee.index,
        "identity_key": trustee.public_key,
        "coefficients": _pieces(secrets._coefficients.encode(), 32),
        "encryption_secret": secrets._encryption_secret.encode(),
        "nonce": reveal.nonce,  # type: ignore[attr-defined]  # round 1
        "commitments": _pieces(reveal.commitments, 32),  # type: ignore[attr-defined]
        "encryption_key": reveal.encryption_key,  # type: ignore[attr-defined]
        "commitment": commit.commitment,  # type: ignore[attr-defined]  # round 0
        "shares": [_share(ceremony, secrets, receiver, shares) for receiver in ceremony.session.participants],
        "secret_share": trustee._secret_share().encode(),
    }


def _share(ceremony: CeremonyState, secrets: TrusteeSecrets, receiver: int, shares: Any) -> Values:  # noqa: ANN401
    secret = secrets._scalar("ephemeral", receiver)
    key = ceremony.dealings[receiver].encryption_key
    point, ephemeral = key * secret, multiply_base(secret)
    channel = ShareChannel(ceremony.session, secrets.index, receiver, secrets.dealing.commitments, key, ephemeral)
    at = ceremony.session.participants.index(receiver)
    return {
        "receiver": receiver,
        "ephemeral_secret": secret.encode(),
        "ephemeral": ephemeral.encode(),
        "dh": point.encode(),
        "share_key": channel._key(point),
        "share": evaluate(secrets._coefficients, receiver).encode(),
        "sealed": shares.sealed[48 * at : 48 * at + 48],
    }


def registration_values(simulator: Simulator) -> Values:
    """Return registrar keys, and every delegate's requests and credentials."""
    registration = simulator.board.record.state.registrations[0]
    delegates = simulator.rehearsal.delegates
    return {
        "registrar_keys": _registrar_keys(simulator, registration),
        "delegates": [_delegate(simulator, registration, at, delegate) for at, delegate in enumerate(delegates)],
        "registration_end": registration.end,
    }


def _registrar_keys(simulator: Simulator, registration: RegistrationState) -> list[Values]:
    primes = {p * q: (p, q) for p, q in map(published_primes, range(24))}
    found = []
    for (poll, class_index), row in sorted(registration.keys.items()):
        for registrar, key in sorted(row.items()):
            place = (simulator.board.anchor, registration.number, registrar, poll, class_index)
            elements = certificate_elements(*place, key.encode())
            found.append(
                {
                    "registrar": registrar,
                    "poll": poll,
                    "class": class_index,
                    "modulus": key.encode(),
                    "primes": [_big(prime, 192) for prime in primes[key.n]],
                    "key_id": key_id(*place, key),
                    "rho": [_big(element) for element in elements],
                }
            )
    return found


def _delegate(simulator: Simulator, registration: RegistrationState, at: int, delegate: Delegate) -> Values:
    wallet, poll = delegate._wallet, simulator.board.record.state.polls[1]
    leaf, request = delegate._own_request(registration, 1)
    secret = wallet.credential_secret(simulator.board.anchor, registration.number, 1)
    credential = delegate.credential(poll)
    return {
        "delegate": at + 1,
        "label": "rehearsal",
        "bip39_seed": wallet._seed,
        "roll_key_seed": wallet._derive("identity", length=32),
        "roll_key": delegate.public_key,
        "class": request.class_index,
        "request": request.index,
        "request_leaf": leaf,
        "s": secret.encode(),
        "S": credential.S,
        "registrars": _blindings(simulator, registration, delegate, request.class_index),
        "randomizers": credential.randomizers,
        "signatures": credential.signatures,
    }


def _blindings(
    simulator: Simulator, registration: RegistrationState, delegate: Delegate, class_index: int
) -> list[Values]:
    wallet, sitting_id, found = delegate._wallet, simulator.board.anchor, []
    credential = delegate._credentials[registration.number, 1]
    answers = delegate._answers(delegate._own_request(registration, 1)[0])
    for registrar, key in enumerate(delegate._keys(registration, 1, class_index), 1):
        name = key_id(sitting_id, registration.number, registrar, 1, class_index, key)
        randomizer, salt = wallet.randomizer(sitting_id, name), wallet.salt(sitting_id, name)
        message = credential_message(sitting_id, 1, registrar, name, class_index, credential.S)
        prepared = blind.prepare(randomizer, message)
        r = wallet.blinding(sitting_id, name, key)
        blinded, inverse = blind.blind(key, prepared, salt=salt, r=r)
        found.append(
            {
                "registrar": registrar,
                "key_id": name,
                "message": message,
                "randomizer": randomizer,
                "prepared": prepared,
                "salt": salt,
                "r": _big(r),
                "r_inverse": _big(inverse),
                "blinded": blinded,
                "blind_signature": answers[registrar],
                "signature": blind.finalize(key, prepared, answers[registrar], inverse),
            }
        )
    return found


def ballot_values(simulator: Simulator, made: Values) -> Values:
    """Return what a ballot was sealed from, and everything on the way to its bytes."""
    entry = simulator.board.entries[made["index"]]
    ballot = decode_entry(entry).body
    assert isinstance(ballot, Ballot)
    context = simulator.board.record.state.polls[1].context
    delegate = simulator.rehearsal.delegates[made["delegate"] - 1]
    secret = delegate._wallet.credential_secret(simulator.board.anchor, 1, 1)
    root = _root(ballot.without_response(), made["choices"], made["seed"])
    fields = ballot_fields(context, ballot)
    statement = digest("ballot", *fields, bytes(32))
    nonce = Scalars.from_wide(digest("ballot-nonce", secret.encode(), made["fresh"], statement))
    e = challenge("ballot", *fields, ballot.commitment)
    return {
        **made,
        "sequence": ballot.sequence,
        "previous": ballot.previous,
        "tag": ballot.tag,
        "root": root,
        **_scalars(context, ballot, root),
        "statement": statement,
        "t": nonce.encode(),
        "T": ballot.commitment,
        "e": e.to_bytes(32, "little"),
        "z": ballot.response,
        "tracker": ballot.tracker(),
        "leaf_hash": leaf_hash(entry),
    }


def _scalars(context: BallotContext, ballot: Ballot, root: bytes) -> Values:
    """Return the drawn scalars of every disjunction, contest by contest, options first and the sum last."""
    parts = context.layout(ballot.class_index).disjunctions

    def draw(role: str, places: Sequence[tuple[int, int, int]]) -> list[bytes]:
        return _pieces(_draw(root, role, places).encode(), 32)

    rows = []
    for part in parts:
        places = [(part.contest, part.option, branch) for branch in range(1, len(part.values) + 1)]
        row: Values = {"contest": part.contest, "option": part.option, "values": list(part.values)}
        if part.option:
            (row["r"],) = draw("encrypt", [(part.contest, part.option, 0)])
        rows.append({**row, "commit": draw("commit", places), "challenge": draw("challenge", places)})
    return {"disjunctions": rows}


def poll_values(simulator: Simulator) -> list[Values]:
    """Return every poll's aggregates, tally id, decryptions and result."""
    return [_poll(simulator, poll) for poll in simulator.board.record.state.polls.values()]


def _poll(simulator: Simulator, poll: PollState) -> Values:
    assert poll.closing is not None
    assert poll.result is not None
    state = simulator.board.record.state
    weights = {number: row.weight for number, row in enumerate(state.the_manifest().classes, 1)}
    contests = []
    for number, shape in enumerate(poll.context.contests):
        contests.append(
            {
                "aggregates": _pieces(poll.aggregates[number].encode(), 64),
                "at_floor": poll.at_floor[number],
                "bounds": count_bounds(shape.options, shape.eligible, poll.counted(), weights),
                "decryptions": _decryptions(poll, number),
                "counts": poll.counts[number],
            }
        )
    result = [{name: getattr(c, name) for name in c.__struct_fields__} for c in poll.result.contests]
    heads = sorted(poll.heads.values(), key=lambda head: head.index)
    return {
        "poll": poll.number,
        "ctx": poll.ctx,
        "status": poll.status,
        "closing": poll.closing.index,
        "closing_leaf": poll.closing.leaf,
        "closing_time": poll.closing.time,
        "counted": [head.index for head in heads],
        "tally_id": poll.tally_id,
        "contests": contests,
        "result": result,
    }


def _decryptions(poll: PollState, number: int) -> list[Values]:
    indices = sorted(poll.factors[number])
    coefficients = lagrange_at_zero(indices)
    found = []
    for trustee, coefficient in zip(indices, coefficients, strict=True):
        factors = poll.factors[number][trustee]
        parts = vartime_multiply(factors, [coefficient % ORDER] * len(factors))
        found.append(
            {
                "trustee": trustee,
                "factors": _pieces(factors.encode(), 32),
                "lagrange": (coefficient % ORDER).to_bytes(32, "little"),
                "parts": _pieces(parts.encode(), 32),
            }
        )
    return found


def _pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def _big(number: int, size: int = 384) -> bytes:
    return int(number).to_bytes(size, "big")
