"""The log's own past, 32 bytes a leaf, and the checkpoints embedded in entries compared with it.

The machine trusts no root that it has not computed: every embedded checkpoint must have the root that this very log
has at that size. One that is properly signed and has another root shows a split log.

Source: SPEC.md#embedded-checkpoints, SPEC.md#handover.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from secballot.board.checkpoint import Checkpoint
from secballot.board.cosignature import cosignature_time, verifier
from secballot.board.merkle import HASH_SIZE, node_hash, root_at
from secballot.board.note import ED25519, ED25519_COSIGNATURE, Note, VerifierKey
from secballot.board.policy import Policy
from secballot.encoding import MAX_INTEGER
from secballot.errors import NOBODY, InconsistentLogError, InvalidSignatureError, PolicyError, blaming

if TYPE_CHECKING:
    from secballot.board.note import NoteVerifier, SignatureLine
    from secballot.records.manifest import LogKeys, Manifest, Successor

_CACHED_LEVEL: Final = 8
"""Subtrees of 256 leaves and more are remembered: a thousandth of the leaves' memory, and roots cost few hashes."""

_STRETCH: Final = 4_096
"""Leaf hashes that lie together. One piece for all would be copied as it grows, and for that time be there twice."""

_STRETCH_BYTES: Final = HASH_SIZE * _STRETCH


class LogHistory:
    """Leaf hashes of the log so far, and the root at any size."""

    def __init__(self, leaves: bytes = b"") -> None:
        """Begin with a log of these leaf hashes, 32 bytes each."""
        self._stretches = [bytearray(leaves[at : at + _STRETCH_BYTES]) for at in range(0, len(leaves), _STRETCH_BYTES)]
        self._size = len(leaves) // HASH_SIZE
        self._subtrees: dict[tuple[int, int], bytes] = {}

    def __len__(self) -> int:
        """Return the number of entries."""
        return self._size

    def append(self, leaf: bytes) -> None:
        """Add the leaf hash (32 bytes) of the next entry."""
        if self._size % _STRETCH == 0:
            self._stretches.append(bytearray())
        self._stretches[-1] += leaf
        self._size += 1

    def leaves(self) -> bytes:
        """Return all leaf hashes, 32 bytes each."""
        return b"".join(self._stretches)

    def leaf(self, index: int) -> bytes:
        """Return the leaf hash at this index, 0..size−1."""
        stretch, place = divmod(index, _STRETCH)
        return bytes(self._stretches[stretch][HASH_SIZE * place : HASH_SIZE * (place + 1)])

    def root(self, size: int) -> bytes:
        """Return the root of the first `size` entries, 0..len."""
        return root_at(size, self.subtree)

    def subtree(self, level: int, index: int) -> bytes:
        """Return the hash of a complete subtree: 2^level leaves from index·2^level on."""
        if level == 0:
            return self.leaf(index)
        found = self._subtrees.get((level, index))
        if found is None:
            found = node_hash(self.subtree(level - 1, 2 * index), self.subtree(level - 1, 2 * index + 1))
            if level >= _CACHED_LEVEL:
                self._subtrees[level, index] = found
        return found


@dataclass(frozen=True, slots=True)
class LogOperator:
    """Whoever keeps the log over a stretch of sizes.

    Attributes:
        key: Ed25519 key of its checkpoints.
        promise_key: Ed25519 key of its promises.
        after: its checkpoints count with a tree size above this.
        until: and up to this; None while it is in office.
    """

    key: bytes
    promise_key: bytes
    after: int
    until: int | None


@dataclass(frozen=True, slots=True)
class WitnessedCheckpoint:
    """A checkpoint that satisfies the manifest's quorum.

    Attributes:
        checkpoint: origin, size and root.
        names: witnesses that signed, in manifest order.
        times: seconds since the epoch, one for each of them.
        note: the note with its good lines only.
    """

    checkpoint: Checkpoint
    names: tuple[str, ...]
    times: tuple[int, ...]
    note: bytes

    def quorum_time(self, quorum: int) -> int:
        """Return the time by which a quorum had signed: the q-th smallest, which no dishonest minority can move up."""
        return sorted(self.times)[quorum - 1]


def operator_keys(manifest: Manifest) -> list[LogKeys | Successor]:
    """Return the keys of the log's first operator, then those of the successors."""
    return [manifest.log, *manifest.successors]


def operator_at(operators: list[LogOperator], tree_size: int) -> LogOperator:
    """Return the operator whose checkpoints count at this size.

    Raises:
        PolicyError: none does: the size lies beyond a handover and before the successor's first entry.
    """
    for operator in operators:
        if tree_size > operator.after and (operator.until is None or tree_size <= operator.until):
            return operator
    raise PolicyError("no operator's key is in force at this size")


