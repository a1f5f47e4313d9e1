"""Bad contributions of trustees, registrars and delegates, in three ways, in one sitting that goes on to its end.

(a) The board's door refuses what has no effect, with the check, and logs what convicts its signer. (b) Forced onto the
log, either does the same: no effect but the fault, for the same check. (c) The honest rest goes on: the key, the
credentials, the tally and the result are made, the audit stands, and lists each attempt with its check and its author.
The second verifier judges the whole log again.

    attempt("a commit of another session", entry, "ENT-06")
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import msgspec
import pytest

from secballot.audit.report import EntryLine, Report, Verdict
from secballot.audit.verifier import audit
from secballot.errors import NOBODY, Party, RefusalError, SecballotError
from secballot.records.ceremony import CeremonyCommit, CeremonyReveal
from secballot.records.credential import Answer, CredentialIssue, CredentialRequest
from secballot.records.decryption import Decryption
from secballot.records.promise import Promise
from secballot.roles.party import sign_entry
from secballot.roles.registrar import consent_body
from tests.adversary.ballot_forger import base
from tests.record_stage import golden_bodies, picture
from tests.second_verifier import agree
from tests.simulator import Simulator, election, resolution

if TYPE_CHECKING:
    from secballot.record import Judgement
    from secballot.signing import SigningKey

EXPECTED: dict[str, tuple[str, Party | None]] = {
    "a commit by a delegate": ("ENT-04", None),
    "a commit of another session": ("ENT-06", None),
    "a commit under another's signature": ("ENT-05", None),
    "a reveal before its round": ("ENT-06", None),
    "a reveal that opens nothing": ("CER-01", Party("trustee", 2)),
    "a commit by whom the session blamed": ("ENT-06", None),
    "a commit after the ceremony": ("ENT-06", None),
    "a request by an officer": ("ENT-04", None),
    "a request for polls to come": ("ENT-06", None),
    "a request of too few polls": ("REG-06", Party("delegate")),
    "a request with a blinded one": ("REG-06", Party("delegate")),
    "a request under another's signature": ("ENT-05", None),
    "another request for the same polls": ("REG-06", Party("delegate")),
    "an answer by a trustee": ("ENT-04", None),
    "an answer to no request": ("ENT-06", None),
    "an answer that is no signature": ("REG-07", Party("registrar", 1)),
    "an answer given twice": ("ENT-06", None),
    "a consent by a delegate": ("ENT-04", None),
    "a consent to another log": ("CON-01", Party("registrar", 1)),
    "a consent to another key": ("CON-01", Party("trustee", 3)),
    "a decryption before the closing": ("ENT-06", None),
    "a decryption by who is no participant": ("ENT-06", None),
    "a decryption of another tally": ("TAL-03", Party("trustee", 1)),
    "a decryption of too few options": ("TAL-03", Party("trustee", 3)),
    "a decryption with another share": ("TAL-04", Party("trustee", 1)),
}
"""What is tried: the check that it must fail, and who is named by it."""


@dataclass
class Tried:
    """One sitting, and what became of each attempt.

    Attributes:
        simulator: its parties.
        answers: of the board's door, by attempt.
        logged: what the entries did that are on the log, by attempt, first at the door and then by force.
        traces: whether the state was another one afterwards.
    """

    simulator: Simulator = field(default_factory=Simulator)
    answers: dict[str, Promise | SecballotError] = field(default_factory=dict)
    logged: dict[str, list[Judgement]] = field(default_factory=dict)
    traces: dict[str, bool] = field(default_factory=dict)

    def attempt(self, name: str, entry: bytes) -> None:
        """Bring an entry to the board's door, and then force it onto the log."""
        board, now = self.simulator.board, self.simulator.rehearsal.now
        size, before = len(board.entries), picture(board.record.state)
        (self.answers[name],) = board.submit([entry], now=now)
        self.logged[name] = board.judgements[size:]
        self.logged[name].append(board.force(entry))
        self.traces[name] = picture(board.record.state) != before

    def signed(
        self, name: str, key: SigningKey, kind: str, body: msgspec.Struct, *, by: SigningKey | None = None
    ) -> None:
        """Attempt a body, signed by a key, or by another than the one that it names."""
        entry = sign_entry(by or key, kind, self.simulator.board.anchor, body)
        if by is not None:
            named, used = (one.verify_key.encode() for one in (key, by))
            entry = entry.replace(_text(used), _text(named))
        self.attempt(name, entry)


