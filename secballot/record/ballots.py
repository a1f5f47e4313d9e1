"""Admission of a ballot: the stateful checks here, the stateless ones of `protocol.ballots`, in one order.

The verdict of the stateless checks depends on the opening and the ballot alone, so whoever has many ballots verifies
them in blocks beforehand and hands the verdicts in; the heads depend on the verdicts only.

Source: SPEC.md#admission.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secballot.elgamal import Ciphertexts
from secballot.errors import NOBODY, RecordError, SecballotError
from secballot.protocol.ballot_layout import credential_digest
from secballot.protocol.ballots import check_ballot
from secballot.record.sums import PassedBallot

if TYPE_CHECKING:
    from secballot.record.outcome import Act, Commit
    from secballot.record.state import PollState, SittingState
    from secballot.records.ballot import Ballot

Verdict = PassedBallot | Ciphertexts | SecballotError
"""What the stateless checks say: the ballot passed, in a block or with its ciphertexts decoded, or its first error."""


def judge_ballot(state: SittingState, body: Ballot, act: Act, verdict: Verdict | None = None) -> Commit:
    """Return the commit that makes this ballot its credential's head.

    Args:
        state: the log before it.
        body: the ballot.
        act: where it stands.
        verdict: the stateless verdict, if the caller has it; otherwise it is computed here.

    Raises:
        SecballotError: with the first failing check of BAL-01 to BAL-13.
        StoreError: ballots that were superseded earlier cannot be read again.

    Source: SPEC.md#admission.
    """
    digest = credential_digest(body)
    poll = check_admissible(state, body, digest)
    head = poll.heads.get(body.credential)
    if verdict is None:
        known = head.credential if head is not None else None
        verdict = check_ballot(poll.context, body, known_credential=lambda candidate: candidate == known)
    if isinstance(verdict, SecballotError):
        raise verdict
    passed = verdict
    if head is not None:
        poll.sums.make_room()

    def commit() -> None:
        poll.sums.add(body.class_index, passed)
        if head is not None:
            poll.sums.supersede(body.class_index, head.index)
        poll.heads.put(
            body.credential, sequence=body.sequence, index=act.at.index, class_index=body.class_index, digest=digest
        )
        poll.last_accepted = act.at.index

    return commit


def check_admissible(state: SittingState, body: Ballot, digest: bytes) -> PollState:
    """Return the ballot's poll, once the checks that depend on the log so far hold.

    Args:
        state: the log before the ballot.
        body: the ballot.
        digest: its `credential_digest`.

    Raises:
        RecordError: BAL-01 to BAL-05, the first that fails.

    Source: SPEC.md#admission.
    """
    poll = state.by_ctx.get(body.ctx)
    if poll is None:
        raise RecordError("no effective opening has this ctx", check="BAL-01", culprit=NOBODY)
    if poll.status != "open":
        raise RecordError("the poll is not open", check="BAL-02", culprit=NOBODY)
    check_continues(state, poll, body, digest)
    return poll


def check_continues(state: SittingState, poll: PollState, body: Ballot, digest: bytes | None = None) -> None:
    """Check that the ballot continues its credential's chain.

    Args:
        state: the log before the ballot.
        poll: the ballot's.
        body: the ballot.
        digest: its `credential_digest`, if the caller has it.

    Raises:
        RecordError: BAL-03 to BAL-05, the first that fails.
    """
    head = poll.heads.get(body.credential)
    expected = (0, bytes(32)) if head is None else (head.sequence + 1, head.leaf)
    if (body.sequence, body.previous) != expected:
        raise RecordError("sequence and previous do not continue the head", check="BAL-03", culprit=NOBODY)
    if head is not None and (digest or credential_digest(body)) != head.credential:
        raise RecordError("class or credential differ from the first ballot's", check="BAL-04", culprit=NOBODY)
    if body.sequence >= state.the_manifest().limits.ballots_per_credential:
        raise RecordError("the credential has used up its ballots", check="BAL-05", culprit=NOBODY)
