"""Trackers on screen: the short form that people copy, and a QR code of it.

Source: SPEC.md#short-trackers.
"""

from __future__ import annotations

import io

from secballot.errors import StoreError
from secballot.protocol.short_tracker import short_tracker
from secballot_cli.messages import _

__all__ = ["qr_lines", "short_tracker", "tracker_lines"]


def qr_lines(text: str) -> list[str]:
    """Return a QR code of a text as lines of block characters; light modules are blocks, as suits dark terminals.

    Raises:
        StoreError: the extra `client` is not installed.
    """
    try:
        # Only this needs it.
        import segno  # noqa: PLC0415
    except ImportError as error:
        raise StoreError(_("drawing QR codes needs the extra `client`: pip install secballot[client]")) from error
    drawn = io.StringIO()
    segno.make(text, error="m", micro=False).terminal(drawn, compact=True)
    return drawn.getvalue().splitlines()


def tracker_lines(tracker: bytes, *, qr: bool) -> list[str]:
    """Return a tracker as it is shown, with its QR code if that is asked for."""
    short = short_tracker(tracker)
    return ["  " + short, *(qr_lines(short) if qr else [])]
