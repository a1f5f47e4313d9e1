"""Admission of ballots: the stateful checks BAL-01 to BAL-05 and the stateless checks BAL-06 to BAL-13."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import ristretto, rsa
from .edwards import IDENTITY, Point, combine, multiply, multiply_base, subtract
from .machine_state import (
    Body,
    Credential,
    Entry,
    ExcludedError,
    Outcome,
    Poll,
    State,
    Vote,
)
from .proofs import Cipher, membership_holds, sum_ciphers
from .transcript import Field, challenge, digest

if TYPE_CHECKING:
    from .manifest import Manifest

MODULUS_SIZE = 384
NO_CIPHER = Cipher(IDENTITY, IDENTITY)


def open_contests(sitting: Manifest, opening: Body, kind: int) -> list[Body]:
    """Return the contests open to a class, in the opening's order."""
    return [contest for contest in opening["contests"] if kind in sitting.rules[contest["rules"]]["eligible"]]


def _runs(contest: Body) -> list[range]:
    """Return the values of each option's disjunction, then those of the sum's."""
    options = [range(option["maximum"] + 1) for option in contest["options"]]
    return [*options, range(contest["sum_minimum"], contest["sum_maximum"] + 1)]


def sizes(contest: Body) -> dict[str, int]:
    """Return the size in bytes of each field of a contest in a ballot."""
    branches = sum(len(run) for run in _runs(contest))
    options = len(contest["options"])
    return {
        "challenges": 32 * (branches - options - 1),
        "ciphertexts": 64 * options,
        "commitments": 64 * branches,
        "responses": 32 * branches,
    }


@dataclass
class Opened:
    """A contest of a ballot, decoded."""

    ciphers: list[Cipher]
    commitments: list[tuple[Point, Point]]
    challenges: list[int]
    responses: list[int]


def check_ballot(state: State, entry: Entry) -> Outcome:
    """Accept a ballot, or raise the first check it fails."""
    body = entry.body
    poll = state.polls.get(body["ctx"])
    if poll is None:
        raise ExcludedError("BAL-01")
    if poll.status != "open":
        raise ExcludedError("BAL-02")
    credential = poll.credentials.get(body["credential"])
    expected = (credential.head.body["sequence"] + 1, credential.head.leaf) if credential else (0, bytes(32))
    if (body["sequence"], body["previous"]) != expected:
        raise ExcludedError("BAL-03")
    if credential and any(credential.first.body[name] != body[name] for name in ("class", "randomizers", "signatures")):
        raise ExcludedError("BAL-04")
    if body["sequence"] >= state.sitting.body["limits"]["ballots_per_credential"]:
        raise ExcludedError("BAL-05")
    check_stateless(state, poll, body)
    vote = Vote(entry.index, entry.leaf, body)
    poll.credentials[body["credential"]] = Credential(credential.first if credential else vote, vote)
    poll.last_vote = entry.index
    return Outcome("accepted")


def passes_stateless_checks(state: State, poll: Poll, body: Body) -> bool:
    """Tell whether a ballot passes BAL-06 to BAL-13."""
    try:
        check_stateless(state, poll, body)
    except ExcludedError:
        return False
    return True


def check_stateless(state: State, poll: Poll, body: Body) -> None:
    """Raise the first of BAL-06 to BAL-13 that a ballot fails."""
    sitting, registrars = state.sitting, len(state.sitting.registrars)
    contests = open_contests(sitting, poll.body, body["class"])
    if not sitting.has_class(body["class"]) or not contests or len(contests) != len(body["contests"]):
        raise ExcludedError("BAL-06")
    given = [{name: len(value) for name, value in cast.items()} for cast in body["contests"]]
    lengths = (len(body["randomizers"]), len(body["signatures"]))
    if given != [sizes(contest) for contest in contests] or lengths != (32 * registrars, MODULUS_SIZE * registrars):
        raise ExcludedError("BAL-06")
    s, t = ristretto.decode(body["credential"]), ristretto.decode(body["commitment"])
    z = ristretto.scalar(body["response"])
    if s is None or t is None or z is None:
        raise ExcludedError("BAL-07")
    if not _signatures_hold(state, poll, body):
        raise ExcludedError("BAL-08")
    e = challenge("ballot", *statement(state, poll, body, contests))
    if not ristretto.equal(subtract(multiply_base(z), multiply(e, s)), t):
        raise ExcludedError("BAL-09")
    _check_contests(state, contests, body["contests"], e)


