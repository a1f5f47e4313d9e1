"""A log in other hands: what the successor may take over, and when a witness follows it."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

import pytest

from secballot.board.witness import WitnessRefusalError, WitnessState
from secballot.errors import InconsistentLogError, PolicyError, RefusalError, StoreError, TransportError
from secballot.record.history import open_witnessed
from secballot.records.promise import Handover
from secballot.roles.evidence import check_evidence, decode_evidence
from secballot.roles.submission import BrokenPromiseError, check_promise
from secballot.roles.succession import take_over, take_up
from secballot.roles.view import WitnessedView
from secballot.roles.witness import WitnessRole
from secballot.store.board import BoardStore
from secballot.store.journal import Journal
from tests.small_sitting import NOW, ORIGIN, SITTING_ID, SMALL_MANIFEST, document, key, public, signed
from tests.two_views import View, entries, promise

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OLD = View(entries(1, 2, 3), sizes=(3, 5), witnesses=("w1.example", "w2.example", "w3.example"))
FORK = View(entries(1, 2, 9), sizes=(5,), witnesses=OLD.witnesses)
KEYS = (public("log 2")[0], public("promise 2")[0])
SIGNERS = ("officer 1", "officer 2", "trustee 1", "trustee 2")


def acts(view: View = OLD, size: int = 5) -> list[bytes]:
    """Return the handover's entries for a view at a size."""
    body = Handover(root=view.history.root(size), size=size, successor=1)
    return [signed("handover", body, name) for name in SIGNERS]


NEW = View([*OLD.log, *acts(), document(4)], sizes=(10,), operator="log 2")
GONE_ON = View([*OLD.log, document(7)], sizes=(6,))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[BoardStore]:
    """Return the successor's empty database."""
    with BoardStore.create(tmp_path / "successor.db", ORIGIN) as made:
        yield made


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[WitnessRole]:
    """Return a witness that has cosigned the log's third entry under its first key."""
    with Journal.create(tmp_path / "w1.db") as journal:
        role = WitnessRole("w1.example", key("w1.example"), journal)
        role.follow(ORIGIN, public("log")[0])
        cosign(role, OLD, 0, 3)
        yield role


def cosign(role: WitnessRole, view: View, old: int, size: int) -> None:
    """Let the witness cosign a checkpoint of a view."""
    role.add_checkpoint(view.request(old, size), now=NOW)


def seen(view: View) -> WitnessedView:
    """Return a party's view of the log, its ceremony taken for complete."""
    made = WitnessedView(view, SITTING_ID)
    made.refresh()
    ceremony = made.state.ceremony
    assert ceremony is not None
    ceremony.complete = True
    return made


def _refused(role: WitnessRole, view: View, old: int, size: int) -> int:
    with pytest.raises(WitnessRefusalError) as refusal:
        cosign(role, view, old, size)
    return refusal.value.status


# --- the successor


def test_a_log_is_taken_over_with_its_checkpoints(store: BoardStore) -> None:
    """Entries and checkpoints are those of the mirror; witnesses that know nothing newer are named, silent ones too."""

    def down() -> bytes:
        raise TransportError("down")

    newest = {"w1.example": lambda: OLD.note(5), "w2.example": lambda: None, "w3.example": down}
    for _ in range(2):
        taken = take_over(store, OLD, SITTING_ID, KEYS, newest)
        assert (taken.successor, taken.checkpoint.checkpoint.tree_size) == (1, 5)
        assert (taken.asked, taken.silent) == (("w1.example", "w2.example"), ("w3.example",))
    assert list(store.entries(0, store.size())) == OLD.log
    assert store.checkpoint_sizes() == [3, 5]


def test_without_the_newest_witnessed_entries_nothing_is_taken_over(store: BoardStore) -> None:
    """A witness that has cosigned more says so, and a longer mirror makes it good."""
    newest = {"w1.example": lambda: GONE_ON.note(6)}
    with pytest.raises(PolicyError, match="6 entries, and 5 are here"):
        take_over(store, OLD, SITTING_ID, KEYS, newest)
    assert take_over(store, GONE_ON, SITTING_ID, KEYS, newest).checkpoint.checkpoint.tree_size == 6


