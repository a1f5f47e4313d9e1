"""Aggregates, floor, decryptions, counts, rules and results."""

from __future__ import annotations

import math

from . import ristretto
from .edwards import ORDER, Point, add, combine, multiply_base, negate, subtract
from .machine_ballots import NO_CIPHER, ciphers, weighted
from .machine_state import EFFECT, Body, Entry, FaultError, NoEffectError, Outcome, Poll, State
from .proofs import Cipher, equality_holds, sum_ciphers
from .transcript import digest


def eligible(state: State, contest: Body) -> list[int]:
    """Return the classes a contest is open to."""
    return list(state.sitting.rules[contest["rules"]]["eligible"])


def close_tally(state: State, poll: Poll) -> None:
    """Count the heads: aggregates, tally id and floors of a poll that has just closed."""
    heads = [credential.head for credential in poll.credentials.values()]
    poll.counted = sorted(heads, key=lambda vote: vote.index)
    poll.aggregates = [_aggregate(state, poll, place) for place in range(len(poll.body["contests"]))]
    flat = [cipher for contest in poll.aggregates for cipher in contest]
    poll.tally_id = digest(
        "tally",
        poll.ctx,
        poll.closing_leaf,
        b"".join(vote.leaf for vote in poll.counted),
        b"".join(ristretto.encode(c.alpha) + ristretto.encode(c.beta) for c in flat),
    )
    poll.at_floor = [_is_at_floor(state, poll, contest) for contest in poll.body["contests"]]
    poll.decryptions = [{} for _ in poll.body["contests"]]


def _aggregate(state: State, poll: Poll, place: int) -> list[Cipher]:
    contest = poll.body["contests"][place]
    totals = [NO_CIPHER] * len(contest["options"])
    for kind in eligible(state, contest):
        position = sum(kind in eligible(state, other) for other in poll.body["contests"][:place])
        votes = [vote for vote in poll.counted if vote.body["class"] == kind]
        columns = [ciphers(vote.body["contests"][position]["ciphertexts"]) for vote in votes]
        for option in range(len(totals)):
            part = sum_ciphers([column[option] for column in columns], NO_CIPHER)
            totals[option] = sum_ciphers([weighted(state.sitting.weight(kind), part)], totals[option])
    return totals


def _counted(poll: Poll, kind: int) -> int:
    return sum(vote.body["class"] == kind for vote in poll.counted)


def _is_at_floor(state: State, poll: Poll, contest: Body) -> bool:
    groups: dict[tuple[int, ...], int] = {}
    for kind in eligible(state, contest):
        open_contests = [at for at, other in enumerate(poll.body["contests"]) if kind in eligible(state, other)]
        group = (state.sitting.weight(kind), *open_contests)
        groups[group] = groups.get(group, 0) + _counted(poll, kind)
    floor = state.sitting.floor
    return sum(groups.values()) >= floor and all(count == 0 or count >= floor for count in groups.values())


def enough_decryptions(state: State, poll: Poll) -> bool:
    """Tell whether some contest has t effective decryptions."""
    return any(len(given) >= state.sitting.threshold for given in poll.decryptions)


def opened(state: State, poll: Poll) -> bool:
    """Tell whether a closed poll's contests at or above the floor all have t effective decryptions."""
    return poll.status in {"closed", "not opened"} and all(
        not floor or len(given) >= state.sitting.threshold
        for floor, given in zip(poll.at_floor, poll.decryptions, strict=True)
    )


def finished(state: State, poll: Poll) -> bool:
    """Tell whether a poll is finished."""
    return poll.status in {"lapsed", "void", "annulled"} or opened(state, poll)


def decryption_phase(state: State, entry: Entry) -> None:
    """Raise ENT-06 out of phase or for a repetition, TAL-03 for a second content."""
    body, poll, trustee = entry.body, state.polls.get(entry.body["ctx"]), state.sitting.trustees[entry.signer]
    place = body["contest"] - 1
    if trustee not in state.public_shares:
        raise NoEffectError("ENT-06")
    if poll is None or poll.status != "closed" or place >= len(poll.at_floor) or not poll.at_floor[place]:
        raise NoEffectError("ENT-06")
    before = poll.decryptions[place].get(trustee)
    if before is not None:
        if before[0] == entry.body_bytes:
            raise NoEffectError("ENT-06")
        raise FaultError("TAL-03")


def perform_decryption(state: State, entry: Entry) -> Outcome:
    """Admit a partial decryption, or raise TAL-03 or TAL-04; with the t-th the contest is counted."""
    body, poll = entry.body, state.polls[entry.body["ctx"]]
    place, trustee = body["contest"] - 1, state.sitting.trustees[entry.signer]
    aggregate = poll.aggregates[place]
    if (
        body["tally_id"] != poll.tally_id
        or len(body["factors"]) != 32 * len(aggregate)
        or len(body["proofs"]) != 64 * len(aggregate)
    ):
        raise FaultError("TAL-03")
    share = state.public_shares[trustee]
    factors = []
    for option, cipher in enumerate(aggregate):
        raw = body["factors"][32 * option : 32 * option + 32]
        factor = ristretto.decode(raw, identity_allowed=True)
        heads = (poll.ctx, poll.tally_id, trustee, ristretto.encode(share), place + 1, option + 1)
        context = [*heads, ristretto.encode(cipher.alpha), raw]
        proof = body["proofs"][64 * option : 64 * option + 64]
        if factor is None or not equality_holds("decryption", context, share, (cipher.alpha, factor), proof):
            raise FaultError("TAL-04")
        factors.append(factor)
    poll.decryptions[place][trustee] = (entry.body_bytes, factors)
    if len(poll.decryptions[place]) == state.sitting.threshold:
        poll.counts[place] = _count(state, poll, place)
        if poll.counts[place] is None:
            state.fail("TAL-05", entry.index)
    return EFFECT


