"""Numbers and fields of an attacker's choice: no counts, sizes beyond all bounds, and fields that are not there.

Source: SPEC.md#canonical-json, SPEC.md#result.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import tracemalloc
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest

import secballot.records
from secballot.encoding import b64encode
from secballot.errors import EncodingError
from secballot.record import Outcome, SittingRecord
from secballot.records.entry import Entry, decode_entry, encode_unsigned, signing_message
from secballot.records.result import RESULT
from secballot.roles.party import sign_entry
from tests.audit.every_kind import every_kind
from tests.record_stage import Stage, golden_bodies, golden_entries, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str | int, ...]

NO_NUMBERS: Final = (
    "-1",
    "-0",
    "00",
    "01",
    "1.0",
    "1e0",
    "true",
    "null",
    '"1"',
    "NaN",
    "Infinity",
    "9007199254740992",
    "18446744073709551616",
    "1" * 4_300,
    "1" * 5_000,
    "1e400",
    "[1]",
    "\uff11",
    "\u0661",
    "1_0",
    "+1",
    " 1",
)
"""What Python's or JavaScript's readers take for an integer, and no integer of a record."""


def written(value: object) -> str:
    """Return canonical JSON."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def put(value: Any, path: Path, new: object) -> Any:  # noqa: ANN401  # JSON
    """Return a copy of a JSON value with another value at this place."""
    changed = json.loads(json.dumps(value))
    place = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = new
    return changed


def signed_again(stage: Stage, kind: str, body: str) -> bytes:
    """Return an entry of this text, rightly signed by the presidium's first key."""
    data = body.encode("utf-8", "surrogatepass")
    key = stage.presidium[0]
    signature = key.sign(signing_message(kind, bytes(32) if kind == "manifest" else stage.anchor, data))
    # By hand, since `encode_signed` refuses to write what is no JSON.
    head = f'"kind":"{kind}","signature":"{b64encode(signature)}","signer":"{b64encode(key.verify_key.encode())}"'
    return b'{"body":' + data + b"," + head.encode() + b"}"


def body_of(entry: bytes) -> Any:  # noqa: ANN401
    """Return an entry's body as plain JSON."""
    return json.loads(entry)["body"]


@pytest.mark.parametrize("number", NO_NUMBERS)
def test_a_result_of_no_numbers_is_no_entry(number: str) -> None:
    """TL-03, PA-02, PA-03: a count has one spelling; signed or not, ENT-01 refuses every other, and nothing fails."""
    stage = Stage.before("result")
    text = written(put(body_of(golden_entries("result")[0]), ("contests", 0, "counts", 0), "@"))
    entry = signed_again(stage, "result", text.replace('"@"', number))
    with pytest.raises(EncodingError):
        decode_entry(entry)
    assert stage.log(entry) == refused("ENT-01")
    assert stage.state.failures == []


@pytest.mark.parametrize("off", [-1, 1, 2, 1_000, 2**53 - 10])
def test_no_count_but_the_decrypted_one_stands(off: int) -> None:
    """TL-03: a count that is off by anything fails the record by RES-01; its bytes are the evidence, signed by k."""
    stage = Stage.before("result")
    result = next(body for _, body in golden_bodies("result"))
    contest = result.contests[0]  # type: ignore[attr-defined]
    counts = list(contest.counts)
    counts[counts.index(max(counts))] += off
    wrong = msgspec.structs.replace(
        result,
        contests=(msgspec.structs.replace(contest, counts=tuple(counts)), *result.contests[1:]),  # type: ignore[attr-defined]
    )
    assert stage.act("result", wrong) == refused("RES-01")
    (failure,) = stage.state.failures
    assert (failure.check, failure.index) == ("RES-01", len(stage.entries) - 1)
    assert RESULT.decode(failure.evidence) == wrong
    signers = {decode_entry(entry).signer for entry in stage.entries[-len(stage.presidium) :]}
    assert signers == {key.verify_key.encode() for key in stage.presidium}
    assert all(decode_entry(entry).body_bytes == failure.evidence for entry in stage.entries[-len(stage.presidium) :])


@pytest.mark.parametrize(
    "labels",
    [("Yes", "Yes"), ("Yes", "Ye\u0301s\u200b"), ("Ye\u0301s", "No"), ("Yes\u202e", "No"), ("\x1b[31mYes", "No")],
)
def test_options_have_labels_of_their_own(labels: tuple[str, str]) -> None:
    """BA-10, PA-06: two options of one label, and labels that differ in nothing that can be seen, are no opening."""
    stage = Stage.before("opening")
    body = body_of(golden_entries("opening")[0])
    for number, label in enumerate(labels):
        body = put(body, ("contests", 0, "options", number, "label"), label)
    assert stage.log(signed_again(stage, "opening", written(body))) == refused("ENT-01")


