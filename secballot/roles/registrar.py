"""A registrar: posts certified RSA keys, answers requests once each, and consents to the log it took part in.

Order of its I/O, each step safe to repeat after a crash:
1. a key is stored before it is posted;
2. what a roll key asked for is in the journal before the answer is posted, and never changes there;
3. it consents only if its answers on the log are those of its journal.

Source: SPEC.md#registrar-keys, SPEC.md#issues, SPEC.md#convening.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from secballot.blind import BlindSecretKey
from secballot.encoding import encode_u64
from secballot.errors import LostStateError, Party, RefusalError, StoreError
from secballot.protocol.registration import issue, make_registrar_key
from secballot.records.convening import Consent
from secballot.records.credential import Answer, CredentialIssue, CredentialRequest
from secballot.records.entry import decode_entry
from secballot.roles.party import SigningParty

if TYPE_CHECKING:
    from collections.abc import Callable

    from secballot.record.rolls import Request
    from secballot.record.state import RegistrationState
    from secballot.records.promise import Promise
    from secballot.roles.party import Poster
    from secballot.roles.view import WitnessedView
    from secballot.signing import SigningKey
    from secballot.store.sealed_journal import Notes

ANSWERS_BYTES: Final = 40_000
"""Signature bytes that one issue entry may carry, so that it stays below 65,535 bytes of JSON."""

MAX_ANSWERS: Final = 100
"""Most answers of one issue entry."""

_DESTROYED: Final = b"destroyed"


class Registrar(SigningParty):
    """One registrar with its journal."""

    def __init__(
        self,
        key: SigningKey,
        view: WitnessedView,
        board: Poster,
        journal: Notes,
        generate: Callable[[], BlindSecretKey] = BlindSecretKey.generate,
    ) -> None:
        """Hold key, view, board and journal.

        Args:
            key: identity key.
            view: own replay of the log.
            board: where to post.
            journal: durable memory; losing it ends this registrar's part in the sitting.
            generate: makes a fresh RSA key; a seam for tests, since 3072-bit keys take long.
        """
        super().__init__(key, view, board)
        self._journal = journal
        self._generate = generate
        self._secrets: dict[tuple[int, int, int], BlindSecretKey] = {}

    def steps(self) -> list[tuple[str, Promise]]:
        """Do what the log awaits of this registrar now, and return the kinds of entries posted with their promises.

        Keys are posted for the first registration, and for a later one as soon as the commission has begun its roll;
        then requests are answered, the end is consented to, and after the convening the keys are destroyed.

        Raises:
            RefusalError: something that the log holds is not this registrar's own.
            LostStateError: the journal lacks what it must hold.
        """
        self.view.refresh()
        state = self.view.state
        if state.adjourned:
            return []
        posted: list[tuple[str, Promise]] = []
        if not state.registrations or state.staged.chunks is not None:
            posted += [("registrar-key", promise) for promise in self.post_keys()]
        if not state.registrations:
            return posted
        registration = state.registrations[-1]
        if registration.convening is not None:
            self.destroy_keys()
        elif registration.end is None:
            posted += [("credential-issue", promise) for promise in self.answer_requests()]
        elif Party("registrar", self.index_among(self.manifest.registrars)) not in registration.consents:
            posted.append(("consent", self.consent()))
        return posted

    def post_keys(self) -> list[Promise]:
        """Post this registrar's key for every poll and class of the next registration that lacks one."""
        self.view.refresh()
        manifest, staged = self.manifest, self.view.state.staged
        index = self.index_among(manifest.registrars)
        promises = []
        for poll in range(1, manifest.polls + 1):
            for class_index in range(1, len(manifest.classes) + 1):
                if (index, poll, class_index) not in staged.key_bodies:
                    secret = self._secret(staged.number, poll, class_index, create=True)
                    body = make_registrar_key(self.view.anchor, index, staged.number, poll, class_index, secret)
                    promises.append(self.post("registrar-key", body))
        return promises

    def answer_requests(self) -> list[Promise]:
        """Answer every admitted request that this registrar has not answered, in batches.

        Raises:
            RefusalError: a roll key asked for something else before; nothing is signed for it.
        """
        self.view.refresh()
        registration = self._current()
        index = self.index_among(self.manifest.registrars)
        promises = []
        batch: list[Answer] = []
        for leaf, request in registration.requests.items():
            if index in request.answered:
                continue
            answer = Answer(leaf, self._answer(registration, request))
            size = sum(len(held.signatures) for held in batch) + len(answer.signatures)
            if batch and (size > ANSWERS_BYTES or len(batch) == MAX_ANSWERS):
                promises.append(self.post("credential-issue", CredentialIssue(tuple(batch), registration.number)))
                batch = []
            batch.append(answer)
        if batch:
            promises.append(self.post("credential-issue", CredentialIssue(tuple(batch), registration.number)))
        return promises

    def consent(self) -> Promise:
        """Consent to the prefix at which the registration ended.

        Raises:
            RefusalError: the registration has not ended, or answers on the log are not this registrar's own.
        """
        self.view.refresh()
        registration = self._current()
        if registration.end is None:
            raise RefusalError("the registration has not ended: requests are open, or answers are missing")
        self._check_journal(registration)
        return self.post("consent", consent_body(self.view, registration))

    def destroy_keys(self) -> None:
        """Destroy the RSA keys of the current registration once it is convened; storage may keep traces.

        Raises:
            RefusalError: it is not convened.
        """
        self.view.refresh()
        registration = self._current()
        if registration.convening is None:
            raise RefusalError("keys are destroyed after the convening")
        for key, value in list(self._journal.items("rsa")):
            if key[:8] == encode_u64(registration.number) and value != _DESTROYED:
                self._journal.replace("rsa", key, value, _DESTROYED)
        self._secrets = {slot: secret for slot, secret in self._secrets.items() if slot[0] != registration.number}

    def _answer(self, registration: RegistrationState, request: Request) -> bytes:
        """Sign one request, after the journal has taken it as the only one of its key for these polls."""
        body = decode_entry(self.view.entry(request.index)).body
        if not isinstance(body, CredentialRequest):
            raise StoreError("the entry accepted as a request is none")
        polls = range(request.first_poll, request.first_poll + request.polls)
        for poll, blinded in zip(polls, body.blinded, strict=True):
            slot = encode_u64(registration.number) + encode_u64(poll) + request.key
            if self._journal.put_once("issued", slot, blinded) != blinded:
                raise RefusalError("this roll key has been answered for another request of the same poll")
        secrets = [self._secret(registration.number, poll, request.class_index) for poll in polls]
        return issue(body, secrets, registrar=self.index_among(self.manifest.registrars))

    def _check_journal(self, registration: RegistrationState) -> None:
        """Check that the log's requests, all answered in this registrar's name, are those of its journal."""
        on_log = {
            encode_u64(registration.number) + encode_u64(poll) + request.key
            for request in registration.requests.values()
            for poll in range(request.first_poll, request.first_poll + request.polls)
        }
        prefix = encode_u64(registration.number)
        journal = {slot for slot, _ in self._journal.items("issued") if slot[:8] == prefix}
        if on_log != journal:
            raise RefusalError("the log holds answers that are not in this registrar's journal, or lacks some that are")

    def _secret(self, number: int, poll: int, class_index: int, *, create: bool = False) -> BlindSecretKey:
        slot = (number, poll, class_index)
        if slot not in self._secrets:
            key = b"".join(map(encode_u64, slot))
            stored = self._journal.get("rsa", key)
            if stored == _DESTROYED or (stored is None and not create):
                raise LostStateError("state lost or destroyed: the journal lacks the RSA key of this poll and class")
            if stored is None:
                # Two processes on one journal may both generate; the first stored is the key of both.
                fresh = self._generate()
                encoded = fresh.encode_private()
                stored = self._journal.put_once("rsa", key, encoded)
                self._secrets[slot] = fresh if stored == encoded else BlindSecretKey.decode_private(stored)
            else:
                self._secrets[slot] = BlindSecretKey.decode_private(stored)
        return self._secrets[slot]

    def _current(self) -> RegistrationState:
        if not self.view.state.registrations:
            raise RefusalError("no registration is in effect")
        return self.view.state.registrations[-1]


def consent_body(view: WitnessedView, registration: RegistrationState) -> Consent:
    """Return the consent that the log demands of everybody.

    Raises:
        RefusalError: the registration has not ended.

    Source: SPEC.md#convening.
    """
    joint_key = view.state.complete_ceremony().joint_key
    if registration.end is None or joint_key is None:
        raise RefusalError("the registration has not ended")
    return Consent(
        joint_key=joint_key.encode(),
        registration=registration.number,
        root=view.state.history.root(registration.end),
        size=registration.end,
    )
