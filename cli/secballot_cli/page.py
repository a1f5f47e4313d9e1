"""`secballot page`: make the result page of a poll again, from the record alone, and compare it with the signed hash.

Source: SPEC.md#result-page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from secballot.errors import Party, RefusalError, VerificationError
from secballot.records.result import NO_PAGE
from secballot.roles.officer import poll_by_number
from secballot.roles.remote import open_source
from secballot.roles.result_page import page_digest, result_page
from secballot.roles.view import WitnessedView
from secballot_cli.messages import _
from secballot_cli.proxies import proxy_option
from secballot_cli.reading import sitting_option, write_new
from secballot_cli.render import grouped
from secballot_cli.telling import Told, json_option, tell

if TYPE_CHECKING:
    from secballot.record.state import PollState


@click.command()
@click.argument("where")
@click.argument("poll", type=click.IntRange(1))
@click.argument("out", type=click.Path())
@sitting_option(required=True)
@proxy_option
@json_option
def page(where: str, poll: int, out: str, *, sitting: bytes, proxy: str | None, as_json: bool) -> int:
    """Make the page of the result of a POLL from the log at WHERE, into the new file OUT.

    The log is replayed and verified first. The page is compared with the hash that the result's signers have signed.

    Exit codes: 1 if they signed another page.
    """
    view = WitnessedView(open_source(where, proxy), sitting)
    view.refresh()
    found = poll_by_number(view, poll)
    made = result_page(view.state, found)
    signed = _check_signed(found, made)
    write_new(out, made)
    did = [_("Wrote {path}, SHA-256 {hash}.").format(path=out, hash=grouped(page_digest(made).hex()))]
    did.append(_("The officers signed this very page.") if signed else _("The officers have not signed a result yet."))
    facts: dict[str, object] = {"page": page_digest(made).hex(), "signed": signed}
    tell(Told(did, facts=facts), as_json=as_json)
    return 0


def _check_signed(poll: PollState, made: bytes) -> bool:
    """Tell whether a result is posted, once its page is this one.

    Raises:
        VerificationError: the signers signed another page.
        RefusalError: they signed none.
    """
    if poll.result is None:
        return False
    if poll.result.page == NO_PAGE:
        raise RefusalError(_("the result is posted without a page"))
    if poll.result.page != page_digest(made):
        raise VerificationError(
            _("the officers signed another page than the one that the record gives"), culprit=Party("presidium")
        )
    return True
