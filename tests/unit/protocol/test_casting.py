"""Sealing, casting and opening a ballot: bytes as the specification derives them, one way, and nothing told twice."""

from __future__ import annotations

import copy
import gc
import hashlib
import pickle
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import secballot
from secballot.encoding import encode_u64
from secballot.errors import PhaseError, RefusalError
from secballot.group import ORDER, Scalars, vartime_multiply, vartime_multiply_base
from secballot.protocol import ballot_encryption
from secballot.protocol.ballots import ballot_fields, check_ballot
from secballot.protocol.casting import SealedBallot, check_tag, seal
from secballot.records.ballot import BALLOT, Ballot
from secballot.records.entry import encode_unsigned
from secballot.transcript import challenge
from tests.sealed_ballots import (
    ONE_OF_THREE,
    SCORES,
    TAGS,
    credential_secret,
    make_context,
    make_credential,
    never_known,
    seal_sample,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

CONTEXT = make_context(ONE_OF_THREE, SCORES)
CHOICES = ((0, 1, 0), (2, 1))
ALL_CHOICES = [
    (first, (a, b))
    for first in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))
    for a in range(3)
    for b in range(4)
    if 1 <= a + b <= 4
]


# --- tags


@pytest.mark.parametrize("tag", [*TAGS, "1126354261", "6655112343"])
def test_a_tag_of_thrown_dice_is_taken(tag: str) -> None:
    """Ten digits without a pattern pass."""
    check_tag(tag)


@pytest.mark.parametrize(
    "tag",
    [
        *("1111111111", "6666666666"),
        *("1212121212", "1231231231", "1643164316", "3164231642"),
        *("1234561234", "6543216543", "1357135713", "1531531531"),
        *("1122334455", "1234554321", "1112223334", "5544332211"),
        *("1221221121", "6116661611"),
        *("", "316422516", "31642251633", "3164225160", "3164225167", "316422516a", "\uff13164225163", "3164225163\n"),
    ],
)
def test_a_trivial_or_malformed_tag_is_refused(tag: str) -> None:
    """Patterns that two people may both think of are refused, and so is anything but ten digits 1 to 6."""
    with pytest.raises(RefusalError):
        check_tag(tag)
    with pytest.raises(RefusalError):
        seal_sample(CONTEXT, CHOICES, tag=tag)


def test_few_thrown_tags_are_refused() -> None:
    """Fewer than 3 in 1,000 of ten thrown digits count as a pattern."""
    refused = 0
    for number in range(20_000):
        thrown = hashlib.sha256(b"dice %d" % number).digest()
        try:
            check_tag("".join(str(1 + byte % 6) for byte in thrown[:10]))
        except RefusalError:
            refused += 1
    assert 0 < refused < 60


# --- choices


@pytest.mark.parametrize(
    "choices",
    [
        (),
        ((0, 1, 0),),
        ((0, 1, 0), (2, 1), (0, 1)),
        ((0, 1), (2, 1)),
        ((0, 1, 0, 0), (2, 1)),
        ((1, 1, 0), (2, 1)),
        ((2, 0, 0), (2, 1)),
        ((1, -1, 0), (2, 1)),
        ((0, 1, 0), (0, 0)),
        ((0, 1, 0), (2, 3)),
        ((0, 1, 0), (3, 0)),
    ],
)
def test_choices_outside_the_limits_are_refused_without_repeating_them(choices: tuple[tuple[int, ...], ...]) -> None:
    """An overvote, a missing contest or a negative value is never sealed, and the message tells limits only."""
    with pytest.raises(RefusalError) as caught:
        seal_sample(CONTEXT, choices)
    assert str(choices) not in str(caught.value)


def test_a_class_without_contests_seals_nothing() -> None:
    """There is nothing to vote on, so there is no ballot."""
    with pytest.raises(RefusalError):
        seal_sample(make_context(SCORES), (), class_index=2)


def test_another_secret_than_the_credentials_seals_nothing() -> None:
    """A ballot that could not be accepted is not sealed."""
    with pytest.raises(RefusalError):
        seal(
            CONTEXT,
            make_credential(CONTEXT),
            credential_secret(2),
            CHOICES,
            sequence=0,
            previous=bytes(32),
            tag=TAGS[0],
            seed=bytes(32),
            fresh=bytes(32),
        )


