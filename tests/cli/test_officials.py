"""Officials' commands on a sitting: what they do, what they say comes next, and how they refuse."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from secballot.records.entry import decode_entry
from secballot.records.manifest import MANIFEST
from secballot.records.opening import Contest, Opening, Option
from secballot.roles.cards import make_card
from secballot.signing import SigningKey
from secballot_cli.main import ExitCode, run
from secballot_cli.plain import contest_words
from tests.cli.officials import Officials
from tests.forked import closed_poll, fork

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def officials(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Officials:
    """Return officials of a convened sitting without polls."""
    made = Officials(fork(), tmp_path, capsys)
    made.connect(monkeypatch)
    return made


@pytest.fixture
def closed(officials: Officials) -> Officials:
    """Return officials of a sitting with a closed poll."""
    officials.simulator = fork(closed_poll())
    return officials


def open_poll(officials: Officials) -> None:
    """Let two officers open a poll by options."""
    arguments = ("--title", "Motion", "--rules", officials.simulator.board.manifest.rules[0].name, "--minutes", "90")
    officials.run("officer", "open", *arguments, "--yes")
    officials.run("officer", "countersign", "--yes", number=2)


def test_a_poll_is_opened_by_options_and_countersigned(officials: Officials) -> None:
    """The opening stands with the second signature, and status names the next command."""
    open_poll(officials)
    poll = officials.simulator.board.record.state.polls[1]

    assert [option.label for option in poll.opening.contests[0].options] == ["for", "against", "abstain"]
    awaited = officials.run("status")["facts"]["awaited"]
    assert [(item["action"], item["command"]) for item in awaited] == [("ballot", "secballot delegate vote 1")]
    assert awaited[0]["since"] > 0


def test_an_act_is_shown_in_plain_words_and_not_signed_without_a_yes(officials: Officials) -> None:
    """Without --yes nothing is signed when nobody answers, and the words stand on standard error."""
    size = len(officials.simulator.board.entries)
    rule = officials.simulator.board.manifest.rules[0].name
    arguments = ["officer", "open", "--title", "Motion", "--rules", rule, "--minutes", "90"]
    assert run([*arguments, *officials.common("officer")]) == ExitCode.INTERRUPTED
    shown = officials.capsys.readouterr().err

    assert "Question 1: Motion" in shown
    assert "1. for" in shown
    assert len(officials.simulator.board.entries) == size


def test_a_text_passes_for_nothing_else() -> None:
    """Its lines are marked: a text that lists options in another order, or a second question, is seen to be one."""
    text = "Shall we?\n  1. against\n  2. for\nQuestion 2: Nothing else"
    contest = Contest(
        documents=(),
        options=(Option("for", 1), Option("against", 1)),
        rules="resolution",
        sum_maximum=1,
        sum_minimum=1,
        text=text,
        title="Motion",
    )
    words = contest_words(contest, 1, {})
    assert [line.removeprefix("  | ") for line in words if line.startswith("  | ")] == text.split("\n")
    assert [line for line in words if line.startswith("  1.")] == ["  1. for"]
    assert sum(line.startswith("Question") for line in words) == 1


def test_a_manifest_is_compared_with_cards_before_it_is_signed(officials: Officials, tmp_path: Path) -> None:
    """Whose the keys are is shown by name; a key of somebody else in any place is said, and nothing is signed."""
    manifest, folder = officials.simulator.board.manifest, tmp_path / "cards"
    known = {
        "officer": manifest.presidium.keys,
        "commission": manifest.commission,
        "registrar": manifest.registrars,
        "trustee": manifest.trustees.keys,
        "witness": [held.key for held in manifest.witnesses.witnesses],
        "board": [manifest.log.key, *(held.key for held in manifest.successors)],
    }
    promise_keys = [manifest.log.promise_key, *(held.promise_key for held in manifest.successors)]
    folder.mkdir()
    for role, keys in known.items():
        for at, key in enumerate(keys):
            name = manifest.witnesses.witnesses[at].name if role == "witness" else f"{role} no. {at}"
            card = make_card(role, name, key, promise_key=promise_keys[at] if role == "board" else b"")  # type: ignore[arg-type]
            (folder / f"{role}-{at}.card.json").write_bytes(card.encode())
    path, size = tmp_path / "manifest.json", len(officials.simulator.board.entries)
    path.write_bytes(MANIFEST.encode(manifest))
    command = ["officer", "found", str(path), *officials.common("officer")]

    assert run([*command, "--cards", str(folder)]) == ExitCode.INTERRUPTED
    assert "trustee 1: trustee no. 0, fingerprint " in officials.capsys.readouterr().err
    (folder / "trustee-0.card.json").unlink()
    assert run([*command, "--cards", str(folder), "--yes"]) != ExitCode.PASSED
    assert "trustee 1 is on no card" in officials.capsys.readouterr().err
    assert run(command) == ExitCode.INTERRUPTED
    assert "No key was compared with a card" in officials.capsys.readouterr().err
    assert len(officials.simulator.board.entries) == size


def test_a_countersigner_compares_documents_with_files(officials: Officials, tmp_path: Path) -> None:
    """A file that is no document of the act stops it before anything is signed; the right one is named."""
    rule = officials.simulator.board.manifest.rules[0].name
    mine, draft = tmp_path / "mine.txt", tmp_path / "draft.txt"
    mine.write_bytes(b"The congress meets in public.\r\nEvery month.\r\n")
    draft.write_text("The congress meets in secret.\n")
    opening = ("officer", "open", "--title", "M", "--rules", rule, "--minutes", "90", "--yes")
    officials.run(*opening, "--document", str(mine))
    size = len(officials.simulator.board.entries)
    countersign = ["officer", "countersign", *officials.common("officer", 2), "--yes"]

    assert run([*countersign, "--document", str(mine), "--document", str(draft)]) == ExitCode.REFUSED
    assert f"{draft} is none of the documents of this act" in officials.capsys.readouterr().err
    assert run([*countersign, "--document", str(tmp_path / "nothing")]) == ExitCode.UNCHECKED
    assert len(officials.simulator.board.entries) == size
    officials.capsys.readouterr()
    assert run([*countersign, "--document", str(mine)]) == ExitCode.PASSED
    shown = officials.capsys.readouterr().err
    assert f"This file of yours is the document: {mine}" in shown.replace("\n  | ", "")
    assert "  | Every month.\n" in shown
    assert officials.simulator.board.record.state.polls[1].status == "open"


def test_a_second_signature_of_one_officer_is_none(officials: Officials) -> None:
    """What waits for others does not wait for its own signer."""
    rule = officials.simulator.board.manifest.rules[0].name
    said = officials.run("officer", "open", "--title", "M", "--rules", rule, "--minutes", "90", "--yes")

    assert "countersign" in said["next"][0]
    assert "nothing for you" in officials.error("officer", "countersign", "--yes")


WRONG_PHASE = (
    (("open", "--title", "M", "--rules", "none-such", "--minutes", "9", "--yes"), "no rules"),
    (("open", "--title", "M", "--rules", "RULE", "--seconds", "1", "--yes"), "nobody could close it"),
    (("open", "--title", "M", "--rules", "RULE", "--minutes", "900", "--poll", "77", "--yes"), "POL-02"),
    (("close", "1"), "has not been opened"),
    (("lapse", "1", "--yes"), "has not been opened"),
    (("extend", "1", "--minutes", "5", "--yes"), "has not been opened"),
    (("annul", "1", "--reason", "why", "--yes"), "has not been opened"),
    (("result", "1", "--yes"), "has not been opened"),
    (("register", "--yes"), ""),
    (("close-registration", "--yes"), ""),
    (("convene", "--yes"), ""),
    (("restart", "--yes"), "no ceremony"),
    (("countersign", "--yes"), "nothing for you"),
)
"""Commands for which it is not the time in a convened sitting without polls, and words of the refusal."""


def test_the_wrong_phase_is_refused_in_words(officials: Officials) -> None:
    """Exit code 5 and one line, before anything is posted."""
    size = len(officials.simulator.board.entries)
    rule = officials.simulator.board.manifest.rules[0].name
    for arguments, words in WRONG_PHASE:
        filled = [rule if argument == "RULE" else argument for argument in arguments]
        assert words in officials.error("officer", *filled), arguments
        assert len(officials.simulator.board.entries) == size


@pytest.mark.parametrize(
    "arguments",
    [
        ("officer", "open", "--title", "M"),
        ("officer", "open"),
        ("officer", "close"),
        ("officer", "close", "one"),
        ("officer", "frobnicate"),
        ("officer", "status", "--sitting", "12ab"),
        ("status", "--sitting", "zz"),
        ("trustee", "decrypt", "0"),
        ("commission", "roll", "add"),
        ("officer", "new"),
        ("officer", "new", "--name", "A", "--cards", "B"),
        ("page", "x"),
    ],
)
def test_wrong_usage_is_said_in_one_line(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 2."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert run(list(arguments)) == ExitCode.USAGE
    assert capsys.readouterr().err.startswith("secballot: ")


def test_what_a_party_lacks_is_said(officials: Officials, tmp_path: Path) -> None:
    """No home, no sitting, no board, a wrong passphrase, another sitting, another role's key."""
    home = ["--home", str(officials.base("officer")), "--passphrase-file", officials.secret()]
    anchor, where = ["--sitting", officials.simulator.board.anchor.hex()], ["--board", "http://board.invalid"]
    nowhere = ["--home", str(tmp_path / "nowhere"), *anchor, *where]

    def code(*arguments: str) -> int:
        officials.capsys.readouterr()
        return run(list(arguments))

    assert code("officer", "close", "1", *nowhere) == ExitCode.UNCHECKED
    assert "officer new" in officials.capsys.readouterr().err
    assert code("officer", "close", "1", *home, *where) == ExitCode.REFUSED
    assert "--sitting" in officials.capsys.readouterr().err
    assert code("officer", "close", "1", *home, *anchor) == ExitCode.REFUSED
    assert "--board" in officials.capsys.readouterr().err
    assert code("officer", "close", "1", *home, *where, "--sitting", "00" * 32) == ExitCode.REFUSED
    assert "SIT-01" in officials.capsys.readouterr().err
    wrong = ["--home", str(officials.base("officer")), "--passphrase-file", officials.secret("wrong")]
    assert code("officer", "close", "1", *wrong, *anchor, *where) == ExitCode.UNCHECKED
    assert "passphrase is wrong" in officials.capsys.readouterr().err
    (tmp_path / "stolen" / "trustee").mkdir(parents=True)
    (tmp_path / "stolen" / "trustee" / "new").symlink_to(officials.base("officer") / "officer" / "new")
    stolen = ["--home", str(tmp_path / "stolen"), "--passphrase-file", officials.secret()]
    assert code("trustee", "close", "1", *stolen, *anchor, *where) == ExitCode.UNCHECKED
    assert "made for officer" in officials.capsys.readouterr().err


