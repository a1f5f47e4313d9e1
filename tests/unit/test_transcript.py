"""The hash of the protocol, byte by byte."""

from __future__ import annotations

import hashlib
from itertools import product

import pytest

from secballot.group import ORDER
from secballot.transcript import Begun, challenge, digest, digests

HASH, POINT = b"h" * 32, b"p" * 32
NUMBERS = (1, 2**32, 2**64 - 1)


def framed(*fields: bytes) -> bytes:
    """Return what SPEC.md#hash hashes: the suite, then everything behind its length in 8 bytes."""
    return b"secballot/v1" + b"".join(len(field).to_bytes(8, "big") + field for field in fields)


def test_fields_are_hashed_behind_their_lengths() -> None:
    """A number is 8 bytes, a text its UTF-8, bytes are as they are."""
    expected = framed(b"entry", "größe".encode(), HASH, b"body")
    assert digest("entry", "größe", HASH, b"body") == hashlib.sha512(expected).digest()

    numbers = [number.to_bytes(8, "big") for number in NUMBERS]
    expected = framed(b"promise", HASH, POINT, *numbers)
    assert digest("promise", HASH, POINT, *NUMBERS) == hashlib.sha512(expected).digest()


def test_a_challenge_is_the_hash_as_a_number_below_the_order() -> None:
    """Little-endian, reduced."""
    hashed = hashlib.sha512(
        framed(b"promise", HASH, POINT, *(number.to_bytes(8, "big") for number in NUMBERS))
    ).digest()
    assert challenge("promise", HASH, POINT, *NUMBERS) == int.from_bytes(hashed, "little") % ORDER


def test_many_hashes_are_those_of_each() -> None:
    """In the order of the rows, whether they vary in one field or in several."""
    rows = list(product((0, 1, 2**64 - 1), (3, 4)))
    each = [digest("promise", HASH, POINT, 7, *row) for row in rows]
    assert digests("promise", [HASH, POINT, 7], rows) == b"".join(each)

    whole = [digest("promise", HASH, POINT, *row, 9) for row in rows]
    assert digests("promise", [HASH, POINT], [(*row, 9) for row in rows]) == b"".join(whole)
    assert digests("promise", [HASH, POINT], []) == b""


@pytest.mark.parametrize("rows", [[(1,)], [(1, 2, 3)], [(1, 2), (3,)], [(1, 2), ()]])
def test_a_row_has_exactly_the_fields_that_are_left(rows: list[tuple[int, ...]]) -> None:
    """Neither the first nor a later one is cut short or filled up."""
    with pytest.raises(ValueError, match="a row does not have 2 fields"):
        digests("promise", [HASH, POINT, 1], rows)


@pytest.mark.parametrize(("label", "common"), [("promise", [HASH]), ("ballot-nonce", [HASH, HASH]), ("other", [HASH])])
def test_rows_are_of_numbers_only(label: str, common: list[bytes]) -> None:
    """A label whose last fields are hashes or of any size, and one that is not in the table, have no rows."""
    with pytest.raises(ValueError, match="does not go on with integers"):
        digests(label, common, [(1, 2, 3, 4)])


@pytest.mark.parametrize("fields", [(HASH, POINT, 1, 2), (HASH, POINT, 1, 2, 3, 4), ()])
def test_a_label_has_its_number_of_fields(fields: tuple[bytes | int, ...]) -> None:
    """One less or one more is a bug of the caller."""
    with pytest.raises(ValueError, match=f"does not take {len(fields)} fields"):
        digest("promise", *fields)


def test_only_labels_of_the_table_are_hashed() -> None:
    """Another one is a bug of the caller, not another hash."""
    with pytest.raises(ValueError, match="'entries' does not take 3 fields"):
        digest("entries", "", HASH, b"")


@pytest.mark.parametrize("wrong", [b"", HASH[:-1], HASH + b"h", 5, "h" * 31])
def test_a_field_of_fixed_size_has_that_size(wrong: bytes | int | str) -> None:
    """Whatever it is given as."""
    with pytest.raises(ValueError, match=r"a field of 'promise' has [0-9]+ bytes where 32 belong"):
        digest("promise", HASH, wrong, *NUMBERS)
    with pytest.raises(ValueError, match=r"a field of 'promise' has [0-9]+ bytes where 32 belong"):
        digests("promise", [HASH, wrong], [NUMBERS])


def test_common_fields_are_not_more_than_the_label_has() -> None:
    """Not even where no rows follow."""
    with pytest.raises(ValueError, match="longer"):
        digests("ballot-nonce", [HASH, HASH, HASH + HASH, HASH], [])


@pytest.mark.parametrize("first", range(6))
def test_a_hash_that_was_begun_is_that_of_all_fields(first: int) -> None:
    """Wherever the fields are parted, and however often it is gone on with."""
    fields = (HASH, POINT, *NUMBERS)
    begun = Begun("promise", *fields[:first])
    for _ in range(2):
        assert begun.digest(*fields[first:]) == digest("promise", *fields)
        assert begun.challenge(*fields[first:]) == challenge("promise", *fields)


def test_a_hash_that_was_begun_takes_exactly_what_is_left() -> None:
    """Sizes, numbers of fields and labels are those of the table."""
    begun = Begun("promise", HASH)
    for left in ((POINT, 1, 2), (POINT, 1, 2, 3, 4), (), (POINT[:31], 1, 2, 3), (1, POINT, 2, 3)):
        with pytest.raises(ValueError, match="promise"):
            begun.digest(*left)
    for label, fields in (("other", ()), ("promise", (HASH, POINT, 1, 2, 3, 4)), ("promise", (HASH[:31],))):
        with pytest.raises(ValueError, match=label):
            Begun(label, *fields)
