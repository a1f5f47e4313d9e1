"""What holds for every entry, whatever its kind: well-formed, in time, by the right key, truly signed, once.

Source: SPEC.md#judging-an-entry.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from secballot.group import ORDER
from secballot.record import Outcome, SittingRecord
from secballot.record.parties import SIGNERS
from secballot.record.rules import FAULT_KINDS
from secballot.records.ceremony import CeremonyCommit, CeremonyComplain, CeremonyRestart
from secballot.records.closing import Annulment, Lapse
from secballot.records.document import Document
from secballot.records.entry import UNSIGNED, decode_entry, encode_signed, encode_unsigned, signing_message
from secballot.records.opening import Extension
from secballot.records.promise import Handover
from secballot.roles.party import sign_entry
from secballot.signing import SigningKey
from tests.record_stage import (
    COLLECTED,
    EFFECT,
    Stage,
    golden_bodies,
    golden_entries,
    picture,
    refused,
    said,
)
from tests.simulator import MemoryBoard, Simulator, golden, replay

if TYPE_CHECKING:
    from collections.abc import Sequence

    from secballot.errors import RefusalError
    from secballot.records.manifest import Manifest
    from secballot.records.promise import Promise

STRANGER = SigningKey.from_seed(bytes(32))


def signed_json(stage: Stage, key: SigningKey, kind: str, body: object) -> bytes:
    """Return a truly signed entry with any JSON as its body."""
    body_bytes = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
    signature = key.sign(signing_message(kind, stage.anchor, body_bytes))
    return encode_signed(kind, body_bytes, key.verify_key.encode(), signature)


# ENT-01: well-formed -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"null",
        b"\xff\xfe",
        b"[" * 60_000,
        b'{"body":{},"kind":"ballot"}',
        b'{"body":{},"kind":"unheard-of"}',
        b" " * 65_536,
        b'{"body":[],"kind":"consent"}',
        b'{"body":{},"kind":1}',
    ],
)
def test_what_is_no_entry_has_no_effect(data: bytes) -> None:
    """Any bytes at all may stand on the log; they do nothing, and nobody is named."""
    stage = Stage.after("manifest")

    assert stage.log(data) == refused("ENT-01")
    assert stage.log(golden().entries[2]) == EFFECT


@pytest.mark.attack("LG-13")
@pytest.mark.parametrize("change", [b" ", b"\n", b"\t"])
def test_another_spelling_of_an_entry_is_no_entry(change: bytes) -> None:
    """Between two members any white space would parse; only the one canonical form counts."""
    entry = golden().entries[2]

    assert Stage.after("manifest").log(entry.replace(b",", b"," + change, 1)) == refused("ENT-01")
    assert Stage.after("manifest").log(entry + change) == refused("ENT-01")


def test_members_in_another_order_are_no_entry() -> None:
    """The same object with `kind` before `body`."""
    members = json.loads(golden().entries[2])
    turned = json.dumps(dict(reversed(members.items())), separators=(",", ":")).encode()

    assert Stage.after("manifest").log(turned) == refused("ENT-01")


def test_signed_kinds_are_signed_and_unsigned_kinds_are_not() -> None:
    """A ballot with a signer, and a commitment without."""
    stage = Stage.after("manifest")
    entry, ballot = decode_entry(golden().entries[2]), decode_entry(golden_entries("ballot")[0])

    assert stage.log(encode_unsigned(entry.kind, entry.body_bytes)) == refused("ENT-01")
    assert stage.log(signed_json(stage, stage.keys.trustees[0], "ballot", json.loads(ballot.body_bytes))) == refused(
        "ENT-01"
    )


def malformed_bodies() -> dict[str, tuple[str, dict[str, Any]]]:
    """Return one body per rule of ENT-01 that a well-meaning decoder might forgive."""
    commit = {"commitment": "A" * 86 + "==", "session": 1}
    restart = {"participants": [1, 2, 3], "round": 0, "session": 1, "silent": [4]}
    chunk = {"chunk": 1, "chunks": 1, "class": 1, "keys": ["A" * 43 + "="], "registration": 1}
    return {
        "unknown field": ("ceremony-commit", {**commit, "generator": 1}),
        "missing field": ("ceremony-commit", {"session": 1}),
        "null": ("ceremony-commit", {**commit, "session": None}),
        "float": ("ceremony-commit", {**commit, "session": 1.5}),
        "boolean": ("ceremony-commit", {**commit, "session": True}),
        "number as text": ("ceremony-commit", {**commit, "session": "1"}),
        "index 0": ("ceremony-commit", {**commit, "session": 0}),
        "negative": ("ceremony-commit", {**commit, "session": -1}),
        "beyond 2^53 − 1": ("ceremony-commit", {**commit, "session": 2**53}),
        "too short": ("ceremony-commit", {**commit, "commitment": "A" * 84}),
        "padding bits": ("ceremony-commit", {**commit, "commitment": "A" * 85 + "B=="}),
        "base64url": ("ceremony-commit", {**commit, "commitment": "_" * 86 + "=="}),
        "round 4": ("ceremony-restart", {**restart, "round": 4}),
        "nobody silent": ("ceremony-restart", {**restart, "silent": []}),
        "nobody left": ("ceremony-restart", {**restart, "participants": []}),
        "chunk beyond chunks": ("roll", {**chunk, "chunk": 2}),
        "too many chunks": ("roll", {**chunk, "chunks": 1_001}),
        "no keys": ("roll", {**chunk, "keys": []}),
        "keys not increasing": ("roll", {**chunk, "keys": chunk["keys"] * 2}),  # type: ignore[operator]  # a list
        "no answers": ("credential-issue", {"answers": [], "registration": 1}),
        "empty note": ("convening", {"checkpoint": "", "registration": 1}),
        "long note": ("convening", {"checkpoint": "x" * 16_001, "registration": 1}),
    }


@pytest.mark.parametrize("name", list(malformed_bodies()))
def test_a_malformed_body_is_no_entry(name: str) -> None:
    """Types, sizes and ranges that the text states as constants are ENT-01, before signer and phase."""
    kind, body = malformed_bodies()[name]
    stage = Stage.after("manifest")

    assert stage.log(signed_json(stage, STRANGER, kind, body)) == refused("ENT-01")


def test_large_indices_are_judged_by_what_they_name() -> None:
    """An index is any integer up to 2^53 − 1; that nothing has it is not a question of form."""
    stage = Stage.after("manifest")

    assert stage.post(stage.keys.trustees[0], "ceremony-commit", CeremonyCommit(bytes(64), 2**53 - 1)) == refused(
        "ENT-06"
    )


# ENT-03: a sitting that can go on ------------------------------------------------------------------------------------


@pytest.mark.parametrize("position", range(2, 76))
def test_nothing_has_effect_before_the_manifest(position: int) -> None:
    """Every entry of a whole sitting, judged as the first of a log or between the signatures of the manifest."""
    record, _ = replay(golden().entries[:1], golden().anchor)

    judgement = record.judge(golden().entries[position])
    assert said(judgement) == refused("ENT-03")


def test_a_second_manifest_has_no_effect() -> None:
    """Neither the same one by another key, nor another one."""
    stage = Stage.after("manifest")
    other = replace_manifest(stage.manifest, title="Another sitting")

    assert stage.post(stage.keys.presidium[2], "manifest", stage.manifest) == refused("ENT-03")
    assert stage.post(stage.keys.presidium[0], "manifest", other) == refused("ENT-03")


def test_nothing_has_effect_after_the_adjournment() -> None:
    """Every entry of the sitting, judged after its end."""
    record, _ = replay(golden().entries, golden().anchor)

    assert {said(record.judge(entry)) for entry in golden().entries} == {refused("ENT-03")}


def replace_manifest(manifest: Manifest, **changes: object) -> Manifest:
    """Return the manifest with these fields changed."""
    return msgspec.structs.replace(manifest, **changes)


# ENT-04 and ENT-05: who signs ----------------------------------------------------------------------------------------


def sample_bodies() -> dict[str, msgspec.Struct]:
    """Return a well-formed body of every signed kind."""
    zeros, note = bytes(32), "note"
    absent: dict[str, msgspec.Struct] = {
        "annul": Annulment(zeros, "reason"),
        "ceremony-complain": CeremonyComplain(1, zeros, bytes(64), 1),
        "ceremony-restart": CeremonyRestart((1, 2, 3), 0, 1, (4,)),
        "document": Document(1, 1, "text", zeros),
        "extension": Extension(5, zeros),
        "handover": Handover(zeros, 5, 1),
        "lapse": Lapse(note, zeros),
    }
    return {
        kind: absent.get(kind) or golden_bodies(kind)[0][1]
        for kind in SIGNERS
        if kind not in UNSIGNED and kind != "manifest"
    }


def role_keys(stage: Stage) -> dict[str, SigningKey]:
    """Return one key of every role, and a stranger's."""
    keys = stage.keys
    parties = {role: getattr(keys, role)[0] for role in ("presidium", "commission", "log", "promise")}
    others = {"registrar": keys.registrars[0], "trustee": keys.trustees[0], "witness": keys.witnesses[0]}
    delegate = golden().simulator.rehearsal.delegates[0].key
    return {**parties, **others, "delegate": delegate, "stranger": STRANGER}


