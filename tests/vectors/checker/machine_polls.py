"""Documents, openings, extensions, closings, lapses, objections, annulments and adjournment."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from . import canonical, ed25519
from .canonical import encode_base64
from .machine_ballots import (
    open_contests,
    passes_stateless_checks,
    sizes,
)
from .machine_board import examine, promise_key
from .machine_state import EFFECT, Body, Entry, NoEffectError, Outcome, Poll, Progress, Registration, State
from .machine_tally import close_tally, enough_decryptions, finished
from .merkle import leaf_hash
from .transcript import digest

if TYPE_CHECKING:
    from .canonical import Value

BALLOT_ROOM = 64_000
MOST_SUM_VALUES = 1000
WIDEST_SEQUENCE = 10**15


def document_phase(state: State, entry: Entry) -> None:
    """Raise ENT-06 for a chunk that does not follow."""
    body, progress = entry.body, state.progress.get(entry.signer)
    if body["chunk"] == 1:
        return
    if (
        progress is None
        or progress.document != body["document"]
        or progress.chunks != body["chunks"]
        or body["chunk"] != len(progress.parts) + 1
    ):
        raise NoEffectError("ENT-06")


def perform_document(state: State, entry: Entry) -> Outcome:
    """Add a chunk, or raise POL-01 and abandon the document."""
    body = entry.body
    if body["chunk"] == 1:
        state.progress[entry.signer] = Progress(body["document"], body["chunks"], [])
    progress = state.progress[entry.signer]
    progress.parts.append(body["data"])
    if len(progress.parts) == progress.chunks:
        del state.progress[entry.signer]
        if hashlib.sha256("".join(progress.parts).encode()).digest() != progress.document:
            raise NoEffectError("POL-01")
        state.documents.add(progress.document)
    return EFFECT


def opening_filled(state: State, body: Body) -> bool:
    """Tell whether the poll number is spent."""
    return body["poll"] in state.spent()


def _contest_fits(state: State, contest: Body) -> bool:
    rule = state.sitting.rules.get(contest["rules"])
    options, low, high = contest["options"], contest["sum_minimum"], contest["sum_maximum"]
    most = sum(option["maximum"] for option in options)
    if rule is None or not low <= high <= most or high < 1 or high - low > MOST_SUM_VALUES:
        return False
    if not set(contest["documents"]) <= state.documents:
        return False
    if rule["decision"] == "adopt":
        return len(options) >= 2 and high == 1 and all(option["maximum"] == 1 for option in options)
    return bool(len(options) >= rule["seats"])


def largest_ballot(state: State, opening: Body, kind: int) -> int:
    """Return the size of the largest ballot entry of a class."""
    registrars = len(state.sitting.registrars)
    zeros = encode_base64(bytes(32))
    contests: list[Value] = [
        {name: encode_base64(bytes(size)) for name, size in sizes(contest).items()}
        for contest in open_contests(state.sitting, opening, kind)
    ]
    body: dict[str, Value] = {
        "class": kind,
        "commitment": zeros,
        "contests": contests,
        "credential": zeros,
        "ctx": zeros,
        "previous": zeros,
        "randomizers": encode_base64(bytes(32 * registrars)),
        "response": zeros,
        "sequence": WIDEST_SEQUENCE,
        "signatures": encode_base64(bytes(384 * registrars)),
        "tag": "1" * 10,
    }
    return len(canonical.encode({"body": body, "kind": "ballot"}))


def _convened(state: State, poll: int) -> tuple[bytes, Registration] | None:
    return next(((h, r) for h, r in reversed(state.convenings) if r.first_poll <= poll), None)


def perform_opening(state: State, entry: Entry) -> Outcome:
    """Open a poll, or raise POL-02."""
    body, sitting = entry.body, state.sitting
    found = _convened(state, body["poll"])
    if (
        not 1 <= body["poll"] <= sitting.polls
        or body["poll"] in state.spent()
        or found is None
        or found[0] != body["convening"]
        or not all(_contest_fits(state, contest) for contest in body["contests"])
        or any(
            open_contests(sitting, body, kind) and largest_ballot(state, body, kind) > BALLOT_ROOM
            for kind in range(1, len(sitting.classes) + 1)
        )
    ):
        raise NoEffectError("POL-02")
    shortest = max(sitting.rules[contest["rules"]]["minimum_duration"] for contest in body["contests"])
    state.polls[entry.body_hash] = Poll(entry.body_hash, entry.index, body, found[1], body["closes_at"], shortest)
    return EFFECT


def extension_filled(state: State, body: Body) -> bool:
    """Tell whether the poll was extended."""
    poll = state.polls.get(body["ctx"])
    return poll is not None and poll.extended


def perform_extension(state: State, entry: Entry) -> Outcome:
    """Move a poll's closing, or raise POL-03."""
    poll = state.polls.get(entry.body["ctx"])
    if (
        poll is None
        or poll.status != "open"
        or poll.extended
        or not 0 < entry.body["closes_at"] - poll.closes_at <= state.sitting.body["extension_limit"]
    ):
        raise NoEffectError("POL-03")
    poll.closes_at, poll.extended = entry.body["closes_at"], True
    return EFFECT


