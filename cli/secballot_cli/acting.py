"""What all commands that sign an act do: show it in plain words, ask, post it, and say what comes next.

Source: SPEC.md#acts-of-several-signers.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import click

from secballot.errors import PolicyError, RefusalError, StoreError, TransportError
from secballot.record.acts import ACTS
from secballot.records.entry import decode_entry
from secballot.roles.acting import check_act
from secballot_cli.connecting import confirm, remember_view
from secballot_cli.documents import known_documents
from secballot_cli.messages import _
from secballot_cli.plain import act_words
from secballot_cli.standing_words import next_steps
from secballot_cli.telling import Told, moment, printable, tell

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import msgspec

    from secballot.records.promise import Promise
    from secballot.roles.party import SigningParty
    from secballot.roles.view import WitnessedView
    from secballot_cli.connecting import Seat
    from secballot_cli.home import Given

PATIENCE: Final = 20.0
"""Seconds for which a command waits until the log shows what it posted."""

_PAUSE: Final = 0.5


def show(lines: Sequence[str]) -> None:
    """Show people what they are about to sign: on standard error, since standard output is for what was done."""
    for line in lines:
        click.echo(printable(line), err=True)


def sign_act(
    seat: Seat,
    given: Given,
    kind: str,
    body: msgspec.Struct,
    post: Callable[[], Promise],
    *,
    yes: bool,
    files: Sequence[str] = (),
) -> int:
    """Show an act, ask, sign and post it; return the exit code.

    Args:
        seat: of the signer.
        given: the common options.
        kind: of the act.
        body: of the act.
        post: signs and posts it.
        yes: whether not to ask.
        files: of the signer's, which have to be documents of the act.

    Raises:
        SecballotError: the act does not fit the record as it is, the answer is no, or the board refuses it.
    """
    show(act_words(seat.view.state, kind, body, known_documents(seat.view, body, files)))
    check_act(seat.view, seat.key, kind, body, int(time.time()))
    confirm(_("Sign this?"), yes=yes)
    return conclude(seat, given, post(), kind)


def conclude(seat: Seat, given: Given, promise: Promise, kind: str) -> int:
    """Wait until the log shows a posted entry, and say what was done, what comes next, and who has to act."""
    # Witnesses cosign nothing of a successor before the handover is complete and they have taken it up.
    shown = kind != "handover" and wait_for(seat.view, promise)
    did = [_("Signed and posted: {kind}, entry {index} of the log.").format(kind=kind, index=promise.index)]
    if kind == "handover":
        did.append(_("It is seen when officers and trustees have signed it and the witnesses follow the successor."))
    elif shown:
        remember_view(seat.home, seat.view)
        did += _signatures(seat.view, promise, kind)
    else:
        late = promise.time + promise.maximum_delay
        did.append(_("The log does not show it yet; the board promised to, by {time}.").format(time=moment(late)))
    steps, who = next_steps(seat.view, int(time.time()))
    facts: dict[str, object] = {"index": promise.index, "kind": kind, "shown": shown, "sitting": seat.view.anchor.hex()}
    tell(Told(did, steps, who, facts), as_json=given.as_json)
    return 0


def wait_for(view: WitnessedView, promise: Promise) -> bool:
    """Look at the log until it shows a promised entry, and tell whether it does."""
    return wait_until(view, lambda: view.size > promise.index)


def wait_until(view: WitnessedView, reached: Callable[[], bool], patience: float = PATIENCE) -> bool:
    """Look at the log until something is reached, and tell whether it is."""
    deadline = time.monotonic() + patience
    while not reached():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_PAUSE)
        try:
            view.refresh()
        except (PolicyError, RefusalError, StoreError, TransportError):
            continue  # a checkpoint that is late is no reason to say that nothing was posted
    return True


def _signatures(view: WitnessedView, promise: Promise, kind: str) -> list[str]:
    if kind not in ACTS:
        return []
    entry = decode_entry(view.entry(promise.index))
    held = view.state.collections.get((kind, entry.body_hash))
    if held is None:
        return [_("The act stands.")]
    manifest = view.state.the_manifest()
    officers = len(held.signers & set(manifest.presidium.keys))
    return [
        _("It has the signatures of {count} officers; {needed} are needed.").format(
            count=officers, needed=manifest.presidium.threshold
        )
    ]


def countersign(
    seat: Seat, given: Given, party: SigningParty, index: int | None, *, yes: bool, files: Sequence[str] = ()
) -> int:
    """Show a pending act of several signers in plain words, and sign it.

    Args:
        seat: of the signer.
        given: the common options.
        party: signs.
        index: of its first entry; None if there is only one.
        yes: whether not to ask.
        files: of the signer's, which have to be documents of the act.

    Raises:
        RefusalError: nothing is to be countersigned here, several acts are, or the answer is no.
        SecballotError: the act does not fit the record, or the board refuses it.
    """
    pending = pending_for(seat)
    if index is None:
        if not pending:
            raise RefusalError(_("there is nothing for you to countersign"))
        if len(pending) > 1:
            listed = ", ".join(f"{place} ({kind})" for place, kind in pending)
            words = _("several acts wait for your signature; name one by its entry: {acts}")
            raise RefusalError(words.format(acts=listed))
        index = pending[0][0]
    elif index not in [place for place, _kind in pending]:
        raise RefusalError(_("entry {index} is no act that waits for your signature").format(index=index))
    entry = decode_entry(seat.view.entry(index))
    return sign_act(seat, given, entry.kind, entry.body, lambda: party.countersign(index), yes=yes, files=files)


def pending_for(seat: Seat) -> list[tuple[int, str]]:
    """Return index and kind of every act that waits for this party's signature, one entry for each body."""
    found: dict[tuple[str, bytes], int] = {}
    public = seat.key.verify_key.encode()
    for index in seat.view.pending_acts():
        entry = decode_entry(seat.view.entry(index))
        held = seat.view.state.collections[entry.kind, entry.body_hash]
        if public not in held.signers and entry.kind != "roll":
            found.setdefault((entry.kind, entry.body_hash), index)
    return [(index, kind) for (kind, _hash), index in found.items()]