@pytest.mark.attack("OP-03")
@pytest.mark.parametrize("kind", sorted(set(SIGNERS) - {"manifest"}))
def test_only_the_right_roles_sign(kind: str) -> None:
    """Each kind by a key of each role: ENT-04 exactly if the table does not name the role."""
    stage = Stage.after("convening")
    body = sample_bodies()[kind]
    for role, key in role_keys(stage).items():
        verdict = stage.post(key, kind, body)
        assert (verdict == refused("ENT-04")) == (role not in SIGNERS[kind]), (role, verdict)


@pytest.mark.parametrize("kind", sorted(set(SIGNERS) - {"manifest"}))
def test_a_false_signature_has_no_effect_and_blames_nobody(kind: str) -> None:
    """Over another sitting, by another key, or changed in one bit: whoever posted it, the named signer did not."""
    stage = Stage.after("convening")
    key = role_keys(stage)[SIGNERS[kind][0]]
    body = sample_bodies()[kind]
    entry = decode_entry(stage.entry(key, kind, body))
    scalar = int.from_bytes(entry.signature[32:], "little")
    forged = {
        "bit": bytes([entry.signature[0] ^ 1]) + entry.signature[1:],
        "scalar plus order": entry.signature[:32] + (scalar + ORDER).to_bytes(32, "little"),
        "zeros": bytes(64),
        "stranger": STRANGER.sign(signing_message(kind, stage.anchor, entry.body_bytes)),
        "other sitting": key.sign(signing_message(kind, bytes(32), entry.body_bytes)),
        "other kind": key.sign(signing_message("result", stage.anchor, entry.body_bytes + b" ")),
    }
    for name, signature in forged.items():
        forgery = encode_signed(kind, entry.body_bytes, entry.signer, signature)
        assert stage.log(forgery) == refused("ENT-05"), name


