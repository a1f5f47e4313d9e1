"""Consents, the convening that rests on them, and the checkpoint that it embeds.

Source: SPEC.md#convening, SPEC.md#embedded-checkpoints.
"""

from __future__ import annotations

import msgspec
import pytest

from secballot.board.checkpoint import Checkpoint, sign_checkpoint
from secballot.board.cosignature import Ed25519Cosigner
from secballot.board.merkle import leaf_hash, root_of
from secballot.board.note import Ed25519Signer, Note, SignatureLine
from secballot.protocol.registration import make_registrar_key
from secballot.records.convening import Consent, Convening
from secballot.records.roll import Registration, RegistrationClose, RollChunk
from tests.ceremony_stage import ROUNDS, CeremonyStage
from tests.record_stage import COLLECTED, EFFECT, NOW, Stage, fault, golden_bodies, golden_entries, refused, trimmed
from tests.registrar_keys import test_key as published_key
from tests.simulator import Witness, cosigned_head, golden

replace = msgspec.structs.replace


# Consents ------------------------------------------------------------------------------------------------------------


def consent_body() -> Consent:
    """Return the consent of the golden sitting, the same for everyone."""
    (_, body), *_ = golden_bodies("consent")
    assert isinstance(body, Consent)
    return body


def test_every_registrar_and_trustee_consents_once() -> None:
    """The same body is a repetition afterwards."""
    stage = Stage.before("consent")
    everyone = [*stage.keys.registrars, *stage.keys.trustees]

    assert {stage.post(key, "consent", consent_body()) for key in everyone} == {EFFECT}
    assert {stage.post(key, "consent", consent_body()) for key in everyone} == {refused("ENT-06")}


def wrong_consents() -> dict[str, dict[str, object]]:
    """Return consents to another log or key than this one."""
    body = consent_body()
    return {
        "another key": {"joint_key": golden().simulator.board.manifest.trustees.keys[0]},
        "no key": {"joint_key": bytes(32)},
        "another root": {"root": bytes(32)},
        "a size before": {"size": body.size - 1},
        "a size behind": {"size": body.size + 1},
        "no size": {"size": 0},
        "a size beyond any log": {"size": 2**53 - 1},
    }


@pytest.mark.attack("DK-10")
@pytest.mark.parametrize("name", list(wrong_consents()))
def test_a_consent_to_another_log_or_key_is_a_fault(name: str) -> None:
    """CON-01 names who saw something else; it may still consent to what is there."""
    stage = Stage.before("consent")
    wrong = replace(consent_body(), **wrong_consents()[name])

    assert stage.post(stage.keys.trustees[2], "consent", wrong) == fault("CON-01", "trustee 3")
    assert stage.post(stage.keys.registrars[1], "consent", wrong) == fault("CON-01", "registrar 2")
    assert stage.post(stage.keys.trustees[2], "consent", consent_body()) == EFFECT


def test_a_consent_to_a_size_behind_the_end_is_a_fault_with_its_true_root() -> None:
    """The prefix is the one where the registration ended, not any true one."""
    stage = Stage.before("consent")
    stage.log(b"junk")
    size = len(stage.entries)
    body = replace(consent_body(), size=size, root=stage.state.history.root(size))

    assert stage.post(stage.keys.trustees[0], "consent", body) == fault("CON-01", "trustee 1")
    assert stage.post(stage.keys.trustees[0], "consent", consent_body()) == EFFECT


def test_a_second_consent_is_a_fault() -> None:
    """CON-01, and the first stands."""
    stage = Stage.after("consent")
    second = replace(consent_body(), root=bytes(32))

    assert stage.post(stage.keys.registrars[0], "consent", second) == fault("CON-01", "registrar 1")
    assert len(stage.state.registrations[0].consents) == 6


@pytest.mark.parametrize("registration", [2, 2**53 - 1])
def test_a_consent_to_another_registration_is_out_of_phase(registration: int) -> None:
    """There is no such registration."""
    stage = Stage.before("consent")
    body = replace(consent_body(), registration=registration)

    assert stage.post(stage.keys.trustees[0], "consent", body) == refused("ENT-06")


