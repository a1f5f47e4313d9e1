"""The register of checks: every stable id with its statement, its heading in SPEC.md, and when it must have run.

The table of SPEC.md#checks is `table()`, and a test compares them. `SEQUENCES` gives the order in which an entry of
each kind meets its checks: one that took effect passed them all, one that was refused passed those before the check
that refused it. ENT-02 is retired and not given out again.

Source: SPEC.md#checks.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from secballot.records.entry import CODECS, UNSIGNED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from secballot.errors import CheckId


class Phase(StrEnum):
    """How far a sitting must have come for a check to be due; the value finishes the sentence "due once …"."""

    ENTRIES = "there is an entry"
    ANCHOR = "a trust anchor is given"
    MANIFEST = "the manifest is complete"
    CEREMONY = "the ceremony is complete"
    REGISTRATION = "a registration has taken effect"
    CONVENING = "a registration is convened"
    OPENING = "a poll is opened"
    CLOSING = "a poll is closed"
    OPENED = "a contest is decrypted"
    RESULT = "a result is posted"
    ADJOURNMENT = "the sitting is adjourned"
    OCCASION = "it occurs"


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Attributes:
        id: stable and never reused.
        heading: anchor in SPEC.md, without `#`.
        statement: what holds where it passes.
        due: from when on a run without it is no whole audit.
    """

    id: CheckId
    heading: str
    statement: str
    due: Phase

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of entry that meet it, in alphabetical order; none for what is checked of the log as a whole."""
        return tuple(kind for kind, checks in SEQUENCES.items() if self.id in checks)


CHECKS: Final[tuple[Check, ...]] = (
    Check("ENT-01", "judging-an-entry", "the bytes are a well-formed, canonical entry", Phase.ENTRIES),
    Check("ENT-03", "judging-an-entry", "the sitting has its manifest and is not over", Phase.MANIFEST),
    Check("ENT-04", "judging-an-entry", "the signer's key is of a role that may sign the kind", Phase.MANIFEST),
    Check("ENT-05", "judging-an-entry", "the signer's key is acceptable and the signature verifies", Phase.MANIFEST),
    Check("ENT-06", "judging-an-entry", "in phase, slot free, no repetition", Phase.MANIFEST),
    Check("SIT-01", "manifest", "the manifest is that of the trust anchor", Phase.ANCHOR),
    Check("SIT-02", "manifest", "the manifest's parameters go together, and the quorum withstands d", Phase.MANIFEST),
    Check("SIT-03", "manifest", "every key of the manifest is acceptable, and no two are equal", Phase.MANIFEST),
    Check("CER-01", "ceremony", "the reveal opens its round 0 commitment", Phase.CEREMONY),
    Check("CER-02", "ceremony", "a reveal has exactly t commitments, and all its elements decode", Phase.CEREMONY),
    Check("CER-03", "ceremony", "the trustee knows C_0's secret and the encryption key's", Phase.CEREMONY),
    Check("CER-04", "ceremony", "one sealed share and one ephemeral for each participant", Phase.CEREMONY),
    Check("CER-05", "ceremony", "no share is shown to be bad", Phase.OCCASION),
    Check("CER-06", "ceremony", "a complaint opens the disputed share, and the share is bad", Phase.OCCASION),
    Check("CER-07", "ceremony", "all participants confirm this log's transcript", Phase.CEREMONY),
    Check("CER-08", "ceremony", "a restart names the round, the silent and the others rightly", Phase.OCCASION),
    Check("CER-09", "ceremony", "the joint key is not the identity", Phase.CEREMONY),
    Check("CER-10", "ceremony", "no second content for one round", Phase.CEREMONY),
    Check("REG-01", "roll", "a roll chunk fits the next registration, its class and the seats", Phase.REGISTRATION),
    Check("REG-02", "registrar-keys", "the modulus has the right form, and there is one a slot", Phase.REGISTRATION),
    Check("REG-03", "registrar-keys", "eight roots certify that the key blinds perfectly", Phase.REGISTRATION),
    Check("REG-04", "registrar-keys", "no two moduli share a factor", Phase.REGISTRATION),
    Check("REG-05", "registration-act", "ceremony, roll and keys are complete, no class small", Phase.REGISTRATION),
    Check("REG-06", "requests", "a request covers its polls once, with admissible blinded values", Phase.OPENED),
    Check("REG-07", "issues", "every answer is the registrar's signature on its request", Phase.OPENED),
    Check("REG-08", "registration-close", "the current registration is closed once", Phase.CONVENING),
    Check("CON-01", "convening", "a consent names this log, the registration's end and the joint key", Phase.CONVENING),
    Check("CON-02", "convening", "the consents needed lie below the convening's checkpoint", Phase.CONVENING),
    Check("POL-01", "documents", "the chunks hash to the document named", Phase.OCCASION),
    Check("POL-02", "opening", "an opening fits convening, rules, documents and the ballots' size", Phase.OPENING),
    Check("POL-03", "extension", "an open poll is extended once, within the limit", Phase.OCCASION),
    Check("POL-04", "closing", "witnessed times: late enough, in time, and open long enough", Phase.CLOSING),
    Check("POL-05", "closing", "no accepted ballot lies between the checkpoint and the closing", Phase.CLOSING),
    Check("POL-06", "lapse", "witnessed times say that nobody can close the poll any more", Phase.OCCASION),
    Check("POL-07", "objection", "the board's promise for a good ballot is broken", Phase.OCCASION),
    Check("POL-08", "annulment", "the poll is open or closed, and nothing of it decrypted", Phase.OCCASION),
    Check("POL-09", "adjournment", "every poll is finished, or its decryption overdue", Phase.ADJOURNMENT),
    Check("BAL-01", "admission", "the ballot names an effective opening", Phase.OPENED),
    Check("BAL-02", "admission", "its poll is open", Phase.OPENED),
    Check("BAL-03", "admission", "sequence and previous continue the credential's head", Phase.OPENED),
    Check("BAL-04", "admission", "class and credential are those of the first ballot", Phase.OPENED),
    Check("BAL-05", "admission", "the credential has ballots left", Phase.OPENED),
    Check("BAL-06", "admission", "the class votes here, and every size is right", Phase.OPENED),
    Check("BAL-07", "admission", "credential, commitment and response decode", Phase.OPENED),
    Check("BAL-08", "admission", "every registrar signed the credential", Phase.OPENED),
    Check("BAL-09", "admission", "the credential's owner made the whole ballot", Phase.OPENED),
    Check("BAL-10", "admission", "every challenge and response is a scalar", Phase.OPENED),
    Check("BAL-11", "admission", "every ciphertext and commitment decodes", Phase.OPENED),
    Check("BAL-12", "admission", "every option holds one of its values", Phase.OPENED),
    Check("BAL-13", "admission", "every contest's sum is within its limits", Phase.OPENED),
    Check("TAL-01", "closing", "no more credentials voted than were answered for", Phase.CLOSING),
    Check("TAL-02", "privacy-floor", "only contests at the floor may be decrypted", Phase.CLOSING),
    Check("TAL-03", "partial-decryption", "a decryption is of this tally and has its size", Phase.OPENED),
    Check("TAL-04", "partial-decryption", "the trustee decrypted with its share of the joint key", Phase.OPENED),
    Check("TAL-05", "counts", "the decrypted counts are possible ones", Phase.OPENED),
    Check("RES-01", "result", "the posted result is the recomputed one", Phase.RESULT),
    Check("LOG-01", "the-record", "a checkpoint at hand satisfies the witness quorum", Phase.MANIFEST),
    Check("LOG-02", "the-record", "its root is the entries' root, and no other contradicts it", Phase.MANIFEST),
    Check("LOG-03", "embedded-checkpoints", "an embedded checkpoint is good in form and signed", Phase.CONVENING),
    Check("LOG-04", "embedded-checkpoints", "an embedded checkpoint has this log's root", Phase.CONVENING),
    Check("LOG-05", "the-record", "entries at hand beyond the record are left aside and reported", Phase.MANIFEST),
    Check("LOG-06", "handover", "a handover names the next successor, this size and root", Phase.OCCASION),
)
"""Every check, in the order of SPEC.md#checks."""

