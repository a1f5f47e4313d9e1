"""`secballot delegate check`, `check-opened`, `collect`: is my vote there, is it mine, was the device honest?

Source: SPEC.md#receipts, SPEC.md#sealing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from secballot.encoding import MAX_ENTRY_BYTES
from secballot.errors import EncodingError, RefusalError, SecballotError
from secballot.protocol.opened import OpenedBallot, check_opened_by_short
from secballot.protocol.short_tracker import read_short_tracker
from secballot.records.ballot import Ballot
from secballot.records.entry import decode_entry
from secballot.records.promise import PROMISE
from secballot.roles.choosing import questions
from secballot.roles.receipt import RECEIPT, check_receipt, make_receipt
from secballot_cli.delegate_asking import say, show_choices
from secballot_cli.delegate_device import (
    get_ready,
    open_wallet,
    wallet_option,
)
from secballot_cli.error_words import error_words
from secballot_cli.home import party_options
from secballot_cli.main import ExitCode
from secballot_cli.messages import _, plural
from secballot_cli.proxies import chosen_proxy
from secballot_cli.reading import first_view, read_as, write_new
from secballot_cli.render import grouped
from secballot_cli.telling import Told, tell
from secballot_cli.trackers import short_tracker, tracker_lines

if TYPE_CHECKING:
    from secballot.roles.receipt import Receipt, ReceiptFinding
    from secballot.roles.view import WitnessedView
    from secballot_cli.delegate_device import Ready
    from secballot_cli.home import Given


@click.command()
@click.argument("tracker", required=False)
@click.option("--no-wallet", is_flag=True, help="Look on the board only, with the tracker; on any machine.")
@click.option("--tag", metavar="DIGITS", help="The ten digits of the ballot; asked for if not given.")
@click.option("--save", type=click.Path(), metavar="DIR", help="Write the receipts into this folder, too.")
@click.option("--qr", is_flag=True, help="Draw the tracker as a QR code, too.")
@wallet_option
@party_options
def check(
    given: Given,
    *,
    tracker: str | None,
    no_wallet: bool,
    tag: str | None,
    save: str | None,
    qr: bool,
    wallet: str | None,
) -> int:
    """Check that your ballot is on the board, is your last one, and is counted; with the tag that you remember.

    TRACKER is what you noted, in any spelling: case, spaces, O and 0 do not matter. Without it, the newest ballot of
    every poll in the wallet is checked.

    Exit codes: 0 every ballot is the last one and stands as it should, 1 a receipt is false, 3 it could not be checked,
    5 it is not your ballot, or does not count.
    """
    short = None if tracker is None else read_short_tracker(tracker)
    if no_wallet:
        if short is None or given.sitting is None or not given.boards:
            raise click.UsageError(_("without a wallet, give the tracker, --board and --sitting"))
        ready, view = None, first_view(given.boards, given.sitting, chosen_proxy(given.proxy, None))
        receipts = [(0, _receipt_on(view, short))]
    else:
        ready = get_ready(given, wallet, offline=True)
        ready.device.settle()
        view = ready.device.view
        receipts = _receipts(ready, short)
    told = Told(did=[], next=[_("after the closing: {command}").format(command="secballot delegate watch")])
    told.who = _("you, after the closing")
    facts, failures = [], []
    for sequence, receipt in receipts:
        own = "".join(tag.split()) if tag is not None else _ask_tag(receipt)
        try:
            finding = check_receipt(receipt, view, own)
        except SecballotError as error:
            failures.append(error)
            told.did.append(_trouble(receipt, error))
            continue
        if ready is not None and ready.device.wallet.state().cast_with(receipt.tracker) is None:
            # Whoever knows the tag has cast it, on another device.
            ready.device.wallet.keep_receipt(receipt, sequence=sequence)
        told.did += [*_found(receipt, finding), *(tracker_lines(receipt.tracker, qr=True) if qr else [])]
        facts.append(_facts(receipt, finding))
        if save is not None:
            told.did.append(_("Receipt: {path}").format(path=_saved(receipt, Path(save))))
    if facts:
        told.facts = {"ballots": facts, "failed": len(failures)}
        tell(told, as_json=given.as_json)
    if failures:
        raise failures[0]
    return ExitCode.PASSED


@click.command("check-opened")
@click.argument("file", type=click.Path())
@click.argument("tracker")
@party_options
def check_opened(given: Given, *, file: str, tracker: str) -> int:
    """Check, on a device of your own that did not seal it, an opened ballot FILE against the TRACKER noted before.

    It takes no wallet. What the ballot says is printed, to be compared with what was chosen on the other device.

    Exit codes: 0 the ballot is the one of the tracker, 1 the sealing device is broken or lies, 3 it cannot be checked.
    """
    short = read_short_tracker(tracker)
    opened = read_as(file, MAX_ENTRY_BYTES, OpenedBallot.decode, _("an opened ballot"))
    if given.sitting is None or not given.boards:
        raise click.UsageError(_("give --board and --sitting: the texts are read from the board"))
    view = first_view(given.boards, given.sitting, chosen_proxy(given.proxy, None))
    poll = view.state.by_ctx.get(opened.ctx)
    if poll is None:
        raise RefusalError(_("the opened ballot is of no poll of this sitting"))
    check_opened_by_short(poll.context, opened, short)
    say(_("It says:"))
    show_choices(questions(view, poll, opened.class_index), opened.choices)
    told = Told(
        did=[
            _("The opened ballot is the one whose tracker was shown, and it says what is printed above."),
            _("If that is what was chosen, the other device was honest this time."),
        ],
        next=[_("destroy the file: it names the credential")],
        who=_("you"),
        facts={"choices": [list(values) for values in opened.choices], "poll": poll.number, "tag": opened.tag},
    )
    tell(told, as_json=given.as_json)
    return ExitCode.PASSED


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path())
@wallet_option
@party_options
def collect(given: Given, *, files: tuple[str, ...], wallet: str | None) -> int:
    """Take receipts and promises that another machine has brought home into the wallet.

    A receipt of a ballot of this wallet ends its sending. Each is checked again by check and watch.
    """
    box = open_wallet(given, wallet)
    lines = []
    for file in files:
        try:
            receipt = read_as(file, RECEIPT.max_bytes, RECEIPT.decode, "")
        except EncodingError:
            promise = read_as(file, RECEIPT.max_bytes, PROMISE.decode, _("a receipt or a promise"))
            work = next((w for w in box.state().cast if w.entry and w.leaf() == promise.leaf_hash), None)
            if work is None:
                raise RefusalError(_("the promise is of no ballot that this wallet still sends")) from None
            box.keep_promise(work.tracker, promise)
            lines.append(_("Kept the promise of ballot {tracker}.").format(tracker=short_tracker(work.tracker)))
            continue
        work = box.state().cast_with(receipt.tracker)
        if work is None or receipt.sitting_id != box.state().sitting_id:
            raise RefusalError(_("the receipt is of no ballot that this wallet has cast"))
        box.keep_receipt(receipt, sequence=work.sequence)
        lines.append(_("Kept the receipt of ballot {tracker}.").format(tracker=short_tracker(receipt.tracker)))
    tell(Told(did=lines, next=["secballot delegate check"], who=_("you")), as_json=given.as_json)
    return ExitCode.PASSED


def _ask_tag(receipt: Receipt) -> str:
    question = _("Poll {poll}, ballot {tracker}: its tag, ten digits").format(
        poll=receipt.poll, tracker=short_tracker(receipt.tracker)
    )
    typed: str = click.prompt(question, err=True)
    return "".join(typed.split())


def _trouble(receipt: Receipt, error: SecballotError) -> str:
    return _("Poll {poll}, ballot {tracker}: {trouble}").format(
        poll=receipt.poll, tracker=short_tracker(receipt.tracker), trouble=error_words(error)
    )


def _saved(receipt: Receipt, folder: Path) -> Path:
    """Write a receipt under its tracker's name, for `secballot receipt check` and `pack`."""
    path = folder / f"{short_tracker(receipt.tracker)}.receipt"
    if not path.exists():
        write_new(path, RECEIPT.encode(receipt))
    return path


