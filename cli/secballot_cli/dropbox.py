"""`secballot dropbox`: keep entries for boards that are down, or that turn people away.

Source: SPEC.md#promise.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from secballot.encoding import MAX_ENTRY_BYTES
from secballot.errors import PolicyError, RefusalError
from secballot.net.limits import ServiceLimits
from secballot.records.manifest import MANIFEST
from secballot.records.promise import PROMISE
from secballot.roles.comparing import PromiseState, Shown, judge_promise
from secballot.roles.evidence import encode_evidence
from secballot.roles.posting import open_places
from secballot.roles.remote import open_source
from secballot.roles.view import WitnessedView
from secballot.store.claim import claimed
from secballot.store.dropbox import DropStore
from secballot_cli.main import ExitCode
from secballot_cli.messages import _
from secballot_cli.proxies import proxy_option
from secballot_cli.reading import read_as, sitting_option, watch, watching_options, write_new
from secballot_cli.render import grouped
from secballot_cli.serving import listening_options, run_app, server_part
from secballot_cli.telling import Told, json_option, tell

if TYPE_CHECKING:
    from secballot.board.reader import LogSource

_PATIENCE = 10.0
"""Seconds that a board has for an answer, before another entry is offered to another one."""


@click.group()
def dropbox() -> None:
    """Run a drop box: it keeps entries, and forwards them until a board promises their place."""


@dropbox.command()
@click.argument("database", type=click.Path())
@click.argument("manifest", type=click.Path())
@json_option
def create(database: str, manifest: str, *, as_json: bool) -> int:
    """Make the DATABASE of a new drop box for the sitting of a MANIFEST (canonical JSON), and print its id."""
    data, _body = read_as(manifest, MAX_ENTRY_BYTES, lambda data: (data, MANIFEST.decode(data)), _("a manifest"))
    with DropStore.create(database, data) as store:
        sitting = store.sitting_id
    told = Told(
        [grouped(sitting.hex())],
        [f"secballot dropbox serve {database} --sitting {sitting.hex()} --board URL"],
        facts={"sitting_id": sitting.hex()},
    )
    tell(told, as_json=as_json)
    return ExitCode.PASSED


@dropbox.command()
@click.argument("database", type=click.Path())
@sitting_option(required=True)
@click.option("--board", "boards", multiple=True, required=True, metavar="URL", help="Where entries are forwarded to.")
@click.option("--log", metavar="WHERE", help="Where the log is replayed, to refuse at the door what is no voter's.")
@click.option("--entries", type=click.IntRange(1), default=200_000, show_default=True, help="Most that are held.")
@click.option("--megabytes", type=click.IntRange(1), default=2_000, show_default=True, help="Most bytes of them.")
@click.option("--rate", type=click.FloatRange(0.1), default=50.0, show_default=True, help="Submissions a second.")
@click.option("--interval", type=click.FloatRange(0.01, 60), default=0.2, show_default=True, help="Of forwarding, s.")
@proxy_option
@listening_options
def serve(
    database: str,
    *,
    sitting: bytes,
    boards: tuple[str, ...],
    log: str | None,
    entries: int,
    megabytes: int,
    rate: float,
    interval: float,
    proxy: str | None,
    host: str,
    port: int,
    as_json: bool,
) -> int:
    """Take entries, keep them durably, and forward them to the boards until one promises their place.

    With --log, which is best a mirror of your own, ballots that can never be admitted are refused, and what is neither
    an official's nor a voter's finds less room. Give the successors' URLs too, as soon as they are known: when the log
    is handed over, everything is offered to them. DATABASE is an SQLite file, or a URL such as
    postgresql+psycopg://?service=box, without a password. TLS is for a proxy in front of it. Neither entries nor
    addresses are logged.
    """
    server = server_part("secballot.net.dropbox_server").DropBoxServer
    box = server_part("secballot.roles.dropbox").DropBox
    with claimed(database), DropStore.open(database) as store:
        _check_sitting(store, sitting)
        places = open_places(boards, MANIFEST.decode(store.manifest), sitting, proxy=proxy, patience=_PATIENCE)
        logs: list[LogSource] = [open_source(board, proxy) for board in boards]
        view = None if log is None else WitnessedView(open_source(log, proxy), sitting)
        made = box(store, places, logs, entries=entries, size=megabytes * 1_000_000, view=view)
        try:
            app = server(made, ServiceLimits(rate=rate, burst=4 * rate), interval=interval).app
            run_app(app, host, port, {"boards": list(boards), "sitting": sitting.hex()}, as_json=as_json)
        finally:
            made.close()
    return ExitCode.PASSED


@dropbox.command()
@click.argument("database", type=click.Path())
@json_option
def status(database: str, *, as_json: bool) -> int:
    """Say how much the drop box in DATABASE holds, and how much of it is promised a place; also while it runs."""
    with DropStore.open(database) as store:
        counts, kinds = store.counts(), Counter(held.kind for held in store.entries())
    did = [
        _("held: entries {entries}, bytes {bytes}").format(entries=counts["entries"], bytes=counts["bytes"]),
        *(f"  {kind}: {number}" for kind, number in sorted(kinds.items())),
        _("promised a place: {count}").format(count=counts["promised"]),
        _("refused by every board, and still offered: {count}").format(count=counts["refused"]),
    ]
    tell(Told(did, facts={**counts, "kinds": dict(sorted(kinds.items()))}), as_json=as_json)
    return ExitCode.PASSED


@dropbox.command()
@click.argument("database", type=click.Path())
@click.argument("out", type=click.Path())
@click.option("--board", metavar="WHERE", required=True, help="Folder, zip archive, database or URL of the log.")
@sitting_option(required=True)
@watching_options
@json_option
def check(
    database: str,
    out: str,
    *,
    board: str,
    sitting: bytes,
    mirror: tuple[str, ...],
    state: str | None,
    evidence: str | None,
    proxy: str | None,
    as_json: bool,
) -> int:
    """Compare every promise in the drop box with the log, and write evidence of broken ones into the folder OUT.

    Exit codes: 0 no promise is broken, 1 some are, and the evidence is written, or the log is not the one seen before,
    3 the log cannot be read, 5 no checkpoint satisfies the quorum of witnesses.
    """
    source, folder = open_source(board, proxy), Path(out)
    states: Counter[str] = Counter()
    written: list[str] = []
    with DropStore.open(database) as store:
        _check_sitting(store, sitting)
        manifest = MANIFEST.decode(store.manifest)
        shown = Shown.of_source(manifest, source)
        seen = shown.witnessed(manifest)
        if seen is None:
            raise PolicyError(_("no checkpoint at hand satisfies the witness quorum"), check="LOG-01")
        watch(manifest, seen, shown.history, mirrors=mirror, state=state, evidence=evidence, proxy=proxy)
        for held in store.entries():
            for promise in map(PROMISE.decode, store.promises(held.leaf)):
                judged = judge_promise(manifest, promise, shown)
                states[judged.state.value] += 1
                if judged.evidence is not None:
                    folder.mkdir(parents=True, exist_ok=True)
                    path = folder / f"{held.number}-{promise.index}.evidence"
                    if not path.exists():
                        write_new(path, encode_evidence(judged.evidence))
                    written.append(str(path))
    counts = {state.value: states[state.value] for state in PromiseState}
    did = [f"{state}: {number}" for state, number in counts.items()]
    did += [_("Evidence written: {path}").format(path=path) for path in written]
    tell(Told(did, facts={"promises": counts, "written": written}), as_json=as_json)
    return ExitCode.FAILED if written else ExitCode.PASSED


def _check_sitting(store: DropStore, sitting: bytes) -> None:
    if store.sitting_id != sitting:
        raise RefusalError(_("this drop box is another sitting's"))
