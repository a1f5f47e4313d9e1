"""What every command that reads a log has in common: where it is, which sitting is meant, and what was seen before."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import click

from secballot.errors import EncodingError, InconsistentLogError, RefusalError, StoreError, TransportError
from secballot.roles.remote import open_source
from secballot.roles.watching import compare, remember
from secballot.store.folder import read_file
from secballot.store.naming import is_url
from secballot.store.remembered import CheckpointMemory, default_folder
from secballot.store.verified import VerifiedState
from secballot_cli.error_words import error_words
from secballot_cli.messages import _
from secballot_cli.proxies import proxy_option
from secballot_cli.render import showing_progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from secballot.record.history import LogHistory, WitnessedCheckpoint
    from secballot.records.manifest import Manifest
    from secballot.roles.view import WitnessedView

_SITTING_DIGITS: Final = 64

T = TypeVar("T")


def sitting_id(text: str) -> bytes:
    """Return the 32 bytes that 64 hexadecimal digits say, in groups or not.

    Raises:
        click.BadParameter: something else than these digits.
    """
    digits = "".join(text.split())
    try:
        if len(digits) == _SITTING_DIGITS:
            return bytes.fromhex(digits)
    except ValueError:
        pass  # the complaint is the same
    raise click.BadParameter(_("a sitting is named by {count} hexadecimal digits").format(count=_SITTING_DIGITS))


def sitting_option(*, required: bool) -> Callable[[click.decorators.FC], click.decorators.FC]:
    """Return the option that names the sitting."""
    return click.option(
        "--sitting",
        type=sitting_id,
        metavar="ID",
        required=required,
        help="The sitting's id, from outside: 64 hexadecimal digits.",
    )


def watching_options(command: click.decorators.FC) -> click.decorators.FC:
    """Add the options of a reader that remembers and compares."""
    options = (
        click.option("--mirror", multiple=True, metavar="WHERE", help="Another place of the same log, to compare."),
        click.option("--state", type=click.Path(), metavar="DIR", help="Where the last checkpoint seen is remembered."),
        click.option("--evidence", type=click.Path(), metavar="FILE", help="Where evidence goes, if there is any."),
        proxy_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


def watch(
    manifest: Manifest,
    seen: WitnessedCheckpoint,
    history: LogHistory,
    *,
    mirrors: Sequence[str],
    state: str | None,
    evidence: str | None,
    proxy: str | None,
) -> None:
    """Compare a log with what was seen before and with its mirrors, and say on standard error what came of it.

    Args:
        manifest: of the sitting.
        seen: the newest witnessed checkpoint.
        history: the leaves below it.
        mirrors: other places of the log.
        state: folder of the reader's memory, None for the usual one.
        evidence: where evidence is written, None for nowhere.
        proxy: for requests.

    Raises:
        InconsistentLogError: a rollback or a split view.
        StoreError, PolicyError, TransportError: a mirror cannot be compared.
    """
    memory = CheckpointMemory(state or default_folder(os.environ))
    try:
        for mirror in mirrors:
            size = compare(manifest, seen, history, open_source(mirror, proxy))
            click.echo(_("mirror agrees: {place} (entries: {size})").format(place=mirror, size=size), err=True)
        try:
            remember(memory, manifest, seen, history)
        except StoreError as error:
            # Reading a record from a machine that keeps nothing is fine, and is said.
            click.echo(_("not remembered: {trouble}").format(trouble=error_words(error)), err=True)
    except InconsistentLogError as error:
        if evidence is not None and error.evidence.startswith(b"{"):
            from secballot_cli.evidence_files import write_named_evidence  # noqa: PLC0415  # hardly ever

            write_named_evidence(Path(evidence), error.evidence)
        raise


def verified_view(sitting: bytes) -> VerifiedState:
    """Return where this user keeps what was verified of a long log: beside the checkpoints seen."""
    return VerifiedState(default_folder(os.environ) / f"{sitting.hex()}.verified", "view", sitting)


def verified_copy(purpose: str, database: str, sitting: bytes) -> VerifiedState:
    """Return where is kept what was verified of the log in a database: beside its file, or with what this user saw.

    Args:
        purpose: `board` or `mirror`.
        database: an SQLite file or an URL.
        sitting: the sitting_id.
    """
    if is_url(database):
        name = f"{hashlib.sha256(database.encode()).hexdigest()[:32]}.{purpose}.verified"
        return VerifiedState(default_folder(os.environ) / name, purpose, sitting)
    return VerifiedState(f"{database}.{purpose}.verified", purpose, sitting)


def refresh_shown(view: WitnessedView) -> None:
    """Bring a view up to date, and show how far it is meanwhile, if that takes some time and there is a terminal.

    Raises: as `WitnessedView.refresh`.
    """
    quiet = view.progress
    with showing_progress(_("verifying")) as progress:
        view.progress = progress
        try:
            view.refresh()
        finally:
            view.progress = quiet


def first_view(boards: Sequence[str], anchor: bytes, proxy: str | None) -> WitnessedView:
    """Return a view of the first place of the log that can be read, refreshed.

    Raises:
        RefusalError: no place is known, or the log there is another sitting's.
        StoreError, TransportError: none can be read; the first one's trouble.
        PolicyError: no checkpoint has the quorum of witnesses.
        InconsistentLogError: the log contradicts itself.
    """
    if not boards:
        raise RefusalError(_("where is the log? Give the board's URL, or a folder or file of the log, with --board"))
    # An audit does without, and begins the sooner.
    from secballot.roles.view import WitnessedView  # noqa: PLC0415

    trouble: StoreError | TransportError | None = None
    for where in boards:
        try:
            view = WitnessedView(open_source(where, proxy), anchor, memory=verified_view(anchor))
            refresh_shown(view)
        except (StoreError, TransportError) as error:
            trouble = trouble or error
        else:
            return view
    raise trouble or StoreError(_("the log cannot be read"))


def read_input(path: str | Path, limit: int) -> bytes:
    """Return the bytes of a file that somebody names.

    Raises:
        StoreError: missing, too long or not readable.
    """
    return read_file(Path(path), limit)


def read_as(path: str | Path, limit: int, decode: Callable[[bytes], T], what: str) -> T:
    """Return what a file that somebody names holds.

    Args:
        path: of the file.
        limit: most bytes of it.
        decode: reads it; raises EncodingError if it is something else.
        what: what it should be, in the reader's language.

    Raises:
        StoreError: as `read_input`.
        EncodingError: it is something else, which is said by the file's name.
    """
    data = read_input(path, limit)
    try:
        return decode(data)
    except EncodingError as error:
        words = _("{path} is something else than {what} ({trouble})")
        raise EncodingError(words.format(path=path, what=what, trouble=error.message)) from error


def write_new(path: str | Path, data: bytes) -> None:
    """Write a file that is not there yet.

    Raises:
        StoreError: it is there, or cannot be written.
    """
    try:
        with Path(path).open("xb") as file:
            file.write(data)
    except FileExistsError as error:
        raise StoreError(_("{path} is there already, and nothing is written over it").format(path=path)) from error
    except OSError as error:
        raise StoreError(_("{path} cannot be written").format(path=path)) from error
