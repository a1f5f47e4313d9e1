"""One sitting, entry by entry, by one who knows every party's secrets.

The state machine of the library is fed along the way, since closing, tally and result follow from it; it is told the
verdict on every ballot instead of verifying what was made a moment ago.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from benchmarks.record.plan import NOW
from benchmarks.record.voters import quick_key
from secballot.board.checkpoint import Checkpoint, sign_checkpoint
from secballot.board.cosignature import Ed25519Cosigner
from secballot.board.note import Ed25519Signer, Note
from secballot.elgamal import Ciphertexts
from secballot.protocol.ceremony_dealing import TrusteeSecrets
from secballot.protocol.tallying import partial_decrypt
from secballot.record import Outcome, SittingRecord
from secballot.record.ceremony import ceremony_transcript
from secballot.record.tallying import recompute_result
from secballot.records.ballot import Ballot
from secballot.records.ceremony import CeremonyConfirm, CeremonyShares
from secballot.records.closing import Adjournment, Closing
from secballot.records.convening import Consent, Convening
from secballot.records.entry import decode_entry, encode_body
from secballot.records.opening import Opening
from secballot.records.roll import Registration, RegistrationClose
from secballot.roles.commission import roll_chunks
from secballot.roles.party import sign_entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import msgspec

    from benchmarks.record.plan import RecordPlan
    from secballot.record.state import CeremonyState, PollState
    from secballot.signing import SigningKey

_ROUNDS: Final = ("ceremony-commit", "ceremony-reveal", "ceremony-shares", "ceremony-confirm")
_STANDS: Final = frozenset({Outcome.EFFECT, Outcome.COLLECTED, Outcome.ACCEPTED})


class WrongRecordError(Exception):
    """An entry has not the effect that it was made for: the generator is wrong."""


class Sitting:
    """A log that grows by the entries of one sitting.

    Attributes:
        anchor: the sitting_id.
        record: the log so far, replayed.
    """

    def __init__(self, plan: RecordPlan, write: Callable[[bytes], None], read: Callable[[int], bytes]) -> None:
        """Begin with the empty log.

        Args:
            plan: of the record.
            write: is given every entry, in order.
            read: returns an entry of the log by its index.
        """
        self.plan = plan
        self.anchor = _sitting_id(plan)
        self.record = SittingRecord(self.anchor, fetch=read)
        self._write = write
        self._officers = plan.keys.presidium[: plan.sitting.presidium[1]]
        self._trustees: dict[int, TrusteeSecrets] = {}

    @property
    def ceremony(self) -> CeremonyState:
        """The key ceremony.

        Raises:
            PhaseError: it is not complete.
        """
        return self.record.state.complete_ceremony()

    @property
    def poll(self) -> PollState:
        """The one poll."""
        return self.record.state.polls[1]

    @property
    def joint_key(self) -> bytes:
        """The joint key, encoded."""
        key = self.ceremony.joint_key
        if key is None:
            raise WrongRecordError("a complete ceremony without joint key")
        return key.encode()

    def found(self) -> None:
        """Log the manifest and the key ceremony."""
        self._act("manifest", self.plan.manifest)
        for kind in _ROUNDS:
            for index, key in enumerate(self.plan.keys.trustees, 1):
                self._post(key, kind, self._ceremony_body(kind, index))

    def freeze_roll(self, roll: Sequence[bytes]) -> None:
        """Log roll, registrar keys and the act of registration."""
        for member in self.plan.keys.commission:
            for chunk in roll_chunks(dict.fromkeys(roll, 1), 1):
                self._post(member, "roll", chunk)
        for registrar, key in enumerate(self.plan.keys.registrars, 1):
            self._post(key, "registrar-key", quick_key(self.plan, registrar).certified(self.anchor, registrar))
        self._act("registration", Registration(first_poll=1, registration=1))

    def take(self, entries: Iterable[bytes]) -> None:
        """Log entries that workers have made."""
        for entry in entries:
            self._append(entry)

    def close_registration(self) -> None:
        """Log the end of the requests."""
        self._act("registration-close", RegistrationClose(1))

    def convene(self) -> None:
        """Log consents and convening."""
        registration = self.record.state.registrations[0]
        if registration.end is None:
            raise WrongRecordError("the registration has not ended")
        root = self.record.state.history.root(registration.end)
        body = Consent(joint_key=self.joint_key, registration=1, root=root, size=registration.end)
        for key in (*self.plan.keys.registrars, *self.plan.keys.trustees):
            self._post(key, "consent", body)
        self._act("convening", Convening(self.note(NOW).decode(), 1))

    def open(self) -> None:
        """Log the opening of the poll."""
        convening = self.record.state.registrations[0].convening
        if convening is None:
            raise WrongRecordError("the registration is not convened")
        contests = (self.plan.contest,)
        self._act("opening", Opening(self.plan.closes_at, contests, convening, 1))
        self._opening_note = self.note(NOW).decode()

    def take_ballot(self, entry: bytes) -> None:
        """Log a ballot that a worker has made."""
        body = decode_entry(entry).body
        if not isinstance(body, Ballot):
            raise WrongRecordError("a ballot that is none")
        verdict = Ciphertexts.decode(b"".join(contest.ciphertexts for contest in body.contests))
        self._append(entry, verdict)

    def close(self) -> None:
        """Log closing, decryptions by as many trustees as are needed, result and adjournment."""
        note = self.note(self.plan.closes_at).decode()
        closing = Closing(checkpoint=note, ctx=self.poll.ctx, opening_checkpoint=self._opening_note)
        self._post(self._officers[0], "closing", closing)
        for trustee in range(1, self.plan.sitting.trustees[2] + 1):
            self._decrypt(trustee)
        self._act("result", recompute_result(self.record.state, self.poll))
        self._act("adjournment", Adjournment(self.note(self.plan.closes_at).decode()))

    def note(self, now: int) -> bytes:
        """Return the checkpoint of the log so far, with the cosignatures of the first q witnesses."""
        manifest, keys = self.plan.manifest, self.plan.keys
        size = len(self.record)
        checkpoint = Checkpoint(manifest.log.origin, size, self.record.state.history.root(size))
        note = sign_checkpoint(checkpoint, [Ed25519Signer(manifest.log.origin, keys.log[0])])
        cosigners = zip(manifest.witnesses.witnesses, keys.witnesses, strict=True)
        lines = [Ed25519Cosigner(witness.name, key).cosign(note.text, now) for witness, key in cosigners]
        return Note(note.text, (*note.signatures, *lines[: manifest.witnesses.quorum])).encode()

    def _ceremony_body(self, kind: str, index: int) -> msgspec.Struct:
        ceremony = self.record.state.ceremony
        if ceremony is None:
            raise WrongRecordError("no ceremony has begun")
        if index not in self._trustees:
            self._trustees[index] = TrusteeSecrets(ceremony.session, index, self.plan.draw("trustee", index))
        secrets = self._trustees[index]
        if kind == "ceremony-commit":
            return secrets.commit()
        if kind == "ceremony-reveal":
            return secrets.reveal()
        if kind == "ceremony-shares":
            return secrets.shares(ceremony.dealings)
        return CeremonyConfirm(ceremony.session.number, ceremony_transcript(ceremony))

    def _decrypt(self, trustee: int) -> None:
        ceremony, poll = self.ceremony, self.poll
        dealt = {index: held.body for index, held in ceremony.rounds[2].items()}
        shares = {index: body for index, body in dealt.items() if isinstance(body, CeremonyShares)}
        body = partial_decrypt(
            ctx=poll.ctx,
            tally_id=poll.tally_id,
            trustee=trustee,
            public_share=ceremony.public_shares[trustee],
            contest=1,
            aggregates=poll.aggregates[0],
            secret=self._trustees[trustee].secret_share(ceremony.dealings, shares),
            fresh=self.plan.draw("decryption", trustee),
        )
        self._post(self.plan.keys.trustees[trustee - 1], "decryption", body)

    def _act(self, kind: str, body: msgspec.Struct) -> None:
        for key in self._officers:
            self._post(key, kind, body)

    def _post(self, key: SigningKey, kind: str, body: msgspec.Struct) -> None:
        self._append(sign_entry(key, kind, self.anchor, body))

    def _append(self, entry: bytes, verdict: Ciphertexts | None = None) -> None:
        self._write(entry)
        judgement = self.record.append(entry, verdict=verdict)
        if judgement.outcome not in _STANDS:
            raise WrongRecordError(f"{judgement.kind} {judgement.index}: {judgement.check} {judgement.reason}")


def _sitting_id(plan: RecordPlan) -> bytes:
    return hashlib.sha256(encode_body("manifest", plan.manifest)).digest()
