"""`secballot delegate vote`, `cast`, `open`: a ballot from the questions to the decision.

Source: SPEC.md#sealing, SPEC.md#promise.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from secballot.errors import RefusalError
from secballot.protocol.casting import check_choices
from secballot.roles.choosing import MAX_CHOICES_BYTES, questions, read_choices
from secballot.roles.officer import poll_by_number
from secballot_cli.delegate_asking import ask_choices, ask_tag, ask_way, explain, say, show_choices, show_poll
from secballot_cli.delegate_device import (
    get_ready,
    wallet_option,
    wallet_path,
)
from secballot_cli.delegate_sending import arrived_lines, deliver, receipt_facts, wait_option
from secballot_cli.home import party_options, write_private
from secballot_cli.main import ExitCode
from secballot_cli.messages import _
from secballot_cli.reading import read_input, write_new
from secballot_cli.telling import Told, tell
from secballot_cli.trackers import short_tracker, tracker_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from secballot.roles.choosing import Question
    from secballot.roles.delegate import Choices
    from secballot_cli.delegate_device import Ready
    from secballot_cli.home import Given


def to_option(command: Callable[..., int]) -> Callable[..., int]:
    """Add the option of machines without a network."""
    return click.option(
        "--to",
        type=click.Path(),
        metavar="FILE",
        help="Write the finished ballot into this new file instead of sending it; any machine can submit it.",
    )(command)


qr_option = click.option("--qr", is_flag=True, help="Draw the tracker as a QR code, too.")


@click.command()
@click.argument("poll", type=click.IntRange(1), required=False)
@click.option("--choices", "file", type=click.Path(), metavar="FILE", help="TOML file that answers all questions.")
@click.option("--tag", metavar="DIGITS", help="Ten dice digits you made up for this ballot; public, and no PIN.")
@qr_option
@to_option
@wait_option
@wallet_option
@party_options
def vote(
    given: Given,
    *,
    poll: int | None,
    file: str | None,
    tag: str | None,
    qr: bool,
    to: str | None,
    wait: float,
    wallet: str | None,
) -> int:
    """Answer the questions of a POLL and seal a ballot; then cast it, or open it to test this device.

    Without a number it is the poll that is open. On a terminal you are asked everything, and in the end whether to cast
    or to open. With --choices and --tag, or without a terminal, the ballot stays sealed: go on with cast or open.
    """
    ready = get_ready(given, wallet, offline=to is not None)
    device = ready.device
    number = _the_poll(ready, poll)
    state = poll_by_number(device.view, number)
    device.next_place(number)
    if time.time() > state.closes_at:
        explain(_("By this machine's clock the poll's time is up: a ballot may come too late."))
    waiting = device.wallet.state().sealed_in(number)
    if waiting is not None:
        short = short_tracker(waiting.tracker)
        explain(
            _("A sealed ballot waits, {tracker}. If you seal another now, that one is dropped.").format(tracker=short)
        )
    asked = questions(device.view, state, device.delegate.credential(state).class_index)
    choices = _choices(ready, number, asked, file)
    if tag is None:
        chosen_tag = ask_tag(lambda typed: device.delegate.tag_is_known(number, typed))
    else:
        chosen_tag = "".join(tag.split())
    if tag is not None and device.delegate.tag_is_known(number, chosen_tag):
        raise RefusalError(_("a ballot on the board has this very tag already: make up another one"))
    work = device.seal(number, choices, chosen_tag)
    if (file is None or tag is None) and sys.stdin.isatty() and sys.stderr.isatty():
        say(_("Sealed. Its tracker; note it down before you go on:"))
        for line in tracker_lines(work.tracker, qr=qr):
            say(line)
        way = ask_way()
        if way == "cast":
            return _cast(ready, number, given, to=to, wait=wait, wallet=wallet)
        if way == "open":
            return _open(ready, number, given, None)
    tell(_sealed(number, work.tracker, qr=qr), as_json=given.as_json)
    return ExitCode.PASSED


@click.command()
@click.argument("poll", type=click.IntRange(1), required=False)
@to_option
@wait_option
@wallet_option
@party_options
def cast(given: Given, *, poll: int | None, to: str | None, wait: float, wallet: str | None) -> int:
    """Cast the sealed ballot of a POLL, and send it until a witnessed receipt is there.

    Exit codes: 0 the receipt is there, or the file is written, 3 it is not there yet: submit goes on, 5 refused.
    """
    ready = get_ready(given, wallet, offline=to is not None)
    return _cast(ready, _the_sealed(ready, poll, file=to is not None), given, to=to, wait=wait, wallet=wallet)


@click.command("open")
@click.argument("poll", type=click.IntRange(1), required=False)
@click.option("--out", type=click.Path(), metavar="FILE", help="Where the opened ballot goes: a new file.")
@wallet_option
@party_options
def open_ballot(given: Given, *, poll: int | None, out: str | None, wallet: str | None) -> int:
    """Open the sealed ballot of a POLL instead of casting it: a test of this device. It can then never be cast.

    Another device, one that this one does not control, recomputes it: secballot delegate check-opened.
    """
    ready = get_ready(given, wallet, offline=True)
    return _open(ready, _the_sealed(ready, poll, opened=True), given, out)


def _the_poll(ready: Ready, number: int | None) -> int:
    if number is not None:
        return number
    is_open = [poll.number for poll in ready.device.view.state.polls.values() if poll.status == "open"]
    if not is_open:
        raise RefusalError(_("no poll is open"))
    if len(is_open) > 1:
        words = _("several polls are open, name one: {polls}")
        raise RefusalError(words.format(polls=", ".join(map(str, sorted(is_open)))))
    return is_open[0]


def _the_sealed(ready: Ready, number: int | None, *, opened: bool = False, file: bool = False) -> int:
    if number is not None:
        return number
    state = ready.device.wallet.state()
    waiting = [work.poll for work in state.sealed]
    if not waiting and opened:
        waiting = [work.poll for work in state.opened[-1:]]
    elif not waiting and file:
        waiting = [work.poll for work in state.cast if work.unsent]
    if not waiting:
        raise RefusalError(_("no sealed ballot waits: secballot delegate vote"))
    if len(waiting) > 1:
        words = _("sealed ballots of several polls wait, name one: {polls}")
        raise RefusalError(words.format(polls=", ".join(map(str, sorted(waiting)))))
    return waiting[0]


def _choices(ready: Ready, number: int, asked: Sequence[Question], file: str | None) -> Choices:
    device = ready.device
    poll = poll_by_number(device.view, number)
    show_poll(poll, asked)
    if file is None:
        layout = poll.context.layout(device.delegate.credential(poll).class_index)
        defaults = [_some_choice(question) for question in asked]

        def check(at: int, values: tuple[int, ...]) -> None:
            check_choices(layout, tuple(values if at == other else some for other, some in enumerate(defaults)))

        return ask_choices(asked, check)
    text = read_input(file, MAX_CHOICES_BYTES).decode(errors="replace")
    choices = read_choices(text, asked)
    device.check(number, choices)
    say(_("The file says:"))
    show_choices(asked, choices)
    say(_("The file holds your vote: destroy it when you are done."))
    return choices


def _some_choice(question: Question) -> tuple[int, ...]:
    """Return an answer that keeps the contest's limits, so that another contest can be checked alone."""
    values, left = [], question.contest.sum_minimum
    for option in question.contest.options:
        values.append(min(option.maximum, left))
        left -= values[-1]
    return tuple(values)


