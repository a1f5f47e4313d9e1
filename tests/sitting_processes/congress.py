"""A congress of separate processes: cards, founding, ceremony, registration, polls and results, by commands alone."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from secballot.errors import PolicyError, StoreError
from secballot.roles.awaited import standing
from secballot.roles.remote import open_source
from secballot.roles.view import WitnessedView
from secballot_cli.main import run
from tests.loopback import free_port
from tests.sitting_processes.parties import Party, code_of, finished, serving, stop, together, until, url_of

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from secballot.roles.awaited import Awaited


RULES = """
[[rules]]
name = "resolution"
decision = "adopt"
classes = ["delegates"]
open_at_least = 1
quorum = { share = "1/2", of = "roll", by = "count" }
majority = { share = "1/2", of = "decided", more_than = true }

[[rules]]
name = "council"
decision = "elect"
classes = ["delegates"]
open_at_least = 1
quorum = { share = "1/2", of = "roll", by = "count" }
majority = { share = "0/1", of = "cast", more_than = true }
seats = 2
"""

OFFICERS, MEMBERS, REGISTRARS, TRUSTEES, WITNESSES, DELEGATES = 2, 2, 2, 3, 3, 4
LABEL = "congress in exile"
INTERVAL = "0.3"


@dataclass
class Congress:
    """Everybody, each in a folder of its own below one folder that nobody looks into."""

    folder: Path
    cards: Path
    officers: list[Party]
    members: list[Party]
    registrars: list[Party]
    trustees: list[Party]
    witnesses: list[Party]
    board: Party
    delegates: list[Party]
    sitting: str = ""
    url: str = ""
    witness_urls: list[str] = field(default_factory=list)
    running: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    port: int = 0
    pace: float = 1.0
    view: WitnessedView | None = None
    trackers: dict[tuple[str, int], tuple[str, str]] = field(default_factory=dict)

    @classmethod
    def gather(cls, folder: Path, *, trustees: int = TRUSTEES, delegates: int = DELEGATES) -> Congress:
        """Return a congress of which nobody has done anything yet."""

        def several(role: str, count: int) -> list[Party]:
            return [
                Party(folder / f"{role}-{number}", role, f"{role}-{number}.example", f"passphrase of {role} {number}")
                for number in range(1, count + 1)
            ]

        cards = folder / "cards"
        cards.mkdir(parents=True)
        return cls(
            folder,
            cards,
            several("officer", OFFICERS),
            several("commission", MEMBERS),
            several("registrar", REGISTRARS),
            several("trustee", trustees),
            several("witness", WITNESSES),
            several("board", 1)[0],
            several("delegate", delegates),
        )

    @property
    def officials(self) -> list[Party]:
        """Everybody with a key in the manifest but the board."""
        return [*self.officers, *self.members, *self.registrars, *self.trustees, *self.witnesses]

    def make_keys(self) -> None:
        """Let everybody make a key and give the card away, all at the same time."""
        started = []
        for party in self.officials:
            more = ("--url", "http://127.0.0.1:1") if party.role == "witness" else ()
            started.append(self._new(party, *more))
        started.append(self._new(self.board, "--url", "http://127.0.0.1:1"))
        together(started)

    def _new(self, party: Party, *more: str) -> subprocess.Popen[str]:
        card = str(self.cards / f"{party.role}-{party.name}.card.json")
        return party.begin("new", "--name", party.name, "--card", card, "--small-device", *more)

    def draft(self) -> Path:
        """Let the first officer write the template, fill it in and make the manifest; return the manifest's path."""
        officer = self.officers[0]
        officer.run("new", "--cards", str(self.cards), "--template", "sitting.toml")
        path = officer.home / "sitting.toml"
        text = path.read_text()
        start, end = text.index("[[rules]]"), text.index("# The parties, from their cards.")
        text = text[:start] + RULES.lstrip() + "\n" + text[end:]
        for old, new in {
            'title = "" ': 'title = "First Congress" ',
            "polls = 10 ": "polls = 2 ",
            "smallest_group = 5 ": "smallest_group = 2 ",
            "objection = 3600 ": "objection = 1 ",
            "seats = 100 ": "seats = 10 ",
            f"trustees_to_convene = {len(self.trustees) - 1} ": "trustees_to_convene = 2 ",
        }.items():
            assert old in text
            text = text.replace(old, new)
        path.write_text(text)
        process = officer.start_openly("officer", "draft", "sitting.toml", "manifest.json", "--json")
        self.sitting = finished(process)["facts"]["sitting"]
        for other in (*self.officers[1:], self.board, *self.witnesses):
            shutil.copy(officer.home / "manifest.json", other.home / "manifest.json")
        return officer.home / "manifest.json"

    @contextmanager
    def services(self) -> Iterator[None]:
        """Run witnesses and board; everybody's commands find the board from now on."""
        with ExitStack() as stack:
            for witness in self.witnesses:
                home = witness.home / ".local/share/secballot/witness/new"
                common = (str(home / "journal.sqlite"), "--name", witness.name, "--key", str(home / "key"))
                finished(witness.start("witness", "create", *common))
                finished(witness.start("witness", "follow", *common, "--manifest", "manifest.json"))
                self.witness_urls.append(stack.enter_context(serving(witness, "witness", "serve", *common)))
            keys = self.board_keys()
            finished(self.board.start("board", "create", "board.sqlite", "manifest.json", *keys))
            self.port = free_port()
            stack.callback(self.stop_everybody)
            self.start_board()
            self.point_to(self.url)
            yield

    def stop_everybody(self) -> None:
        """Stop whatever still runs, the board last."""
        for name in sorted(self.running, key="board".__eq__):
            stop(self.running.pop(name))

    def board_keys(self) -> tuple[str, ...]:
        """Return the options that name the board's keys."""
        home = self.board.home / ".local/share/secballot/board/new"
        return ("--log-key", str(home / "key"), "--promise-key", str(home / "promise.key"))

    def start_board(self, *, database: str = "board.sqlite", port: int | None = None) -> None:
        """Start the board's service."""
        where = [f"{party.name}={url}" for party, url in zip(self.witnesses, self.witness_urls, strict=True)]
        options = [option for place in where for option in ("--witness", place)]
        self.running["board"] = self.board.start(
            *("board", "serve", database, "--sitting", self.sitting, *self.board_keys(), *options),
            *("--interval", INTERVAL, "--port", str(port or self.port), "--publish", "published"),
        )
        self.url = url_of(self.running["board"])

    def point_to(self, *urls: str) -> None:
        """Tell everybody where the board is."""
        for party in (*self.officers, *self.members, *self.registrars, *self.trustees, *self.delegates):
            party.always = ("--sitting", self.sitting, *(option for url in urls for option in ("--board", url)))

    def found(self) -> None:
        """Let all officers sign the manifest."""
        for officer in self.officers:
            officer.run("found", "manifest.json", "--yes")

    def run_unattended(self, party: Party) -> None:
        """Let a trustee or registrar run until the sitting is over."""
        self.running[party.name] = party.begin("run", "--interval", "1")

    def act(self, *arguments: str) -> dict[str, Any]:
        """Let the first officer sign an act, and the others countersign it; return what the first one was told."""
        said = self.officers[0].run(*arguments, "--yes")
        for officer in self.officers[1:]:
            officer.run("countersign", "--yes")
        return said

    def status(self) -> dict[str, Any]:
        """Return what the first officer's status says."""
        facts: dict[str, Any] = finished(self.officers[0].start("status", "--json", *self.officers[0].always))["facts"]
        return facts

    def awaited(self) -> list[Awaited]:
        """Return what the sitting waits for, as anybody sees it who reads the log."""
        if self.view is None:
            self.view = WitnessedView(open_source(self.url), bytes.fromhex(self.sitting))
        try:
            self.view.refresh()
        except (PolicyError, StoreError):
            return []
        return list(standing(self.view, int(time.time())).awaited)

    def await_action(self, action: str) -> None:
        """Wait until something is awaited."""
        until(lambda: action in [item.action for item in self.awaited()])

    def enrol(self) -> None:
        """Let the delegates make wallets, and the commission sign the roll of their cards."""
        together(
            [
                party.start(
                    *("delegate", "new", "--name", party.name, "--label", LABEL, "--small-device", "--json"),
                    *("--card", str(self.cards / f"{party.name}.delegate"), "--phrase-file", "words"),
                )
                for party in self.delegates
            ]
        )
        cards = [str(self.cards / f"{party.name}.delegate") for party in self.delegates]
        for member in self.members:
            member.run("roll", "add", *cards, "--class", "delegates")
            member.run("roll", "sign", "--yes")

    def register(self, delegates: Sequence[Party] | None = None) -> None:
        """Freeze the roll, let delegates request and registrars answer, and close the registration."""
        self.await_action("registration")
        self.act("register", "--first-poll", "1")
        began = time.monotonic()
        together([party.begin("register") for party in delegates or self.delegates])
        self.pace = time.monotonic() - began
        self.act("close-registration")

    def convene(self) -> None:
        """Wait for the consents and convene."""
        self.await_action("convening")
        self.act("convene")

    def open_both(self) -> None:
        """Open two polls side by side, by options and by a file, for as long as voting takes on this machine."""
        seconds = int(10 + 10 * self.pace)
        self.act("open", "--title", "Resolution 1", "--rules", "resolution", "--seconds", str(seconds))
        poll = f'seconds = {seconds}\n[[contests]]\ntitle = "Council"\nrules = "council"\n'
        poll += 'text = "Who shall sit on the council?"\noptions = ["Anna", "Boris", "Vera"]\n'
        poll += 'documents = ["list.txt"]\n'
        (self.officers[0].home / "poll.toml").write_text(poll)
        (self.officers[0].home / "list.txt").write_text("Anna of the north\nBoris of the south\nVera of the east\n")
        self.act("open", "--file", "poll.toml")

    def everybody_votes(self) -> None:
        """Let all delegates vote in both polls at the same time; one of them changes its mind."""
        votes = {number: "for" if number != 1 else "against" for number in range(len(self.delegates))}
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda number: self.vote_twice(self.delegates[number], votes[number]), votes))
        self.vote(self.delegates[1], 1, choices("Resolution 1", "against"))

    def vote_twice(self, party: Party, vote: str) -> None:
        """Let a delegate vote in both polls."""
        self.vote(party, 1, choices("Resolution 1", vote))
        self.vote(party, 2, choices("Council", "Vera", "Anna"))

    def vote(self, party: Party, poll: int, answers: str) -> dict[str, Any]:
        """Let a delegate seal a ballot and cast it."""
        tag = tag_of(party.name, poll, len(self.trackers))
        (party.home / f"choices-{poll}.toml").write_text(answers)
        sealed = party.run("vote", str(poll), "--choices", f"choices-{poll}.toml", "--tag", tag)
        self.trackers[party.name, poll] = (sealed["facts"]["short"], tag)
        return party.run("cast", str(poll))

    def end(self, poll: int, trustees: Sequence[Party] | None = None) -> None:
        """Wait for the end of a poll; close, decrypt, and publish its result with its page."""
        self.wait_for_end(poll)
        until(lambda: code_of(self.officers[0].begin("close", str(poll))) == 0)
        self.await_action("decryption")
        together([party.begin("decrypt", str(poll), "--yes") for party in trustees or self.trustees])
        self.act("result", str(poll), "--page", f"result-{poll}.html")

    def check_ballots(self) -> None:
        """Let two delegates check that their ballots are counted: by hand, and by the watching tool."""
        for party in self.delegates[:2]:
            tracker, tag = self.trackers[party.name, 2]
            check = party.begin("check", tracker, "--tag", tag)
            assert finished(check)["facts"]["ballots"][0]["counted"]
        together([party.begin("watch", "--once") for party in self.delegates[:2]])

    def check_page(self, poll: int, again: Path) -> None:
        """Make a result page again from the log alone: the same bytes."""
        again.unlink(missing_ok=True)
        first = (self.officers[0].home / f"result-{poll}.html").read_bytes()
        assert run(["page", str(self.board.home / "published"), str(poll), str(again), "--sitting", self.sitting]) == 0
        assert again.read_bytes() == first

    def wait_for_end(self, poll: int) -> None:
        """Wait until the time of a poll is up."""
        until(lambda: any(item.poll == poll for item in self.awaited()))
        ends = [item.until for item in self.awaited() if (item.action, item.poll) == ("ballot", poll)]
        time.sleep(max(0.0, max(ends, default=0) - time.time()) + 0.5)

    def stop_unattended(self) -> None:
        """Wait for trustees and registrars to find that nothing is awaited of them any more."""
        for party in (*self.trustees, *self.registrars):
            finished(self.running.pop(party.name))


def tag_of(*parts: object) -> str:
    """Return ten dice digits, others for each ballot."""
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return "".join(str(1 + byte % 6) for byte in digest[:10])


def choices(title: str, *chosen: str) -> str:
    """Return a file of choices."""
    return f'[[contests]]\ntitle = "{title}"\nchoose = {json.dumps(chosen)}\n'