def test_a_consent_before_the_end_or_after_the_convening_is_out_of_phase() -> None:
    """While an answer is missing, requests are open, or the registration is convened."""
    for size in (40, 42, 43, 52):
        stage = Stage(golden().entries[:size])
        body = replace(consent_body(), root=bytes(32))
        assert stage.post(stage.keys.trustees[0], "consent", body) == refused("ENT-06"), size


def test_a_trustee_that_took_no_part_consents_to_nothing() -> None:
    """Blamed in session 1, it is no participant of the ceremony that made the key."""
    stage = CeremonyStage.begin(polls=1)
    stage.play("ceremony-commit", without=4)
    stage.act("ceremony-restart", stage.restart((4,)))
    stage.play(*ROUNDS)
    finish_registration(stage)
    body = own_consent(stage)

    assert stage.post(stage.keys.trustees[3], "consent", body) == refused("ENT-06")
    others = [*stage.keys.registrars, *stage.keys.trustees[:3]]
    assert {stage.post(key, "consent", body) for key in others} == {EFFECT}
    assert stage.act("convening", Convening(stage.note(), 1)) == EFFECT


def finish_registration(stage: CeremonyStage) -> None:
    """Let everyone register for one poll, and close before anybody has requested anything."""
    roll = {class_index: RollChunk(class_index, 2, class_index, keys_of(class_index), 1) for class_index in (1, 2)}
    for chunk in roll.values():
        assert stage.act("roll", chunk, stage.keys.commission) == EFFECT
    for number, (registrar, class_index) in enumerate(((1, 1), (1, 2), (2, 1), (2, 2))):
        body = make_registrar_key(stage.anchor, registrar, 1, 1, class_index, published_key(number))
        assert stage.post(stage.keys.registrars[registrar - 1], "registrar-key", body) == EFFECT
    assert stage.act("registration", Registration(1, 1)) == EFFECT
    assert stage.act("registration-close", RegistrationClose(1)) == EFFECT


def keys_of(class_index: int) -> tuple[bytes, ...]:
    """Return the golden roll keys of a class."""
    return next(body.keys for _, body in golden_bodies("roll") if body.class_index == class_index)  # type: ignore[attr-defined]  # roll chunks


def own_consent(stage: Stage) -> Consent:
    """Return the right consent."""
    (*_, registration), ceremony = stage.state.registrations, stage.state.ceremony
    assert registration.end is not None
    assert ceremony is not None
    assert ceremony.joint_key is not None
    root = stage.state.history.root(registration.end)
    return Consent(ceremony.joint_key.encode(), registration.number, root, registration.end)


# The convening -------------------------------------------------------------------------------------------------------


def convene(stage: Stage, note: str | None = None, registration: int = 1) -> object:
    """Let the presidium convene on a note (the newest head by default)."""
    return stage.act("convening", Convening(stage.note() if note is None else note, registration))


def test_a_convening_on_every_consent_takes_effect() -> None:
    """Its hash is what openings name."""
    stage = Stage.after("consent")

    assert convene(stage) == EFFECT
    assert stage.state.registrations[0].convening is not None
    assert stage.post(stage.keys.presidium[2], "convening", Convening(stage.note(), 1)) == refused("ENT-06")


@pytest.mark.attack("DK-09")
def test_the_checkpoint_covers_every_registrar_and_enough_trustees() -> None:
    """CON-02 one consent short of the registrars or of the minimum of three trustees; with exactly those it fits."""
    for missing, expected in (
        ((0,), refused("CON-02")),
        ((1,), refused("CON-02")),
        ((3, 5), refused("CON-02")),
        ((3,), EFFECT),
        ((), EFFECT),
    ):
        stage = Stage.before("consent")
        kept = [entry for at, entry in enumerate(golden_entries("consent")) if at not in missing]
        assert set(stage.log_all(kept)) == {EFFECT}
        assert convene(stage) == expected, missing


