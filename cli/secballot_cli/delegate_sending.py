"""`secballot delegate submit`, and how every cast ballot is sent: until a witnessed receipt is there.

Source: SPEC.md#promise, SPEC.md#receipts.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from secballot.encoding import MAX_ENTRY_BYTES
from secballot.errors import RefusalError
from secballot.records.promise import PROMISE
from secballot.roles.receipt import RECEIPT
from secballot.roles.remote import KeptError
from secballot.roles.submission import BrokenPromiseError, Waiting, ballot_in
from secballot.roles.submission import submit as submit_ballot
from secballot.roles.wallet_state import MAX_PROMISES
from secballot.store.folder import read_file
from secballot_cli.delegate_asking import say
from secballot_cli.delegate_device import (
    get_ready,
    keep_evidence,
    remember_view,
    rotations,
    wallet_option,
    wallet_path,
)
from secballot_cli.home import party_options, write_private
from secballot_cli.main import ExitCode
from secballot_cli.messages import _
from secballot_cli.proxies import chosen_proxy
from secballot_cli.reading import first_view, read_as
from secballot_cli.telling import Told, tell
from secballot_cli.trackers import short_tracker, tracker_lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from secballot.records.promise import Promise
    from secballot.roles.receipt import Receipt
    from secballot.roles.wallet_state import CastWork
    from secballot_cli.delegate_device import Ready
    from secballot_cli.home import Given

_WAIT: Final = 180.0
_ONE_DAY: Final = 86_400.0


def wait_option(command: Callable[..., int]) -> Callable[..., int]:
    """Add the option that says how long to wait for the witnesses."""
    return click.option(
        "--wait",
        type=click.FloatRange(0, _ONE_DAY),
        default=_WAIT,
        show_default=True,
        metavar="SECONDS",
        help="How long to send the ballot and wait for its witnessed receipt.",
    )(command)


@click.command()
@click.argument("file", type=click.Path(), required=False)
@wait_option
@wallet_option
@party_options
def submit(given: Given, *, file: str | None, wait: float, wallet: str | None) -> int:
    """Send ballots that were cast until they are witnessed: those of the wallet, or the one in a FILE.

    A FILE needs no wallet and no secret: give --board and --sitting. Promise and receipt are written beside it, to be
    carried back: secballot delegate collect.
    """
    if file is not None:
        return _submit_file(given, Path(file), wait)
    ready = get_ready(given, wallet)
    before = {work.tracker for work in ready.device.wallet.state().cast if work.unsent}
    ready.device.settle()
    works = [work for work in ready.device.wallet.state().cast if work.tracker in before]
    lost = next((work.given_up for work in works if work.given_up), "")
    if lost:
        raise RefusalError(lost)
    if not works:
        words = _("Every ballot of yours has arrived, or can no longer count.")
        tell(Told(did=[words], facts={"receipts": []}), as_json=given.as_json)
        return ExitCode.PASSED
    told = Told(did=[], next=["secballot delegate watch"], who=_("you, after the closing"))
    receipts = []
    for work in works:
        receipts.append(work.the_receipt() or deliver(ready, work, wait, wallet_path(given, wallet)))
        told.did += arrived_lines(receipts[-1], work)
    told.facts = {"receipts": [receipt_facts(receipt) for receipt in receipts]}
    tell(told, as_json=given.as_json)
    return ExitCode.PASSED


def _submit_file(given: Given, file: Path, wait: float) -> int:
    what = _("a ballot that was cast")
    entry, ballot = read_as(file, MAX_ENTRY_BYTES, lambda data: (data, ballot_in(data)), what)
    if given.sitting is None or not given.boards:
        raise click.UsageError(_("a file is sent without a wallet: give --board and --sitting"))
    proxy = chosen_proxy(given.proxy, None)
    view = first_view(given.boards, given.sitting, proxy)
    places = rotations(given.boards, view.state.the_manifest(), given.sitting, proxy)
    if not places:
        raise click.UsageError(_("to send a ballot, give the URL of a board or drop box with --board"))

    # What was promised and not kept so far would only be promised again: another place comes first.
    later = 1 if file.with_name(f"{file.name}.promise").exists() else 0
    places = [*places[later:], *places[:later]]
    try:
        receipt = submit_ballot(
            entry, view, places, keep=lambda promise: keep_promise(file, promise), waiting=Waiting(patience=wait)
        )
    except BrokenPromiseError as broken:
        keep_evidence(broken.evidence, file)
        raise
    target = file.with_name(f"{file.name}.receipt")
    write_private(target, RECEIPT.encode(receipt))
    told = Told(
        did=[
            _("The ballot is on the board, under a root that witnesses signed. Its tracker:"),
            *tracker_lines(ballot.tracker(), qr=False),
            _("Receipt: {path}").format(path=target),
        ],
        next=[
            _("carry the receipt back to the wallet: {command}").format(command=f"secballot delegate collect {target}")
        ],
        who=_("you"),
        facts={**receipt_facts(receipt), "receipt": str(target)},
    )
    tell(told, as_json=given.as_json)
    return ExitCode.PASSED


def keep_promise(file: Path, promise: Promise) -> None:
    """Write a promise beside the file of its ballot, and none over another: each may be evidence.

    Raises:
        StoreError: a file cannot be read or written.
    """
    data = PROMISE.encode(promise)
    for number in range(1, MAX_PROMISES + 1):
        path = file.with_name(f"{file.name}.promise" + (f"-{number}" if number > 1 else ""))
        if not path.exists():
            write_private(path, data)
            return
        if read_file(path, PROMISE.max_bytes) == data:
            return


def deliver(ready: Ready, work: CastWork, wait: float, path: Path) -> Receipt:
    """Send a cast ballot until its witnessed receipt is there, and say what to do if it does not come.

    Raises:
        BrokenPromiseError: the board has broken its promise; evidence is written beside the wallet.
        KeptError: it is under way; the wallet keeps it.
        RefusalError, TransportError, StoreError, PolicyError, VerificationError: as `VotingDevice.deliver`.
    """
    try:
        receipt = ready.device.deliver(work, Waiting(patience=wait))
        remember_view(ready.device.wallet, ready.device.view, path)
    except BrokenPromiseError as broken:
        keep_evidence(broken.evidence, path)
        say(_("The ballot is kept, and so is the promise: watch objects once the poll is closed."))
        raise
    except KeptError:
        say(_("Your ballot is kept, here too. Go on with: {command}").format(command="secballot delegate submit"))
        raise
    return receipt


def arrived_lines(receipt: Receipt, work: CastWork | None) -> list[str]:
    """Return what to say of a ballot that has arrived."""
    number = 1 if work is None else work.sequence + 1
    return [
        _(
            "Your ballot of poll {poll} is on the board, under a root that witnesses signed. It is your number {number}"
            " in this poll."
        ).format(poll=receipt.poll, number=number),
        *tracker_lines(receipt.tracker, qr=False),
    ]


def receipt_facts(receipt: Receipt) -> dict[str, object]:
    """Return what programs are told of a receipt."""
    return {
        "index": receipt.index,
        "poll": receipt.poll,
        "short": short_tracker(receipt.tracker),
        "tracker": receipt.tracker.hex(),
    }
