r"""Witnesses: how one decides about a new checkpoint, as a pure function, and what client and server say to each other.

    old 20852014
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=        consistency proof, at most 63 hashes

    example.com/behind-the-sofa
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE...

A witness keeps one state for each log and changes it in this order:

- Read the state; `Request.open` and `decide` give the state that is to follow.
- Replace the stored state by it only if it is still the one read, durably; otherwise start again.
- Only then release the cosignatures. A crash before the replacement has released nothing; after it, the log asks
  again, is told the new size by a 409, and gets its cosignature by a request from that size to itself.

Source: SPEC.md#witnesses; C2SP tlog-witness@v1.0.0 with the status codes of July 2026.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from secballot.board.checkpoint import Checkpoint
from secballot.board.cosignature import cosignature_time, verifier
from secballot.board.merkle import EMPTY_ROOT, HASH_SIZE, MAX_TREE_SIZE, ConsistencyProof
from secballot.board.note import (
    MAX_NOTE_SIZE,
    MAX_SIGNATURE_LINES,
    Note,
    SignatureLine,
    VerifierKey,
    open_note,
)
from secballot.encoding import b64decode, b64encode, parse_decimal
from secballot.errors import EncodingError, InconsistentLogError, InvalidSignatureError, NonCanonicalError, RefusalError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from secballot.board.cosignature import Cosigner

MAX_PROOF_HASHES: Final = 63
"""Most hashes of a request's consistency proof."""

MAX_REQUEST_SIZE: Final = MAX_NOTE_SIZE + 4096
"""Most bytes of an add-checkpoint request."""

TEXT: Final = "text/plain; charset=utf-8"
SIZE_TEXT: Final = "text/x.tlog.size"
"""Content type of the body of a 409: the size to start from."""

MALFORMED: Final = 400
FORBIDDEN: Final = 403
UNKNOWN_LOG: Final = 404
CONFLICT: Final = 409
UNPROCESSABLE: Final = 422


class WitnessRefusalError(RefusalError):
    """The witness does not cosign.

    Attributes:
        status: HTTP status, one of 400, 403, 404, 409, 422.
        content_type: of the body.
        body: what the answer holds; with 409, the size of the last cosigned checkpoint.
    """

    def __init__(self, message: str, *, status: int, content_type: str = TEXT, body: bytes | None = None) -> None:
        """Keep the HTTP answer beside the message."""
        super().__init__(message)
        self.status = status
        self.content_type = content_type
        self.body = f"{message}\n".encode() if body is None else body


@dataclass(frozen=True, slots=True)
class WitnessState:
    """The last checkpoint of one log that a witness has cosigned.

    Attributes:
        tree_size: entries, 0 before the first.
        root: 32-byte root.
    """

    tree_size: int = 0
    root: bytes = EMPTY_ROOT


@dataclass(frozen=True, slots=True)
class Request:
    """An add-checkpoint request, none of it verified.

    Attributes:
        old_size: size from which the proof leads, 0..2^63-1.
        hashes: consistency proof, at most 63 hashes of 32 bytes.
        note: the checkpoint with the log's signatures, byte for byte.
    """

    old_size: int
    hashes: tuple[bytes, ...]
    note: bytes

    def encode(self) -> bytes:
        """Return the body of the request.

        Raises:
            EncodingError: size, hashes or note out of range.
        """
        if not 0 <= self.old_size <= MAX_TREE_SIZE:
            raise EncodingError("old size out of range", field="old")
        if len(self.hashes) > MAX_PROOF_HASHES or any(len(value) != HASH_SIZE for value in self.hashes):
            raise EncodingError("at most 63 hashes of 32 bytes", field="proof")
        if len(self.note) > MAX_NOTE_SIZE:
            raise EncodingError("checkpoint too long", field="checkpoint")
        lines = [f"old {self.old_size}", *map(b64encode, self.hashes), ""]
        return "".join(line + "\n" for line in lines).encode() + self.note

    @classmethod
    def decode(cls, body: bytes) -> Request:
        """Return the request that a body holds. The note inside is not looked at.

        Raises:
            EncodingError: malformed.
        """
        head, separator, note = body.partition(b"\n\n")
        if len(body) > MAX_REQUEST_SIZE or not separator or not head.isascii():
            raise EncodingError("a request has an ASCII head, an empty line and a checkpoint, and is not too long")
        first, *lines = head.decode("ascii").split("\n")
        if not first.startswith("old "):
            raise EncodingError("the old size is missing", field="old")
        old_size = parse_decimal(first.removeprefix("old ").encode(), MAX_TREE_SIZE)
        if len(lines) > MAX_PROOF_HASHES:
            raise EncodingError("at most 63 hashes", field="proof")
        request = cls(old_size, tuple(b64decode(line, HASH_SIZE) for line in lines), note)
        if request.encode() != body:
            raise NonCanonicalError("the request has another spelling")
        return request

    def open(self, logs: Mapping[str, Sequence[VerifierKey]]) -> OpenedRequest:
        """Return the request with its checkpoint, once a trusted key of its log is verified.

        Args:
            logs: trusted keys of each log, by origin.

        Raises:
            WitnessRefusalError: 400 malformed, 404 unknown origin, 403 no valid signature of a trusted key.
        """
        try:
            note = Note.decode(self.note)
            checkpoint = Checkpoint.decode(note.text)
        except EncodingError as error:
            raise WitnessRefusalError("malformed checkpoint", status=MALFORMED) from error
        if checkpoint.origin not in logs:
            raise WitnessRefusalError("unknown log", status=UNKNOWN_LOG)
        try:
            open_note(note, [verifier(key) for key in logs[checkpoint.origin]])
        except InvalidSignatureError as error:
            raise WitnessRefusalError("no valid signature of a trusted log key", status=FORBIDDEN) from error
        return OpenedRequest(self, note, checkpoint)


