"""What ceremony, registration, tally, receipts, the record machine and an audit must refuse.

See `tests.adversary.refusals`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from secballot.audit.report import Verdict
from secballot.audit.verifier import audit, audit_log
from secballot.blind.signature import answer_digest
from secballot.errors import InvalidProofError, RecordError
from secballot.group import Elements
from secballot.protocol.ceremony import judge_complaint, verify_reveal, verify_shares
from secballot.protocol.ceremony_session import ShareChannel, check_dealers
from secballot.protocol.registration import check_answer, check_expected_answer, check_request, verify_registrar_key
from secballot.protocol.tallying import verify_decryption
from secballot.record import SittingRecord
from secballot.records.ceremony import CeremonyCommit
from secballot.records.credential import RegistrarKey
from secballot.records.decryption import Decryption
from secballot.roles.offline_receipt import check_offline, pack_receipt
from secballot.roles.receipt import check_receipt
from tests.adversary.refusals import refuses
from tests.adversary.refusals_of_parts import BAD_SCALARS, JUNK, ZERO, bad_points, of_bytes
from tests.audit.sources import ListSource
from tests.ceremony_run import run_ceremony, session_of
from tests.forked import fork
from tests.record_stage import Stage, golden_bodies, golden_entries
from tests.registration_run import POLLS, answered, public_keys, requested
from tests.simulator import TAGS, golden, resolution
from tests.stages import FOR

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from secballot.elgamal import Ciphertexts
    from tests.adversary.refusals import Attempt

replace: Final = msgspec.structs.replace


@refuses(
    "protocol.ceremony:verify_reveal", "protocol.ceremony:verify_shares", "protocol.ceremony_session:check_dealers"
)
def _ceremony() -> Sequence[Attempt]:
    run = run_ceremony(session_of())
    commit, reveal, shares = run.commits[1], run.reveals[1], run.shares[1]
    lies = [
        *(replace(reveal, encryption_key=bad) for bad in bad_points()),
        *(replace(reveal, commitments=bad + reveal.commitments[32:]) for bad in bad_points()),
        *(replace(reveal, commitments=reveal.commitments[:-32] + bad) for bad in bad_points()),
        replace(reveal, commitments=reveal.commitments[:-32]),
        replace(reveal, commitments=reveal.commitments + reveal.commitments[:32]),
        replace(reveal, nonce=ZERO),
        replace(reveal, proof_secret=reveal.proof_encryption),
        replace(reveal, proof_secret=bytes(64)),
        *(replace(reveal, proof_secret=reveal.proof_secret[:32] + bad) for bad in BAD_SCALARS),
        run.reveals[2],
    ]
    crooked = [
        replace(shares, sealed=shares.sealed[:-48]),
        replace(shares, sealed=shares.sealed + bytes(48)),
        replace(shares, ephemerals=shares.ephemerals[:-32]),
        *(replace(shares, ephemerals=bad + shares.ephemerals[32:]) for bad in bad_points()),
    ]
    return [
        *(partial(verify_reveal, run.session, 1, commit, lie) for lie in lies),
        partial(verify_reveal, run.session, 2, commit, reveal),
        partial(verify_reveal, run.session, 1, CeremonyCommit(bytes(64), 1), reveal),
        partial(verify_reveal, session_of(number=2), 1, commit, reveal),
        *(partial(verify_shares, run.session, 1, item) for item in crooked),
        partial(check_dealers, run.session, {1: reveal}),
        partial(check_dealers, run.session, {}),
    ]


@refuses("protocol.ceremony:judge_complaint", "protocol.ceremony_session:ShareChannel.open")
def _complaints() -> Sequence[Attempt]:
    run = run_ceremony(session_of())
    bent = {
        **run.shares,
        1: replace(run.shares[1], sealed=run.shares[1].sealed[:48] + bytes(48) + run.shares[1].sealed[96:]),
    }
    complaint = run.secrets[2].check(run.dealings, bent)
    if complaint is None:
        raise RecordError("a bad share was taken")
    judge_complaint(run.session, 2, complaint, run.dealings, bent)
    judge = partial(judge_complaint, run.session)
    lies = [
        replace(complaint, dealer=3),
        replace(complaint, dealer=9),
        replace(complaint, proof=bytes(64)),
        *(replace(complaint, point=bad) for bad in bad_points()),
        replace(complaint, point=run.reveals[1].encryption_key),
        *(replace(complaint, proof=complaint.proof[:32] + bad) for bad in BAD_SCALARS),
    ]
    dealer, own = run.dealings[1], run.dealings[2].encryption_key
    ephemeral = Elements.decode(run.shares[1].ephemerals[32:64])
    channel = ShareChannel(run.session, 1, 2, dealer.commitments, own, ephemeral)
    sealed, point = run.shares[1].sealed[48:96], Elements.decode(complaint.point)
    channel.open(sealed, point)
    elsewhere = ShareChannel(run.session, 3, 2, dealer.commitments, own, ephemeral)
    return [
        partial(judge, 2, complaint, run.dealings, run.shares),  # the share was good after all
        partial(judge, 3, complaint, run.dealings, bent),
        partial(channel.open, bytes(48), point),
        partial(channel.open, sealed[:-1], point),
        partial(channel.open, sealed, point + point),
        partial(elsewhere.open, sealed, point),
        *(partial(judge, 2, lie, run.dealings, bent) for lie in lies),
    ]


@refuses("protocol.registration:verify_registrar_key")
def _registrar_keys() -> Sequence[Attempt]:
    signer, body = golden_bodies("registrar-key")[0]
    manifest, sitting = golden().simulator.board.manifest, golden().anchor
    index = manifest.registrars.index(signer) + 1
    if not isinstance(body, RegistrarKey):
        raise TypeError(body)
    verify_registrar_key(sitting, index, body)
    modulus, roots = body.modulus, body.roots
    lies = [
        replace(body, modulus=bytes(384)),
        replace(body, modulus=modulus[:-1] + bytes([modulus[-1] ^ 1])),
        replace(body, modulus=b"\xff" * 384),
        replace(body, roots=roots[384:] + roots[:384]),
        replace(body, roots=bytes(384) + roots[384:]),
        replace(body, roots=roots[:384] * 8),
        replace(body, poll=body.poll + 1),
    ]
    return [
        *(partial(verify_registrar_key, sitting, index, lie) for lie in lies),
        partial(verify_registrar_key, ZERO, index, body),
        partial(verify_registrar_key, sitting, index + 1, body),
    ]


@refuses(
    "protocol.registration:check_request",
    "protocol.registration:check_answer",
    "protocol.registration:check_expected_answer",
)
def _registration() -> Sequence[Attempt]:
    body, keys = requested(), [public_keys(poll) for poll in POLLS]
    check = partial(check_request, keys=keys, polls=len(POLLS))
    check(body)
    n = keys[0][0].n
    spoilt = [value.to_bytes(384, "big") + body.blinded[0][384:] for value in (0, 1, n - 1, n, n + 1)]
    requests = [
        *(replace(body, blinded=(item, *body.blinded[1:])) for item in spoilt),
        replace(body, blinded=body.blinded[:1]),
        replace(body, blinded=(*body.blinded, body.blinded[0])),
        replace(body, blinded=(body.blinded[0][:384], *body.blinded[1:])),
    ]
    mine, first = answered(1), [row[0] for row in keys]
    check_answer(mine, body, first, 1)
    expected = [answer_digest(item[:384]) for item in body.blinded]
    check_expected_answer(mine, expected, first, 1)
    answers = [
        answered(2),
        bytes(len(mine)),
        mine[:384],
        mine + mine[:384],
        mine[384:] + mine[:384],
        b"",
        mine[1:] + b"\0",
    ]
    return [
        *(partial(check, item) for item in requests),
        *(partial(check_answer, item, body, first, 1) for item in answers),
        *(partial(check_expected_answer, item, expected, first, 1) for item in answers),
        partial(check_expected_answer, mine, expected[::-1], first, 1),
        partial(check_answer, mine, body, [row[1] for row in keys], 1),
    ]


@refuses("protocol.tallying:verify_decryption")
def _decryptions() -> Sequence[Attempt]:
    stage = Stage.before("decryption")
    signer, body = golden_bodies("decryption")[0]
    index = stage.manifest.trustees.keys.index(signer) + 1
    (poll,) = stage.state.polls.values()
    if not isinstance(body, Decryption) or stage.state.ceremony is None:
        raise TypeError(body)
    aggregates, share = poll.aggregates[body.contest - 1], stage.state.ceremony.public_shares
    check: Callable[..., object] = partial(
        verify_decryption,
        ctx=poll.ctx,
        tally_id=body.tally_id,
        trustee=index,
        public_share=share[index],
        contest=body.contest,
        aggregates=aggregates,
        body=body,
    )
    check()
    factors, proofs = body.factors, body.proofs
    lies = [
        replace(body, tally_id=bytes(64)),
        replace(body, factors=factors[32:] + factors[:32]),
        replace(body, factors=factors[:-32]),
        replace(body, factors=ZERO + factors[32:]),
        *(replace(body, factors=bad + factors[32:]) for bad in bad_points()),
        replace(body, proofs=proofs[64:] + proofs[:64]),
        replace(body, proofs=proofs[:-64]),
        replace(body, proofs=bytes(len(proofs))),
        *(replace(body, proofs=proofs[:32] + bad + proofs[64:]) for bad in BAD_SCALARS),
    ]
    doubled: Ciphertexts = aggregates + aggregates
    changes: list[dict[str, object]] = [
        {"ctx": ZERO},
        {"trustee": index % 4 + 1},
        {"contest": 9},
        {"aggregates": doubled},
        {"tally_id": bytes(64)},
    ]
    return [
        *(partial(check, body=lie) for lie in lies),
        *(partial(check, **change) for change in changes),
        partial(check, public_share=share[index % 4 + 1] if index % 4 + 1 in share else share[1]),
    ]


@refuses("roles.receipt:check_receipt", "roles.offline_receipt:check_offline")
def _receipts() -> Sequence[Attempt]:
    simulator = fork()
    simulator.rehearsal.open_poll(1, [resolution()])
    for who in range(2):
        delegate = simulator.rehearsal.delegates[who]
        delegate.cast(delegate.seal(1, (FOR,), TAGS[who]))
    simulator.rehearsal.witness()
    receipt, other = (simulator.rehearsal.delegates[who].receipt(1) for who in range(2))
    view = simulator.rehearsal.view()
    view.refresh()
    check_receipt(receipt, view, TAGS[0])
    packed, anchor = pack_receipt(receipt, view), simulator.board.anchor
    check_offline(packed, anchor, TAGS[0])
    lies = [
        replace(receipt, sitting_id=ZERO),
        replace(receipt, tracker=ZERO),
        replace(receipt, index=0),
        replace(receipt, index=other.index),
        replace(receipt, proof=other.proof),
        *(replace(receipt, proof=text) for text in ("proof", receipt.proof[:-2], receipt.proof + "\n")),
    ]
    return [
        *(partial(check_receipt, lie, view, TAGS[0]) for lie in (*lies, replace(receipt, poll=2))),
        *(partial(check_receipt, receipt, view, tag) for tag in (TAGS[1], "", "\udcff", "0" * 10_000)),
        *(partial(check_offline, pack_receipt(lie, view), anchor, TAGS[0]) for lie in lies),
        partial(check_offline, packed, ZERO, TAGS[0]),
        partial(check_offline, packed, anchor, TAGS[1]),
        *(partial(check_offline, replace(packed, entry=msgspec.Raw(data)), anchor, TAGS[0]) for data in JUNK),
    ]


@refuses("record.sitting:SittingRecord.judge", "audit.verifier:audit", "audit.verifier:audit_log")
def _machine() -> Sequence[Attempt]:
    record = SittingRecord(golden().anchor, fetch=golden().entries.__getitem__)

    def judged(data: bytes) -> None:
        judgement = record.judge(data)
        if not judgement.outcome.stands:
            raise RecordError(judgement.reason, check=judgement.check)

    judged(golden_entries("manifest")[0])
    signed = golden_entries("manifest")[0]

    def audited(entries: Sequence[bytes], notes: Sequence[bytes], anchor: bytes | None) -> None:
        report = audit(ListSource(list(entries), list(notes)), anchor=anchor)
        if report.verdict is not Verdict.STANDS:
            raise InvalidProofError(" ".join(report.words))

    def gone_on(entries: Sequence[bytes], notes: Sequence[bytes], anchor: bytes | None) -> None:
        report = audit_log(ListSource(list(entries), list(notes)), anchor=anchor, verified=kept[0]).report
        if report.verdict is not Verdict.STANDS:
            raise InvalidProofError(" ".join(report.words))

    honest, notes, kept = golden().entries, list(golden().simulator.board.notes.values()), list[bytes]()
    audited(honest, notes, golden().anchor)
    audit_log(ListSource(list(honest), list(notes)), anchor=golden().anchor, keep=kept.append)
    gone_on(honest, notes, golden().anchor)
    changed = [*honest[:-1], honest[-1].replace(b"a", b"b", 1)]
    lies: list[tuple[Sequence[bytes], Sequence[bytes], bytes | None]] = [
        (honest, notes, ZERO),
        ([], [], None),
        (honest, [], golden().anchor),
        (changed, notes, golden().anchor),
        (honest[:-1], notes, golden().anchor),
        (honest[1:], notes, golden().anchor),
        ([*honest[:-2], honest[-1], honest[-2]], notes, golden().anchor),
    ]
    return [
        *of_bytes(judged, signed[:-1], signed + b"\n", golden_entries("opening")[0], golden_entries("ballot")[0]),
        *(partial(judged, entry) for entry in golden().entries[len(golden_entries("manifest")) :]),
        *(partial(audited, *lie) for lie in lies),
        # What was verified before is not read again: a copy that differs in it alone says nothing else of the log.
        *(partial(gone_on, *lie) for lie in lies if len(lie[0]) != len(honest) or lie[1:] != (notes, golden().anchor)),
    ]
