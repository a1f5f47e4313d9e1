"""The mandate commission: vouches for the pseudonymous roll. Every member signs every chunk.

Source: SPEC.md#roll.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from secballot.records.roll import RollChunk
from secballot.roles.party import SigningParty

if TYPE_CHECKING:
    from collections.abc import Mapping

    from secballot.records.promise import Promise

CHUNK_KEYS: Final = 1_300
"""Most keys of one chunk."""


def roll_chunks(roll: Mapping[bytes, int], registration: int) -> list[RollChunk]:
    """Return the chunks of a roll, the same for every member: classes in order, keys in order.

    Args:
        roll: roll key (32 bytes) to class index.
        registration: the next registration.

    Source: SPEC.md#roll.
    """
    pieces: list[tuple[int, tuple[bytes, ...]]] = []
    for class_index in sorted(set(roll.values())):
        keys = sorted(key for key, held in roll.items() if held == class_index)
        pieces += [(class_index, tuple(keys[at : at + CHUNK_KEYS])) for at in range(0, len(keys), CHUNK_KEYS)]
    return [
        RollChunk(chunk=number, chunks=len(pieces), class_index=class_index, keys=keys, registration=registration)
        for number, (class_index, keys) in enumerate(pieces, 1)
    ]


class CommissionMember(SigningParty):
    """One member of the mandate commission."""

    def sign_roll(self, roll: Mapping[bytes, int]) -> list[Promise]:
        """Sign every chunk of the next registration's roll.

        Args:
            roll: roll key (32 bytes) to class index, as this member has verified it face to face.

        Raises:
            RefusalError: the board refuses a chunk, for instance because a class has too few seats.
        """
        self.view.refresh()
        return [self.post("roll", chunk) for chunk in roll_chunks(roll, self.view.state.staged.number)]
