"""Who may vote, who asked for credentials, and whose ballot counts: what grows with the number of delegates.

A nation's record has to fit a small machine, so these hold packed values and build the objects that they give out. A
delegate with one poll takes less than 500 bytes, a leaf of the log in `LogHistory` 32.

Source: SPEC.md#state-machine.
"""

from __future__ import annotations

import sys
from array import array
from collections import Counter
from collections.abc import Mapping
from struct import Struct
from typing import TYPE_CHECKING, Final

import msgspec

from secballot.board.merkle import HASH_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from secballot.record.history import LogHistory

_HEAD: Final = Struct("<QQB32s")
_OPEN: Final = Struct("<QH")


class Roll(Mapping[bytes, int]):
    """Roll key to class, in the order in which the keys came."""

    def __init__(self, keys: Mapping[bytes, int] | None = None) -> None:
        """Begin with these keys, or none."""
        self._places: dict[bytes, int] = {}
        self._keys: list[bytes] = []
        self._classes = bytearray()
        self.sizes: Counter[int] = Counter()
        for key, class_index in (keys or {}).items():
            self.add([key], class_index)

    def add(self, keys: Iterable[bytes], class_index: int) -> None:
        """Put keys, none of which it has, on the roll of a class."""
        for key in keys:
            self._places[key] = len(self._keys)
            self._keys.append(key)
            self._classes.append(class_index)
            self.sizes[class_index] += 1

    def packed(self) -> tuple[bytes, bytes]:
        """Return all keys, 32 bytes each, and all classes, one byte each."""
        return b"".join(self._keys), bytes(self._classes)

    @classmethod
    def unpacked(cls, keys: bytes, classes: bytes) -> Roll:
        """Return the roll that `packed` wrote."""
        roll = cls()
        for place, class_index in enumerate(classes):
            roll.add([keys[HASH_SIZE * place : HASH_SIZE * (place + 1)]], class_index)
        return roll

    def place(self, key: bytes) -> int:
        """Return the place of a key that is on the roll, from 0."""
        return self._places[key]

    def class_at(self, place: int) -> int:
        """Return the class of the key at a place."""
        return self._classes[place]

    def key_at(self, place: int) -> bytes:
        """Return the key at a place."""
        return self._keys[place]

    def __getitem__(self, key: bytes) -> int:
        """Return the class of a key."""
        return self._classes[self._places[key]]

    def __contains__(self, key: object) -> bool:
        """Tell whether a key is on the roll."""
        return key in self._places

    def __iter__(self) -> Iterator[bytes]:
        """Yield the keys."""
        return iter(self._keys)

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self._keys)


class Request(msgspec.Struct, frozen=True, gc=False):
    """One effective credential request.

    Attributes:
        key: roll key, 32 bytes.
        class_index: class on the roll.
        first_poll: first poll it covers.
        polls: how many polls it covers.
        index: in the log.
        answered: indices of the registrars that have answered.
        is_open: whether a registrar has not answered yet.
        expected: for each poll, and in it for each registrar, 32 bytes that the answer is compared with; empty once
            all have answered.
    """

    key: bytes
    class_index: int
    first_poll: int
    polls: int
    index: int
    answered: frozenset[int]
    is_open: bool
    expected: bytes


class OpenRequest(msgspec.Struct, frozen=True, gc=False):
    """What an answer to a request is judged by.

    Attributes:
        class_index: class on the roll.
        first_poll: first poll it covers.
        polls: how many polls it covers.
        answered: bit i is set if registrar i has answered.
        expected: as in `Request`.
    """

    class_index: int
    first_poll: int
    polls: int
    answered: int
    expected: bytes