def test_a_seat_is_written_down_only_when_it_fits(officials: Officials) -> None:
    """A mistyped sitting binds nothing; the right one binds key file and folder."""
    base = officials.base("officer")
    officials.run("officer", "close", "1", "--sitting", "00" * 32, code=5)
    # The options that stand last are those of `common`, so the sitting there was the right one.
    anchor = officials.simulator.board.anchor.hex()
    assert (base / "officer" / anchor / "key").exists()
    assert not (base / "officer" / "new").exists()
    assert anchor.encode() in (base / "officer" / anchor / "key").read_bytes()
    assert ((base / "officer" / anchor).stat().st_mode & 0o777) == 0o700


def test_a_trustee_sees_what_is_opened_and_decrypts(closed: Officials) -> None:
    """Poll, ballots, root and witnesses come first; then the documents; doing it again is harmless."""
    poll = closed.simulator.board.record.state.polls[1]
    closed.capsys.readouterr()
    assert run(["trustee", "decrypt", "1", *closed.common("trustee", 2)]) == ExitCode.INTERRUPTED
    shown = closed.capsys.readouterr().err

    assert "You are about to open poll 1" in shown
    assert f"Ballots counted: {len(poll.heads)}" in shown
    assert "Witnessed by: witness-1.example" in shown
    assert not poll.documents
    closed.run("trustee", "decrypt", "1", "--yes", number=2)
    assert {trustee for _contest, trustee in poll.documents} == {2}


