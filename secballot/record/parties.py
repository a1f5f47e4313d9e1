"""Whose key is whose: the party behind a signer, and the kinds of entry that each role may sign.

Source: SPEC.md#parties-and-trust, SPEC.md#judging-an-entry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from secballot.errors import EncodingError, InvalidSignatureError, Party, VerificationError
from secballot.records.entry import signing_message
from secballot.signing import VerifyKey, verify

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from secballot.records.entry import Entry
    from secballot.records.manifest import Manifest

DELEGATE: Final = Party("delegate")
"""Whoever signs with a key on the roll; which delegate it is stays between the key and its holder."""

SIGNERS: Final[Mapping[str, tuple[str, ...]]] = {
    "adjournment": ("presidium",),
    "annul": ("presidium", "trustee"),
    "ceremony-commit": ("trustee",),
    "ceremony-complain": ("trustee",),
    "ceremony-confirm": ("trustee",),
    "ceremony-restart": ("presidium",),
    "ceremony-reveal": ("trustee",),
    "ceremony-shares": ("trustee",),
    "closing": ("presidium", "trustee"),
    "consent": ("registrar", "trustee"),
    "convening": ("presidium",),
    "credential-issue": ("registrar",),
    "credential-request": ("delegate",),
    "decryption": ("trustee",),
    "document": ("presidium",),
    "extension": ("presidium",),
    "handover": ("presidium", "trustee"),
    "lapse": ("presidium", "trustee"),
    "manifest": ("presidium",),
    "opening": ("presidium",),
    "registrar-key": ("registrar",),
    "registration": ("presidium",),
    "registration-close": ("presidium",),
    "result": ("presidium",),
    "roll": ("commission",),
}
"""Roles that may sign each signed kind (ENT-04)."""


class Parties:
    """The party keys of one manifest."""

    def __init__(self, manifest: Manifest) -> None:
        """Index every key of the manifest."""
        self._by_key = {key: party for party, key in _keys(manifest)}

    def __contains__(self, key: bytes) -> bool:
        """Tell whether the key is any party's."""
        return key in self._by_key

    def party(self, key: bytes) -> Party | None:
        """Return the party that holds this key, or None."""
        return self._by_key.get(key)


def signed_by_party(parties: Parties, sitting_id: bytes, entry: Entry) -> bool:
    """Tell whether a party of the manifest signed an entry, which is cheap to look at and cannot be pretended.

    Source: SPEC.md#judging-an-entry.
    """
    if parties.party(entry.signer) is None:
        return False
    try:
        verify(VerifyKey(entry.signer), signing_message(entry.kind, sitting_id, entry.body_bytes), entry.signature)
    except (InvalidSignatureError, EncodingError):
        return False
    return True


def check_keys(manifest: Manifest) -> None:
    """Check that every key of the manifest is acceptable and that no key serves two parties.

    Raises:
        VerificationError: SIT-03.

    Source: SPEC.md#manifest.
    """
    seen: dict[bytes, Party] = {}
    for party, key in _keys(manifest):
        if key in seen:
            raise VerificationError(f"{seen[key]} and {party} have the same key", check="SIT-03", culprit=party)
        seen[key] = party
        try:
            VerifyKey(key)
        except InvalidSignatureError as error:
            raise VerificationError(f"the key of {party} is not acceptable", check="SIT-03", culprit=party) from error


def _keys(manifest: Manifest) -> Iterator[tuple[Party, bytes]]:
    groups = {
        "presidium": manifest.presidium.keys,
        "commission": manifest.commission,
        "registrar": manifest.registrars,
        "trustee": manifest.trustees.keys,
        "witness": tuple(witness.key for witness in manifest.witnesses.witnesses),
    }
    for role, keys in groups.items():
        for index, key in enumerate(keys, 1):
            yield Party(role, index), key
    operators = [(manifest.log.key, manifest.log.promise_key)]
    operators += [(successor.key, successor.promise_key) for successor in manifest.successors]
    for number, (log_key, promise_key) in enumerate(operators):
        yield Party("board", number), log_key
        yield Party("promises", number), promise_key
