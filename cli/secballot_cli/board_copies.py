"""`secballot board mirror`: copies of a log, for readers and for whoever may have to take it over.

Source: SPEC.md#published-log, SPEC.md#evidence.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import click

from secballot.errors import InconsistentLogError, PolicyError, StoreError, TransportError
from secballot.roles.mirroring import Mirror
from secballot.roles.remote import open_source
from secballot.roles.watching import find_manifest
from secballot.store.archive import write_archive
from secballot.store.board import BoardStore
from secballot.store.folder import write_folder
from secballot.store.naming import is_url
from secballot_cli.error_words import error_words
from secballot_cli.main import ExitCode
from secballot_cli.messages import _, plural
from secballot_cli.proxies import proxy_option
from secballot_cli.reading import sitting_option, verified_copy, write_new
from secballot_cli.render import showing_progress
from secballot_cli.telling import Told, tell

_TROUBLE: Final = (StoreError, TransportError, PolicyError)


@click.command()
@click.argument("where")
@click.argument("database", type=click.Path())
@sitting_option(required=True)
@click.option("--publish", "folder", type=click.Path(), metavar="DIR", help="Bring a folder of static files up, too.")
@click.option("--archive", type=click.Path(), metavar="FILE", help="Write the folder as one zip archive, too.")
@click.option("--evidence", type=click.Path(), metavar="FILE", help="Where evidence goes. [default: DATABASE.evidence]")
@click.option("--follow", is_flag=True, help="Go on until interrupted.")
@click.option("--interval", type=click.FloatRange(0.1, 3_600), default=5.0, show_default=True, help="With --follow, s.")
@proxy_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs, one line for each update.")
def mirror(
    where: str,
    database: str,
    *,
    sitting: bytes,
    folder: str | None,
    archive: str | None,
    evidence: str | None,
    follow: bool,
    interval: float,
    proxy: str | None,
    as_json: bool,
) -> int:
    """Copy the log at WHERE (URL, folder, archive or database) into DATABASE, once it is verified by replay.

    The first time makes the copy; after that it grows, as often as this is run, or as long with --follow. A log that
    does not continue the copy is not copied, and a board that has shown two views is convicted by the evidence written.
    A board's successor takes the log over from the copy.

    Exit codes: 0 the copy is up to date, 1 the log is not the one copied, or its board has shown two views, 3 it cannot
    be read, 5 no checkpoint satisfies the quorum of witnesses.
    """
    if archive is not None and folder is None:
        raise click.UsageError(_("an archive is made of the folder: give --publish too"))
    file = evidence or ("mirror.evidence" if is_url(database) else f"{database}.evidence")
    source = open_source(where, proxy)
    manifest = find_manifest(source, sitting)
    with BoardStore.open_or_create(database, manifest.log.origin) as store:
        mirror = Mirror(store, source, sitting, memory=verified_copy("mirror", database, sitting))
        copying = _Copying(mirror, file, folder, archive, as_json=as_json)
        if not follow:
            return copying.once()
        while True:
            try:
                copying.once()
            except _TROUBLE as trouble:
                click.echo(_("not now: {trouble}").format(trouble=error_words(trouble)), err=True)
            time.sleep(interval)


class _Copying:
    """One mirror, its evidence file and the static files that it keeps up."""

    def __init__(
        self, mirror: Mirror, evidence: str, folder: str | None, archive: str | None, *, as_json: bool
    ) -> None:
        self._mirror = mirror
        self._evidence, self._folder, self._archive = evidence, folder, archive
        self._as_json = as_json
        self._told: tuple[int, bool] | None = None

    def once(self) -> int:
        """Bring everything up to date, say so if anything has changed, and return the exit code."""
        try:
            with showing_progress(_("mirroring")) as self._mirror.view.progress:
                size = self._mirror.update().checkpoint.tree_size
        except InconsistentLogError as error:
            if error.evidence.startswith(b"{"):
                self._keep(error.evidence)
            raise
        if self._mirror.evidence is not None:
            self._keep(self._mirror.evidence)
        if self._folder is not None:
            with showing_progress(_("publishing")) as progress:
                write_folder(self._mirror.store, self._folder, progress)
            if self._archive is not None:
                write_archive(self._folder, self._archive)
        convicted = self._mirror.evidence is not None
        if self._told != (size, convicted):
            self._told = size, convicted
            did = [plural("mirrored: {size} entry", "mirrored: {size} entries", size).format(size=size)]
            if convicted:
                words = _("The board has signed another view of this log; evidence: {path}")
                did.append(words.format(path=self._evidence))
            facts: dict[str, object] = {"evidence": self._evidence if convicted else None, "size": size}
            tell(Told(did, facts=facts), as_json=self._as_json)
        return ExitCode.FAILED if convicted else ExitCode.PASSED

    def _keep(self, evidence: bytes) -> None:
        """Write the evidence, unless some of an earlier run is there: one file is enough to convince anybody."""
        if not Path(self._evidence).exists():
            write_new(self._evidence, evidence)
            click.echo(_("evidence written: {path}").format(path=self._evidence), err=True)
