"""Where passphrases come from: the keyboard without echo, an open file descriptor, or a file that only its owner reads.

Never the command line or an environment variable: both can be read by other programs and end up in logs.

Source: SPEC.md#parties-and-trust.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from secballot.errors import EncodingError, StoreError
from secballot.store.folder import read_file
from secballot_cli.messages import _

if TYPE_CHECKING:
    from collections.abc import Callable

_MAX_BYTES: Final = 10_000
_DESCRIPTOR: Final = "secballot_cli.passphrase.descriptor"


def passphrase_option(command: Callable[..., int]) -> Callable[..., int]:
    """Add the two options that say where the passphrase comes from; the command is handed `passphrase_file` only."""
    command = click.option(
        "--passphrase-fd",
        type=click.IntRange(0),
        metavar="N",
        expose_value=False,
        callback=_keep_descriptor,
        help="The first line read from this open file descriptor is the passphrase.",
    )(command)
    return click.option(
        "--passphrase-file",
        type=click.Path(),
        metavar="FILE",
        help="Its first line is the passphrase (only its owner may read it); else it is asked for.",
    )(command)


def _keep_descriptor(context: click.Context, _parameter: click.Parameter, value: int | None) -> None:
    if value is not None:
        context.meta[_DESCRIPTOR] = value


def passphrase_of(file: str | None, *, new: bool = False) -> str:
    """Return the passphrase of key files, from the descriptor or the file of the options, or from the keyboard.

    A descriptor is read once; whoever needs the passphrase twice keeps it.

    Args:
        file: value of `--passphrase-file`.
        new: whether it is for a new key, so that a person types it twice.

    Raises:
        StoreError: file or descriptor cannot be read, or others than its owner may read the file.
        EncodingError: it is not UTF-8.
    """
    context = click.get_current_context(silent=True)
    descriptor = None if context is None else context.meta.get(_DESCRIPTOR)
    if descriptor is not None and file is not None:
        raise click.UsageError(_("give --passphrase-fd or --passphrase-file, not both"))
    if descriptor is not None:
        return _first_line(_read_descriptor(descriptor))
    if file is not None:
        return _first_line(_read_private(Path(file)))
    again = _("The passphrase once more") if new else False
    asked: str = click.prompt(_("Passphrase"), hide_input=True, confirmation_prompt=again, err=True)
    return asked


def _read_private(path: Path) -> bytes:
    data = read_file(path, _MAX_BYTES)
    if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise StoreError(_("others than its owner may read the passphrase file; it should have mode 0600"))
    return data


def _read_descriptor(descriptor: int) -> bytes:
    data = b""
    try:
        while b"\n" not in data and len(data) <= _MAX_BYTES:
            piece = os.read(descriptor, _MAX_BYTES)
            if not piece:
                break
            data += piece
    except OSError as error:
        raise StoreError(_("the file descriptor of the passphrase cannot be read")) from error
    return data


def _first_line(data: bytes) -> str:
    try:
        return data.decode().split("\n")[0].removesuffix("\r")
    except UnicodeDecodeError as error:
        error.object = b""  # the cause would carry the passphrase
        raise EncodingError(_("the passphrase is not UTF-8")) from None