REGISTER: Final[Mapping[CheckId, Check]] = {check.id: check for check in CHECKS}

_EMBEDDED = ("LOG-03", "LOG-04")
_CONTENT: Final[Mapping[str, tuple[CheckId, ...]]] = {
    "adjournment": (*_EMBEDDED, "POL-09"),
    "annul": ("POL-08",),
    "ballot": tuple(f"BAL-{number:02}" for number in range(1, 14)),
    "ceremony-commit": ("CER-10",),
    "ceremony-complain": ("CER-10", "CER-06", "CER-05"),
    "ceremony-confirm": ("CER-10", "CER-07"),
    "ceremony-restart": ("CER-08",),
    "ceremony-reveal": ("CER-10", "CER-02", "CER-01", "CER-03"),
    "ceremony-shares": ("CER-10", "CER-04"),
    "closing": (*_EMBEDDED, "POL-04", "POL-05", "TAL-01", "TAL-02"),
    "consent": ("CON-01",),
    # The convening's own conditions stand around the checkpoint: one refused by CON-02 is not counted for LOG-03.
    "convening": ("CON-02", *_EMBEDDED),
    "credential-issue": ("REG-07",),
    "credential-request": ("REG-06",),
    "decryption": ("TAL-03", "TAL-04"),
    "document": ("POL-01",),
    "extension": ("POL-03",),
    "handover": ("LOG-06",),
    "lapse": (*_EMBEDDED, "POL-06"),
    "manifest": (),
    "objection": ("POL-07",),
    "opening": ("POL-02",),
    "registrar-key": ("REG-02", "REG-03", "REG-04"),
    "registration": ("REG-05",),
    "registration-close": ("REG-08",),
    "result": ("RES-01",),
    "roll": ("REG-01",),
}