def _named(culprit: Party | None) -> str:
    return "" if culprit in {None, NOBODY} else str(culprit)


def _text(data: bytes) -> bytes:
    return msgspec.json.encode(data)


def _ceremony(tried: Tried) -> None:
    rehearsal = tried.simulator.rehearsal
    one, two, *_ = rehearsal.keys.trustees
    commit, again = (CeremonyCommit(commitment=bytes(64), session=number) for number in (1, 2))
    (_, reveal) = golden_bodies("ceremony-reveal")[0]
    assert isinstance(reveal, CeremonyReveal)
    rehearsal.found()
    rehearsal.enrol()
    delegate = rehearsal.delegates[0]._wallet.signing_key()
    tried.signed("a commit by a delegate", delegate, "ceremony-commit", commit)
    tried.signed("a commit of another session", one, "ceremony-commit", again)
    tried.signed("a commit under another's signature", one, "ceremony-commit", commit, by=two)
    tried.signed("a reveal before its round", one, "ceremony-reveal", reveal)
    rehearsal.witness()
    for trustee in rehearsal.trustees:
        trustee.step()
    rehearsal.witness()
    tried.signed("a reveal that opens nothing", two, "ceremony-reveal", reveal)
    tried.signed("a commit by whom the session blamed", two, "ceremony-commit", again)
    rehearsal.witness()
    rehearsal.run_ceremony([trustee for trustee in rehearsal.trustees if trustee.index != 2])
    tried.signed("a commit after the ceremony", one, "ceremony-commit", again)


def _registration(tried: Tried) -> None:
    rehearsal = tried.simulator.rehearsal
    officer, trustee, registrar = rehearsal.keys.presidium[0], rehearsal.keys.trustees[0], rehearsal.keys.registrars[0]
    for member in rehearsal.commission:
        member.sign_roll(rehearsal.roll)
    for party in rehearsal.registrars:
        party.post_keys()
    rehearsal.witness()
    for one in rehearsal.needed_officers():
        one.register(1)
    rehearsal.witness()
    delegate = rehearsal.delegates[0]._wallet.signing_key()
    others = next(
        body for signer, body in golden_bodies("credential-request") if signer == delegate.verify_key.encode()
    )
    assert isinstance(others, CredentialRequest)
    one_as_value = (1).to_bytes(384, "big")
    blinded = (one_as_value + others.blinded[0][384:], *others.blinded[1:])
    tried.signed("a request by an officer", officer, "credential-request", others)
    later = msgspec.structs.replace(others, first_poll=2, blinded=others.blinded[1:])
    tried.signed("a request for polls to come", delegate, "credential-request", later)
    few = msgspec.structs.replace(others, blinded=others.blinded[:1])
    tried.signed("a request of too few polls", delegate, "credential-request", few)
    bad = msgspec.structs.replace(others, blinded=blinded)
    tried.signed("a request with a blinded one", delegate, "credential-request", bad)
    tried.signed("a request under another's signature", delegate, "credential-request", others, by=officer)
    rehearsal.witness()
    for voter in rehearsal.delegates:
        voter.request_credentials()
    rehearsal.witness()
    tried.signed("another request for the same polls", delegate, "credential-request", bad)
    for one in rehearsal.needed_officers():
        one.close_registration()
    leaf = next(iter(rehearsal.operator.record.state.registrations[-1].requests))
    false = CredentialIssue((Answer(leaf, one_as_value * 2),), 1)
    nobody = CredentialIssue((Answer(bytes(32), one_as_value * 2),), 1)
    tried.signed("an answer by a trustee", trustee, "credential-issue", false)
    tried.signed("an answer to no request", registrar, "credential-issue", nobody)
    tried.signed("an answer that is no signature", registrar, "credential-issue", false)
    rehearsal.witness()
    for party in rehearsal.registrars:
        party.answer_requests()
    tried.signed("an answer given twice", registrar, "credential-issue", false)
    rehearsal.witness()
    view = rehearsal.view()
    view.refresh()
    consent = consent_body(view, view.state.registrations[-1])
    tried.signed("a consent by a delegate", delegate, "consent", consent)
    tried.signed("a consent to another log", registrar, "consent", msgspec.structs.replace(consent, root=bytes(32)))
    other_key = msgspec.structs.replace(consent, joint_key=base(1).encode())
    tried.signed("a consent to another key", rehearsal.keys.trustees[2], "consent", other_key)
    rehearsal.witness()
    rehearsal.convene([trustee for trustee in rehearsal.trustees if trustee.index != 2])


