"""The rule of every kind of entry: what judges its content, and whose fault wrong content is.

The rules bring the protocol and its cryptography with them, so the machine loads this module with the first entry that
it has to judge: whoever reads an empty board, or asks for help, does not wait for them.

Source: SPEC.md#judging-an-entry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from secballot.record import ceremony, closing, convening, polls, registration, setup, tallying
from secballot.record.ballots import judge_ballot
from secballot.record.ceremony import blames, end_session
from secballot.record.setup import check_manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from secballot.record.outcome import Act, Commit
    from secballot.record.state import SittingState

__all__ = ["FAULT_KINDS", "RULES", "blames", "check_manifest", "end_session", "judge_ballot"]

RULES: Final[Mapping[str, Callable[[SittingState, Any, Act], Commit]]] = {
    "adjournment": closing.judge_adjournment,
    "annul": polls.judge_annul,
    "ceremony-commit": ceremony.judge_commit,
    "ceremony-complain": ceremony.judge_complain,
    "ceremony-confirm": ceremony.judge_confirm,
    "ceremony-restart": ceremony.judge_restart,
    "ceremony-reveal": ceremony.judge_reveal,
    "ceremony-shares": ceremony.judge_shares,
    "closing": closing.judge_closing,
    "consent": convening.judge_consent,
    "convening": convening.judge_convening,
    "credential-issue": registration.judge_issue,
    "credential-request": registration.judge_request,
    "decryption": tallying.judge_decryption,
    "document": polls.judge_document,
    "extension": polls.judge_extension,
    "handover": closing.judge_handover,
    "lapse": closing.judge_lapse,
    "manifest": setup.judge_manifest,
    "objection": closing.judge_objection,
    "opening": polls.judge_opening,
    "registrar-key": setup.judge_registrar_key,
    "registration": registration.judge_registration,
    "registration-close": registration.judge_close,
    "result": tallying.judge_result,
    "roll": setup.judge_roll,
}
"""Kind to rule, for every kind but `ballot`, whose rule also takes a verdict found before."""

FAULT_KINDS: Final = ceremony.FAULT_KINDS | {
    "registrar-key",
    "credential-request",
    "credential-issue",
    "consent",
    "decryption",
}
"""Kinds that one key alone may post: wrong content is its holder's fault (SPEC.md#judging-an-entry)."""
