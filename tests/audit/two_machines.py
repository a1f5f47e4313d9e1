"""The library's machine and the second verifier, written from SPEC.md alone, side by side on one log.

Thousands of logs that differ in one entry are judged by both, so what is a pure function of bytes is computed once:
`remembered` keeps the successes of both machines' expensive functions. Failures are found anew every time.
"""

from __future__ import annotations

import importlib
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest import mock

from secballot.audit.verifier import audit
from secballot.errors import NOBODY, SecballotError
from secballot.record import SittingRecord
from secballot.record.tallying import recompute_result
from tests.audit.sources import ListSource
from tests.vectors.checker.machine_judge import judge as judge_independently
from tests.vectors.checker.machine_state import State
from tests.vectors.checker.machine_tally import recompute as recompute_independently
from tests.vectors.checker.reading import Record
from tests.vectors.checker.verdict import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence

    from secballot.record import Judgement
    from secballot.record.state import PollState, SittingState

Said = tuple[str, str | None, str | None]
"""Outcome, check, and who is named; delegates without their key."""


@dataclass(frozen=True)
class PollFindings:
    """What one machine makes of a poll.

    Attributes:
        number: of the poll.
        status: open, closed, lapsed, void, annulled or not opened.
        tally_id: empty before the closing.
        counts: per contest; None where it is not decrypted.
        results: counts, elected, outcome and tied of each contest; None if there is no outcome.
        page: hash of the page with the result that the presidium posted; None if it posted none.
    """

    number: int
    status: str
    tally_id: bytes
    counts: list[list[int] | None]
    results: list[tuple[list[int], list[int], str, list[int]]] | None
    page: bytes | None


@dataclass(frozen=True)
class Findings:
    """What one machine makes of a log.

    Attributes:
        said: of every entry.
        polls: in the order of their openings.
        failures: why the record fails: check and index.
        over: whether no later entry would have effect.
    """

    said: list[Said]
    polls: list[PollFindings]
    failures: list[tuple[str, int | None]]
    over: bool


def library_findings(entries: Sequence[bytes], anchor: bytes | None) -> Findings:
    """Return what the library finds, ballot by ballot."""
    record = SittingRecord(anchor, fetch=lambda index: entries[index])
    said = [_said(record.append(entry)) for entry in entries]
    state = record.state
    failures = [(failure.check, failure.index) for failure in state.failures]
    return Findings(said, [_poll(state, poll) for poll in state.polls.values()], failures, bool(state.over))


def _said(judgement: Judgement) -> Said:
    # Of an entry without effect the library may say whose it is; SPEC.md names nobody.
    named = judgement.outcome.value == "fault" or (judgement.outcome.value == "effect" and judgement.check)
    culprit = judgement.culprit if named and judgement.culprit != NOBODY else None
    return judgement.outcome.value, judgement.check, str(culprit) if culprit is not None else None


def _poll(state: SittingState, poll: PollState) -> PollFindings:
    results = None
    with suppress(SecballotError):  # a poll without outcome
        contests = recompute_result(state, poll).contests
        results = [(list(c.counts), list(c.elected), str(c.outcome), list(c.tied)) for c in contests]
    status = "not opened" if poll.status == "closed" and state.adjourned and not poll.finished() else poll.status
    page = poll.result.page if poll.result is not None else None
    counts = [None if count is None else list(count) for count in poll.counts]
    return PollFindings(poll.number, status, poll.tally_id, counts, results, page)


def checker_findings(entries: Sequence[bytes], anchor: bytes | None) -> Findings:
    """Return what the second verifier finds."""
    state = State(anchor)
    said = []
    for entry in entries:
        found = judge_independently(state, entry)[1]
        culprit = "delegate" if (found.culprit or "").startswith("delegate ") else found.culprit
        said.append((found.outcome, found.check, culprit))
    polls = []
    for poll in state.polls.values():
        recomputed = recompute_independently(state, poll)
        results = None
        if recomputed is not None:
            results = [(c["counts"], c["elected"], c["outcome"], c["tied"]) for c in recomputed]
        counts = [poll.counts.get(place) for place in range(len(poll.body["contests"]))]
        polls.append(PollFindings(poll.number, poll.status, poll.tally_id, counts, results, poll.page))
    return Findings(said, polls, state.fails, state.over is not None)


def agreed_findings(entries: Sequence[bytes], anchor: bytes | None, title: str = "") -> Findings:
    """Return what both machines find.

    Raises:
        AssertionError: they do not find the same; the message begins with the title.
    """
    ours, theirs = library_findings(entries, anchor), checker_findings(entries, anchor)
    for index, (mine, other) in enumerate(zip(ours.said, theirs.said, strict=True)):
        assert mine == other, f"{title}: entry {index}: the library says {mine}, the second verifier {other}"
    assert ours == theirs, title
    return ours


