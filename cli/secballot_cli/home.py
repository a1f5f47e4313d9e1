"""The home folder of a party, and the options with which every command of a party begins.

    <home>/<role>/new/             before the sitting is known: key file and card
    <home>/<role>/<sitting id>/    afterwards

A folder holds the key file (`key`), the public card (`card.json`), what the party must not forget (`journal.sqlite`),
where the boards are (`settings.json`), and the last checkpoint seen (`seen/`). Folders have mode 0700 and every secret
is under the passphrase, so a stolen backup tells nothing; a party of several sittings has one key for each.

Source: SPEC.md#parties-and-trust.
"""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from secballot.errors import EncodingError, RefusalError, StoreError
from secballot.store.folder import read_file
from secballot.store.keyfile import KeyHolder, bind_key, read_key, read_public_key
from secballot.store.syncing import sync_folder
from secballot.store.unfinished import unfinished
from secballot_cli.messages import _
from secballot_cli.passphrase import passphrase_of, passphrase_option
from secballot_cli.proxies import chosen_proxy, remembered_proxy_option
from secballot_cli.reading import sitting_id
from secballot_cli.telling import json_option

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from secballot.signing import SigningKey

ROLES: Final = ("officer", "commission", "registrar", "trustee", "witness", "board", "delegate")
"""Parties that have a home."""

NEW: Final = "new"
"""Name of the folder of a party whose sitting is not known yet."""

_MAX_SETTINGS: Final = 65_536


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `settings.json` holds."""

    boards: tuple[str, ...] = ()
    proxy: str | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """What the common options of a command say.

    Attributes:
        base: the home folder of all roles.
        sitting: sitting_id, 32 bytes, None if not given.
        boards: URLs, folders or files of the log, the board's first; empty if not given.
        proxy: URL of a proxy for all requests, `none` to go without; None if nothing is said.
        passphrase_file: see `secballot_cli.passphrase`.
        as_json: whether to print JSON.
    """

    base: Path
    sitting: bytes | None = None
    boards: tuple[str, ...] = ()
    proxy: str | None = None
    passphrase_file: str | None = None
    as_json: bool = False
    _asked: list[str] = field(default_factory=list, repr=False)

    def passphrase(self, *, new: bool = False) -> str:
        """Return the passphrase, asked for once."""
        if not self._asked:
            self._asked.append(passphrase_of(self.passphrase_file, new=new))
        return self._asked[0]


def party_options(command: Callable[..., int]) -> Callable[..., int]:
    """Add the options that all commands of a party have; the command is handed one `Given`, first."""

    @functools.wraps(command)
    def with_given(
        *arguments: Any,  # noqa: ANN401
        home: str | None,
        sitting: bytes | None,
        board: tuple[str, ...],
        proxy: str | None,
        passphrase_file: str | None,
        as_json: bool,
        **options: Any,  # noqa: ANN401
    ) -> int:
        base = default_base() if home is None else Path(home)
        given = Given(base, sitting, board, proxy, passphrase_file, as_json)
        return command(given, *arguments, **options)

    decorated: Callable[..., int] = with_given
    options = (
        click.option("--home", type=click.Path(), metavar="DIR", help="Home folder of all your roles."),
        click.option(
            "--sitting", type=sitting_id, metavar="ID", help="The sitting's id, from outside: 64 hexadecimal digits."
        ),
        click.option(
            "--board",
            multiple=True,
            metavar="WHERE",
            help="URL, folder or file of the log; several: mirrors and drop boxes. Remembered.",
        ),
        remembered_proxy_option,
        passphrase_option,
        json_option,
    )
    for option in reversed(options):
        decorated = option(decorated)
    return decorated


def default_base() -> Path:
    """Return where homes lie if nothing else is said: XDG_DATA_HOME/secballot, or its default."""
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "secballot"


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of one party in one sitting.

    Attributes:
        role: of the party.
        folder: its files are here.
        sitting: sitting_id, 32 bytes, None as long as it is unknown.
        boards: where the log is, the board's own place first.
        proxy: for all requests.
    """

    role: str
    folder: Path
    sitting: bytes | None = None
    boards: tuple[str, ...] = ()
    proxy: str | None = None

    @property
    def key_file(self) -> Path:
        """The party's key file."""
        return self.folder / "key"

    @property
    def card_file(self) -> Path:
        """The party's public card."""
        return self.folder / "card.json"

    @property
    def journal_file(self) -> Path:
        """What the party must not forget."""
        return self.folder / "journal.sqlite"

    @property
    def seen_folder(self) -> Path:
        """Where the last checkpoint seen is remembered."""
        return self.folder / "seen"

    @classmethod
    def create(cls, role: str, base: Path) -> Self:
        """Make the folder of a party whose sitting is not known yet, and return it.

        Raises:
            StoreError: there is one with a key already, or the folder cannot be made.
        """
        home = cls(role, base / role / NEW)
        make_private(home.folder)
        if home.key_file.exists():
            words = _("there is a key for the next sitting already, in {folder}: one key for each sitting")
            raise StoreError(words.format(folder=home.folder))
        return home

    @classmethod
    def find(cls, role: str, given: Given) -> Self:
        """Return the home of a party that takes part in the sitting that is meant.

        Without `--sitting` it is the only one there is. Boards and proxy that are given stand before those remembered.

        Raises:
            StoreError: there is none, or it cannot be read.
            RefusalError: there are several, and none is named.
        """
        parent = given.base / role
        if given.sitting is not None:
            folder = parent / given.sitting.hex()
            found = folder if folder.is_dir() else parent / NEW
            home = cls(role, found, given.sitting)
        else:
            home = cls(role, *_only(parent, role))
        if not home.folder.is_dir():
            raise StoreError(_("there is no home of the role {role} here yet: secballot {role} new").format(role=role))
        kept = home.settings()
        return replace(home, boards=given.boards or kept.boards, proxy=chosen_proxy(given.proxy, kept.proxy))

    def anchor(self) -> bytes:
        """Return the sitting_id.

        Raises:
            RefusalError: it is not known; no party starts without it.
        """
        if self.sitting is None:
            raise RefusalError(
                _("which sitting? It is named by --sitting, with the id from a letter or another channel")
            )
        return self.sitting

    def open_key(self, given: Given) -> SigningKey:
        """Return the party's key, if it is of this role and sitting.

        Raises:
            StoreError, EncodingError: as `store.keyfile.read_key`.
        """
        return read_key(self.key_file, given.passphrase(), KeyHolder(self.role, self.sitting))

    def public_key(self) -> bytes:
        """Return the public half of the party's key, as the file claims it.

        Raises:
            StoreError, EncodingError: as `store.keyfile.read_public_key`.
        """
        return read_public_key(self.key_file)

    def settle(self, given: Given) -> Home:
        """Write down that the party takes part in this sitting, and where its boards are; once its key is known to be.

        From here on the key file is for this sitting only, and the folder bears its name.

        Raises:
            StoreError: the disk does not take it.
        """
        anchor = self.anchor()
        home: Home = self
        if self.folder.name == NEW:
            if self.key_file.exists():
                bind_key(self.key_file, given.passphrase(), KeyHolder(self.role, anchor))
            home = replace(self, folder=self.folder.with_name(anchor.hex()))
            try:
                self.folder.rename(home.folder)
                sync_folder(home.folder.parent)
            except OSError as error:
                raise StoreError(_("the home folder cannot be renamed")) from error
        settings = Settings(home.boards, home.proxy)
        if settings != home.settings():
            write_private(home.folder / "settings.json", msgspec.json.encode(settings))
        return home

    def settings(self) -> Settings:
        """Return what is remembered of boards and proxy.

        Raises:
            EncodingError: the file is garbled.
        """
        path = self.folder / "settings.json"
        if not path.exists():
            return Settings()
        try:
            return msgspec.json.decode(read_file(path, _MAX_SETTINGS), type=Settings)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise EncodingError(_("{path} is garbled; it may be removed").format(path=path)) from error