def test_a_witness_of_another_log_stops_the_successor(store: BoardStore) -> None:
    """So does one that shows what is no checkpoint of this log, or not its own."""
    alone = View(OLD.log, OLD.sizes, witnesses=("w2.example",))
    for note in (FORK.note(5), b"junk", alone.note(5), View(OLD.log, (), operator="somebody").note(5)):
        with pytest.raises(RefusalError, match=r"^w1"):
            take_over(store, OLD, SITTING_ID, KEYS, {"w1.example": lambda note=note: note})  # type: ignore[misc]


def test_only_the_next_successor_takes_over(store: BoardStore) -> None:
    """Other keys, and keys in other hands, are refused."""
    for keys in (public("log", "promise"), (KEYS[0], public("promise")[0]), KEYS[::-1]):
        with pytest.raises(RefusalError, match="next successor"):
            take_over(store, OLD, SITTING_ID, (keys[0], keys[1]), {})


def test_another_log_is_not_taken_over(store: BoardStore) -> None:
    """What the database holds already has to be continued."""
    take_over(store, OLD, SITTING_ID, KEYS, {})
    with pytest.raises(InconsistentLogError):
        take_over(store, FORK, SITTING_ID, KEYS, {})
    assert list(store.entries(0, store.size())) == OLD.log


# --- the witness


@pytest.mark.parametrize("order", [1, -1])
def test_a_witness_takes_up_the_successor_after_the_handover(witness: WitnessRole, order: int) -> None:
    """In whatever order the entries come; it then cosigns the successor's log, and the first operator's never."""
    with pytest.raises(WitnessRefusalError):
        cosign(witness, NEW, 3, 10)
    operator = take_up(witness, seen(OLD), [b"junk", document(8), *acts()[::order], acts()[0]])
    assert operator.key == KEYS[0]
    assert _refused(witness, OLD, 3, 5) == 403
    assert _refused(witness, GONE_ON, 3, 6) == 403
    cosign(witness, NEW, 3, 10)
    assert witness.state(ORIGIN) == WitnessState(10, NEW.history.root(10))
    take_up(witness, seen(OLD), acts())
    assert witness.state(ORIGIN).tree_size == 10


def test_no_handover_no_successor(witness: WitnessRole) -> None:
    """Too few signatures, another size, another root, another log: the witness follows the log as before."""
    wrong = View([*OLD.log[:4], document(6)], sizes=())
    for held in ([], acts()[:3], acts(size=3), acts(wrong), [document(9)]):
        with pytest.raises(RefusalError, match="no complete handover"):
            take_up(witness, seen(OLD), held)
    cosign(witness, OLD, 3, 5)


@pytest.mark.parametrize("view", [GONE_ON, FORK])
def test_a_witness_that_has_cosigned_something_else_stays(witness: WitnessRole, view: View) -> None:
    """More than the handover names, or another log: it could not sign on without contradicting itself."""
    if view is FORK:
        witness._journal.replace(
            "witness-state", ORIGIN.encode(), witness._stored(ORIGIN), bytes(7) + b"\x05" + FORK.history.root(5)
        )
    else:
        cosign(witness, view, 3, 6)
    with pytest.raises(RefusalError, match="does not hold"):
        take_up(witness, seen(OLD), acts())
    state = witness.state(ORIGIN)
    cosign(witness, view, state.tree_size, state.tree_size)


@pytest.mark.parametrize("look", ["_logs", "_journal.items"], ids=["at the keys", "at the state"])
def test_a_request_on_its_way_is_not_cosigned_after_the_handover(
    witness: WitnessRole, monkeypatch: pytest.MonkeyPatch, look: str
) -> None:
    """The first operator's request has passed one look when the successor is taken up: it is refused."""
    *way, name = look.split(".")
    target = attrgetter(*way)(witness) if way else witness
    original = getattr(target, name)

    def meanwhile(*arguments: str) -> object:
        before = original(*arguments)
        before = before if isinstance(before, dict) else list(before)
        monkeypatch.undo()
        take_up(witness, seen(OLD), acts())
        return before

    monkeypatch.setattr(target, name, meanwhile)
    assert _refused(witness, GONE_ON, 3, 6) == 403
    assert witness.state(ORIGIN).tree_size == 3
    cosign(witness, NEW, 3, 10)


