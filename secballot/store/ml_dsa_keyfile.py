r"""Key files of ML-DSA-44: the seed of one key under a passphrase, in a file that only its owner can read.

    secballot-key ml-dsa-44 base64(public key)\n
    sealed seed

The first line says whose key it is without the passphrase, and the sealed part is bound to it.

Source: SPEC.md#cosignatures, SPEC.md#sealing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from secballot.board.cosignature import ML_DSA_SEED_SIZE, MlDsaCosigner
from secballot.board.note import KEY_SIZES, ML_DSA_COSIGNATURE, VerifierKey
from secballot.encoding import b64decode, b64encode
from secballot.errors import EncodingError, StoreError
from secballot.randomness import random_bytes
from secballot.sealing import COST_DEFAULT, Cost, open_with_passphrase, seal_with_passphrase
from secballot.store.keyfile import read_private, write_private

if TYPE_CHECKING:
    from pathlib import Path

_MAGIC: Final = b"secballot-key ml-dsa-44 "
_NO_NAME: Final = "-"
"""A file's key is named only where it is used."""


def create_ml_dsa_key(path: str | Path, passphrase: str, cost: Cost = COST_DEFAULT) -> bytes:
    """Make a new key, write it into a new file of mode 0600, durably, and return its public half, 1312 bytes.

    Raises:
        StoreError: there is a file already, or the disk does not take it.
        EncodingError: the passphrase is empty or no Unicode text.
        PolicyError: this installation has no ML-DSA.
    """
    seed = random_bytes(ML_DSA_SEED_SIZE)
    public = MlDsaCosigner(_NO_NAME, seed).vkey.key
    header = _MAGIC + b64encode(public).encode() + b"\n"
    write_private(path, header + seal_with_passphrase(seed, passphrase, header=header, cost=cost))
    return public


def read_ml_dsa_vkey(path: str | Path, name: str) -> VerifierKey:
    """Return the public half of a file's key under a name, as the file claims it.

    Raises:
        StoreError: it cannot be read, or others than its owner may read it.
        EncodingError: not a key file of ML-DSA-44, or the name cannot be a key name.
    """
    return VerifierKey(name, ML_DSA_COSIGNATURE, _split(read_private(path))[0])


def read_ml_dsa_key(path: str | Path, name: str, passphrase: str) -> MlDsaCosigner:
    """Return what signs with a file's key under a name.

    Args:
        path: of the file.
        name: a log's origin, or a witness's name.
        passphrase: the file's own.

    Raises:
        StoreError: it cannot be read, others than its owner may read it, or the passphrase is wrong.
        EncodingError: not a key file of ML-DSA-44, or the name cannot be a key name.
        PolicyError: this installation has no ML-DSA.
    """
    public, header, sealed = _split(read_private(path))
    cosigner = MlDsaCosigner(name, open_with_passphrase(sealed, passphrase, header=header))
    if cosigner.vkey.key != public:
        raise StoreError("the key file's first line names another key")
    return cosigner


def _split(data: bytes) -> tuple[bytes, bytes, bytes]:
    """Return public key, first line and sealed part."""
    line, newline, sealed = data.partition(b"\n")
    if not newline or not line.startswith(_MAGIC) or not line.isascii():
        raise EncodingError("not a key file of ML-DSA-44")
    public = b64decode(line.removeprefix(_MAGIC).decode("ascii"), KEY_SIZES[ML_DSA_COSIGNATURE])
    return public, line + newline, sealed
