"""Whoever sets up a sitting: manifests that give one hand two roles, fake sittings, and replay between sittings.

Source: SPEC.md#manifest, SPEC.md#parties-and-trust.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from itertools import combinations

import msgspec
import pytest

from secballot.record import Outcome
from secballot.records.entry import encode_signed, signing_message
from secballot.records.manifest import MANIFEST
from tests.record_stage import EFFECT, Stage, refused, said
from tests.simulator import Simulator, golden, replay, with_plan

MANIFEST_BODY = json.loads(MANIFEST.encode(golden().simulator.board.manifest))
KEYS = golden().simulator.rehearsal.keys


def founded(body: object) -> list[str]:
    """Return the checks that refuse a manifest of any JSON, signed by two of its presidium."""
    data = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
    message = signing_message("manifest", bytes(32), data)
    entries = [
        encode_signed("manifest", data, key.verify_key.encode(), key.sign(message)) for key in KEYS.presidium[:2]
    ]
    _, judgements = replay(entries, hashlib.sha256(data).digest())
    return [judgement.check or judgement.outcome.value for judgement in judgements]


def places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the path of every key in the manifest but the presidium's, which sign."""
    if isinstance(value, dict):
        children = [(name, child) for name, child in value.items() if name != "presidium"]
        return [place for name, child in children for place in places(child, (*path, name))]
    if isinstance(value, list):
        return [place for at, child in enumerate(value) for place in places(child, (*path, at))]
    return [path] if isinstance(value, str) and len(value) == 44 and value.endswith("=") else []


def put(path: tuple[str | int, ...], new: object) -> object:
    """Return the manifest's JSON with one value replaced."""
    body = json.loads(json.dumps(MANIFEST_BODY))
    at = body
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = new
    return body


def at(path: tuple[str | int, ...]) -> object:
    """Return the value at a path."""
    value = MANIFEST_BODY
    for name in path:
        value = value[name]
    return value


def test_the_manifest_names_every_key() -> None:
    """Two of the commission, two registrars, four trustees, four witnesses, the log's two and a successor's two."""
    assert len(places(MANIFEST_BODY)) == 16


@pytest.mark.attack("CR-05", "CR-14", "DK-11")
@pytest.mark.parametrize(("first", "second"), list(combinations(places(MANIFEST_BODY), 2)))
def test_no_hand_has_two_roles(first: tuple[str | int, ...], second: tuple[str | int, ...]) -> None:
    """One key in any two places of the manifest: who holds it would be counted twice."""
    assert founded(put(second, at(first))) == ["SIT-03", "SIT-03"]


@pytest.mark.parametrize("path", places(MANIFEST_BODY))
def test_nobody_of_the_presidium_has_another_role(path: tuple[str | int, ...]) -> None:
    """Nor is a key the identity, which signs everything."""
    assert founded(put(path, MANIFEST_BODY["presidium"]["keys"][0])) == ["SIT-03", "SIT-03"]
    assert founded(put(path, "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")) == ["SIT-03", "SIT-03"]


@pytest.mark.attack("FS-04", "FS-19", "PA-06")
@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("generator",), "AA=="),
        (("group",), "ristretto255"),
        (("h",), 2),
        (("suite",), "secballot/v2"),
        (("suite",), "secballot/v1 "),
        (("witnesses", "quorum"), 0),
        (("trustees", "threshold"), 0),
        (("presidium", "threshold"), 0),
        (("trustees", "keys"), []),
        (("registrars",), []),
        (("commission",), []),
        (("minimum_ballots",), 0),
        (("title",), ""),
        (("title",), "An \u202e election"),
        (("log", "origin"), "board.example"),
    ],
)
def test_what_the_suite_fixes_no_manifest_chooses(path: tuple[str, ...], value: object) -> None:
    """Groups and generators are constants of the code, and nothing is left empty or zero."""
    assert founded(put(path, value)) == ["ENT-01", "ENT-01"]


@pytest.mark.attack("DK-11", "LG-08")
@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("witnesses", "quorum"), 5),
        (("dishonest_witnesses",), 2**53 - 1),
        (("witnesses", "witnesses", 1, "name"), "witness-1.example"),
        (("trustees", "threshold"), 1),
        (("trustees", "threshold"), 2**53 - 1),
        (("presidium", "threshold"), 2**53 - 1),
    ],
)
def test_policies_that_protect_nothing_are_refused(path: tuple[str | int, ...], value: object) -> None:
    """A quorum that one dishonest witness decides, two witnesses that are one name, a trustee that decrypts alone."""
    assert founded(put(path, value)) == ["SIT-02", "SIT-02"]


# Fakes and replays ---------------------------------------------------------------------------------------------------


@cache
def twin() -> Simulator:
    """Return a sitting of the same keys whose manifest differs in one letter, up to its convening."""
    simulator = with_plan(title="A small Sitting").until_polls()
    assert simulator.rehearsal.keys.trustees[0].verify_key == KEYS.trustees[0].verify_key
    assert simulator.board.anchor != golden().anchor
    return simulator


@pytest.mark.attack("SB-11")
def test_a_fake_sitting_does_nothing_under_the_anchor() -> None:
    """Complete, true to its own manifest and shown to a delegate that has the sitting_id: not one entry counts."""
    record, judgements = replay(golden().entries, twin().board.anchor)

    assert {judgement.outcome for judgement in judgements} == {Outcome.NO_EFFECT}
    assert {judgement.check for judgement in judgements} == {"SIT-01", "ENT-03"}
    assert record.state.manifest is None


def test_without_an_anchor_a_fake_sitting_is_a_sitting() -> None:
    """Why the anchor comes from outside: nothing inside a log tells which sitting is meant."""
    record, judgements = replay(golden().entries, None)

    assert record.state.sitting_id == golden().anchor
    assert record.state.adjourned
    assert all(judgement.outcome.stands for judgement in judgements)


@pytest.mark.attack("FS-07")
def test_nothing_is_carried_over_from_a_sitting_of_the_same_keys() -> None:
    """Every entry of one sitting on the log of its twin, at every stage: signatures, proofs and ballots name theirs."""
    entries, board = golden().entries, twin().board
    for size in (2, 18, 30, 32, 44, 52):
        stage = Stage(board.entries[:size], twin())
        verdicts = set(stage.log_all(entries[:64]))
        allowed = {refused(check) for check in ("ENT-03", "ENT-04", "ENT-05")}
        assert {verdict for verdict in verdicts if verdict.check != "BAL-01"} <= allowed
        assert {said(judgement) for judgement in map(stage.record.judge, board.entries[size : size + 1])} <= {
            EFFECT,
            ("collected", "", ""),
        }


def test_two_manifests_do_not_share_signatures() -> None:
    """A signature of a manifest is over its own body alone."""
    stage = Stage()
    other = msgspec.structs.replace(stage.manifest, title="Another sitting")
    body, message = MANIFEST.encode(stage.manifest), signing_message("manifest", bytes(32), MANIFEST.encode(other))
    key = stage.keys.presidium[0]

    assert stage.log(encode_signed("manifest", body, key.verify_key.encode(), key.sign(message))) == refused("ENT-05")
