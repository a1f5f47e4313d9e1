"""ML-DSA-44 beside Ed25519: logs and witnesses sign by it as well, and the rules of a sitting see nothing of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secballot.board.checkpoint import Checkpoint
from secballot.board.cosignature import MlDsaCosigner, verifier
from secballot.board.log import witness_request
from secballot.board.merkle import EMPTY_ROOT, leaf_hash, root_of
from secballot.board.note import (
    ED25519,
    ED25519_COSIGNATURE,
    Ed25519Signer,
    Note,
    SignatureLine,
    VerifierKey,
    open_note,
    sign_note,
)
from secballot.board.policy import Policy
from secballot.board.witness import FORBIDDEN, Request, WitnessRefusalError, monitoring_path, read_cosignatures
from secballot.errors import EncodingError, InvalidSignatureError, RefusalError
from secballot.record.history import open_witnessed
from secballot.roles.witness import WitnessRole
from secballot.roles.witness_service import WitnessService
from secballot.store.journal import Journal
from tests.service_parts import NAMES
from tests.small_sitting import NOW, ORIGIN, SMALL_MANIFEST, document, founding, key, public

if TYPE_CHECKING:
    from pathlib import Path

    from secballot.roles.board import BoardOperator

LOG = MlDsaCosigner(ORIGIN, bytes([1]) * 32)
SECOND_KEYS = [MlDsaCosigner(name, bytes([2, number] * 16)) for number, name in enumerate(NAMES)]
LEAVES = [leaf_hash(b"%d" % number) for number in range(8)]


@pytest.fixture
def witnesses(tmp_path: Path) -> list[WitnessRole]:
    """Return the witnesses of the manifest, each with a second key."""
    roles = [
        WitnessRole(name, key(name), Journal.create(tmp_path / f"{name}.db"), ml_dsa=second)
        for name, second in zip(NAMES, SECOND_KEYS, strict=True)
    ]
    for role in roles:
        role.follow(ORIGIN, public("log")[0])
        role.follow_key(ORIGIN, LOG.vkey)
    return roles


@pytest.fixture
def head(operator: BoardOperator, witnesses: list[WitnessRole]) -> bytes:
    """Return the checkpoint of a board that signs, and keeps, by both."""
    operator.keys.use_ml_dsa(LOG, [second.vkey for second in SECOND_KEYS])
    operator.submit([*founding(), document(1)], now=NOW)
    operator.sign_checkpoint()
    cosigned = operator.collect(witnesses, now=NOW)
    assert not cosigned.failures
    return cosigned.note


def test_every_line_is_there_and_good(head: bytes) -> None:
    """One of each kind by the log and by each witness, all over the same checkpoint."""
    note = Note.decode(head)
    ed25519 = [VerifierKey(name, ED25519_COSIGNATURE, public(name)[0]) for name in NAMES]
    keys = [VerifierKey(ORIGIN, ED25519, public("log")[0]), LOG.vkey, *ed25519, *(s.vkey for s in SECOND_KEYS)]
    assert len(open_note(note, [verifier(vkey) for vkey in keys]).verified) == len(note.signatures) == 8


def test_a_reader_may_ask_for_ml_dsa_alone(head: bytes) -> None:
    """A policy of ML-DSA keys only holds without one Ed25519 line."""
    policy = Policy.of([LOG.vkey], [second.vkey for second in SECOND_KEYS], 3)
    assert policy.open(head, origin=ORIGIN).checkpoint.tree_size == 3
    note = Note.decode(head)
    lean = Note(note.text, tuple(line for line in note.signatures if len(line.signature) > 100))
    assert len(policy.open(lean.encode(), origin=ORIGIN).cosignatures) == 3


def test_the_rules_of_a_sitting_see_nothing_of_it(operator: BoardOperator, head: bytes) -> None:
    """With and without these lines the same witnesses count, and what is kept of the note is the same."""
    note, state = Note.decode(head), operator.record.state
    plain = Note(note.text, tuple(line for line in note.signatures if len(line.signature) < 100)).encode()
    with_lines, without = (open_witnessed(SMALL_MANIFEST, state.operators, data) for data in (head, plain))
    assert with_lines == without
    forged = note.with_signatures([SignatureLine(ORIGIN, LOG.vkey.key_id, bytes(2428))]).encode()
    assert open_witnessed(SMALL_MANIFEST, state.operators, forged) == without


def test_a_false_second_cosignature_does_not_cost_the_first(operator: BoardOperator, head: bytes) -> None:
    """What is not good is not kept, and what is stays."""
    note = Note.decode(head)
    good = key_line(note, 0)
    second = SECOND_KEYS[0].cosign(note.text, NOW)
    false = SignatureLine(second.name, second.key_id, second.signature[:-1] + bytes([second.signature[-1] ^ 1]))
    for line, kept in ((false, 1), (SECOND_KEYS[0].cosign(note.text, 0), 1), (second, 2)):
        answer = (good.encode() + line.encode()).encode()
        assert len(operator.keys.read_answer(SMALL_MANIFEST, answer, note.text)) == kept
    with pytest.raises(InvalidSignatureError):
        operator.keys.read_answer(SMALL_MANIFEST, second.encode().encode(), note.text)


def key_line(note: Note, number: int) -> SignatureLine:
    """Return the Ed25519 cosignature of a witness."""
    return next(line for line in note.signatures if line.name == NAMES[number] and len(line.signature) < 100)


def test_a_witness_is_sent_the_logs_lines_only(operator: BoardOperator, head: bytes) -> None:
    """A foreign witness that reads ten thousand bytes can be asked, however many have cosigned."""
    request = witness_request(operator.store, Note.decode(head), 3)
    assert [line.name for line in Note.decode(request.note).signatures] == [ORIGIN, ORIGIN]
    assert len(request.encode()) < 10_000


def test_keys_that_do_not_fit_are_refused(operator: BoardOperator, tmp_path: Path) -> None:
    """A log's keys are named by its origin, a witness's keys by its name, and a second key is of type 0x06."""
    with pytest.raises(EncodingError):
        operator.keys.use_ml_dsa(SECOND_KEYS[0], [])
    with pytest.raises(EncodingError):
        operator.keys.use_ml_dsa(LOG, [VerifierKey("w1.example", ED25519_COSIGNATURE, bytes(32))])
    with pytest.raises(EncodingError):
        WitnessRole("w.example", key("w"), Journal.create(tmp_path / "w.db"), ml_dsa=LOG)


ODD = "log of many words + more"
"""An origin that no key can have as its name."""


def odd_request(
    old: int, size: int, *signers: Ed25519Signer | MlDsaCosigner, extensions: tuple[str, ...] = ()
) -> bytes:
    """Return a request about a foreign log, which signs under another name than its origin."""
    text = Checkpoint(ODD, size, root_of(LEAVES[:size]), extensions).encode()
    return Request(old, (), sign_note(text, signers).encode()).encode()


def test_a_witness_follows_foreign_logs_by_any_key(tmp_path: Path) -> None:
    """By ML-DSA keys too, and where origin and key name differ; monitors see the log's verified lines."""
    named, quantum = Ed25519Signer("keys.example", key("odd")), MlDsaCosigner("keys.example", bytes([7]) * 32)
    with Journal.create(tmp_path / "w.db") as journal:
        service = WitnessService("w.example", key("w"), journal, clock=lambda: NOW)
        service.role.follow_key(ODD, quantum.vkey)
        with pytest.raises(WitnessRefusalError) as refused:
            service.add_checkpoint(odd_request(0, 0, named))
        assert refused.value.status == FORBIDDEN
        assert service.add_checkpoint(odd_request(0, 0, named, quantum))
        service.role.follow_key(ODD, named.vkey)
        assert service.add_checkpoint(odd_request(0, 3, named, quantum))
        shown = service.latest(monitoring_path(ODD).partition("/")[0])
        assert shown is not None
        names = [(line.name, len(line.signature)) for line in Note.decode(shown).signatures]
        assert names == [("keys.example", 64), ("keys.example", 2428), ("w.example", 72)]
        with pytest.raises(RefusalError):
            service.role.follow_key("another origin", named.vkey)
        with pytest.raises(EncodingError):
            service.role.follow_key(ODD, VerifierKey("keys.example", ED25519_COSIGNATURE, bytes(32)))


def test_extension_lines_get_no_second_cosignature(tmp_path: Path) -> None:
    """It would not cover them; the Ed25519 cosignature does."""
    log, second = Ed25519Signer("keys.example", key("odd")), MlDsaCosigner("w.example", bytes([8]) * 32)
    role = WitnessRole("w.example", key("w"), Journal.create(tmp_path / "w.db"), ml_dsa=second)
    role.follow_key(ODD, log.vkey)
    with_lines = role.add_checkpoint(odd_request(0, 3, log, extensions=("more",)), now=NOW)
    assert with_lines.count(b"\n") == 1
    assert role.add_checkpoint(odd_request(3, 3, log), now=NOW).count(b"\n") == 2


def test_an_answer_without_a_time_is_none(tmp_path: Path) -> None:
    """C2SP: the cosignature in an answer MUST NOT omit the time."""
    text = Checkpoint(ORIGIN, 0, EMPTY_ROOT).encode()
    second = SECOND_KEYS[0]
    assert read_cosignatures(second.cosign(text, 1).encode().encode(), text, [second.vkey])
    with pytest.raises(InvalidSignatureError, match="when"):
        read_cosignatures(second.cosign(text, 0).encode().encode(), text, [second.vkey])