def _sealed(number: int, tracker: bytes, *, qr: bool) -> Told:
    return Told(
        did=[
            _("Sealed a ballot of poll {number}; it is neither cast nor opened. Its tracker:").format(number=number),
            *tracker_lines(tracker, qr=qr),
        ],
        next=[
            _("to send it: {command}").format(command=f"secballot delegate cast {number}"),
            _("to test this device with it: {command}").format(command=f"secballot delegate open {number}"),
        ],
        who=_("you"),
        facts={"poll": number, "short": short_tracker(tracker), "tracker": tracker.hex()},
    )


def _cast(ready: Ready, number: int, given: Given, *, to: str | None, wait: float, wallet: str | None) -> int:
    if to is not None and (Path(to).exists() or not Path(to).parent.is_dir()):
        raise RefusalError(_("the file is there already, or its folder is not: name a new one; nothing was done"))
    state = ready.device.wallet.state()
    before = next((work for work in state.cast if work.poll == number and work.unsent), None)
    if to is not None and before is not None and state.sealed_in(number) is None:
        work = before  # cast before, and the file was lost on its way
    else:
        work = ready.device.cast(number)
    if to is not None:
        write_new(to, work.entry)
        told = Told(
            did=[
                _("Cast, and written to {path}; it has no secret in it. Its tracker:").format(path=to),
                *tracker_lines(work.tracker, qr=False),
            ],
            next=[
                _("on a machine with a network: {command}").format(
                    command=f"secballot delegate submit {Path(to).name} --board URL --sitting ID"
                )
            ],
            who=_("you: it is no vote before it is on the board"),
            facts={"file": to, "poll": number, "short": short_tracker(work.tracker), "tracker": work.tracker.hex()},
        )
        tell(told, as_json=given.as_json)
        return ExitCode.PASSED
    say(_("Cast. Sending it, and waiting for the witnesses; you may interrupt this, submit goes on."))
    receipt = deliver(ready, work, wait, wallet_path(given, wallet))
    told = Told(
        did=arrived_lines(receipt, ready.device.wallet.state().cast_with(work.tracker)),
        next=[_("after the closing: {command}").format(command="secballot delegate watch")],
        who=_("you, after the closing"),
        facts=receipt_facts(receipt),
    )
    tell(told, as_json=given.as_json)
    return ExitCode.PASSED


def _open(ready: Ready, number: int, given: Given, out: str | None) -> int:
    device = ready.device
    state = device.wallet.state()
    waiting, before = state.sealed_in(number), state.opened_in(number)
    tracker = waiting.tracker if waiting is not None else before.tracker if before is not None else None
    if tracker is None:
        raise RefusalError(_("no sealed ballot of poll {number} waits to be opened").format(number=number))
    short = short_tracker(tracker)
    target = Path(out) if out is not None else Path(f"opened-{short[:5]}.json")
    if out is not None and target.exists():
        raise RefusalError(_("the file is there already, and nothing was opened: name a new one"))
    opened = before if waiting is None else device.open(number)
    if opened is None:
        raise RefusalError(_("no sealed ballot of poll {number} waits to be opened").format(number=number))
    ballot = opened.ballot()
    write_private(target, ballot.encode())
    poll = poll_by_number(device.view, number)
    say(_("The opened ballot says; compare it with what you chose:"))
    show_choices(questions(device.view, poll, ballot.class_index), ballot.choices)
    told = Told(
        did=[
            _("Opened. This ballot can never be cast. Its tracker, as it was shown before:"),
            "  " + short,
            _("What another device needs to check it: {path}").format(path=target),
        ],
        next=[
            _("on another device: {command}").format(
                command=f"secballot delegate check-opened {target.name} {short} --board URL --sitting ID"
            ),
            _("to vote: {command}").format(command=f"secballot delegate vote {number}"),
        ],
        who=_("you"),
        facts={"file": str(target), "poll": number, "short": short, "tracker": opened.tracker.hex()},
    )
    tell(told, as_json=given.as_json)
    return ExitCode.PASSED