@pytest.mark.parametrize("short", ["seed", "fresh", "previous"])
def test_randomness_of_another_size_is_a_bug_of_the_caller(short: str) -> None:
    """Seed, fresh and previous have 32 bytes each."""
    sizes = {"seed": bytes(32), "fresh": bytes(32), "previous": bytes(32), short: bytes(31)}
    with pytest.raises(ValueError, match="32 bytes"):
        seal(CONTEXT, make_credential(CONTEXT), credential_secret(1), CHOICES, sequence=0, tag=TAGS[0], **sizes)


# --- the bytes


def spec_hash(label: str, *fields: bytes | int | str) -> bytes:
    """Return H(label, …), written from the specification alone."""
    data = b"secballot/v1" + encode_u64(len(label)) + label.encode()
    for field in fields:
        part = field if isinstance(field, bytes) else encode_u64(field) if isinstance(field, int) else field.encode()
        data += encode_u64(len(part)) + part
    return hashlib.sha512(data).digest()


def wide(data: bytes) -> int:
    """Return 64 bytes as a scalar."""
    return int.from_bytes(data, "little") % ORDER


def test_every_byte_is_what_the_specification_derives() -> None:
    """Ciphertexts, commitments, T, challenges, responses and z follow from seed, fresh bytes and s as SPEC.md says."""
    ballot = seal_sample(CONTEXT, CHOICES).cast()
    seed, fresh = hashlib.sha256(b"seed").digest(), hashlib.sha256(b"fresh").digest()
    S, tag, flat = ballot.credential, TAGS[0], b"".join(encode_u64(v) for contest in CHOICES for v in contest)
    root = spec_hash("ballot-root", seed, CONTEXT.ctx, S, 0, bytes(32), tag, flat)

    def scalar(role: str, *place: int) -> int:
        return wide(spec_hash("ballot-scalar", root, role, *place))

    def encrypt(value: int, r: int) -> bytes:
        rY = vartime_multiply(CONTEXT.joint_key, [r % ORDER])
        return vartime_multiply_base([r % ORDER]).encode() + (rY + vartime_multiply_base([value % ORDER])).encode()

    strings: list[tuple[bytes, bytes, bytes]] = []
    proofs: list[list[tuple[int, int, range, int]]] = []
    for a, (shape, chosen) in enumerate(zip((ONE_OF_THREE, SCORES), CHOICES, strict=True), start=1):
        randomness = [scalar("encrypt", a, i, 0) for i in range(1, len(chosen) + 1)]
        ciphertexts = b"".join(encrypt(v, r) for v, r in zip(chosen, randomness, strict=True))
        parts = [
            (i, v, range(x + 1), r)
            for i, (v, x, r) in enumerate(zip(chosen, shape.options, randomness, strict=True), 1)
        ]
        parts.append((0, sum(chosen), range(shape.sum_minimum, shape.sum_maximum + 1), sum(randomness)))
        options, sums = b"", b""
        for i, v, values, _ in parts:
            for j, v_j in enumerate(values, start=1):
                pair = encrypt(-scalar("challenge", a, i, j) * (v - v_j), scalar("commit", a, i, j))
                options, sums = (options + pair, sums) if i else (options, sums + pair)
        strings.append((ciphertexts, options, sums))
        proofs.append(parts)
    statement: list[bytes | int | str] = [CONTEXT.sitting_id, CONTEXT.ctx, CONTEXT.joint_key.encode(), 1, 1, S]
    statement += [ballot.randomizers, ballot.signatures, 0, bytes(32), tag, 2]
    statement += [b"".join(string[part] for string in strings) for part in range(3)]
    s = credential_secret(1)
    t = wide(spec_hash("ballot-nonce", s.encode(), fresh, spec_hash("ballot", *statement, bytes(32))))
    T = vartime_multiply_base([t]).encode()
    e = wide(spec_hash("ballot", *statement, T))
    assert ballot.commitment == T
    assert ballot.response == ((t + e * s.to_ints()[0]) % ORDER).to_bytes(32, "little")
    for a, (contest, parts) in enumerate(zip(ballot.contests, proofs, strict=True), 1):
        challenges, responses = b"", b""
        for i, v, values, r in parts:
            drawn = [scalar("challenge", a, i, j) for j in range(1, len(values) + 1)]
            true = v - values.start
            drawn[true] = (e - sum(drawn) + drawn[true]) % ORDER
            challenges += b"".join(c.to_bytes(32, "little") for c in drawn[:-1])
            for j, c in enumerate(drawn, start=1):
                responses += ((scalar("commit", a, i, j) + c * r) % ORDER).to_bytes(32, "little")
        assert (contest.ciphertexts, contest.commitments) == (strings[a - 1][0], strings[a - 1][1] + strings[a - 1][2])
        assert contest.challenges == challenges
        assert contest.responses == responses


