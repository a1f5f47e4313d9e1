"""A PostgreSQL server of the tests' own: made in a temporary folder, on a unix socket, and thrown away.

PostgreSQL refuses to run as root, so root starts it as another user. It syncs what it commits, as the library demands.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg

from tests.needs import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEBIAN: Final = Path("/usr/lib/postgresql")
_USER: Final = "tester"
_SERVANTS: Final = ("postgres", "nobody")
"""Users as whom root starts the server."""

_SECONDS: Final = 60
_DATABASE: Final = "postgres"


class Cluster:
    """One server, and databases in it.

    Attributes:
        socket: the folder of its unix socket.
    """

    def __init__(self, programs: Path, folder: Path) -> None:
        """Make the server's files; it does not run yet."""
        self._programs = programs
        self._folder = folder
        self._servant = _servant()
        self._numbers = count(1)
        self.socket = folder / "s"
        self.socket.mkdir(mode=0o700)
        if self._servant is not None:
            for path in (folder, self.socket):
                os.chown(path, self._servant.pw_uid, self._servant.pw_gid)
        self._run("initdb", "--no-sync", "--auth=trust", f"--username={_USER}", "--encoding=UTF8", "--locale=C")

    def ask_password(self, user: str) -> None:
        """Let this user in by password only, from the next start on."""
        rules = self._folder / "data" / "pg_hba.conf"
        rules.write_text(f"local all {user} scram-sha-256\n{rules.read_text()}")

    def start(self) -> None:
        """Run the server, and return once it answers."""
        options = f"-k {self.socket} -c listen_addresses= -c max_wal_size=64MB -c shared_buffers=16MB"
        self._run("pg_ctl", "-w", "-t", str(_SECONDS), "-l", str(self._folder / "log"), "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop it: `fast` ends all connections first, `immediate` is a crash."""
        self._run("pg_ctl", "-w", "-t", str(_SECONDS), "-m", mode, "stop")

    def url(self, **more: str) -> str:
        """Return the URL of a new, empty schema, with these settings of libpq added."""
        name = f"t{next(self._numbers)}"
        self.execute(f"CREATE SCHEMA {name}")
        settings = {"host": str(self.socket), "options": f"-csearch_path%3D{name}", **more}
        query = "&".join(f"{key}={value}" for key, value in settings.items())
        return f"postgresql+psycopg://{_USER}@/{_DATABASE}?{query}"

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        """Run a statement by itself, and return its rows."""
        with psycopg.connect(f"host={self.socket} user={_USER} dbname={_DATABASE}", autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def log(self) -> str:
        """Return what the server has logged."""
        return (self._folder / "log").read_text()

    def _run(self, program: str, *arguments: str) -> None:
        servant = self._servant
        # To a file: the server keeps a pipe open for as long as it runs.
        with (self._folder / "out").open("wb") as out:
            done = subprocess.run(
                [str(self._programs / program), "-D", str(self._folder / "data"), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                timeout=2 * _SECONDS,
                check=False,
                user=None if servant is None else servant.pw_uid,
                group=None if servant is None else servant.pw_gid,
                extra_groups=None if servant is None else [],
            )
        assert done.returncode == 0, (program, (self._folder / "out").read_text())


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Yield a running server, or skip the test where PostgreSQL is not installed."""
    programs = find_programs()
    if programs is None:
        missing("postgres", "neither PATH nor /usr/lib/postgresql has initdb and pg_ctl")
    if os.geteuid() == 0 and _servant() is None:
        missing("postgres", "root cannot run it, and there is no other user to run it as")
    # A socket's path has at most 107 bytes, so it cannot lie in pytest's folders.
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        made = Cluster(programs, Path(folder))
        made.start()
        try:
            yield made
        finally:
            made.stop("immediate")


def find_programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, the newest version's, None if it is not installed."""
    found = shutil.which("initdb")
    # In PATH there may be links, beside which the rest of the programs is not.
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(_DEBIAN.glob("*/bin"), key=lambda folder: folder.parent.name.zfill(4), reverse=True)
    return next((f for f in folders if all((f / name).exists() for name in ("initdb", "pg_ctl", "postgres"))), None)


def _servant() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    for name in _SERVANTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None
