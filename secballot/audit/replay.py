"""Feed a log to the record machine block by block, with the proofs of each block's ballots checked in one batch.

The verdict on a ballot's proofs depends on its poll and itself alone, so it may be found before the ballot's turn
comes; whether the ballot is admitted then is the machine's to say. A ballot that is left out of the batch costs time
and changes nothing: the machine verifies it alone.

Source: SPEC.md#data-flow, SPEC.md#admission.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import islice
from typing import TYPE_CHECKING, Final

from secballot.board.merkle import leaf_hash
from secballot.errors import EncodingError
from secballot.protocol.ballots import check_ballots
from secballot.record import Outcome
from secballot.records.ballot import Ballot
from secballot.records.entry import decode_entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from secballot.record import Judgement, SittingRecord
    from secballot.record.ballots import Verdict
    from secballot.record.state import PollState, SittingState

BLOCK: Final = 256
"""Entries judged at a time: enough for the batch to pay, few enough to hold in memory."""

_BALLOT_END: Final = b',"kind":"ballot"}'


def replay(
    record: SittingRecord, entries: Iterable[bytes], observe: Callable[[Judgement, bytes], None]
) -> Iterator[int]:
    """Append every entry to the record, and yield how many the record has, after each block.

    Args:
        record: the machine.
        entries: the log from the record's present length on.
        observe: is given each entry's judgement and bytes, right after it was appended.

    Raises:
        StoreError: the entries cannot be read on; those of earlier blocks were appended.
    """
    stream = iter(entries)
    while block := list(islice(stream, BLOCK)):
        verdicts = dict(ballot_verdicts(record.state, block))
        for position, data in enumerate(block):
            judgement = record.append(data, verdict=verdicts.get(position))
            observe(judgement, data)
            if judgement.kind == "opening" and judgement.outcome is Outcome.EFFECT:
                # Its ballots may follow in this very block, and could not be verified ahead of it.
                rest = ballot_verdicts(record.state, block[position + 1 :])
                verdicts.update({position + 1 + at: verdict for at, verdict in rest.items()})
        yield len(record)


def ballot_verdicts(state: SittingState, block: Sequence[bytes]) -> Mapping[int, Verdict]:
    """Return by position the stateless verdicts on the ballots of a block that may be admitted.

    Left out are ballots of polls that are not open before the block, and those that do not continue their credential's
    head: nobody makes an auditor check proofs by repeating ballots.

    Args:
        state: the state before the block.
        block: entries, any bytes at all.
    """
    waiting: dict[bytes, dict[int, Ballot]] = defaultdict(dict)
    expected: dict[tuple[bytes, bytes], tuple[int, bytes]] = {}
    for position, data in enumerate(block):
        ballot = _ballot(data)
        poll = state.by_ctx.get(ballot.ctx) if ballot is not None else None
        if ballot is None or poll is None or poll.status != "open":
            continue
        credential = ballot.ctx, ballot.credential
        if (ballot.sequence, ballot.previous) == expected.get(credential, _head(poll, ballot)):
            waiting[ballot.ctx][position] = ballot
            expected[credential] = ballot.sequence + 1, leaf_hash(data)
    verdicts: dict[int, Verdict] = {}
    for ctx, ballots in waiting.items():
        poll = state.by_ctx[ctx]
        heads = [poll.heads.get(ballot.credential) for ballot in ballots.values()]
        known = {head.credential for head in heads if head is not None}
        found = check_ballots(poll.context, list(ballots.values()), known_credential=known.__contains__)
        verdicts.update(zip(ballots, found, strict=True))
    return verdicts


def _ballot(data: bytes) -> Ballot | None:
    if not data.endswith(_BALLOT_END):
        return None
    try:
        body = decode_entry(data).body
    except EncodingError:
        return None  # the machine says so
    return body if isinstance(body, Ballot) else None


def _head(poll: PollState, ballot: Ballot) -> tuple[int, bytes]:
    head = poll.heads.get(ballot.credential)
    return (0, bytes(32)) if head is None else (head.sequence + 1, head.leaf)