@pytest.mark.attack("BA-06", "BA-15")
def test_the_tracker_is_the_hash_of_the_entry_without_its_response() -> None:
    """It is known before casting, and taking the response out of the cast entry's bytes gives it again."""
    sealed = seal_sample(CONTEXT, CHOICES)
    shown = sealed.tracker
    ballot = sealed.cast()
    entry = encode_unsigned("ballot", BALLOT.encode(ballot))
    start = entry.index(b'"response":"', entry.index(b'"randomizers":'))
    stop = entry.index(b'"sequence":')
    assert shown == hashlib.sha256(entry[:start] + entry[stop:]).digest()
    assert ballot.tracker() == shown


@pytest.mark.attack("BA-12")
def test_ballots_of_every_choice_have_one_length() -> None:
    """Nothing of the choice is in the size of any string or of the entry."""
    ballots = [seal_sample(CONTEXT, choice).cast() for choice in ALL_CHOICES]
    sizes = {
        (
            len(encode_unsigned("ballot", BALLOT.encode(ballot))),
            tuple(len(getattr(contest, name)) for contest in ballot.contests for name in contest.__struct_fields__),
        )
        for ballot in ballots
    }
    assert len(sizes) == 1


def trace(action: object) -> list[tuple[str, int]]:
    """Return every line of the library that runs during the action, in order."""
    root = str(Path(secballot.__file__).parent)
    lines: list[tuple[str, int]] = []

    def watch(frame: FrameType, event: str, argument: object) -> object:
        if not frame.f_code.co_filename.startswith(root):
            return None
        if event == "line":
            lines.append((frame.f_code.co_filename, frame.f_lineno))
        return watch

    before = sys.gettrace()
    gc.collect()
    gc.disable()  # what other tests left behind would wipe its scalars here, line by line
    sys.settrace(watch)  # type: ignore[arg-type]
    try:
        action()  # type: ignore[operator]
    finally:
        sys.settrace(before)
        gc.enable()
    return lines


@pytest.mark.attack("BA-12")
def test_the_operations_of_sealing_do_not_depend_on_the_choice() -> None:
    """Sealing and casting run the same lines of the library in the same order for every choice."""
    CONTEXT.key_table  # noqa: B018  # built once, by the first ballot
    traces = {
        tuple(trace(lambda choice=choice: seal_sample(CONTEXT, choice).cast()))
        for choice in [ALL_CHOICES[0], *ALL_CHOICES]
    }
    assert len(next(iter(traces))) > 500
    assert len(traces) == 1


# --- seeds and nonces


def test_every_part_of_the_seal_changes_every_secret() -> None:
    """Another seed, choice, tag, sequence, credential or poll gives other α everywhere, and no α twice."""
    ballots = [
        seal_sample(CONTEXT, CHOICES).cast(),
        seal_sample(CONTEXT, CHOICES, seed=b"another").cast(),
        seal_sample(CONTEXT, ((1, 0, 0), (2, 1))).cast(),
        seal_sample(CONTEXT, CHOICES, tag=TAGS[1]).cast(),
        seal_sample(CONTEXT, CHOICES, sequence=1).cast(),
        seal_sample(CONTEXT, CHOICES, number=2).cast(),
        seal_sample(make_context(ONE_OF_THREE, SCORES, opening=b"other"), CHOICES).cast(),
    ]
    alphas = [
        contest.ciphertexts[at : at + 32]
        for ballot in ballots
        for contest in ballot.contests
        for at in range(0, len(contest.ciphertexts), 64)
    ]
    assert len(set(alphas)) == len(alphas) == 5 * len(ballots)


