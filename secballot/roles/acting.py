"""Before an official signs an act: whether it would fit the record as it is now.

The record judges an act when its last signature comes. Whoever signs would learn too late that it cannot stand, or, of
a wrong result, that it makes the record fail; so each signer asks the same rules first.

Source: SPEC.md#acts-of-several-signers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from secballot.board.merkle import leaf_hash
from secballot.errors import NOBODY, EncodingError, PhaseError, PolicyError, RefusalError, VerificationError
from secballot.record.acts import check_slot
from secballot.record.outcome import Act, Position
from secballot.record.rules import RULES
from secballot.records.entry import decode_entry
from secballot.records.opening import Opening
from secballot.records.result import NO_PAGE, Result
from secballot.roles.party import sign_entry
from secballot.roles.result_page import page_digest, result_page

if TYPE_CHECKING:
    import msgspec

    from secballot.roles.view import WitnessedView
    from secballot.signing import SigningKey

_LAST_ONLY: Final = frozenset({"handover", "manifest"})
"""Acts whose fit depends on where their last signature stands, or on no state at all."""


def check_fits(view: WitnessedView, key: SigningKey, kind: str, body: msgspec.Struct) -> None:
    """Check that an act, complete with this signature, would take effect as the next entry.

    Args:
        view: refreshed.
        key: of the signer.
        kind: of the act.
        body: its content.

    Raises:
        RefusalError: it would not, with the record's check id and reason.
    """
    if kind in _LAST_ONLY:
        return
    data = sign_entry(key, kind, view.anchor, body)
    act = Act(decode_entry(data), Position(view.size, leaf_hash(data)), NOBODY)
    try:
        check_slot(view.state, act)
        RULES[kind](view.state, body, act)
    except (EncodingError, PhaseError, PolicyError, VerificationError) as error:
        raise RefusalError(error.message, check=error.check) from error


def check_act(view: WitnessedView, key: SigningKey, kind: str, body: msgspec.Struct, now: int) -> None:
    """Check everything that a signer's own machine can check of an act.

    Args:
        view: refreshed.
        key: of the signer.
        kind: of the act.
        body: its content.
        now: seconds since the epoch.

    Raises:
        RefusalError: it would not stand, could never be closed, or names another result page than the record gives.
    """
    check_fits(view, key, kind, body)
    if isinstance(body, Opening):
        check_duration(view, body, now)
    if isinstance(body, Result):
        check_page(view, body)


def check_page(view: WitnessedView, body: Result) -> None:
    """Check that a result names the page that this machine makes of the record, or none.

    Args:
        view: refreshed.
        body: of the result.

    Raises:
        RefusalError: it names another page: people would read what the record does not say.

    Source: SPEC.md#result-page.
    """
    poll = view.state.by_ctx.get(body.ctx)
    if poll is None or body.page == NO_PAGE:
        return
    if page_digest(result_page(view.state, poll)) != body.page:
        raise RefusalError("the result names another page than the one that this machine makes of the record")


def check_duration(view: WitnessedView, body: Opening, now: int) -> None:
    """Check that a poll opened now stands open as long as its rules demand: otherwise nobody could close it.

    Args:
        view: refreshed.
        body: of the opening.
        now: seconds since the epoch.

    Raises:
        RefusalError: it closes too early.

    Source: SPEC.md#closing.
    """
    manifest = view.state.the_manifest()
    rules = [manifest.rule_set(contest.rules) for contest in body.contests]
    needed = max((rule.minimum_duration for rule in rules if rule is not None), default=0)
    if body.closes_at <= now + needed:
        raise RefusalError(
            f"by its rules the poll is open for more than {needed} seconds, and the witnesses must have seen it before:"
            " with this closing time nobody could close it"
        )
