"""The story of the runbooks, chapter by chapter: who runs which line of which page, and what has to come of it."""

from __future__ import annotations

import shutil
import signal
import time
from typing import TYPE_CHECKING

import pytest

from secballot.board.checkpoint import Checkpoint, sign_checkpoint
from secballot.board.note import Ed25519Signer, Note
from secballot.board.witness import Request
from secballot.errors import SecballotError
from secballot.net.witness_client import RemoteWitness, latest_cosigned
from secballot.records.promise import PROMISE
from secballot.roles.delegate import objection_entry
from secballot.roles.remote import open_client
from secballot.roles.submission import ballot_in
from secballot.store.keyfile import read_key
from secballot_cli.main import ExitCode
from tests.loopback import serving_folder
from tests.runbooks.documents import blocks
from tests.sitting_processes.congress import RULES, choices, tag_of
from tests.sitting_processes.parties import url_of

if TYPE_CHECKING:
    import subprocess

    from tests.runbooks.stage import Stage
    from tests.sitting_processes.parties import Party

BOARD, SECOND, MIRROR, WITNESS = (
    "https://board.example",
    "https://second.example",
    "https://mirror.example/log",
    "https://witness.example",
)


class Play:
    """The sitting of the runbooks, chapter by chapter."""

    def __init__(self, stage: Stage) -> None:
        """Bring everybody in; nobody has done anything yet."""
        self.stage = stage
        self.anna, self.olga = stage.party("officer", "Anna"), stage.party("officer", "Olga")
        self.boris, self.clara = stage.party("commission", "Boris"), stage.party("registrar", "Clara")
        self.trustees = [stage.party("trustee", name) for name in ("Dora", "Dina", "Dan")]
        self.board, self.second = stage.party("board", "board.example"), stage.party("board", "second.example")
        self.witness, self.auditor = stage.party("witness", "witness.example"), stage.party("auditor", "Auditor")
        self.delegates = [stage.party("delegate", name) for name in ("Delegate-1", "Delegate-2", "Delegate-3", "Vera")]
        self.place: tuple[str, ...] = ()

    def officer(self, line: str, *more: str) -> str:
        """Let the first officer run a line of their page."""
        return self.stage.run(self.anna, "runbooks/officer", f"secballot officer {line}", *more)

    def signed(self, line: str, *more: str) -> str:
        """Let the first officer begin an act by a line of their page, and the second one countersign it."""
        said = self.officer(line, *more)
        return said + self.stage.run(self.olga, "runbooks/officer", "secballot officer countersign")

    def make_cards(self) -> None:
        """Let everybody make a key and a card by their page, and those of the same role likewise."""
        stage = self.stage
        cards = self.anna.home / "cards"
        cards.mkdir()
        first = {
            "officer": "officer new --name Anna --card officer-anna.card.json",
            "commission": "commission new --name Boris --card commission-boris.card.json",
            "registrar": "registrar new --name Clara --card registrar-clara.card.json",
            "trustee": "trustee new --name Dora --card trustee-dora.card.json",
            "board": "board new --name board.example --url https://board.example --card board.card.json",
            "witness": "witness new --name witness.example --url https://witness.example --card witness.card.json",
        }
        everybody = [self.anna, self.boris, self.clara, self.trustees[0], self.board, self.witness]
        for party in everybody:
            stage.run(party, f"runbooks/{party.role}", f"secballot {first[party.role]}")
        for party in (self.olga, *self.trustees[1:], self.second):
            more = ("--url", SECOND) if party is self.second else ()
            stage.like(party, party.role, "new", "--name", party.name, "--card", "own.card.json", *more)
            everybody.append(party)
        for party in everybody:
            (card,) = party.home.glob("*.card.json")
            shutil.copy(card, cards / f"{party.role}-{party.name}.card.json")
        shutil.copytree(cards, self.olga.home / "cards")
        for party, role in ((self.board, "board"), (self.second, "board"), (self.witness, "witness")):
            home = party.home / ".local/share/secballot" / role / "new"
            assert (home / "key").exists()

    def draft(self) -> None:
        """Let the first officer fill in the template, and give the manifest to those who need it."""
        stage = self.stage
        self.officer("new --cards cards --template sitting.toml")
        path = self.anna.home / "sitting.toml"
        text = path.read_text()
        start, end = text.index("[[rules]]"), text.index("# The parties, from their cards.")
        text = text[:start] + RULES.lstrip() + "\n" + text[end:]
        for old, new in {
            'title = "" ': 'title = "First Congress" ',
            "polls = 10 ": "polls = 5 ",
            "smallest_group = 5 ": "smallest_group = 2 ",
        }.items():
            assert old in text
            text = text.replace(old, new)
        path.write_text(text)
        said = self.officer("draft sitting.toml manifest.json")
        assert "Sitting: First Congress" in said
        sitting = said.partition("sitting's id:\n")[2].split("\n")[0]
        stage.filled["SITTING"] = "".join(sitting.split())
        for party in (self.olga, self.board, self.witness, self.trustees[1]):
            shutil.copy(self.anna.home / "manifest.json", party.home / "manifest.json")

    def start_services(self) -> None:
        """Run witness and board by their pages."""
        stage = self.stage
        own = self.witness.home / ".local/share/secballot/witness/new"
        stage.filled |= {"journal.sqlite": str(own / "journal.sqlite"), "witness.key": str(own / "key")}
        common = "journal.sqlite --name witness.example --key witness.key"
        stage.run(self.witness, "runbooks/witness", f"secballot witness create {common}")
        stage.run(self.witness, "runbooks/witness", f"secballot witness follow {common} --manifest manifest.json")
        stage.write_passphrase(self.witness)
        serve = f"secballot witness serve {common} --passphrase-file passphrase"
        self.witnessing = stage.start(self.witness, "runbooks/witness", serve, "--port", "0")
        stage.filled[WITNESS] = url_of(self.witnessing)
        keys = "--log-key key --promise-key promise.key"
        self.use_keys(self.board)
        stage.run(self.board, "runbooks/board", f"secballot board create board.sqlite manifest.json {keys}")
        self.serving = self.serve_board(self.board, "board.sqlite")
        stage.filled[BOARD] = url_of(self.serving)

    def use_keys(self, party: Party) -> None:
        """Let `key` and `promise.key` mean a board operator's own."""
        own = party.home / ".local/share/secballot/board/new"
        self.stage.filled |= {"key": str(own / "key"), "promise.key": str(own / "promise.key")}

    def serve_board(self, party: Party, database: str) -> subprocess.Popen[str]:
        """Start an operator's board by its page."""
        line = (
            f"secballot board serve {database} --sitting SITTING --log-key key --promise-key promise.key"
            f" --witness witness.example={WITNESS} --publish log"
        )
        return self.stage.start(party, "runbooks/board", line, "--interval", "0.1", "--port", "0")

    def found(self) -> None:
        """Let both officers sign the manifest, and the trustees begin; the third is silent, and is left out."""
        stage = self.stage
        line = "secballot officer found manifest.json --cards cards --board https://board.example"
        for officer in (self.anna, self.olga):
            assert "Dora" in stage.run(officer, "runbooks/officer", line)
        self.place = ("--board", stage.filled[BOARD], "--sitting", stage.filled["SITTING"])
        line = "secballot trustee run --board https://board.example --sitting SITTING"
        self.running = [stage.start(trustee, "runbooks/trustee", line) for trustee in self.trustees[:2]]
        stage.until(self.only_one_is_silent)
        self.signed("restart")

    def only_one_is_silent(self) -> bool:
        """Tell whether the ceremony waits for one trustee alone."""
        return [len(item.parties) for item in self.stage.awaited() if item.action.startswith("ceremony")] == [1]

    def enrol(self) -> None:
        """Let the delegates make cards, and the commission put them on the roll and sign it."""
        stage = self.stage
        for delegate in self.delegates:
            card = str(self.boris.home / f"{delegate.name.lower()}.card.json")
            new = ("--label", "congress", "--phrase-file", "words", "--small-device", "--card", card)
            stage.like(delegate, "delegate", "new", "--name", delegate.name, *new)
        (self.boris.home / "delegate-1.card.json").rename(self.boris.home / "anna.card.json")
        stage.run(self.boris, "runbooks/commission", "secballot commission roll add anna.card.json --class delegates")
        others = ("delegate-2.card.json", "delegate-3.card.json")
        stage.like(self.boris, "commission", "roll", "add", *others, "--class", "delegates")
        fourth = "secballot commission roll add vera.card.json --class delegates"
        stage.run(self.boris, "runbooks/commission", fourth)
        assert "delegates" in stage.run(self.boris, "runbooks/commission", "secballot commission roll list")
        sign = "secballot commission roll sign --board https://board.example --sitting SITTING"
        assert "4 of 100 seats" in stage.run(self.boris, "runbooks/commission", sign)

    def register(self) -> None:
        """Register, with a registrar that is killed and goes on as a service, and convene."""
        stage = self.stage
        line = "secballot registrar run --board https://board.example --sitting SITTING"
        running = stage.start(self.clara, "runbooks/registrar", line)
        stage.wait_for("registration")
        said = stage.run(self.anna, "runbooks/officer", "secballot status")
        assert "secballot officer register" in said
        self.signed("register")
        stage.end(running, signal.SIGKILL)
        stage.write_passphrase(self.clara)
        line = "secballot registrar serve --passphrase-file passphrase --interval 10"
        serving = stage.start(self.clara, "runbooks/registrar", line)
        for delegate in self.delegates:
            stage.like(delegate, "delegate", "register", *self.place)
        self.signed("close-registration")
        stage.wait_for("convening")
        stage.end(serving)
        self.signed("convene")
        for process in self.running:
            stage.end(process, None)
            assert process.returncode == ExitCode.PASSED

    def first_poll(self) -> None:
        """Open a poll in the middle of a debate, vote, close, decrypt, and publish the result."""
        stage = self.stage
        (self.anna.home / "resolution-4.txt").write_text("The congress meets in public.\nIt does so every month.\n")
        shutil.copy(self.anna.home / "resolution-4.txt", self.olga.home / "resolution-4.txt")
        self.officer('open --title "Resolution 4" --rules resolution --minutes 30 --document resolution-4.txt')
        countersign = "secballot officer countersign --document resolution-4.txt"
        said = stage.run(self.olga, "runbooks/officer", countersign)
        assert "Question 1: Resolution 4" in said
        assert "This file of yours is the document: resolution-4.txt" in said
        assert "  | It does so every month." in said
        for number, delegate in enumerate(self.delegates, 1):
            self.vote(delegate, "for" if number != 2 else "against", carried=number == 1)
        self.copies()
        stage.clock.pass_by(31)
        self.close("officer", 1)
        stage.clock.pass_by(61)
        stage.run(self.trustees[0], "runbooks/trustee", "secballot status")
        self.lose_a_laptop(self.trustees[0])
        said = stage.run(self.trustees[0], "runbooks/trustee", "secballot trustee decrypt 1")
        assert "Ballots counted: 4" in said
        line = "secballot trustee decrypt 1 --drop-box box.sqlite --objection objection.json"
        stage.run(self.trustees[1], "runbooks/trustee", line)
        said = self.signed("result 1 --page result-1.html")
        assert "for: 3" in said
        page = f"secballot page {BOARD} 1 again.html --sitting SITTING"
        stage.run(self.anna, "runbooks/officer", page)
        assert (self.anna.home / "again.html").read_bytes() == (self.anna.home / "result-1.html").read_bytes()
        self.audit()

    def vote(self, delegate: Party, vote: str, *, carried: bool) -> None:
        """Let a delegate vote in the first poll; one of them carries the ballot to another machine."""
        stage, tag = self.stage, tag_of(delegate.name)
        (delegate.home / "choices.toml").write_text(choices("Resolution 4", vote))
        stage.like(delegate, "delegate", "vote", "1", "--choices", "choices.toml", "--tag", tag)
        if not carried:
            stage.like(delegate, "delegate", "cast", "1")
            return
        stage.like(delegate, "delegate", "cast", "1", "--to", "ballot.json")
        stage.like(delegate, "delegate", "submit", "ballot.json", *self.place)
        ballot = ballot_in((delegate.home / "ballot.json").read_bytes())
        promise = PROMISE.decode((delegate.home / "ballot.json.promise").read_bytes())
        # An objection that holds nothing against the board: the ballot is where it was promised to be.
        (self.trustees[1].home / "objection.json").write_bytes(objection_entry(ballot, promise))
        shutil.copy(delegate.home / "ballot.json.receipt", self.auditor.home / "receipt.json")
        shutil.copy(delegate.home / "ballot.json.promise", self.auditor.home / "ballot.json.promise")

    def copies(self) -> None:
        """Let the second operator mirror the log, the first one publish it, and a trustee run a drop box."""
        stage = self.stage
        mirror = f"secballot board mirror {BOARD} mirror.sqlite --sitting SITTING --publish copy --archive log.zip"
        stage.run(self.second, "runbooks/board", mirror)
        stage.run(self.board, "runbooks/board", "secballot board publish board.sqlite log")
        stage.filled[MIRROR] = stage.closing.enter_context(serving_folder(self.second.home / "copy"))
        holder = self.trustees[1]
        stage.run(holder, "runbooks/board", "secballot dropbox create box.sqlite manifest.json")
        line = f"secballot dropbox serve box.sqlite --sitting SITTING --board {BOARD}"
        box = stage.serve(holder, "runbooks/board", line)
        assert "entries 0" in stage.run(holder, "runbooks/board", "secballot dropbox status box.sqlite")
        stage.like(self.delegates[3], "delegate", "submit", "--board", stage.filled[BOARD], "--board", box)
        line = f"secballot dropbox check box.sqlite evidence --sitting SITTING --board {BOARD}"
        stage.run(holder, "runbooks/board", line)

    def close(self, role: str, poll: int) -> None:
        """Let an officer or a trustee close a poll, as soon as witnesses have signed after its end."""
        party = self.anna if role == "officer" else self.trustees[0]

        def closed() -> bool:
            self.stage.run(party, f"runbooks/{role}", f"secballot {role} close {poll}", code=None)
            return self.stage.code == ExitCode.PASSED

        self.stage.until(closed)

    def lose_a_laptop(self, trustee: Party) -> None:
        """Let a trustee lose everything but the backup, and go on from that."""
        stage = self.stage
        stage.run(trustee, "runbooks/trustee", "secballot trustee backup stick")
        shutil.rmtree(trustee.home / ".local")
        line = "secballot trustee restore stick --sitting SITTING --board https://board.example"
        stage.run(trustee, "runbooks/trustee", line)

    def audit(self) -> None:
        """Let anybody check the record, the page, the copies and a receipt."""
        stage, page = self.stage, "runbooks/auditor"
        mirror = f"secballot board mirror {BOARD} mirror.sqlite --sitting SITTING --publish copy --archive log.zip"
        stage.run(self.second, "runbooks/board", mirror)
        shutil.copy(self.second.home / "log.zip", self.auditor.home / "log.zip")
        shutil.copytree(self.second.home / "copy", self.auditor.home / "copy")
        for line in (
            f"audit {BOARD} --sitting SITTING",
            "audit log.zip --sitting SITTING --json",
            f"audit copy --sitting SITTING --mirror {MIRROR} --evidence evidence.json",
            f"page {BOARD} 1 page.html --sitting SITTING",
            f"evidence compare {BOARD} {MIRROR} --sitting SITTING",
        ):
            stage.run(self.auditor, page, f"secballot {line}")
        assert (self.auditor.home / "page.html").read_bytes() == (self.anna.home / "result-1.html").read_bytes()
        line = f"secballot receipt check receipt.json --board {BOARD} --sitting SITTING"
        tag = [tag_of(self.delegates[0].name)]
        assert "it is counted" in stage.run(self.auditor, page, line, answers=tag)
        line = f"secballot receipt pack receipt.json packed.json --board {BOARD} --sitting SITTING"
        stage.run(self.auditor, page, line, answers=tag)
        line = "secballot receipt check packed.json --sitting SITTING"
        stage.run(self.auditor, page, line, answers=tag, code=ExitCode.UNCHECKED)
        line = f"secballot evidence promise ballot.json.promise broken.json --board {BOARD} --sitting SITTING"
        assert "The promise is kept." in stage.run(self.auditor, page, line)

    def change_the_roll(self) -> None:
        """Let the commission replace a delegate for the next registration."""
        stage, page = self.stage, "runbooks/commission"
        vera = stage.facts(self.delegates[3], "delegate", "enrol", "--name", "Vera", "--card", "again.card.json")["key"]
        stage.run(self.boris, page, "secballot commission roll remove KEY", instead={"KEY": vera})
        stage.run(self.boris, page, "secballot commission roll add vera.card.json --class delegates")
        stage.run(self.boris, page, "secballot commission roll sign")

    def other_polls(self) -> None:
        """Extend one poll and let a trustee close it, annul another, and let two lapse."""
        stage = self.stage
        (toml,) = blocks("runbooks/officer", "toml")
        (self.anna.home / "poll.toml").write_text(toml)
        self.signed("open --file poll.toml")
        for poll in (3, 4, 5):
            stage.like(self.anna, "officer", "open", "--title", str(poll), "--rules", "resolution", "--minutes", "30")
            stage.like(self.olga, "officer", "countersign")
        self.signed("extend 2 --minutes 60")
        reason = 'annul 4 --reason "The text put to the vote was an earlier draft."'
        self.signed(reason)
        stage.run(self.trustees[0], "runbooks/trustee", f"secballot trustee {reason}")
        said = stage.run(self.trustees[1], "runbooks/trustee", "secballot trustee countersign")
        assert "  | The text put to the vote was an earlier draft." in said
        stage.clock.pass_by(121)
        self.close("trustee", 2)
        stage.clock.pass_by(24 * 60)
        for party, line in ((self.anna, "secballot officer lapse 3"), (self.trustees[0], "secballot trustee lapse 5")):
            page = f"runbooks/{party.role}"
            stage.until(lambda party=party, page=page, line=line: self.lapsed(party, page, line))  # type: ignore[misc]

    def lapsed(self, party: Party, page: str, line: str) -> bool:
        """Let a poll lapse, if witnesses have signed after its grace; tell whether they have."""
        self.stage.run(party, page, line, code=None)
        return self.stage.code == ExitCode.PASSED

    def seize_the_board(self) -> None:
        """Seize the first board, whose keys then sign another log; its successor goes on from the mirror."""
        stage = self.stage
        mirror = f"secballot board mirror {BOARD} mirror.sqlite --sitting SITTING --publish copy --archive log.zip"
        stage.run(self.second, "runbooks/board", mirror)
        common = "journal.sqlite --name witness.example --key witness.key"
        serve = f"secballot witness serve {common} --passphrase-file passphrase"
        stage.end(self.witnessing, signal.SIGKILL)
        assert "The log does not show it yet" in self.officer("adjourn")
        stage.run(self.board, "runbooks/board", "secballot board pending board.sqlite pending.txt")
        assert b'"adjournment"' in (self.board.home / "pending.txt").read_bytes()
        stage.end(self.serving, signal.SIGKILL)
        stage.filled[WITNESS] = stage.serve(self.witness, "runbooks/witness", serve)
        self.show_another_view()
        line = f"secballot witness evidence journal.sqlite evidence.json --manifest manifest.json --board {MIRROR}"
        stage.run(self.witness, "runbooks/witness", line, code=ExitCode.FAILED)
        shutil.copy(self.witness.home / "evidence.json", self.auditor.home / "evidence.json")
        line = "secballot evidence check evidence.json --sitting SITTING"
        assert "signed two views" in stage.run(self.auditor, "runbooks/auditor", line)
        self.use_keys(self.second)
        keys = "--log-key key --promise-key promise.key"
        line = f"secballot board takeover {MIRROR} second.sqlite --sitting SITTING {keys}"
        stage.run(self.second, "runbooks/board", line)
        self.serving = self.serve_board(self.second, "second.sqlite")
        stage.filled[SECOND] = url_of(self.serving)
        stage.view = None
        for party in (self.anna, self.olga, *self.trustees[:2]):
            stage.run(party, f"runbooks/{party.role}", f"secballot {party.role} handover --board {SECOND}")
        stage.run(self.second, "runbooks/board", "secballot board pending second.sqlite handover.txt")
        shutil.copy(self.second.home / "handover.txt", self.witness.home / "handover.txt")
        line = f"secballot witness takeup {common} --handover handover.txt --board {SECOND} --sitting SITTING"
        stage.run(self.witness, "runbooks/witness", line)
        stage.filled[BOARD] = stage.filled[SECOND]

    def show_another_view(self) -> None:
        """Ask the witness, with the seized key, to sign another log of the size that it has signed."""
        stage, manifest = self.stage, self.stage.look_at(MIRROR).state.the_manifest()
        origin = manifest.log.origin
        key = read_key(stage.filled["key"], self.board.passphrase)
        with open_client(stage.filled[WITNESS]) as client:
            newest = latest_cosigned(client, origin)
            assert newest is not None
            size = Checkpoint.decode(Note.decode(newest).text).tree_size
            note = sign_checkpoint(Checkpoint(origin, size, bytes(32)), [Ed25519Signer(origin, key)])
            with pytest.raises(SecballotError):
                RemoteWitness("witness.example", client).add_checkpoint(
                    Request(size, (), note.encode()).encode(), now=int(time.time())
                )

    def end(self) -> None:
        """Adjourn at the new board, and destroy the shares."""
        stage = self.stage
        self.signed("adjourn")
        stage.run(self.trustees[0], "runbooks/trustee", "secballot trustee destroy")
        stage.like(self.auditor, "audit", stage.filled[SECOND], "--sitting", stage.filled["SITTING"])
