"""Registration: freezing roll and keys, requests, answers, the end; and a second registration after the first.

Source: SPEC.md#registration.
"""

from __future__ import annotations

import msgspec
import pytest

from secballot.protocol.registration import polls_per_request
from secballot.records.credential import Answer, CredentialIssue, CredentialRequest
from secballot.records.roll import Registration, RegistrationClose
from secballot.signing import SigningKey
from tests.record_stage import COLLECTED, EFFECT, Stage, fault, golden_bodies, golden_entries, refused
from tests.simulator import golden, with_plan

replace = msgspec.structs.replace
DELEGATES = [delegate.key for delegate in golden().simulator.rehearsal.delegates]


def act(stage: Stage, first_poll: int = 1, registration: int = 1) -> object:
    """Let the presidium register."""
    return stage.act("registration", Registration(first_poll, registration))


# The act -------------------------------------------------------------------------------------------------------------


def test_a_registration_freezes_roll_and_keys() -> None:
    """From then on the staged ones are those of the next registration."""
    stage = Stage.before("registration")
    staged = stage.state.staged

    assert act(stage) == EFFECT
    assert stage.state.registrations == [staged]
    assert (stage.state.staged.number, dict(stage.state.staged.roll), dict(stage.state.staged.keys)) == (2, {}, {})


def test_a_registration_before_the_ceremony_is_complete_has_no_effect() -> None:
    """REG-05; the completing signature is not collected, so the same bytes have effect when it fits."""
    stage = Stage(golden().entries[:17] + golden().entries[18:30])
    first, second = golden_entries("registration")

    assert stage.log_all([first, second]) == [COLLECTED, refused("REG-05")]
    assert stage.log(golden().entries[17]) == EFFECT
    assert stage.log_all([first, second]) == [refused("ENT-06"), EFFECT]


@pytest.mark.parametrize(("first_poll", "registration"), [(3, 1), (2**53 - 1, 1), (1, 2), (1, 2**53 - 1)])
def test_a_registration_of_other_numbers_has_no_effect(first_poll: int, registration: int) -> None:
    """REG-05: no such poll, or not the next registration."""
    stage = Stage.before("registration")

    assert act(stage, first_poll, registration) == refused("REG-05")
    assert act(stage) == EFFECT


@pytest.mark.parametrize("missing", range(18, 30))
def test_a_registration_needs_every_chunk_and_every_key(missing: int) -> None:
    """REG-05 without any one signature of the roll or any one registrar key; then the missing one comes."""
    entries = golden().entries
    stage = Stage(entries[:missing] + entries[missing + 1 : 30])

    assert act(stage) == refused("REG-05")
    assert stage.log(entries[missing]) == EFFECT
    assert stage.post(stage.presidium[1], "registration", Registration(1, 1)) == EFFECT


def test_keys_of_polls_before_the_first_are_not_needed() -> None:
    """A registration from poll 2 on does without the keys of poll 1."""
    bodies = golden_bodies("registrar-key")
    later = [e for e, (_, b) in zip(golden_entries("registrar-key"), bodies, strict=True) if b.poll == 2]  # type: ignore[attr-defined]  # registrar keys
    stage = Stage.after("roll")
    stage.log_all(later)

    assert act(stage, 1) == refused("REG-05")
    assert act(stage, 2) == EFFECT


def test_a_registration_needs_as_many_chunks_as_the_roll_has() -> None:
    """REG-05 while one is missing, even if nobody's key is; with it, all are frozen."""
    stage = Stage.before("roll")
    commission = stage.keys.commission
    chunks = [body for signer, body in golden_bodies("roll") if signer == commission[0].verify_key.encode()]
    last = replace(chunks[0], chunk=3, chunks=3, keys=(SigningKey(bytes(32)).verify_key.encode(),))
    for body in chunks:
        assert stage.act("roll", replace(body, chunks=3), commission) == EFFECT
    stage.log_all(golden_entries("registrar-key"))

    assert act(stage) == refused("REG-05")
    assert stage.act("roll", last, commission) == EFFECT
    assert stage.post(stage.presidium[1], "registration", Registration(1, 1)) == EFFECT
    assert len(stage.state.registrations[0].roll) == 9


