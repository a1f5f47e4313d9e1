"""Trustee and registrar die at every commit of their journals and around every post: what they release is one thing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy.engine.default import DefaultDialect

from secballot.records.credential import CredentialIssue
from secballot.records.decryption import Decryption
from secballot.records.entry import decode_entry
from secballot.roles.registrar import Registrar
from secballot.roles.trustee import Trustee
from secballot.store.journal import Journal
from tests.forked import closed_poll, copy_journal, fork
from tests.stages import convened

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from secballot.records.promise import Promise
    from tests.simulator import Simulator


class DeathError(BaseException):
    """The process has ended here: nothing after it runs."""


class Boundaries:
    """Counts what is passed, and dies at one of them."""

    def __init__(self) -> None:
        """Begin without dying."""
        self.passed = 0
        self.fatal = 0

    def begin(self, fatal: int) -> None:
        """Count anew, and die at this one; 0 for never."""
        self.passed, self.fatal = 0, fatal

    def step(self) -> None:
        """Pass one, or die."""
        self.passed += 1
        if self.passed == self.fatal:
            raise DeathError


class Line:
    """Whatever is posted here has left the party; the process may die before or after the answer."""

    def __init__(self, simulator: Simulator, boundaries: Boundaries) -> None:
        """Give promises of this board, and log nothing."""
        self.released: list[bytes] = []
        self._board, self._boundaries = simulator.board, boundaries

    def post(self, entry: bytes) -> Promise:
        """Take an entry."""
        self._boundaries.step()
        self.released.append(entry)
        self._boundaries.step()
        return self._board.promise(entry, 0, 0)


@pytest.fixture
def boundaries(monkeypatch: pytest.MonkeyPatch) -> Boundaries:
    """Return the boundaries, of which every commit has one before it and one behind it."""
    made, commit = Boundaries(), DefaultDialect.do_commit

    def committing(self: DefaultDialect, connection: object) -> None:
        made.step()
        commit(self, connection)  # type: ignore[no-untyped-call]  # as the library has it
        made.step()

    monkeypatch.setattr(DefaultDialect, "do_commit", committing)
    return made


def die_everywhere(
    party: Trustee | Registrar,
    boundaries: Boundaries,
    simulator: Simulator,
    act: Callable[[Journal, Line], object],
    tmp_path: Path,
) -> list[list[bytes]]:
    """Return, for a death at each boundary and the restart after it, everything that was released."""
    released, fatal = [], 0
    while True:
        fatal += 1
        line = Line(simulator, boundaries)
        with Journal.create(tmp_path / f"{fatal}.db") as journal:
            copy_journal(party._journal, journal)
            boundaries.begin(fatal)
            try:
                act(journal, line)
            except DeathError:
                died = True
            else:
                died = False
            boundaries.begin(0)
        with Journal.open(tmp_path / f"{fatal}.db") as journal:
            act(journal, line)
        released.append(line.released)
        if not died:
            return released


def test_a_trustee_releases_one_document_of_each_contest(boundaries: Boundaries, tmp_path: Path) -> None:
    """Whenever it died, the documents that left it before and after are the same bytes."""
    simulator = fork(closed_poll())
    simulator.rehearsal.now += simulator.plan.objection_period + 1
    trustee, view = simulator.rehearsal.trustees[0], simulator.rehearsal.view()

    def act(journal: Journal, line: Line) -> object:
        return Trustee(trustee.key, view, line, journal).decrypt(1, now=simulator.rehearsal.now)

    outcomes = die_everywhere(trustee, boundaries, simulator, act, tmp_path)
    assert len(outcomes) > 10
    for released in outcomes:
        bodies = [decode_entry(entry).body for entry in set(released)]
        assert sorted(body.contest for body in bodies if isinstance(body, Decryption)) == [1, 2]


def test_a_registrar_signs_one_answer_to_each_request(boundaries: Boundaries, tmp_path: Path) -> None:
    """Whenever it died, all that it answered to one request is one answer."""
    asked = [judgement.index for judgement in convened().board.judgements if judgement.kind == "credential-request"]
    simulator = fork(size=asked[0] + 2)
    simulator.rehearsal.witness()
    registrar, view = simulator.rehearsal.registrars[0], simulator.rehearsal.view()

    def act(journal: Journal, line: Line) -> object:
        return Registrar(registrar.key, view, line, journal).answer_requests()

    outcomes = die_everywhere(registrar, boundaries, simulator, act, tmp_path)
    assert len(outcomes) > 8
    for released in outcomes:
        answers: dict[bytes, set[bytes]] = {}
        for entry in released:
            body = decode_entry(entry).body
            assert isinstance(body, CredentialIssue)
            for answer in body.answers:
                answers.setdefault(answer.request, set()).add(answer.signatures)
        assert len(answers) == 2
        assert all(len(signatures) == 1 for signatures in answers.values())