def _only(parent: Path, role: str) -> tuple[Path, bytes | None]:
    """Return the only sitting of a role, or the folder of the one to come."""
    try:
        names = sorted(path.name for path in parent.iterdir() if path.is_dir())
    except OSError:
        names = []
    sittings = [name for name in names if name != NEW]
    if len(sittings) > 1 or (sittings and NEW in names):
        words = _("there are several sittings for the role {role} here: name one with --sitting")
        raise RefusalError(words.format(role=role))
    try:
        return (parent / sittings[0], bytes.fromhex(sittings[0])) if sittings else (parent / NEW, None)
    except ValueError as error:
        words = _("the folder {folder} bears no sitting's name")
        raise StoreError(words.format(folder=parent / sittings[0])) from error


def make_private(folder: Path) -> None:
    """Make a folder, and those above it, that only their owner can read.

    Raises:
        StoreError: it cannot be made, or others may write into it.
    """
    try:
        for place in (*reversed(folder.parents), folder):
            if not place.exists():
                place.mkdir(mode=0o700)
        if os.name == "posix":
            folder.chmod(0o700)
    except OSError as error:
        raise StoreError(_("the home folder cannot be made")) from error


def write_private(path: Path, data: bytes) -> None:
    """Write a file of mode 0600, durably, in place of the one before.

    Raises:
        StoreError: the disk does not take it.
    """
    fresh = unfinished(path)
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise StoreError(_("{name} cannot be written").format(name=path.name)) from error
