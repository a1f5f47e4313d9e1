"""One finished sitting whose log holds an effective entry of every kind there is.

Its ceremony is restarted because of a silent trustee and ends once more because of a bad share; of its four polls one
is extended and counted, one annulled, one lapses, and one is void because the board broke a promise; a successor takes
over the log at the end.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from secballot.board.merkle import leaf_hash, root_of
from secballot.group import Scalars, multiply_base
from secballot.records.ballot import Ballot
from secballot.records.ceremony import CeremonyShares
from secballot.records.closing import Adjournment, Annulment, Lapse, Objection
from secballot.records.document import Document
from secballot.records.entry import decode_entry, encode_body, encode_unsigned
from secballot.records.manifest import DelegateClass
from secballot.records.promise import Handover
from secballot.roles.delegate import ballot_entry
from tests.simulator import SMALL, TAGS, Simulator, cosigned_head, election, resolution

if TYPE_CHECKING:
    from secballot.records.opening import Contest
    from secballot.signing import SigningKey

PLAN = replace(
    SMALL,
    title="Every kind of entry",
    classes=(DelegateClass("Deputies", 4, 2), DelegateClass("Representatives", 4, 1)),
    delegates=(2, 2),
    polls=4,
    trustees=(5, 3, 2),
    minimum_ballots=1,
)

TEXT = ("Whereas the text is long,\n", "it is posted in chunks.\n")


@dataclass(frozen=True, eq=False)
class Log:
    """A log, and every key that somebody dishonest could use to change it.

    Attributes:
        entries: in order.
        checkpoint: over all of them.
        anchor: the sitting_id.
        keys: by public key, of every party and delegate.
        simulator: the parties, as they stand at the end.
    """

    entries: tuple[bytes, ...]
    checkpoint: bytes
    anchor: bytes
    keys: dict[bytes, SigningKey]
    simulator: Simulator

    def cosign(self, entries: list[bytes], *, successor: bool = True) -> bytes:
        """Return a checkpoint over these entries by the operator last in office and by all witnesses."""
        rehearsal, board = self.simulator.rehearsal, self.simulator.board
        leaves = [leaf_hash(entry) for entry in entries]
        key = rehearsal.keys.log[int(successor)]
        return cosigned_head(rehearsal.manifest.log.origin, key, leaves, board.witnesses, rehearsal.now)

    def secret_of(self, credential: bytes, poll: int) -> Scalars:
        """Return the secret of a credential for a poll, or of another one if it is nobody's."""
        secrets = credential_secrets(self, poll)
        return secrets.get(credential, next(iter(secrets.values())))


@cache
def credential_secrets(log: Log, poll: int) -> dict[bytes, Scalars]:
    """Return the credentials of all delegates for a poll, by S."""
    wallets = [delegate._wallet for delegate in log.simulator.rehearsal.delegates]
    secrets = [wallet.credential_secret(log.anchor, 1, poll) for wallet in wallets]
    return {multiply_base(secret).encode(): secret for secret in secrets}


def note(simulator: Simulator, *, size: int | None = None, now: int | None = None) -> str:
    """Return a note over the log so far (or its first entries), as entries embed it."""
    rehearsal, board = simulator.rehearsal, simulator.board
    leaves = [leaf_hash(entry) for entry in board.entries[:size]]
    witnesses = board.witnesses[: rehearsal.manifest.witnesses.quorum]
    time = rehearsal.now if now is None else now
    return cosigned_head(rehearsal.manifest.log.origin, board.log_key, leaves, witnesses, time).decode()


def run_ceremony(simulator: Simulator) -> None:
    """Run a session that is restarted, one that ends with a complaint, and one that succeeds."""
    rehearsal = simulator.rehearsal
    rehearsal.run_ceremony(rehearsal.trustees[:4])
    for officer in rehearsal.needed_officers():
        officer.restart_ceremony()
    rehearsal.witness()
    for _ in ("commit", "reveal"):
        for trustee in rehearsal.trustees[:4]:
            trustee.step()
        rehearsal.witness()
    *honest, cheat = rehearsal.trustees[:4]
    for trustee in honest:
        trustee.step()
    cheat.view.refresh()
    ceremony = cheat.view.state.ceremony
    assert ceremony is not None
    kind, body = cheat._message(ceremony, 2)
    assert isinstance(body, CeremonyShares)
    sealed = bytes([body.sealed[0] ^ 1]) + body.sealed[1:]
    simulator.append_signed(cheat.key, kind, msgspec.structs.replace(body, sealed=sealed))
    rehearsal.witness()
    honest[0].step()
    rehearsal.witness()
    rehearsal.run_ceremony(honest)