def test_a_refusal_to_decrypt_says_that_it_is_right(officials: Officials) -> None:
    """An open poll is not decrypted, and who ends it is said."""
    open_poll(officials)
    refusal = officials.error("trustee", "decrypt", "1", "--yes")

    assert "is open, not closed" in refusal
    assert "This refusal is right" in refusal


def test_results_are_signed_with_their_page(closed: Officials, tmp_path: Path) -> None:
    """Two officers sign one result with one page; the page's hash is in it, and the page is made again from the log."""
    assert "no result" in closed.error("officer", "result", "1", "--yes")
    closed.simulator.rehearsal.decrypt(1)
    closed.run("officer", "result", "1", "--page", str(tmp_path / "page.html"), "--yes")
    closed.run("officer", "countersign", "--yes", number=2)
    posted = closed.simulator.board.record.state.polls[1].result

    assert posted is not None
    assert posted.page == hashlib.sha256((tmp_path / "page.html").read_bytes()).digest()
    assert "is posted" in closed.error("officer", "result", "1", "--yes")
    again = ["page", "http://board.invalid", "1", str(tmp_path / "again.html")]
    assert run([*again, "--sitting", closed.simulator.board.anchor.hex()]) == ExitCode.PASSED
    assert (tmp_path / "again.html").read_bytes() == (tmp_path / "page.html").read_bytes()