def agreed_verdict(entries: Sequence[bytes], checkpoint: bytes, anchor: bytes | None) -> list[str]:
    """Return the checks by which the record under this checkpoint fails, audited as a whole by both; LOG-01 if none.

    Raises:
        AssertionError: they do not find the same.
    """
    report = audit(ListSource(list(entries), [checkpoint]), anchor=anchor)
    verdict = verify(Record([checkpoint.decode()], list(entries), anchor), anchor)
    failures = [failure.check for failure in report.failures]
    theirs = [failure["check"] for failure in verdict["fails"]]
    assert failures == theirs, f"the library says {failures}, the second verifier {theirs}"
    assert bool(report.log.root) == verdict["checked"]
    assert not verdict["checked"] or report.log.size == verdict["size"]
    return failures if verdict["checked"] else ["LOG-01"]


def _frozen(value: Any) -> Hashable:  # noqa: ANN401  # arguments of any pure function
    if isinstance(value, dict):
        return tuple((name, _frozen(item)) for name, item in sorted(value.items()))
    if isinstance(value, list | tuple):
        return tuple(map(_frozen, value))
    return value  # type: ignore[no-any-return]  # bytes, integers, texts


def _memo(function: Callable[..., Any], key: Callable[..., Hashable]) -> Callable[..., Any]:
    known: dict[Hashable, Any] = {}

    def remembering(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        name = key(*args, **kwargs)
        if name not in known:
            known[name] = function(*args, **kwargs)
        return known[name]

    return remembering


def _plain(*args: object, **kwargs: object) -> Hashable:
    return _frozen(args), _frozen(kwargs)


def _context(context: Any) -> Hashable:  # noqa: ANN401  # a BallotContext
    keys = tuple((number, tuple(key.n for key in row)) for number, row in sorted(context.registrar_keys.items()))
    return context.sitting_id, context.ctx, context.joint_key.encode(), context.poll, context.registration, keys


def _session(session: Any) -> Hashable:  # noqa: ANN401  # a Session
    return session.sitting_id, session.number, session.threshold, session.participants, session.identity_keys


def _stateless(state: Any, poll: Any, body: Any) -> Hashable:  # noqa: ANN401
    moduli = _frozen(poll.registration.moduli)
    return state.sitting.sitting_id, state.joint, poll.ctx, poll.registration.number, moduli, _frozen(body)


_CHECKER = "tests.vectors.checker."
_RECORD = "secballot.record."
_PURE: tuple[tuple[str, str, Callable[..., Hashable]], ...] = (
    (_RECORD + "reading", "decode_entry", _plain),
    (_RECORD + "sitting", "verify", lambda key, message, signature: (key.encode(), message, signature)),
    (_RECORD + "ballots", "check_ballot", lambda context, body, **_: (_context(context), body)),
    (_RECORD + "closing", "check_ballot", lambda context, body, **_: (_context(context), body)),
    (_RECORD + "setup", "verify_registrar_key", _plain),
    (_RECORD + "ceremony", "verify_reveal", lambda session, *rest: (_session(session), rest)),
    (
        _RECORD + "tallying",
        "verify_decryption",
        lambda public_share, aggregates, **rest: (public_share.encode(), aggregates.encode(), _frozen(rest)),
    ),
    (_RECORD + "registration", "check_expected_answer", lambda signatures, expected, keys, registrar, **_: (
        signatures, tuple(expected), tuple(key.n for key in keys), registrar)),
    (_RECORD + "answers", "check_all_roots", lambda key, expected, signatures: (
        key.n, tuple(expected), tuple(signatures))),
    (_RECORD + "history", "open_witnessed", lambda manifest, operators, note: (manifest, tuple(operators), note)),
    (_CHECKER + "canonical", "read", _plain),
    (_CHECKER + "ed25519", "verifies", _plain),
    (_CHECKER + "machine_ballots", "check_stateless", _stateless),
    (_CHECKER + "machine_polls", "passes_stateless_checks", _stateless),
    (_CHECKER + "machine_ceremony", "knowledge_holds", _plain),
    (_CHECKER + "machine_ceremony", "equality_holds", _plain),
    (_CHECKER + "machine_ceremony", "_evaluate", _plain),
    (_CHECKER + "machine_tally", "equality_holds", _plain),
    (_CHECKER + "machine_tally", "combine", _plain),
    (_CHECKER + "machine_tally", "logarithm", _plain),
    (_CHECKER + "machine_tally", "weighted", _plain),
    (_CHECKER + "rsa", "modulus_is_right", _plain),
    (_CHECKER + "ristretto", "decode", _plain),
    (_CHECKER + "ristretto", "encode", _plain),
    (_CHECKER + "machine_registration", "_roots_hold", lambda state, entry, modulus: (
        state.sitting.sitting_id, entry.signer, entry.body_bytes, modulus)),
)  # fmt: skip


@contextmanager
def remembered() -> Iterator[None]:
    """Let both machines remember what their pure functions returned."""
    with ExitStack() as stack:
        for module_name, name, key in _PURE:
            module = importlib.import_module(module_name)
            stack.enter_context(mock.patch.object(module, name, _memo(getattr(module, name), key)))
        yield