def test_the_fault_kinds_are_those_of_one_signer() -> None:
    """What several may post is never a fault; the list is the specification's."""
    assert set(FAULT_KINDS) == {
        "registrar-key",
        "ceremony-commit",
        "ceremony-reveal",
        "ceremony-shares",
        "ceremony-confirm",
        "ceremony-complain",
        "credential-request",
        "credential-issue",
        "consent",
        "decryption",
    }


# ENT-06: once, and in time -------------------------------------------------------------------------------------------


@pytest.mark.attack("SB-10")
def test_no_entry_of_a_sitting_has_effect_twice() -> None:
    """After each entry of a whole sitting, every one so far is judged again and does nothing."""
    record = SittingRecord(golden().anchor, fetch=lambda index: golden().entries[index])
    for number, entry in enumerate(golden().entries):
        record.append(entry)
        again = {record.judge(earlier) for earlier in golden().entries[: number + 1]}
        assert {judgement.outcome for judgement in again} <= {Outcome.NO_EFFECT, Outcome.EXCLUDED}


def test_an_entry_that_came_too_early_is_judged_afresh() -> None:
    """The bytes are refused before their time and have effect in it."""
    stage = Stage.after("manifest")
    reveal = golden_entries("ceremony-reveal")[0]

    assert stage.log(reveal) == refused("ENT-06")
    assert set(stage.log_all(golden_entries("ceremony-commit"))) == {EFFECT}
    assert stage.log(reveal) == EFFECT


