"""When a log is handed over: its successor takes it up from a mirror, and its witnesses take up the successor's key.

1. The successor copies the log, verified by replay, up to the newest checkpoint that the witnesses have cosigned, and
   asks the witnesses whether there is a newer one: without its entries the log cannot go on.
2. Presidium and trustees sign `handover` at exactly this size and root, and post it to the successor.
3. Each witness sees the completed handover and follows the successor's key from then on, and the earlier one no more.
4. The successor's first checkpoint over the handover is cosigned, and the log goes on.

What the first operator promised beyond that size, and what did not reach a mirror, is posted again: the successor
judges it like any entry, and drop boxes do so by themselves.

Source: SPEC.md#handover, SPEC.md#witnesses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from secballot.errors import EncodingError, PolicyError, RefusalError, SecballotError, VerificationError
from secballot.records.entry import decode_entry
from secballot.roles.evidence import SignedCheckpoint
from secballot.roles.mirroring import Mirror

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from secballot.board.reader import LogSource
    from secballot.record.history import LogOperator, WitnessedCheckpoint
    from secballot.records.manifest import Manifest
    from secballot.roles.view import WitnessedView
    from secballot.roles.witness import WitnessRole
    from secballot.store.board import BoardStore


@dataclass(frozen=True, slots=True)
class TakenOver:
    """A log that waits for its handover in the successor's database.

    Attributes:
        successor: number of the successor in the manifest, from 1.
        checkpoint: the newest witnessed one; `handover` names its size and root.
        asked: names of witnesses that have cosigned nothing newer.
        silent: names of witnesses that did not answer.
    """

    successor: int
    checkpoint: WitnessedCheckpoint
    asked: tuple[str, ...]
    silent: tuple[str, ...]


def take_over(
    store: BoardStore,
    source: LogSource,
    sitting_id: bytes,
    keys: tuple[bytes, bytes],
    newest: Mapping[str, Callable[[], bytes | None]],
) -> TakenOver:
    """Copy a log for its next successor; may be repeated until the handover has begun.

    Args:
        store: the successor's, empty or a copy of the log.
        source: a mirror of the log.
        sitting_id: 32 bytes, from outside.
        keys: public log key and promise key of the successor.
        newest: by name of a witness of the manifest, what tells the newest checkpoint that it has cosigned.

    Raises:
        PolicyError: a witness has cosigned more entries than are here, or the source has no witnessed checkpoint.
        RefusalError: the keys are not the next successor's.
        InconsistentLogError: the source's log does not continue the copy, or is another than a witness has cosigned.
        StoreError, TransportError: source or store do not answer.

    Source: SPEC.md#handover.
    """
    mirror = Mirror(store, source, sitting_id)
    opened = mirror.update()
    state, manifest = mirror.view.state, mirror.view.state.the_manifest()
    successors = manifest.successors[state.handovers :]
    if not successors or (successors[0].key, successors[0].promise_key) != keys:
        raise RefusalError("these are not the keys of the manifest's next successor")
    asked, silent = [], []
    for name, ask in newest.items():
        try:
            note = ask()
        except SecballotError:
            silent.append(name)
            continue
        if note is not None:
            _check_nothing_newer(manifest, name, note, mirror.view)
        asked.append(name)
    return TakenOver(state.handovers + 1, opened, tuple(asked), tuple(silent))


def _check_nothing_newer(manifest: Manifest, name: str, note: bytes, view: WitnessedView) -> None:
    """Check that a checkpoint that a witness has cosigned lies in the log that is here.

    Raises:
        PolicyError: it is of more entries.
        RefusalError: it is of another log.
    """
    try:
        signed = SignedCheckpoint.open(manifest, note)
    except (EncodingError, VerificationError, PolicyError) as error:
        raise RefusalError(f"{name} shows no checkpoint of this log's operator: {error.message}") from error
    size = signed.checkpoint.tree_size
    if name not in signed.witnesses:
        raise RefusalError(f"{name} shows a checkpoint that it has not cosigned")
    if size > view.size:
        raise PolicyError(
            f"{name} has cosigned {size} entries, and {view.size} are here: another mirror may have the rest",
            check="LOG-01",
        )
    if view.state.history.root(size) != signed.checkpoint.root:
        raise RefusalError(f"{name} has cosigned another log than the one here: compare them before anything else")


def take_up(role: WitnessRole, view: WitnessedView, entries: Iterable[bytes] = ()) -> LogOperator:
    """Let a witness follow the successor of a log that was handed over, and return that operator.

    Args:
        role: the witness; it follows the log.
        view: of the log, refreshed, and used for nothing else afterwards.
        entries: the handover's, if no witnessed checkpoint covers them yet, in any order.

    Raises:
        RefusalError: no handover is complete, or the witness has cosigned what the log that was handed over does not
            hold.
        StoreError: the witness's journal does not answer.

    Source: SPEC.md#witnesses, SPEC.md#handover.
    """
    record, covered = view.record, view.size
    for data in dict.fromkeys(entries):
        if _is_handover(data):
            record.append(data)
    state = record.state
    if not state.handovers:
        raise RefusalError("no complete handover of this log is here: its entries are the first after the newest size")
    operator, history = state.operators[-1], state.history
    role.succeed(
        state.the_manifest().log.origin,
        operator.key,
        lambda known: known.tree_size <= covered and history.root(known.tree_size) == known.root,
    )
    return operator


def _is_handover(data: bytes) -> bool:
    try:
        return decode_entry(data).kind == "handover"
    except EncodingError:
        return False
