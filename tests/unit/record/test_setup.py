"""Setup: which manifest founds a sitting, and which roll chunks and registrar keys are staged.

Source: SPEC.md#manifest, SPEC.md#roll, SPEC.md#registrar-keys.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.errors import NOBODY, RecordError
from secballot.record import SittingRecord
from secballot.record.setup import check_manifest
from secballot.records.manifest import MANIFEST, DelegateClass, Presidium, Trustees, Witnesses
from secballot.records.roll import RollChunk
from secballot.roles.party import sign_entry
from secballot.signing import SigningKey
from tests.record_stage import (
    COLLECTED,
    EFFECT,
    Stage,
    checker_says,
    golden_bodies,
    golden_entries,
    refused,
    said,
)
from tests.simulator import adopt_rule, elect_rule, golden
from tests.vectors.checker.machine_state import State

if TYPE_CHECKING:
    from secballot.records.manifest import Manifest
    from tests.record_stage import Verdict

GOLDEN = golden().simulator.board.manifest
KEYS = golden().simulator.rehearsal.keys


# The manifest --------------------------------------------------------------------------------------------------------


def founding(manifest: Manifest) -> list[Verdict]:
    """Return what the needed presidium signatures of a manifest do on its own log, both machines agreeing."""
    anchor = hashlib.sha256(MANIFEST.encode(manifest)).digest()
    record, checker = SittingRecord(anchor, fetch=lambda _: b""), State(anchor)
    verdicts = []
    for key in KEYS.presidium[:2]:
        entry = sign_entry(key, "manifest", anchor, manifest)
        verdicts.append(said(record.append(entry)))
        assert verdicts[-1] == checker_says(checker, entry)
    return verdicts


def changed(**changes: object) -> Manifest:
    """Return the golden manifest with these fields changed."""
    return msgspec.structs.replace(GOLDEN, **changes)


def test_a_manifest_takes_effect_with_its_threshold() -> None:
    """The first signature is collected, the second founds the sitting."""
    assert founding(GOLDEN) == [COLLECTED, EFFECT]


def test_a_manifest_of_another_sitting_has_no_effect() -> None:
    """SIT-01: only the one whose hash is the anchor counts, whoever signs the other."""
    stage = Stage()
    for key in stage.keys.presidium:
        assert stage.post(key, "manifest", changed(title="Another sitting")) == refused("SIT-01")
    assert stage.act("manifest", stage.manifest) == EFFECT


def contradictions() -> dict[str, dict[str, object]]:
    """Return changes of the manifest of which each breaks one relation between fields."""
    classes, rules, witnesses = GOLDEN.classes, GOLDEN.rules, GOLDEN.witnesses
    keys = GOLDEN.trustees.keys
    majority, quorum = adopt_rule().majority, adopt_rule().quorum
    two_names = (
        witnesses.witnesses[0],
        msgspec.structs.replace(witnesses.witnesses[1], name=witnesses.witnesses[0].name),
    )

    def share(of: msgspec.Struct) -> msgspec.Struct:
        return msgspec.structs.replace(of, numerator=3, denominator=2)

    return {
        "presidium threshold": {"presidium": Presidium(GOLDEN.presidium.keys, 4)},
        "trustee threshold above minimum": {"trustees": Trustees(keys, 2, 3)},
        "trustee minimum above number": {"trustees": Trustees(keys, 5, 2)},
        "one trustee decrypts alone": {"trustees": Trustees(keys, 3, 1)},
        "one of two trustees decrypts alone": {"trustees": Trustees(keys[:2], 2, 1)},
        "quorum above witnesses": {"witnesses": Witnesses(5, witnesses.witnesses)},
        "quorum withstands too few": {"dishonest_witnesses": 2},
        "half is no quorum": {"dishonest_witnesses": 0, "witnesses": Witnesses(2, witnesses.witnesses)},
        "witnesses of one name": {"witnesses": Witnesses(4, two_names + witnesses.witnesses[2:])},
        "classes of one name": {"classes": (classes[0], DelegateClass(classes[0].name, 10, 1))},
        "class below the floor": {"minimum_ballots": 11},
        "rules of one name": {"rules": (rules[0], rules[0])},
        "unknown class": {"rules": (adopt_rule(eligible=(1, 3)),)},
        "classes not increasing": {"rules": (adopt_rule(eligible=(2, 1)),)},
        "class twice": {"rules": (adopt_rule(eligible=(1, 1)),)},
        "majority above one": {"rules": (adopt_rule(majority=share(majority)),)},
        "quorum above one": {"rules": (adopt_rule(quorum=share(quorum)),)},
        "seats to adopt": {"rules": (adopt_rule(seats=1),)},
        "nothing to elect": {"rules": (elect_rule(seats=0),)},
        "decided to elect": {"rules": (elect_rule(majority=majority),)},
    }


@pytest.mark.attack("DK-11")
@pytest.mark.parametrize("name", list(contradictions()))
def test_a_manifest_that_contradicts_itself_has_no_effect(name: str) -> None:
    """SIT-02: at each of its entries, so that no signature of it is collected."""
    assert founding(changed(**contradictions()[name])) == [refused("SIT-02")] * 2


def harmless_changes() -> dict[str, dict[str, object]]:
    """Return changes of the manifest at the edge of what is allowed."""
    keys, everybody = GOLDEN.trustees.keys, msgspec.structs.replace(adopt_rule().quorum, numerator=2)
    return {
        "a single trustee": {"trustees": Trustees(keys[:1], 1, 1)},
        "threshold is the number": {"trustees": Trustees(keys, 4, 4)},
        "all witnesses": {"witnesses": Witnesses(4, GOLDEN.witnesses.witnesses), "dishonest_witnesses": 3},
        "floor is the seats": {"minimum_ballots": 10},
        "certainty": {"rules": (adopt_rule(majority=msgspec.structs.replace(adopt_rule().majority, numerator=2)),)},
        "everybody is the quorum": {"rules": (adopt_rule(quorum=everybody),)},
        "a single seat": {"rules": (elect_rule(seats=1),)},
        "no successors": {"successors": ()},
    }


@pytest.mark.parametrize("name", list(harmless_changes()))
def test_a_manifest_at_the_edge_takes_effect(name: str) -> None:
    """The other side of each limit."""
    assert founding(changed(**harmless_changes()[name])) == [COLLECTED, EFFECT]


def test_the_whole_presidium_may_be_needed() -> None:
    """A threshold of all its keys: two of three signatures are collected."""
    assert founding(changed(presidium=Presidium(GOLDEN.presidium.keys, 3))) == [COLLECTED] * 2


def shared_keys() -> dict[str, Manifest]:
    """Return manifests in which one key stands twice."""
    first, successor = GOLDEN.witnesses.witnesses[0], GOLDEN.successors[0]
    log, trustees = GOLDEN.log, GOLDEN.trustees
    witness = msgspec.structs.replace(first, key=trustees.keys[0])
    return {
        "trustee twice": changed(trustees=Trustees((*trustees.keys[:3], trustees.keys[0]), 3, 2)),
        "trustee and registrar": changed(registrars=(GOLDEN.registrars[0], trustees.keys[0])),
        "presidium and commission": changed(commission=(GOLDEN.presidium.keys[0],)),
        "witness and trustee": changed(witnesses=Witnesses(3, (witness, *GOLDEN.witnesses.witnesses[1:]))),
        "log and witness": changed(log=msgspec.structs.replace(log, key=first.key)),
        "log and promises": changed(log=msgspec.structs.replace(log, promise_key=log.key)),
        "successor and log": changed(successors=(msgspec.structs.replace(successor, key=log.key),)),
        "successor's two": changed(successors=(msgspec.structs.replace(successor, promise_key=successor.key),)),
        "successor twice": changed(successors=(successor, successor)),
    }


@pytest.mark.parametrize("name", list(shared_keys()))
def test_no_key_serves_two_parties(name: str) -> None:
    """SIT-03: who holds two keys of the manifest under one key counts once."""
    assert founding(shared_keys()[name]) == [refused("SIT-03")] * 2


UNACCEPTABLE = {
    "identity": bytes([1]) + bytes(31),
    "order 2": (2**255 - 20).to_bytes(32, "little"),
    "order 4": bytes(32),
    "order 8": bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    "not canonical": (2**255 - 19 + 3).to_bytes(32, "little"),
    "off the curve": (2).to_bytes(32, "little"),
}
"""Ed25519 keys under which signatures mean nothing."""


@pytest.mark.attack("EN-05")
@pytest.mark.parametrize("name", list(UNACCEPTABLE))
@pytest.mark.parametrize("role", ["commission", "registrars"])
def test_every_key_is_acceptable(name: str, role: str) -> None:
    """SIT-03: a key of small order could be signed for by anyone."""
    assert founding(changed(**{role: (UNACCEPTABLE[name],)})) == [refused("SIT-03")] * 2


def test_relations_are_judged_before_keys_and_keys_before_the_signer() -> None:
    """The first check that fails is the reason on record: SIT-01, SIT-02, SIT-03, ENT-04."""
    broken = changed(commission=GOLDEN.registrars, dishonest_witnesses=2)
    anchor = hashlib.sha256(MANIFEST.encode(broken)).digest()
    stranger = sign_entry(KEYS.trustees[0], "manifest", anchor, broken)

    for expected, sitting, manifest in (
        ("SIT-01", bytes(32), broken),
        ("SIT-02", None, broken),
        ("SIT-03", None, changed(commission=GOLDEN.registrars)),
        ("ENT-04", None, GOLDEN),
    ):
        entry = sign_entry(KEYS.trustees[0], "manifest", bytes(32), manifest)
        assert said(SittingRecord(sitting, fetch=lambda _: b"").judge(entry)) == refused(expected)
    assert said(SittingRecord(anchor, fetch=lambda _: b"").judge(stranger)) == refused("SIT-02")


# The roll ------------------------------------------------------------------------------------------------------------


def chunks() -> list[RollChunk]:
    """Return the golden roll: one chunk per class."""
    bodies = [body for _, body in golden_bodies("roll") if isinstance(body, RollChunk)]
    return [next(body for body in bodies if body.chunk == number) for number in (1, 2)]


def sign_roll(stage: Stage, chunk: RollChunk) -> Verdict:
    """Let the whole commission sign a chunk."""
    return stage.act("roll", chunk, stage.keys.commission)


def test_every_member_of_the_commission_signs_every_chunk() -> None:
    """One signature is collected, the last takes effect."""
    stage = Stage.before("roll")

    assert stage.post(stage.keys.commission[1], "roll", chunks()[1]) == COLLECTED
    assert stage.state.staged.roll == {}
    assert stage.post(stage.keys.commission[0], "roll", chunks()[1]) == EFFECT
    assert stage.state.staged.roll == dict.fromkeys(chunks()[1].keys, 2)


def test_the_roll_may_come_before_the_ceremony_is_complete() -> None:
    """Chunks and registrar keys are staged at any time after the manifest."""
    stage = Stage.after("manifest")

    assert sign_roll(stage, chunks()[0]) == EFFECT
    assert stage.log(golden_entries("registrar-key")[0]) == EFFECT


def misfits() -> dict[str, RollChunk]:
    """Return chunks of which each breaks one rule of REG-01, after chunk 1 of the golden roll."""
    first, second = chunks()
    extra = sorted(KEYS.trustees[i].verify_key.encode() for i in range(2))
    many = tuple(sorted(hashlib.sha256(b"%d" % i).digest() for i in range(11)))
    replace = msgspec.structs.replace
    return {
        "later registration": replace(second, registration=2),
        "other number of chunks": replace(second, chunks=3),
        "unknown class": replace(second, class_index=3),
        "key of another chunk": replace(second, keys=first.keys[:1]),
        "party keys": replace(second, keys=tuple(extra)),
        "the log's key": replace(second, keys=(KEYS.log[0].verify_key.encode(),)),
        "a successor's key": replace(second, keys=(KEYS.promise[1].verify_key.encode(),)),
        "more keys than seats": replace(second, keys=many),
        "more than seats with the chunk before": replace(second, class_index=1, keys=many[:7]),
        **{f"key {name}": replace(second, keys=(key,)) for name, key in UNACCEPTABLE.items()},
    }


@pytest.mark.parametrize("name", list(misfits()))
def test_a_chunk_that_does_not_fit_has_no_effect(name: str) -> None:
    """REG-01; the roll goes on as if it never was, and nobody is blamed."""
    stage = Stage.before("roll")
    assert sign_roll(stage, chunks()[0]) == EFFECT

    assert sign_roll(stage, misfits()[name]) == refused("REG-01")
    assert sign_roll(stage, chunks()[1]) == EFFECT


def test_a_manifest_that_does_not_fit_names_nobody() -> None:
    """SIT-01, SIT-02: whoever wrote it, each of its signers agreed."""
    for manifest, anchor, check in ((GOLDEN, bytes(32), "SIT-01"), (changed(dishonest_witnesses=2), None, "SIT-02")):
        with pytest.raises(RecordError) as caught:
            check_manifest(manifest, hashlib.sha256(MANIFEST.encode(manifest)).digest(), anchor)
        assert (caught.value.check, caught.value.culprit) == (check, NOBODY)
        assert caught.value.message


def roll_keys(count: int, name: bytes = b"") -> tuple[bytes, ...]:
    """Return so many acceptable keys, in order."""
    seeds = [hashlib.sha256(b"roll %d" % number + name).digest() for number in range(count)]
    return tuple(sorted(SigningKey(seed).verify_key.encode() for seed in seeds))


@pytest.mark.parametrize(("class_index", "seats"), [(1, 3), (2, 2), (3, 4)])
def test_a_class_takes_as_many_keys_as_it_has_seats(class_index: int, seats: int) -> None:
    """REG-01: all at once or in chunks, in each class by its own number; one key more has no effect."""
    classes = tuple(DelegateClass(str(number), size, 1) for number, size in enumerate((3, 2, 4)))
    manifest = changed(classes=classes, rules=(adopt_rule(),))
    anchor = hashlib.sha256(MANIFEST.encode(manifest)).digest()
    for sizes, expected in (((seats,), EFFECT), ((seats + 1,), refused("REG-01")), ((seats - 1, 1, 1), None)):
        record = SittingRecord(anchor, fetch=lambda _: b"")
        for key in KEYS.presidium[:2]:
            record.append(sign_entry(key, "manifest", anchor, manifest))
        found = []
        for number, size in enumerate(sizes, 1):
            chunk = RollChunk(number, len(sizes), class_index, roll_keys(size, b"%d" % number), 1)
            found.append([said(record.append(sign_entry(key, "roll", anchor, chunk))) for key in KEYS.commission][-1])
        assert found == ([EFFECT, EFFECT, refused("REG-01")] if expected is None else [expected])
        assert len(record.state.staged.roll) == (seats if expected != refused("REG-01") else 0)


def test_a_chunk_stands_once() -> None:
    """Its slot is filled: the same chunk again, another one of that number, and one of a frozen roll."""
    stage = Stage.after("roll")
    other = msgspec.structs.replace(chunks()[0], keys=chunks()[0].keys[:2])

    assert stage.post(stage.keys.commission[0], "roll", chunks()[0]) == refused("ENT-06")
    assert stage.post(stage.keys.commission[0], "roll", other) == refused("ENT-06")

    frozen = Stage.after("registration")
    assert frozen.post(frozen.keys.commission[0], "roll", chunks()[0]) == refused("ENT-06")
    assert frozen.post(frozen.keys.commission[0], "roll", other) == refused("ENT-06")


def test_signatures_of_different_chunks_are_not_added_up() -> None:
    """One member signs one list, the other another: neither takes effect, and either may still."""
    stage = Stage.before("roll")
    other = msgspec.structs.replace(chunks()[0], keys=chunks()[0].keys[:2])
    first, second = stage.keys.commission

    assert stage.post(first, "roll", chunks()[0]) == COLLECTED
    assert stage.post(second, "roll", other) == COLLECTED
    assert stage.post(first, "roll", other) == EFFECT
    assert stage.post(second, "roll", chunks()[0]) == refused("ENT-06")
