"""Seal a ballot on the delegate's device, then cast it or open it: one way, and never both.

- `seal` makes all of the ballot except its response z, and so the tracker, which is shown first.
- `cast` computes z, which only the holder of the credential's secret can, and forgets seed and nonce.
- `open` forgets the nonce, so that z never exists, and shows the seed, so that any other device can recompute the
  ballot (`check_opened`). Whether a device is honest is thus tested on ballots it could not know would be opened.

Time and randomness are arguments: the role draws the seed and the fresh bytes.

Source: SPEC.md#sealing.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final, NoReturn

from secballot.errors import PhaseError, RefusalError
from secballot.group import ENCODED_BYTES, Scalars, multiply_base
from secballot.protocol.ballot_encryption import Choices, EncryptedBallot, check_choices
from secballot.protocol.ballot_layout import ballot_fields
from secballot.protocol.opened import OpenedBallot, check_opened, recompute
from secballot.records.ballot import Ballot, BallotWithoutResponse, tracker
from secballot.transcript import challenge, digest

if TYPE_CHECKING:
    from typing import SupportsIndex

    from secballot.protocol.ballot_layout import BallotContext
    from secballot.protocol.registration import Credential

__all__ = [
    "Choices",
    "OpenedBallot",
    "SealedBallot",
    "check_choices",
    "check_opened",
    "check_tag",
    "recompute",
    "seal",
]

TAG_DIGITS: Final = 10
DIE: Final = "123456"

_LEAST_DIFFERENT: Final = 3
_LONGEST_PERIOD: Final = TAG_DIGITS // 2


def check_tag(tag: str) -> None:
    """Check that a tag is ten dice digits which nobody else is likely to make up as well.

    Refused are tags of one or two different digits, tags that repeat a piece of at most five digits, and tags whose
    digits go on by a constant step (6 is followed by 1) or by no more than one up or down. Of ten digits really
    thrown, fewer than 3 in 1,000 look like that.

    Raises:
        RefusalError: not ten digits 1 to 6, or a trivial pattern.

    Source: SPEC.md#ballot-form.
    """
    if len(tag) != TAG_DIGITS or any(digit not in DIE for digit in tag):
        raise RefusalError("a tag is exactly ten digits from 1 to 6, such as ten throws of a die")
    steps = [DIE.index(after) - DIE.index(before) for before, after in pairwise(tag)]
    trivial = (
        len(set(tag)) < _LEAST_DIFFERENT
        or any(tag[period:] == tag[:-period] for period in range(1, _LONGEST_PERIOD + 1))
        or len({step % len(DIE) for step in steps}) == 1
        or all(abs(step) <= 1 for step in steps)
    )
    if trivial:
        raise RefusalError("the tag is a pattern that others may choose too; throw a die ten times")


class _Unfinished:
    """What casting or opening still needs; exactly one of them gets it."""

    __slots__ = ("choices", "e", "nonce", "secret", "seed")

    def __init__(self, *, choices: Choices, e: int, nonce: Scalars, secret: Scalars, seed: bytes) -> None:
        self.choices = choices
        self.e = e
        self.nonce = nonce
        self.secret = secret
        self.seed = seed

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("a sealed ballot holds secrets and is neither pickled nor copied")


class SealedBallot:
    """A ballot of which all is fixed but z: to be cast or opened, once.

    Attributes:
        tracker: SHA-256 of the ballot's entry without z, 32 bytes; shown before the delegate decides.
    """

    __slots__ = ("_body", "_unfinished", "tracker")

    def __init__(self, body: BallotWithoutResponse, unfinished: _Unfinished) -> None:
        """Hold the public body beside what finishes it; made by `seal`."""
        self._body = body
        # A list, because pop() hands its one item to one caller even if two threads ask.
        self._unfinished = [unfinished]
        self.tracker = tracker(body)

    def cast(self) -> Ballot:
        """Return the finished ballot, with z = t + e·s; seed, choices and nonce are dropped.

        Raises:
            PhaseError: it was cast or opened before.

        Source: SPEC.md#sealing.
        """
        rest = self._finish()
        response = rest.nonce + Scalars.from_ints([rest.e]) * rest.secret
        fields = {name: getattr(self._body, name) for name in BallotWithoutResponse.__struct_fields__}
        return Ballot(**fields, response=response.encode())

    def open(self) -> OpenedBallot:
        """Return what another device needs to recompute the ballot; the nonce is dropped, so z will never exist.

        Raises:
            PhaseError: it was cast or opened before.

        Source: SPEC.md#sealing.
        """
        rest, body = self._finish(), self._body
        return OpenedBallot(
            choices=rest.choices,
            class_index=body.class_index,
            commitment=body.commitment,
            credential=body.credential,
            ctx=body.ctx,
            previous=body.previous,
            randomizers=body.randomizers,
            seed=rest.seed,
            sequence=body.sequence,
            signatures=body.signatures,
            tag=body.tag,
        )

    def _finish(self) -> _Unfinished:
        """Hand out the secrets once and forget them."""
        try:
            return self._unfinished.pop()
        except IndexError as error:
            raise PhaseError("the ballot was cast or opened already; it can be neither again") from error

    def __repr__(self) -> str:
        """Return a text that shows no secret, choice or credential."""
        return "SealedBallot(<redacted>)"

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        """Refuse to be pickled or copied: a copy could be opened after the ballot is cast."""
        raise TypeError("a sealed ballot holds secrets and is neither pickled nor copied")


def seal(
    context: BallotContext,
    credential: Credential,
    secret: Scalars,
    choices: Choices,
    *,
    sequence: int,
    previous: bytes,
    tag: str,
    seed: bytes,
    fresh: bytes,
) -> SealedBallot:
    """Return the ballot with everything fixed but z.

    Args:
        context: the poll.
        credential: the public parts of this poll's credential.
        secret: its secret s.
        choices: per contest open to the class, the value of every option.
        sequence: 0, or one more than that of the credential's head.
        previous: leaf hash of the credential's head, or 32 zero bytes.
        tag: ten dice digits that the delegate made up for this ballot.
        seed: 32 random bytes, drawn for this ballot alone.
        fresh: 32 further random bytes, for the nonce.

    Raises:
        RefusalError: the choices or the tag may not be so, or the secret is not the credential's.
        ValueError: seed, fresh or previous has not 32 bytes; a bug of the caller.

    Source: SPEC.md#sealing.
    """
    check_tag(tag)
    if multiply_base(secret).encode() != credential.S:
        raise RefusalError("the secret does not belong to the credential")
    if {len(seed), len(fresh), len(previous)} != {ENCODED_BYTES}:
        raise ValueError("seed, fresh and previous are 32 bytes each")
    header = BallotWithoutResponse(
        class_index=credential.class_index,
        commitment=bytes(ENCODED_BYTES),
        contests=(),
        credential=credential.S,
        ctx=context.ctx,
        previous=previous,
        randomizers=credential.randomizers,
        sequence=sequence,
        signatures=credential.signatures,
        tag=tag,
    )
    encrypted = EncryptedBallot(context, header, choices, seed)
    fields = ballot_fields(context, encrypted.draft)
    # Hedged: a weak seed or a copied device state still gives every statement its own nonce.
    statement = digest("ballot", *fields, bytes(ENCODED_BYTES))
    nonce = Scalars.from_wide(digest("ballot-nonce", secret.encode(), fresh, statement))
    commitment = multiply_base(nonce).encode()
    e = challenge("ballot", *fields, commitment)
    body = encrypted.answer(commitment, e)
    return SealedBallot(body, _Unfinished(choices=choices, e=e, nonce=nonce, secret=secret, seed=seed))
