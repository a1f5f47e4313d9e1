"""How repeated elements are kept: four bytes each, and ballots by runs."""

from __future__ import annotations

import base64
import random

import pytest

from secballot.audit.repeats import Repeats


def _ballot(*alphas: int) -> bytes:
    """Return what the search looks for in a ballot's entry, with elements that these numbers stand for."""
    data = b"".join(alpha.to_bytes(4, "little") + bytes(60) for alpha in alphas)
    return b'{"ciphertexts":"' + base64.b64encode(data) + b'"}'


@pytest.mark.parametrize("seed", range(20))
def test_every_repetition_is_found_whatever_stands_between(seed: int) -> None:
    """Gaps in the log, ballots of other lengths, and ballots without options."""
    rng = random.Random(seed)  # noqa: S311  # cases, not secrets
    log = {}
    index = 0
    for _ in range(60):
        index += rng.choice((1, 1, 1, 2, 9))
        log[index] = [rng.randrange(1, 400) for _ in range(rng.choice((0, 2, 3, 3)))]
    where: dict[int, list[int]] = {}
    repeats = Repeats()
    for at, alphas in log.items():
        repeats.add(at, _ballot(*alphas))
        for alpha in alphas:
            where.setdefault(alpha, []).append(at)
    expected: dict[tuple[int, ...], int] = {}
    for places in where.values():
        if len(places) > 1:
            expected[tuple(places)] = expected.get(tuple(places), 0) + 1
    again = Repeats.unpacked(repeats.packed())
    for one in (repeats, again):
        assert one.found(lambda at: _ballot(*log[at])) == sorted(expected.items())


def test_neighbours_of_one_length_cost_four_bytes_an_element() -> None:
    """However many they are, only their elements are kept."""
    repeats = Repeats()
    for at in range(1_000):
        repeats.add(at + 5, _ballot(at, at + 5_000))
    assert [len(column) for column in repeats.packed()] == [8_000, 8, 8, 8]


@pytest.mark.parametrize("alphas", [4, 5])
def test_very_many_are_kept_in_pieces_and_all_of_them_are_searched(alphas: int) -> None:
    """An element of the first ballot comes again in one behind several pieces, of which some end within a ballot."""
    repeats, ballots = Repeats(), 60_000

    def elements(at: int) -> list[int]:
        return [7 if at in {0, ballots - 1} else alphas * at + place + 1_000 for place in range(alphas)]

    for at in range(ballots):
        repeats.add(at, _ballot(*elements(at)))
    for one in (repeats, Repeats.unpacked(repeats.packed())):
        assert one.found(lambda at: _ballot(*elements(at))) == [((0,) * alphas + (ballots - 1,) * alphas, 1)]
        assert one.packed() == repeats.packed()
        assert len(one.packed()[0]) == 4 * alphas * ballots


@pytest.mark.parametrize(
    "columns",
    [
        (bytes(8), bytes(8), bytes(8)),
        (bytes(8), bytes(8), bytes(8), bytes(7)),
        (bytes(8), bytes(16), bytes(8), b"\1" * 8),
        (bytes(8), bytes(8), bytes(8), bytes(8)),
        (bytes(8), b"", b"", b""),
        (b"", bytes(8), bytes(8), b"\1" * 8),
        (bytes(8), b"\1" * 8, bytes(8), b"\1" * 8),
    ],
)
def test_what_was_kept_is_whole_or_refused(columns: tuple[bytes, ...]) -> None:
    """Columns that do not fit together are none."""
    with pytest.raises(ValueError):  # noqa: PT011  # whichever of them sees it
        Repeats.unpacked(columns)
