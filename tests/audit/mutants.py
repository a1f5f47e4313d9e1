"""Logs that differ from an honest one in a single place of a single entry, at every place and in many ways.

A *pointer* is a path into an entry's JSON. A mutant replaces what stands there and puts the entry back

- `as is`: whoever carries the log changed it; signatures stay those of the honest entry;
- `signed`: whoever may sign it posted it like that instead: the body is changed in the entries of all its signers and
  signed anew, and a ballot is finished anew by its credential's owner;
- `second`: they posted it like that afterwards, as a second content.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from secballot.errors import SecballotError
from secballot.group import ORDER, Scalars, multiply_base
from secballot.protocol.ballot_layout import ballot_fields
from secballot.records.ballot import BALLOT, Ballot
from secballot.records.entry import UNSIGNED, signing_message
from secballot.transcript import challenge

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from tests.audit.every_kind import Log

Path = tuple[str | int, ...]

LARGEST = 2**53 - 1
TEXTS = {"data", "kind", "label", "name", "origin", "reason", "rules", "suite", "tag", "text", "title"}
NOTES = {"checkpoint", "opening_checkpoint"}
CHOICES = (
    ("adopt", "elect"),
    ("cast", "decided", "roll", "registered"),
    ("count", "weight"),
    ("adopted", "rejected", "inquorate", "elected", "unopened"),
)


class Raw(str):
    """JSON text that is written as it stands."""

    __slots__ = ()


@dataclass(frozen=True)
class Twice:
    """A member's value, which is written twice under its key."""

    value: Any


@dataclass(frozen=True)
class Mutation:
    """One change: of what, where, how, and the entry's JSON afterwards."""

    kind: str
    path: Path
    name: str
    value: Any


@dataclass(frozen=True)
class Mutant:
    """A changed log.

    Attributes:
        title: kind, pointer, mutation and mode, for people.
        mutation: what was changed.
        mode: `as is`, `signed` or `second`.
        entries: the whole log.
        at: index of the last entry that was changed.
    """

    title: str
    mutation: Mutation
    mode: str
    entries: list[bytes]
    at: int