def _lagrange(indices: list[int], i: int) -> int:
    value = 1
    for j in indices:
        if j != i:
            value = value * j * pow(j - i, -1, ORDER) % ORDER
    return value


def _count(state: State, poll: Poll, place: int) -> list[int] | None:
    """Return the counts of a contest, or None if some option has none in range."""
    contest, given = poll.body["contests"][place], poll.decryptions[place]
    indices = sorted(given)
    factors = [_lagrange(indices, i) for i in indices]
    ballots = sum(state.sitting.weight(kind) * _counted(poll, kind) for kind in eligible(state, contest))
    counts = []
    for option, cipher in enumerate(poll.aggregates[place]):
        mask = combine(factors, [given[i][1][option] for i in indices])
        most = ballots * contest["options"][option]["maximum"]
        count = logarithm(subtract(cipher.beta, mask), most)
        if count is None:
            return None
        counts.append(count)
    return counts


def logarithm(element: Point, most: int) -> int | None:
    """Return the x in 0..most with element = x·G, or None (baby steps, giant steps)."""
    width = math.isqrt(most) + 1
    table, point = {}, multiply_base(0)
    for i in range(width):
        table[ristretto.encode(point)] = i
        point = add(point, ristretto.GENERATOR)
    giant, here = negate(point), element
    for j in range(width + 1):
        found = table.get(ristretto.encode(here))
        if found is not None:
            value = j * width + found
            return value if value <= most else None
        here = add(here, giant)
    return None


def _base(state: State, poll: Poll, rule: Body, registered: bool, measure: str) -> int:
    registration = poll.registration
    if registered:
        kinds = [r.kind for r in registration.complete_requests(poll.number, len(state.sitting.registrars))]
    else:
        kinds = list(registration.roll.values())
    return sum(state.sitting.weight(kind) if measure == "weight" else 1 for kind in kinds if kind in rule["eligible"])


def _majority(state: State, poll: Poll, contest: Body, counts: list[int], option: int) -> bool:
    rule = state.sitting.rules[contest["rules"]]
    majority = rule["majority"]
    most: int = contest["options"][option]["maximum"]
    count = counts[option]
    if majority["base"] == "decided":
        base = counts[0] + counts[1]
    elif majority["base"] == "roll":
        base = most * _base(state, poll, rule, registered=False, measure="weight")
    else:
        base = most * sum(state.sitting.weight(kind) * _counted(poll, kind) for kind in rule["eligible"])
    left: int = count * majority["denominator"]
    right: int = majority["numerator"] * base
    reached = left > right if majority["strict"] else left >= right
    return count > 0 and reached


def _quorate(state: State, poll: Poll, rule: Body) -> bool:
    quorum = rule["quorum"]
    weigh = quorum["measure"] == "weight"
    present: int = sum(_counted(poll, kind) * (state.sitting.weight(kind) if weigh else 1) for kind in rule["eligible"])
    base = _base(state, poll, rule, registered=quorum["base"] == "registered", measure=quorum["measure"])
    return bool(present * quorum["denominator"] >= quorum["numerator"] * base)


def elect(counts: list[int], candidates: list[int], seats: int) -> tuple[list[int], list[int]]:
    """Return the options elected and those tied (numbers from 1)."""
    if len(candidates) <= seats:
        return [option + 1 for option in sorted(candidates)], []
    mark = sorted((counts[option] for option in candidates), reverse=True)[seats - 1]
    above = [option + 1 for option in candidates if counts[option] > mark]
    level = [option + 1 for option in candidates if counts[option] == mark]
    if len(above) + len(level) <= seats:
        return sorted(above + level), []
    return sorted(above), sorted(level)


def _decide(state: State, poll: Poll, contest: Body, counts: list[int]) -> Body:
    rule = state.sitting.rules[contest["rules"]]
    found: Body = {"counts": counts, "elected": [], "outcome": "inquorate", "tied": []}
    if not _quorate(state, poll, rule):
        return found
    if rule["decision"] == "adopt":
        found["outcome"] = "adopted" if _majority(state, poll, contest, counts, 0) else "rejected"
        return found
    candidates = [i for i in range(len(counts)) if _majority(state, poll, contest, counts, i)]
    found["outcome"] = "elected"
    found["elected"], found["tied"] = elect(counts, candidates, rule["seats"])
    return found


def recompute(state: State, poll: Poll) -> list[Body] | None:
    """Return the result of every contest, or None if it is missing."""
    if poll.status != "closed" or not opened(state, poll):
        return None
    results = []
    for place, contest in enumerate(poll.body["contests"]):
        if not poll.at_floor[place]:
            results.append({"counts": [], "elected": [], "outcome": "unopened", "tied": []})
            continue
        counts = poll.counts.get(place)
        if counts is None:
            return None
        results.append(_decide(state, poll, contest, counts))
    return results


def result_filled(state: State, body: Body) -> bool:
    """Tell whether the poll has an effective result."""
    poll = state.polls.get(body["ctx"])
    return poll is not None and poll.page is not None


def perform_result(state: State, entry: Entry) -> Outcome:
    """Admit a right result; a wrong one makes the record fail."""
    poll = state.polls[entry.body["ctx"]]
    expected = recompute(state, poll)
    if expected is None or entry.body["contests"] != expected or entry.body["tally_id"] != poll.tally_id:
        state.fail("RES-01", entry.index)
        raise NoEffectError("RES-01")
    poll.page = entry.body["page"]
    return EFFECT
