"""Setup: the manifest, the roll's chunks and the registrars' keys.

Rules:
- the manifest fits if its parameters go together and its keys are distinct; nothing else has effect before it;
- roll chunks and registrar keys are staged for the next registration only, which freezes them.

Source: SPEC.md#manifest, SPEC.md#roll, SPEC.md#registrar-keys.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from secballot.blind import ModuliProduct
from secballot.errors import NOBODY, InvalidSignatureError, RecordError, VerificationError, blaming
from secballot.protocol.ceremony import Session
from secballot.protocol.registration import verify_registrar_key
from secballot.record.history import LogOperator
from secballot.record.outcome import out_of_phase, repetition
from secballot.record.parties import Parties, check_keys
from secballot.record.state import CeremonyState
from secballot.record.statements import Acceptable
from secballot.signing import VerifyKey, check_verify_keys

if TYPE_CHECKING:
    from secballot.record.outcome import Act, Commit
    from secballot.record.state import SittingState
    from secballot.records.credential import RegistrarKey
    from secballot.records.manifest import Manifest, RuleSet
    from secballot.records.roll import RollChunk


def check_manifest(manifest: Manifest, body_hash: bytes, anchor: bytes | None) -> None:
    """Check that this manifest may be a sitting's, whoever has signed it so far.

    Args:
        manifest: the body.
        body_hash: its SHA-256.
        anchor: the sitting_id from outside, or None.

    Raises:
        RecordError: SIT-01 (another sitting), SIT-02 (parameters).
        VerificationError: SIT-03 (keys).

    Source: SPEC.md#manifest.
    """
    if anchor is not None and body_hash != anchor:
        raise RecordError("this manifest is not the one of the trust anchor", check="SIT-01", culprit=NOBODY)
    complaint = _parameter_fault(manifest)
    if complaint:
        raise RecordError(complaint, check="SIT-02", culprit=NOBODY)
    check_keys(manifest)


def _parameter_fault(manifest: Manifest) -> str:
    """Return why the parameters do not go together, or nothing."""
    trustees, witnesses = manifest.trustees, manifest.witnesses
    count = len(trustees.keys)
    names = [witness.name for witness in witnesses.witnesses]
    faults = {
        "presidium threshold exceeds its keys": manifest.presidium.threshold > len(manifest.presidium.keys),
        "trustee threshold, minimum and number are not in order": not (trustees.threshold <= trustees.minimum <= count),
        "one trustee alone could decrypt": trustees.threshold == 1 and count > 1,
        "witness quorum exceeds the witnesses": witnesses.quorum > len(names),
        "the witness quorum does not withstand the dishonest ones": 2 * witnesses.quorum
        <= len(names) + manifest.dishonest_witnesses,
        "two witnesses have one name, or one has the log's": len({*names, manifest.log.origin}) != len(names) + 1,
        "two classes have one name": len({c.name for c in manifest.classes}) != len(manifest.classes),
        "a class has fewer seats than the privacy floor": any(
            c.seats < manifest.minimum_ballots for c in manifest.classes
        ),
        "two rule sets have one name": len({rule.name for rule in manifest.rules}) != len(manifest.rules),
        "a rule set contradicts itself": any(_rule_fault(rule, len(manifest.classes)) for rule in manifest.rules),
    }
    return next((reason for reason, found in faults.items() if found), "")


def _rule_fault(rule: RuleSet, classes: int) -> bool:
    increasing = all(low < high for low, high in pairwise(rule.eligible))
    return (
        not increasing
        or rule.eligible[-1] > classes
        or rule.majority.numerator > rule.majority.denominator
        or rule.quorum.numerator > rule.quorum.denominator
        or (rule.decision == "elect") != (rule.seats > 0)
        or (rule.decision == "elect" and rule.majority.base == "decided")
    )


def judge_manifest(state: SittingState, manifest: Manifest, act: Act) -> Commit:
    """Return the commit that founds the sitting; the manifest was checked at each of its entries."""

    def commit() -> None:
        state.manifest = manifest
        state.sitting_id = act.entry.body_hash
        state.parties = Parties(manifest)
        state.operators = [LogOperator(manifest.log.key, manifest.log.promise_key, 0, None)]
        session = Session(
            sitting_id=state.sitting_id,
            number=1,
            threshold=manifest.trustees.threshold,
            participants=tuple(range(1, len(manifest.trustees.keys) + 1)),
            identity_keys=manifest.trustees.keys,
        )
        state.ceremony = CeremonyState(session=session, rounds=({}, {}, {}, {}))

    return commit


def judge_roll(state: SittingState, body: RollChunk, act: Act) -> Commit:
    """Return the commit that adds a chunk to the next registration's roll.

    Raises:
        RecordError: REG-01.

    Source: SPEC.md#roll.
    """
    del act
    manifest, staged = state.the_manifest(), state.staged
    with blaming("REG-01", NOBODY):
        if body.registration != staged.number:
            raise RecordError("the roll is not for the next registration")
        if staged.chunks not in {None, body.chunks}:
            raise RecordError("the number of chunks differs from that of the chunks before")
        if body.class_index > len(manifest.classes):
            raise RecordError("the manifest has no such class")
        held = staged.class_sizes().get(body.class_index, 0)
        if held + len(body.keys) > manifest.classes[body.class_index - 1].seats:
            raise RecordError("the class has fewer seats than keys on the roll")
        _check_roll_keys(state, body.keys)

    def commit() -> None:
        staged.chunks = body.chunks
        staged.roll_chunks.add(body.chunk)
        staged.roll.add(body.keys, body.class_index)

    return commit


def _check_roll_keys(state: SittingState, keys: tuple[bytes, ...]) -> None:
    """Check the keys of a chunk, which are different ones; all together where nothing is wrong with any."""
    known = Acceptable(b"".join(keys)) in state.proven
    if not known:
        try:
            check_verify_keys(keys)
        except InvalidSignatureError:
            pass  # the first key that is at fault says why
        else:
            known = True
    for key in keys:
        if key in state.staged.roll or (state.parties is not None and key in state.parties):
            raise RecordError("a roll key stands on the roll already, or is a party's")
        if not known:
            _check_roll_key(key)


def _check_roll_key(key: bytes) -> None:
    try:
        VerifyKey(key)
    except InvalidSignatureError as error:
        raise RecordError("a roll key is not acceptable") from error


def judge_registrar_key(state: SittingState, body: RegistrarKey, act: Act) -> Commit:
    """Return the commit that stages a registrar's RSA key for the next registration.

    Raises:
        PhaseError: ENT-06.
        VerificationError: REG-02, REG-03, REG-04; the registrar is at fault.

    Source: SPEC.md#registrar-keys.
    """
    manifest, staged = state.the_manifest(), state.staged
    slot = (act.party.index, body.poll, body.class_index)
    if body.registration != staged.number:
        raise out_of_phase("registrar keys are admitted for the next registration only")
    if body.poll > manifest.polls or body.class_index > len(manifest.classes):
        raise out_of_phase("the sitting has no such poll or class")
    held = staged.key_bodies.get(slot)
    if held == act.entry.body_hash:
        raise repetition()
    if held is not None:
        raise VerificationError("a second key for one poll and class", check="REG-02", culprit=act.party)
    key = verify_registrar_key(state.sitting_id, act.party.index, body)
    moduli = state.moduli if state.moduli is not None else ModuliProduct()
    with blaming("REG-04", act.party):
        moduli.check(key.n)

    def commit() -> None:
        staged.key_bodies[slot] = act.entry.body_hash
        staged.keys[body.poll, body.class_index][act.party.index] = key
        moduli.add(key.n)
        state.moduli = moduli

    return commit
