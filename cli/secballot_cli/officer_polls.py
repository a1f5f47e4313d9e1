"""`secballot officer …`: polls, from the opening to the result.

Source: SPEC.md#polls, SPEC.md#result.
"""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from secballot.errors import RefusalError
from secballot.record.tallying import recompute_result
from secballot.records.closing import Annulment
from secballot.records.opening import Extension
from secballot.roles.officer import poll_by_number
from secballot.roles.poll_draft import MAX_POLL_BYTES, DraftContest, DraftPoll, contest_of, read_poll
from secballot.roles.result_page import result_page
from secballot_cli.acting import conclude, show, sign_act, wait_until
from secballot_cli.connecting import confirm, read_text, take_seat, yes_option
from secballot_cli.documents import read_document
from secballot_cli.ending import check_grace_is_over, close_poll, lapse_poll
from secballot_cli.home import party_options
from secballot_cli.messages import _
from secballot_cli.officer_acts import officer_of
from secballot_cli.plain import result_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from secballot.records.opening import Contest
    from secballot.roles.officer import Officer
    from secballot_cli.connecting import Seat
    from secballot_cli.home import Given

_MAX_TEXT: Final = 20_000


@click.command("open")
@click.option("--file", type=click.Path(), metavar="TOML", help="Everything about the poll; instead of the others.")
@click.option("--title", help="Of its only question.")
@click.option("--rules", help="Name of a rule set of the manifest.")
@click.option("--option", "options", multiple=True, help="One option; by default for, against, abstain.")
@click.option("--text", type=click.Path(), metavar="FILE", help="The question itself, up to 20,000 bytes.")
@click.option("--document", multiple=True, type=click.Path(), metavar="FILE", help="A long text; posted first.")
@click.option("--minutes", type=click.IntRange(0, 525_600), default=0, help="For how long it is open.")
@click.option("--seconds", type=click.IntRange(0, 31_536_000), default=0, help="So many seconds more.")
@click.option("--poll", type=click.IntRange(1), help="Its number; by default the next one.")
@yes_option
@party_options
def open_(
    given: Given,
    *,
    file: str | None,
    title: str | None,
    rules: str | None,
    options: tuple[str, ...],
    text: str | None,
    document: tuple[str, ...],
    minutes: int,
    seconds: int,
    poll: int | None,
    yes: bool,
) -> int:
    """Open a poll: one question by options, or anything by a file."""
    if file is not None:
        draft = read_poll(read_text(file, MAX_POLL_BYTES))
        folder = Path(file).parent
    elif title is None or rules is None or minutes + seconds == 0:
        raise click.UsageError(_("give --file, or --title, --rules and --minutes"))
    else:
        question = "" if text is None else read_text(text, _MAX_TEXT).rstrip("\n")
        contest = DraftContest(title, rules, question, options, documents=document)
        draft = DraftPoll((contest,), minutes, seconds, poll or 0)
        folder = Path()
    return _open_draft(take_seat("officer", given), given, draft, folder, yes=yes)


def _open_draft(seat: Seat, given: Given, draft: DraftPoll, folder: Path, *, yes: bool) -> int:
    officer, state = officer_of(seat), seat.view.state
    post_document = _documents(seat, officer, folder)
    contests = tuple(contest_of(contest, seat.manifest, post_document) for contest in draft.contests)
    number = draft.poll or max(state.polls, default=0) + 1
    now = int(time.time())
    body = officer.opening_body(number, contests, now + draft.open_seconds())
    _say_floor(seat, contests)
    files = [str(folder / name) for contest in draft.contests for name in contest.documents]
    return sign_act(seat, given, "opening", body, lambda: officer.post("opening", body), yes=yes, files=files)


def _documents(seat: Seat, officer: Officer, folder: Path) -> Callable[[str], bytes]:
    """Return what posts a document that the log does not have yet, and returns its hash."""

    def post(name: str) -> bytes:
        digest, content = read_document(str(folder / name))
        if digest not in seat.view.state.complete_documents:
            officer.post_document(content)
            if not wait_until(seat.view, lambda: digest in seat.view.state.complete_documents):
                words = _("the board has taken the document {name} and does not show it yet; try again")
                raise RefusalError(words.format(name=name))
        return digest

    return post


