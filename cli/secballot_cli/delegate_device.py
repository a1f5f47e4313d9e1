"""How every command of a delegate begins: the wallet, the log from whichever place answers, and where ballots go.

Order, so that a mistyped sitting or a wrong board binds nothing:
1. the wallet is opened;
2. the log of the sitting is read and replayed under a witnessed checkpoint, compared with the last one seen;
3. only then are sitting, boards and proxy written into the wallet.

Source: SPEC.md#parties-and-trust, SPEC.md#phrase.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from secballot.errors import InconsistentLogError, RefusalError, StoreError
from secballot.roles.posting import open_poster
from secballot.roles.voting import VotingDevice
from secballot.roles.wallet import DelegateWallet
from secballot.roles.watching import remember
from secballot_cli.evidence_files import is_for_strangers, write_evidence
from secballot_cli.messages import _
from secballot_cli.proxies import chosen_proxy
from secballot_cli.reading import first_view

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from secballot.records.manifest import Manifest
    from secballot.roles.posting import SeveralPlaces
    from secballot.roles.view import WitnessedView
    from secballot_cli.home import Given


@dataclass(frozen=True, slots=True)
class Ready:
    """A device that is ready to act.

    Attributes:
        device: wallet and view, refreshed.
        places: one for each board, mirror and drop box that has a URL.
        boards: where they are.
        proxy: for all requests, None for none.
    """

    device: VotingDevice
    places: tuple[SeveralPlaces, ...]
    boards: tuple[str, ...]
    proxy: str | None


def wallet_option(command: Callable[..., int]) -> Callable[..., int]:
    """Add the option that says which wallet is meant."""
    return click.option("--wallet", type=click.Path(), metavar="FILE", help="Your wallet, if it is not the usual one.")(
        command
    )


def wallet_path(given: Given, file: str | None) -> Path:
    """Return where the wallet is: the file named, or the usual one in the home folder."""
    return given.base / "delegate" / "wallet" if file is None else Path(file)


def open_wallet(given: Given, file: str | None) -> DelegateWallet:
    """Return the wallet, opened with the passphrase.

    Raises:
        StoreError: there is none, others may read it, or the passphrase is wrong, or the file was changed.
        EncodingError: the file is no wallet.
    """
    path = wallet_path(given, file)
    if not path.exists():
        raise StoreError(_("there is no wallet at {path}: secballot delegate new, or restore").format(path=path))
    return DelegateWallet.open(path, given.passphrase())


def get_ready(given: Given, file: str | None, *, offline: bool = False) -> Ready:
    """Return the device of a wallet, its view refreshed, and everything that was given remembered.

    Args:
        given: the common options.
        file: which wallet.
        offline: whether nothing is to be posted.

    Raises:
        RefusalError: sitting or board are not known, or the wallet is for another sitting.
        StoreError, TransportError: wallet or log cannot be read.
        PolicyError: no checkpoint has the quorum of witnesses.
        InconsistentLogError: a rollback or a split view; evidence is written beside the wallet.
    """
    wallet = open_wallet(given, file)
    state = wallet.state()
    if state.sitting_id and given.sitting not in {None, state.sitting_id}:
        raise RefusalError(_("the wallet is for another sitting; every sitting has a wallet of its own"))
    anchor = state.sitting_id or given.sitting
    if anchor is None:
        raise RefusalError(
            _("which sitting? The wallet does not know it yet: give --sitting, with the id from the letter")
        )
    boards, proxy = given.boards or state.boards, chosen_proxy(given.proxy, state.proxy)
    view = first_view(boards, anchor, proxy)
    remember_view(wallet, view, wallet_path(given, file))
    wallet.anchor(anchor)
    wallet.remember_places(boards=boards, proxy=proxy or "")
    manifest = view.state.the_manifest()
    places = [] if offline else each_place(boards, manifest, anchor, proxy)
    rotated = [] if offline else rotations(boards, manifest, anchor, proxy)
    return Ready(VotingDevice(wallet, view, rotated), tuple(places), boards, proxy)


def remember_view(wallet: DelegateWallet, view: WitnessedView, path: Path) -> None:
    """Compare what the view has seen with what the wallet remembers, and remember it.

    Raises:
        InconsistentLogError: a rollback or a split view; evidence is written beside the wallet.
        StoreError: the wallet cannot be written.
    """
    if view.checkpoint is None:
        return
    try:
        remember(wallet, view.state.the_manifest(), view.checkpoint, view.state.history)
    except InconsistentLogError as error:
        keep_evidence(error.evidence, path)
        raise


def keep_evidence(evidence: bytes, path: Path) -> Path | None:
    """Write evidence beside the wallet, if it is a file for strangers, and say where; never over earlier evidence."""
    return write_evidence(path.parent, f"{path.name}-evidence", evidence) if is_for_strangers(evidence) else None


def posting_urls(boards: Sequence[str]) -> list[str]:
    """Return those places that can be posted to."""
    return [where for where in boards if where.startswith(("http://", "https://"))]


def each_place(boards: Sequence[str], manifest: Manifest, anchor: bytes, proxy: str | None) -> list[SeveralPlaces]:
    """Return one poster for each board, mirror and drop box, for what each of them has to be told.

    Raises:
        TransportError, StoreError: as `roles.posting.open_poster`.
    """
    return [open_poster([url], manifest, anchor, proxy=proxy, rounds=1) for url in posting_urls(boards)]


def rotations(boards: Sequence[str], manifest: Manifest, anchor: bytes, proxy: str | None) -> list[SeveralPlaces]:
    """Return posters that try all places, each beginning with another one.

    Raises:
        TransportError, StoreError: as `roles.posting.open_poster`.
    """
    urls = posting_urls(boards)
    return [open_poster([*urls[at:], *urls[:at]], manifest, anchor, proxy=proxy, rounds=1) for at in range(len(urls))]