def _tally(tried: Tried) -> None:
    simulator, rehearsal = tried.simulator, tried.simulator.rehearsal
    one, two, three, _ = rehearsal.keys.trustees
    rehearsal.open_poll(1, [resolution(), election()])
    simulator.vote(1)
    poll = simulator.board.record.state.polls[1]
    early = Decryption(1, poll.ctx, base(1).encode() * 3, bytes(64 * 3), bytes(64))
    tried.signed("a decryption before the closing", one, "decryption", early)
    rehearsal.witness()
    rehearsal.close_poll(1)
    right = msgspec.structs.replace(early, tally_id=poll.tally_id)
    few = msgspec.structs.replace(right, factors=base(1).encode() * 2)
    tried.signed("a decryption by who is no participant", two, "decryption", right)
    tried.signed("a decryption of another tally", one, "decryption", early)
    tried.signed("a decryption of too few options", three, "decryption", few)
    tried.signed("a decryption with another share", one, "decryption", right)
    rehearsal.witness()
    rehearsal.decrypt(1, [trustee for trustee in rehearsal.trustees if trustee.index != 2])
    rehearsal.publish_result(1)
    rehearsal.adjourn()


@cache
def sitting() -> Tried:
    """Return the sitting, finished."""
    tried = Tried()
    _ceremony(tried)
    _registration(tried)
    _tally(tried)
    return tried


@cache
def report() -> Report:
    """Return what a stranger finds in its log."""
    board = sitting().simulator.board
    return audit(board.source(), anchor=board.anchor)


def test_everything_was_tried() -> None:
    """What is expected below was attempted above, and nothing else."""
    assert list(sitting().answers) == list(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_the_door_refuses_or_convicts(name: str) -> None:
    """(a) What has no effect is refused with its check; a fault is logged, so that its author is named."""
    check, culprit = EXPECTED[name]
    answer = sitting().answers[name]
    if culprit is None:
        assert isinstance(answer, RefusalError)
        assert answer.check == check
        assert len(sitting().logged[name]) == 1
    else:
        assert isinstance(answer, Promise)
        assert len(sitting().logged[name]) == 2


@pytest.mark.parametrize("name", EXPECTED)
def test_forced_onto_the_log_it_does_no_more(name: str) -> None:
    """(b) The same check, no effect, and nobody else is named."""
    check, culprit = EXPECTED[name]
    for judgement in sitting().logged[name]:
        found = judgement.outcome.value, judgement.check, judgement.culprit
        if name == "a reveal that opens nothing" and judgement is sitting().logged[name][-1]:
            assert found[:2] == ("no effect", "ENT-06")  # the session that it belonged to is over
        else:
            assert (*found[:2], _named(found[2])) == (
                "fault" if culprit else "no effect",
                check,
                _named(culprit),
            )
    assert sitting().traces[name] == (check == "CER-01"), "a fault ends a session of the ceremony, and nothing else"


@pytest.mark.parametrize("name", EXPECTED)
def test_a_stranger_finds_the_same(name: str) -> None:
    """(c) The audit stands, and lists the attempt."""
    assert report().verdict is Verdict.STANDS
    lines: dict[int, EntryLine] = {
        line.index: line for line in (*report().faults.entries, *report().without_effect.entries)
    }
    for judgement in sitting().logged[name]:
        line = lines[judgement.index]
        assert (line.check, line.outcome) == (judgement.check, judgement.outcome.value)
        assert line.culprit == _named(judgement.culprit)


def test_the_honest_rest_comes_to_its_result() -> None:
    """(c) One trustee is left out, and the others make a key of their own; all vote, and the result is posted."""
    state = sitting().simulator.board.record.state
    ceremony = state.complete_ceremony()
    assert ceremony.session.participants == (1, 3, 4)
    assert [ended.blamed for ended in ceremony.ended] == [Party("trustee", 2)]
    poll = report().polls[0]
    assert (poll.status, poll.accepted, poll.result_posted) == ("closed", 8, True)
    assert [contest.outcome for contest in poll.contests] == ["adopted", "elected"]
    assert state.adjourned
    assert state.failures == []


def test_the_second_verifier_says_the_same() -> None:
    """(c) Entry by entry."""
    agree(sitting().simulator.board)
