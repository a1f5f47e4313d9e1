"""The commented template of a sitting, with the keys of all cards filled in.

Source: SPEC.md#manifest.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from secballot.errors import EncodingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from secballot.roles.cards import Card

_HEAD = """\
# A sitting, before it is founded. Fill in what is marked FILL IN, read the rest, then: secballot officer draft {name}
# Nothing of this can be changed once the sitting is founded.

title = ""        # FILL IN: what is read at the top of every ballot and result; at most 300 bytes
origin = {origin}   # name of the log; the 32 digits are random, and stay as they are

[needed]
presidium = {presidium}              # officers that sign each act. More than half of them is a good choice
trustees_to_decrypt = {threshold}    # together they decrypt, and fewer learn nothing. More than half; at least 2
trustees_to_convene = {minimum}    # that must still be there when voting begins; spare ones may be lost later
witnesses = {quorum}              # that must cosign; twice this is more than all witnesses + dishonest_witnesses
dishonest_witnesses = {dishonest}    # how many witnesses may be in league with the board

[limits]
polls = 10                   # most polls. Every registrar makes one RSA key for each poll and class: a second each
ceremony_sessions = 5        # how often the key ceremony may begin anew. Number of trustees to lose, and one more
ballots_per_credential = 20  # how often one delegate may vote anew in one poll
smallest_group = 5           # the privacy floor: what fewer delegates voted together is never decrypted

[seconds]
grace = 86400        # how long after its end a poll can still be closed; a day outlasts a flood of traffic
objection = 3600     # how long after the closing delegates can object that their ballot was dropped; at least an hour
decryption = 259200  # after this, the sitting may end without a poll whose trustees are gone
extension = 7200     # by how much a poll's end can be moved, once
promise = 600        # within this the board must show what it has accepted

# Classes of delegates. `seats` is the most delegates of the class, `weight` what one vote counts. A class needs at
# least `smallest_group` delegates, and all classes of one weight together twice that: groups of one weight are public.
[[classes]]
name = "delegates"   # FILL IN
seats = 100          # FILL IN
weight = 1

# How contests are decided. A poll names one of these rules for each of its questions.
#   decision       "adopt": for / against / others;  "elect": the `seats` options with most votes
#   open_at_least  seconds that a poll under these rules is open at least
#   quorum         share of whom must take part: of = "roll" or "registered"; by = "count" or "weight"
#   majority       share of which votes an option needs: of = "cast" (all), "decided" (for and against) or "roll";
#                  more_than = true: more than the share, false: at least the share
[[rules]]
name = "resolution"
decision = "adopt"
classes = ["delegates"]
open_at_least = 1800
quorum = {{ share = "1/2", of = "roll", by = "count" }}
majority = {{ share = "1/2", of = "decided", more_than = true }}

[[rules]]
name = "two-thirds"
decision = "adopt"
classes = ["delegates"]
open_at_least = 1800
quorum = {{ share = "2/3", of = "roll", by = "count" }}
majority = {{ share = "2/3", of = "cast", more_than = false }}

[[rules]]
name = "council"
decision = "elect"
classes = ["delegates"]
open_at_least = 3600
quorum = {{ share = "1/2", of = "roll", by = "count" }}
majority = {{ share = "0/1", of = "cast", more_than = true }}
seats = 11

# The parties, from their cards. Compare each fingerprint with what its holder reads aloud.
"""

_GROUPS = (
    ("presidium", "officer"),
    ("commission", "commission"),
    ("registrars", "registrar"),
    ("trustees", "trustee"),
    ("witnesses", "witness"),
)


def draft_template(cards: Sequence[Card], nonce: bytes, *, name: str) -> str:
    """Return the template with the parties of these cards.

    Args:
        cards: of all parties; of several boards the first runs the log and the others are its successors.
        nonce: 16 random bytes for the log's origin.
        name: of the file, for the command in its first line.

    Raises:
        EncodingError: a party has no card, or a delegate's is among them.
    """
    counts = {role: sum(card.role == role for card in cards) for _, role in (*_GROUPS, ("", "board"))}
    missing = [role for role, count in counts.items() if not count]
    if missing:
        raise EncodingError(f"there is no card of the role {missing[0]}")
    if any(card.role == "delegate" for card in cards):
        raise EncodingError("cards of delegates go to the commission: secballot commission roll add")
    board, *successors = [card for card in cards if card.role == "board"]
    trustees, witnesses = counts["trustee"], counts["witness"]
    threshold = 1 if trustees == 1 else max(2, trustees // 2 + 1)
    dishonest = (witnesses - 1) // 3
    head = _HEAD.format(
        name=name,
        origin=_quoted(f"{board.name.lower()}/{nonce.hex()}"),
        presidium=counts["officer"] // 2 + 1,
        threshold=threshold,
        minimum=max(threshold, trustees - 1),
        quorum=(witnesses + dishonest) // 2 + 1,
        dishonest=dishonest,
    )
    parts = [head]
    for table, role in _GROUPS:
        parts += [_entry(f"[[{table}]]", card) for card in cards if card.role == role]
    parts.append(_entry("[board]", board))
    parts += [_entry("[[successors]]", card) for card in successors]
    return "".join(parts)


def _quoted(text: str) -> str:
    """Return a card's text as TOML has it: whatever its maker put in, it ends where it ends."""
    return json.dumps(text, ensure_ascii=False)


def _entry(table: str, card: Card) -> str:
    lines = [table, f"name = {_quoted(card.name)}   # fingerprint {card.fingerprint()}"]
    lines.append(f'key = "{card.key.hex()}"')
    if card.promise_key:
        lines.append(f'promise_key = "{card.promise_key.hex()}"')
    return "\n".join(lines) + "\n\n"