def test_consents_behind_the_checkpoint_do_not_count() -> None:
    """The last needed one stands just behind it; with the next head the convening fits."""
    stage = Stage.before("consent")
    consents = golden_entries("consent")
    assert set(stage.log_all(consents[:4])) == {EFFECT}
    early = stage.note()
    assert stage.log(consents[4]) == EFFECT

    assert convene(stage, early) == refused("CON-02")
    assert convene(stage) == EFFECT


def test_a_convening_that_does_not_fit_yet_is_judged_afresh() -> None:
    """The completing signature is not collected; the same bytes complete the act when it fits."""
    stage = Stage.before("credential-issue")
    first, second = (stage.entry(key, "convening", Convening(stage.note(), 2)) for key in stage.presidium)
    assert stage.log(first) == COLLECTED

    assert stage.log_all([second, second]) == [refused("CON-02")] * 2
    assert stage.log(first) == refused("ENT-06")


@pytest.mark.attack("CR-16")
def test_a_convening_before_the_end_has_no_effect() -> None:
    """CON-02, and for a registration to come."""
    assert convene(Stage.before("credential-issue")) == refused("CON-02")
    assert convene(Stage.before("registration")) == refused("CON-02")
    assert convene(Stage.after("consent"), registration=2) == refused("CON-02")


# The embedded checkpoint ---------------------------------------------------------------------------------------------


def replace_time(line: SignatureLine, witness: Witness, text: str, time: int) -> SignatureLine:
    """Return a witness's line with a time that no honest witness signs."""
    signature = witness.key.sign(f"cosignature/v1\ntime {time}\n{text}".encode())
    return SignatureLine(line.name, line.key_id, time.to_bytes(8, "big") + signature)


def bad_notes(stage: Stage) -> dict[str, str]:
    """Return notes that are no checkpoint of this log in the one spelling that entries embed."""
    full = Note.decode(stage.head())
    log, one, two, three, four = full.signatures
    origin, witnesses, key = stage.manifest.log.origin, stage.witnesses, stage.keys.log[0]
    leaves = [leaf_hash(entry) for entry in stage.entries]
    stranger = Witness(witnesses[0].name, stage.keys.commission[0])

    def note(*lines: object) -> str:
        return Note(full.text, lines).encode().decode()  # type: ignore[arg-type]  # signature lines

    def head(**changes: object) -> str:
        parts = {"origin": origin, "key": key, "leaves": leaves, "witnesses": witnesses[:3], **changes}
        return cosigned_head(
            parts["origin"],  # type: ignore[arg-type]  # a name
            parts["key"],  # type: ignore[arg-type]  # a key
            parts["leaves"],  # type: ignore[arg-type]  # hashes
            parts["witnesses"],  # type: ignore[arg-type]  # witnesses
            NOW,
        ).decode()

    extended = full.text + "more\n"
    extended_note = Note(
        extended,
        (
            Ed25519Signer(origin, key).sign(extended),
            *(Ed25519Cosigner(w.name, w.key).cosign(extended, NOW) for w in witnesses[:3]),
        ),
    )
    return {
        "junk": "junk",
        "no signature": full.text,
        "no cosignature": note(log),
        "one too few": note(log, one, two),
        "one too many": note(log, one, two, three, four),
        "spoilt line": note(log, one, two, SignatureLine(three.name, three.key_id, three.signature[::-1])),
        "wrong order": note(log, two, one, three),
        "log last": note(one, two, three, log),
        "witness twice": note(log, one, one, two),
        "without the log": note(one, two, three, four),
        "log twice": note(log, log, one, two),
        "foreign log key": head(key=stage.keys.commission[0]),
        "successor's key": head(key=stage.keys.log[1]),
        "foreign origin": head(origin=f"board.example/{'0' * 32}"),
        "false witness": head(witnesses=[stranger, *witnesses[1:3]]),
        "unknown witness": head(witnesses=[*witnesses[:2], Witness("witness-9.example", stage.keys.commission[0])]),
        "far beyond the log": head(leaves=[*leaves, bytes(32), bytes(32)]),
        "no entries": head(leaves=[]),
        "extension line": extended_note.encode().decode(),
        "time zero": note(log, replace_time(one, witnesses[0], full.text, 0), two, three),
        "time beyond": trimmed(stage.head(now=2**53), 4),
        "no final newline": stage.note()[:-1],
        "another line end": stage.note().replace("\n", "\r\n"),
        "more behind": stage.note() + "\n",
        "size with a zero": stage.note().replace(f"\n{len(leaves)}\n", f"\n0{len(leaves)}\n", 1),
    }