class Requests(Mapping[bytes, Request]):
    """The effective requests of a registration, by leaf hash, in log order.

    Attributes:
        covered: (poll, class) to how many requests cover the poll and have every registrar's answer.
    """

    def __init__(self, roll: Roll) -> None:
        """Begin with no request of the keys of this roll."""
        self._roll = roll
        self._leaves = bytearray()
        self._indices, self._places = array("Q"), array("Q")
        self._first, self._polls = array("H"), array("H")
        # Requests of one key are chained: number of the newest by place, and of the one before by number.
        self._newest, self._previous = array("q"), array("q")
        self._open: dict[bytes, bytes] = {}
        self._registrars = 0
        self.covered: Counter[tuple[int, int]] = Counter()

    def add(self, key: bytes, first_poll: int, polls: int, *, index: int, leaf: bytes, expected: bytes) -> None:
        """Take an admitted request."""
        number, place = len(self._indices), self._roll.place(key)
        self._newest.extend([-1] * (place + 1 - len(self._newest)))
        self._leaves += leaf
        self._indices.append(index)
        self._places.append(place)
        self._previous.append(self._newest[place])
        self._first.append(first_poll)
        self._polls.append(polls)
        self._newest[place] = number
        self._open[leaf] = _OPEN.pack(number, 0) + expected

    def answer(self, leaves: Iterable[bytes], registrar: int, registrars: int) -> None:
        """Count a registrar's answers to open requests; the last answer to a request closes it."""
        self._registrars = registrars
        held, own = self._open, 1 << registrar
        for leaf in leaves:
            packed = held[leaf]
            number, answered = _OPEN.unpack_from(packed)
            answered |= own
            if answered.bit_count() < registrars:
                held[leaf] = _OPEN.pack(number, answered) + packed[_OPEN.size :]
                continue
            del held[leaf]
            class_index = self._roll.class_at(self._places[number])
            for poll in range(self._first[number], self._first[number] + self._polls[number]):
                self.covered[poll, class_index] += 1
        if not held:
            self._open = {}  # a dictionary keeps its room when it empties

    def packed(self) -> tuple[tuple[bytes, ...], tuple[tuple[bytes, bytes], ...], int]:
        """Return all columns, what is kept of open requests, and the number of registrars as far as it is known."""
        columns = (self._indices, self._places, self._first, self._polls)
        return (
            (bytes(self._leaves), *(_little_endian(column) for column in columns)),
            tuple(self._open.items()),
            self._registrars,
        )

    @classmethod
    def unpacked(
        cls, roll: Roll, columns: tuple[bytes, ...], still_open: Iterable[tuple[bytes, bytes]], registrars: int
    ) -> Requests:
        """Return the requests that `packed` wrote, but for `covered`.

        Raises:
            ValueError: they do not go together.
        """
        requests = cls(roll)
        leaves, *values = columns
        indices, places, first, polls = (
            _of_little_endian(kind, data) for kind, data in zip("QQHH", values, strict=True)
        )
        for number, (index, place, first_poll, count) in enumerate(zip(indices, places, first, polls, strict=True)):
            leaf = leaves[HASH_SIZE * number : HASH_SIZE * (number + 1)]
            requests.add(roll.key_at(place), first_poll, count, index=index, leaf=leaf, expected=b"")
        requests._open = dict(still_open)
        requests._registrars = registrars
        return requests

    @property
    def unanswered(self) -> int:
        """How many requests are open."""
        return len(self._open)

    def open_request(self, leaf: bytes) -> OpenRequest | None:
        """Return what an answer to the open request with this leaf hash is judged by, if there is one."""
        held = self._open.get(leaf)
        if held is None:
            return None
        number, answered = _OPEN.unpack_from(held)
        class_index = self._roll.class_at(self._places[number])
        return OpenRequest(class_index, self._first[number], self._polls[number], answered, held[_OPEN.size :])

    def next_poll(self, key: bytes) -> int:
        """Return the poll that follows those of a roll key's newest request; 0 if it has made none."""
        place = self._roll.place(key) if key in self._roll else len(self._newest)
        number = self._newest[place] if place < len(self._newest) else -1
        return self._first[number] + self._polls[number] if number >= 0 else 0

    def of(self, key: bytes) -> Iterator[Request]:
        """Yield the requests of a roll key, the newest first."""
        place = self._roll.place(key) if key in self._roll else len(self._newest)
        number = self._newest[place] if place < len(self._newest) else -1
        while number >= 0:
            yield self._request(number, self._open.get(self._leaf(number)))
            number = self._previous[number]

    def _request(self, number: int, held: bytes | None) -> Request:
        key = self._roll.key_at(self._places[number])
        everyone = (1 << self._registrars + 1) - 2
        answered = _OPEN.unpack_from(held)[1] if held is not None else everyone
        return Request(
            key=key,
            class_index=self._roll[key],
            first_poll=self._first[number],
            polls=self._polls[number],
            index=self._indices[number],
            answered=frozenset(index for index in range(answered.bit_length()) if answered >> index & 1),
            is_open=held is not None,
            expected=held[_OPEN.size :] if held is not None else b"",
        )

    def _leaf(self, number: int) -> bytes:
        return bytes(self._leaves[HASH_SIZE * number : HASH_SIZE * (number + 1)])

    def __getitem__(self, leaf: bytes) -> Request:
        """Return the request with this leaf hash."""
        for number in range(len(self._indices)):
            if self._leaf(number) == leaf:
                return self._request(number, self._open.get(leaf))
        raise KeyError(leaf)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the leaf hashes."""
        return (self._leaf(number) for number in range(len(self._indices)))

    def items(self) -> Iterator[tuple[bytes, Request]]:  # type: ignore[override]  # an iterator is all that is wanted
        """Yield leaf hash and request."""
        for number in range(len(self._indices)):
            leaf = self._leaf(number)
            yield leaf, self._request(number, self._open.get(leaf))

    def values(self) -> Iterator[Request]:  # type: ignore[override]  # the same
        """Yield the requests."""
        return (request for _, request in self.items())

    def __len__(self) -> int:
        """Return the number of requests."""
        return len(self._indices)


class Head(msgspec.Struct, frozen=True, gc=False):
    """The newest accepted ballot of one credential.

    Attributes:
        sequence: its sequence number.
        leaf: its leaf hash.
        index: its index in the log.
        class_index: its class.
        credential: digest of class and credential bytes, which never change after the first ballot.
    """

    sequence: int
    leaf: bytes
    index: int
    class_index: int
    credential: bytes


class Heads(Mapping[bytes, Head]):
    """Credential S to its head.

    Attributes:
        counted: class to the number of heads.
    """

    def __init__(self, history: LogHistory) -> None:
        """Begin without any in the log with this history."""
        self._history = history
        self._packed: dict[bytes, bytes] = {}
        self.counted: Counter[int] = Counter()

    def put(self, credential: bytes, *, sequence: int, index: int, class_index: int, digest: bytes) -> None:
        """Make the ballot at this index the credential's head."""
        if credential not in self._packed:
            self.counted[class_index] += 1
        self._packed[credential] = _HEAD.pack(index, sequence, class_index, digest)

    def packed(self) -> bytes:
        """Return credential and head of all, 81 bytes each."""
        return b"".join([credential + packed for credential, packed in self._packed.items()])

    @classmethod
    def unpacked(cls, history: LogHistory, data: bytes) -> Heads:
        """Return the heads that `packed` wrote, but for `counted`."""
        heads, size = cls(history), HASH_SIZE + _HEAD.size
        for start in range(0, len(data), size):
            heads._packed[data[start : start + HASH_SIZE]] = data[start + HASH_SIZE : start + size]
        return heads

    def leaves(self) -> list[bytes]:
        """Return the leaf hashes of all heads, in log order."""
        indices = sorted(_HEAD.unpack(packed)[0] for packed in self._packed.values())
        return [self._history.leaf(index) for index in indices]

    def __getitem__(self, credential: bytes) -> Head:
        """Return the head of a credential."""
        index, sequence, class_index, digest = _HEAD.unpack(self._packed[credential])
        return Head(sequence, self._history.leaf(index), index, class_index, digest)

    def get(self, credential: bytes, default: None = None) -> Head | None:  # type: ignore[override]  # quicker than by an error
        """Return the head of a credential, if it has one."""
        return self[credential] if credential in self._packed else default

    def __contains__(self, credential: object) -> bool:
        """Tell whether a credential has a head."""
        return credential in self._packed

    def __iter__(self) -> Iterator[bytes]:
        """Yield the credentials, in the order of their first ballots."""
        return iter(self._packed)

    def __len__(self) -> int:
        """Return the number of credentials."""
        return len(self._packed)


def _little_endian(column: array[int]) -> bytes:
    """Return the values of a column, little-endian on every machine."""
    if sys.byteorder == "big":
        column = array(column.typecode, column)
        column.byteswap()
    return column.tobytes()


def _of_little_endian(kind: str, data: bytes) -> array[int]:
    column = array(kind)
    column.frombytes(data)
    if sys.byteorder == "big":
        column.byteswap()
    return column
