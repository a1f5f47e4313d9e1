"""The witness: cosigns checkpoints of the logs it follows, each only as growth of the one before.

Its whole state is one note for each log, changed in this order (SPEC.md#parties-and-trust, C2SP tlog-witness):

- read the note, decide about the request;
- replace the note if it is still the one read, synced to disk; if not, begin again;
- only then release the cosignature.

Before that it notes the time: its cosignatures never go back in time, or a larger log would seem older than a smaller
one. While its clock stands before the last cosignature, it cosigns nothing.

A crash before the replacement has released nothing. After it the log asks again, is told the new size by a 409, and
gets its cosignature by a request from that size to itself. Without its journal a witness does not start: it could
cosign a shorter or another log.

Source: SPEC.md#board-profile; C2SP tlog-witness@v1.0.0.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from secballot.board.checkpoint import Checkpoint, check_origin
from secballot.board.cosignature import Ed25519Cosigner, check_has_ml_dsa, verifier
from secballot.board.merkle import HASH_SIZE
from secballot.board.note import ED25519, ML_DSA_COSIGNATURE, Note, VerifierKey
from secballot.board.witness import WitnessState, decide, open_request
from secballot.encoding import decode_u64, encode_u64
from secballot.errors import EncodingError, InvalidSignatureError, RefusalError, StoreError
from secballot.records.manifest import MANIFEST
from secballot.store.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Self

    from secballot.board.cosignature import Cosigner, MlDsaCosigner
    from secballot.records.manifest import Manifest
    from secballot.signing import SigningKey

_IDENTITY, _KEYS, _STATES, _SITTINGS = "witness", "witness-log-key", "witness-state", "witness-manifest"
_CLOCK = "witness-clock"
_STEP_BACK = 60
"""Seconds by which a clock may be set back, or differ from that of another process, with the time standing still."""

_SIZE_BYTES = 8
_STATE_BYTES = _SIZE_BYTES + HASH_SIZE
_SUCCEEDED = b"+"
"""Stands behind a log's state as often as it was handed over."""

_RETIRED = b"\x00"
"""Stands before the origin beside a key that the log has no more, once for its first handover, twice for its second."""


