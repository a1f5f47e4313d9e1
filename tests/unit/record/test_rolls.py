"""What grows with the number of delegates: the roll, requests and their answers, and the heads of ballots."""

from __future__ import annotations

import hashlib
import sys
import tracemalloc
from collections import Counter

import pytest

from secballot.record.history import LogHistory
from secballot.record.rolls import Head, Heads, OpenRequest, Request, Requests, Roll

BYTES_EACH = 500
"""What a delegate takes at most."""


def name(*words: object) -> bytes:
    """Return 32 bytes of this name."""
    return hashlib.sha256(repr(words).encode()).digest()


KEYS = [name("key", number) for number in range(6)]


def roll_of_six() -> Roll:
    """Return a roll of four keys of class 1 and two of class 2, in another order than that of classes."""
    roll = Roll()
    roll.add(KEYS[:2], 1)
    roll.add(KEYS[2:4], 2)
    roll.add(KEYS[4:], 1)
    return roll


def asked(*requests: tuple[int, int, int], roll: Roll | None = None) -> Requests:
    """Return requests of (key, first poll, polls), the first at index 10; the answers expected are named by number."""
    held = Requests(roll or roll_of_six())
    for number, (key, first_poll, polls) in enumerate(requests):
        held.add(
            KEYS[key],
            first_poll,
            polls,
            index=10 + number,
            leaf=name("leaf", number),
            expected=name("expected", number),
        )
    return held


def test_a_roll_gives_each_key_its_class() -> None:
    """And a place, in the order in which the keys came."""
    roll = roll_of_six()
    assert dict(roll) == dict(zip(KEYS, [1, 1, 2, 2, 1, 1], strict=True))
    assert list(roll) == KEYS
    assert (len(roll), roll.sizes) == (6, {1: 4, 2: 2})
    assert [roll.place(key) for key in KEYS] == list(range(6))
    assert [(roll.key_at(place), roll.class_at(place)) for place in range(6)] == list(roll.items())
    assert name("another") not in roll


def test_a_roll_is_made_of_its_keys() -> None:
    """Of a mapping, or of what was packed."""
    roll = roll_of_six()
    for again in (Roll(roll), Roll.unpacked(*roll.packed())):
        assert (dict(again), list(again), again.sizes) == (dict(roll), list(roll), roll.sizes)
    assert roll.packed() == (b"".join(KEYS), bytes([1, 1, 2, 2, 1, 1]))


def test_requests_are_told_by_leaf_and_by_key() -> None:
    """In log order by leaf; those of one key the newest first."""
    held = asked((4, 1, 2), (2, 2, 1), (4, 3, 1))
    first, second, third = (
        Request(KEYS[key], class_index, poll, polls, index, frozenset(), True, name("expected", index - 10))
        for key, class_index, poll, polls, index in ((4, 1, 1, 2, 10), (2, 2, 2, 1, 11), (4, 1, 3, 1, 12))
    )
    assert list(held.items()) == [(name("leaf", number), one) for number, one in enumerate((first, second, third))]
    assert (list(held), list(held.values())) == ([name("leaf", number) for number in range(3)], [first, second, third])
    assert (len(held), held.unanswered) == (3, 3)
    assert (list(held.of(KEYS[4])), list(held.of(KEYS[2]))) == ([third, first], [second])
    assert held[name("leaf", 1)] == second
    assert name("leaf", 3) not in held
    with pytest.raises(KeyError) as caught:
        held[name("leaf", 3)]
    assert caught.value.args == (name("leaf", 3),)


def test_the_next_poll_follows_the_newest_request() -> None:
    """There is none for whoever has made no request, between others on the roll, behind them, or not on it."""
    held = asked((4, 1, 2), (2, 2, 1), (4, 3, 1))
    assert [held.next_poll(key) for key in (*KEYS, name("another"))] == [0, 0, 3, 0, 4, 0, 0]
    assert [list(held.of(key)) for key in (KEYS[0], KEYS[3], KEYS[5], name("another"))] == [[], [], [], []]
    assert [asked().next_poll(key) for key in KEYS] == [0] * 6


def test_a_request_is_open_until_every_registrar_has_answered() -> None:
    """What an answer is judged by is kept until then, and who has answered for ever."""
    held = asked((4, 2, 2), (2, 2, 1))
    leaves, expected = [name("leaf", number) for number in range(2)], [name("expected", number) for number in range(2)]
    assert [held.open_request(leaf) for leaf in leaves] == [
        OpenRequest(1, 2, 2, 0, expected[0]),
        OpenRequest(2, 2, 1, 0, expected[1]),
    ]
    held.answer(leaves, 3, 3)
    held.answer(leaves[:1], 1, 3)
    assert [held.open_request(leaf) for leaf in leaves] == [
        OpenRequest(1, 2, 2, 0b1010, expected[0]),
        OpenRequest(2, 2, 1, 0b1000, expected[1]),
    ]
    assert (held[leaves[0]].answered, held[leaves[0]].is_open, held.covered) == (frozenset({1, 3}), True, Counter())
    held.answer(leaves[:1], 2, 3)
    first = held[leaves[0]]
    assert (first.answered, first.is_open, first.expected) == (frozenset({1, 2, 3}), False, b"")
    assert (held.open_request(leaves[0]), held.unanswered) == (None, 1)
    assert held.covered == {(2, 1): 1, (3, 1): 1}
    assert held.open_request(name("leaf", 3)) is None
    held.answer(leaves[1:], 1, 3)
    held.answer(leaves[1:], 2, 3)
    assert (held.unanswered, held.covered) == (0, {(2, 1): 1, (3, 1): 1, (2, 2): 1})