def test_a_page_of_other_numbers_is_not_countersigned(closed: Officials) -> None:
    """The counts are right and the page is not: whoever countersigns makes the page anew and refuses."""
    closed.simulator.rehearsal.decrypt(1)
    closed.simulator.rehearsal.officers[0].publish_result(1, b"<html>Everybody voted for us.</html>")
    closed.simulator.rehearsal.witness()

    assert "another page" in closed.error("officer", "countersign", "--yes", number=2)
    closed.simulator.rehearsal.officers[1].publish_result(1, b"<html>Everybody voted for us.</html>")
    closed.simulator.rehearsal.witness()
    page = ["page", "http://board.invalid", "1", str(closed.folder / "page.html")]
    assert run([*page, "--sitting", closed.simulator.board.anchor.hex()]) == ExitCode.FAILED
    assert "another page" in closed.capsys.readouterr().err
    assert not (closed.folder / "page.html").exists()


def test_the_roll_is_made_of_delegates_cards(officials: Officials, tmp_path: Path) -> None:
    """Cards of others, two classes for one delegate and unknown classes are refused; keys are listed and removed."""
    delegate, other = (SigningKey.from_seed(bytes([n]) * 32).verify_key.encode() for n in (201, 202))
    (tmp_path / "d.json").write_bytes(make_card("delegate", "pseudonym", delegate).encode())
    (tmp_path / "t.json").write_bytes(make_card("trustee", "Anna", other).encode())
    (tmp_path / "junk.json").write_bytes(b"{}")

    assert "no delegate" in officials.error("commission", "roll", "add", str(tmp_path / "t.json"), "--class", "x")
    officials.error("commission", "roll", "add", str(tmp_path / "junk.json"), "--class", "x", code=1)
    officials.error("commission", "roll", "add", str(tmp_path / "none.json"), "--class", "x", code=3)
    assert "empty" in officials.error("commission", "roll", "sign", "--yes")
    officials.run("commission", "roll", "add", str(tmp_path / "d.json"), "--class", "no-such-class")
    assert "already" in officials.error("commission", "roll", "add", str(tmp_path / "d.json"), "--class", "y")
    assert "no class" in officials.error("commission", "roll", "sign", "--yes")
    assert officials.run("commission", "roll", "list")["facts"]["delegates"] == {delegate.hex(): "no-such-class"}
    assert officials.run("commission", "roll", "remove", delegate.hex())["facts"]["total"] == 0
    officials.error("commission", "roll", "remove", delegate.hex())


