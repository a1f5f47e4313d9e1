r"""Cards: what a party tells the others about itself before there is a sitting, in a small public file.

    {"card":"secballot/v1","key":"…","name":"Anna","promise_key":"","role":"trustee","url":""}

Whoever founds the sitting copies the keys from the cards into the manifest, and the commission copies roll keys from
the cards of delegates. A card is not signed: what makes it right is that its holder reads the fingerprint aloud. A card
is no entry and never reaches the log.

Source: SPEC.md#manifest, SPEC.md#roll.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec

from secballot.encoding import CanonicalCodec
from secballot.errors import EncodingError, InvalidSignatureError, PolicyError, StoreError
from secballot.records.fields import Bytes32, Record, check_text, require
from secballot.signing import VerifyKey
from secballot.store.folder import read_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from secballot.records.manifest import Manifest

Role = Literal["board", "commission", "delegate", "officer", "registrar", "trustee", "witness"]

MAX_CARD_BYTES: Final = 4_096
SUFFIX: Final = ".card.json"
"""How the names of card files end."""

_FINGERPRINT_DIGITS: Final = 32
_MAX_CARDS: Final = 5_000


class Card(Record, frozen=True):
    """One party's card.

    Attributes:
        card: the format.
        key: Ed25519 key: of the party; of a board, the log key; of a delegate, the roll key.
        name: what people call the party, up to 128 bytes; of a witness its C2SP key name, of a board its host name.
        promise_key: a board's second key, 32 bytes; of others no bytes.
        role: of the party.
        url: where a board or witness answers; of others empty.
    """

    card: Literal["secballot/v1"]
    key: Bytes32
    name: Annotated[str, msgspec.Meta(min_length=1)]
    promise_key: Annotated[bytes, msgspec.Meta(max_length=32)]
    role: Role
    url: str

    def __post_init__(self) -> None:
        """Refuse deceptive texts, and a second key where none belongs."""
        check_text(self.name, max_bytes=128, field="name")
        check_text(self.url, max_bytes=300, field="url")
        require(len(self.promise_key) == (32 if self.role == "board" else 0), "only a board has a promise key")
        try:
            for key in (self.key, *([self.promise_key] if self.promise_key else [])):
                VerifyKey(key)
        except InvalidSignatureError as error:
            raise ValueError(error.message) from error

    def encode(self) -> bytes:
        """Return the bytes of the card's file.

        Raises:
            EncodingError: a text is empty, too long or deceptive.
        """
        return CARD.encode(self) + b"\n"

    def fingerprint(self) -> str:
        """Return 32 hexadecimal digits in groups of four, to be read aloud: 128 bits of SHA-256 of the card."""
        digits = hashlib.sha256(CARD.encode(self)).hexdigest()[:_FINGERPRINT_DIGITS]
        return " ".join(digits[at : at + 4] for at in range(0, _FINGERPRINT_DIGITS, 4))


CARD: Final = CanonicalCodec(Card, max_bytes=MAX_CARD_BYTES)


def make_card(role: Role, name: str, key: bytes, *, promise_key: bytes = b"", url: str = "") -> Card:
    """Return a party's card.

    Raises:
        EncodingError: a text is empty, too long or deceptive, or a key is not acceptable.
    """
    try:
        card = Card(card="secballot/v1", key=key, name=name, promise_key=promise_key, role=role, url=url)
    except ValueError as error:
        raise EncodingError(str(error)) from error
    return CARD.decode(CARD.encode(card))


def read_card(path: str | Path) -> Card:
    """Return the card in a file.

    Raises:
        StoreError: it cannot be read.
        EncodingError: it is no card.
    """
    data = read_file(Path(path), MAX_CARD_BYTES)
    try:
        return CARD.decode(data.removesuffix(b"\n"))
    except EncodingError as error:
        raise EncodingError(f"{Path(path).name} is no card: {error.message}", field=error.field) from error


def read_cards(folder: str | Path) -> list[Card]:
    """Return the cards of all files in a folder whose names end in `.card.json`, by file name.

    Raises:
        StoreError: folder or file cannot be read, or there are too many.
        EncodingError: one of them is no card, or two have one key.
    """
    try:
        paths = sorted(path for path in Path(folder).iterdir() if path.name.endswith(SUFFIX))
    except OSError as error:
        raise StoreError("the folder of cards cannot be read") from error
    if len(paths) > _MAX_CARDS:
        raise StoreError(f"there are more than {_MAX_CARDS} cards")
    cards = [read_card(path) for path in paths]
    keys = [key for card in cards for key in (card.key, card.promise_key) if key]
    if len(set(keys)) != len(keys):
        raise EncodingError("two cards have one key: each party has a key of its own")
    return cards


def cards_of(manifest: Manifest, cards: Sequence[Card]) -> list[tuple[int, Card]]:
    """Return the card of every party of a manifest, each with its number in its role, from 1.

    A manifest says nothing of people: whoever signs one that has a stranger's key in a trustee's place gives the
    stranger that place.

    Args:
        manifest: before it is signed.
        cards: those whose fingerprints were compared.

    Raises:
        PolicyError: a key is on no card of its role, or a witness's card has another name.

    Source: SPEC.md#manifest.
    """
    known = {(card.role, card.key, card.promise_key): card for card in cards}
    groups: dict[Role, Sequence[tuple[bytes, bytes]]] = {
        "officer": [(key, b"") for key in manifest.presidium.keys],
        "commission": [(key, b"") for key in manifest.commission],
        "registrar": [(key, b"") for key in manifest.registrars],
        "trustee": [(key, b"") for key in manifest.trustees.keys],
        "witness": [(held.key, b"") for held in manifest.witnesses.witnesses],
        "board": [
            (manifest.log.key, manifest.log.promise_key),
            *((held.key, held.promise_key) for held in manifest.successors),
        ],
    }
    found = []
    for role, keys in groups.items():
        for number, (key, promise_key) in enumerate(keys, 1):
            card = known.get((role, key, promise_key))
            if card is None:
                raise PolicyError(f"the manifest's key of {role} {number} is on no card of that role")
            if role == "witness" and card.name != manifest.witnesses.witnesses[number - 1].name:
                raise PolicyError(f"the manifest gives witness {number} another name than its card")
            found.append((number, card))
    return found
