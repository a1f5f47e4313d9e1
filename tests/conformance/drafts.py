"""Drafts of cases: logs with what is wrong in them, judged by both verifiers, and written as files of the kit.

What a case expects is never written by hand: both verifiers have to find the same, and of a forged record they have to
find that one of the named checks refuses what was forged.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from secballot.audit.conformance import Case, ContestFound, EntryFound, Found, PollFound, found_in
from secballot.audit.report import Verdict
from secballot.audit.verifier import audit
from secballot.board.merkle import leaf_hash
from tests.audit.sources import ListSource
from tests.simulator import cosigned_head
from tests.vectors.checker.reading import Record
from tests.vectors.checker.verdict import verify

if TYPE_CHECKING:
    from collections.abc import Sequence

    from secballot.signing import SigningKey
    from tests.audit.every_kind import Log
    from tests.simulator import MemoryBoard, Simulator
    from tests.stages import Stream

LATER = 10_000
"""Seconds from the last entry's time to the cosignatures of a case's checkpoint."""

HANDOVER_SIGNERS = 4
"""Entries that complete the handover of `every_kind`: two officers and two trustees."""


@dataclass(frozen=True)
class Draft:
    """A record before it is a file.

    Attributes:
        name: of the file; a forged record's says what is wrong.
        what: one sentence.
        entries: the whole log at hand.
        checkpoints: notes at hand.
        anchor: the sitting_id that the verifier is given; None for none.
        rejected_by: checks that may reject what is forged; none for a golden record.
        at: index of the forged entry; None where the log as a whole is forged.
    """

    name: str
    what: str
    entries: tuple[bytes, ...]
    checkpoints: tuple[str, ...]
    anchor: bytes | None
    rejected_by: tuple[str, ...] = ()
    at: int | None = None


def head(board: MemoryBoard, entries: Sequence[bytes], now: int, log_key: SigningKey | None = None) -> str:
    """Return a checkpoint over these entries by the board's operator and all its witnesses."""
    leaves = [leaf_hash(entry) for entry in entries]
    key = log_key if log_key is not None else board.log_key
    return cosigned_head(board.manifest.log.origin, key, leaves, board.witnesses, now).decode()


def golden_of(name: str, what: str, simulator: Simulator | Stream) -> Draft:
    """Return the golden record of a simulator's or stream's log as it stands."""
    board = simulator.board
    now = simulator.now if hasattr(simulator, "now") else simulator.rehearsal.now
    entries = tuple(board.entries)
    return Draft(name, what, entries, (head(board, entries, now + LATER),), board.anchor)


def forged_of(name: str, what: str, stream: Simulator | Stream, *checks: str) -> Draft:
    """Return the record of a log whose last entry is forged."""
    golden = golden_of(name, what, stream)
    return Draft(name, what, golden.entries, golden.checkpoints, golden.anchor, checks, len(golden.entries) - 1)


def forged_after(log: Log, name: str, what: str, entries: Sequence[bytes], *checks: str) -> Draft:
    """Return a record that goes like `every_kind` and ends with a forged entry, under its keys."""
    handed_over = sum(b'"kind":"handover"' in entry for entry in entries[:-1]) >= HANDOVER_SIGNERS
    checkpoint = log.cosign(list(entries), successor=handed_over).decode()
    return Draft(name, what, tuple(entries), (checkpoint,), log.anchor, checks, len(entries) - 1)


class DisagreementError(Exception):
    """The verifiers differ, or a forgery is not refused as it should be."""


def judge(draft: Draft) -> Found:
    """Return what both verifiers find.

    Raises:
        DisagreementError: they do not find the same, or not what the draft says.
    """
    notes = [note.encode() for note in draft.checkpoints]
    ours = found_in(audit(ListSource(list(draft.entries), notes), anchor=draft.anchor))
    theirs = checker_found(draft.checkpoints, draft.entries, draft.anchor)
    if ours != theirs:
        raise DisagreementError(f"{draft.name}: the library finds {ours}, the second verifier {theirs}")
    if not draft.rejected_by:
        if ours.verdict is not Verdict.STANDS:
            raise DisagreementError(f"{draft.name}: a golden record does not stand: {ours}")
        return ours
    refusing = {*ours.failures, *(one.check for one in ours.entries if draft.at in {None, one.index})}
    if ours.verdict is Verdict.UNCHECKED:
        refusing.add("LOG-01")
    if not refusing & set(draft.rejected_by):
        raise DisagreementError(f"{draft.name}: refused by {refusing or 'nothing'}, not by {draft.rejected_by}")
    return ours


def checker_found(checkpoints: Sequence[str], entries: Sequence[bytes], anchor: bytes | None) -> Found:
    """Return what the second verifier finds, in the kit's form."""
    verdict = verify(Record(list(checkpoints), list(entries), anchor), anchor)
    stands = Verdict.STANDS if verdict["checked"] else Verdict.UNCHECKED
    word = Verdict.FAILS if verdict["fails"] else stands
    failures = tuple(sorted({failure["check"] for failure in verdict["fails"]}))
    if not verdict["checked"]:
        return Found(word, failures, (), ())
    fallen = [
        EntryFound(one["index"], one["outcome"], one["check"])
        for one in verdict["entries"]
        if one["outcome"] in {"excluded", "fault", "no effect"}
    ]
    polls = sorted(verdict["polls"], key=lambda poll: poll["poll"])
    return Found(word, failures, tuple(sorted(fallen)), tuple(_poll(poll) for poll in polls))


def _poll(poll: dict[str, Any]) -> PollFound:
    contests = poll["contests"]
    found = None
    if contests is not None:
        found = tuple(
            ContestFound(tuple(c["counts"]), tuple(c["elected"]), c["outcome"], tuple(c["tied"])) for c in contests
        )
    return PollFound(found, poll["poll"], poll["status"])


def to_case(draft: Draft, found: Found, bases: dict[str, tuple[bytes, ...]]) -> Case:
    """Return the case, based on the golden record that shares most bytes with it."""

    def shared(name: str) -> int:
        held = set(bases[name])
        return sum(len(entry) for entry in draft.entries if entry in held)

    base = max(sorted(bases), key=shared, default="")
    if base and not shared(base):
        base = ""
    return Case(
        base=base,
        checkpoints=draft.checkpoints,
        entries=_ranges(draft.entries, bases.get(base, ())),
        expect=found,
        forged_at=draft.at,
        rejected_by=draft.rejected_by,
        sitting_id=draft.anchor.hex() if draft.anchor is not None else "",
        what=draft.what,
    )


def _ranges(entries: Sequence[bytes], base: Sequence[bytes]) -> tuple[str | tuple[int, int], ...]:
    """Return the entries as base64, or as ranges of the base where it has them one after the other."""
    items: list[str | tuple[int, int]] = []
    for entry in entries:
        last = items[-1] if items else None
        if isinstance(last, tuple) and last[1] < len(base) and base[last[1]] == entry:
            items[-1] = last[0], last[1] + 1
        elif entry in base:
            at = base.index(entry)
            items.append((at, at + 1))
        else:
            items.append(base64.b64encode(entry).decode())
    return tuple(items)


def kind_of(entry: bytes) -> str:
    """Return the kind of a well-formed entry."""
    return str(json.loads(entry)["kind"])
