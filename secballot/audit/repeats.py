"""Which accepted ballots repeat a ciphertext's first element: no honest device ever does, and whoever does shows votes.

With one α in two places, the difference of the two β is that of the votes, for everybody to see. Such ballots count
all the same, since excluding them would let whoever sees a ballot first stop it; the report warns of them.

Source: SPEC.md#sealing, SPEC.md#admission.
"""

from __future__ import annotations

import re
import struct
from array import array
from binascii import a2b_base64
from bisect import bisect_right
from collections import defaultdict
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

CIPHERTEXT_BYTES: Final = 64
_ELEMENT_BYTES: Final = 32
_PART: Final = struct.Struct("<I")

SORTED_AT_ONCE: Final = 1 << 18
"""Parts of elements sorted at a time, about: as an integer of Python each takes ten times its room."""

_TOGETHER: Final = 1 << 16
"""Parts that lie together. One piece for all would be copied as it grows, and for that time be there twice."""

# Of a ballot's canonical entry: base64 and digits are all that stands between quotation marks there.
_CIPHERTEXTS: Final = re.compile(rb'"ciphertexts":"([A-Za-z0-9+/=]*+)"')


class Repeats:
    """Four bytes of every α of every accepted ballot, by which repeated ones are found and then looked at whole.

    Which ballot a part is of follows from runs: ballots one behind the other in the log, with as many parts each.
    """

    def __init__(self) -> None:
        """Begin without any."""
        self._parts = _Parts()
        self._starts = array("Q")
        self._indices = array("Q")
        self._widths = array("Q")

    def add(self, index: int, ballot: bytes) -> None:
        """Take note of an accepted ballot.

        Args:
            index: of its entry.
            ballot: the entry's bytes.
        """
        parts: list[int] = []
        for found in _CIPHERTEXTS.finditer(ballot):
            data = a2b_base64(found[1])
            parts += struct.unpack("<" + "I60x" * (len(data) // CIPHERTEXT_BYTES), data)
        width = len(parts)
        if width and not self._goes_on(index, width):
            self._starts.append(len(self._parts))
            self._indices.append(index)
            self._widths.append(width)
        self._parts.extend(parts)

    def _goes_on(self, index: int, width: int) -> bool:
        """Tell whether a ballot belongs to the newest run."""
        if not self._widths or self._widths[-1] != width:
            return False
        return index - self._indices[-1] == (len(self._parts) - self._starts[-1]) // width

    def packed(self) -> tuple[bytes, bytes, bytes, bytes]:
        """Return what is known as bytes, for `unpacked` on a machine like this one."""
        starts, indices, widths = self._runs()
        return self._parts.tobytes(), starts.tobytes(), indices.tobytes(), widths.tobytes()

    @classmethod
    def unpacked(cls, values: tuple[bytes, ...]) -> Repeats:
        """Return what `packed` wrote.

        Raises:
            ValueError: it is no such thing.
        """
        repeats = cls()
        parts, *runs = values
        repeats._parts.frombytes(parts)
        for column, data in zip(repeats._runs(), runs, strict=True):
            column.frombytes(data)
        if not len(repeats._starts) == len(repeats._indices) == len(repeats._widths):
            raise ValueError("not as many runs as beginnings")
        if not all(repeats._widths) or list(repeats._starts[:1]) != [0] * bool(len(repeats._parts)):
            raise ValueError("parts without runs")
        return repeats

    def _runs(self) -> tuple[array[int], array[int], array[int]]:
        return self._starts, self._indices, self._widths

    def _index_of(self, at: int) -> int:
        """Return the entry that a part is of."""
        run = bisect_right(self._starts, at) - 1
        return self._indices[run] + (at - self._starts[run]) // self._widths[run]

    def found(self, fetch: Callable[[int], bytes]) -> list[tuple[tuple[int, ...], int]]:
        """Return the entries of ballots that share elements, in order, and how many elements they share.

        A ballot that repeats an element in itself is named as often as it does.

        Args:
            fetch: returns an entry again.

        Raises:
            StoreError: an entry cannot be read again.
        """
        twice = _repeated(self._parts)
        if not twice:
            return []
        places = [at for at, part in enumerate(self._parts) if part in twice]
        suspects = sorted({self._index_of(at) for at in places})
        ballots: dict[bytes, list[int]] = defaultdict(list)
        for index in suspects:
            for element in _elements(fetch(index)):
                if _PART.unpack_from(element)[0] in twice:
                    ballots[element].append(index)
        shared: dict[tuple[int, ...], int] = defaultdict(int)
        for indices in ballots.values():
            if len(indices) > 1:
                shared[tuple(indices)] += 1
        return sorted(shared.items())


class _Parts:
    """Very many parts, in small pieces."""

    def __init__(self) -> None:
        self._pieces = [array("I")]
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[int]:
        return chain.from_iterable(self._pieces)

    def extend(self, parts: list[int]) -> None:
        """Add the parts of one ballot."""
        self._pieces[-1].extend(parts)
        self._size += len(parts)
        if len(self._pieces[-1]) >= _TOGETHER:
            self._pieces.append(array("I"))

    def tobytes(self) -> bytes:
        """Return all of them."""
        return b"".join(self._pieces)

    def frombytes(self, data: bytes) -> None:
        """Add all that `tobytes` returned.

        Raises:
            ValueError: it is no such thing.
        """
        size = _TOGETHER * _PART.size
        for start in range(0, len(data), size):
            piece = array("I", data[start : start + size])
            self.extend(piece.tolist())


def _repeated(parts: _Parts) -> set[int]:
    """Return what is there more than once."""
    shares = len(parts) // SORTED_AT_ONCE + 1
    twice: set[int] = set()
    for share in range(shares):
        own = [part for part in parts if part % shares == share]
        own.sort()
        twice.update(one for one, other in pairwise(own) if one == other)
    return twice


def _elements(ballot: bytes) -> Iterable[bytes]:
    """Yield every α of a ballot's entry."""
    for found in _CIPHERTEXTS.finditer(ballot):
        data = a2b_base64(found[1])
        for start in range(0, len(data), CIPHERTEXT_BYTES):
            yield data[start : start + _ELEMENT_BYTES]
