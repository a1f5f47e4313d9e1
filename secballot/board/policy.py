"""Policies: which logs and witnesses somebody trusts, and how many of the witnesses make a quorum.

    log example.com/log+2e4f6a80+AfA1/tceSI80jhNPfZbYvC5dXjlmeo+bmiaReR795h14
    witness w1 witness.example/w1+0fcada63+BEjJpM1nEOq9gevRUrjIL8WWFZqK2kDCYdIvQ3Zr962R https://witness.example/
    witness w2 witness.example/w2+0a1cbb2c+BM648ehxHjF/fQ2CN9dmpeWNMETguzvzA4rMh+vwJTKp
    group g all w1 w2
    quorum g

Lines of words; empty lines and lines that begin with `#` say nothing. Names stand before their use, each in at most
one group, and no public key stands twice, under whatever names: a witness counts once.

Source: SPEC.md#witness-policy; C2SP tlog-policy.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from secballot.board.checkpoint import open_checkpoint
from secballot.board.cosignature import open_cosignatures, verifier
from secballot.board.note import ED25519, ED25519_COSIGNATURE, ED25519_SIGNATURE_SIZE, ML_DSA_COSIGNATURE, VerifierKey
from secballot.encoding import parse_decimal
from secballot.errors import EncodingError, PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from secballot.board.checkpoint import Checkpoint, SignedCheckpoint
    from secballot.board.cosignature import Cosignature

MAX_POLICY_SIZE: Final = 1_000_000
"""Most bytes of a policy."""

MAX_MEMBERS: Final = 256
"""Most logs, most witnesses and most groups of a policy."""

NO_QUORUM: Final = "none"
"""The quorum that no cosignature is needed for."""

_LOG_KINDS = (ED25519, ML_DSA_COSIGNATURE)
_WITNESS_KINDS = (ED25519_COSIGNATURE, ML_DSA_COSIGNATURE)
_ALLOWED_CONTROLS = b"\t\n"


@dataclass(frozen=True, slots=True)
class TrustedLog:
    """A log that a policy trusts.

    Attributes:
        vkey: its key, of a type that signs checkpoints.
        url: where it can be read, or None.
    """

    vkey: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class TrustedWitness:
    """A witness that a policy trusts.

    Attributes:
        name: what the policy calls it.
        vkey: its key, of a cosignature type.
        url: where checkpoints are submitted, or None.
    """

    name: str
    vkey: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Some members, of which a number must have cosigned.

    Attributes:
        name: what the policy calls it.
        threshold: members needed, 1..number of members.
        members: names of witnesses and groups.
    """

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Quorum:
    """When the cosignatures under a checkpoint are enough.

    Attributes:
        name: the witness or group that must be satisfied, or `none`.
        groups: every group by name; each names only witnesses and groups before it.
    """

    name: str
    groups: Mapping[str, Group] = field(default_factory=dict)

    def check(self, cosigned: Iterable[str]) -> None:
        """Check that the witnesses of these names are enough.

        Args:
            cosigned: names of the witnesses whose cosignature was verified; repetitions count once.

        Raises:
            PolicyError: they are not.
        """
        if self.name == NO_QUORUM:
            return
        satisfied = set(cosigned)
        # Groups stand in the order of their definition, so members are settled before the group that has them.
        for group in self.groups.values():
            if sum(member in satisfied for member in group.members) >= group.threshold:
                satisfied.add(group.name)
        if self.name not in satisfied:
            raise PolicyError("the cosignatures do not make a quorum")


