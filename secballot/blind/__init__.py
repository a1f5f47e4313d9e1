"""Blind RSA signatures on credentials, and the certificate that makes a registrar's key safe to blind under.

The signatures are RSABSSA-SHA384-PSS-Randomized of RFC 9474 with 3072-bit moduli, e = 65537, salts of 48 bytes, and the
message randomizer (32 bytes) ‖ credential hash (64 bytes)::

    delegate    EM = EMSA-PSS(message, salt)      b = EM · r^e mod n      inv = r^-1 mod n
    registrar   t = b^d mod n
    delegate    signature = t · inv mod n         an ordinary RSA-PSS signature on the message

A registrar could choose a modulus for which x ↦ x^e is no permutation; then b would tell something of EM. So every key
comes with e-th roots of eight hashed elements, and is refused unless `check_public_key` passes: then r uniform makes b
uniform, whoever made the key, except with probability 2^-128.

`keys` holds the keys and their sizes, `signature` the four operations, `certificate` the proof about a key.

Source: SPEC.md#credentials; RFC 9474; Goldberg, Reyzin, Sagga, Baldimtsi, ASIACRYPT 2019.
"""

from __future__ import annotations

from secballot.blind.certificate import (
    CERTIFICATE_HASH_BYTES,
    CERTIFICATE_ROOTS,
    ModuliProduct,
    certificate_element,
    certify,
    check_coprime,
    check_public_key,
)
from secballot.blind.keys import (
    EXPONENT,
    MESSAGE_BYTES,
    MODULUS_BYTES,
    PROFILE,
    RANDOMIZER_BYTES,
    SALT_BYTES,
    BlindPublicKey,
    BlindSecretKey,
    Suite,
)
from secballot.blind.signature import (
    ANSWER_DIGEST_BYTES,
    answer_digest,
    blind,
    blind_sign,
    check_all_blinded,
    check_all_roots,
    check_blinded,
    check_root,
    derive_r,
    emsa_pss_encode,
    finalize,
    prepare,
    verify,
)

__all__ = [
    "ANSWER_DIGEST_BYTES",
    "CERTIFICATE_HASH_BYTES",
    "CERTIFICATE_ROOTS",
    "EXPONENT",
    "MESSAGE_BYTES",
    "MODULUS_BYTES",
    "PROFILE",
    "RANDOMIZER_BYTES",
    "SALT_BYTES",
    "BlindPublicKey",
    "BlindSecretKey",
    "ModuliProduct",
    "Suite",
    "answer_digest",
    "blind",
    "blind_sign",
    "certificate_element",
    "certify",
    "check_all_blinded",
    "check_all_roots",
    "check_blinded",
    "check_coprime",
    "check_public_key",
    "check_root",
    "derive_r",
    "emsa_pss_encode",
    "finalize",
    "prepare",
    "verify",
]
