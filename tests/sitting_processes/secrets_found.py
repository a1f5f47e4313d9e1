"""A search for secret bytes where they must not be: public files, logs, other parties' homes, running processes."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

from secballot.store.keyfile import read_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sitting_processes.congress import Congress
    from tests.sitting_processes.parties import Party


def secrets_of(party: Party) -> Iterator[bytes]:
    """Yield everything that only this party may know, in every spelling that a careless program would write."""
    yield party.passphrase.encode()
    for path in party.home.rglob("key"):
        seed = read_key(path, party.passphrase).encode_private()
        yield from (seed, seed.hex().encode(), base64.b64encode(seed))
    words = party.home / "words"
    if words.exists():
        yield words.read_bytes().strip()
        yield b" ".join(words.read_bytes().split()[:6])


def check_no_secret_is_found(congress: Congress, said: str) -> int:
    """Search all files of all parties, and what programs have said; return how many files were searched.

    The phrase file of mode 0600 that a delegate asked for is the only one that may hold its secret.
    """
    parties = [*congress.officials, congress.board, *congress.delegates]
    secrets = {party.name: list(secrets_of(party)) for party in parties}
    assert all(len(secret) > 1 for secret in secrets.values())
    searched = 0
    for path in congress.folder.rglob("*"):
        if not path.is_file() or path.name == "words":
            continue
        data = path.read_bytes()
        searched += 1
        for name, held in secrets.items():
            assert not any(secret in data for secret in held), (name, path)
    for held in secrets.values():
        assert not any(secret.decode("latin-1") in said for secret in held)
    return searched


def check_modes(congress: Congress) -> None:
    """Check that nobody else can read what parties keep: key files, journals, wallets and the folders around them."""
    for path in congress.folder.rglob("*"):
        if "secballot" in path.parts and "share" in path.parts:
            inside = path.parts.index("share") + 1
            # The checkpoints that a party has seen are public; the folder around them is not.
            if len(path.parts) > inside + 1 and path.suffix != ".checkpoint":
                assert not path.stat().st_mode & 0o077, path


def check_processes(congress: Congress) -> int:
    """Look at the command lines and environments of all running processes of the congress; return how many."""
    parties = [*congress.officials, congress.board, *congress.delegates]
    passphrases = [party.passphrase.encode() for party in parties]
    seen = 0
    for process in congress.running.values():
        for name in ("cmdline", "environ"):
            data = Path(f"/proc/{process.pid}/{name}")
            if data.exists():
                text = data.read_bytes()
                assert text
                assert not any(secret in text for secret in passphrases)
                seen += 1
    return seen