@pytest.mark.attack("FS-17")
def test_a_repeated_seed_and_fresh_bytes_do_not_reveal_the_credential() -> None:
    """The nonce also depends on the statement and on s: two ballots of one stuck generator have different T."""
    first = seal_sample(CONTEXT, CHOICES).cast()
    second = seal_sample(CONTEXT, ((1, 0, 0), (2, 1))).cast()
    third = seal_sample(CONTEXT, CHOICES, number=2).cast()
    fourth = seal_sample(CONTEXT, CHOICES, fresh=b"other").cast()
    assert len({ballot.commitment for ballot in (first, second, third, fourth)}) == 4
    es = [challenge("ballot", *ballot_fields(CONTEXT, ballot), ballot.commitment) for ballot in (first, second)]
    zs = [int.from_bytes(ballot.response, "little") for ballot in (first, second)]
    guess = (zs[0] - zs[1]) * pow(es[0] - es[1], -1, ORDER) % ORDER
    assert vartime_multiply_base([guess]).encode() != first.credential


@pytest.mark.attack("EN-06")
def test_shared_randomness_is_noticed_before_anything_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device whose randomness repeats refuses to seal."""

    def draw(root: bytes, role: str, places: Sequence[object]) -> Scalars:
        return Scalars.from_ints([5] * len(places))

    monkeypatch.setattr(ballot_encryption, "_draw", draw)
    with pytest.raises(RefusalError, match="randomness"):
        seal_sample(CONTEXT, CHOICES)


# --- cast or open


@pytest.mark.parametrize("first", ["cast", "open"])
@pytest.mark.parametrize("second", ["cast", "open"])
def test_a_sealed_ballot_is_cast_or_opened_once(first: str, second: str) -> None:
    """After either, both are refused."""
    sealed = seal_sample(CONTEXT, CHOICES)
    getattr(sealed, first)()
    with pytest.raises(PhaseError):
        getattr(sealed, second)()


@pytest.mark.attack("BA-13")
def test_two_threads_do_not_get_a_ballot_cast_and_opened() -> None:
    """Of many that ask at once, one is answered."""
    for _ in range(20):
        sealed = seal_sample(CONTEXT, CHOICES)
        results: list[object] = []
        gate = threading.Barrier(4)

        def ask(
            name: str, sealed: SealedBallot = sealed, gate: threading.Barrier = gate, results: list[object] = results
        ) -> None:
            gate.wait()
            try:
                results.append(getattr(sealed, name)())
            except PhaseError as error:
                results.append(error)

        threads = [threading.Thread(target=ask, args=(name,)) for name in ("cast", "open", "cast", "open")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(not isinstance(result, PhaseError) for result in results) == 1


@pytest.mark.attack("BA-13")
def test_secrets_are_gone_after_casting() -> None:
    """Nothing that the sealed ballot holds afterwards is a seed, nonce, secret or choice."""
    sealed = seal_sample(CONTEXT, CHOICES)
    sealed.cast()
    assert sealed._unfinished == []
    assert set(SealedBallot.__slots__) == {"_body", "_unfinished", "tracker"}


def test_sealed_ballots_are_neither_shown_nor_copied() -> None:
    """No repr, pickle or copy carries a secret."""
    sealed = seal_sample(CONTEXT, CHOICES)
    (rest,) = sealed._unfinished
    encrypted = ballot_encryption.EncryptedBallot(CONTEXT, sealed._body, CHOICES, bytes(32))
    for secret in (sealed, rest, encrypted, encrypted._proofs):
        for leak in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError):
                leak(secret)
        for text in (repr(secret), str(secret)):
            assert str(CHOICES) not in text
            assert rest.seed.hex() not in text
        assert not hasattr(secret, "__dict__")


def test_cast_ballots_are_good() -> None:
    """What is cast passes every check, whatever was chosen."""
    for choice in ALL_CHOICES[::5]:
        ballot = seal_sample(CONTEXT, choice).cast()
        assert type(ballot) is Ballot
        check_ballot(CONTEXT, ballot, known_credential=never_known)
