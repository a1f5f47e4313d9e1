"""The keys under a log's checkpoints: the operator's own, and those whose cosignatures it keeps.

Every checkpoint has the Ed25519 signature and the Ed25519 cosignatures that the manifest is about. An operator may sign
by ML-DSA-44 as well, and keep such cosignatures of witnesses: for readers who know these keys from elsewhere, against
the day when Ed25519 can be forged. They count for nothing in the rules of a sitting, so a bad one never stands in the
way of a good Ed25519 one.

Source: SPEC.md#cosignatures; C2SP tlog-checkpoint, tlog-cosignature@v1.1.0-rc.1.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from secballot.board.cosignature import check_has_ml_dsa
from secballot.board.note import ED25519_COSIGNATURE, ML_DSA_COSIGNATURE, Ed25519Signer, VerifierKey
from secballot.board.witness import read_cosignatures
from secballot.errors import EncodingError, InvalidSignatureError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from secballot.board.cosignature import MlDsaCosigner
    from secballot.board.note import NoteSigner, SignatureLine
    from secballot.records.manifest import Manifest
    from secballot.signing import SigningKey


class HeadKeys:
    """The keys of one log's checkpoints.

    Attributes:
        log: the operator's Ed25519 key, named by the origin.
    """

    def __init__(self, origin: str, log_key: SigningKey) -> None:
        """Sign checkpoints of this log with this key.

        Raises:
            EncodingError: the origin cannot be a key name.
        """
        self.log = Ed25519Signer(origin, log_key)
        self._ml_dsa: MlDsaCosigner | None = None
        self._ml_dsa_witnesses: tuple[VerifierKey, ...] = ()

    @property
    def signers(self) -> list[NoteSigner]:
        """What signs a new checkpoint, Ed25519 first."""
        return [self.log] if self._ml_dsa is None else [self.log, self._ml_dsa]

    def use_ml_dsa(self, signer: MlDsaCosigner | None, witnesses: Sequence[VerifierKey]) -> None:
        """Sign by ML-DSA-44 as well from now on, and keep such cosignatures.

        Args:
            signer: named by the origin; None to keep cosignatures only.
            witnesses: keys of type 0x06, by which witnesses cosign beside their Ed25519 keys.

        Raises:
            EncodingError: the signer has another name, or a key is of another type.
            PolicyError: this installation has no ML-DSA.
        """
        check_has_ml_dsa()
        if signer is not None and signer.vkey.name != self.log.vkey.name:
            raise EncodingError("a log's keys are named by its origin", field="name")
        if any(vkey.kind != ML_DSA_COSIGNATURE for vkey in witnesses):
            raise EncodingError("a further key of a witness is of type 0x06", field="type")
        self._ml_dsa, self._ml_dsa_witnesses = signer, tuple(witnesses)

    def read_answer(self, manifest: Manifest, answer: bytes, text: str) -> tuple[SignatureLine, ...]:
        """Return the good cosignatures in a witness's answer that are to be kept.

        Args:
            manifest: names the witnesses that count.
            answer: the body of a 200 answer; lines of unknown keys are dropped.
            text: of the checkpoint that the witness was asked about.

        Raises:
            EncodingError: not signature lines.
            InvalidSignatureError: a false cosignature, or none of a witness of the manifest.
        """
        counted = [
            VerifierKey(witness.name, ED25519_COSIGNATURE, witness.key) for witness in manifest.witnesses.witnesses
        ]
        lines = read_cosignatures(answer, text, counted)
        for vkey in self._ml_dsa_witnesses:
            with suppress(InvalidSignatureError):
                lines += read_cosignatures(answer, text, [vkey])
        return lines
