"""Errors in the reader's language: what kind of error it is, what was said of it, and which check would have to hold.

The library speaks English and knows nothing of languages. Its errors have a class and mostly a check id, and each of
these has a sentence here or in the register of checks, which translators know. So has what the library says of it,
where a person can come to read that: as it stands, or as a template. All else stays as the library gave it, for
whoever searches for it. In English the line is the library's own.

Source: SPEC.md#errors-and-blame, SPEC.md#checks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from secballot import errors
from secballot_cli.messages import _, is_english, translated

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS: Final[Mapping[type[errors.SecballotError], str]] = {
    errors.SecballotError: "it did not work",
    errors.EncodingError: "this is garbled, or something else than expected",
    errors.NonCanonicalError: "this is not written in the one way that is allowed",
    errors.VerificationError: "a check has failed",
    errors.InvalidProofError: "a proof is false",
    errors.InvalidSignatureError: "a signature is false",
    errors.InvalidShareError: "a share of the key is false",
    errors.RecordError: "an entry contradicts the log before it",
    errors.InconsistentLogError: "the log contradicts itself or what was seen before",
    errors.PolicyError: "what trust depends on is not met",
    errors.ProtocolError: "this step is not possible now",
    errors.PhaseError: "it is not the time for this step",
    errors.RefusalError: "refused",
    errors.NotEnoughSharesError: "there are too few shares",
    errors.StoreError: "trouble with a file or database",
    errors.LostStateError: "what must not be lost is lost",
    errors.TransportError: "trouble with the network",
}
"""What an error of each class means; of a class that is not here, what its nearest base means."""


def kind_of(error: errors.SecballotError) -> str:
    """Return what an error's class means, in English."""
    return next(words for kind in type(error).__mro__ if (words := KINDS.get(kind)) is not None)


def error_words(error: errors.SecballotError) -> str:
    """Return one line about an error in the reader's language: check id, kind, message, what has to hold, culprit."""
    if is_english():
        return error.diagnostics()
    # Only other languages need the templates.
    from secballot_cli.templates import said  # noqa: PLC0415

    line = f"{translated(kind_of(error))}: {said(error.message)}"
    if error.check is not None:
        line = f"[{error.check}] {line}"
        if statement := check_words(error.check):
            line += _("; what has to hold: {statement}").format(statement=statement)
    if error.culprit is not None and error.culprit != errors.NOBODY:
        line += _(" (blames {party})").format(party=party_words(error.culprit))
    return line


def check_words(check: errors.CheckId) -> str:
    """Return in the reader's language what holds where a check passes; nothing of an id that is not registered."""
    # Only errors need it, and it loads the kinds of entries.
    from secballot.audit.checks import REGISTER  # noqa: PLC0415

    return translated(REGISTER[check].statement) if check in REGISTER else ""


def party_words(party: errors.Party) -> str:
    """Return in the reader's language whom an error blames."""
    words = {
        "presidium": _("officer") if party.index else _("the presidium"),
        "commission": _("commission member") if party.index else _("the commission"),
        "registrar": _("registrar"),
        "trustee": _("trustee"),
        "witness": _("witness"),
        "board": _("the board"),
        "delegate": _("delegate"),
    }
    named = words.get(party.role, party.role)
    return f"{named} {party.index}" if party.index else named