def _signatures_hold(state: State, poll: Poll, body: Body) -> bool:
    kind, registration = body["class"], poll.registration
    for registrar in range(1, len(state.sitting.registrars) + 1):
        modulus = registration.moduli[registrar, poll.number, kind]
        heads = (state.sitting.sitting_id, registration.number, registrar, poll.number, kind)
        key_id = digest("key-id", *heads, modulus.to_bytes(MODULUS_SIZE, "big"))
        message = digest(
            "credential", state.sitting.sitting_id, poll.number, registrar, key_id, kind, body["credential"]
        )
        randomizer = body["randomizers"][32 * (registrar - 1) : 32 * registrar]
        signature = body["signatures"][MODULUS_SIZE * (registrar - 1) : MODULUS_SIZE * registrar]
        if not rsa.pss_verifies(modulus, rsa.EXPONENT, randomizer + message, signature):
            return False
    return True


def statement(state: State, poll: Poll, body: Body, contests: list[Body]) -> list[Field]:
    """Return the fields of the label `ballot`."""
    if state.joint is None:
        raise ExcludedError("BAL-01")
    # Each contest's commitments are those of its options, then those of its sum.
    splits = [64 * sum(len(run) for run in _runs(contest)[:-1]) for contest in contests]
    pairs = list(zip(splits, body["contests"], strict=True))
    return [
        state.sitting.sitting_id,
        poll.ctx,
        ristretto.encode(state.joint),
        poll.number,
        body["class"],
        body["credential"],
        body["randomizers"],
        body["signatures"],
        body["sequence"],
        body["previous"],
        body["tag"],
        len(contests),
        b"".join(cast["ciphertexts"] for cast in body["contests"]),
        b"".join(cast["commitments"][:split] for split, cast in pairs),
        b"".join(cast["commitments"][split:] for split, cast in pairs),
        body["commitment"],
    ]


def _pieces(data: bytes) -> list[bytes]:
    return [data[i : i + 32] for i in range(0, len(data), 32)]


def _scalars(data: bytes) -> list[int]:
    values = []
    for piece in _pieces(data):
        value = ristretto.scalar(piece)
        if value is None:
            raise ExcludedError("BAL-10")
        values.append(value)
    return values


def elements(data: bytes) -> list[Point]:
    """Return the elements of a field, or raise BAL-11."""
    points = []
    for piece in _pieces(data):
        point = ristretto.decode(piece)
        if point is None:
            raise ExcludedError("BAL-11")
        points.append(point)
    return points


def ciphers(data: bytes) -> list[Cipher]:
    """Return the ciphertexts of a field, or raise BAL-11."""
    points = elements(data)
    return [Cipher(points[i], points[i + 1]) for i in range(0, len(points), 2)]


def _check_contests(state: State, contests: list[Body], cast: list[Body], e: int) -> None:
    scalars = [(_scalars(given["challenges"]), _scalars(given["responses"])) for given in cast]
    opened = []
    for given, (challenges, responses) in zip(cast, scalars, strict=True):
        points = elements(given["commitments"])
        pairs = [(points[i], points[i + 1]) for i in range(0, len(points), 2)]
        opened.append(Opened(ciphers(given["ciphertexts"]), pairs, challenges, responses))
    held = [_proofs_hold(state, contest, parts, e) for contest, parts in zip(contests, opened, strict=True)]
    if not all(options for options, _ in held):
        raise ExcludedError("BAL-12")
    if not all(total for _, total in held):
        raise ExcludedError("BAL-13")


def _proofs_hold(state: State, contest: Body, parts: Opened, e: int) -> tuple[bool, bool]:
    """Tell whether every option's proof holds, and whether the sum's does."""
    joint = state.joint
    if joint is None:
        return False, False
    at, used, verdicts = 0, 0, []
    total = sum_ciphers(parts.ciphers, NO_CIPHER)
    for run, cipher in zip(_runs(contest), [*parts.ciphers, total], strict=True):
        size = len(run)
        verdicts.append(
            membership_holds(
                cipher,
                joint,
                run,
                commitments=parts.commitments[at : at + size],
                challenges=parts.challenges[used : used + size - 1],
                responses=parts.responses[at : at + size],
                e=e,
            )
        )
        at, used = at + size, used + size - 1
    return all(verdicts[:-1]), verdicts[-1]


def weighted(weight: int, cipher: Cipher) -> Cipher:
    """Return weight·cipher."""
    return Cipher(combine([weight], [cipher.alpha]), combine([weight], [cipher.beta]))
