"""What a record consists of, and every party's keys: all of it follows from the plan."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import Final

from secballot.errors import RefusalError
from secballot.group import Scalars, multiply_base
from secballot.protocol.casting import check_tag
from secballot.records.manifest import DelegateClass, Majority, Manifest, Quorum, RuleSet
from secballot.records.opening import Contest, Option
from secballot.roles.rehearsal import Entropy, Keys, Plan, make_manifest
from secballot.signing import SigningKey

CREDENTIALS: Final = 100_000
"""Most credentials of a record unless its plan says otherwise."""

NOW: Final = 1_770_000_000
"""When everything but the end of the poll happens, seconds since the epoch."""

OPTIONS: Final = 5
_LEAST: Final = 4


@dataclass(frozen=True)
class RecordPlan:
    """One record; equal plans give equal bytes.

    Attributes:
        ballots: accepted ballots, at least 4.
        seed: everything random comes from it.
        registrars: number of registrars.
        closes_at: when the poll's time is up, seconds since the epoch.
        most_credentials: what goes beyond are revotes.
    """

    ballots: int
    seed: str = "secballot"
    registrars: int = 3
    closes_at: int = NOW + 86_400
    most_credentials: int = CREDENTIALS

    def __post_init__(self) -> None:
        """Refuse a record below its own privacy floor.

        Raises:
            ValueError: too few ballots.
        """
        if self.ballots < _LEAST:
            raise ValueError(f"a record has at least {_LEAST} ballots")

    def __reduce__(self) -> tuple[type[RecordPlan], tuple[int, str, int, int, int]]:
        """Go to worker processes without the keys, which they derive themselves."""
        return RecordPlan, (self.ballots, self.seed, self.registrars, self.closes_at, self.most_credentials)

    @property
    def credentials(self) -> int:
        """How many credentials there are; each votes."""
        return min(self.ballots, self.most_credentials)

    @property
    def rounds(self) -> int:
        """How often the first of the credentials vote; the last may vote once less."""
        return -(-self.ballots // self.credentials)

    def voters_in(self, number: int) -> int:
        """Return how many credentials vote in a round, counted from 0."""
        return min(self.credentials, self.ballots - number * self.credentials)

    def draw(self, *names: str | int, size: int = 32) -> bytes:
        """Return the bytes that have this name."""
        framed = "".join(f"{len(str(name))}:{name}," for name in (self.seed, *names))
        return hashlib.shake_256(framed.encode()).digest(size)

    @cached_property
    def sitting(self) -> Plan:
        """Who takes part, and by which rule."""
        rule = RuleSet(
            decision="elect",
            eligible=(1,),
            majority=Majority(base="cast", denominator=1, numerator=0, strict=False),
            minimum_duration=60,
            name="council",
            quorum=Quorum(base="roll", denominator=2, measure="count", numerator=1),
            seats=1,
        )
        return Plan(
            title="A record to measure with",
            classes=(DelegateClass("Delegates", self.credentials, 1),),
            delegates=(self.credentials,),
            rules=(rule,),
            registrars=self.registrars,
            ballots_per_credential=self.rounds,
        )

    @cached_property
    def keys(self) -> Keys:
        """The identity keys of every party but the delegates."""
        numbers = iter(range(1_000))
        return Keys.draw(self.sitting, Entropy(draw=lambda size: self.draw("identity", next(numbers), size=size)))

    @cached_property
    def manifest(self) -> Manifest:
        """The manifest."""
        return make_manifest(self.sitting, self.keys, nonce=self.draw("origin", size=16))

    @cached_property
    def contest(self) -> Contest:
        """The one contest: five options, of which a ballot takes exactly one."""
        return Contest(
            documents=(),
            options=tuple(Option(f"Option {number}", 1) for number in range(1, OPTIONS + 1)),
            rules="council",
            sum_maximum=1,
            sum_minimum=1,
            text="Who shall it be?",
            title="A choice among five",
        )

    def roll_key(self, voter: int) -> SigningKey:
        """Return the identity key of a delegate, numbered from 0."""
        return SigningKey.from_seed(self.draw("roll", voter))

    def credential_secret(self, voter: int) -> tuple[Scalars, bytes]:
        """Return s and the encoding of S of a delegate's credential."""
        secret = Scalars.from_wide(self.draw("credential", voter, size=64))
        return secret, multiply_base(secret).encode()

    def choice(self, voter: int, number: int) -> tuple[int, ...]:
        """Return what a delegate votes for in a round: the first options more often than the last."""
        byte = self.draw("choice", voter, number, size=1)[0]
        taken = min(byte // 64, byte // 32, OPTIONS - 1) if byte < 128 else byte % OPTIONS  # noqa: PLR2004  # half of them
        return tuple(int(option == taken) for option in range(OPTIONS))

    def tag(self, voter: int, number: int) -> str:
        """Return ten dice digits, 1 to 6 each, that show no pattern."""
        for attempt in count():
            digits = self.draw("tag", voter, number, attempt, size=10)
            tag = "".join(str(1 + byte % 6) for byte in digits)
            try:
                check_tag(tag)
            except RefusalError:
                continue
            return tag
        raise ValueError("dice that always show a pattern")