@pytest.mark.attack("SB-08")
def test_a_class_without_anybody_cannot_be_frozen() -> None:
    """REG-05, also where the floor is a single ballot."""
    classes = tuple(replace(held, weight=1) for held in golden().simulator.board.manifest.classes)

    assert frozen_with((3, 0), classes, minimum_ballots=1) == refused("REG-05")


def rolls_too_small() -> dict[str, tuple[tuple[int, ...], tuple[int, int]]]:
    """Return per case the class sizes, and the weights, that break a privacy floor of 2."""
    return {
        "class below the floor": ((4, 1), (2, 1)),
        "group below twice the floor": ((4, 3), (2, 1)),
        "one group below twice the floor": ((2, 1), (1, 1)),
    }


@pytest.mark.attack("SB-08")
@pytest.mark.parametrize("name", list(rolls_too_small()))
def test_a_roll_below_the_privacy_floor_cannot_be_frozen(name: str) -> None:
    """REG-05: weighted totals would show what few people voted."""
    sizes, weights = rolls_too_small()[name]
    classes = tuple(
        replace(held, weight=weight)
        for held, weight in zip(golden().simulator.board.manifest.classes, weights, strict=True)
    )
    assert frozen_with(sizes, classes) == refused("REG-05")


@pytest.mark.attack("SB-08")
def test_classes_of_one_weight_are_a_group() -> None:
    """Two and two of one weight are together twice the floor."""
    classes = tuple(replace(held, weight=1) for held in golden().simulator.board.manifest.classes)

    assert frozen_with((2, 2), classes) == EFFECT


def frozen_with(sizes: tuple[int, ...], classes: tuple[object, ...], **changes: object) -> object:
    """Return what a registration does with a roll of these sizes; one poll, everything else in order."""
    simulator = with_plan(classes=classes, delegates=sizes, polls=1, **changes).until_ceremony()
    rehearsal = simulator.rehearsal
    rehearsal.enrol()
    for member in rehearsal.commission:
        member.sign_roll(rehearsal.roll)
    for registrar in rehearsal.registrars:
        registrar.post_keys()
    return act(Stage(simulator.board.entries, simulator))


# Requests ------------------------------------------------------------------------------------------------------------


def request_body(number: int) -> CredentialRequest:
    """Return the request of a delegate of the golden sitting, 0..7; the first four are of class 1."""
    return golden_bodies("credential-request")[number][1]  # type: ignore[return-value]  # of that kind


def request(stage: Stage, number: int, **changes: object) -> object:
    """Post a delegate's request with these changes."""
    return stage.post(DELEGATES[number], "credential-request", replace(request_body(number), **changes))


def test_a_request_covers_all_polls_that_fit() -> None:
    """Two polls in one entry."""
    stage = Stage.after("registration")

    assert request(stage, 0) == EFFECT
    (held,) = stage.state.registrations[0].requests.values()
    assert (held.key, held.class_index, held.first_poll, held.polls) == (DELEGATES[0].verify_key.encode(), 1, 1, 2)


@pytest.mark.parametrize(
    "change",
    [{"registration": 2}, {"first_poll": 2}, {"first_poll": 3}, {"first_poll": 2**53 - 1}, {"registration": 2**53 - 1}],
)
def test_a_request_out_of_order_is_out_of_phase(change: dict[str, int]) -> None:
    """Another registration, or not the key's next poll: ENT-06, and the delegate is not blamed."""
    stage = Stage.after("registration")

    assert request(stage, 0, **change) == refused("ENT-06")
    assert request(stage, 0) == EFFECT


def test_a_request_beyond_the_last_poll_is_out_of_phase() -> None:
    """Whoever has requested every poll has no next one."""
    stage = Stage.after("registration")
    assert request(stage, 0) == EFFECT

    assert request(stage, 0, first_poll=3) == refused("ENT-06")
    assert request(stage, 0, first_poll=3, blinded=()) == refused("ENT-06")


