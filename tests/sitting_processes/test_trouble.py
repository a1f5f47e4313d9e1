"""Sittings of processes in which machines die, are lost, race and lie; each ends with an audit that verifies.

They take minutes, and run where SECBALLOT_SITTINGS is set: `make sittings`.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from typing import TYPE_CHECKING

import pytest

from secballot_cli.main import ExitCode, run
from tests.loopback import free_port
from tests.sitting_processes.congress import Congress, choices, tag_of
from tests.sitting_processes.parties import (
    DEALS_BADLY,
    DIES_AFTER_POSTING,
    DIES_BEFORE_POSTING,
    PATIENCE,
    Party,
    code_of,
    finished,
    kill,
    together,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    not os.environ.get("SECBALLOT_SITTINGS"), reason="whole sittings with deaths and liars take minutes: make sittings"
)


@pytest.fixture
def congress(tmp_path: Path) -> Iterator[Congress]:
    """Return a congress whose sitting is founded, with board and witnesses running."""
    made = Congress.gather(tmp_path / "congress")
    made.make_keys()
    made.draft()
    with made.services():
        made.found()
        yield made


def audit(congress: Congress) -> None:
    """Check the whole record, as a stranger would."""
    assert run(["audit", congress.url, "--sitting", congress.sitting]) == ExitCode.PASSED


def killed(process_owner: Party, program: str) -> None:
    """Let a party run until it dies of its own."""
    process = process_owner.begin("run", "--interval", "0.3", program=program)
    _out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == -signal.SIGKILL, err


def test_everybody_dies_once(congress: Congress) -> None:
    """A trustee in each round, a registrar in between, a board, and devices of three delegates; two polls are decided.

    The third trustee is lost before the decryption, and is not missed.
    """
    first, registrar = congress.trustees[0], congress.registrars[0]
    for party in (*congress.trustees[1:], *congress.registrars[1:]):
        congress.run_unattended(party)
    for _round in range(4):
        killed(first, DIES_BEFORE_POSTING)
        killed(first, DIES_AFTER_POSTING)
    congress.run_unattended(first)
    congress.run_unattended(registrar)
    congress.enrol()
    congress.await_action("registration")
    kill(congress.running.pop(registrar.name))
    requesting(congress)
    killed(registrar, DIES_BEFORE_POSTING)
    killed(registrar, DIES_AFTER_POSTING)
    congress.run_unattended(registrar)
    lose_device(congress, congress.delegates[0])
    congress.convene()
    congress.open_both()
    board_dies_and_moves(congress)
    congress.everybody_votes()
    lose_device(congress, congress.delegates[1])
    congress.vote(congress.delegates[1], 2, choices("Council", "Boris"))
    first_device_won = two_devices_race(congress)
    for poll in (1, 2):
        congress.end(poll, congress.trustees[:2])
    congress.act("adjourn")
    racer = congress.delegates.pop(2)
    together([party.begin("watch", "--once") for party in congress.delegates])
    # The device whose ballot was replaced by one that it did not cast complains aloud, as it should.
    assert code_of(racer.begin("watch", "--once")) == (ExitCode.PASSED if first_device_won else ExitCode.FAILED)
    audit(congress)


def requesting(congress: Congress) -> None:
    """Open the registration, let everybody request, and end the requests; nobody waits for answers."""
    congress.act("register", "--first-poll", "1")
    began = time.monotonic()
    together([party.begin("register") for party in congress.delegates])
    congress.pace = 1.5 * (time.monotonic() - began)
    congress.act("close-registration")


def lose_device(congress: Congress, delegate: Party) -> None:
    """Take everything from a delegate but the words and the letter, and restore it on a new device."""
    words = (delegate.home / "words").read_bytes()
    shutil.rmtree(delegate.home / ".local")
    (delegate.home / "words").write_bytes(words)
    (delegate.home / "words").chmod(0o600)
    delegate.run("restore", "--label", "congress in exile", "--small-device", "--phrase-file", "words")
    assert congress.sitting


def two_devices_race(congress: Congress) -> bool:
    """Let two devices of one delegate seal on the same ballot and cast at once; tell whether the first one's stands."""
    delegate = congress.delegates[2]
    twin = Party(congress.folder / "twin", "delegate", delegate.name, "passphrase of a second device", delegate.always)
    twin.home.mkdir()
    shutil.copy(delegate.home / "words", twin.home / "words")
    twin.run("restore", "--label", "congress in exile", "--small-device", "--phrase-file", "words")
    for device, name in ((delegate, "Anna"), (twin, "Boris")):
        (device.home / "race.toml").write_text(choices("Council", name))
        tag = tag_of("race", name)
        device.run("vote", "2", "--choices", "race.toml", "--tag", tag)
    casting = [device.begin("cast", "2") for device in (delegate, twin)]
    codes = [code_of(process) for process in casting]
    assert sorted(code == ExitCode.PASSED for code in codes) == [False, True]
    return codes[0] == ExitCode.PASSED


def board_dies_and_moves(congress: Congress) -> None:
    """Kill the board without warning, lose its disk, and go on at another address from a mirror; everybody is told."""
    mirroring = ("board", "mirror", congress.url, "mirror.sqlite", "--sitting", congress.sitting, "--json")
    finished(congress.board.start_openly(*mirroring))
    kill(congress.running.pop("board"))
    for path in congress.board.home.glob("board.sqlite*"):
        path.unlink()
    congress.start_board(database="mirror.sqlite", port=free_port())
    congress.view = None
    congress.point_to(congress.url)
    for party in (*congress.trustees, *congress.registrars):
        process = congress.running.pop(party.name, None)
        if process is not None:
            kill(process)
            congress.run_unattended(party)


def to_the_end_without_polls(congress: Congress) -> None:
    """Register, convene and adjourn; the audit verifies."""
    for party in congress.registrars:
        congress.run_unattended(party)
    congress.enrol()
    congress.register()
    congress.convene()
    congress.act("adjourn")
    audit(congress)


def test_a_silent_trustee_is_left_out(congress: Congress) -> None:
    """The officers restart the ceremony without the one who never spoke, and the others carry the sitting."""
    for party in congress.trustees[:2]:
        congress.run_unattended(party)

    def only_the_third_is_awaited() -> bool:
        return [str(party) for item in congress.awaited()[:1] for party in item.parties] == ["trustee 3"]

    until(only_the_third_is_awaited)
    congress.act("restart")
    to_the_end_without_polls(congress)


def test_a_trustee_that_deals_badly_is_named(congress: Congress) -> None:
    """The receiver complains, everybody sees who lied, and the ceremony begins anew without the liar."""
    for party in congress.trustees[:2]:
        congress.run_unattended(party)
    liar = congress.trustees[2].begin("run", "--interval", "0.3", program=DEALS_BADLY)
    congress.running["liar"] = liar

    def second_session() -> bool:
        congress.awaited()
        ceremony = congress.view.state.ceremony if congress.view is not None else None
        return ceremony is not None and ceremony.session.number == 2

    until(second_session)
    assert congress.view is not None
    ceremony = congress.view.state.ceremony
    assert ceremony is not None
    assert [str(ended.blamed) for ended in ceremony.ended] == ["trustee 3"]
    assert ceremony.session.participants == (1, 2)
    to_the_end_without_polls(congress)
    assert finished(congress.officers[0].start("status", "--json", *congress.officers[0].always))