def open_witnessed(manifest: Manifest, operators: list[LogOperator], note: bytes) -> WitnessedCheckpoint:
    """Return the checkpoint of this sitting's log that the note holds, once log, witnesses and quorum are verified.

    Raises:
        EncodingError: not a checkpoint without extension lines.
        VerificationError: another log's.
        PolicyError: no good signature of the log, or no quorum of good cosignatures.

    Source: SPEC.md#witness-policy.
    """
    decoded = Note.decode(note)
    checkpoint = Checkpoint.decode(decoded.text)
    checkpoint.check_profile()
    operator = operator_at(operators, checkpoint.tree_size)
    kept = Note(decoded.text, good_lines(manifest, operator, decoded)).encode()
    opened = policy_of(manifest, operator).open(kept, origin=manifest.log.origin)
    times = tuple(cosignature.time for cosignature in opened.cosignatures)
    names = tuple(cosignature.vkey.name for cosignature in opened.cosignatures)
    return WitnessedCheckpoint(checkpoint, names, times, kept)


def good_lines(manifest: Manifest, operator: LogOperator, note: Note) -> tuple[SignatureLine, ...]:
    """Return the signature lines of the operator's key and of manifest witnesses that verify, each key once.

    Whoever passes a note on can spoil or add a line; that must not undo the lines that are good.

    Raises:
        PolicyError: none is.

    Source: SPEC.md#witness-policy.
    """
    known = {key.key: key for key in _known_keys(manifest, operator)}
    found: dict[VerifierKey, SignatureLine] = {}
    for line in note.signatures:
        key = known.get(line.key)
        if key is None or key.vkey in found:
            continue
        try:
            key.verifier.verify(note.text, line.signature)
        except InvalidSignatureError:
            continue
        if key.vkey.kind == ED25519 or 1 <= cosignature_time(line) <= MAX_INTEGER:
            found[key.vkey] = line
    if not found:
        raise PolicyError("no signature of the note is by a key of the manifest and good")
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class _KnownKey:
    """A verifier key, how notes refer to it, and what verifies its lines."""

    vkey: VerifierKey
    key: tuple[str, bytes]
    verifier: NoteVerifier


def _known_keys(manifest: Manifest, operator: LogOperator) -> list[_KnownKey]:
    vkeys = [VerifierKey(manifest.log.origin, ED25519, operator.key)]
    vkeys += [VerifierKey(witness.name, ED25519_COSIGNATURE, witness.key) for witness in manifest.witnesses.witnesses]
    return [_KnownKey(vkey, (vkey.name, vkey.key_id), verifier(vkey)) for vkey in vkeys]


def open_embedded(
    manifest: Manifest, operators: list[LogOperator], history: LogHistory, text: str, index: int
) -> WitnessedCheckpoint:
    """Return the checkpoint that the entry at `index` embeds, once it is good in form and true of this log.

    Args:
        manifest: names origin, witnesses and quorum.
        operators: log keys in force.
        history: the log before the entry.
        text: the embedded note.
        index: of the entry that embeds it.

    Raises:
        EncodingError, VerificationError, PolicyError: LOG-03.
        InconsistentLogError: LOG-04, with the note as evidence: properly signed, and not this log's root.

    Source: SPEC.md#embedded-checkpoints.
    """
    note = text.encode()
    with blaming("LOG-03", NOBODY):
        opened = open_witnessed(manifest, operators, note)
        size = opened.checkpoint.tree_size
        _check_lines(manifest, note)
        if not 1 <= size <= index:
            raise PolicyError("an embedded checkpoint covers at least one entry and only entries before its own")
    root = history.root(size)
    if root != opened.checkpoint.root:
        raise InconsistentLogError(
            f"a witnessed checkpoint of size {size} has another root than this log", check="LOG-04", evidence=note
        )
    return opened


def _check_lines(manifest: Manifest, note: bytes) -> None:
    """Check the exact lines: the log's first, then the quorum in manifest order, so that one set has one spelling."""
    names = [line.name for line in Note.decode(note).signatures]
    witnesses = [witness.name for witness in manifest.witnesses.witnesses]
    positions = [witnesses.index(name) for name in names[1:] if name in witnesses]
    if names[:1] != [manifest.log.origin] or len(names) != 1 + manifest.witnesses.quorum:
        raise PolicyError("an embedded checkpoint has the log's signature and then exactly q cosignatures")
    if len(positions) != len(names) - 1 or positions != sorted(set(positions)):
        raise PolicyError("the cosignatures of an embedded checkpoint stand in manifest order, each witness once")


def policy_of(manifest: Manifest, operator: LogOperator) -> Policy:
    """Return the C2SP policy of a sitting: the log key in force and any q of the manifest's witnesses."""
    log, *witnesses = [known.vkey for known in _known_keys(manifest, operator)]
    return Policy.of([log], witnesses, manifest.witnesses.quorum)
