"""Cards: public, one spelling, one fingerprint, and nothing that deceives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secballot.errors import EncodingError, StoreError
from secballot.roles.cards import CARD, make_card, read_card, read_cards
from secballot.signing import SigningKey

if TYPE_CHECKING:
    from pathlib import Path

KEY, OTHER = (SigningKey.from_seed(bytes([number]) * 32).verify_key.encode() for number in (1, 2))


def test_a_card_is_read_as_it_was_written(tmp_path: Path) -> None:
    """The fingerprint is of the card's own bytes, which one file has in one spelling."""
    card = make_card("board", "board.example", KEY, promise_key=OTHER, url="https://board.example")
    (tmp_path / "b.card.json").write_bytes(card.encode())

    assert read_card(tmp_path / "b.card.json") == card
    assert read_cards(tmp_path) == [card]
    assert len(card.fingerprint().replace(" ", "")) == 32
    assert card.fingerprint() != make_card("board", "board.example", OTHER, promise_key=KEY).fingerprint()


@pytest.mark.parametrize("name", ["", "a" * 129, "two\nlines", "hidden\u202e"])
def test_a_name_that_deceives_is_refused(name: str) -> None:
    """A card's name is read by people who decide by it."""
    with pytest.raises(EncodingError):
        make_card("trustee", name, KEY)


def test_only_a_board_has_a_second_key() -> None:
    """A second key elsewhere would be a key that nobody reads aloud."""
    with pytest.raises(EncodingError):
        make_card("trustee", "Anna", KEY, promise_key=OTHER)
    with pytest.raises(EncodingError):
        make_card("board", "board.example", KEY)


def test_a_key_that_is_no_key_is_refused() -> None:
    """The identity and other bad points stand on no card."""
    with pytest.raises(EncodingError):
        make_card("trustee", "Anna", bytes([1]) + bytes(31))


def test_two_cards_with_one_key_are_refused(tmp_path: Path) -> None:
    """One key for two parties is a copied card."""
    for role in ("trustee", "registrar"):
        (tmp_path / f"{role}.card.json").write_bytes(make_card(role, "Anna", KEY).encode())

    with pytest.raises(EncodingError, match="one key"):
        read_cards(tmp_path)
    with pytest.raises(StoreError):
        read_cards(tmp_path / "none")


@given(st.binary(max_size=300))
def test_any_bytes_are_a_card_or_our_error(data: bytes) -> None:
    """Files come from anybody."""
    with pytest.raises(EncodingError):
        CARD.decode(data)