def open_phase(state: State, entry: Entry) -> None:
    """Raise ENT-06 unless the poll is open."""
    poll = state.polls.get(entry.body["ctx"])
    if poll is None or poll.status != "open":
        raise NoEffectError("ENT-06")


def perform_closing(state: State, entry: Entry) -> Outcome:
    """Close a poll, or raise LOG-03, LOG-04, POL-04 or POL-05."""
    poll, grace = state.polls[entry.body["ctx"]], state.sitting.body["grace"]
    last = examine(state, entry.body["checkpoint"], entry.index)
    first = examine(state, entry.body["opening_checkpoint"], entry.index)
    if (
        last.size <= poll.index
        or first.size <= poll.index
        or not all(poll.closes_at <= time <= poll.closes_at + grace for time in last.times)
        or not all(time <= poll.closes_at - poll.minimum_duration for time in first.times)
    ):
        raise NoEffectError("POL-04")
    if poll.last_vote >= last.size:
        raise NoEffectError("POL-05")
    poll.status, poll.closing_index, poll.closing_leaf = "closed", entry.index, entry.leaf
    poll.closing_time = max(last.times)
    close_tally(state, poll)
    if _overfull(state, poll):
        poll.status = "void"
        return Outcome("effect", "TAL-01", "registrars")
    return EFFECT


def _overfull(state: State, poll: Poll) -> bool:
    complete = poll.registration.complete_requests(poll.number, len(state.sitting.registrars))
    return any(
        sum(credential.head.body["class"] == kind for credential in poll.credentials.values())
        > sum(request.kind == kind for request in complete)
        for kind in range(1, len(state.sitting.classes) + 1)
    )


def perform_lapse(state: State, entry: Entry) -> Outcome:
    """Let a poll lapse, or raise LOG-03, LOG-04 or POL-06."""
    poll, grace = state.polls[entry.body["ctx"]], state.sitting.body["grace"]
    good = examine(state, entry.body["checkpoint"], entry.index)
    if good.size <= poll.index or not all(time > poll.closes_at + grace for time in good.times):
        raise NoEffectError("POL-06")
    poll.status = "lapsed"
    return EFFECT


def _promise_good(state: State, promise: Body) -> bool:
    message = digest(
        "promise",
        promise["sitting_id"],
        promise["leaf_hash"],
        promise["index"],
        promise["time"],
        promise["maximum_delay"],
    )
    return promise["sitting_id"] == state.sitting.sitting_id and ed25519.verifies(
        promise_key(state, promise["index"]), message, promise["signature"]
    )


def perform_objection(state: State, entry: Entry, raw_ballot: Value) -> Outcome:
    """Void a poll for a broken promise, or raise ENT-06 or POL-07."""
    body, promise = entry.body, entry.body["promise"]
    poll = state.polls.get(body["ctx"])
    if poll is None or poll.status != "closed" or enough_decryptions(state, poll):
        raise NoEffectError("ENT-06")
    promised = leaf_hash(canonical.encode({"body": raw_ballot, "kind": "ballot"}))
    if (
        body["ballot"]["ctx"] != poll.ctx
        or promise["leaf_hash"] != promised
        or promise["index"] >= poll.closing_index
        or state.tree.leaf(promise["index"]) == promised
        or not _promise_good(state, promise)
        or not passes_stateless_checks(state, poll, body["ballot"])
    ):
        raise NoEffectError("POL-07")
    poll.status = "void"
    return EFFECT


def annul_filled(state: State, body: Body) -> bool:
    """Tell whether the poll is annulled."""
    poll = state.polls.get(body["ctx"])
    return poll is not None and poll.status == "annulled"


def perform_annul(state: State, entry: Entry) -> Outcome:
    """Annul a poll, or raise POL-08."""
    poll = state.polls.get(entry.body["ctx"])
    if poll is None or poll.status not in {"open", "closed"} or enough_decryptions(state, poll):
        raise NoEffectError("POL-08")
    poll.status = "annulled"
    return EFFECT


def perform_adjournment(state: State, entry: Entry) -> Outcome:
    """End the sitting, or raise POL-09, LOG-03 or LOG-04."""
    good = examine(state, entry.body["checkpoint"], entry.index)
    period = state.sitting.body["decryption_period"]
    for poll in state.polls.values():
        late = poll.status == "closed" and all(time > poll.closing_time + period for time in good.times)
        if not finished(state, poll) and not late:
            raise NoEffectError("POL-09")
    for poll in state.polls.values():
        if not finished(state, poll):
            poll.status = "not opened"
    state.over = "adjourned"
    return EFFECT
