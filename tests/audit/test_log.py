"""Which checkpoint counts, and what is said where none does or two contradict each other."""

from __future__ import annotations

import pytest

from secballot.audit.report import Report, Status, Verdict
from secballot.audit.verifier import audit
from secballot.board.merkle import leaf_hash, root_of
from secballot.board.note import Note, SignatureLine
from secballot.records.promise import Handover
from secballot.roles.party import sign_entry
from tests.audit.sources import ListSource, check_line, golden_source, recosigned
from tests.simulator import golden
from tests.vectors.checker.reading import Record
from tests.vectors.checker.verdict import verify


def judged(source: ListSource) -> Report:
    """Return the report under the golden sitting's anchor."""
    return audit(source, anchor=golden().anchor)


@pytest.mark.attack("FS-19")
@pytest.mark.parametrize("log", [[], [b"junk"], [b"junk"] * 300, [b""], [b"{}", b"\xff" * 70_000]])
@pytest.mark.parametrize("notes", [[], [b"junk"], [b""]])
def test_a_log_without_manifest_cannot_be_checked(log: list[bytes], notes: list[bytes]) -> None:
    """Nobody's keys are known, so nothing can be said."""
    report = audit(ListSource(log, notes))

    assert report.verdict is Verdict.UNCHECKED
    assert report.sitting is None
    assert "no manifest" in report.words[0]
    assert report.without_effect.total == len(log)
    assert report.log.ignored_note_total == len(notes)


def test_without_any_checkpoint_nothing_is_judged() -> None:
    """Entries that no checkpoint covers are not part of any record."""
    report = judged(ListSource(list(golden().entries)))

    assert report.verdict is Verdict.UNCHECKED
    assert "LOG-01" in report.words[0]
    assert report.log.size == 0
    assert report.log.above == len(golden().entries)
    assert report.outcomes["effect"] == 0
    assert report.polls == ()
    assert not check_line(report, "LOG-01").expected


def test_a_checkpoint_below_the_quorum_does_not_count_and_its_signatures_are_named() -> None:
    """With two of three witnesses needed missing, the report says which signatures were found."""
    report = judged(ListSource(list(golden().entries), [recosigned(golden().entries, witnesses=2)]))

    assert report.verdict is Verdict.UNCHECKED
    (note,) = report.log.ignored_notes
    assert "quorum" in note.reason
    assert len(note.signatures) == 3
    assert all(line.endswith("good") for line in note.signatures)


def test_garbled_and_unfinished_notes_are_listed_while_another_counts() -> None:
    """What does not satisfy the quorum is ignored and named, and the verdict stands."""
    source = golden_source()
    source.notes = [b"garbled", recosigned([*source.log, b"more"], witnesses=2), *source.notes, b"\xff\xfe"]
    report = judged(source)

    assert report.verdict is Verdict.STANDS
    assert sorted(note.size or 0 for note in report.log.ignored_notes) == [0, 0, len(source.log) + 1]


@pytest.mark.attack("LG-09")
def test_lines_added_to_a_note_are_ignored_and_reported() -> None:
    """A false or foreign line is nobody's but of whoever carried the note, and a repeated one counts once."""
    source = golden_source()
    note = Note.decode(source.notes[0])
    log_line, *cosignatures = note.signatures
    forged = SignatureLine(cosignatures[0].name, cosignatures[0].key_id, bytes(72))
    foreign = SignatureLine("nobody.example", b"1234", bytes(64))
    lines = (log_line, foreign, forged, *cosignatures, cosignatures[0])
    source.notes = [Note(note.text, lines).encode()]
    report = judged(source)

    assert report.verdict is Verdict.STANDS
    assert len(report.log.ignored_lines) == 3
    assert len(report.log.times) == len(cosignatures)


@pytest.mark.attack("LG-08")
def test_a_witness_that_signs_twice_is_one_witness() -> None:
    """Repeating two cosignatures does not make a quorum of three."""
    note = Note.decode(recosigned(golden().entries, witnesses=2))
    source = ListSource(list(golden().entries), [Note(note.text, (*note.signatures, *note.signatures[1:])).encode()])

    assert judged(source).verdict is Verdict.UNCHECKED


@pytest.mark.attack("LG-06")
def test_entries_above_the_newest_checkpoint_are_not_judged() -> None:
    """They are counted and nothing else: not as refused, not as part of the record."""
    source = golden_source()
    source.log += [b"junk", b"more junk"]
    report = judged(source)

    assert report.verdict is Verdict.STANDS
    assert report.log.above == 2
    assert report.without_effect.total == 0