def post_document(simulator: Simulator) -> bytes:
    """Post a text in two chunks and return its hash."""
    document = hashlib.sha256("".join(TEXT).encode()).digest()
    for chunk, data in enumerate(TEXT, 1):
        body = Document(chunk=chunk, chunks=len(TEXT), data=data, document=document)
        simulator.append_signed(simulator.rehearsal.keys.presidium[2], "document", body)
    return document


def open_polls(simulator: Simulator, document: bytes) -> None:
    """Open all four polls; the first two contests of poll 1 are the only ones that are ever counted."""
    rehearsal = simulator.rehearsal
    with_document: Contest = msgspec.structs.replace(resolution(), documents=(document,))
    rehearsal.open_poll(1, [with_document, election()])
    for number in (2, 3, 4):
        rehearsal.open_poll(number, [resolution(f"Declaration {number}")], 1_800)


def vote(simulator: Simulator) -> bytes:
    """Vote in polls 1 and 4; return the entry of a ballot that the board promises to log and drops."""
    rehearsal = simulator.rehearsal
    simulator.vote(1, (0, 0, 1, 2))
    again = rehearsal.delegates[0]
    again.cast(again.seal(1, ((0, 1, 0), (0, 1, 1)), TAGS[40]))
    rehearsal.delegates[1].cast(rehearsal.delegates[1].seal(4, ((1, 0, 0),), TAGS[41]))
    rehearsal.witness()
    return ballot_entry(rehearsal.delegates[2].seal(4, ((0, 1, 0),), TAGS[42]).cast())


def end_polls(simulator: Simulator, dropped: bytes) -> None:
    """Annul poll 2, void poll 4, count poll 1, and let poll 3 lapse."""
    rehearsal, board = simulator.rehearsal, simulator.board
    polls, officers = board.record.state.polls, rehearsal.keys.presidium[:2]
    extended = polls[1].closes_at + 600
    for officer in rehearsal.needed_officers():
        officer.extend_poll(1, extended)
    everybody = [*officers, *rehearsal.keys.trustees[:2]]
    simulator.append_act("annul", Annulment(polls[2].ctx, "The text was wrong."), everybody)
    rehearsal.witness()
    broken = board.promise(dropped, len(board.entries) - 1, rehearsal.now)
    rehearsal.close_poll(4)
    ballot = decode_entry(dropped).body
    assert isinstance(ballot, Ballot)
    objection = Objection(ballot=ballot, ctx=polls[4].ctx, promise=broken)
    board.force(encode_unsigned("objection", encode_body("objection", objection)))
    rehearsal.close_poll(1)
    rehearsal.decrypt(1, rehearsal.trustees[:3])
    rehearsal.publish_result(1)
    rehearsal.now = polls[3].closes_at + rehearsal.manifest.grace + 1
    lapse = Lapse(checkpoint=note(simulator), ctx=polls[3].ctx)
    simulator.append_signed(rehearsal.keys.trustees[0], "lapse", lapse)


def end_sitting(simulator: Simulator) -> None:
    """Hand the log over and adjourn."""
    rehearsal, board = simulator.rehearsal, simulator.board
    size = len(board.entries)
    body = Handover(root_of([leaf_hash(entry) for entry in board.entries]), size, 1)
    everybody = [*rehearsal.keys.presidium[:2], *rehearsal.keys.trustees[:2]]
    simulator.append_act("handover", body, everybody)
    board.log_key, board.promise_key = rehearsal.keys.log[1], rehearsal.keys.promise[1]
    simulator.append_act("adjournment", Adjournment(note(simulator)))


@cache
def every_kind() -> Log:
    """Return the log; made once per process, not to be changed."""
    simulator = Simulator(PLAN, b"every kind")
    rehearsal = simulator.rehearsal
    rehearsal.found()
    run_ceremony(simulator)
    rehearsal.enrol()
    rehearsal.register()
    rehearsal.convene(rehearsal.trustees[:3])
    document = post_document(simulator)
    open_polls(simulator, document)
    end_polls(simulator, vote(simulator))
    end_sitting(simulator)
    names = ("presidium", "commission", "registrars", "trustees")
    keys = [key for name in names for key in getattr(rehearsal.keys, name)]
    keys += [delegate._wallet.signing_key() for delegate in rehearsal.delegates]
    board = simulator.board
    log = Log(tuple(board.entries), b"", board.anchor, {k.verify_key.encode(): k for k in keys}, simulator)
    return replace(log, checkpoint=log.cosign(board.entries))
