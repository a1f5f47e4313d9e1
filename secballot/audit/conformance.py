"""The conformance kit: records with what a verifier has to say of each, as data, and this library held to it.

    kit.json             suite and version
    golden/NAME.json     a record that stands, whatever else happened in it
    forged/NAME.json     a record with one thing wrong, named for it

A case holds a record (entries, checkpoints at hand, the anchor) and what SPEC.md makes of it. Entries are base64, or a
pair [from, to) of the entries of the case that it is based on.

Source: SPEC.md#conformance-kit.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from secballot.audit.report import Verdict
from secballot.audit.verifier import audit
from secballot.errors import EncodingError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from secballot.audit.report import ContestLine, PollLine, Report

SORTS: Final = ("golden", "forged")
MAX_CASE_BYTES: Final = 32 * 2**20
"""Most bytes of one file of a kit."""
MAX_BASES: Final = 8
"""Most cases that a case may be based on, one on the other."""

_Form = TypeVar("_Form", bound=msgspec.Struct)

_NAME: Final = re.compile(r"(golden|forged)/[a-z0-9_]{1,100}")


class Kit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What kit this is: the suite that its records are of, and its version."""

    suite: str
    version: str


class ContestFound(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a contest came to; option numbers begin at 1."""

    counts: tuple[int, ...]
    elected: tuple[int, ...]
    outcome: str
    tied: tuple[int, ...]


class PollFound(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What became of a poll: its status, and the outcome of each contest, or None while it has none."""

    contests: tuple[ContestFound, ...] | None
    number: int
    status: str


class EntryFound(msgspec.Struct, frozen=True, forbid_unknown_fields=True, order=True):
    """An entry that did not stand."""

    index: int
    outcome: str
    check: str


class Found(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a verifier says of a record.

    Attributes:
        verdict: `stands`, `fails` or `could not be checked`.
        failures: checks by which the record fails, each once, in alphabetical order.
        entries: every entry that did not stand, by index; none of a record of which nothing can be said.
        polls: by number; likewise.
    """

    verdict: Verdict
    failures: tuple[str, ...]
    entries: tuple[EntryFound, ...]
    polls: tuple[PollFound, ...]


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of the kit.

    Attributes:
        base: case that ranges of entries refer to; empty if there are none.
        checkpoints: notes at hand.
        entries: base64, or pairs of indices into the base's entries.
        expect: what is to be found.
        forged_at: index of the entry that is wrong; None where it is the log, or nothing.
        rejected_by: checks that may reject what is forged; empty for golden records.
        sitting_id: the anchor in hexadecimal; empty if the verifier is given none.
        what: one sentence for people.
    """

    base: str
    checkpoints: tuple[str, ...]
    entries: tuple[str | tuple[int, int], ...]
    expect: Found
    forged_at: int | None
    rejected_by: tuple[str, ...]
    sitting_id: str
    what: str


@dataclass(frozen=True)
class CaseResult:
    """What this library made of a case: the differences, none if it passes."""

    name: str
    what: str
    differences: tuple[str, ...]


class _CaseSource:
    """The record of a case, as a log to audit."""

    def __init__(self, notes: Sequence[bytes], log: Sequence[bytes]) -> None:
        self._notes, self._log = notes, log

    def checkpoint_notes(self) -> Sequence[bytes]:
        return self._notes

    def size(self) -> int:
        return len(self._log)

    def entry(self, index: int) -> bytes:
        return self._log[index]

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        return iter(self._log[start:stop])

    def discrepancies(self, size: int, subtree: Callable[[int, int], bytes]) -> Iterator[str]:
        del size, subtree
        return iter(())


class KitFolder:
    """A kit on disk."""

    def __init__(self, folder: str | Path) -> None:
        """Open a kit.

        Raises:
            StoreError: there is none, or it cannot be read.
            EncodingError: `kit.json` is not of the form.
        """
        self._folder = Path(folder)
        self.kit = _decode(self._read("kit.json"), Kit, "kit.json")
        self._entries: dict[str, tuple[bytes, ...]] = {}

    def names(self) -> list[str]:
        """Return the names of all cases, golden ones first.

        Raises:
            StoreError: a folder cannot be listed, or the kit holds no cases of a sort.
        """
        names = []
        for sort in SORTS:
            try:
                found = sorted(path.stem for path in (self._folder / sort).iterdir() if path.suffix == ".json")
            except OSError as error:
                raise StoreError(f"{sort} cannot be listed: {error.strerror}") from error
            if not found:
                raise StoreError(f"the kit holds no {sort} records")
            names += [f"{sort}/{name}" for name in found]
        return names

    def case(self, name: str) -> Case:
        """Return a case.

        Raises:
            StoreError: it cannot be read.
            EncodingError: it is not of the form.
        """
        if _NAME.fullmatch(name) is None:
            raise EncodingError(f"{name!r} is not the name of a case")
        return _decode(self._read(f"{name}.json"), Case, name)

    def entries(self, name: str, depth: int = MAX_BASES) -> tuple[bytes, ...]:
        """Return the entries of a case, those of its base put in.

        Raises:
            StoreError: a file cannot be read.
            EncodingError: a file is not of the form, or names entries that its base does not have.
        """
        if name in self._entries:
            return self._entries[name]
        if not depth:
            raise EncodingError(f"{name} is based on too many others")
        case = self.case(name)
        base = self.entries(case.base, depth - 1) if case.base else ()
        found: list[bytes] = []
        for item in case.entries:
            if isinstance(item, str):
                found.append(_from_base64(item, name))
            elif not 0 <= item[0] < item[1] <= len(base):
                raise EncodingError(f"{name} names entries that its base does not have")
            else:
                found += base[item[0] : item[1]]
        if name.startswith("golden/"):
            self._entries[name] = tuple(found)
        return tuple(found)

    def run(self, name: str) -> CaseResult:
        """Audit the record of a case and compare.

        Raises:
            StoreError: a file cannot be read.
            EncodingError: a file is not of the form.

        Source: SPEC.md#conformance-kit.
        """
        case = self.case(name)
        try:
            anchor = bytes.fromhex(case.sitting_id) or None
        except ValueError as error:
            raise EncodingError(f"{name} has an anchor that is not hexadecimal") from error
        source = _CaseSource([note.encode() for note in case.checkpoints], self.entries(name))
        return CaseResult(name, case.what, tuple(differences(case, found_in(audit(source, anchor=anchor)))))

    def _read(self, name: str) -> bytes:
        try:
            with (self._folder / name).open("rb") as file:
                data = file.read(MAX_CASE_BYTES + 1)
        except OSError as error:
            raise StoreError(f"{name} cannot be read: {error.strerror}") from error
        if len(data) > MAX_CASE_BYTES:
            raise StoreError(f"{name} is too long")
        return data


def _decode(data: bytes, form: type[_Form], name: str) -> _Form:
    try:
        return msgspec.json.decode(data, type=form)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise EncodingError(f"{name} is not of the kit's form: {error}") from error


def _from_base64(text: str, name: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise EncodingError(f"{name} holds an entry that is not base64") from error


def found_in(report: Report) -> Found:
    """Return what an audit found, in the kit's form."""
    failures = tuple(sorted({failure.check for failure in report.failures}))
    if report.verdict is Verdict.UNCHECKED or not report.log.root:  # nothing of it can be said
        return Found(report.verdict, failures, (), ())
    fallen = {
        EntryFound(line.index, line.outcome, line.check)
        for listed in (report.excluded, report.without_effect, report.faults)
        for line in listed.entries
        if line.outcome in {"excluded", "fault", "no effect"}
    }
    return Found(report.verdict, failures, tuple(sorted(fallen)), tuple(map(_poll_found, report.polls)))


def _poll_found(poll: PollLine) -> PollFound:
    if not all(contest.outcome for contest in poll.contests):
        return PollFound(None, poll.number, poll.status)
    return PollFound(tuple(map(_contest_found, poll.contests)), poll.number, poll.status)


def _contest_found(contest: ContestLine) -> ContestFound:
    standings = [option.standing for option in contest.options]
    return ContestFound(
        counts=tuple(option.count for option in contest.options if option.count is not None),
        elected=tuple(number for number, standing in enumerate(standings, 1) if standing == "elected"),
        outcome=contest.outcome,
        tied=tuple(number for number, standing in enumerate(standings, 1) if standing == "tied"),
    )


def differences(case: Case, found: Found) -> Iterator[str]:
    """Yield every difference between what a case expects and what was found, in words."""
    expect = case.expect
    if found.verdict is not expect.verdict:
        yield f"verdict: expected {expect.verdict.value!r}, found {found.verdict.value!r}"
    if found.failures != expect.failures:
        expected, other = (", ".join(checks) or "none" for checks in (expect.failures, found.failures))
        yield f"the record fails by: expected {expected}, found {other}"
    for entry in sorted({*expect.entries} ^ {*found.entries}):
        sort = "expected" if entry in expect.entries else "found"
        yield f"entry {entry.index}: {sort} {entry.outcome}, {entry.check}"
    if found.polls != expect.polls:
        yield f"polls: expected {_words(expect.polls)}, found {_words(found.polls)}"


def _words(polls: tuple[PollFound, ...]) -> str:
    return msgspec.json.encode(polls).decode()