@pytest.mark.attack("LG-06")
@pytest.mark.parametrize("index", [0, 5, -1])
def test_a_changed_entry_fails_by_the_root(index: int) -> None:
    """Whatever else the change does, the newest checkpoint no longer fits."""
    source = golden_source()
    changed = bytearray(source.log[index])
    changed[len(changed) // 2] ^= 1
    source.log[index] = bytes(changed)
    if index == 0:  # the manifest itself: without an anchor another sitting is found, or none
        assert judged(source).verdict is not Verdict.STANDS
        return
    report = judged(source)

    assert report.verdict is Verdict.FAILS
    assert check_line(report, "LOG-02").status is Status.FAILED


@pytest.mark.attack("LG-06")
def test_missing_entries_cannot_be_checked() -> None:
    """What the checkpoint commits to is not all at hand."""
    source = golden_source()
    source.notes = source.notes[:1]
    del source.log[-3:]
    report = judged(source)

    assert report.verdict is Verdict.UNCHECKED
    assert f"only {len(source.log)} are at hand" in report.words[0]
    assert report.polls == ()


@pytest.mark.attack("LG-01")
def test_two_checkpoints_of_one_size_fail_whatever_the_entries_say() -> None:
    """Both are signed by a quorum, so the witnesses signed two logs; both notes are the evidence."""
    source = golden_source()
    source.notes.append(recosigned([*golden().entries[:-1], b"another"]))
    report = judged(source)

    assert report.verdict is Verdict.FAILS
    (failure,) = report.failures
    assert failure.check == "LOG-02"
    assert source.notes[-1] in bytes.fromhex(failure.evidence)


def test_an_older_checkpoint_of_another_log_fails() -> None:
    """A smaller checkpoint that is no prefix of the entries shows a split as well."""
    source = golden_source()
    source.notes = [source.notes[0], recosigned([*golden().entries[:9], b"another"])]
    report = judged(source)

    assert report.verdict is Verdict.FAILS
    assert report.failures[0].evidence == source.notes[1].hex()


@pytest.mark.parametrize("contradiction", ["of one size", "with the entries"])
def test_both_verifiers_see_a_contradiction_where_entries_are_missing(contradiction: str) -> None:
    """Nobody can say what the record is, and that it fails all the same."""
    entries = list(golden().entries)
    other = [*entries[:-9], b"other", *entries[-8:]]
    notes = [recosigned(entries), recosigned(other if contradiction == "of one size" else [*entries[:20], b"other"])]
    at_hand = entries[:40]
    report = judged(ListSource(at_hand, notes))
    theirs = verify(Record([note.decode() for note in notes], at_hand, golden().anchor), golden().anchor)

    assert report.verdict is Verdict.FAILS
    assert [failure.check for failure in report.failures] == ["LOG-02"]
    assert (theirs["checked"], [failure["check"] for failure in theirs["fails"]]) == (False, ["LOG-02"])


def test_a_manifest_above_the_newest_checkpoint_does_not_count() -> None:
    """The sitting found is named, but it is not under any checkpoint."""
    entries = golden().entries
    report = audit(ListSource(list(entries), [recosigned(entries[:1])]))

    assert report.verdict is Verdict.UNCHECKED


class TestHandover:
    """The log passes to a successor: which key counts at which size."""

    SIGNERS = 2

    def handed_over(self) -> list[bytes]:
        """Return a log that ends with a completed handover after two thirds of the golden one."""
        simulator = golden().simulator
        rehearsal = simulator.rehearsal
        entries = list(golden().entries[: 2 * len(golden().entries) // 3])
        body = Handover(root=root_of(leaf_hash(entry) for entry in entries), size=len(entries), successor=1)
        keys = [officer.key for officer in rehearsal.needed_officers()] + rehearsal.keys.trustees[: self.SIGNERS]
        return entries + [sign_entry(key, "handover", golden().anchor, body) for key in keys]

    def test_the_successor_counts_after_the_handover(self) -> None:
        """A checkpoint over the completed handover by the successor's key says what the record is."""
        log = self.handed_over()
        log.append(b"junk")
        report = judged(ListSource(log, [recosigned(log, operator=1)]))

        assert report.verdict is Verdict.STANDS
        assert report.log.size == len(log)
        assert check_line(report, "LOG-06").checked == 1

    def test_both_verifiers_know_the_keys_from_entries_beyond_the_record(self) -> None:
        """The old key's checkpoint over the handover counts no more, so the record is what the one before covers."""
        entries = self.handed_over()
        size = len(entries) - 4
        assert b'"handover"' in entries[size]
        source = ListSource(entries, [recosigned(entries), recosigned(entries[: size - 3])])
        report = judged(source)
        theirs = verify(Record([note.decode() for note in source.notes], entries, golden().anchor), golden().anchor)

        assert (report.verdict, report.log.size) == (Verdict.STANDS, size - 3)
        assert (theirs["checked"], theirs["fails"], theirs["size"]) == (True, [], size - 3)

    def test_the_old_key_counts_up_to_the_handover_only(self) -> None:
        """A later checkpoint by the old key is ignored, and the record ends at the one before."""
        log = self.handed_over()
        before = len(log) - 2 - self.SIGNERS
        source = ListSource([*log, b"junk"], [recosigned([*log, b"junk"]), recosigned(log[:before])])
        report = judged(source)

        assert report.verdict is Verdict.STANDS
        assert report.log.size == before
        assert report.log.above == len(source.log) - before
        assert [note.size for note in report.log.ignored_notes] == [len(log) + 1]
        assert check_line(report, "LOG-06").status is Status.NOT_RUN

    @pytest.mark.attack("SB-13")
    def test_the_successor_does_not_count_before(self) -> None:
        """Its checkpoint over a log without the handover is ignored."""
        entries = golden().entries
        source = ListSource(list(entries), [recosigned(entries, operator=1), recosigned(entries[:-2])])
        report = judged(source)

        assert report.verdict is Verdict.STANDS
        assert report.log.size == len(entries) - 2
