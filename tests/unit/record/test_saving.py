"""A state that was saved and restored is the state that was saved, wherever in a sitting that happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from secballot.elgamal import Ciphertexts
from secballot.errors import EncodingError, StoreError
from secballot.group import Elements
from secballot.record import SittingRecord
from secballot.record.saving import FORMAT, _Registration, _State, restored, saved
from tests.audit.every_kind import every_kind
from tests.record_stage import picture
from tests.small_sitting import SITTING_ID as SMALL
from tests.small_sitting import document, founding

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def replayed(entries: Sequence[bytes], anchor: bytes | None) -> SittingRecord:
    """Return the record of these entries."""
    record = SittingRecord(anchor, fetch=lambda index: entries[index])
    for entry in entries:
        record.append(entry)
    return record


def test_every_prefix_is_restored_as_it_was() -> None:
    """Every kind of entry takes effect in this log: same state after each, and the same judgement of the next."""
    entries = every_kind().entries
    record = SittingRecord(every_kind().anchor, fetch=lambda index: entries[index])
    for entry in entries:
        again = restored(saved(record), fetch=lambda index: entries[index])
        assert picture(again.state) == picture(record.state)
        assert again.state.history.leaves() == record.state.history.leaves()
        assert again.append(entry) == record.append(entry)
        assert picture(again.state) == picture(record.state)
    assert saved(restored(saved(record), fetch=lambda index: entries[index])) == saved(record)


def test_a_document_in_progress_is_read_again() -> None:
    """What hashes its chunks cannot be saved; other bytes in their place are refused."""
    entries = [*founding(), *(document(1, chunk, 3) for chunk in (1, 2, 3))]
    record = replayed(entries[:-1], SMALL)
    again = restored(saved(record), fetch=lambda index: entries[index])
    assert picture(again.state) == picture(record.state)
    assert again.append(entries[-1]) == record.append(entries[-1])
    assert again.state.complete_documents == record.state.complete_documents != set()

    other = replayed(entries[:-1], SMALL)
    with pytest.raises(StoreError):
        restored(saved(other), fetch=lambda index: entries[index - 1])


def test_a_document_of_other_entries_is_no_state() -> None:
    """Where another kind of entry stands, none of its chunks does."""
    entries = [*founding(), document(1, 1, 3)]
    record = replayed(entries, SMALL)
    (progress,) = record.state.documents.values()
    progress.indices = (0,)
    with pytest.raises(EncodingError, match="not a saved state"):
        restored(saved(record), fetch=entries.__getitem__)


def test_identities_are_restored() -> None:
    """Ballots can cancel each other out, which leaves a sum of nothing, and nothing to decrypt; a share may be zero."""
    entries = every_kind().entries
    record = replayed(entries, every_kind().anchor)
    record.state.complete_ceremony().public_shares[1] = Elements.identity(1)
    poll = next(poll for poll in record.state.polls.values() if poll.result is not None)
    for class_index, total in list(poll.sums.items()):
        poll.sums.set(class_index, Ciphertexts.identity(len(total)))
    poll.aggregates = tuple(Ciphertexts.identity(len(one)) for one in poll.aggregates)
    poll.factors = [{trustee: Elements.identity(len(own)) for trustee, own in held.items()} for held in poll.factors]
    again = restored(saved(record), fetch=lambda index: entries[index])
    assert picture(again.state) == picture(record.state)


def test_other_bytes_are_no_state() -> None:
    """Cut short, of another format, or something else altogether: our own error."""
    data = saved(replayed(founding(), SMALL))
    for size in range(0, len(data), 7):
        with pytest.raises(EncodingError):
            restored(data[:size], fetch=founding().__getitem__)
    fields = msgspec.msgpack.decode(data)
    assert fields[0] == FORMAT
    with pytest.raises(EncodingError, match="another format"):
        restored(msgspec.msgpack.encode([FORMAT + 1, *fields[1:]]), fetch=founding().__getitem__)


def test_a_poll_of_no_registration_is_no_state() -> None:
    """Also where what is saved contradicts itself: our own error."""
    entries = every_kind().entries
    fields = msgspec.msgpack.decode(saved(replayed(entries, every_kind().anchor)))
    registrations = next(at for at, field in enumerate(_State.__struct_fields__) if field == "registrations")
    fields[registrations] = []
    with pytest.raises(EncodingError, match="not a saved state"):
        restored(msgspec.msgpack.encode(fields), fetch=lambda index: entries[index])


def test_columns_of_unequal_length_are_no_state() -> None:
    """A round of the ceremony too few, or a column of requests that is shorter than the others: our own error."""
    entries = every_kind().entries
    data = saved(replayed(entries, every_kind().anchor))
    names = list(_State.__struct_fields__)

    def damaged(change: Callable[[list[Any]], None]) -> bytes:
        fields = msgspec.msgpack.decode(data)
        change(fields)
        return msgspec.msgpack.encode(fields)

    def no_last_round(fields: list[Any]) -> None:
        fields[names.index("ceremony")][1].pop()

    def shorten(column: int) -> Callable[[list[Any]], None]:
        def change(fields: list[Any]) -> None:
            requests = fields[names.index("registrations")][0][_Registration.__struct_fields__.index("requests")]
            requests[column] = requests[column][:-8]

        return change

    def no_last_column(fields: list[Any]) -> None:
        fields[names.index("registrations")][0][_Registration.__struct_fields__.index("requests")].pop()

    for change in (no_last_round, no_last_column, shorten(1), shorten(2), shorten(3), shorten(4)):
        with pytest.raises(EncodingError, match="not a saved state"):
            restored(damaged(change), fetch=lambda index: entries[index])
    assert picture(restored(damaged(lambda _: None), fetch=lambda index: entries[index]).state)