def _receipts(ready: Ready, short: str | None) -> list[tuple[int, Receipt]]:
    """Return sequence and receipt of one ballot, or of the newest one of every poll, whoever has cast it."""
    cast = ready.device.wallet.state().cast
    receipts = [(work.sequence, receipt) for work in cast if (receipt := work.the_receipt()) is not None]
    receipts += ready.device.unknown_receipts()
    if short is not None:
        chosen = [(sequence, receipt) for sequence, receipt in receipts if short_tracker(receipt.tracker) == short]
        if not chosen:
            raise RefusalError(_("no ballot of yours with this tracker is on the board; is it mistyped?"))
        return chosen[:1]
    if not receipts:
        raise RefusalError(_("no ballot of yours is on the board"))
    newest: dict[int, tuple[int, Receipt]] = {}
    for sequence, receipt in sorted(receipts, key=lambda pair: pair[0]):
        newest[receipt.poll] = (sequence, receipt)
    return [newest[poll] for poll in sorted(newest)]


def _receipt_on(view: WitnessedView, short: str) -> Receipt:
    """Return the receipt of the ballot with this short tracker on the log."""
    for judgement in view.judgements:
        if judgement.kind == "ballot" and judgement.outcome.stands:
            body = decode_entry(view.entry(judgement.index)).body
            if isinstance(body, Ballot) and short_tracker(body.tracker()) == short:
                return make_receipt(view, view.state.by_ctx[body.ctx], judgement.index)
    raise RefusalError(_("no accepted ballot with this tracker is on the board; is it mistyped?"))


def _found(receipt: Receipt, finding: ReceiptFinding) -> list[str]:
    counted = _("it is counted") if finding.counted else _("it is not counted so far")
    return [
        _(
            "Poll {poll}, ballot {tracker}, with your tag: number {number} of {of} from its credential; {counted}."
        ).format(
            poll=receipt.poll,
            tracker=short_tracker(receipt.tracker),
            number=finding.number,
            of=finding.of,
            counted=counted,
        ),
        plural(
            "The log had {size} entry then, with the root",
            "The log had {size} entries then, with the root",
            finding.tree_size,
        ).format(size=finding.tree_size),
        "  " + grouped(finding.root.hex()),
        _("Witnesses that signed it: {names}").format(names=", ".join(finding.witnesses)),
    ]


def _facts(receipt: Receipt, finding: ReceiptFinding) -> dict[str, object]:
    return {
        "counted": finding.counted,
        "number": finding.number,
        "of": finding.of,
        "poll": receipt.poll,
        "root": finding.root.hex(),
        "status": finding.status,
        "tracker": receipt.tracker.hex(),
        "tree_size": finding.tree_size,
        "witnesses": list(finding.witnesses),
    }