def _sequence(kind: str) -> tuple[CheckId, ...]:
    parameters = ("SIT-01", "SIT-02", "SIT-03") if kind == "manifest" else ()
    author = () if kind in UNSIGNED else ("ENT-04", "ENT-05")
    # A ballot has no slot: that its poll is open is BAL-02.
    slot = () if kind == "ballot" else ("ENT-06",)
    return ("ENT-01", "ENT-03", *parameters, *author, *slot, *_CONTENT[kind])


SEQUENCES: Final[Mapping[str, tuple[CheckId, ...]]] = {kind: _sequence(kind) for kind in sorted(CODECS)}
"""For every kind of entry the checks that it meets, in order (SPEC.md#judging-an-entry)."""


def table() -> str:
    """Return the table of SPEC.md#checks in Markdown, one line a check."""
    lines = ["| id | what holds | of | due once |", "|---|---|---|---|"]
    for check in CHECKS:
        where = f"[{_kinds_text(check)}](#{check.heading})"
        lines.append(f"| {check.id} | {check.statement} | {where} | {check.due} |")
    return "\n".join(lines) + "\n"


def _kinds_text(check: Check) -> str:
    if len(check.kinds) == len(SEQUENCES):
        return "every entry"
    if len(check.kinds) >= len(SEQUENCES) - len(UNSIGNED):
        return "every entry but " + ", ".join(kind for kind in SEQUENCES if kind not in check.kinds)
    return ", ".join(check.kinds) or {"CER-09": "ceremony-reveal", "TAL-05": "decryption"}.get(check.id, "the log")
