"""What was verified ahead is not verified again, and nothing else is taken for it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from secballot.protocol import registration as protocol
from secballot.record import answers, registration, setup
from secballot.record.statements import Acceptable, Answered, Blinded
from tests.record_stage import COLLECTED, EFFECT, Stage, fault, golden_bodies, golden_entries

if TYPE_CHECKING:
    from secballot.record.statements import Statement

Calls = list[tuple[Any, ...]]


def watched(monkeypatch: pytest.MonkeyPatch, module: object, name: str) -> Calls:
    """Return what a check is called with from now on; what it decides stays."""
    calls: Calls = []
    check = getattr(module, name)

    def call(*arguments: object) -> object:
        calls.append(arguments)
        return check(*arguments)

    monkeypatch.setattr(module, name, call)
    return calls


def spoilt(statement: Statement) -> Statement:
    """Return the statement about a last field whose last bit is another."""
    *_, (name, value) = msgspec.structs.asdict(statement).items()
    return msgspec.structs.replace(statement, **{name: value[:-1] + bytes([value[-1] ^ 1])})


# Roll keys -----------------------------------------------------------------------------------------------------------


def chunk() -> Any:  # noqa: ANN401  # a roll chunk
    """Return the first chunk of the golden roll."""
    return golden_bodies("roll")[0][1]


@pytest.fixture
def examined(monkeypatch: pytest.MonkeyPatch) -> tuple[Calls, Calls]:
    """Return the calls that examine the keys of a chunk together, and those that examine one key."""
    return watched(monkeypatch, setup, "check_verify_keys"), watched(monkeypatch, setup, "VerifyKey")


def log_chunk(stage: Stage) -> None:
    """Log the golden roll's first chunk with both signatures."""
    entries = golden_entries("roll")
    assert [stage.log(entries[number]) for number in (0, 2)] == [COLLECTED, EFFECT]


def test_keys_that_are_known_to_be_acceptable_are_not_examined(examined: tuple[Calls, Calls]) -> None:
    """Neither together nor one by one."""
    stage = Stage.before("roll")
    stage.state.proven = {Acceptable(b"".join(chunk().keys))}
    log_chunk(stage)
    assert examined == ([], [])


@pytest.mark.parametrize("turned", [False, True])
def test_other_keys_are_examined_together(examined: tuple[Calls, Calls], turned: bool) -> None:
    """What is known of other keys, or of the same in another order, is nothing about these."""
    stage = Stage.before("roll")
    known = b"".join(reversed(chunk().keys)) if turned else b"".join(chunk().keys[1:])
    stage.state.proven = {Acceptable(known)}
    log_chunk(stage)
    together, single = examined
    assert (set(together), single) == ({(chunk().keys,)}, [])


# Requests ------------------------------------------------------------------------------------------------------------


def moduli(poll: int, class_index: int) -> list[bytes]:
    """Return the moduli of the golden registrar keys of a poll and class, in the registrars' order."""
    bodies: list[Any] = [body for _, body in golden_bodies("registrar-key")]
    return [body.modulus for body in bodies if (body.poll, body.class_index) == (poll, class_index)]


def request(number: int = 0) -> Any:  # noqa: ANN401  # a request
    """Return the request of a delegate of the golden sitting; the first four are of class 1."""
    return golden_bodies("credential-request")[number][1]


@pytest.mark.parametrize(
    ("known", "left"), [((), (1, 2)), ((1,), (2,)), ((2,), (1,)), ((1, 2), ())], ids=["none", "first", "second", "both"]
)
def test_blinded_values_that_are_known_to_be_good_are_not_examined(
    known: tuple[int, ...], left: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the other polls are, each under its registrar's key."""
    calls = watched(monkeypatch, protocol, "check_blinded")
    stage = Stage.after("registration")
    items = dict(enumerate(request().blinded, 1))
    good: list[Statement] = [Blinded(b"".join(moduli(poll, 1)), items[poll]) for poll in (1, 2)]
    stage.state.proven = {one if poll in known else spoilt(one) for poll, one in enumerate(good, 1)}
    assert stage.log(golden_entries("credential-request")[0]) == EFFECT
    expected = {
        (int.from_bytes(modulus, "big"), items[poll][384 * at : 384 * (at + 1)])
        for poll in left
        for at, modulus in enumerate(moduli(poll, 1))
    }
    assert {(key.n, value) for key, value in calls} == expected


# Answers -------------------------------------------------------------------------------------------------------------


def answered(class_index: int, poll: int, numbers: range) -> Answered:
    """Return the statement that registrar 1's golden answers to these delegates' requests for a poll are right."""
    issue: Any = golden_bodies("credential-issue")[0][1]
    own, digest = slice(768 * (poll - 1), 768 * (poll - 1) + 384), slice(384 * (poll - 1), 384 * poll)
    return Answered(
        modulus=moduli(poll, class_index)[0],
        expected=b"".join(hashlib.sha256(b"".join(request(n).blinded)[own]).digest() for n in numbers),
        signatures=b"".join(issue.answers[n].signatures[digest] for n in numbers),
    )


ANSWERED = {(c, poll): answered(c, poll, range(4 * c - 4, 4 * c)) for c in (1, 2) for poll in (1, 2)}


@pytest.mark.parametrize("doubtful", [*ANSWERED, None])
def test_answers_that_are_known_to_be_right_are_not_compared(
    doubtful: tuple[int, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of other polls and classes are, all of one key together."""
    calls = watched(monkeypatch, answers, "check_all_roots")
    single = watched(monkeypatch, registration, "check_expected_answer")
    stage = Stage.before("credential-issue")
    stage.state.proven = {one if place != doubtful else spoilt(one) for place, one in ANSWERED.items()}
    assert stage.log(golden_entries("credential-issue")[0]) == EFFECT
    left = ANSWERED[doubtful] if doubtful else None
    expected = {(left.modulus, left.expected, left.signatures)} if left else set()
    assert {(key.encode(), b"".join(digests), b"".join(values)) for key, digests, values in calls} == expected
    assert single == []


def test_a_wrong_answer_beside_known_ones_is_a_fault() -> None:
    """What is known of the right one says nothing about it."""
    stage = Stage.before("credential-issue")
    body: Any = golden_bodies("credential-issue")[0][1]
    first = body.answers[0]
    wrong = msgspec.structs.replace(first, signatures=bytes(384) + first.signatures[384:])
    stage.state.proven = set(ANSWERED.values())
    changed = msgspec.structs.replace(body, answers=(wrong, *body.answers[1:]))
    assert stage.post(stage.keys.registrars[0], "credential-issue", changed) == fault("REG-07", "registrar 1")
    assert stage.log(golden_entries("credential-issue")[0]) == EFFECT