def write(value: Any) -> str:  # noqa: ANN401  # JSON
    """Return a value's canonical text, with `Raw` and `Twice` as they say."""
    if isinstance(value, Raw):
        return value
    if isinstance(value, dict):
        members = []
        for key, item in sorted(value.items()):
            copies = 2 if isinstance(item, Twice) else 1
            text = write(item.value if isinstance(item, Twice) else item)
            members += [f"{json.dumps(key)}:{text}"] * copies
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(write, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def pointers(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:  # noqa: ANN401
    """Yield every path into a JSON value, with what stands there."""
    if path:
        yield path, value
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from pointers(item, (*path, key))


def look_up(value: Any, path: Path) -> Any:  # noqa: ANN401
    """Return what stands at a path, or None if nothing does."""
    for key in path:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def put(value: Any, path: Path, item: Any) -> Any:  # noqa: ANN401
    """Return a copy of the value with an item at a path; None deletes it there."""
    if not path:
        return item
    key, *rest = path
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    if not rest and item is None:
        del copy[key]
    else:
        copy[key] = put(value[key], tuple(rest), item)
    return copy


def encode(data: bytes) -> str:
    """Return base64."""
    return base64.b64encode(data).decode()


def decode(text: str) -> bytes | None:
    """Return the bytes of base64, or None."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _numbers(value: int) -> Iterator[tuple[str, Any]]:
    for name, other in (("0", 0), ("+1", value + 1), ("-1", value - 1), ("largest", LARGEST)):
        if other >= 0 and other != value:
            yield name, other
    yield "2^53", LARGEST + 1
    yield "-1 below zero", Raw("-1")
    yield "float", Raw(f"{value}.0")
    yield "exponent", Raw(f"{value}e0")
    yield "text", str(value)
    yield "true", True


def _slices(data: bytes, rng: random.Random) -> Iterator[tuple[str, bytes]]:
    """Yield what to put in the place of one scalar or element of a field."""
    at = 32 * rng.randrange(len(data) // 32)
    number = int.from_bytes(data[at : at + 32], "little")
    others = {"zero or identity": 0, "one": 1, "order": ORDER, "plus order": number + ORDER, "largest": 2**256 - 1}
    for name, other in others.items():
        if other < 2**256 and other != number:
            yield name, data[:at] + other.to_bytes(32, "little") + data[at + 32 :]


def _blobs(text: str, data: bytes, rng: random.Random) -> Iterator[tuple[str, Any]]:
    flips = {"first bit": 0, "last bit": 8 * len(data) - 1, "some bit": rng.randrange(8 * len(data) or 1)}
    for name, bit in flips.items() if data else ():
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        yield f"flip {name}", encode(bytes(changed))
    if len(data) >= 32 and len(data) % 32 == 0:
        for name, changed_slice in _slices(data, rng):
            yield name, encode(changed_slice)
    yield "longer", encode(data + bytes(1))
    if data:
        yield "shorter", encode(data[:-1])
        yield "empty", ""
    if text.endswith("="):
        yield "no padding", text.rstrip("=")
        last = text.rstrip("=")[-1]
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        yield "trailing bits", text.replace(f"{last}=", f"{alphabet[alphabet.index(last) | 1]}=")
    yield "line break", text + "\n"


def _notes(text: str) -> Iterator[tuple[str, Any]]:
    head, _, tail = text.partition("\n\n")
    lines = tail.splitlines()
    orders = {
        "one line less": lines[:-1],
        "one line twice": [*lines, *lines[-1:]],  # a fuzzer may have left none
        "witnesses turned round": [*lines[:1], *reversed(lines[1:])],
        "log last": [*lines[1:], *lines[:1]],
    }
    for name, order in orders.items():
        yield name, head + "\n\n" + "\n".join(order) + "\n"
    yield "extension line", head + "\nextension\n\n" + tail
    yield "another signature", text[:-6] + ("AAA=\n" if text[-6:] != "AAA=\n" else "AAB=\n")
    yield "another size", text.replace("\n", "\n1", 1)


def _texts(text: str) -> Iterator[tuple[str, Any]]:
    yield "longer", text + "x"
    yield "empty", ""
    yield "bidirectional control", text + "\u202e"
    yield "not NFC", text + "e\u0301"
    yield "line feed", text + "\n"
    yield "very long", text + 30_000 * "x"
    yield "number", 7
    for group in CHOICES:
        for other in group if text in group else ():
            if other != text:
                yield f"{other}", other


def _containers(value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401
    if isinstance(value, dict):
        yield "unknown member", {**value, "unknown": 1}
        yield "empty", {}
        yield "list", [value]
    else:
        yield "empty", []
        yield "object", {}
        if value:
            yield "item less", value[:-1]
            yield "item twice", [*value, value[-1]]
        if len(value) > 1:
            yield "turned round", value[::-1]


def _values(path: Path, value: Any, rng: random.Random) -> Iterator[tuple[str, Any]]:  # noqa: ANN401
    if value is None:
        yield "zero", 0
        return
    yield "null", Raw("null")
    if isinstance(value, bool):
        yield from (("negated", not value), ("number", int(value)))
    elif isinstance(value, int | float):
        yield from _numbers(int(value) if value == value and abs(value) < 2.0**64 else 1)  # noqa: PLR0124  # NaN
    elif isinstance(value, str) and path[-1] in NOTES:
        yield from (*_notes(value), ("empty", ""))
    elif isinstance(value, str) and (path[-1] in TEXTS or decode(value) is None or len(value) < 20):
        yield from _texts(value)
    elif isinstance(value, str):
        yield from _blobs(value, decode(value) or b"", rng)
    else:
        yield from _containers(value)


def mutations(kind: str, entry: Any, cousins: list[Any], rng: random.Random) -> Iterator[Mutation]:  # noqa: ANN401
    """Yield every mutation of an entry's JSON.

    Args:
        kind: of the entry.
        entry: envelope and body.
        cousins: other entries of the kind, from which values are taken.
        rng: chooses bits and slices.
    """
    for path, value in pointers(entry):
        for name, other in _values(path, value, rng):
            yield Mutation(kind, path, name, put(entry, path, other))
        yield Mutation(kind, path, "deleted", put(entry, path, None))
        parent = look_up(entry, path[:-1])
        if isinstance(parent, dict):
            yield Mutation(kind, path, "duplicate key", put(entry, path, Twice(value)))
        for other_path, sibling in _siblings(parent, path):
            swapped = put(put(entry, path, sibling), other_path, value)
            yield Mutation(kind, path, "swapped with sibling", swapped)
        for cousin in cousins:
            other = look_up(cousin, path)
            if other is not None and other != value:
                yield Mutation(kind, path, "another entry's", put(entry, path, other))
                break


def _siblings(parent: Any, path: Path) -> Iterator[tuple[Path, Any]]:  # noqa: ANN401
    """Yield the next sibling of the same type, if there is one."""
    items = list(parent.items()) if isinstance(parent, dict) else list(enumerate(parent))
    position = next(i for i, (key, _) in enumerate(items) if key == path[-1])
    for key, value in items[position + 1 :]:
        if type(value) is type(parent[path[-1]]) and value != parent[path[-1]]:
            yield (*path[:-1], key), value
            return


def representatives(log: Log, kinds: list[str]) -> dict[str, list[int]]:
    """Return for every kind the indices of one effective entry, with those of all signers of its body.

    Args:
        log: the honest log.
        kinds: of its entries, in order.
    """
    found: dict[str, list[int]] = {}
    parsed = [json.loads(entry) for entry in log.entries]
    for index in range(len(kinds) - 1, -1, -1):
        whole = kinds[index], parsed[index]["body"]
        found[kinds[index]] = [i for i, kind in enumerate(kinds) if (kind, parsed[i]["body"]) == whole]
    return found


def plant(log: Log, indices: list[int], mutation: Mutation) -> Iterator[Mutant]:
    """Yield the logs in which an entry is changed as the mutation says, in every mode that is possible.

    Args:
        log: the honest log.
        indices: of the entries of all signers of the body.
        mutation: of the last of them.
    """
    title = f"{mutation.kind} /{'/'.join(map(str, mutation.path))}: {mutation.name}"
    at = indices[-1]
    changed = list(log.entries)
    changed[at] = write(mutation.value).encode()
    yield Mutant(f"{title}, as is", mutation, "as is", changed, at)
    if mutation.path[0] != "body" or not isinstance(mutation.value.get("body"), dict | list | Raw):
        return
    signed = list(log.entries)
    for index in indices:
        entry = _sign(log, json.loads(log.entries[index]), mutation.value["body"])
        if entry is None:
            return
        signed[index] = entry
    yield Mutant(f"{title}, signed", mutation, "signed", signed, at)
    again = [signed[index] for index in indices]
    second = [*log.entries[: at + 1], *again, *log.entries[at + 1 :]]
    yield Mutant(f"{title}, second", mutation, "second", second, at + len(again))


def _sign(log: Log, entry: Any, body: Any) -> bytes | None:  # noqa: ANN401
    """Return the entry with another body, signed by its signer; None for a body that its signer cannot sign."""
    kind, text = entry["kind"], write(body).encode()
    if kind == "ballot":
        return _finish(log, text)
    if kind in UNSIGNED:
        return None
    signature = log.keys[base64.b64decode(entry["signer"])].sign(signing_message(kind, log.anchor, text))
    return write({**entry, "body": Raw(text.decode()), "signature": encode(signature)}).encode()


def _finish(log: Log, body: bytes) -> bytes | None:
    """Return a ballot with T and z made anew by the owner of its credential."""
    try:
        ballot: Ballot = BALLOT.decode(body)
    except SecballotError:
        return None
    poll = log.simulator.board.record.state.by_ctx.get(ballot.ctx)
    if poll is None or not poll.context.shapes(ballot.class_index):
        return None
    nonce = Scalars.from_ints([7])
    again = msgspec.structs.replace(ballot, commitment=multiply_base(nonce).encode())
    try:
        fields = ballot_fields(poll.context, again)
    except (SecballotError, ValueError, IndexError):
        return None
    e = challenge("ballot", *fields, again.commitment)
    response = nonce + Scalars.from_ints([e]) * log.secret_of(ballot.credential, poll.number)
    finished = BALLOT.encode(msgspec.structs.replace(again, response=response.encode()))
    return b'{"body":' + finished + b',"kind":"ballot"}'
