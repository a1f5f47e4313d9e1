"""`secballot board takeover` and `pending`: the log of a board that is seized or gone, in its successor's hands.

Source: SPEC.md#handover.
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import click

from secballot.errors import RefusalError
from secballot.roles.remote import open_client, open_source
from secballot.roles.succession import take_over
from secballot.roles.watching import find_manifest, newest_witnessed
from secballot.store.board import BoardStore
from secballot.store.keyfile import read_public_key
from secballot.store.source import DatabaseSource
from secballot_cli.main import ExitCode
from secballot_cli.messages import _, plural
from secballot_cli.proxies import proxy_option
from secballot_cli.reading import sitting_option, write_new
from secballot_cli.render import grouped
from secballot_cli.serving import server_part
from secballot_cli.telling import Told, json_option, tell

if TYPE_CHECKING:
    from collections.abc import Callable

    from secballot.records.manifest import Manifest
    from secballot.roles.succession import TakenOver


@click.command()
@click.argument("where")
@click.argument("database", type=click.Path())
@sitting_option(required=True)
@click.option("--log-key", type=click.Path(), required=True, metavar="FILE", help="Key file of the successor.")
@click.option("--promise-key", type=click.Path(), required=True, metavar="FILE", help="Key file of the successor.")
@click.option(
    "--witness", "witnesses", multiple=True, metavar="NAME=URL", help="A witness to ask for what it cosigned."
)
@proxy_option
@json_option
def takeover(
    where: str,
    database: str,
    *,
    sitting: bytes,
    log_key: str,
    promise_key: str,
    witnesses: tuple[str, ...],
    proxy: str | None,
    as_json: bool,
) -> int:
    """Take the log over from a mirror at WHERE (folder, archive, database or URL) into the successor's DATABASE.

    Every entry is verified by replay, up to the newest checkpoint under the quorum of witnesses. Ask as many witnesses
    as can be reached: entries that they have cosigned and that are not here are needed, from whichever mirror has them.
    May be repeated until the handover has begun. Then the successor serves DATABASE, presidium and trustees sign
    `handover` at the size printed, and the witnesses take up its key.

    Exit codes: 0 the log is there and waits for its handover, 1 it is not the log that the database holds, 3 it cannot
    be read, 5 entries that a witness has cosigned are missing, or the keys are not the next successor's.
    """
    source = open_source(where, proxy)
    manifest = find_manifest(source, sitting)
    keys = read_public_key(log_key), read_public_key(promise_key)
    with ExitStack() as opened:
        newest = dict(_newest(text, manifest, proxy, opened) for text in witnesses)
        store = opened.enter_context(BoardStore.open_or_create(database, manifest.log.origin))
        taken = take_over(store, source, sitting, keys, newest)
    tell(_told(taken, manifest, database, sitting), as_json=as_json)
    return ExitCode.PASSED


@click.command()
@click.argument("database", type=click.Path())
@click.argument("out", type=click.Path())
@json_option
def pending(database: str, out: str, *, as_json: bool) -> int:
    """Write the entries that no witnessed checkpoint covers yet into the new file OUT, one a line.

    After a handover the witnesses need them: `secballot witness takeup --handover OUT`.
    """
    with BoardStore.open(database) as store:
        source = DatabaseSource(store)
        seen = newest_witnessed(find_manifest(source), source)
        first, size = 0 if seen is None else seen.checkpoint.tree_size, store.size()
        if first == size:
            raise RefusalError(_("every entry is covered by a witnessed checkpoint"))
        # Canonical JSON holds no line feed, so that lines are entries.
        write_new(out, b"".join(entry + b"\n" for entry in store.entries(first, size)))
    facts: dict[str, object] = {"first": first, "size": size, "written": out}
    words = _("Written: entries {first} to {last}, in {path}")
    tell(Told([words.format(first=first, last=size - 1, path=out)], facts=facts), as_json=as_json)
    return ExitCode.PASSED


def _newest(
    text: str, manifest: Manifest, proxy: str | None, opened: ExitStack
) -> tuple[str, Callable[[], bytes | None]]:
    name, equals, url = text.partition("=")
    if not equals:
        raise click.BadParameter(_("a witness is given as NAME=URL"), param_hint="--witness")
    if name not in {witness.name for witness in manifest.witnesses.witnesses}:
        raise click.BadParameter(_("the manifest names no witness {name}").format(name=name), param_hint="--witness")
    latest = server_part("secballot.net.witness_client").latest_cosigned
    client = open_client(url, proxy)
    opened.callback(client.close)
    return name, partial(latest, client, manifest.log.origin)


def _told(taken: TakenOver, manifest: Manifest, database: str, sitting: bytes) -> Told:
    size, root = taken.checkpoint.checkpoint.tree_size, taken.checkpoint.checkpoint.root
    words = _("Taken over: {size} entries, for successor {number}. Their root:")
    did = [words.format(size=size, number=taken.successor), f"  {grouped(root.hex())}"]
    if taken.silent:
        did.append(_("Witnesses that did not answer: {names}").format(names=", ".join(taken.silent)))
    unknown = len(manifest.witnesses.witnesses) - len(taken.asked)
    if unknown >= manifest.witnesses.quorum:
        did.append(
            plural(
                "{count} witness was not heard, enough to have cosigned a larger log: ask it, or compare other mirrors,"
                " before anybody signs.",
                "{count} witnesses were not heard, enough to have cosigned a larger log together: ask more of them, or"
                " compare other mirrors, before anybody signs.",
                unknown,
            ).format(count=unknown)
        )
    steps = [
        f"secballot board serve {database} --sitting {sitting.hex()} --log-key … --promise-key … --witness …",
        _("presidium ({count}): {command}").format(
            count=manifest.presidium.threshold, command="secballot officer handover --board URL"
        ),
        _("trustees ({count}): {command}").format(
            count=manifest.trustees.threshold, command="secballot trustee handover --board URL"
        ),
        f"secballot board pending {database} HANDOVER",
        _("witnesses: {command}").format(
            command=f"secballot witness takeup … --sitting {sitting.hex()} --board URL --handover HANDOVER"
        ),
    ]
    facts: dict[str, object] = {
        "asked": list(taken.asked),
        "root": root.hex(),
        "silent": list(taken.silent),
        "size": size,
        "successor": taken.successor,
    }
    return Told(did, steps, facts=facts)
