"""Where evidence against a board goes: a file for each, named after its content, and never one over another.

A board that cheats may do so twice; what convicts it the first time is not lost by the second.

Source: SPEC.md#evidence.
"""

from __future__ import annotations

import hashlib
from itertools import chain, count
from typing import TYPE_CHECKING

import click

from secballot.errors import StoreError
from secballot.store.folder import read_file
from secballot_cli.home import write_private
from secballot_cli.messages import _
from secballot_cli.reading import write_new

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_DIGITS = 32


def is_for_strangers(evidence: bytes) -> bool:
    """Tell whether this is a file that convinces anybody, and not what only its finder can use."""
    return evidence.startswith(b"{")


def write_evidence(folder: Path, stem: str, evidence: bytes) -> Path:
    """Keep evidence in a folder, and say where on standard error; return the file.

    It is called `<stem>-<32 digits of its SHA-256>.json`. What is there already is left alone.

    Raises:
        StoreError: the disk does not take it.
    """
    return _keep(_numbered(folder / f"{stem}-{_digits(evidence)}", ".json"), evidence, write_private)


def write_named_evidence(file: Path, evidence: bytes) -> Path:
    """Keep evidence in a file that somebody named, and say where on standard error; return the file.

    If the file holds something else already, the evidence goes beside it, called after its content as well.

    Raises:
        StoreError: the disk does not take it.
    """
    beside = _numbered(file.with_name(f"{file.stem}-{_digits(evidence)}"), file.suffix)
    return _keep(chain([file], beside), evidence, write_new)


def _digits(evidence: bytes) -> str:
    return hashlib.sha256(evidence).hexdigest()[:_DIGITS]


def _numbered(path: Path, suffix: str) -> Iterator[Path]:
    """Yield names, of which all but the first are for the case that somebody has changed what has that."""
    yield path.with_name(path.name + suffix)
    for number in count(2):
        yield path.with_name(f"{path.name}-{number}{suffix}")


def _keep(names: Iterator[Path], evidence: bytes, write: Callable[[Path, bytes], None]) -> Path:
    """Write evidence under the first name that is free, unless one before holds it."""
    path = next(path for path in names if not path.exists() or _holds(path, evidence))
    if not path.exists():
        write(path, evidence)
    click.echo(_("evidence written: {path}").format(path=path), err=True)
    return path


def _holds(path: Path, evidence: bytes) -> bool:
    try:
        return read_file(path, len(evidence)) == evidence
    except StoreError:
        return False  # longer, or not to be read: something else