def test_a_cosignature_in_between_is_looked_at(witness: WitnessRole, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first operator is faster: what was cosigned meanwhile decides."""
    replace = witness._journal.replace

    def meanwhile(scope: str, name: bytes, old: bytes | None, new: bytes) -> None:
        if scope == "witness-state":
            monkeypatch.undo()
            at = bytes(7) + b"\x06" + GONE_ON.history.root(6)
            replace(scope, name, old, at)
        replace(scope, name, old, new)

    monkeypatch.setattr(witness._journal, "replace", meanwhile)
    with pytest.raises(RefusalError, match="does not hold"):
        take_up(witness, seen(OLD), acts())
    cosign(witness, GONE_ON, 6, 6)


def test_disk_trouble_can_be_made_good(witness: WitnessRole, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the journal did not take, the same again completes."""

    def full(scope: str, name: bytes, old: bytes | None, new: bytes) -> None:
        del name, old, new
        raise StoreError(f"no room for {scope}")

    monkeypatch.setattr(witness._journal, "replace", full)
    with pytest.raises(StoreError):
        take_up(witness, seen(OLD), acts())
    monkeypatch.undo()
    take_up(witness, seen(OLD), acts())
    cosign(witness, NEW, 3, 10)


@pytest.mark.parametrize("good", [True, False])
def test_a_crash_between_the_steps_is_made_good(
    witness: WitnessRole, monkeypatch: pytest.MonkeyPatch, *, good: bool
) -> None:
    """With the first key retired and nothing else done, the same again completes; or the key comes back."""
    replace = witness._journal.replace

    def until_the_state(scope: str, name: bytes, old: bytes | None, new: bytes) -> None:
        if scope == "witness-state":
            raise KeyboardInterrupt
        replace(scope, name, old, new)

    monkeypatch.setattr(witness._journal, "replace", until_the_state)
    with pytest.raises(KeyboardInterrupt):
        take_up(witness, seen(OLD), acts())
    monkeypatch.undo()
    if good:
        take_up(witness, seen(OLD), acts())
        cosign(witness, NEW, 3, 10)
        with pytest.raises(RefusalError, match="handed over"):
            witness.follow(ORIGIN, public("log")[0])
    else:
        replace("witness-state", ORIGIN.encode(), witness._stored(ORIGIN), bytes(7) + b"\x06" + GONE_ON.history.root(6))
        with pytest.raises(RefusalError):
            take_up(witness, seen(OLD), acts())
        cosign(witness, GONE_ON, 6, 6)


def test_what_the_handover_voided_is_no_broken_promise() -> None:
    """Who had the place to give is held to it: the first operator below the handover's size, its successor above."""
    after, other = seen(OLD), document(8)
    for data in NEW.log[5:]:
        after.record.append(data)
    after.checkpoint = open_witnessed(SMALL_MANIFEST, after.state.operators, NEW.note(10))
    for index, signer in ((7, "promise"), (2, "promise 2"), (2, "somebody"), (10, "promise 2")):
        check_promise(after, promise(other, index, signer))
    with pytest.raises(BrokenPromiseError) as late:
        check_promise(after, promise(other, 9, "promise 2"))
    assert check_evidence(decode_evidence(late.value.evidence), SITTING_ID).operator == 2
    with pytest.raises(BrokenPromiseError) as early:
        check_promise(after, promise(other, 2))
    assert check_evidence(decode_evidence(early.value.evidence), SITTING_ID).operator == 1
    after.seen.clear()
    with pytest.raises(BrokenPromiseError) as nothing:
        check_promise(after, promise(other, 2))
    assert nothing.value.evidence == b""  # the first operator's own checkpoints are not at hand any more


def test_a_log_that_is_not_followed_is_not_taken_up(tmp_path: Path) -> None:
    """A witness starts from a state, or not at all."""
    with Journal.create(tmp_path / "other.db") as journal, pytest.raises(StoreError):
        take_up(WitnessRole("w2.example", key("w2.example"), journal), seen(OLD), acts())