def test_a_trustee_is_backed_up_and_restored(officials: Officials, tmp_path: Path) -> None:
    """The copy is private and whole; a home that is there already is not overwritten."""
    officials.error("trustee", "decrypt", "1", "--yes")  # takes the seat
    officials.run("trustee", "backup", str(tmp_path / "stick"))
    officials.error("trustee", "backup", str(tmp_path / "stick"), code=3)
    assert all(not path.stat().st_mode & 0o077 for path in (tmp_path / "stick").rglob("*"))
    assert "already" in officials.error("trustee", "restore", str(tmp_path / "stick"))
    (officials.base("trustee") / "trustee").rename(tmp_path / "burnt")
    officials.run("trustee", "restore", str(tmp_path / "stick"))
    officials.run("trustee", "run", "--once")
    assert "after the adjournment" in officials.error("trustee", "destroy", "--yes")
    (tmp_path / "empty").mkdir()
    (officials.base("trustee") / "trustee").rename(tmp_path / "burnt again")
    officials.error("trustee", "restore", str(tmp_path / "empty"), code=3)


def test_unattended_parties_stop_when_nothing_is_awaited(officials: Officials) -> None:
    """A trustee of a convened sitting has nothing to do, and says what comes next."""
    said = officials.run("trustee", "run")

    assert said["facts"]["phase"] == "polls"
    assert said["next"][0].startswith("secballot officer open")


def test_a_lost_journal_is_not_made_again(officials: Officials) -> None:
    """A registrar or trustee that has taken its seat and finds no journal has lost its state."""
    officials.run("trustee", "run")
    folder = officials.base("trustee") / "trustee" / officials.simulator.board.anchor.hex()
    (folder / "journal.sqlite").unlink()
    assert "state lost" in officials.error("trustee", "run", code=3)


def test_an_annulment_needs_officers_and_trustees(closed: Officials) -> None:
    """Both kinds of signers see it in plain words, and it stands with the last of them."""
    closed.run("officer", "annul", "1", "--reason", "A text was wrong.", "--yes")
    closed.run("officer", "countersign", "--yes", number=2)
    for number in range(1, closed.simulator.board.manifest.trustees.threshold + 1):
        closed.run("trustee", "countersign", "--yes", number=number)
    assert closed.simulator.board.record.state.polls[1].status == "annulled"


def test_the_opening_binds_its_documents(officials: Officials, tmp_path: Path) -> None:
    """A document is posted once, and its hash stands in the opening."""
    (tmp_path / "text.txt").write_text("We declare.\n")
    rule = officials.simulator.board.manifest.rules[0].name
    poll = f'minutes = 90\n[[contests]]\ntitle = "T"\nrules = "{rule}"\ndocuments = ["text.txt"]\n'
    (tmp_path / "poll.toml").write_text(poll)
    said = officials.run("officer", "open", "--file", str(tmp_path / "poll.toml"), "--yes")
    body = decode_entry(officials.simulator.board.entries[said["facts"]["index"]]).body

    assert isinstance(body, Opening)
    assert body.contests[0].documents == (hashlib.sha256(b"We declare.\n").digest(),)
    for text in ("minutes = 90", poll + "colour = 1\n", poll.replace("90", "0"), "\x00", poll.replace("text", "none")):
        (tmp_path / "bad.toml").write_text(text)
        found = run(["officer", "open", "--file", str(tmp_path / "bad.toml"), "--yes", *officials.common("officer")])
        assert found in {ExitCode.FAILED, ExitCode.UNCHECKED, ExitCode.REFUSED}
