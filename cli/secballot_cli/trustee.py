"""`secballot trustee`: takes part in the ceremony unattended, and decrypts when its owner says so.

Source: SPEC.md#ceremony, SPEC.md#tally.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from secballot.encoding import MAX_ENTRY_BYTES
from secballot.errors import RefusalError
from secballot.record.history import open_witnessed
from secballot.records.closing import Annulment, Closing
from secballot.records.entry import decode_entry
from secballot.roles.held import held_against
from secballot.roles.officer import poll_by_number
from secballot.roles.trustee import TooEarlyError, Trustee
from secballot.store.backup import restore_backup, write_backup
from secballot.store.dropbox import DropStore
from secballot.store.journal import Journal
from secballot_cli.acting import conclude, show, sign_act
from secballot_cli.acting import countersign as countersign_act
from secballot_cli.carding import new_options, new_party
from secballot_cli.connecting import confirm, remember_view, take_seat, yes_option
from secballot_cli.ending import check_grace_is_over, close_poll, lapse_poll
from secballot_cli.home import Home, make_private, party_options
from secballot_cli.messages import _
from secballot_cli.quoting import marked
from secballot_cli.reading import read_input
from secballot_cli.render import grouped, showing_progress
from secballot_cli.running import run_options, run_party, tell_after_run
from secballot_cli.telling import Told, moment, tell
from secballot_cli.templates import said

if TYPE_CHECKING:
    from secballot.record.state import PollState
    from secballot_cli.connecting import Seat
    from secballot_cli.home import Given

_MAX_OBJECTION: Final = MAX_ENTRY_BYTES


@click.group()
def trustee() -> None:
    """Hold a share of the key that opens the sum of all ballots, and never a single one."""


@trustee.command()
@new_options
@party_options
def new(given: Given, *, name: str, card: str | None, small_device: bool) -> int:
    """Make your key for a new sitting, and your public card."""
    tell(new_party("trustee", given, name, card=card, small_device=small_device), as_json=given.as_json)
    return 0


@trustee.command("run")
@run_options
@party_options
def run_(given: Given, *, interval: float, once: bool) -> int:
    """Take part in the key ceremony and consent, until voting begins; never decrypt without you.

    Safe to stop and start at any moment. What may not be lost is in your home folder: secballot trustee backup.
    """
    seat = take_seat("trustee", given, journal=True)
    with seat.open_journal() as journal:
        role = Trustee(seat.key, seat.view, seat.board, seat.sealed(journal))
        run_party(
            role,
            done=lambda: _convened(seat),
            seen=lambda: remember_view(seat.home, seat.view),
            interval=interval,
            once=once,
            as_json=given.as_json,
        )
    tell_after_run(seat, given, _("Nothing is awaited of this trustee now."))
    return 0


def _convened(seat: Seat) -> bool:
    registrations = seat.view.state.registrations
    return seat.view.state.adjourned or (bool(registrations) and registrations[-1].convening is not None)


@trustee.command()
@click.argument("poll", type=click.IntRange(1))
@click.option("--objection", multiple=True, type=click.Path(), metavar="FILE", help="An objection sent to you.")
@click.option("--drop-box", multiple=True, type=click.Path(), metavar="DATABASE", help="A drop box that you run.")
@yes_option
@party_options
def decrypt(given: Given, poll: int, *, objection: tuple[str, ...], drop_box: tuple[str, ...], yes: bool) -> int:
    """Decrypt the sums of a POLL, after you have seen what is being opened.

    A refusal is right: it says why, and what happens next.
    """
    seat = take_seat("trustee", given)
    objections = [read_input(path, _MAX_OBJECTION) for path in objection]
    with seat.open_journal() as journal:
        role = Trustee(seat.key, seat.view, seat.board, seat.sealed(journal))
        found = poll_by_number(seat.view, poll)
        now = int(time.time())
        with ExitStack() as opened:
            boxes = [opened.enter_context(DropStore.open(where)) for where in drop_box]
            dropped, held = held_against(boxes, seat.view, found)
        objections += held
        try:
            role.check_decryption(poll, now=now, objections=objections, drop_box=dropped)
        except TooEarlyError as early:
            words = _("the objection period lasts until {time}").format(time=moment(early.until))
            raise RefusalError(f"{words}. {_what_next(found)}", check=early.check) from early
        except RefusalError as refusal:
            raise RefusalError(f"{said(refusal.message)}. {_what_next(found)}", check=refusal.check) from refusal
        show(opened_words(seat, found))
        confirm(_("Decrypt these sums? They are public from then on."), yes=yes)
        with showing_progress(_("decrypting")) as progress:
            promises = role.decrypt(poll, now=now, objections=objections, drop_box=dropped, progress=progress)
    return conclude(seat, given, promises[-1], "decryption")


def opened_words(seat: Seat, poll: PollState) -> list[str]:
    """Return what a decryption opens: poll, number of ballots, closing root, who witnessed."""
    words = _("You are about to open poll {number} of: {title}").format(number=poll.number, title="")
    lines = marked(seat.manifest.title, words)
    for contest, at_floor in zip(poll.opening.contests, poll.at_floor, strict=True):
        words = (
            contest.title
            if at_floor
            else _("{title}: below the privacy floor, stays closed").format(title=contest.title)
        )
        lines += marked(words)
    lines.append(_("Ballots counted: {count}").format(count=len(poll.heads)))
    if poll.closing is not None:
        body = decode_entry(seat.view.entry(poll.closing.index)).body
        if isinstance(body, Closing):
            operators = seat.view.state.operators
            opened = open_witnessed(seat.manifest, operators, body.checkpoint.encode())
            root = grouped(opened.checkpoint.root.hex())
            lines.append(_("Closing root: {root} (size {size})").format(root=root, size=opened.checkpoint.tree_size))
            times = ", ".join(f"{n} {moment(t)}" for n, t in zip(opened.names, opened.times, strict=True))
            lines.append(_("Witnessed by: {witnesses}").format(witnesses=times))
    return lines


def _what_next(poll: PollState) -> str:
    """Return what happens after a refusal, which is right."""
    if poll.status == "open":
        return _("This refusal is right. When its time is up, any officer or trustee closes it: secballot status")
    if poll.status != "closed":
        return _("This refusal is right. The poll has ended without being opened, for good")
    if not any(poll.at_floor):
        return _("This refusal is right. The officers publish a result that says so: secballot officer result")
    return _("This refusal is right. Try again when that is over, or settled on the log: secballot status")


@trustee.command()
@click.argument("poll", type=click.IntRange(1))
@party_options
def close(given: Given, poll: int) -> int:
    """Close a POLL whose time is up; any one officer or trustee can."""
    seat = take_seat("trustee", given)
    with seat.open_journal() as journal:
        role = Trustee(seat.key, seat.view, seat.board, seat.sealed(journal))
        return conclude(seat, given, close_poll(seat, role, poll), "closing")


@trustee.command()
@click.argument("poll", type=click.IntRange(1))
@yes_option
@party_options
def lapse(given: Given, poll: int, *, yes: bool) -> int:
    """Let a POLL lapse that nobody closed within its grace; it is never decrypted."""
    seat = take_seat("trustee", given)
    check_grace_is_over(seat, poll)
    confirm(_("Let poll {poll} lapse? It is never decrypted.").format(poll=poll), yes=yes)
    with seat.open_journal() as journal:
        role = Trustee(seat.key, seat.view, seat.board, seat.sealed(journal))
        return conclude(seat, given, lapse_poll(seat, role, poll), "lapse")


@trustee.command()
@click.argument("poll", type=click.IntRange(1))
@click.option("--reason", required=True, help="Why; it stands on the log for ever.")
@yes_option
@party_options
def annul(given: Given, poll: int, *, reason: str, yes: bool) -> int:
    """Annul a POLL for good, before it is decrypted; officers have to sign, too."""
    seat = take_seat("trustee", given)
    body = Annulment(poll_by_number(seat.view, poll).ctx, reason)
    with seat.open_journal() as journal:
        role = Trustee(seat.key, seat.view, seat.board, seat.sealed(journal))
        return sign_act(seat, given, "annul", body, lambda: role.annul_poll(poll, reason), yes=yes)


@trustee.command()
@yes_option
@party_options
def handover(given: Given, *, yes: bool) -> int:
    """Hand the log over to the next successor of the manifest, at the newest size that the witnesses cosigned.

    As many trustees as decrypt sign it, and the presidium: each by itself, at the successor's board, since no witnessed
    log shows one of them what another has signed.
    """
    seat = take_seat("trustee", given)
    with seat.open_journal() as journal:
        role = Trustee(seat.key, seat.view, seat.board, seat.sealed(journal))
        body = role.handover_body()
        return sign_act(seat, given, "handover", body, lambda: role.post("handover", body), yes=yes)


@trustee.command()
@click.option("--entry", type=click.IntRange(0), help="Which act, by its first entry, if there are several.")
@yes_option
@party_options
def countersign(given: Given, *, entry: int | None, yes: bool) -> int:
    """Show an annulment or handover that waits for trustees in plain words, and sign it."""
    seat = take_seat("trustee", given)
    with seat.open_journal() as journal:
        role = Trustee(seat.key, seat.view, seat.board, seat.sealed(journal))
        return countersign_act(seat, given, role, entry, yes=yes)


@trustee.command()
@click.argument("folder", type=click.Path())
@party_options
def backup(given: Given, folder: str) -> int:
    """Copy what may not be lost, key file and journal, into the new FOLDER, everything under your passphrase."""
    home = Home.find("trustee", given)
    Journal.open(home.journal_file).close()
    write_backup(home.folder, Path(folder))
    told = Told(
        did=[_("Copied key file and journal to {folder}.").format(folder=folder)],
        next=[
            _("keep it where a thief of your computer does not look; without the passphrase it tells nothing"),
            f"secballot trustee restore {folder}    " + _("on a new computer, if this one is lost"),
        ],
        who=_("you"),
        facts={"folder": folder},
    )
    tell(told, as_json=given.as_json)
    return 0


@trustee.command()
@click.argument("folder", type=click.Path())
@party_options
def restore(given: Given, folder: str) -> int:
    """Make your home on this computer from a backup FOLDER. The other computer must not be used any more."""
    if given.sitting is None:
        raise RefusalError(_("which sitting? It is named by --sitting, with the id from a letter or another channel"))
    target = given.base / "trustee" / given.sitting.hex()
    if target.exists():
        words = _("there is a trustee of this sitting here already, in {folder}")
        raise RefusalError(words.format(folder=target))
    make_private(target.parent)
    restore_backup(Path(folder), target)
    home = Home.find("trustee", given)
    home.open_key(given)
    home.settle(given)
    told = Told(
        did=[_("Restored into {folder}.").format(folder=target)],
        next=["secballot trustee run", "secballot status"],
        who=_("you"),
        facts={"folder": str(target)},
    )
    tell(told, as_json=given.as_json)
    return 0


@trustee.command()
@yes_option
@party_options
def destroy(given: Given, *, yes: bool) -> int:
    """Destroy your share of the key, once the sitting is adjourned: nobody can make you decrypt any more."""
    seat = take_seat("trustee", given)
    confirm(_("Destroy your share for good?"), yes=yes)
    with seat.open_journal() as journal:
        Trustee(seat.key, seat.view, seat.board, seat.sealed(journal)).destroy_state()
    told = Told(
        did=[_("Destroyed the share. Storage may keep traces, and so do backups.")],
        next=[_("destroy your backups, too")],
        who=_("you"),
    )
    tell(told, as_json=given.as_json)
    return 0
