"""`secballot evidence`: check what shows a fault of a board to strangers, and make it where a promise is broken.

Source: SPEC.md#evidence.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from secballot.board.checkpoint import Checkpoint
from secballot.board.note import MAX_NOTE_SIZE, Note
from secballot.encoding import MAX_ENTRY_BYTES
from secballot.errors import EncodingError, InconsistentLogError, PolicyError, RefusalError, StoreError
from secballot.records.manifest import MANIFEST
from secballot.records.promise import PROMISE
from secballot.roles.comparing import PromiseState, Shown, compare_places, judge_promise
from secballot.roles.evidence import (
    MAX_EVIDENCE_BYTES,
    EvidenceFinding,
    check_evidence,
    decode_evidence,
    encode_evidence,
)
from secballot.roles.remote import open_source
from secballot.roles.watching import find_manifest
from secballot.store.folder import read_file
from secballot.store.remembered import CheckpointMemory, default_folder
from secballot_cli.main import ExitCode
from secballot_cli.messages import _
from secballot_cli.proxies import proxy_option
from secballot_cli.reading import read_as, read_input, sitting_option, watch, write_new
from secballot_cli.render import grouped, plain
from secballot_cli.telling import Told, json_option, tell

if TYPE_CHECKING:
    from secballot.board.reader import LogSource
    from secballot.records.manifest import Manifest
    from secballot.roles.evidence import Evidence

_state_option = click.option(
    "--state", type=click.Path(), metavar="DIR", help="Where the last checkpoint seen is remembered."
)


@click.group()
def evidence() -> None:
    """Check evidence against a board, or make it."""


@evidence.command()
@click.argument("file", type=click.Path())
@sitting_option(required=False)
@json_option
def check(file: str, *, sitting: bytes | None, as_json: bool) -> int:
    """Check that a FILE shows two views of a log, or a broken promise. Nothing else is needed to check it.

    Exit codes: 0 the evidence holds, 1 it does not, 3 the file cannot be read, 5 it is about another sitting.
    """
    finding = check_evidence(read_as(file, MAX_EVIDENCE_BYTES, decode_evidence, _("evidence")), sitting)
    tell(_told(finding, anchored=sitting is not None), as_json=as_json)
    return ExitCode.PASSED


@evidence.command()
@click.argument("file", type=click.Path(), metavar="PROMISE")
@click.argument("out", type=click.Path())
@click.option("--board", metavar="WHERE", required=True, help="Folder, zip archive, database or URL of the log.")
@sitting_option(required=True)
@_state_option
@proxy_option
@json_option
def promise(
    file: str, out: str, *, board: str, sitting: bytes, state: str | None, proxy: str | None, as_json: bool
) -> int:
    """Compare a promise with the log, and write evidence into the new file OUT if it is broken.

    Exit codes: 0 the promise is kept, or its place is not reached yet, 1 it is broken, or the log is not the one seen
    before, and the evidence is written, 5 the log was handed over before its place was filled: the entry has to be
    posted again; or no checkpoint satisfies the quorum of witnesses.
    """
    given = read_as(file, PROMISE.max_bytes, PROMISE.decode, _("a promise"))
    source = open_source(board, proxy)
    manifest = find_manifest(source, sitting)
    shown = Shown.of_source(manifest, source)
    judged = judge_promise(manifest, given, shown)
    if judged.evidence is not None:
        _write_and_tell(judged.evidence, sitting, out, as_json=as_json)
        return ExitCode.FAILED
    # That a promise is kept, only a log shows that is witnessed, and goes on from what was seen before.
    seen = shown.witnessed(manifest)
    if seen is None:
        raise PolicyError(_("no checkpoint at hand satisfies the witness quorum"), check="LOG-01")
    watch(manifest, seen, shown.history, mirrors=(), state=state, evidence=out, proxy=proxy)
    facts: dict[str, object] = {"index": given.index, "state": judged.state.value}
    tell(Told([_promise_words(judged.state)], facts=facts), as_json=as_json)
    return ExitCode.REFUSED if judged.state is PromiseState.VOID else ExitCode.PASSED


def _promise_words(state: PromiseState) -> str:
    return {
        PromiseState.KEPT: _("The promise is kept."),
        PromiseState.OPEN: _("The promise is open: the log has not come to its place."),
        PromiseState.VOID: _(
            "The promise is void: the log was handed over before its place was filled. Post it again."
        ),
    }[state]


@evidence.command()
@click.argument("places", nargs=-1, required=True, metavar="WHERE...")
@sitting_option(required=True)
@click.option("--out", type=click.Path(), metavar="FILE", help="Where evidence goes, if there is any: a new file.")
@click.option("--manifest", type=click.Path(), metavar="FILE", help="The sitting's, if no place has the log's entries.")
@_state_option
@proxy_option
@json_option
def compare(
    places: tuple[str, ...],
    *,
    sitting: bytes,
    out: str | None,
    manifest: str | None,
    state: str | None,
    proxy: str | None,
    as_json: bool,
) -> int:
    """Compare what several places, or several readers, were shown of one log.

    WHERE is a folder of a published log, a zip archive of it, the database of a board or mirror, a URL, or a file with
    a single checkpoint, such as readers remember in their state folder; what this reader has seen last is compared,
    too. A board that shows two views is found out.

    Exit codes: 0 all are views of one log, 1 they are not; if one operator has signed two views, the evidence is
    written, 3 a place cannot be read, or a checkpoint is of a size that no place has the entries for.
    """
    opened = [_place(place, proxy) for place in places]
    body = _manifest(opened, sitting, manifest)
    shown = [
        Shown.of_notes(body, [place]) if isinstance(place, bytes) else Shown.of_source(body, place) for place in opened
    ]
    empty = [name for name, place in zip(places, shown, strict=True) if not place.checkpoints]
    if empty:
        raise StoreError(_("no checkpoint of this sitting's log: {places}").format(places=", ".join(empty)))
    last = CheckpointMemory(state or default_folder(os.environ)).recall(body.log.origin)
    if last is not None:
        places, shown = (*places, _("(seen before)")), [*shown, Shown.of_notes(body, [last])]
    found = compare_places(body, shown)
    if found.evidence is not None:
        _write_and_tell(found.evidence, sitting, out, as_json=as_json)
        return ExitCode.FAILED
    if found.differs:
        raise InconsistentLogError(_("the places show two logs, each signed by another operator"), check="LOG-02")
    if found.apart:
        words = _("not compared, for want of entries: {places}")
        raise StoreError(words.format(places=", ".join(places[at] for at in found.apart)))
    _remember(body, shown, last, state)
    sizes = {name: place.checkpoints[-1].checkpoint.tree_size for name, place in zip(places, shown, strict=True)}
    did = [_("{name}: entries {size}").format(name=name, size=size) for name, size in sizes.items()]
    tell(Told([*did, _("All are views of one log.")], facts={"sizes": sizes}), as_json=as_json)
    return ExitCode.PASSED


def _remember(manifest: Manifest, shown: list[Shown], last: bytes | None, state: str | None) -> None:
    """Keep the newest witnessed checkpoint of all places, unless a larger one was seen before."""
    found = [(seen, place) for place in shown if (seen := place.witnessed(manifest)) is not None]
    before = 0 if last is None else Checkpoint.decode(Note.decode(last).text).tree_size
    newest = max(found, key=lambda pair: pair[0].checkpoint.tree_size, default=None)
    if newest is not None and newest[0].checkpoint.tree_size >= before:
        watch(manifest, newest[0], newest[1].history, mirrors=(), state=state, evidence=None, proxy=None)


def _place(where: str, proxy: str | None) -> LogSource | bytes:
    """Return a log, or the note in a file that is none.

    Raises:
        StoreError, TransportError: neither.
    """
    path = Path(where)
    if not where.startswith(("http://", "https://")) and path.is_file():
        with path.open("rb") as file:
            beginning = file.read(4)
        if not beginning.startswith((b"PK", b"SQLi")):
            return read_file(path, MAX_NOTE_SIZE)
    return open_source(where, proxy)


def _manifest(places: list[LogSource | bytes], sitting: bytes, file: str | None) -> Manifest:
    if file is not None:
        data = read_input(file, MAX_ENTRY_BYTES)
        if hashlib.sha256(data).digest() != sitting:
            raise RefusalError(_("the manifest is another sitting's"))
        return MANIFEST.decode(data)
    trouble: StoreError | EncodingError | None = None
    for place in places:
        if not isinstance(place, bytes):
            try:
                return find_manifest(place, sitting)
            except RefusalError:
                continue
            except (StoreError, EncodingError) as error:
                trouble = trouble or error
    if trouble is not None:
        raise trouble  # the place that cannot be read may be the one that has it
    raise RefusalError(_("no place holds this sitting's manifest: give --manifest"), check="SIT-01")


def _write_and_tell(found: Evidence, sitting: bytes, out: str | None, *, as_json: bool) -> None:
    finding = check_evidence(found, sitting)
    told = _told(finding, anchored=True)
    if out is not None:
        write_new(out, encode_evidence(found))
        told.did.append(_("Evidence written: {path}").format(path=out))
    told.facts["written"] = out
    tell(told, as_json=as_json)


def _told(finding: EvidenceFinding, *, anchored: bool) -> Told:
    who = (
        _("the log's first operator")
        if finding.operator == 1
        else _("successor {number}").format(number=finding.operator - 1)
    )
    did = [_("Sitting: {title}").format(title=plain(finding.title)), f"  {grouped(finding.sitting_id.hex())}"]
    if not anchored:
        did.append("  " + _("(taken from the file: compare it with the id that you know)"))
    if finding.index is None:
        words = _("The evidence holds: {who} signed two views of the log, of {one} and {other} entries.")
        did.append(words.format(who=who, one=finding.sizes[0], other=finding.sizes[1]))
        if finding.failing_witnesses:
            did.append(_("Witnesses that cosigned both: {names}").format(names=", ".join(finding.failing_witnesses)))
    else:
        words = _("The evidence holds: {who} promised index {index} to one entry, and gave it to another.")
        did.append(words.format(who=who, index=finding.index))
    facts: dict[str, object] = {
        "anchored": anchored,
        "failing_witnesses": list(finding.failing_witnesses),
        "index": finding.index,
        "kind": finding.kind,
        "operator": finding.operator,
        "sitting_id": finding.sitting_id.hex(),
        "sizes": list(finding.sizes),
    }
    return Told(did, facts=facts)