@dataclass(frozen=True, slots=True)
class CosignedCheckpoint:
    """A checkpoint under its log's signature and a quorum of witnesses.

    Attributes:
        signed: the checkpoint with the log's verified signature.
        cosignatures: those of known witnesses, all verified, one for each key.
    """

    signed: SignedCheckpoint
    cosignatures: tuple[Cosignature, ...]

    @property
    def checkpoint(self) -> Checkpoint:
        """What the log says."""
        return self.signed.checkpoint

    def check_exact(self, count: int) -> None:
        """Check that the note carries one Ed25519 signature of its log, `count` Ed25519 cosignatures, and no more.

        Raises:
            PolicyError: other signatures than these, or a key twice.
        """
        log_lines = self.signed.opened.verified
        log_is_ed25519 = [len(line.signature) == ED25519_SIGNATURE_SIZE for line in log_lines] == [True]
        kinds = [cosignature.vkey.kind for cosignature in self.cosignatures]
        lines = len(self.signed.note.signatures)
        if not log_is_ed25519 or kinds != [ED25519_COSIGNATURE] * count or lines != 1 + count:
            raise PolicyError(f"the note carries something else than its log's signature and {count} cosignatures")


@dataclass(frozen=True, slots=True)
class Policy:
    """The logs and witnesses somebody trusts, and the quorum they want.

    Attributes:
        logs: trusted logs.
        witnesses: trusted witnesses, with different names and keys.
        quorum: what cosignatures are enough.
    """

    logs: tuple[TrustedLog, ...]
    witnesses: tuple[TrustedWitness, ...]
    quorum: Quorum

    @classmethod
    def of(cls, log_keys: Sequence[VerifierKey], witness_keys: Sequence[VerifierKey], threshold: int) -> Policy:
        """Return the policy that trusts these logs and any `threshold` of these witnesses.

        Raises:
            EncodingError: a key of the wrong type, a key twice, or a threshold that is not 1..number of witnesses.
        """
        builder = _Builder()
        for key in log_keys:
            builder.add_log([key.encode()])
        names = []
        for number, key in enumerate(witness_keys, 1):
            names.append(f"w{number}")
            builder.add_witness([names[-1], key.encode()])
        builder.add_group(["q", str(threshold), *names])
        builder.set_quorum(["q"])
        return builder.finish()

    @classmethod
    def decode(cls, data: bytes) -> Policy:
        """Return the policy that this file states.

        Raises:
            EncodingError: a character, line, name, key or number that the format does not allow, with its line as
                `offset`.
        """
        if len(data) > MAX_POLICY_SIZE or any(not _is_allowed(byte) for byte in data):
            raise EncodingError("a policy has no control characters and is not too long")
        builder = _Builder()
        for number, line in enumerate(data.split(b"\n"), 1):
            try:
                builder.read(line)
            except EncodingError as error:
                raise EncodingError(f"policy line {number}: {error.message}", offset=number) from error
        return builder.finish()

    def open(self, data: bytes, *, origin: str) -> CosignedCheckpoint:
        """Return the checkpoint in this note, once log, witnesses and quorum are verified.

        Every log key counts whose name is the origin.

        Args:
            data: the note.
            origin: the log that the caller expects.

        Raises:
            EncodingError: not a note with a checkpoint in it.
            VerificationError: another log's checkpoint, or a false signature of a known key.
            PolicyError: no key for this origin, or no quorum.

        Source: SPEC.md#witness-policy.
        """
        log_keys = [log.vkey for log in self.logs if log.vkey.name == origin]
        if not log_keys:
            raise PolicyError("the policy has no key for this log")
        signed = open_checkpoint(data, origin=origin, log_keys=[verifier(key) for key in log_keys])
        cosignatures = open_cosignatures(signed, [witness.vkey for witness in self.witnesses])
        keys = {cosignature.vkey for cosignature in cosignatures}
        self.quorum.check(witness.name for witness in self.witnesses if witness.vkey in keys)
        return CosignedCheckpoint(signed, cosignatures)


