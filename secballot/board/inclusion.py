"""tlog-proofs: a file that shows that an entry stands in a log, under a checkpoint that witnesses have cosigned.

    c2sp.org/tlog-proof@v1
    index 4
    jGJHajk3WMDj0OoK6Pig7ieYaelo4HlyVtkR2bAIyJE=
    ... leaf's sibling first, root's child last

    example.org/ballots
    10
    3RBtsju2GkZ3OZTnRw47qsSLdxumJxLh+IBu4ey8bPU=

    — example.org/ballots ZskLazjsYnOfgJ9sKJS1gTNEX99ZkBxK5wTDBAqnsIT8goOCahhONUk9g91ii5YXA36h3jKdLCbtQeQxCVj7Q7TrNQQ=

The file does not hold the entry: whoever checks it brings the entry along. An `extra` line is not authenticated.

Source: SPEC.md#receipts; C2SP tlog-proof@v1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from secballot.board.merkle import HASH_SIZE, MAX_TREE_SIZE, InclusionProof, leaf_hash
from secballot.board.note import MAX_NOTE_SIZE
from secballot.encoding import b64decode, b64encode, parse_decimal
from secballot.errors import EncodingError, NonCanonicalError

if TYPE_CHECKING:
    from secballot.board.policy import CosignedCheckpoint, Policy

FILE_EXTENSION: Final = ".tlog-proof"
MAX_HASHES: Final = 63
"""Most hashes of a proof: a tree has fewer than 2^63 leaves."""

MAX_EXTRA_SIZE: Final = 65_535
"""Most bytes of the extra data."""

MAX_PROOF_SIZE: Final = MAX_NOTE_SIZE + 100_000
"""Most bytes of the file."""

_HEADER = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class TlogProof:
    """The contents of a tlog-proof file, none of them verified yet.

    Attributes:
        index: the entry's position in the log, 0..2^63-1.
        hashes: the inclusion proof, at most 63 hashes of 32 bytes.
        checkpoint: the note, byte for byte.
        extra: 1..65,535 unauthenticated bytes of the application, or None.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def encode(self) -> bytes:
        """Return the bytes of the file.

        Raises:
            EncodingError: index, hashes, extra data or note out of range.
        """
        if not 0 <= self.index <= MAX_TREE_SIZE:
            raise EncodingError("index out of range", field="index")
        if len(self.hashes) > MAX_HASHES or any(len(value) != HASH_SIZE for value in self.hashes):
            raise EncodingError("at most 63 hashes of 32 bytes", field="hashes")
        if self.extra is not None and not 1 <= len(self.extra) <= MAX_EXTRA_SIZE:
            raise EncodingError("extra data has 1..65,535 bytes", field="extra")
        if len(self.checkpoint) > MAX_NOTE_SIZE:
            raise EncodingError("checkpoint too long", field="checkpoint")
        extra = [] if self.extra is None else [f"extra {b64encode(self.extra)}"]
        lines = [_HEADER, *extra, f"index {self.index}", *map(b64encode, self.hashes)]
        return "".join(line + "\n" for line in lines).encode() + b"\n" + self.checkpoint

    @classmethod
    def decode(cls, data: bytes) -> TlogProof:
        """Return the contents of the file. The note inside is not looked at.

        Raises:
            EncodingError: malformed.
        """
        if len(data) > MAX_PROOF_SIZE:
            raise EncodingError("proof too long")
        head, separator, checkpoint = data.partition(b"\n\n")
        if not separator or not head.isascii():
            raise EncodingError("a proof has an ASCII head, an empty line and a checkpoint")
        lines = head.decode("ascii").split("\n")
        if lines.pop(0) != _HEADER:
            raise EncodingError("not a tlog-proof of version 1", field="header")
        extra = None
        if lines and lines[0].startswith("extra "):
            extra = b64decode(lines.pop(0).removeprefix("extra "), None)
        if not lines or not lines[0].startswith("index "):
            raise EncodingError("the index line is missing", field="index")
        index = parse_decimal(lines.pop(0).removeprefix("index ").encode(), MAX_TREE_SIZE)
        if len(lines) > MAX_HASHES:
            raise EncodingError("at most 63 hashes", field="hashes")
        proof = cls(index, tuple(b64decode(line, HASH_SIZE) for line in lines), checkpoint, extra)
        if proof.encode() != data:
            raise NonCanonicalError("the proof has another spelling")
        return proof

    def open(self, entry: bytes, *, origin: str, policy: Policy) -> CosignedCheckpoint:
        """Return the verified checkpoint under which the entry stands at `index`.

        Args:
            entry: the entry itself; its leaf hash is computed here.
            origin: the log that the caller expects.
            policy: trusted keys and quorum.

        Raises:
            EncodingError: the note is malformed.
            VerificationError: another log, a false signature, or the entry does not stand there.
            PolicyError: no key for the log, or no quorum.

        Source: SPEC.md#receipts; C2SP tlog-proof, Verifying.
        """
        cosigned = policy.open(self.checkpoint, origin=origin)
        checkpoint = cosigned.checkpoint
        InclusionProof(self.index, checkpoint.tree_size, self.hashes).verify(leaf_hash(entry), checkpoint.root)
        return cosigned
