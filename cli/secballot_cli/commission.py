"""`secballot commission`: a member of the mandate commission collects the delegates' cards, and signs the roll.

The roll holds keys and classes, no names. Which delegate has which key is known to the member who saw the delegate and
the card together; it is kept nowhere by this program.

Source: SPEC.md#roll.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import click
import msgspec

from secballot.errors import EncodingError, RefusalError
from secballot.records.entry import encode_body
from secballot.roles.cards import read_card
from secballot.roles.commission import CommissionMember, roll_chunks
from secballot_cli.acting import conclude, show
from secballot_cli.carding import new_options, new_party
from secballot_cli.connecting import confirm, take_seat, yes_option
from secballot_cli.home import Home, party_options, write_private
from secballot_cli.messages import _
from secballot_cli.reading import read_input, sitting_id
from secballot_cli.render import grouped
from secballot_cli.telling import Told, tell

if TYPE_CHECKING:
    from secballot.records.manifest import Manifest
    from secballot_cli.home import Given

_MAX_ROLL: Final = 64 << 20


class _RollFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The member's own roll: roll key in hexadecimal to the name of its class."""

    delegates: dict[str, str]


@click.group()
def commission() -> None:
    """Vouch for who may vote, as one of the mandate commission."""


@commission.command()
@new_options
@party_options
def new(given: Given, *, name: str, card: str | None, small_device: bool) -> int:
    """Make your key for a new sitting, and your public card."""
    tell(new_party("commission", given, name, card=card, small_device=small_device), as_json=given.as_json)
    return 0


@commission.group()
def roll() -> None:
    """Collect delegates' cards, and sign the roll of them."""


@roll.command()
@click.argument("cards", nargs=-1, required=True, type=click.Path())
@click.option("--class", "class_name", required=True, metavar="NAME", help="Class of these delegates.")
@party_options
def add(given: Given, cards: tuple[str, ...], *, class_name: str) -> int:
    """Add the CARDS of delegates whom you have seen, and whose fingerprints you have compared, to your roll."""
    home = Home.find("commission", given)
    known = _read_roll(home)
    found = [read_card(path) for path in cards]
    wrong = [path for path, card in zip(cards, found, strict=True) if card.role != "delegate"]
    if wrong:
        raise RefusalError(_("{path} is no delegate's card").format(path=wrong[0]))
    before = len(known)
    for card in found:
        held = known.setdefault(card.key.hex(), class_name)
        if held != class_name:
            words = _("the delegate of {key}… is on your roll already, in the class {name}")
            raise RefusalError(words.format(key=card.key.hex()[:16], name=held))
    _write_roll(home, known)
    told = Told(
        did=[
            _("{count} delegates added; {total} are on your roll.").format(count=len(known) - before, total=len(known)),
            *("  " + card.fingerprint() for card in found),
        ],
        next=[_("compare these fingerprints with what the delegates read aloud"), "secballot commission roll sign"],
        who=_("you, and every other member of the commission with the same cards"),
        facts={"added": len(known) - before, "total": len(known)},
    )
    tell(told, as_json=given.as_json)
    return 0


@roll.command()
@click.argument("key", type=sitting_id)
@party_options
def remove(given: Given, key: bytes) -> int:
    """Take the delegate with this roll KEY (64 hexadecimal digits) off your roll, for the next registration."""
    home = Home.find("commission", given)
    known = _read_roll(home)
    if known.pop(key.hex(), None) is None:
        raise RefusalError(_("your roll has no delegate with this key"))
    _write_roll(home, known)
    told = Told([_("{total} delegates are on your roll.").format(total=len(known))], facts={"total": len(known)})
    tell(told, as_json=given.as_json)
    return 0


@roll.command("list")
@party_options
def list_(given: Given) -> int:
    """List the keys and classes of your roll."""
    known = _read_roll(Home.find("commission", given))
    lines = [f"{grouped(key)}  {name}" for key, name in sorted(known.items(), key=lambda held: (held[1], held[0]))]
    tell(Told(lines or [_("Your roll is empty.")], facts={"delegates": known}), as_json=given.as_json)
    return 0


@roll.command()
@yes_option
@party_options
def sign(given: Given, *, yes: bool) -> int:
    """Sign the roll of the next registration. It stands when every member has signed the same."""
    seat = take_seat("commission", given)
    chosen = _classes(seat.manifest, _read_roll(seat.home))
    if not chosen:
        raise RefusalError(_("your roll is empty: secballot commission roll add"))
    number = seat.view.state.staged.number
    show([_("Sign the roll of registration {number}:").format(number=number)])
    for index, held in enumerate(seat.manifest.classes, 1):
        count = sum(place == index for place in chosen.values())
        show([_("  {name}: {count} of {seats} seats").format(name=held.name, count=count, seats=held.seats)])
        if 0 < count < seat.manifest.minimum_ballots:
            floor = seat.manifest.minimum_ballots
            show([_("Consider: that is below the privacy floor of {floor}").format(floor=floor)])
    digest = _digest(chosen, number)
    show([_("Digest of this roll, to be compared with the other members': {digest}").format(digest=digest)])
    confirm(_("Sign this?"), yes=yes)
    promises = CommissionMember(seat.key, seat.view, seat.board).sign_roll(chosen)
    return conclude(seat, given, promises[-1], "roll")


def _digest(chosen: dict[bytes, int], number: int) -> str:
    """Return what members compare: 32 digits of the SHA-256 of all chunks."""
    data = b"".join(encode_body("roll", chunk) for chunk in roll_chunks(chosen, number))
    return grouped(hashlib.sha256(data).hexdigest()[:32])


def _classes(manifest: Manifest, known: dict[str, str]) -> dict[bytes, int]:
    """Return roll keys with the indices of their classes.

    Raises:
        RefusalError: the manifest has no such class.
    """
    names = [held.name for held in manifest.classes]
    unknown = sorted({name for name in known.values() if name not in names})
    if unknown:
        words = _("there is no class {name!r}; the manifest has: {names}")
        raise RefusalError(words.format(name=unknown[0], names=", ".join(names)))
    return {bytes.fromhex(key): names.index(name) + 1 for key, name in known.items()}


def _read_roll(home: Home) -> dict[str, str]:
    path = home.folder / "roll.json"
    if not path.exists():
        return {}
    try:
        held = msgspec.json.decode(read_input(path, _MAX_ROLL), type=_RollFile)
        for key in held.delegates:
            sitting_id(key)
    except (msgspec.DecodeError, UnicodeDecodeError, click.BadParameter) as error:
        raise EncodingError(_("{path} is garbled").format(path=path)) from error
    return held.delegates


def _write_roll(home: Home, known: dict[str, str]) -> None:
    write_private(home.folder / "roll.json", msgspec.json.encode(_RollFile(dict(sorted(known.items())))))