class _Builder:
    """Collects the lines of a policy, each checked against those before it."""

    def __init__(self) -> None:
        self._logs: list[TrustedLog] = []
        self._witnesses: dict[str, TrustedWitness] = {}
        self._groups: dict[str, Group] = {}
        self._grouped: set[str] = set()
        self._keys: set[bytes] = set()
        self._quorum: str | None = None

    def read(self, line: bytes) -> None:
        """Take one line, without its newline."""
        # Bytes above 0x7F are opaque: what is not UTF-8 stays as it is, in names, URLs and comments.
        words = line.decode("utf-8", "surrogateescape").replace("\t", " ").split(" ")
        words = [word for word in words if word]
        if not words or words[0].startswith("#"):
            return
        takers = {"log": self.add_log, "witness": self.add_witness, "group": self.add_group, "quorum": self.set_quorum}
        keyword, *arguments = words
        if keyword not in takers:
            raise EncodingError("unknown keyword")
        takers[keyword](arguments)

    def add_log(self, words: Sequence[str]) -> None:
        """Take what follows in `log <vkey> [url]`."""
        if len(words) not in (1, 2) or len(self._logs) >= MAX_MEMBERS:
            raise EncodingError("a log line reads: log <vkey> [url]")
        vkey = self._new_key(words[0], _LOG_KINDS)
        self._logs.append(TrustedLog(vkey, words[1] if len(words) > 1 else None))

    def add_witness(self, words: Sequence[str]) -> None:
        """Take what follows in `witness <name> <vkey> [url]`."""
        if len(words) not in (2, 3) or len(self._witnesses) >= MAX_MEMBERS:
            raise EncodingError("a witness line reads: witness <name> <vkey> [url]")
        self._check_new_name(words[0])
        vkey = self._new_key(words[1], _WITNESS_KINDS)
        url = words[2] if len(words) > 2 else None  # noqa: PLR2004 the url is there
        self._witnesses[words[0]] = TrustedWitness(words[0], vkey, url)

    def add_group(self, words: Sequence[str]) -> None:
        """Take what follows in `group <name> all|any|<k> <name>...`."""
        if len(words) < 3 or len(self._groups) >= MAX_MEMBERS:  # noqa: PLR2004 name, rule, one member
            raise EncodingError("a group line reads: group <name> all|any|<k> <name>...")
        name, rule, *members = words
        self._check_new_name(name)
        for member in members:
            if member not in self._witnesses and member not in self._groups:
                raise EncodingError("a member is defined before the group")
            if member in self._grouped:
                raise EncodingError("a name is a member of at most one group, once")
            self._grouped.add(member)
        word_rules = {"all": len(members), "any": 1}
        threshold = (
            word_rules[rule] if rule in word_rules else parse_decimal(rule.encode("ascii", "replace"), len(members))
        )
        if threshold < 1:
            raise EncodingError("a group needs at least one member")
        self._groups[name] = Group(name, threshold, tuple(members))

    def set_quorum(self, words: Sequence[str]) -> None:
        """Take what follows in `quorum <name>|none`."""
        if len(words) != 1 or self._quorum is not None:
            raise EncodingError("exactly one line reads: quorum <name>|none")
        (name,) = words
        if name != NO_QUORUM and name not in self._witnesses and name not in self._groups:
            raise EncodingError("the quorum is defined before its use")
        self._quorum = name

    def finish(self) -> Policy:
        """Return the policy of all lines."""
        if self._quorum is None:
            raise EncodingError("a policy has a quorum line")
        return Policy(tuple(self._logs), tuple(self._witnesses.values()), Quorum(self._quorum, self._groups))

    def _check_new_name(self, name: str) -> None:
        if name == NO_QUORUM or name in self._witnesses or name in self._groups:
            raise EncodingError("a name is given once, and none is not a name")

    def _new_key(self, text: str, kinds: tuple[int, ...]) -> VerifierKey:
        vkey = VerifierKey.decode(text)
        if vkey.kind not in kinds:
            raise EncodingError("a key of a type for another purpose")
        # By the public key alone: Ed25519 cosignatures do not bind the witness's name. A log is not its own witness.
        if vkey.key in self._keys:
            raise EncodingError("a public key stands in a policy once")
        self._keys.add(vkey.key)
        return vkey


def _is_allowed(byte: int) -> bool:
    return byte in _ALLOWED_CONTROLS or 0x20 <= byte <= 0x7E or byte >= 0x80  # noqa: PLR2004 character ranges
