"""An opened ballot: what a device shows instead of casting, and how any other device checks it.

An opened ballot has no response z and never will: the nonce behind T is gone. From seed, choices and T every other
byte of the entry follows, and with them the tracker that was shown before the delegate chose to open::

    {"choices":[[1,0,0]],"class":1,"commitment":"…","credential":"…","ctx":"…","previous":"…","randomizers":"…",
     "seed":"…","sequence":0,"signatures":"…","tag":"3164225163"}

Source: SPEC.md#sealing.
"""

from __future__ import annotations

import hmac
from typing import Annotated

import msgspec

from secballot.encoding import CanonicalCodec, Uint
from secballot.errors import NOBODY, RefusalError, VerificationError
from secballot.protocol.ballot_encryption import EncryptedBallot
from secballot.protocol.ballot_layout import BallotContext, ballot_fields
from secballot.protocol.short_tracker import short_tracker
from secballot.records.ballot import BallotWithoutResponse, tracker
from secballot.records.fields import Bytes32, Digest, Index, Record, Tag, Variable
from secballot.transcript import challenge

Values = tuple[Annotated[int, msgspec.Meta(ge=0, le=100)], ...]
"""The value of every option of one contest."""


class OpenedBallot(Record, frozen=True):
    """All that another device needs to recompute a ballot that was opened; the repr does not show it.

    It is for the delegate's own eyes: it tells what this ballot would have said, and names the credential.

    Attributes:
        seed: the 32 bytes that all secrets of the ballot derive from, except the one behind T.
        commitment: T, 32 bytes.
        choices: the value of every option of every contest open to the class.
    """

    choices: Annotated[tuple[Values, ...], msgspec.Meta(min_length=1, max_length=100)]
    class_index: Index = msgspec.field(name="class")
    commitment: Bytes32 = msgspec.field()
    credential: Bytes32 = msgspec.field()
    ctx: Digest = msgspec.field()
    previous: Digest = msgspec.field()
    randomizers: Variable = msgspec.field()
    seed: Bytes32 = msgspec.field()
    sequence: Uint = msgspec.field()
    signatures: Variable = msgspec.field()
    tag: Tag = msgspec.field()

    def __repr__(self) -> str:
        """Return a text that shows neither choices nor credential."""
        return "OpenedBallot(<redacted>)"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """Keep rich from listing the fields."""
        return []

    def encode(self) -> bytes:
        """Return the canonical JSON of what is shown.

        Raises:
            EncodingError: a field is out of range.
        """
        return _OPENED.encode(self)

    @staticmethod
    def decode(data: bytes) -> OpenedBallot:
        """Return the opened ballot that these bytes are.

        Raises:
            EncodingError: not the canonical JSON of an opened ballot.
        """
        return _OPENED.decode(data)


_OPENED = CanonicalCodec(OpenedBallot)


def recompute(context: BallotContext, opened: OpenedBallot) -> BallotWithoutResponse:
    """Return every byte of the ballot but z, as its seed, choices and T give them.

    Raises:
        VerificationError: it is of another poll, or says what no ballot of its class may say.

    Source: SPEC.md#sealing.
    """
    if opened.ctx != context.ctx:
        raise VerificationError("the opened ballot is of another poll", culprit=NOBODY)
    header = BallotWithoutResponse(
        class_index=opened.class_index,
        commitment=opened.commitment,
        contests=(),
        credential=opened.credential,
        ctx=opened.ctx,
        previous=opened.previous,
        randomizers=opened.randomizers,
        sequence=opened.sequence,
        signatures=opened.signatures,
        tag=opened.tag,
    )
    try:
        encrypted = EncryptedBallot(context, header, opened.choices, opened.seed)
    except RefusalError as error:
        raise VerificationError(f"no honest device seals such a ballot: {error.message}", culprit=NOBODY) from error
    e = challenge("ballot", *ballot_fields(context, encrypted.draft), opened.commitment)
    return encrypted.answer(opened.commitment, e)


def check_opened(context: BallotContext, opened: OpenedBallot, expected_tracker: bytes) -> None:
    """Check that the ballot whose tracker the device showed says what the device now claims it says.

    Args:
        context: the poll, from the checking device's own reading of the log.
        opened: what the sealing device shows; its choices are for the delegate to compare with what was entered.
        expected_tracker: the 32 bytes that the device showed before it was told to open.

    Raises:
        VerificationError: the recomputed ballot has another tracker, or `recompute` refuses it: the sealing device
            is broken or lies.

    Source: SPEC.md#sealing.
    """
    if not hmac.compare_digest(tracker(recompute(context, opened)), expected_tracker):
        raise VerificationError("the opened ballot is not the one whose tracker was shown", culprit=NOBODY)


def check_opened_by_short(context: BallotContext, opened: OpenedBallot, short: str) -> None:
    """Check the same where a person has only noted the short form of the tracker.

    Args:
        context: the poll, from the checking device's own reading of the log.
        opened: what the sealing device shows.
        short: as `read_short_tracker` returns it; what was noted before the device was told to open.

    Raises:
        VerificationError: as `check_opened`.

    Source: SPEC.md#short-trackers, SPEC.md#sealing.
    """
    if not hmac.compare_digest(short_tracker(tracker(recompute(context, opened))).encode(), short.encode()):
        raise VerificationError("the opened ballot is not the one whose tracker was shown", culprit=NOBODY)