class WitnessRole:
    """One witness with one Ed25519 key, and one of ML-DSA-44 if it has that too, following any number of logs.

    Safe to use from several threads, and from several processes that share the journal.

    Attributes:
        name: C2SP key name, as the manifest has it.
        vkey: its public key (type 0x04).
    """

    def __init__(self, name: str, key: SigningKey, journal: Journal, *, ml_dsa: MlDsaCosigner | None = None) -> None:
        """Take up a witness's work where its journal left it.

        Args:
            name: C2SP key name.
            key: used for cosignatures and nothing else.
            journal: this witness's own.
            ml_dsa: a second key of the same name, by which it cosigns as well.

        Raises:
            StoreError: the journal belongs to another witness, or does not answer.
            EncodingError: the name cannot be a key name, or the second key has another.
            PolicyError: a log is followed by an ML-DSA key, and this installation has no ML-DSA.
        """
        self._cosigner = Ed25519Cosigner(name, key)
        self._ml_dsa = ml_dsa
        self._journal = journal
        self.name = name
        self.vkey = self._cosigner.vkey
        if ml_dsa is not None and ml_dsa.vkey.name != name:
            raise EncodingError("both keys of a witness have its name", field="name")
        identity = self.vkey.encode().encode()
        if journal.put_once(_IDENTITY, b"", identity) != identity:
            raise StoreError("the journal belongs to another witness")
        for keys in self._logs().values():
            _check_verifiable(keys)

    @classmethod
    def create(cls, path: str | Path, name: str, key: SigningKey) -> Self:
        """Return a new witness, which follows no log yet, with a new journal at this path.

        Raises:
            StoreError: there is a journal already, or the disk does not take it.
        """
        return cls(name, key, Journal.create(path))

    @classmethod
    def open(cls, path: str | Path, name: str, key: SigningKey) -> Self:
        """Return the witness whose journal is at this path.

        Raises:
            StoreError: the journal is lost, another witness's, or does not answer.
        """
        return cls(name, key, Journal.open(path))

    def follow(self, origin: str, log_key: bytes, start: WitnessState | None = None) -> None:
        """Follow a log from a known state on; a log that is followed already keeps its state and gains the key.

        Args:
            origin: the log's origin, which is also the name of its key.
            log_key: Ed25519 key of the log, or of a successor to whom it may be handed over.
            start: the state to grow from; None for a log that is to be followed from its beginning.

        Raises:
            EncodingError: the origin cannot name a key, or the key is not 32 bytes.
            StoreError: the journal does not answer.
        """
        self.follow_key(origin, VerifierKey(origin, ED25519, log_key), start)

    def follow_key(self, origin: str, vkey: VerifierKey, start: WitnessState | None = None) -> None:
        """Follow a log by any key that signs its checkpoints; one that is followed already gains the key.

        Args:
            origin: the log's origin, which need not be the key's name.
            vkey: of type 0x01 or 0x06.
            start: the state to grow from; None for a log that is to be followed from its beginning.

        Raises:
            EncodingError: no origin, or a key of another type.
            RefusalError: another log is followed by this key.
            PolicyError: this installation has no ML-DSA.
            StoreError: the journal does not answer.

        Source: C2SP tlog-witness, tlog-checkpoint.
        """
        check_origin(origin)
        if vkey.kind not in (ED25519, ML_DSA_COSIGNATURE):
            raise EncodingError("a log's key is of type 0x01 or 0x06", field="type")
        _check_verifiable([vkey])
        # The state goes first: a log with a key and without a state would be one whose state was lost.
        self._journal.put_once(_STATES, origin.encode(), _encode(start or WitnessState()))
        if self._journal.put_once(_KEYS, vkey.encode().encode(), origin.encode()) != origin.encode():
            raise RefusalError("another log is followed by this key, or the log was handed over to another one")

    def follow_sitting(self, manifest: Manifest) -> None:
        """Follow the log of a sitting from its beginning, by the key of its first operator.

        With the manifest this witness can accuse the log before strangers, and can take up successors' keys.

        Raises:
            RefusalError: another manifest of the same log is known.
            StoreError: the journal does not answer.
        """
        body = MANIFEST.encode(manifest)
        if self._journal.put_once(_SITTINGS, manifest.log.origin.encode(), body) != body:
            raise RefusalError("another manifest of this log is followed")
        self.follow(manifest.log.origin, manifest.log.key)

    def succeed(self, origin: str, key: bytes, holds: Callable[[WitnessState], bool]) -> None:
        """Follow a log that was handed over by the successor's key, and by no earlier one.

        An earlier key that still counted could move this witness onto a log that the successor's does not continue. So
        the earlier ones are retired first, and the state is swapped for one that names the change: a request under an
        earlier key that was on its way finds another state, and then no key.

        Args:
            origin: of a log that is followed.
            key: Ed25519 key of the successor.
            holds: tells of the last cosigned checkpoint whether the log that was handed over continues it.

        Raises:
            RefusalError: it does not; the log is followed as before.
            EncodingError: the key is not 32 bytes.
            StoreError: the log is not followed, or the journal does not answer; may be repeated.

        Source: SPEC.md#witnesses, SPEC.md#handover.
        """
        name, vkey = origin.encode(), VerifierKey(origin, ED25519, key).encode().encode()
        followed = dict(self._journal.items(_KEYS))
        if [known for known, log in followed.items() if log == name] == [vkey]:
            return
        # A crash below leaves keys that are retired for this very handover.
        retired = _RETIRED * (1 + len(self._stored(origin)) - _STATE_BYTES) + name
        for known in [known for known, log in followed.items() if log == name and known != vkey]:
            self._journal.replace(_KEYS, known, name, retired)
        while True:
            stored = self._stored(origin)
            if not holds(_decode(stored)):
                for known in [known for known, log in self._journal.items(_KEYS) if log == retired]:
                    self._journal.replace(_KEYS, known, retired, name)
                raise RefusalError("this witness has cosigned what the log that was handed over does not hold")
            try:
                self._journal.replace(_STATES, name, stored, stored + _SUCCEEDED)
            except StoreError:
                if self._stored(origin) == stored:
                    raise
                continue
            break
        self._journal.put_once(_KEYS, vkey, name)

    def sittings(self) -> dict[str, Manifest]:
        """Return the manifests of the logs that are followed with theirs, by origin.

        Raises:
            StoreError: the journal does not answer, or holds something else.
        """
        try:
            return {origin.decode(): MANIFEST.decode(body) for origin, body in self._journal.items(_SITTINGS)}
        except EncodingError as error:
            raise StoreError("the journal's note of a manifest is garbled") from error

    def state(self, origin: str) -> WitnessState:
        """Return the last checkpoint of this log that was cosigned.

        Raises:
            StoreError: the log is not followed, or the journal does not answer.
        """
        return _decode(self._stored(origin))

    def lean(self, note: Note) -> Note:
        """Return a checkpoint's note with the good lines of its log's followed keys, and no others.

        Raises:
            EncodingError: no checkpoint.
            StoreError: the journal does not answer.
        """
        known = {(key.name, key.key_id): key for key in self._logs().get(Checkpoint.decode(note.text).origin, [])}
        good = []
        for line in note.signatures:
            key = known.get(line.key)
            with suppress(InvalidSignatureError):
                if key is not None:
                    verifier(key).verify(note.text, line.signature)
                    good.append(line)
                    del known[line.key]
        return Note(note.text, tuple(good))

    def add_checkpoint(self, body: bytes, *, now: int) -> bytes:
        """Return the body of the 200 answer to an add-checkpoint request, after its state is on disk.

        Args:
            body: the request.
            now: seconds since the epoch, at least 1.

        Raises:
            WitnessRefusalError: 400, 403, 404, 409 or 422, with the body of that answer.
            EncodingError: the time is out of range.
            StoreError: the journal does not answer, or the clock has gone back; nothing is released.

        Source: C2SP tlog-witness, add-checkpoint.
        """
        while True:
            # The states come first, and the keys are read anew each time: a successor may be taken up meanwhile. An
            # earlier key is retired before the state changes, so with the state from after that it is not found.
            states = dict(self._journal.items(_STATES))
            opened = open_request(body, self._logs())
            origin = opened.checkpoint.origin
            stored = states.get(origin.encode())
            if stored is None:
                self._stored(origin)
                continue  # followed only just now
            cosigners: list[Cosigner] = [self._cosigner]
            if self._ml_dsa is not None and not opened.checkpoint.extensions:
                # Such a cosignature would not cover extension lines, so a checkpoint with any gets none.
                cosigners.append(self._ml_dsa)
            decision = decide(opened, _decode(stored), cosigners, self._onward(now))
            try:
                following = _encode(decision.state) + stored[_STATE_BYTES:]
                self._journal.replace(_STATES, origin.encode(), stored, following)
            except StoreError:
                # Somebody else has moved on: the next decision answers 409. If nobody has, the disk is in trouble.
                if self._stored(origin) == stored:
                    raise
                continue
            return decision.body

    def _onward(self, now: int) -> int:
        """Return the time of the next cosignature, which is noted and not before that of any other.

        Raises:
            StoreError: the clock has gone back, or the journal does not answer.
        """
        while True:
            noted = self._journal.get(_CLOCK, b"")
            last = 0 if noted is None else decode_u64(noted)
            if now <= last <= now + _STEP_BACK:
                return last
            if last > now:
                raise StoreError(
                    f"this witness's clock stands {last - now} seconds before its last cosignature: set it right; if "
                    "it was ahead then, this witness cosigns nothing until that time has come"
                )
            try:
                self._journal.replace(_CLOCK, b"", noted, encode_u64(now))
            except StoreError:
                if self._journal.get(_CLOCK, b"") == noted:
                    raise
                continue
            return now

    def _logs(self) -> dict[str, list[VerifierKey]]:
        logs: dict[str, list[VerifierKey]] = {}
        for vkey, origin in self._journal.items(_KEYS):
            if origin.startswith(_RETIRED):
                continue
            logs.setdefault(origin.decode(), []).append(VerifierKey.decode(vkey.decode()))
        return logs

    def _stored(self, origin: str) -> bytes:
        stored = self._journal.get(_STATES, origin.encode())
        if stored is None:
            raise StoreError("this log is not followed, or its state is lost")
        return stored


def _check_verifiable(keys: list[VerifierKey]) -> None:
    if any(key.kind == ML_DSA_COSIGNATURE for key in keys):
        check_has_ml_dsa()


def _encode(state: WitnessState) -> bytes:
    return encode_u64(state.tree_size) + state.root


def _decode(data: bytes) -> WitnessState:
    if len(data) < _STATE_BYTES or data[_STATE_BYTES:].strip(_SUCCEEDED):
        raise StoreError("the journal's note of a log's state is garbled")
    return WitnessState(decode_u64(data[:_SIZE_BYTES]), data[_SIZE_BYTES:_STATE_BYTES])