def wrong_requests() -> dict[str, tuple[bytes, ...]]:
    """Return blinded messages of which each breaks one rule of REG-06."""
    first, second = request_body(0).blinded
    modulus = int.from_bytes(golden_bodies("registrar-key")[0][1].modulus, "big")  # type: ignore[attr-defined]  # a registrar key

    def value(number: int) -> tuple[bytes, ...]:
        return (number.to_bytes(384, "big") + first[384:], second)

    return {
        "one poll too few": (first,),
        "one poll too many": (first, second, second),
        "none": (),
        "one registrar too few": (first[:384], second),
        "one registrar too many": (first + first[:384], second),
        "empty item": (first, b""),
        "zero": value(0),
        "one": value(1),
        "modulus": value(modulus),
        "modulus less one": value(modulus - 1),
        "above the modulus": value(2**3072 - 1),
    }


@pytest.mark.parametrize("name", list(wrong_requests()))
def test_a_wrong_request_is_the_delegates_fault(name: str) -> None:
    """REG-06; the key may still request what is right."""
    stage = Stage.after("registration")

    assert request(stage, 0, blinded=wrong_requests()[name]) == fault("REG-06", "delegate")
    assert request(stage, 0) == EFFECT


def test_a_second_request_is_a_fault_and_a_repetition_is_none() -> None:
    """REG-06 for other content of a poll requested already, also from the middle of the first request."""
    stage = Stage.after("registration")
    assert request(stage, 0) == EFFECT
    first, second = request_body(1).blinded

    assert request(stage, 0) == refused("ENT-06")
    assert request(stage, 0, blinded=(first, second)) == fault("REG-06", "delegate")
    assert request(stage, 0, blinded=()) == fault("REG-06", "delegate")
    assert request(stage, 0, first_poll=2, blinded=(second,)) == fault("REG-06", "delegate")
    assert len(stage.state.registrations[0].requests) == 1


def test_only_keys_on_the_frozen_roll_request() -> None:
    """ENT-04: before the registration, and for a key that the commission did not list."""
    assert request(Stage.before("registration"), 0) == refused("ENT-04")

    stage = Stage.after("registration")
    for key in (stage.keys.trustees[0], stage.keys.registrars[0]):
        assert stage.post(key, "credential-request", request_body(0)) == refused("ENT-04")


def test_no_request_after_the_close() -> None:
    """ENT-06, be it new, a repetition or a second content."""
    stage = Stage.before("credential-issue")
    late = Stage(golden().entries[:39] + golden().entries[40:42])

    assert request(late, 7) == refused("ENT-06")
    assert request(stage, 0) == refused("ENT-06")
    assert request(stage, 0, blinded=()) == refused("ENT-06")


def test_many_polls_take_as_few_requests_as_fit() -> None:
    """With two registrars M is 62: 63 polls take two entries, the second beginning at poll 63."""
    assert polls_per_request(2) == 62
    assert [polls_per_request(count) for count in (1, 3, 15)] == [124, 41, 8]


# Issues --------------------------------------------------------------------------------------------------------------


def issue_body(registrar: int) -> CredentialIssue:
    """Return a registrar's answers of the golden sitting, registrar 1 or 2."""
    return golden_bodies("credential-issue")[registrar - 1][1]  # type: ignore[return-value]  # of that kind


def issue(stage: Stage, registrar: int, answers: tuple[Answer, ...], *, registration: int = 1) -> object:
    """Post a registrar's answers."""
    return stage.post(stage.keys.registrars[registrar - 1], "credential-issue", CredentialIssue(answers, registration))


def test_answers_may_come_in_any_batches() -> None:
    """One by one and all the rest at once; a request is answered when every registrar has."""
    stage = Stage.before("credential-issue")
    answers = issue_body(1).answers

    assert issue(stage, 1, answers[3:4]) == EFFECT
    assert issue(stage, 1, answers[:3] + answers[4:]) == EFFECT
    assert stage.state.registrations[0].answered(1) == {}
    assert issue(stage, 2, issue_body(2).answers) == EFFECT
    assert stage.state.registrations[0].answered(1) == {1: 4, 2: 4}
    assert stage.state.registrations[0].answered(3) == {}


