"""What every signing party has: a key, a view of the log, and a way to post.

Source: SPEC.md#parties-and-trust, SPEC.md#entry-envelope.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from secballot.board.checkpoint import Checkpoint
from secballot.board.note import Note
from secballot.errors import PolicyError
from secballot.records.entry import decode_entry, encode_body, encode_signed, signing_message

if TYPE_CHECKING:
    import msgspec

    from secballot.record.history import WitnessedCheckpoint
    from secballot.records.manifest import Manifest
    from secballot.records.promise import Promise
    from secballot.roles.view import WitnessedView
    from secballot.signing import SigningKey


class Poster(Protocol):
    """Where entries are posted: a board, or whatever forwards to one."""

    def post(self, entry: bytes) -> Promise:
        """Post one entry and return the board's promise.

        Raises:
            RefusalError: the board refuses it, with check and reason.
            TransportError: the board cannot be reached.
        """


def sign_entry(key: SigningKey, kind: str, sitting_id: bytes, body: msgspec.Struct) -> bytes:
    """Return the entry of a signed kind.

    Raises:
        EncodingError: a field is out of range, or the entry is too large.

    Source: SPEC.md#entry-envelope.
    """
    body_bytes = encode_body(kind, body)
    signature = key.sign(signing_message(kind, sitting_id, body_bytes))
    return encode_signed(kind, body_bytes, key.verify_key.encode(), signature)


class SigningParty:
    """A party with an Ed25519 key of the manifest (or of the roll), its own view, and a place to post.

    Attributes:
        key: the identity key; secret.
        view: the party's own replay of the log.
    """

    def __init__(self, key: SigningKey, view: WitnessedView, board: Poster) -> None:
        """Hold key, view and board; nothing is read or posted yet."""
        self.key = key
        self.view = view
        self.board = board

    @property
    def public_key(self) -> bytes:
        """The identity key's public half, 32 bytes."""
        return self.key.verify_key.encode()

    @property
    def manifest(self) -> Manifest:
        """The manifest in force.

        Raises:
            PhaseError: there is none yet (ENT-03).
        """
        return self.view.state.the_manifest()

    def post(self, kind: str, body: msgspec.Struct) -> Promise:
        """Sign an entry and post it.

        Raises:
            EncodingError: a field is out of range.
            RefusalError, TransportError: as the board says.
        """
        return self.board.post(sign_entry(self.key, kind, self.view.anchor, body))

    def index_among(self, keys: tuple[bytes, ...]) -> int:
        """Return this party's 1-based index among the manifest's keys of its role.

        Raises:
            PolicyError: the manifest does not name this key.
        """
        if self.public_key not in keys:
            raise PolicyError("the manifest does not name this party's key")
        return keys.index(self.public_key) + 1

    def countersign(self, index: int) -> Promise:
        """Sign the body of an act that another signer has posted at this index, after the caller has read it.

        Raises:
            RefusalError, TransportError: as the board says.
            StoreError: the entry has not been verified by this view.
        """
        entry = decode_entry(self.view.entry(index))
        return self.post(entry.kind, entry.body)


def embedded_note(
    manifest: Manifest, checkpoint: WitnessedCheckpoint, *, earliest: int = 0, latest: int = 2**53
) -> str:
    """Return the note in the exact form that entries embed: the log's line, then q cosignatures in manifest order.

    Args:
        manifest: names the witnesses and the quorum.
        checkpoint: a verified one.
        earliest: least time of a cosignature that may be taken, seconds since the epoch.
        latest: greatest.

    Raises:
        PolicyError: fewer than q cosignatures lie within the bounds.

    Source: SPEC.md#embedded-checkpoints.
    """
    note = Note.decode(checkpoint.note)
    log_key = [line for line in note.signatures if line.name == manifest.log.origin]
    names = [witness.name for witness in manifest.witnesses.witnesses]
    timed = zip(checkpoint.names, checkpoint.times, strict=True)
    wanted = {name for name, time in timed if earliest <= time <= latest}
    lines = [line for name in names for line in note.signatures if line.name == name and name in wanted]
    if len(lines) < manifest.witnesses.quorum:
        raise PolicyError("too few witnesses cosigned this checkpoint within the times asked for")
    return Note(note.text, (log_key[0], *lines[: manifest.witnesses.quorum])).encode().decode()


def tree_size(note: str) -> int:
    """Return the size that an embedded note states."""
    return Checkpoint.decode(Note.decode(note.encode()).text).tree_size
