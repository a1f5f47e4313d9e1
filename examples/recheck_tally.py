"""Recompute the tally of one poll from a published board, step by step, with the protocol's functions.

    python examples/recheck_tally.py BOARD POLL SITTING_ID

`secballot audit` checks the whole record. This program shows what stands behind one number in it: the ballots that
count are added up while encrypted, every trustee's proof is verified, any sufficient number of decryptions opens the
sum, and the rules of the manifest say what it means.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from secballot.elgamal import Ciphertexts
from secballot.errors import SecballotError
from secballot.protocol.rules import Turnout, decide
from secballot.protocol.tallying import aggregate, combine, count_bounds, tally_id, verify_decryption
from secballot.records.ballot import Ballot
from secballot.records.decryption import Decryption
from secballot.records.entry import decode_entry
from secballot.records.result import ContestResult
from secballot.roles.view import WitnessedView
from secballot.store.source import open_source

if TYPE_CHECKING:
    from secballot.group import Elements
    from secballot.record.state import PollState


def add_up(view: WitnessedView, poll: PollState) -> tuple[Ciphertexts, ...]:
    """Return the encrypted sum of every contest, from the ballots that count."""
    manifest = view.state.the_manifest()
    sums: dict[int, Ciphertexts] = {}
    for head in poll.heads.values():
        ballot = decode_entry(view.entry(head.index)).body
        if not isinstance(ballot, Ballot):
            sys.exit(f"entry {head.index} is no ballot")
        ciphertexts = Ciphertexts.concat([Ciphertexts.decode(part.ciphertexts) for part in ballot.contests])
        before = sums.get(ballot.class_index)
        sums[ballot.class_index] = ciphertexts if before is None else before + ciphertexts
    weights = {number: held.weight for number, held in enumerate(manifest.classes, 1)}
    return aggregate(poll.context.contests, sums, weights)


def verified_factors(
    view: WitnessedView, poll: PollState, aggregates: tuple[Ciphertexts, ...], tally: bytes
) -> dict[int, dict[int, Elements]]:
    """Return for each contest, from 1, the decryption factors of every trustee whose proof verifies."""
    factors: dict[int, dict[int, Elements]] = defaultdict(dict)
    trustees = view.state.the_manifest().trustees.keys
    for judgement in view.judgements:
        if judgement.kind != "decryption" or not judgement.outcome.stands:
            continue
        entry = decode_entry(view.entry(judgement.index))
        if isinstance(entry.body, Decryption) and entry.body.ctx == poll.ctx:
            trustee = trustees.index(entry.signer) + 1
            factors[entry.body.contest][trustee] = verify_decryption(
                ctx=poll.ctx,
                tally_id=tally,
                trustee=trustee,
                public_share=view.state.complete_ceremony().public_shares[trustee],
                contest=entry.body.contest,
                aggregates=aggregates[entry.body.contest - 1],
                body=entry.body,
            )
    return factors


def recompute(view: WitnessedView, poll: PollState) -> tuple[ContestResult, ...]:
    """Return the results of a closed and decrypted poll, recomputed from its ballots."""
    manifest = view.state.the_manifest()
    if poll.closing is None:
        sys.exit(f"poll {poll.number} is {poll.status}")
    aggregates = add_up(view, poll)
    counted = [head.leaf for head in sorted(poll.heads.values(), key=lambda head: head.index)]
    tally = tally_id(poll.ctx, poll.closing.leaf, counted, Ciphertexts.concat(aggregates))
    factors = verified_factors(view, poll, aggregates, tally)
    weights = {number: held.weight for number, held in enumerate(manifest.classes, 1)}
    turnout = Turnout(poll.counted(), poll.registration.class_sizes(), poll.registration.answered(poll.number))
    contests = []
    for number, (contest, shape) in enumerate(zip(poll.opening.contests, poll.context.contests, strict=True), 1):
        rule = manifest.rule_set(contest.rules)
        if not poll.at_floor[number - 1] or rule is None:
            contests.append(ContestResult(counts=(), elected=(), outcome="unopened", tied=()))
            continue
        bounds = count_bounds(shape.options, shape.eligible, turnout.counted, weights)
        counts = combine(manifest.trustees.threshold, factors[number], aggregates[number - 1], bounds)
        contests.append(decide(rule, shape.options, counts, turnout, weights))
    return tuple(contests)


def main(arguments: list[str]) -> None:
    """Recompute the result of one poll and compare it with the one posted."""
    if len(arguments) != 3:  # noqa: PLR2004  # board, poll, sitting
        sys.exit("usage: python examples/recheck_tally.py BOARD POLL SITTING_ID")
    board, number, sitting = arguments
    try:
        view = WitnessedView(open_source(Path(board)), bytes.fromhex(sitting))
        view.refresh()
        poll = view.state.polls.get(int(number))
        if poll is None:
            sys.exit(f"there is no poll {number}")
        result = recompute(view, poll)
    except (SecballotError, ValueError) as error:
        sys.exit(f"NOT VERIFIED: {error}")
    print(f"Poll {number}: {len(poll.heads)} ballots count.")
    for contest, found in zip(poll.opening.contests, result, strict=True):
        counts = zip(contest.options, found.counts, strict=False)  # none for a contest that stays closed
        print(f"{contest.title}: {', '.join(f'{option.label} {count}' for option, count in counts)}: {found.outcome}")
    if poll.result is not None and poll.result.contests != result:
        sys.exit("The posted result is ANOTHER ONE.")
    print("The posted result is the same." if poll.result is not None else "No result is posted yet.")


if __name__ == "__main__":
    main(sys.argv[1:])