@dataclass(frozen=True, slots=True)
class OpenedRequest:
    """A request whose checkpoint is signed by its log.

    Attributes:
        request: what was asked.
        note: the checkpoint's note; all known log signatures in it are valid.
        checkpoint: the checkpoint.
    """

    request: Request
    note: Note
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class Decision:
    """What a witness does about a checkpoint that it accepts.

    Attributes:
        state: to be stored before anything else happens.
        cosignatures: to be released after that, one line for each of the witness's keys.
    """

    state: WitnessState
    cosignatures: tuple[SignatureLine, ...]

    @property
    def body(self) -> bytes:
        """The body of the 200 answer."""
        return "".join(line.encode() for line in self.cosignatures).encode()


def open_request(body: bytes, logs: Mapping[str, Sequence[VerifierKey]]) -> OpenedRequest:
    """Return the request in this body, once its log is known and its log's signature verified.

    Raises:
        WitnessRefusalError: 400, 403 or 404.

    Source: SPEC.md#witnesses; C2SP tlog-witness, add-checkpoint.
    """
    try:
        request = Request.decode(body)
    except EncodingError as error:
        raise WitnessRefusalError("malformed request", status=MALFORMED) from error
    return request.open(logs)


def decide(opened: OpenedRequest, state: WitnessState, cosigners: Sequence[Cosigner], time: int) -> Decision:
    """Return the state to store and the cosignatures to release after it is stored.

    Args:
        opened: the verified request.
        state: the last checkpoint of this log that the witness has cosigned.
        cosigners: the witness's keys, at least one.
        time: now, in seconds since the epoch, at least 1.

    Raises:
        WitnessRefusalError: 400 the old size is above the new one; 409 it is not the last cosigned one;
            422 the checkpoint does not follow from the state by the proof.
        EncodingError: the time is out of range, or an ML-DSA key is asked to sign extension lines.

    Source: SPEC.md#witnesses; C2SP tlog-witness, add-checkpoint.
    """
    checkpoint, old_size = opened.checkpoint, opened.request.old_size
    if old_size > checkpoint.tree_size:
        raise WitnessRefusalError("the old size is above the checkpoint's", status=MALFORMED)
    if old_size != state.tree_size:
        size = f"{state.tree_size}\n".encode()
        raise WitnessRefusalError("not the last cosigned size", status=CONFLICT, content_type=SIZE_TEXT, body=size)
    proof = ConsistencyProof(old_size, checkpoint.tree_size, opened.request.hashes)
    try:
        proof.verify(state.root, checkpoint.root)
    except InconsistentLogError as error:
        raise WitnessRefusalError(error.message, status=UNPROCESSABLE) from error
    text = opened.note.text
    cosignatures = tuple(cosigner.cosign(text, time) for cosigner in cosigners)
    return Decision(WitnessState(checkpoint.tree_size, checkpoint.root), cosignatures)


def read_cosignatures(body: bytes, text: str, witnesses: Sequence[VerifierKey]) -> tuple[SignatureLine, ...]:
    """Return the valid cosignatures in a witness's 200 answer, for the client that asked.

    Args:
        body: the answer; at least one line, lines of unknown keys are ignored.
        text: the checkpoint that was submitted.
        witnesses: the keys this witness is known by.

    Raises:
        EncodingError: not signature lines, or too many.
        InvalidSignatureError: a line of a known key is false or says time 0, or there is none.
    """
    if len(body) > MAX_NOTE_SIZE or body.count(b"\n") > MAX_SIGNATURE_LINES:
        raise EncodingError("the witness's answer is too long")
    note = Note.decode(text.encode() + b"\n" + body)
    if note.text != text:
        raise EncodingError("the witness's answer holds more than signature lines")
    lines = open_note(note, [verifier(key) for key in witnesses]).verified
    if any(cosignature_time(line) == 0 for line in lines):
        raise InvalidSignatureError("a witness's answer says when it cosigned")
    return lines


def read_size(body: bytes) -> int:
    """Return the size that a 409 answer tells the client to start from.

    Raises:
        EncodingError: not one decimal and a newline.
    """
    if not body.endswith(b"\n"):
        raise EncodingError("a size ends with a newline")
    return parse_decimal(body[:-1], MAX_TREE_SIZE)


def monitoring_path(origin: str) -> str:
    """Return the path below a witness's monitoring prefix where its latest checkpoint of a log is served.

    Source: C2SP tlog-witness, monitoring.
    """
    return f"{hashlib.sha256(origin.encode()).hexdigest()}/checkpoint"
