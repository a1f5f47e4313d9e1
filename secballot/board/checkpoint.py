"""Checkpoints: what a log says about its tree, and signs.

    example.com/behind-the-sofa
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

Origin, number of entries in decimal, base64 of the root. A foreign log may add extension lines; the logs of this
library never do, and `Checkpoint.check_profile` refuses them.

Source: SPEC.md#checkpoints; C2SP tlog-checkpoint@v1.0.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from secballot.board.merkle import EMPTY_ROOT, HASH_SIZE, MAX_TREE_SIZE
from secballot.board.note import Note, OpenedNote, check_key_name, open_note, sign_note
from secballot.encoding import b64decode, b64encode, parse_decimal
from secballot.errors import EncodingError, NonCanonicalError, VerificationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from secballot.board.note import NoteSigner, NoteVerifier

MAX_ORIGIN_SIZE: Final = 255
"""Most bytes of an origin in UTF-8; ML-DSA cosignatures could not carry more."""

_FIXED_LINES = 3


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The size and root of one log at one moment.

    Attributes:
        origin: unique name of the log, 1..255 bytes of UTF-8 without control characters.
        tree_size: number of entries, 0..2^63-1.
        root: 32-byte RFC 6962 root.
        extensions: further lines, not empty; none in this library's own logs.
    """

    origin: str
    tree_size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no checkpoint could say.

        Raises:
            EncodingError: origin, size, root or an extension line is malformed.
        """
        check_origin(self.origin)
        if not 0 <= self.tree_size <= MAX_TREE_SIZE:
            raise EncodingError("tree size out of range", field="tree_size")
        if len(self.root) != HASH_SIZE:
            raise EncodingError("a root has 32 bytes", field="root")
        if any(not line or _has_control(line) for line in self.extensions):
            raise EncodingError("an extension line is not empty and has no control character", field="extensions")

    def encode(self) -> str:
        """Return the text to be signed; every line ends with a newline."""
        lines = (self.origin, str(self.tree_size), b64encode(self.root), *self.extensions)
        return "".join(line + "\n" for line in lines)

    @classmethod
    def decode(cls, text: str) -> Checkpoint:
        """Return the checkpoint that a note's text is.

        Raises:
            EncodingError: malformed.
        """
        # Not splitlines(): that would also split at eight characters which an origin may hold.
        lines = text.split("\n")
        if lines.pop() != "" or len(lines) < _FIXED_LINES:
            raise EncodingError("a checkpoint has at least three lines, each with its newline")
        origin, size, root, *extensions = lines
        tree_size = parse_decimal(size.encode("ascii", "replace"), MAX_TREE_SIZE)
        checkpoint = cls(origin, tree_size, b64decode(root, HASH_SIZE), tuple(extensions))
        if checkpoint.encode() != text:
            raise NonCanonicalError("the checkpoint has another spelling")
        return checkpoint

    def check_profile(self) -> None:
        """Check that this could be a checkpoint of one of this library's own logs.

        Raises:
            EncodingError: extension lines, an origin that cannot name the log's key, or the empty log with another root
                than that of nothing.
        """
        if self.extensions:
            raise EncodingError("extension lines are not used here", field="extensions")
        check_key_name(self.origin)
        if self.tree_size == 0 and self.root != EMPTY_ROOT:
            # No signature has been looked at: these bytes are malformed, and show nothing of any log.
            raise EncodingError("an empty log has the hash of nothing as its root", field="root")


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint under at least one verified signature of its log.

    Attributes:
        checkpoint: what the log says.
        opened: the note with its verified signatures.
    """

    checkpoint: Checkpoint
    opened: OpenedNote

    @property
    def note(self) -> Note:
        """The whole note, with the signatures of unknown keys."""
        return self.opened.note


def open_checkpoint(data: bytes, *, origin: str, log_keys: Iterable[NoteVerifier]) -> SignedCheckpoint:
    """Return the checkpoint that this note holds, once the log's own signature is verified.

    Args:
        data: the note.
        origin: the log that the caller expects, known from elsewhere.
        log_keys: the keys configured for that origin.

    Raises:
        EncodingError: not a note with a checkpoint in it.
        VerificationError: a checkpoint of another log.
        InvalidSignatureError: a signature of a known key is false, or no known key signed.

    Source: SPEC.md#checkpoints.
    """
    note = Note.decode(data)
    checkpoint = Checkpoint.decode(note.text)
    if checkpoint.origin != origin:
        raise VerificationError("the checkpoint belongs to another log", evidence=data)
    return SignedCheckpoint(checkpoint, open_note(note, log_keys))


def sign_checkpoint(checkpoint: Checkpoint, signers: Iterable[NoteSigner]) -> Note:
    """Return the checkpoint as a note under the log's signatures.

    Whoever calls this must never sign two checkpoints of one log that contradict each other; see `board.log`.

    Raises:
        EncodingError: the checkpoint is outside this library's profile, or there are no signers.
    """
    checkpoint.check_profile()
    return sign_note(checkpoint.encode(), signers)


def check_origin(origin: str) -> None:
    """Check that a text can be a log's origin. Foreign logs may have spaces and plus signs in theirs.

    Raises:
        EncodingError: empty, more than 255 bytes of UTF-8, or with a control character.
    """
    try:
        size = len(origin.encode())
    except UnicodeEncodeError as error:
        raise EncodingError("the origin holds a lone surrogate", field="origin") from error
    if not 1 <= size <= MAX_ORIGIN_SIZE or _has_control(origin):
        raise EncodingError("an origin has 1..255 bytes and no control character", field="origin")


def _has_control(line: str) -> bool:
    return any(character < " " for character in line)
