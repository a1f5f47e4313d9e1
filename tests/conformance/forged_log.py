"""Forged logs: entries dropped, changed or exchanged, checkpoints that nobody signed or that contradict each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secballot.board.cosignature import Ed25519Cosigner
from secballot.board.merkle import leaf_hash
from secballot.board.note import Ed25519Signer, Note, SignatureLine
from tests.audit.every_kind import every_kind
from tests.conformance.drafts import Draft
from tests.simulator import cosigned_head, golden

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from secballot.signing import SigningKey

NOW = 1_770_200_000


def _head(entries: Sequence[bytes], *, operator: int = 0, origin: str = "") -> str:
    simulator = golden().simulator
    leaves = [leaf_hash(entry) for entry in entries]
    name = origin or simulator.board.manifest.log.origin
    key = simulator.rehearsal.keys.log[operator]
    return cosigned_head(name, key, leaves, simulator.board.witnesses, NOW).decode()


def _draft(name: str, what: str, entries: Sequence[bytes], notes: Sequence[str], *checks: str) -> Draft:
    return Draft(f"log_{name}", what, tuple(entries), tuple(notes), golden().anchor, checks)


def entries() -> Iterator[Draft]:
    """Yield logs whose entries are not those that the witnesses saw (LOG-01, LOG-02)."""
    good = list(golden().entries)
    note = golden().notes[len(good)].decode()
    last, ballots = len(good) - 1, [i for i, entry in enumerate(good) if b'"kind":"ballot"' in entry]
    at = ballots[1]
    changed = good[at][:-20] + (b"0" if good[at][-20:-19] != b"0" else b"1") + good[at][-19:]
    changes: dict[str, tuple[str, list[bytes]]] = {
        "last_entry_missing": ("The last entry is gone.", good[:-1]),
        "ballot_missing": ("A ballot is gone.", good[:at] + good[at + 1 :]),
        "ballots_exchanged": (
            "Two ballots have changed places.",
            [*good[:at], good[at + 1], good[at], *good[at + 2 :]],
        ),
        "ballot_repeated": ("A ballot is there twice.", [*good[: at + 1], *good[at:]]),
        "ballot_added": ("An entry of another sitting is put in.", [*good[:at], every_kind().entries[70], *good[at:]]),
        "byte_changed": ("One byte of an entry is another.", [*good[:at], changed, *good[at + 1 :]]),
        "junk_put_in": ("Junk is put in.", [*good[:at], b"junk", *good[at:]]),
        "entry_emptied": ("An entry is emptied.", [*good[:last], b""]),
        "turned_round": ("All entries but the manifest in reverse.", [*good[:2], *reversed(good[2:])]),
    }
    for name, (what, altered) in changes.items():
        yield _draft(name, what, altered, [note], "LOG-01" if len(altered) < len(good) else "LOG-02")


def notes() -> Iterator[Draft]:
    """Yield logs without a checkpoint that satisfies the quorum (LOG-01), or with two that contradict (LOG-02)."""
    good, simulator = golden().entries, golden().simulator
    note = golden().notes[len(good)].decode()
    origin, witnesses = simulator.board.manifest.log.origin, simulator.board.witnesses
    text = Note.decode(note.encode()).text
    log, *cosignatures = Note.decode(note.encode()).signatures
    stranger = simulator.rehearsal.keys.commission[0]

    def of(*lines: SignatureLine) -> str:
        return Note(text, lines).encode().decode()

    false = Ed25519Cosigner(witnesses[0].name, stranger).cosign(text, NOW)
    unnamed = Ed25519Cosigner("witness-9.example", stranger).cosign(text, NOW)
    early = [_at_time_zero(line, witnesses[number].key, text) for number, line in enumerate(cosignatures[:2])]
    first = cosignatures[0]
    cases: dict[str, tuple[str, list[str]]] = {
        "without_checkpoint": ("No checkpoint at hand.", []),
        "garbage_for_a_checkpoint": ("A checkpoint that is none.", ["junk"]),
        "two_witnesses": ("Two cosignatures where three are due.", [of(log, *cosignatures[:2])]),
        "one_witness_three_times": ("One cosignature three times.", [of(log, first, first, first)]),
        "no_log_signature": ("No signature of the log.", [of(*cosignatures)]),
        "spoilt_log_signature": ("A signature of the log that does not verify.", [of(_spoilt(log), *cosignatures)]),
        "foreign_log_key": (
            "A log key that is not the manifest's.",
            [of(Ed25519Signer(origin, stranger).sign(text), *cosignatures)],
        ),
        "spoilt_cosignatures": ("Cosignatures that do not verify.", [of(log, *map(_spoilt, cosignatures))]),
        "false_witness": ("A cosignature under another key.", [of(log, false, *cosignatures[1:3])]),
        "unknown_witness": (
            "A cosignature of somebody the manifest does not name.",
            [of(log, unnamed, *cosignatures[:2])],
        ),
        "cosignatures_at_time_zero": ("Cosignatures without a time.", [of(log, *early, cosignatures[2])]),
        "successor_without_handover": (
            "A head signed by the successor before any handover.",
            [_head(good, operator=1)],
        ),
        "another_origin": ("A head of another log.", [_head(good, origin="board.example/" + "0" * 32)]),
        "larger_than_the_log": ("A head over more entries than there are.", [_head([*good, b"more"])]),
        "extension_line": ("A checkpoint with a line more.", [_extended(text)]),
    }
    for name, (what, given) in cases.items():
        yield _draft(name, what, good, given, "LOG-01")
    for name, what, other in (
        ("split", "Two heads of one size that a quorum cosigned.", _head([*good[:-1], b"other"])),
        ("split_before", "A smaller head that a quorum cosigned is of another log.", _head([*good[:30], b"other"])),
    ):
        yield _draft(name, what, good, [note, other], "LOG-02")
    yield _draft("empty", "No entries under a checkpoint of some.", [], [note], "LOG-01")


def _spoilt(line: SignatureLine) -> SignatureLine:
    return SignatureLine(line.name, line.key_id, line.signature[:-1] + bytes([line.signature[-1] ^ 1]))


def _at_time_zero(line: SignatureLine, key: SigningKey, text: str) -> SignatureLine:
    signature = key.sign(f"cosignature/v1\ntime 0\n{text}".encode())
    return SignatureLine(line.name, line.key_id, bytes(8) + signature)


def _extended(text: str) -> str:
    simulator = golden().simulator
    origin, key = simulator.board.manifest.log.origin, simulator.rehearsal.keys.log[0]
    more = text + "more\n"
    lines = [Ed25519Cosigner(w.name, w.key).cosign(more, NOW) for w in simulator.board.witnesses]
    return Note(more, (Ed25519Signer(origin, key).sign(more), *lines)).encode().decode()