HUGE: Final[tuple[tuple[str, Path, object], ...]] = (
    ("manifest", ("trustees", "threshold"), 10**9),
    ("manifest", ("trustees", "minimum"), 2**53 - 1),
    ("manifest", ("polls",), 10**9),
    ("manifest", ("ceremony_sessions",), 2**53 - 1),
    ("manifest", ("minimum_ballots",), 10**9),
    ("manifest", ("minimum_ballots",), -1),
    ("manifest", ("limits", "ballots_per_credential"), 10**6),
    ("manifest", ("witnesses", "quorum"), 10**6),
    ("manifest", ("classes", 0, "seats"), 10**12),
    ("manifest", ("classes", 0, "weight"), 10**12),
    ("manifest", ("grace",), 10**18),
    ("manifest", ("registrars",), ["AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="] * 1_000),
    ("manifest", ("rules", 0, "eligible"), list(range(1, 10_001))),
    ("opening", ("contests", 0, "options", 0, "maximum"), 2**53 - 1),
    ("opening", ("contests", 0, "options"), [{"label": str(number), "maximum": 1} for number in range(201)]),
    ("opening", ("contests",), [{}] * 5_000),
    ("opening", ("contests", 0, "sum_maximum"), 10**30),
    ("registration", ("first_poll",), 10**400),
)
"""Kind, place and number: each would make a reader allocate or count without end."""


@pytest.mark.parametrize(("kind", "path", "value"), HUGE)
def test_sizes_of_an_attackers_choice_are_refused(kind: str, path: Path, value: object) -> None:
    """PA-10, PA-03: whoever signs it, it is refused before anything of that size is made."""
    stage = Stage.before(kind)
    entry = signed_again(stage, kind, written(put(body_of(golden_entries(kind)[0]), path, value)))
    record = SittingRecord(None, fetch=stage.entries.__getitem__) if kind == "manifest" else stage.record
    tracemalloc.start()
    try:
        judgement = record.judge(entry)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert judgement.outcome is Outcome.NO_EFFECT
    assert judgement.check in {"ENT-01", "SIT-02"}
    assert peak < 8 << 20
    assert stage.log(entry).check in {"ENT-01", "SIT-01"}


def record_classes() -> Iterator[type[msgspec.Struct]]:
    """Yield every class of secballot.records that is read from bytes."""
    for module in pkgutil.iter_modules(secballot.records.__path__, "secballot.records."):
        for value in vars(importlib.import_module(module.name)).values():
            if value is Entry:  # made of an envelope and a body, and never read itself
                continue
            if inspect.isclass(value) and issubclass(value, msgspec.Struct) and value.__module__ == module.name:
                yield value


def test_no_field_has_a_default() -> None:
    """PA-11: whatever is missing is missing; nothing stands in for it, and nothing unknown is passed over."""
    classes = list(record_classes())
    assert len(classes) > 40
    for record in classes:
        assert record.__struct_config__.forbid_unknown_fields, record
        for field in msgspec.structs.fields(record):
            assert field.required, f"{record.__name__}.{field.name}"


@cache
def samples() -> dict[str, dict[str, Any]]:
    """Return one effective entry of every kind."""
    return {json.loads(entry)["kind"]: json.loads(entry) for entry in every_kind().entries}


def members(value: object, path: Path = ()) -> Iterator[Path]:
    """Yield the place of every member of every object in a JSON value."""
    if isinstance(value, dict):
        for name, held in value.items():
            yield (*path, name)
            yield from members(held, (*path, name))
    if isinstance(value, list):
        for number, held in enumerate(value):
            yield from members(held, (*path, number))


def without(value: Any, path: Path) -> Any:  # noqa: ANN401
    """Return a copy of a JSON value without this member."""
    changed = json.loads(json.dumps(value))
    place = changed
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    return changed


@pytest.mark.parametrize("kind", sorted(samples()))
def test_no_field_can_be_left_out(kind: str) -> None:
    """PA-11: every member of every object of every kind, left out, null, or under another name, leaves no entry."""
    sample = samples()[kind]
    assert decode_entry(written(sample).encode()).kind == kind
    for path in members(sample):
        for changed in (
            without(sample, path),
            put(sample, path, None),
            put(without(sample, path), (*path[:-1], str(path[-1]) + "_"), 1),
            put(sample, (*path[:-1], "zz"), 1),
        ):
            with pytest.raises(EncodingError):
                decode_entry(written(changed).encode())


def test_an_unsigned_kind_is_not_read_as_a_signed_one() -> None:
    """PA-11: a signature that is left out does not make an entry that needs none."""
    stage = Stage.before("opening")
    entry = sign_entry(stage.presidium[0], "opening", stage.anchor, golden_bodies("opening")[0][1])
    bare = encode_unsigned("opening", decode_entry(entry).body_bytes)
    assert stage.log(bare) == refused("ENT-01")
