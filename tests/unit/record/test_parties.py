"""Whose key is whose, and who is named when one key is used twice or is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.errors import Party, VerificationError
from secballot.record.parties import Parties, check_keys, signed_by_party
from secballot.records.entry import decode_entry
from secballot.records.manifest import Trustees, Witnesses
from tests.small_sitting import SITTING_ID, SMALL_MANIFEST, document, founding, public, signed

if TYPE_CHECKING:
    from secballot.records.manifest import Manifest

HOLDERS = {
    "officer 1": Party("presidium", 1),
    "officer 3": Party("presidium", 3),
    "commission": Party("commission", 1),
    "registrar 2": Party("registrar", 2),
    "trustee 3": Party("trustee", 3),
    "w1.example": Party("witness", 1),
    "w3.example": Party("witness", 3),
    "log": Party("board", 0),
    "promise": Party("promises", 0),
    "log 2": Party("board", 1),
    "promise 2": Party("promises", 1),
}
"""Keys of the small manifest by the names that they are made from."""


@pytest.mark.parametrize("name", HOLDERS)
def test_every_key_of_the_manifest_is_a_partys(name: str) -> None:
    """Role and position, in the manifest's order; the log's operators and successors are counted from 0."""
    parties, (key,) = Parties(SMALL_MANIFEST), public(name)
    assert parties.party(key) == HOLDERS[name]
    assert key in parties


def test_other_keys_are_nobodys() -> None:
    """A stranger's key, which the manifest does not name."""
    parties, (key,) = Parties(SMALL_MANIFEST), public("a stranger")
    assert parties.party(key) is None
    assert key not in parties


def named(manifest: Manifest) -> tuple[str | None, Party | None, str]:
    """Return check, culprit and words of the refusal of a manifest's keys."""
    with pytest.raises(VerificationError) as caught:
        check_keys(manifest)
    return caught.value.check, caught.value.culprit, caught.value.message


def test_the_later_of_two_holders_of_one_key_is_named() -> None:
    """SIT-03: both are told."""
    keys = (*public("trustee 1", "trustee 2"), *public("registrar 2"))
    twice = msgspec.structs.replace(SMALL_MANIFEST, trustees=Trustees(keys, 2, 2))
    check, culprit, words = named(twice)
    assert (check, culprit) == ("SIT-03", Party("trustee", 3))
    assert "registrar 2 and trustee 3" in words


def test_the_holder_of_an_unacceptable_key_is_named() -> None:
    """SIT-03: a point of small order, held by a witness."""
    first, *others = SMALL_MANIFEST.witnesses.witnesses
    witnesses = Witnesses(2, (first, msgspec.structs.replace(others[0], key=bytes([1]) + bytes(31)), others[1]))
    check, culprit, words = named(msgspec.structs.replace(SMALL_MANIFEST, witnesses=witnesses))
    assert (check, culprit) == ("SIT-03", Party("witness", 2))
    assert "witness 2" in words


def test_a_good_manifest_has_good_keys() -> None:
    """Nothing is raised."""
    check_keys(SMALL_MANIFEST)


def test_only_a_partys_own_signature_counts() -> None:
    """A party's key, and a signature of these very bytes under it: as another kind, sitting, body or key it is none."""
    parties = Parties(SMALL_MANIFEST)
    entry, other = decode_entry(document(1)), decode_entry(document(2))
    replace = msgspec.structs.replace
    assert signed_by_party(parties, SITTING_ID, entry)
    assert signed_by_party(parties, SITTING_ID, decode_entry(founding()[1]))
    assert not signed_by_party(parties, bytes(32), entry)
    for false in (
        decode_entry(signed("document", entry.body, "a stranger")),
        replace(entry, kind="opening"),
        replace(entry, body_bytes=other.body_bytes),
        replace(entry, signature=other.signature),
        replace(entry, signature=bytes(64)),
        replace(entry, signer=public("officer 2")[0]),
    ):
        assert not signed_by_party(parties, SITTING_ID, false)