def test_judging_any_entry_at_any_point_changes_nothing() -> None:
    """Every golden entry judged at every point of the sitting; the picture of the state stays."""
    entries = golden().entries
    for size in range(0, len(entries), 5):
        record, _ = replay(entries[:size], golden().anchor)
        before = picture(record.state)
        first = [record.judge(entry) for entry in entries]
        assert [record.judge(entry) for entry in entries] == first
        assert picture(record.state) == before
        assert len(record) == size


# Without an anchor ---------------------------------------------------------------------------------------------------


def test_without_an_anchor_the_first_manifest_that_completes_counts() -> None:
    """Signatures of two manifests, mixed; the one that is complete first founds the sitting."""
    stage = Stage()
    other = replace_manifest(stage.manifest, title="Another sitting")
    wanted = [(stage.keys.presidium[0], stage.manifest), (stage.keys.presidium[0], other)]
    wanted += [(stage.keys.presidium[2], other), (stage.keys.presidium[1], stage.manifest)]
    record, judgements = replay([sign_entry(key, "manifest", bytes(32), body) for key, body in wanted], None)

    assert [said(judgement) for judgement in judgements] == [COLLECTED, COLLECTED, EFFECT, refused("ENT-03")]
    assert record.state.manifest == other
    assert record.state.sitting_id != stage.anchor


# What the board may do -----------------------------------------------------------------------------------------------


class NoisyBoard(MemoryBoard):
    """An operator that logs junk before every entry, each entry twice, and everything so far now and then."""

    def submit(self, entries: Sequence[bytes], *, now: int) -> list[Promise | RefusalError]:
        """Admit as ever, with noise around it."""
        answers = []
        for entry in entries:
            self.force(b"junk %d" % len(self.entries))
            answers += super().submit([entry], now=now)
            self.force(entry)
            if len(self.entries) % 7 == 0:
                for old in self.entries[:3]:
                    self.force(old)
        return answers


class NoisySimulator(Simulator):
    """A simulator on such a board."""

    def _make_board(
        self, path: object, manifest: Manifest, log_key: SigningKey, promise_key: SigningKey
    ) -> MemoryBoard:
        self.board = NoisyBoard(manifest, log_key, promise_key)
        return self.board


@pytest.mark.attack("SB-10")
def test_junk_and_repetitions_fail_nothing() -> None:
    """A whole sitting on a board that logs noise around every entry comes to the same result, and nobody is blamed."""
    board = NoisySimulator().until_adjourned().board
    expected = golden().simulator.board.record.state.polls[1]
    poll = board.record.state.polls[1]

    assert board.record.state.adjourned
    assert board.record.state.failures == []
    assert poll.counts == expected.counts
    assert [msgspec.structs.replace(j, index=0) for j in board.judgements if j.outcome.stands] == [
        msgspec.structs.replace(j, index=0) for j in golden().judgements
    ]
    assert Outcome.FAULT not in {judgement.outcome for judgement in board.judgements}
