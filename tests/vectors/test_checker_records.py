"""The checker on whole records made by its own prover, and on the same records broken in one place."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.vectors.checker import canonical, ed25519, merkle
from tests.vectors.checker import making as mk
from tests.vectors.checker.reading import Record
from tests.vectors.checker.sample import (
    CLOSES,
    COLLECTED,
    EFFECT,
    Opened,
    Sitting,
    convene,
    open_poll,
    register,
    tally,
    vote,
)
from tests.vectors.checker.transcript import digest
from tests.vectors.checker.verdict import run, verify


@pytest.fixture(scope="module")
def opened_once() -> Opened:
    """Return a sitting up to its opening, with an upheld complaint on the way."""
    s = Sitting()
    assert s.outcomes == [COLLECTED, EFFECT]
    first = s.ceremony(1, [1, 2, 3], cheat=(3, 1))
    assert s.state.session is not None
    ephemeral = s.state.session.rounds[2][3].body["ephemerals"][:32]
    complaint = first[0].complain(s.log.sitting_id, 1, 3, ephemeral)
    assert s.post("ceremony-complain", complaint, "trustee 1") == ("effect", "CER-05", "trustee 3")
    trustees = s.ceremony(2, [1, 2])
    s.confirm(2, trustees)
    assert s.post("ceremony-commit", trustees[0].commit(s.log.sitting_id, 3), "trustee 1")[1] == "ENT-06"
    credentials = register(s, *mk.make_rsa(s.rng))
    return Opened(s, open_poll(s, convene(s, trustees)), trustees, credentials)


@pytest.fixture
def opened(opened_once: Opened) -> Opened:
    """Return a copy of the open sitting, to be taken further."""
    return copy.deepcopy(opened_once)


@pytest.fixture(scope="module")
def sitting(opened_once: Opened) -> Sitting:
    """Return a whole sitting with attacks on the way, checked entry by entry."""
    o = copy.deepcopy(opened_once)
    vote(o.sitting, o.ctx, mk.joint_key(o.trustees), o.credentials)
    tally(o.sitting, o.ctx, o.trustees)
    return o.sitting


def test_a_whole_sitting_is_verified(sitting: Sitting) -> None:
    """Every outcome is as made, the counts are those cast, and the record holds."""
    verdict = verify(sitting.record())
    assert [(e["outcome"], e["check"], e["culprit"]) for e in verdict["entries"]] == sitting.outcomes
    assert verdict["fails"] == []
    [poll] = verdict["polls"]
    assert poll["contests"] == [{"counts": [2, 0], "elected": [], "outcome": "adopted", "tied": []}]
    assert poll["counted"] == 3


def test_a_changed_entry_fails_the_record(sitting: Sitting) -> None:
    """One entry replaced under the same checkpoint: the root is another."""
    record = sitting.record()
    changed = [*record.entries[:-1], b"{}"]
    verdict = verify(Record(record.checkpoints, changed, record.sitting_id))
    assert [fail["check"] for fail in verdict["fails"]] == ["LOG-02"]


def test_a_checkpoint_short_of_the_quorum_bounds_nothing(sitting: Sitting) -> None:
    """One cosignature of two is not the quorum."""
    record = sitting.record()
    short = record.checkpoints[0].rsplit("— ", 1)[0]
    assert not verify(Record([short], record.entries, record.sitting_id))["checked"]
    older = sitting.log.checkpoint(CLOSES, size=20)
    verdict = verify(Record([short, older], record.entries, record.sitting_id))
    assert (verdict["size"], verdict["beyond"], verdict["fails"]) == (20, len(record.entries) - 20, [])


def test_two_checkpoints_of_two_logs_fail_the_record(sitting: Sitting) -> None:
    """An older quorum checkpoint with another root shows a second log."""
    record = sitting.record()
    other = sitting.log.checkpoint(CLOSES, size=20, root=bytes(32))
    verdict = verify(Record([*record.checkpoints, other], record.entries, record.sitting_id))
    assert [fail["check"] for fail in verdict["fails"]] == ["LOG-02"]


def test_another_anchor_makes_the_manifest_void(sitting: Sitting) -> None:
    """Under another sitting's id nothing has effect."""
    state, outcomes = run(sitting.record().entries, bytes(32))
    assert state.manifest is None
    assert [o["check"] for o in outcomes[:3]] == ["SIT-01", "SIT-01", "ENT-03"]
    verdict = verify(sitting.record(), bytes(32))
    assert (verdict["checked"], verdict["fails"]) == (False, [{"check": "SIT-01", "index": None}])


