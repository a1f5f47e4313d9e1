"""Merkle trees over a list of entries: roots, inclusion proofs and consistency proofs.

A leaf is `SHA-256(0x00 || entry)`, a node `SHA-256(0x01 || left || right)`, the root of no entries `SHA-256("")`.
A tree of n > 1 leaves has at its left the largest power of two below n, and the rest at its right.

The *complete subtree* (level, index) covers the leaves `index * 2^level` up to `(index + 1) * 2^level`, exclusive.
It never changes once it is full, so proofs are made from complete subtrees alone: O(log n) reads, no rehashing.

Source: SPEC.md#merkle-tree; RFC 6962 §2.1, RFC 9162 §2.1.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from secballot.errors import InconsistentLogError, VerificationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

HASH_SIZE: Final = 32
"""Bytes of every hash in the tree."""

MAX_TREE_SIZE: Final = 2**63 - 1
"""Most leaves a tree may have."""

EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
"""The root of a tree without leaves."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the 32-byte leaf hash of an entry.

    Source: RFC 6962 §2.1.
    """
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the 32-byte hash of the node above two hashes.

    Source: RFC 6962 §2.1.
    """
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The complete subtrees that a tree of some size decomposes into: at most 63 hashes, enough to grow and to hash.

    A mutable accumulator. Feed it leaf hashes in order; `root()` is the tree's root at any moment.
    """

    __slots__ = ("_hashes", "_size")

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        """Start from a tree of `size` leaves whose complete subtrees hash to `hashes`.

        Args:
            size: number of leaves so far, 0..2^63-1.
            hashes: one 32-byte hash for each one-bit of `size`, the widest subtree (leftmost) first.

        Raises:
            ValueError: the number of hashes does not fit the size, or a hash is not 32 bytes.
        """
        if not 0 <= size <= MAX_TREE_SIZE or len(hashes) != size.bit_count() or not _all_hashes(hashes):
            raise ValueError("a frontier needs one 32-byte hash for each one-bit of its size")
        self._size = size
        self._hashes = list(hashes)

    @classmethod
    def of(cls, leaf_hashes: Iterable[bytes]) -> Frontier:
        """Return the frontier of the tree over these leaf hashes."""
        frontier = cls()
        for leaf in leaf_hashes:
            frontier.append(leaf)
        return frontier

    @property
    def size(self) -> int:
        """Number of leaves so far."""
        return self._size

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """Hashes of the complete subtrees, the widest first."""
        return tuple(self._hashes)

    def copy(self) -> Frontier:
        """Return a frontier that grows independently from here."""
        return Frontier(self._size, self._hashes)

    def append(self, leaf: bytes) -> list[tuple[int, int, bytes]]:
        """Grow by one leaf and return the complete subtrees above it that became full.

        Args:
            leaf: 32-byte leaf hash.

        Returns:
            (level, index, hash) of each, level 1 and up; empty after every leaf of even index.

        Raises:
            ValueError: the hash is not 32 bytes, or the tree is full.
        """
        if len(leaf) != HASH_SIZE or self._size >= MAX_TREE_SIZE:
            raise ValueError("a leaf hash has 32 bytes, and a tree fewer than 2^63 leaves")
        completed = []
        level, index, current = 0, self._size, leaf
        while index & 1:
            current = node_hash(self._hashes.pop(), current)
            level, index = level + 1, index >> 1
            completed.append((level, index, current))
        self._hashes.append(current)
        self._size += 1
        return completed

    def root(self) -> bytes:
        """Return the 32-byte root of the tree so far."""
        return _fold(self._hashes)


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """Return the 32-byte root of the tree over these leaf hashes, read once and in order.

    Source: RFC 6962 §2.1.
    """
    return Frontier.of(leaf_hashes).root()


def root_at(size: int, subtree: Callable[[int, int], bytes]) -> bytes:
    """Return the root of the first `size` leaves from complete subtrees.

    Args:
        size: leaves, 0..2^63-1.
        subtree: gives the 32-byte hash of the complete subtree (level, index); level 0 is a leaf hash.
    """
    return _range_root(0, size, subtree)


def frontier_at(size: int, subtree: Callable[[int, int], bytes]) -> Frontier:
    """Return the frontier of the first `size` leaves from complete subtrees."""
    return Frontier(size, [subtree(level, index) for level, index in _cover(0, size)])


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """Shows that a leaf stands at one index of a tree.

    Attributes:
        index: the leaf's position, 0..tree_size-1.
        tree_size: leaves of the tree.
        hashes: 32 bytes each, the leaf's sibling first and the root's child last.
    """

    index: int
    tree_size: int
    hashes: tuple[bytes, ...]

    @classmethod
    def prove(cls, index: int, tree_size: int, subtree: Callable[[int, int], bytes]) -> InclusionProof:
        """Make the proof for one leaf from complete subtrees.

        Raises:
            ValueError: the index is not below the size.

        Source: RFC 6962 §2.1.1.
        """
        if not 0 <= index < tree_size <= MAX_TREE_SIZE:
            raise ValueError(f"no leaf {index} in a tree of {tree_size}")
        hashes = []
        start, stop = 0, tree_size
        while stop - start > 1:
            middle = start + _split(stop - start)
            if index < middle:
                hashes.append(_range_root(middle, stop, subtree))
                stop = middle
            else:
                hashes.append(_range_root(start, middle, subtree))
                start = middle
        return cls(index, tree_size, tuple(reversed(hashes)))

    def verify(self, leaf: bytes, root: bytes) -> None:
        """Check that the leaf hash stands at this index under this root.

        Args:
            leaf: 32-byte leaf hash, computed by the verifier from the entry itself.
            root: 32-byte root of the tree.

        Raises:
            VerificationError: bounds, number or width of the hashes are wrong, or they give another root.

        Source: RFC 9162 §2.1.3.2.
        """
        if not _is_count(self.index) or not _is_count(self.tree_size) or self.index >= self.tree_size:
            raise VerificationError("inclusion proof: the index is not inside the tree")
        if not _all_hashes((leaf, root, *self.hashes)):
            raise VerificationError("inclusion proof: a hash is not 32 bytes")
        # Below `inner` the path turns with the index bits; above it every sibling is to the left, at the right edge.
        inner = (self.index ^ (self.tree_size - 1)).bit_length()
        border = (self.index >> inner).bit_count()
        if len(self.hashes) != inner + border:
            raise VerificationError(f"inclusion proof: {len(self.hashes)} hashes where {inner + border} are due")
        current = leaf
        for height, sibling in enumerate(self.hashes):
            left_sibling = height >= inner or (self.index >> height) & 1
            current = node_hash(sibling, current) if left_sibling else node_hash(current, sibling)
        if current != root:
            raise VerificationError("inclusion proof: the hashes do not lead to the root")


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """Shows that an older tree is a prefix of a newer one.

    Attributes:
        old_size: leaves of the older tree, 0..new_size.
        new_size: leaves of the newer tree.
        hashes: 32 bytes each; none if the sizes are equal or the older tree is empty.
    """

    old_size: int
    new_size: int
    hashes: tuple[bytes, ...]

    @classmethod
    def prove(cls, old_size: int, new_size: int, subtree: Callable[[int, int], bytes]) -> ConsistencyProof:
        """Make the proof between two sizes of one tree from complete subtrees.

        Raises:
            ValueError: the old size is above the new one.

        Source: RFC 6962 §2.1.2.
        """
        if not 0 <= old_size <= new_size <= MAX_TREE_SIZE:
            raise ValueError(f"no tree of {old_size} leaves inside one of {new_size}")
        hashes: list[bytes] = []
        if old_size in (0, new_size):
            return cls(old_size, new_size, ())
        start, stop = 0, new_size
        while stop != old_size:
            middle = start + _split(stop - start)
            if old_size <= middle:
                hashes.append(_range_root(middle, stop, subtree))
                stop = middle
            else:
                hashes.append(_range_root(start, middle, subtree))
                start = middle
        if start > 0:
            hashes.append(_range_root(start, stop, subtree))
        return cls(old_size, new_size, tuple(reversed(hashes)))

    def verify(self, old_root: bytes, new_root: bytes) -> None:
        """Check that the tree under `old_root` is a prefix of the tree under `new_root`.

        Raises:
            InconsistentLogError: sizes, number or width of the hashes are wrong, or they give another root.

        Source: RFC 9162 §2.1.4.2; for an empty older tree and for equal sizes the proof must be empty.
        """
        if not _is_count(self.old_size) or not _is_count(self.new_size) or self.old_size > self.new_size:
            raise InconsistentLogError("consistency proof: the old size is above the new one")
        if not _all_hashes((old_root, new_root, *self.hashes)):
            raise InconsistentLogError("consistency proof: a hash is not 32 bytes")
        _check_empty_tree(self.old_size, old_root)
        _check_empty_tree(self.new_size, new_root)
        if self.old_size in (0, self.new_size):
            if self.hashes:
                raise InconsistentLogError("consistency proof: hashes where none are due")
            if self.old_size == self.new_size and old_root != new_root:
                raise InconsistentLogError("consistency proof: two roots for one size")
            return
        self._verify_growth(old_root, new_root)

    def implied_root(self, new_root: bytes) -> bytes | None:
        """Return the older root that the hashes prove under the newer one, None if they do not tell it.

        A proof tells it only if there is growth to prove, and not where the older tree is one complete subtree.
        """
        if not 0 < self.old_size < self.new_size or not self.old_size & (self.old_size - 1):
            return None
        try:
            old, new = self._roots(EMPTY_ROOT)
        except InconsistentLogError:
            return None
        return old if new == new_root else None

    def _verify_growth(self, old_root: bytes, new_root: bytes) -> None:
        """Check the proof for 0 < old size < new size."""
        if self._roots(old_root) != (old_root, new_root):
            raise InconsistentLogError("consistency proof: the hashes do not lead to both roots")

    def _roots(self, old_root: bytes) -> tuple[bytes, bytes]:
        """Return both roots to which the hashes lead, for 0 < old size < new size."""
        # The walk starts at the last complete subtree of the old tree, `shift` levels up.
        shift = (self.old_size & -self.old_size).bit_length() - 1
        index, last = (self.old_size - 1) >> shift, (self.new_size - 1) >> shift
        inner = (index ^ last).bit_length()
        due = inner + (index >> inner).bit_count() + (1 if index else 0)
        if len(self.hashes) != due:
            raise InconsistentLogError(f"consistency proof: {len(self.hashes)} hashes where {due} are due")
        # If the old tree is one complete subtree, its root is that subtree and is not repeated in the proof.
        seed, path = (self.hashes[0], self.hashes[1:]) if index else (old_root, self.hashes)
        old, new = seed, seed
        for height, sibling in enumerate(path):
            if height >= inner or (index >> height) & 1:
                old, new = node_hash(sibling, old), node_hash(sibling, new)
            else:
                new = node_hash(new, sibling)
        return old, new


def _check_empty_tree(size: int, root: bytes) -> None:
    if size == 0 and root != EMPTY_ROOT:
        raise InconsistentLogError("an empty tree has the hash of nothing as its root")


def _is_count(value: object) -> bool:
    """Tell a tree size or index from a bool, a string, a negative or an oversized number."""
    return type(value) is int and 0 <= value <= MAX_TREE_SIZE


def _all_hashes(values: Iterable[bytes]) -> bool:
    return all(isinstance(value, bytes) and len(value) == HASH_SIZE for value in values)


def _split(size: int) -> int:
    """Return the largest power of two below `size`, for size >= 2."""
    return 1 << ((size - 1).bit_length() - 1)


def _cover(start: int, stop: int) -> list[tuple[int, int]]:
    """Return the complete subtrees, widest first, that the aligned range [start, stop) decomposes into."""
    subtrees = []
    while start < stop:
        level = (stop - start).bit_length() - 1
        subtrees.append((level, start >> level))
        start += 1 << level
    return subtrees


def _range_root(start: int, stop: int, subtree: Callable[[int, int], bytes]) -> bytes:
    """Return the root of the leaves [start, stop), where start is a multiple of a power of two >= stop - start."""
    return _fold([subtree(level, index) for level, index in _cover(start, stop)])


def _fold(hashes: Sequence[bytes]) -> bytes:
    """Return the root over complete subtrees, widest first."""
    if not hashes:
        return EMPTY_ROOT
    current = hashes[-1]
    for left in reversed(hashes[:-1]):
        current = node_hash(left, current)
    return current
