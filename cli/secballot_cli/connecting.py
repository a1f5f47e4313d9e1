"""How a party takes its seat: its home, its key, its own verified view of the log, and where it posts.

Order, so that a mistyped sitting or a wrong board binds nothing:
1. the log is read and replayed under a witnessed checkpoint;
2. the key is opened, and is found in the manifest in the role asked for;
3. only then are sitting and boards written down, and the checkpoint compared with the last one seen;
4. every other place of the log that was given, and can be read, has to show the same log.

Source: SPEC.md#data-flow, SPEC.md#parties-and-trust.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from secballot.errors import InconsistentLogError, PolicyError, RefusalError, StoreError, TransportError
from secballot.roles.posting import open_poster
from secballot.roles.remote import open_source
from secballot.roles.watching import compare, remember
from secballot.store.journal import Journal
from secballot.store.remembered import CheckpointMemory
from secballot.store.sealed_journal import SealedJournal
from secballot_cli.answering import agreed
from secballot_cli.evidence_files import is_for_strangers, write_evidence
from secballot_cli.home import Home
from secballot_cli.messages import _
from secballot_cli.reading import first_view

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from secballot.records.manifest import Manifest
    from secballot.records.promise import Promise
    from secballot.roles.party import Poster
    from secballot.roles.view import WitnessedView
    from secballot.signing import SigningKey
    from secballot_cli.home import Given

_PATIENCE: Final = 5.0
"""Seconds that another place of the log has for each answer before the party goes on without it."""

ROLE_KEYS: Final[Mapping[str, Callable[[Manifest], Sequence[bytes]]]] = {
    "commission": lambda manifest: manifest.commission,
    "officer": lambda manifest: manifest.presidium.keys,
    "registrar": lambda manifest: manifest.registrars,
    "trustee": lambda manifest: manifest.trustees.keys,
}
"""Which keys of the manifest a role has."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A party that is ready to act.

    Attributes:
        home: its folder, settled.
        key: its identity key; secret.
        view: its verified view, refreshed.
        board: where it posts.
        index: its number among the keys of its role, from 1.
    """

    home: Home
    key: SigningKey
    view: WitnessedView
    board: Poster
    index: int

    @property
    def manifest(self) -> Manifest:
        """The manifest in force."""
        return self.view.state.the_manifest()

    def open_journal(self) -> Journal:
        """Return the party's journal; it is made with the first seat in a sitting, and never again.

        Raises:
            StoreError: it is lost, or the disk does not take it.
        """
        return Journal.open(self.home.journal_file)

    def sealed(self, journal: Journal) -> SealedJournal:
        """Return the journal's notes under the party's key."""
        return SealedJournal(journal, self.key)


class NowhereToPost:
    """Stands for the board of a party that only reads."""

    def post(self, entry: bytes) -> Promise:
        """Refuse.

        Raises:
            RefusalError: always.
        """
        del entry
        raise RefusalError(_("there is nowhere to post: give the board's URL with --board"))


def open_view(home: Home) -> WitnessedView:
    """Return a view of the first place of the log that can be read, refreshed and replayed.

    Raises:
        RefusalError: no place is known, or the log there is another sitting's.
        StoreError, TransportError: none can be read; the first one's trouble.
        PolicyError: no checkpoint has the quorum of witnesses.
        InconsistentLogError: the log contradicts itself.
    """
    return first_view(home.boards, home.anchor(), home.proxy)


def open_board(home: Home, manifest: Manifest, anchor: bytes) -> Poster:
    """Return what posts to all boards and drop boxes that have a URL.

    Raises:
        TransportError, StoreError: as `roles.posting.open_poster`.
    """
    urls = [where for where in home.boards if where.startswith(("http://", "https://"))]
    return open_poster(urls, manifest, anchor, proxy=home.proxy) if urls else NowhereToPost()


def take_seat(role: str, given: Given, *, journal: bool = False) -> Seat:
    """Return a party that is ready to act, its sitting written down.

    Args:
        role: `officer`, `commission`, `registrar` or `trustee`.
        given: the common options.
        journal: whether the party has a journal, which its first seat makes.

    Raises:
        StoreError: no home, no key, or the disk does not take it.
        RefusalError, PolicyError, TransportError, InconsistentLogError: as `open_view`.
        PolicyError: the manifest does not name this key in this role.
    """
    home = Home.find(role, given)
    view = open_view(home)
    key = home.open_key(given)
    manifest = view.state.the_manifest()
    keys = ROLE_KEYS[role](manifest)
    public = key.verify_key.encode()
    if public not in keys:
        words = _("the manifest of this sitting does not name this key for the role {role}")
        raise PolicyError(words.format(role=role))
    first = home.folder.name != home.anchor().hex()
    if journal and first and not home.journal_file.exists():
        # Before the sitting is written down: a later seat without a journal has lost it.
        Journal.create(home.journal_file).close()
    home = home.settle(given)
    remember_view(home, view)
    compare_boards(home, view)
    return Seat(home, key, view, open_board(home, manifest, home.anchor()), keys.index(public) + 1)


def remember_view(home: Home, view: WitnessedView) -> None:
    """Compare what the view has seen with what this party saw the last time, and keep it.

    Raises:
        InconsistentLogError: a rollback or a split view; evidence is written into the home folder.
        StoreError: the memory cannot be read or written.
    """
    if view.checkpoint is None:
        return
    memory = CheckpointMemory(home.seen_folder)
    with _keeping_evidence(home):
        remember(memory, view.state.the_manifest(), view.checkpoint, view.state.history)


def compare_boards(home: Home, view: WitnessedView) -> None:
    """Compare what the view has seen with what every other place of the log shows, where that can be read.

    Raises:
        InconsistentLogError: a split view; evidence is written into the home folder.
    """
    if view.checkpoint is None or len(home.boards) < 2:  # noqa: PLR2004  # one place is the one that was read
        return
    manifest, history = view.state.the_manifest(), view.state.history
    for where in home.boards:
        try:
            with _keeping_evidence(home):
                compare(manifest, view.checkpoint, history, open_source(where, home.proxy, _PATIENCE))
        except (StoreError, TransportError, PolicyError):
            continue  # a drop box, or a place that is down: it shows nothing that could be compared


@contextmanager
def _keeping_evidence(home: Home) -> Iterator[None]:
    try:
        yield
    except InconsistentLogError as error:
        if is_for_strangers(error.evidence):
            write_evidence(home.folder, "evidence", error.evidence)
        raise


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something is signed or released; `--yes` answers for a person who is not there.

    Raises:
        RefusalError: the answer is no.
    """
    if not yes and not agreed(question):
        raise RefusalError(_("nothing was signed or sent, as you said"))


def yes_option(command: Callable[..., int]) -> Callable[..., int]:
    """Add the option that answers every question with yes."""
    return click.option("--yes", is_flag=True, help="Do not ask before signing.")(command)


def read_text(path: str, limit: int) -> str:
    """Return the text of a UTF-8 file.

    Raises:
        StoreError: it cannot be read, is too long, or is not UTF-8.
    """
    from secballot.store.folder import read_file  # noqa: PLC0415  # with the commands that read files

    try:
        return read_file(Path(path), limit).decode().replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise StoreError(_("{path} is not a text in UTF-8").format(path=path)) from error