def test_a_false_result_and_a_split_log_fail_the_record() -> None:
    """A note of the sitting with another root shows a split; without it the act has merely no effect."""
    s = Sitting()
    split = s.log.checkpoint(900, root=bytes(32))
    assert s.post("adjournment", {"checkpoint": split}, "chair", "deputy") == ("no effect", "LOG-04", None)
    assert [f["check"] for f in verify(s.record())["fails"]] == ["LOG-04"]


def test_an_unjustified_complaint_is_the_accusers_fault() -> None:
    """The share is right, so the accuser leaves the ceremony."""
    s = Sitting()
    trustees = s.ceremony(1, [1, 2, 3])
    assert s.state.session is not None
    ephemeral = s.state.session.rounds[2][2].body["ephemerals"][:32]
    complaint = trustees[0].complain(s.log.sitting_id, 1, 2, ephemeral)
    assert s.post("ceremony-complain", complaint, "trustee 1") == ("fault", "CER-06", "trustee 1")
    assert s.state.session.participants == [2, 3]


def test_a_second_content_ends_the_session_and_the_same_body_does_not() -> None:
    """Another commitment is a fault of its signer, the same one a repetition."""
    s = Sitting()
    trustee = mk.Trustee(1, 2, s.rng)
    commit = trustee.commit(s.log.sitting_id, 1)
    assert s.post("ceremony-commit", commit, "trustee 1") == EFFECT
    assert s.post("ceremony-commit", commit, "trustee 1") == ("no effect", "ENT-06", None)
    other = {**commit, "commitment": bytes(64)}
    assert s.post("ceremony-commit", other, "trustee 1") == ("fault", "CER-10", "trustee 1")


def test_a_restart_leaves_the_silent_out_and_too_few_end_the_sitting() -> None:
    """The participants named go on; below the minimum nothing has effect any more."""
    s = Sitting()
    for i in (1, 2):
        s.post("ceremony-commit", mk.Trustee(i, 2, s.rng).commit(s.log.sitting_id, 1), f"trustee {i}")
    wrong = {"participants": [1, 3], "round": 0, "session": 1, "silent": [2]}
    assert s.post("ceremony-restart", wrong, "chair", "deputy") == ("no effect", "CER-08", None)
    right = {"participants": [1, 2], "round": 0, "session": 1, "silent": [3]}
    assert s.post("ceremony-restart", right, "chair", "deputy") == EFFECT
    assert s.state.session is not None
    assert (s.state.session.number, s.state.session.participants) == (2, [1, 2])
    last = {"participants": [1], "round": 0, "session": 2, "silent": [2]}
    assert s.post("ceremony-restart", last, "chair", "deputy") == EFFECT
    assert s.post("ceremony-restart", last, "chair") == ("no effect", "ENT-03", None)


def test_a_poll_lapses_only_after_the_grace(opened: Opened) -> None:
    """The note's times decide."""
    s = opened.sitting
    lapse = {"checkpoint": s.log.checkpoint(CLOSES + 100), "ctx": opened.ctx}
    assert s.post("lapse", lapse, "trustee 2") == ("no effect", "POL-06", None)
    lapse["checkpoint"] = s.log.checkpoint(CLOSES + 101)
    assert s.post("lapse", lapse, "trustee 2") == EFFECT
    assert s.post("closing", opened.closing(), "trustee 2") == ("no effect", "ENT-06", None)
    assert verify(s.record())["polls"][0]["status"] == "lapsed"


def test_an_extension_moves_the_closing_once_and_by_the_limit(opened: Opened) -> None:
    """Fifty seconds are admitted, more are not, nor a second time."""
    s = opened.sitting
    far = {"closes_at": CLOSES + 51, "ctx": opened.ctx}
    assert s.post("extension", far, "chair", "deputy") == ("no effect", "POL-03", None)
    near = {"closes_at": CLOSES + 50, "ctx": opened.ctx}
    assert s.post("extension", near, "chair", "deputy") == EFFECT
    assert s.post("extension", far, "chair") == ("no effect", "ENT-06", None)
    assert s.post("closing", opened.closing(CLOSES + 49), "chair") == ("no effect", "POL-04", None)
    assert s.post("closing", opened.closing(CLOSES + 50), "chair") == EFFECT


