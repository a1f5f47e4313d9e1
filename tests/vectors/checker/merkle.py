"""RFC 6962 hashes and the roots of every prefix of a log."""

from __future__ import annotations

import hashlib


def leaf_hash(entry: bytes) -> bytes:
    """Return SHA-256(0x00 ‖ entry)."""
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\1" + left + right).digest()


class Tree:
    """The leaf hashes of a log and the hashes of its complete subtrees."""

    def __init__(self) -> None:
        """Begin empty."""
        self.levels: list[list[bytes]] = [[]]

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        level, node = 0, leaf
        while True:
            if level == len(self.levels):
                self.levels.append([])
            row = self.levels[level]
            row.append(node)
            if len(row) % 2:
                return
            node, level = node_hash(row[-2], row[-1]), level + 1

    def leaf(self, index: int) -> bytes:
        """Return a leaf hash."""
        return self.levels[0][index]

    def __len__(self) -> int:
        """Return the number of leaves."""
        return len(self.levels[0])

    def root(self, size: int) -> bytes:
        """Return the root of the first `size` leaves."""
        if size == 0:
            return hashlib.sha256().digest()
        parts, start = [], 0
        for level in range(size.bit_length() - 1, -1, -1):
            if size >> level & 1:
                parts.append(self.levels[level][start >> level])
                start += 1 << level
        node = parts.pop()
        while parts:
            node = node_hash(parts.pop(), node)
        return node
