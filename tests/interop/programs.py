"""Programs that nobody here wrote, as `make interop` puts them beside the tests' own Python: found, run, started."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, Any, Final

import httpx

from secballot.board.merkle import EMPTY_ROOT
from secballot.encoding import b64encode
from tests.loopback import free_port
from tests.needs import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

_HERE: Final = Path(sys.prefix) / "interop"
_FOLDERS: Final = {"go": _HERE / "bin", "py312": _HERE / "python" / "bin"}


def find(need: str, name: str) -> str:
    """Return the path of a program, or skip the test that needs it."""
    path = _FOLDERS[need] / name
    if not path.is_file():
        missing(need, f"`make interop` has not made {name}")
    return str(path)


def run(
    need: str, name: str, *arguments: str | Path, text: str = "", seconds: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, or for so many seconds, with a text on standard input."""
    command = [find(need, name), *map(str, arguments)]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=seconds, check=False)


def ask(need: str, name: str, *arguments: str | Path, text: str = "") -> str:
    """Return what a program prints that ends well."""
    done = run(need, name, *arguments, text=text)
    assert done.returncode == 0, done.stderr
    return done.stdout


def ask_go(command: str, *arguments: str | Path, text: str = "") -> Any:  # noqa: ANN401  # whatever JSON it says
    """Return what a command of our Go program finds."""
    return json.loads(ask("go", "peers", command, *arguments, text=text))


@contextmanager
def started(need: str, name: str, *arguments: str | Path, text: str = "") -> Iterator[subprocess.Popen[str]]:
    """Run a program with a text on standard input until the context ends; its errors go to its standard output."""
    process = subprocess.Popen(
        [find(need, name), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdin is not None
        process.stdin.write(text)
        process.stdin.close()
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def litewitness(folder: Path, name: str, seed: bytes, origin: str, vkey: str) -> Iterator[str]:
    """Run torchwood's witness for one log, and yield its submission prefix. Its state stays in the folder."""
    # The path of a socket is short, and a test's folder may not be.
    with ExitStack() as stack:
        socket = Path(stack.enter_context(TemporaryDirectory())) / "agent"
        agent = stack.enter_context(started("go", "peers", "agent", socket, text=seed.hex()))
        fingerprint = _line_with(agent.stdout, "SHA256:")
        database, address = folder / f"{name}.litewitness", f"127.0.0.1:{free_port()}"
        known = database.exists()
        options = (f"-name={name}", f"-db={database}", f"-ssh-agent={socket}", f"-key={fingerprint}")
        stack.enter_context(started("go", "litewitness", *options, f"-listen={address}"))
        _wait_for_server(f"http://{address}/")
        if not known:
            _follow_with_litewitness(database, origin, vkey)
        yield f"http://{address}"


@contextmanager
def aics_witness(folder: Path, name: str, seed: bytes, origin: str, vkey: str) -> Iterator[str]:
    """Run PyPI's aics-witness for one log, and yield its submission prefix. Its state stays in the folder."""
    config = folder / f"{name}.aics.json"
    if not config.exists():
        key_file = config.with_suffix(".seed")
        key_file.touch(mode=0o600)
        key_file.write_text(seed.hex())
        files = ("--db", f"{name}.aics.db", "--key-file", key_file.name, "--new-database")
        ask("py312", "aics-witness", "init", "-c", config, "--name", name, "--listen", "127.0.0.1:0", *files)
        ask("py312", "aics-witness", "add-log", "-c", config, "--origin", origin, "--vkey", vkey)
    with started("py312", "aics-witness", "serve", "-c", config) as process:
        yield _line_with(process.stdout, "listening on ").split("listening on ")[1].split()[0]


def _follow_with_litewitness(database: Path, origin: str, vkey: str) -> None:
    """Do what torchwood's witnessctl does; its own dependencies are not in the public proxy of Go modules."""
    connection = sqlite3.connect(database, timeout=10)
    with connection:
        connection.execute("INSERT INTO log VALUES (?, 0, ?)", (origin, b64encode(EMPTY_ROOT)))
        connection.execute("INSERT INTO key VALUES (?, ?)", (origin, vkey))
    connection.close()


def _line_with(stream: IO[str] | None, text: str) -> str:
    assert stream is not None
    seen = []
    for line in stream:
        seen.append(line)
        if text in line:
            return line.strip()
    raise AssertionError(seen)


def _wait_for_server(url: str) -> None:
    for _ in range(500):
        try:
            httpx.get(url, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(url)