def test_an_annulment_needs_presidium_and_participants(opened: Opened) -> None:
    """A trustee that is no participant signs, and does not count."""
    s, body = opened.sitting, {"ctx": opened.ctx, "reason": "By agreement.\nOf all."}
    assert s.post("annul", body, "chair", "deputy", "trustee 3", "trustee 1") == COLLECTED
    assert s.post("annul", body, "trustee 2") == EFFECT
    assert s.append(opened.vote(0, [1, 0])) == ("excluded", "BAL-02", None)


def test_a_ballot_above_the_closings_checkpoint_stops_it(opened: Opened) -> None:
    """A closing may not leave an accepted ballot out."""
    s, closing = opened.sitting, opened.closing()
    assert s.append(opened.vote(0, [1, 0])) == ("accepted", None, None)
    assert s.post("closing", closing, "chair") == ("no effect", "POL-05", None)
    assert s.post("closing", opened.closing(), "chair") == EFFECT
    [poll] = verify(s.record())["polls"]
    assert poll["contests"] == [{"counts": [], "elected": [], "outcome": "unopened", "tied": []}]


def test_a_broken_promise_voids_the_poll(opened: Opened) -> None:
    """A promised ballot that is not at its place, with the promise's signature good."""
    s, entry = opened.sitting, opened.vote(0, [1, 0])
    leaf, index = merkle.leaf_hash(entry), len(s.log.entries) - 1
    signed = digest("promise", s.log.sitting_id, leaf, index, 1_500, 60)
    promise = {
        "index": index,
        "leaf_hash": leaf,
        "maximum_delay": 60,
        "signature": ed25519.sign(mk.seed_of("promise"), signed),
        "sitting_id": s.log.sitting_id,
        "time": 1_500,
    }

    def objection(changed: mk.Body) -> bytes:
        whole: Any = canonical.read(entry)
        value = {"ballot": whole["body"], "ctx": opened.ctx, "promise": {**promise, **changed}}
        return canonical.encode({"body": mk.plain(value), "kind": "objection"})

    assert s.append(objection({})) == ("no effect", "ENT-06", None)
    assert s.post("closing", opened.closing(), "chair") == EFFECT
    assert s.append(objection({"time": 1_501})) == ("no effect", "POL-07", None)
    assert s.append(objection({})) == EFFECT
    assert verify(s.record())["polls"][0]["status"] == "void"


def test_a_false_result_fails_the_record_and_one_of_no_poll_does_not(opened: Opened) -> None:
    """RES-01 is the record's failure; an unknown ctx is out of phase when the act completes."""
    s = opened.sitting
    body = {"contests": [], "ctx": bytes(32), "page": bytes(32), "tally_id": bytes(64)}
    assert s.post("result", body, "chair") == COLLECTED
    assert s.post("result", body, "deputy") == ("no effect", "ENT-06", None)
    assert verify(s.record())["fails"] == []
    assert s.post("result", {**body, "ctx": opened.ctx}, "chair", "deputy") == ("no effect", "RES-01", None)
    assert [f["check"] for f in verify(s.record())["fails"]] == ["RES-01"]


def test_a_handover_puts_the_successors_keys_in_force(opened: Opened) -> None:
    """Its entries stand together; afterwards the earlier key bounds nothing new."""
    s = opened.sitting
    size = len(s.log.entries)
    body = {"root": s.log.tree.root(size), "size": size, "successor": 1}
    assert s.post("handover", body, "chair", "deputy", "trustee 1") == COLLECTED
    assert s.post("handover", body, "trustee 2") == EFFECT
    assert not verify(s.record())["checked"]
    s.log.operator = "log 2"
    assert verify(s.record())["fails"] == []
    assert s.post("closing", opened.closing(), "chair") == EFFECT


def test_a_handover_with_anything_between_has_no_effect(opened: Opened) -> None:
    """One foreign entry between its signatures spoils the body."""
    s = opened.sitting
    size = len(s.log.entries)
    body = {"root": s.log.tree.root(size), "size": size, "successor": 1}
    assert s.post("handover", body, "chair", "deputy", "trustee 1") == COLLECTED
    assert s.append(b"{}") == ("no effect", "ENT-01", None)
    assert s.post("handover", body, "trustee 2") == ("no effect", "LOG-06", None)
