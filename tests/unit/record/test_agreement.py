"""Random logs, judged by the record machine and by the second verifier: the same outcome, check and culprit for each.

`Stage.log` compares them after every entry, and that judging changes nothing and refusals leave no trace.

Source: SPEC.md#state-machine.
"""

from __future__ import annotations

import base64
import copy
import json
from functools import cache
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secballot.records.entry import (
    UNSIGNED,
    decode_entry,
    encode_signed,
    encode_unsigned,
    signing_message,
)
from tests.record_stage import Stage
from tests.simulator import golden

if TYPE_CHECKING:
    from collections.abc import Callable

    from secballot.signing import SigningKey

STAGES = (0, 1, 2, 4, 6, 9, 10, 14, 17, 18, 20, 22, 26, 30, 31, 32, 36, 40, 41, 42, 43, 44, 48, 50, 51, 52, 53, 54, 60)
"""Sizes of the golden log to begin at: before, within and after every phase up to the first ballots."""

LAST = 64
"""Entries from the closing on are another matter; the slowest to judge are among them."""


@cache
def every_key() -> dict[bytes, SigningKey]:
    """Return every key of the golden sitting by its public half."""
    rehearsal = golden().simulator.rehearsal
    keys = rehearsal.keys
    groups = [keys.presidium, keys.commission, keys.registrars, keys.trustees, keys.witnesses, keys.log]
    held = [key for group in groups for key in group] + [delegate.key for delegate in rehearsal.delegates]
    return {key.verify_key.encode(): key for key in held}


def leaves_of(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every number, string and list in a JSON value."""
    children: list[tuple[Any, object]] = []
    if isinstance(value, dict):
        children = list(value.items())
    if isinstance(value, list):
        children = list(enumerate(value))
    here = [] if isinstance(value, dict) else [path]
    return here + [leaf for name, child in children for leaf in leaves_of(child, (*path, name))]


def _flip(text: str) -> str:
    try:
        data = bytearray(base64.b64decode(text, validate=True))
        data[len(data) // 2] ^= 1
    except (ValueError, IndexError):
        return text + "x"
    return base64.b64encode(data).decode()


TEXT_CHANGES: list[Callable[[str], str]] = [
    _flip,
    lambda text: text[:-4],
    lambda text: "A" * len(text) if text.endswith("A") else base64.b64encode(bytes(len(text) * 3 // 4)).decode(),
    lambda text: text + text,
]

NUMBER_CHANGES: list[Callable[[int], int]] = [
    lambda number: number + 1,
    lambda number: max(number - 1, 0),
    lambda number: number - number,
    lambda number: max(number, 2**53 - 1),
    lambda number: number + 2**53,
]

LIST_CHANGES: list[Callable[[list[object]], list[object]]] = [
    lambda items: items[:-1],
    lambda items: items + items[-1:],
    lambda items: items[::-1],
    lambda items: items[:0],
]


@st.composite
def changed_bodies(draw: st.DrawFn, body: bytes) -> bytes:
    """Return canonical bytes of a body changed in one place."""
    value = json.loads(body)
    paths = leaves_of(value)
    path = draw(st.sampled_from(paths))
    changed = copy.deepcopy(value)
    parent = changed
    for name in path[:-1]:
        parent = parent[name]
    old = parent[path[-1]]
    changes: list[Any] = NUMBER_CHANGES
    if isinstance(old, str):
        changes = TEXT_CHANGES
    if isinstance(old, list):
        changes = LIST_CHANGES
    parent[path[-1]] = draw(st.sampled_from(changes))(old)
    return json.dumps(changed, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@st.composite
def entries_of_anybody(draw: st.DrawFn) -> bytes:
    """Return a golden entry, as it is, changed and truly signed again, signed by somebody else, or spoilt."""
    data = draw(st.sampled_from(golden().entries[:LAST]))
    deed = draw(st.sampled_from(["as it is", "changed", "changed", "changed", "other signer", "spoilt", "junk"]))
    entry = decode_entry(data)
    if deed == "junk":
        return draw(st.binary(max_size=40))
    if deed == "spoilt":
        at = draw(st.integers(0, len(data) - 1))
        return data[:at] + bytes([data[at] ^ draw(st.integers(1, 255))]) + data[at + 1 :]
    body = draw(changed_bodies(entry.body_bytes)) if deed == "changed" else entry.body_bytes
    if entry.kind in UNSIGNED:
        return encode_unsigned(entry.kind, body)
    key = every_key()[entry.signer]
    if deed == "other signer":
        key = draw(st.sampled_from(list(every_key().values())))
    signature = key.sign(signing_message(entry.kind, golden().anchor, body))
    return encode_signed(entry.kind, body, key.verify_key.encode(), signature)


@st.composite
def neighbours(draw: st.DrawFn, start: int) -> bytes:
    """Return a golden entry from about here, so that many fit."""
    return golden().entries[draw(st.integers(max(0, start - 6), min(LAST - 1, start + 8)))]


@st.composite
def logs(draw: st.DrawFn) -> tuple[int, list[bytes]]:
    """Return a stage of the golden sitting and what comes next there: some of the right entries, some of anybody's."""
    start = draw(st.sampled_from(STAGES))
    return start, draw(st.lists(neighbours(start) | entries_of_anybody(), min_size=1, max_size=8))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(log=logs())
def test_both_verifiers_agree_on_any_log(log: tuple[int, list[bytes]]) -> None:
    """Shuffled, repeated, dropped, changed, resigned and junk: at every stage and for every entry."""
    start, entries = log
    Stage(golden().entries[:start]).log_all(entries)


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(dropped=st.sets(st.integers(0, 53), max_size=3), random=st.randoms(use_true_random=False))
def test_both_verifiers_agree_on_shuffled_sittings(dropped: set[int], random: Any) -> None:  # noqa: ANN401  # hypothesis names no type
    """A whole sitting up to its first poll, with entries missing and neighbours exchanged."""
    order = [at for at in range(54) if at not in dropped]
    for _ in range(random.randrange(6)):
        at = random.randrange(len(order) - 1)
        order[at], order[at + 1] = order[at + 1], order[at]
    Stage().log_all([golden().entries[at] for at in order])
