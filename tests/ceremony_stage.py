"""A key ceremony on a `Stage`: every trustee's own state from a known seed, and the bodies that it would post.

ceremony = CeremonyStage.begin()
ceremony.play("ceremony-commit", "ceremony-reveal")
assert ceremony.post(1, "ceremony-shares", wrong) == fault("CER-04", "trustee 1")
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, Self

import msgspec

from secballot.group import Elements, Scalars, multiply_base
from secballot.proofs.knowledge import prove_knowledge
from secballot.protocol.ceremony import commitment_hash, reveal_context
from secballot.protocol.ceremony_dealing import TrusteeSecrets
from secballot.protocol.ceremony_session import SEALED_SHARE_BYTES, dealt_share
from secballot.record.ceremony import ceremony_transcript
from secballot.records.ceremony import (
    CeremonyCommit,
    CeremonyComplain,
    CeremonyConfirm,
    CeremonyRestart,
    CeremonyReveal,
    CeremonyShares,
)
from secballot.roles.party import sign_entry
from tests.ceremony_run import seed
from tests.record_stage import EFFECT, Stage
from tests.simulator import Simulator, with_plan

if TYPE_CHECKING:
    from secballot.protocol.ceremony import Session
    from secballot.record.state import CeremonyState
    from tests.record_stage import Verdict

ROUNDS: Final = ("ceremony-commit", "ceremony-reveal", "ceremony-shares", "ceremony-confirm")


class CeremonyStage(Stage):
    """A stage after the manifest, with every trustee's ceremony secrets."""

    @classmethod
    def begin(cls, **plan: object) -> Self:
        """Return the founded sitting of the small plan with these changes, and nothing of its ceremony."""
        simulator = _simulator(**plan)
        keys = simulator.rehearsal.keys.presidium[: simulator.plan.presidium[1]]
        anchor, manifest = simulator.board.anchor, simulator.board.manifest
        return cls([sign_entry(key, "manifest", anchor, manifest) for key in keys], simulator)

    @property
    def ceremony(self) -> CeremonyState:
        """The ceremony's state."""
        assert self.state.ceremony is not None
        return self.state.ceremony

    @property
    def session(self) -> Session:
        """The current session."""
        return self.ceremony.session

    def secrets(self, index: int) -> TrusteeSecrets:
        """Return what a trustee knows in the current session."""
        return TrusteeSecrets(self.session, index, seed("stage", index, self.session.number))

    def body(self, index: int, kind: str) -> msgspec.Struct:
        """Return what an honest trustee posts in this round."""
        secrets = self.secrets(index)
        if kind == "ceremony-commit":
            return secrets.commit()
        if kind == "ceremony-reveal":
            return secrets.reveal()
        if kind == "ceremony-shares":
            return secrets.shares(self.ceremony.dealings)
        complaint = secrets.check(self.ceremony.dealings, self.dealt())
        return complaint or CeremonyConfirm(self.session.number, ceremony_transcript(self.ceremony))

    def send(self, index: int, kind: str, body: msgspec.Struct | None = None) -> Verdict:
        """Post a trustee's entry, the honest one unless another body is given."""
        return self.post(self.keys.trustees[index - 1], kind, self.body(index, kind) if body is None else body)

    def play(self, *kinds: str, without: int | None = None) -> None:
        """Let every participant but one finish these rounds honestly."""
        for kind in kinds:
            for index in self.session.participants:
                if index != without:
                    assert self.send(index, kind) == EFFECT

    def dealt(self) -> dict[int, CeremonyShares]:
        """Return round 2 of the session by dealer."""
        return {i: held.body for i, held in self.ceremony.rounds[2].items() if isinstance(held.body, CeremonyShares)}

    def restart(self, silent: tuple[int, ...]) -> CeremonyRestart:
        """Return the restart that names these as silent."""
        rest = tuple(index for index in self.session.participants if index not in silent)
        return CeremonyRestart(rest, self.ceremony.round, self.session.number, silent)

    def bad_shares(self, dealer: int, receiver: int) -> CeremonyShares:
        """Return honest shares of a dealer, that for one receiver sealed truly and off by one."""
        honest = self.secrets(dealer).shares(self.ceremony.dealings)
        point, at = self.opened_point(receiver, dealer, honest), self.session.position(receiver)
        channel, sealed = dealt_share(self.session, dealer, receiver, self.ceremony.dealings, honest)
        wrong = channel.seal(channel.open(sealed, point) + Scalars.from_ints([1]), point)
        start = SEALED_SHARE_BYTES * at
        data = honest.sealed[:start] + wrong + honest.sealed[start + SEALED_SHARE_BYTES :]
        return msgspec.structs.replace(honest, sealed=data)

    def opened_point(self, receiver: int, dealer: int, shares: CeremonyShares) -> Elements:
        """Return the Diffie–Hellman point of a share, as its receiver knows it."""
        channel, _ = dealt_share(self.session, dealer, receiver, self.ceremony.dealings, shares)
        return channel.ephemeral * self.secrets(receiver)._encryption_secret

    def complaint(self, accuser: int, dealer: int) -> CeremonyComplain:
        """Return a complaint with a true proof, whether the share is bad or not."""
        shares = self.dealt()[dealer]
        channel, _ = dealt_share(self.session, dealer, accuser, self.ceremony.dealings, shares)
        return self.secrets(accuser)._complaint(channel, self.opened_point(accuser, dealer, shares))


@cache
def _simulator(**plan: object) -> Simulator:
    """Return a sitting of which only keys and manifest are used."""
    return with_plan(**plan)


def forged_round(
    session: Session, index: int, coefficients: Scalars, commitments: bytes | None = None
) -> tuple[CeremonyCommit, CeremonyReveal]:
    """Return rounds 0 and 1 of a trustee that chooses its polynomial, and may show other commitments than its own."""
    shown = multiply_base(coefficients).encode() if commitments is None else commitments
    secret = Scalars.random()
    E = multiply_base(secret)
    context = reveal_context(session, index, shown, E.encode())
    C0 = multiply_base(coefficients[0])
    reveal = CeremonyReveal(
        commitments=shown,
        encryption_key=E.encode(),
        nonce=bytes(32),
        proof_encryption=prove_knowledge("ceremony-encryption", context, secret, E, Scalars.random()),
        proof_secret=prove_knowledge("ceremony-secret", context, coefficients[0], C0, Scalars.random()),
        session=session.number,
    )
    return CeremonyCommit(commitment_hash(session, index, reveal), session.number), reveal


def constant_terms(stage: CeremonyStage, indices: tuple[int, ...]) -> Scalars:
    """Return the sum of the secret constant terms of these trustees, which all collude."""
    return Scalars.concat([stage.secrets(index)._coefficients[0] for index in indices]).sum()