@pytest.mark.parametrize("name", list(bad_notes(Stage.after("consent"))))
def test_a_note_in_another_form_has_no_effect(name: str) -> None:
    """LOG-03; neither fault nor failure of the record, and a good note convenes afterwards."""
    stage = Stage.after("consent")

    assert convene(stage, bad_notes(stage)[name]) == refused("LOG-03")
    assert stage.state.failures == []
    assert convene(stage) == EFFECT


@pytest.mark.parametrize("chosen", [(0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3)])
def test_any_quorum_in_manifest_order_is_good(chosen: tuple[int, ...]) -> None:
    """Which three of the four witnesses signed does not matter."""
    stage = Stage.after("consent")
    full = Note.decode(stage.head())
    lines = [full.signatures[0], *(full.signatures[1 + at] for at in chosen)]

    assert convene(stage, Note(full.text, tuple(lines)).encode().decode()) == EFFECT


def test_a_checkpoint_may_cover_everything_before_its_own_entry() -> None:
    """Its size is at most the completing entry's index: it may cover the first signature, never the second."""
    stage = Stage.after("consent")
    whole = stage.note()
    body = Convening(whole, 1)
    assert stage.post(stage.presidium[0], "convening", body) == COLLECTED
    assert stage.post(stage.presidium[1], "convening", body) == EFFECT


def test_a_note_over_the_first_signature_itself_comes_too_early_for_it_alone() -> None:
    """The first signer's entry is judged when it completes, so the note may be newer than the first entry."""
    stage = Stage.after("consent")
    leaves = [leaf_hash(entry) for entry in stage.entries]
    future = Checkpoint(stage.manifest.log.origin, len(leaves) + 1, root_of([*leaves, leaf_hash(b"junk")]))
    note = sign_checkpoint(future, [Ed25519Signer(stage.manifest.log.origin, stage.keys.log[0])])
    lines = [Ed25519Cosigner(w.name, w.key).cosign(note.text, NOW) for w in stage.witnesses[:3]]
    body = Convening(Note(note.text, (*note.signatures, *lines)).encode().decode(), 1)

    stage.log(b"junk")
    assert stage.post(stage.presidium[0], "convening", body) == COLLECTED
    assert stage.post(stage.presidium[1], "convening", body) == EFFECT


@pytest.mark.parametrize("size", [1, 30, 50])
def test_a_witnessed_root_of_another_log_fails_the_record(size: int) -> None:
    """LOG-04: the entry has no effect, and the note is the evidence that the log was split."""
    stage = Stage.after("consent")
    note = stage.forked_note(size)

    assert convene(stage, note) == refused("LOG-04")
    (failure,) = stage.state.failures
    assert (failure.check, failure.index, failure.evidence.decode()) == ("LOG-04", len(stage.entries) - 1, note)
    assert stage.checker.fails == [("LOG-04", len(stage.entries) - 1)]
    assert convene(stage) == EFFECT
    assert len(stage.state.failures) == 1


def test_an_unsigned_claim_of_another_log_fails_nothing() -> None:
    """Without the log's key, or without the witnesses, anybody could write such a note."""
    stage = Stage.after("consent")
    note = Note.decode(stage.forked_note(30).encode())
    for lines in (note.signatures[:3], note.signatures[1:]):
        assert convene(stage, Note(note.text, lines).encode().decode()) == refused("LOG-03")
    assert stage.state.failures == []


def test_the_note_is_examined_only_when_the_act_is_complete() -> None:
    """A single signature over a split view is collected like any other, and shows nothing yet."""
    stage = Stage.after("consent")

    assert stage.post(stage.presidium[0], "convening", Convening(stage.forked_note(30), 1)) == COLLECTED
    assert stage.state.failures == []