def _say_floor(seat: Seat, contests: tuple[Contest, ...]) -> None:
    """Warn of classes that are so small that a contest could stay closed."""
    registration = seat.view.state.registrations[-1]
    sizes, manifest = registration.class_sizes(), seat.manifest
    eligible = {i for c in contests if (rule := manifest.rule_set(c.rules)) is not None for i in rule.eligible}
    for index in sorted(eligible):
        if sizes.get(index, 0) < 2 * manifest.minimum_ballots:
            words = _("Consider: class {name} has {count} delegates; if fewer than {floor} vote, it stays closed")
            name = manifest.classes[index - 1].name
            show([words.format(name=name, count=sizes.get(index, 0), floor=manifest.minimum_ballots)])


@click.command()
@click.argument("poll", type=click.IntRange(1))
@click.option("--minutes", type=click.IntRange(1, 525_600), required=True, help="By how much, from its end.")
@yes_option
@party_options
def extend(given: Given, poll: int, *, minutes: int, yes: bool) -> int:
    """Move the end of a POLL, once, and only later."""
    seat = take_seat("officer", given)
    found = poll_by_number(seat.view, poll)
    body = Extension(found.closes_at + 60 * minutes, found.ctx)
    officer = officer_of(seat)
    return sign_act(seat, given, "extension", body, lambda: officer.post("extension", body), yes=yes)


@click.command()
@click.argument("poll", type=click.IntRange(1))
@party_options
def close(given: Given, poll: int) -> int:
    """Close a POLL whose time is up; any one officer or trustee can."""
    seat = take_seat("officer", given)
    return conclude(seat, given, close_poll(seat, officer_of(seat), poll), "closing")


@click.command()
@click.argument("poll", type=click.IntRange(1))
@yes_option
@party_options
def lapse(given: Given, poll: int, *, yes: bool) -> int:
    """Let a POLL lapse that nobody closed within its grace; it is never decrypted."""
    seat = take_seat("officer", given)
    check_grace_is_over(seat, poll)
    confirm(_("Let poll {poll} lapse? It is never decrypted.").format(poll=poll), yes=yes)
    return conclude(seat, given, lapse_poll(seat, officer_of(seat), poll), "lapse")


@click.command()
@click.argument("poll", type=click.IntRange(1))
@click.option("--reason", required=True, help="Why; it stands on the log for ever.")
@yes_option
@party_options
def annul(given: Given, poll: int, *, reason: str, yes: bool) -> int:
    """Annul a POLL for good, before it is decrypted; trustees have to countersign."""
    seat = take_seat("officer", given)
    body = Annulment(poll_by_number(seat.view, poll).ctx, reason)
    return sign_act(seat, given, "annul", body, lambda: officer_of(seat).annul_poll(poll, reason), yes=yes)


@click.command()
@click.argument("poll", type=click.IntRange(1))
@click.option("--page", type=click.Path(), metavar="HTML", help="Write the page for people into this new file, too.")
@yes_option
@party_options
def result(given: Given, poll: int, *, page: str | None, yes: bool) -> int:
    """Sign the result of a POLL as this machine computed it from the log, and the page that shows it."""
    seat = take_seat("officer", given)
    state = seat.view.state
    found = poll_by_number(seat.view, poll)
    if found.result is not None:
        words = _("the result of poll {poll} is posted; its page: secballot page WHERE {poll} FILE")
        raise RefusalError(words.format(poll=poll))
    if not (found.status == "closed" and found.finished()):
        words = _("poll {poll} has no result: it is {status}; what it waits for says secballot status")
        raise RefusalError(words.format(poll=poll, status=found.status))
    made = result_page(state, found)
    body = recompute_result(state, found, hashlib.sha256(made).digest())
    show(result_words(state, body))
    confirm(_("Sign this?"), yes=yes)
    if page is not None:
        _write_page(page, made)
    promise = officer_of(seat).post("result", body)
    return conclude(seat, given, promise, "result")


def _write_page(path: str, page: bytes) -> None:
    from secballot_cli.reading import write_new  # noqa: PLC0415  # with this option only

    write_new(path, page)


POLL_COMMANDS: Final = (open_, extend, close, lapse, annul, result)
"""The commands of this module."""
