"""Consent of registrars and trustees to one log prefix, and the convening that rests on it.

Source: SPEC.md#convening.
"""

from __future__ import annotations

from secballot.encoding import CanonicalCodec
from secballot.records.fields import Bytes32, Index, NoteText, Record, Uint


class Consent(Record, frozen=True):
    """The signer saw this joint key and this root at the end of the registration."""

    joint_key: Bytes32
    registration: Index
    root: Bytes32
    size: Uint


class Convening(Record, frozen=True):
    """Opens the polls of a registration; embeds a witnessed checkpoint over the consents."""

    checkpoint: NoteText
    registration: Index


CONSENT = CanonicalCodec(Consent)
CONVENING = CanonicalCodec(Convening)
