"""The error hierarchy of the library: what went wrong, which check said so, and who is to blame.

A check raises and returns nothing; it never answers with a boolean that a caller could ignore.
Errors about a record carry the check id of SPEC.md#checks and the culprit, so that a program can act on them
and an auditor can publish them. Messages hold no secret, no vote and no credential.

Source: SPEC.md#errors-and-blame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

CheckId = str
"""A stable check id such as `BAL-03`, as listed in SPEC.md#checks."""


@dataclass(frozen=True, slots=True, order=True)
class Party:
    """One party of a sitting, as errors and reports name it.

    Attributes:
        role: `presidium`, `commission`, `registrar`, `trustee`, `witness`, `board`, `delegate`, or `nobody` when
            the evidence points at no single party.
        index: 1-based position in the manifest; 0 for a role with one holder, for `delegate` and for `nobody`.
    """

    role: str
    index: int = 0

    def __str__(self) -> str:
        """Render as `trustee 3`, or the bare role where there is only one holder."""
        return f"{self.role} {self.index}" if self.index else self.role


NOBODY = Party("nobody")
"""The culprit of a failure that the evidence pins on no single party."""


class SecballotError(Exception):
    """Base of every error this library raises on purpose.

    Attributes:
        check: id of the check that failed, or None where no check of SPEC.md#checks applies.
        culprit: the party the evidence points at, `NOBODY` where it points at none, None where not yet known.
    """

    def __init__(self, message: str, *, check: CheckId | None = None, culprit: Party | None = None) -> None:
        """Keep the message for people, the check id and culprit for programs."""
        super().__init__(message)
        self.message = message
        self.check = check
        self.culprit = culprit

    def diagnostics(self) -> str:
        """Return one readable line: check id, message, culprit."""
        parts = [f"[{self.check}] {self.message}" if self.check else self.message]
        if self.culprit is not None and self.culprit != NOBODY:
            parts.append(f"(blames {self.culprit})")
        return " ".join(parts)


class EncodingError(SecballotError):
    """The bytes are malformed.

    Attributes:
        field: name of the field that is wrong, empty if the whole is.
        offset: position in bytes (or index in a vector) of the fault, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        field: str = "",
        offset: int | None = None,
        check: CheckId | None = None,
        culprit: Party | None = None,
    ) -> None:
        """Keep where the fault is beside the message."""
        super().__init__(message, check=check, culprit=culprit)
        self.field = field
        self.offset = offset


class NonCanonicalError(EncodingError):
    """The bytes parse, but are not the ones that encoding the value gives."""


class VerificationError(SecballotError):
    """Well-formed and false.

    Attributes:
        evidence: bytes that may be published and that show the fault to a third party; may be empty.
    """

    def __init__(
        self,
        message: str,
        *,
        check: CheckId | None = None,
        culprit: Party | None = None,
        evidence: bytes = b"",
    ) -> None:
        """Keep the publishable evidence beside the message."""
        super().__init__(message, check=check, culprit=culprit)
        self.evidence = evidence


class InvalidProofError(VerificationError):
    """A zero-knowledge proof does not verify."""


class InvalidSignatureError(VerificationError):
    """A signature does not verify, or its key is not acceptable."""


class InvalidShareError(VerificationError):
    """A secret share does not fit its dealer's commitments."""


class RecordError(VerificationError):
    """An entry contradicts what precedes it in the log."""


class InconsistentLogError(VerificationError):
    """Two views of one log contradict each other: a split view or a rollback."""


class PolicyError(SecballotError):
    """The witness quorum or another trust policy is not met."""


class ProtocolError(SecballotError):
    """A step was asked for that is out of order or impossible."""


class PhaseError(ProtocolError):
    """The step belongs to another phase of the sitting."""


class RefusalError(ProtocolError):
    """A party rightly refuses to act; nothing is broken, and the message says what would have to change."""


class NotEnoughSharesError(ProtocolError):
    """Fewer valid shares than the threshold.

    Attributes:
        needed: the threshold, trustees needed.
        got: valid shares at hand.
    """

    def __init__(self, message: str, *, needed: int, got: int, check: CheckId | None = None) -> None:
        """Keep both counts beside the message."""
        super().__init__(message, check=check)
        self.needed = needed
        self.got = got


class StoreError(SecballotError):
    """Disk or database trouble; never a verdict about a record."""


class LostStateError(StoreError):
    """What a party must not forget is gone, and there is nothing that it could do instead."""


class TransportError(SecballotError):
    """Network trouble; never a verdict about a record."""


class blaming:  # noqa: N801  # reads as a verb at every `with`
    """Give every error that leaves the block this check id and culprit, unless it already names its own.

    Low layers know which equation failed; only the caller knows which check of the record that was and whose
    entry it was.
    """

    __slots__ = ("_check", "_culprit")

    def __init__(self, check: CheckId, culprit: Party) -> None:
        """Blame nobody yet.

        Args:
            check: the check id of SPEC.md#checks.
            culprit: the party whose entry is being judged, or `NOBODY`.
        """
        self._check = check
        self._culprit = culprit

    def __enter__(self) -> None:
        """Enter the block."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Complete the error that leaves the block, if there is one of the record."""
        if isinstance(error, EncodingError | VerificationError | PolicyError):
            if error.check is None:
                error.check = self._check
            if error.culprit is None:
                error.culprit = self._culprit
