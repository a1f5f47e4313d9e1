"""Readers who compare: whatever two of them were shown, a board with two views is convicted, and nobody else is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secballot.errors import StoreError, TransportError, VerificationError
from secballot.roles.comparing import PromiseJudgement, PromiseState, Shown, compare_places, find_split, judge_promise
from secballot.roles.evidence import check_evidence, decode_evidence, encode_evidence
from tests.small_sitting import SITTING_ID, SMALL_MANIFEST
from tests.two_views import View, entries, promise

if TYPE_CHECKING:
    from collections.abc import Iterator

HONEST = View(entries(1, 2, 3, 4, 5), sizes=(4, 5, 7))
OTHER = View(entries(1, 2, 9, 4, 5, 6), sizes=(5, 7, 8))


def shown(view: View) -> Shown:
    """Return what a reader of this view sees."""
    return Shown.of_source(SMALL_MANIFEST, view)


def notes(view: View, *sizes: int) -> Shown:
    """Return what a reader has who kept checkpoints only."""
    return Shown.of_notes(SMALL_MANIFEST, [view.note(size) for size in sizes])


def convicted(*places: Shown) -> tuple[int, ...] | None:
    """Return the sizes in the evidence that a comparison gives, checked as a stranger would, None if there is none."""
    found = compare_places(SMALL_MANIFEST, places)
    if found.evidence is None:
        return None
    assert found.differs
    finding = check_evidence(decode_evidence(encode_evidence(found.evidence)), SITTING_ID)
    assert finding.operator == 1
    return finding.sizes


def test_one_log_agrees_with_itself() -> None:
    """Places may be behind, and may have kept a checkpoint only."""
    found = compare_places(SMALL_MANIFEST, [shown(HONEST), shown(replace(HONEST, sizes=(5,))), notes(HONEST, 4, 7)])
    assert (found.evidence, found.differs, found.apart) == (None, False, ())


@pytest.mark.parametrize("size", [5, 7, 8])
def test_two_views_are_convicted_by_any_two_readers(size: int) -> None:
    """Whoever is first and whoever is longer; a kept checkpoint on one side is enough."""
    other = View(OTHER.log, sizes=(size,))
    for pair in ((shown(HONEST), shown(other)), (shown(other), shown(HONEST))):
        assert convicted(*pair) is not None
        assert convicted(pair[0], Shown(pair[1].checkpoints)) or convicted(Shown(pair[0].checkpoints), pair[1])


def test_two_roots_for_one_size_need_no_entries() -> None:
    """Two kept checkpoints are enough."""
    assert convicted(notes(HONEST, 5), notes(OTHER, 5)) == (5, 5)


def test_no_quorum_is_needed_to_be_convicted() -> None:
    """What the operator signed alone counts."""
    assert convicted(shown(HONEST), shown(replace(OTHER, witnesses=()))) is not None


def test_a_place_that_contradicts_itself_is_enough() -> None:
    """A board that keeps another checkpoint beside its log convicts itself."""
    place = Shown([*shown(HONEST).checkpoints, *notes(OTHER, 5).checkpoints], HONEST.history)
    assert convicted(place) == (5, 5)
    assert convicted(Shown([*notes(HONEST, 7).checkpoints, *notes(OTHER, 5).checkpoints], HONEST.history)) == (5, 7)


def test_what_cannot_be_compared_is_said() -> None:
    """Two checkpoints of two sizes without entries show nothing; a third place may join them."""
    one, other = notes(HONEST, 5), notes(HONEST, 7)
    assert compare_places(SMALL_MANIFEST, [one, other]).apart == (1,)
    assert compare_places(SMALL_MANIFEST, [one, other, shown(HONEST)]).apart == ()
    assert compare_places(SMALL_MANIFEST, [one, Shown([])]).apart == (1,)
    assert compare_places(SMALL_MANIFEST, [notes(HONEST, 5), notes(OTHER, 8)]).evidence is None


def test_two_operators_accuse_neither() -> None:
    """A successor that contradicts the first operator differs from it; who is at fault, this does not show."""
    successor = View(OTHER.log, OTHER.sizes, operator="log 2")
    found = compare_places(SMALL_MANIFEST, [shown(HONEST), shown(successor)])
    assert (found.evidence, found.differs) == (None, True)


def test_the_first_operator_is_convicted_by_what_the_successor_took_over() -> None:
    """The successor's log holds the first one's checkpoint at the handover; an earlier fork contradicts that."""
    taken = [*shown(replace(OTHER, sizes=(7,))).checkpoints, *shown(replace(OTHER, operator="log 2")).checkpoints]
    assert convicted(Shown(taken, OTHER.history), notes(HONEST, 5)) == (5, 7)
    beyond = notes(View(entries(1, 2, 9, 4, 5, 7), sizes=()), 8)
    assert convicted(Shown(taken, OTHER.history), beyond) is None


def test_strangers_and_junk_are_left_out() -> None:
    """What no operator of this log signed is nothing."""
    forged = View(OTHER.log, (5, 8), operator="somebody")
    junk = Shown.of_notes(SMALL_MANIFEST, [b"junk", forged.note(5), b""])
    assert junk.checkpoints == []
    assert convicted(shown(HONEST), junk, shown(forged)) is None


@pytest.mark.parametrize("trouble", [StoreError("gone"), TransportError("gone")])
def test_entries_that_are_missing_are_not_compared(trouble: Exception) -> None:
    """A place that loses entries is compared as far as they go, and its own garbled entries accuse nobody."""

    class Broken(View):
        def entries(self, start: int, stop: int) -> Iterator[bytes]:
            yield from self.log[start : min(stop, 5)]
            raise trouble

    assert convicted(shown(Broken(HONEST.log, (7,))), shown(replace(HONEST, sizes=(5,)))) is None
    assert convicted(shown(Broken(OTHER.log, (7,))), shown(HONEST)) == (7, 7)
    garbled = View(HONEST.log, (7,))
    garbled.log = [*HONEST.log[:3], b"garbled", *HONEST.log[4:]]
    found = compare_places(SMALL_MANIFEST, [shown(HONEST), shown(garbled)])
    assert (found.evidence, found.differs) == (None, False)


@given(st.lists(st.integers(1, 3), min_size=1, max_size=6), st.lists(st.integers(1, 3), min_size=1, max_size=6))
def test_evidence_is_found_exactly_if_there_is_a_contradiction(one: list[int], other: list[int]) -> None:
    """Two logs of which neither continues the other give evidence; logs that do, never."""
    first, second = (View([b"%d" % number for number in log], sizes=(len(log),)) for log in (one, other))
    common = min(len(one), len(other))
    assert (convicted(shown(first), shown(second)) is None) == (one[:common] == other[:common])
    assert find_split(SMALL_MANIFEST, shown(first).checkpoints[0], shown(first)) is None


def test_the_newest_witnessed_checkpoint_has_its_entries() -> None:
    """One without a quorum, one beyond the entries at hand, and one of other entries, are not it."""
    alone = View(HONEST.log, (7,), witnesses=("w1.example",))
    place = Shown(
        [*shown(alone).checkpoints, *notes(HONEST, 4, 5).checkpoints, *notes(OTHER, 8).checkpoints], HONEST.history
    )
    found = place.witnessed(SMALL_MANIFEST)
    assert found is not None
    assert (found.checkpoint.tree_size, found.names) == (5, HONEST.witnesses)
    assert notes(HONEST, 5).witnessed(SMALL_MANIFEST) is None
    assert Shown(notes(OTHER, 5).checkpoints, HONEST.history).witnessed(SMALL_MANIFEST) is None
    successor = shown(View(HONEST.log, (7,), operator="log 2")).witnessed(SMALL_MANIFEST)
    assert successor is not None


def test_a_promise_is_kept_open_or_broken() -> None:
    """Entries below a signed checkpoint tell; what is broken convicts its operator before strangers."""

    def judged(of: View, index: int, at: int, signer: str = "promise") -> PromiseJudgement:
        return judge_promise(SMALL_MANIFEST, promise(of.log[index], at, signer), shown(OTHER))

    assert judged(OTHER, 4, 4).state is PromiseState.KEPT
    assert judged(HONEST, 4, 8).state is PromiseState.OPEN
    broken = judged(HONEST, 4, 4)
    assert (broken.state, broken.evidence is None) == (PromiseState.BROKEN, False)
    assert broken.evidence is not None
    finding = check_evidence(decode_evidence(encode_evidence(broken.evidence)), SITTING_ID)
    assert (finding.kind, finding.operator, finding.index, finding.sizes) == ("broken-promise", 1, 4, (5,))
    assert judged(HONEST, 4, 4, "promise 2").state is PromiseState.VOID


def test_a_handover_voids_promises_beyond_it() -> None:
    """What the first operator promised behind the handover was the successor's to give; before it, it is held to it."""
    log = OTHER.log
    taken = [*shown(View(log, (5,))).checkpoints, *shown(View(log, (7, 8), operator="log 2")).checkpoints]
    place = Shown(taken, OTHER.history)
    beyond = judge_promise(SMALL_MANIFEST, promise(OTHER.log[7], 6), place)
    assert (beyond.state, beyond.evidence) == (PromiseState.VOID, None)
    before = judge_promise(SMALL_MANIFEST, promise(HONEST.log[4], 4), place)
    assert before.state is PromiseState.BROKEN
    assert before.evidence is not None
    assert check_evidence(before.evidence, SITTING_ID).operator == 1


def test_what_is_no_promise_of_this_log_is_not_judged() -> None:
    """A stranger's, and another sitting's."""
    for bad in (promise(HONEST.log[4], 4, "somebody"), promise(HONEST.log[4], 4, sitting_id=bytes(32))):
        with pytest.raises(VerificationError):
            judge_promise(SMALL_MANIFEST, bad, shown(OTHER))