def test_an_answer_to_nothing_is_out_of_phase() -> None:
    """ENT-06: an unknown request, another registration, one request twice, one answered already."""
    stage = Stage.before("credential-issue")
    answers = issue_body(1).answers
    unknown = replace(answers[0], request=bytes(32))

    assert issue(stage, 1, (unknown,)) == refused("ENT-06")
    assert issue(stage, 1, (*answers, unknown)) == refused("ENT-06")
    assert issue(stage, 1, answers, registration=2) == refused("ENT-06")
    assert issue(stage, 1, (answers[0], answers[0])) == refused("ENT-06")
    assert issue(stage, 1, answers[:1]) == EFFECT
    assert issue(stage, 1, answers) == refused("ENT-06")
    assert issue(stage, 1, (replace(answers[0], signatures=bytes(768)),)) == refused("ENT-06")
    assert issue(stage, 1, answers[1:]) == EFFECT


def wrong_answers() -> dict[str, bytes]:
    """Return signatures that do not answer the first request."""
    right = issue_body(1).answers[0].signatures
    modulus = int.from_bytes(golden_bodies("registrar-key")[0][1].modulus, "big")  # type: ignore[attr-defined]  # a registrar key
    lifted = int.from_bytes(right[:384], "big") + modulus
    return {
        "zeros": bytes(768),
        "one bit": right[:-1] + bytes([right[-1] ^ 1]),
        "polls swapped": right[384:] + right[:384],
        "another request's": issue_body(1).answers[1].signatures,
        "another registrar's": issue_body(2).answers[0].signatures,
        "one poll too few": right[:384],
        "one poll too many": right + right[:384],
        "none": b"",
        "out of range": (lifted % 2**3072).to_bytes(384, "big") + right[384:],
    }


@pytest.mark.parametrize("name", list(wrong_answers()))
def test_a_wrong_answer_is_the_registrars_fault(name: str) -> None:
    """REG-07, and none of the batch counts, however right the others are."""
    stage = Stage.before("credential-issue")
    answers = issue_body(1).answers
    wrong = replace(answers[0], signatures=wrong_answers()[name])

    assert issue(stage, 1, (*answers[1:], wrong)) == fault("REG-07", "registrar 1")
    assert issue(stage, 1, answers) == EFFECT


def test_a_request_can_be_answered_before_the_close() -> None:
    """Answers need not wait; the registration ends with the close if everything is answered by then."""
    stage = Stage(golden().entries[:40])
    for registrar in (1, 2):
        assert issue(stage, registrar, issue_body(registrar).answers) == EFFECT
    assert stage.state.registrations[0].end is None

    assert stage.act("registration-close", RegistrationClose(1)) == EFFECT
    assert stage.state.registrations[0].end == len(stage.entries)


def test_the_registration_ends_with_the_last_answer() -> None:
    """`end` is the log's size then; junk behind it changes nothing."""
    stage = Stage.before("credential-issue")
    assert issue(stage, 2, issue_body(2).answers) == EFFECT
    stage.log(b"junk")
    assert issue(stage, 1, issue_body(1).answers[1:]) == EFFECT
    assert stage.state.registrations[0].end is None

    assert issue(stage, 1, issue_body(1).answers[:1]) == EFFECT
    end = stage.state.registrations[0].end
    stage.log(b"junk")
    assert end == len(stage.entries) - 1 == stage.state.registrations[0].end


def test_a_registration_that_nobody_used_ends_with_its_close() -> None:
    """No request, nothing to answer."""
    stage = Stage.after("registration")

    assert stage.act("registration-close", RegistrationClose(1)) == EFFECT
    assert stage.state.registrations[0].end == len(stage.entries)


def test_a_close_of_another_registration_has_no_effect() -> None:
    """REG-08 before there is one and for one to come; ENT-06 once it is closed."""
    before = Stage.before("registration")
    assert before.act("registration-close", RegistrationClose(1)) == refused("REG-08")

    stage = Stage.after("registration")
    assert stage.act("registration-close", RegistrationClose(2)) == refused("REG-08")
    assert stage.act("registration-close", RegistrationClose(1)) == EFFECT
    assert stage.post(stage.keys.presidium[2], "registration-close", RegistrationClose(1)) == refused("ENT-06")