def test_requests_are_made_of_what_was_packed() -> None:
    """All but the count of those that cover a poll."""
    held = asked((4, 1, 2), (2, 2, 1), (4, 3, 1))
    held.answer([name("leaf", 0)], 1, 2)
    held.answer([name("leaf", 0), name("leaf", 2)], 2, 2)
    columns, still_open, registrars = held.packed()
    again = Requests.unpacked(roll_of_six(), columns, still_open, registrars)
    assert list(again.items()) == list(held.items())
    assert ([again.next_poll(key) for key in KEYS], again.unanswered) == ([held.next_poll(key) for key in KEYS], 2)
    assert again.packed() == held.packed()
    assert columns[1:] == (
        b"".join(index.to_bytes(8, "little") for index in (10, 11, 12)),
        b"".join(place.to_bytes(8, "little") for place in (4, 2, 4)),
        bytes([1, 0, 2, 0, 3, 0]),
        bytes([2, 0, 1, 0, 1, 0]),
    )
    assert asked().packed() == ((b"",) * 5, (), 0)


def test_columns_are_packed_alike_on_every_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of the other kind turns its values round on the way out, without its columns, and on the way in."""
    held = asked((4, 1, 2), (2, 2, 1))
    before = held.packed()
    (leaves, *columns), *_ = before
    with monkeypatch.context() as patch:
        patch.setattr(sys, "byteorder", {"little": "big", "big": "little"}[sys.byteorder])
        turned, still_open, registrars = held.packed()
        again = Requests.unpacked(roll_of_six(), turned, still_open, registrars)
    for size, plain, other in zip((8, 8, 2, 2), columns, turned[1:], strict=True):
        assert other == b"".join(plain[at : at + size][::-1] for at in range(0, len(plain), size))
    assert turned[0] == leaves
    assert held.packed() == before
    assert list(again.items()) == list(held.items())


@pytest.mark.parametrize("columns", [4, 6])
def test_columns_that_are_too_few_or_too_many_are_no_requests(columns: int) -> None:
    """ValueError, for whoever reads a state."""
    packed, still_open, registrars = asked((4, 1, 2)).packed()
    with pytest.raises(ValueError, match=r"zip|unpack"):
        Requests.unpacked(roll_of_six(), (*packed, b"")[:columns], still_open, registrars)


def test_a_delegate_takes_little_memory() -> None:
    """Whoever has one poll, and in whichever order the requests come."""
    keys = [name("many", number) for number in range(20)]
    tracemalloc.start()
    try:
        roll = Roll()
        roll.add(keys, 1)
        held = Requests(roll)
        for number, key in enumerate(keys):
            held.add(key, 1, 1, index=number, leaf=name("leaf", number), expected=bytes(64))
        for registrar in (1, 2):
            held.answer([name("leaf", number) for number in range(20)], registrar, 2)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used < 20 * BYTES_EACH


def test_heads_are_the_newest_ballots() -> None:
    """Each credential counts once, for its class; leaves come in log order, credentials as they came first."""
    leaves = [name("leaf", number) for number in range(6)]
    heads = Heads(LogHistory(b"".join(leaves)))
    digests = {credential: name("digest", credential) for credential in KEYS[:3]}
    for index, sequence, credential, class_index in ((1, 0, 0, 1), (2, 0, 1, 2), (3, 0, 2, 1), (5, 1, 0, 1)):
        key = KEYS[credential]
        heads.put(key, sequence=sequence, index=index, class_index=class_index, digest=digests[key])
    expected = {
        KEYS[0]: Head(1, leaves[5], 5, 1, digests[KEYS[0]]),
        KEYS[1]: Head(0, leaves[2], 2, 2, digests[KEYS[1]]),
        KEYS[2]: Head(0, leaves[3], 3, 1, digests[KEYS[2]]),
    }
    assert (dict(heads), list(heads), len(heads)) == (expected, KEYS[:3], 3)
    assert (heads.counted, heads.leaves()) == ({1: 2, 2: 1}, [leaves[2], leaves[3], leaves[5]])
    assert [heads.get(key) for key in KEYS[:4]] == [*expected.values(), None]
    assert [key in heads for key in KEYS[:4]] == [True, True, True, False]

    assert len(heads.packed()) == 3 * 81
    again = Heads.unpacked(LogHistory(b"".join(leaves)), heads.packed())
    assert (dict(again), list(again), again.packed()) == (expected, KEYS[:3], heads.packed())
