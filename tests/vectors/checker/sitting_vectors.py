"""Recompute every intermediate value of `sitting.json` from SPEC.md, its entries and its (public) secrets."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from . import aead, canonical, ed25519, merkle, ristretto
from .comparing import Case, Comparison, Phrase, big, from_hex, number
from .edwards import ORDER, Point, add, combine, multiply, multiply_base, subtract
from .machine_ballots import open_contests, statement
from .machine_board import satisfies_quorum
from .machine_tally import recompute
from .making import le, plain, pss_encode
from .primitive_vectors import certificate_elements, inclusion_root, lagrange, private_exponent
from .rsa import EXPONENT
from .transcript import challenge, digest, numbers, u64, wide
from .verdict import run

if TYPE_CHECKING:
    from .canonical import Value
    from .machine_state import Body, Poll, State


def verify_sitting(data: Case) -> Comparison:
    """Return what was compared: outcomes, hashes, ceremony, credentials, ballots, tallies and receipt."""
    result = Comparison()
    entries = [base64.b64decode(entry) for entry in data["entries"]]
    state, outcomes = run(entries, from_hex(data, "sitting_id"))
    result.check("expected", data["expected"], outcomes)
    envelopes: list[Case] = [dict(_members(entry)) for entry in entries]
    result.check("leaf_hashes", data["leaf_hashes"], [merkle.leaf_hash(entry) for entry in entries])
    hashes = [hashlib.sha256(canonical.encode(envelope["body"])).digest() for envelope in envelopes]
    result.check("body_hashes", data["body_hashes"], hashes)
    result.check("sitting_id", data["sitting_id"], hashes[0])
    _ceremony(result, state, data["ceremony"])
    keys = {(case["registrar"], case["class"]): case for case in data["registrar_keys"]}
    for case in data["registrar_keys"]:
        _registrar_key(result, state, case)
    for case in data["delegates"]:
        _delegate(result, state, envelopes, case, keys)
    for case in data["ballots"]:
        _ballot(result, state, entries, case, data["delegates"][case["delegate"] - 1])
    shares = {case["index"]: _scalar(case["secret_share"]) for case in data["ceremony"]["dealers"]}
    for case, poll in zip(data["polls"], state.polls.values(), strict=True):
        _poll(result, state, poll, case, shares)
    _receipt(result, state, entries, data["receipt"])
    return result


def _members(entry: bytes) -> Case:
    value = canonical.read(entry)
    if not isinstance(value, dict):
        raise TypeError("an entry is an object")
    return dict(value)


def _scalar(text: str) -> int:
    value = ristretto.scalar(bytes.fromhex(text))
    if value is None:
        raise ValueError("no scalar")
    return value


def _encode(point: Point) -> bytes:
    return ristretto.encode(point)


def _ceremony(result: Comparison, state: State, case: Case) -> None:
    session, sitting_id = state.session, state.sitting.sitting_id
    if session is None:
        raise ValueError("no session")
    dealers = {dealer["index"]: dealer for dealer in case["dealers"]}
    secrets = {i: [_scalar(text) for text in dealer["coefficients"]] for i, dealer in dealers.items()}
    keys = {i: _encode(multiply_base(_scalar(dealer["encryption_secret"]))) for i, dealer in dealers.items()}
    public = {}
    for i, dealer in dealers.items():
        name = f"ceremony/{i}"
        commitments = [_encode(multiply_base(secret)) for secret in secrets[i]]
        heads = (sitting_id, case["session"], i, b"".join(commitments), keys[i], from_hex(dealer, "nonce"))
        share = sum(secrets[j][k] * i**k for j in dealers for k in range(case["threshold"])) % ORDER
        public[i] = _encode(multiply_base(share))
        commitment = digest("ceremony-commit", *heads)
        result.members(
            name, dealer, commitments=commitments, encryption_key=keys[i], commitment=commitment, secret_share=le(share)
        )
        reveal, dealt = session.rounds[1][i].body, session.rounds[2][i].body
        result.check(f"{name}/reveal", [*dealer["commitments"], dealer["encryption_key"]], [
            *(reveal["commitments"][at : at + 32] for at in range(0, len(reveal["commitments"]), 32)),
            reveal["encryption_key"],
        ])  # fmt: skip
        result.check(f"{name}/sealed", "".join(one["sealed"] for one in dealer["shares"]), dealt["sealed"])
        result.check(f"{name}/ephemerals", "".join(one["ephemeral"] for one in dealer["shares"]), dealt["ephemerals"])
        for one in dealer["shares"]:
            parties = (sitting_id, case["session"], i, one["receiver"], b"".join(commitments), keys[one["receiver"]])
            _share(result, f"{name}/{one['receiver']}", one, parties, secrets[i])
    joint = _encode(multiply_base(sum(secrets[i][0] for i in dealers)))
    shares = [public[i] for i in case["participants"]]
    leaves = b"".join(session.rounds[r][i].leaf for r in range(3) for i in case["participants"])
    members = numbers(case["participants"])
    transcript = digest("ceremony-transcript", sitting_id, case["session"], members, leaves, joint, b"".join(shares))
    result.members("ceremony", case, joint_key=joint, public_shares=shares, transcript=transcript)


def _share(
    result: Comparison,
    name: str,
    case: Case,
    parties: tuple[bytes, int, int, int, bytes, bytes],
    coefficients: list[int],
) -> None:
    secret, point = _scalar(case["ephemeral_secret"]), ristretto.decode(parties[-1])
    if point is None:
        raise ValueError("no element")
    ephemeral, dh = _encode(multiply_base(secret)), _encode(multiply(secret, point))
    share_key = digest("share-key", *parties, ephemeral, dh)[:32]
    share = le(sum(c * case["receiver"] ** k for k, c in enumerate(coefficients)))
    sealed = aead.seal(share_key, bytes(24), share)
    result.members(name, case, ephemeral=ephemeral, dh=dh, share_key=share_key, share=share, sealed=sealed)


def _registrar_key(result: Comparison, state: State, case: Case) -> None:
    name = f"registrar {case['registrar']}, class {case['class']}"
    p, q = (int(prime, 16) for prime in case["primes"])
    registration = state.registrations[0]
    slot = (case["registrar"], case["poll"], case["class"])
    result.check(f"{name}/entry", case["modulus"], big(registration.moduli[slot]))
    place = (state.sitting.sitting_id, registration.number, *slot)
    rho = [big(element) for element in certificate_elements(place, p * q)]
    key_id = digest("key-id", *place, big(p * q))
    result.members(name, case, modulus=big(p * q), key_id=key_id, rho=rho)


def _delegate(
    result: Comparison, state: State, envelopes: list[Case], case: Case, keys: dict[tuple[int, int], Case]
) -> None:
    name, sitting_id = f"delegate {case['delegate']}", state.sitting.sitting_id
    phrase = Phrase(from_hex(case, "bip39_seed"), case["label"])
    roll = phrase.derive("identity", size=32)
    roll_key, s = ed25519.public_key(roll), phrase.credential(sitting_id, 1, 1)
    public = _encode(multiply_base(s))
    result.members(name, case, roll_key_seed=roll, roll_key=roll_key, s=le(s), S=public)
    result.check(f"{name}/class", case["class"], state.registrations[0].roll[roll_key])
    blinded = b""
    for one in case["registrars"]:
        key = keys[one["registrar"], case["class"]]
        _blinding(result, f"{name}/{one['registrar']}", one, phrase, (sitting_id, key, case["class"], public))
        blinded += from_hex(one, "blinded")
    request = envelopes[case["request"]]
    result.check(f"{name}/request", request["body"]["blinded"], [canonical.encode_base64(blinded)])
    result.members(
        name,
        case,
        randomizers=b"".join(from_hex(one, "randomizer") for one in case["registrars"]),
        signatures=b"".join(from_hex(one, "signature") for one in case["registrars"]),
    )
    leaf = canonical.encode_base64(from_hex(case, "request_leaf"))
    issued = [
        answer["signatures"]
        for envelope in envelopes
        if envelope["kind"] == "credential-issue"
        for answer in envelope["body"]["answers"]
        if answer["request"] == leaf
    ]
    answers = [canonical.encode_base64(from_hex(one, "blind_signature")) for one in case["registrars"]]
    result.check(f"{name}/answers", sorted(issued), sorted(answers))


def _blinding(result: Comparison, name: str, case: Case, phrase: Phrase, place: tuple[bytes, Case, int, bytes]) -> None:
    sitting_id, key, kind, public = place
    p, q = (int(prime, 16) for prime in key["primes"])
    modulus, key_id = number(key, "modulus"), from_hex(key, "key_id")
    message = digest("credential", sitting_id, 1, case["registrar"], key_id, kind, public)
    randomizer, salt = phrase.randomizer(sitting_id, key_id), phrase.salt(sitting_id, key_id)
    r = phrase.blinding(sitting_id, key_id, modulus)
    blinded = pss_encode(randomizer + message, salt, 3071) * pow(r, EXPONENT, modulus) % modulus
    signed, inverse = pow(blinded, private_exponent(p, q), modulus), pow(r, -1, modulus)
    result.members(
        name,
        case,
        key_id=key_id,
        message=message,
        randomizer=randomizer,
        prepared=randomizer + message,
        salt=salt,
        r=big(r),
        r_inverse=big(inverse),
        blinded=big(blinded),
        blind_signature=big(signed),
        signature=big(signed * inverse % modulus),
    )


def _ballot(result: Comparison, state: State, entries: list[bytes], case: Case, delegate: Case) -> None:
    """Seal the ballot anew from its seed, and compare every value and the entry."""
    name, (poll,) = f"ballot {case['index']}", state.polls.values()
    secret, tag = _scalar(delegate["s"]), case["tag"]
    heads = (poll.ctx, from_hex(delegate, "S"), case["sequence"], from_hex(case, "previous"), tag)
    choices = b"".join(u64(value) for contest in case["choices"] for value in contest)
    root = digest("ballot-root", from_hex(case, "seed"), *heads, choices)
    joint, contests = state.joint, open_contests(state.sitting, poll.body, delegate["class"])
    if joint is None:
        raise ValueError("no joint key")
    seals = [
        _Seal(root, place, contest, values, joint)
        for place, (contest, values) in enumerate(zip(contests, case["choices"], strict=True), start=1)
    ]
    rows = [row for seal in seals for row in seal.rows]
    result.check(f"{name}/disjunctions", case["disjunctions"], [row.written() for row in rows])
    body: Body = {
        "class": delegate["class"],
        "commitment": bytes(32),
        "contests": [seal.draft() for seal in seals],
        "credential": from_hex(delegate, "S"),
        "ctx": poll.ctx,
        "previous": from_hex(case, "previous"),
        "randomizers": from_hex(delegate, "randomizers"),
        "sequence": case["sequence"],
        "signatures": from_hex(delegate, "signatures"),
        "tag": tag,
    }
    bound = digest("ballot", *statement(state, poll, body, contests))
    t = wide(digest("ballot-nonce", le(secret), from_hex(case, "fresh"), bound))
    body["commitment"] = _encode(multiply_base(t))
    e = challenge("ballot", *statement(state, poll, body, contests))
    body["contests"] = [seal.answer(e) for seal in seals]
    tracker = hashlib.sha256(canonical.encode({"body": plain(body), "kind": "ballot"})).digest()
    body["response"] = le(t + e * secret)
    value: Value = {"body": plain(body), "kind": "ballot"}
    entry = canonical.encode(value)
    result.check(f"{name}/entry", entries[case["index"]].hex(), entry)
    result.members(
        name, case, root=root, statement=bound, t=le(t), T=body["commitment"], e=le(e), z=body["response"],
        tracker=tracker, leaf_hash=merkle.leaf_hash(entry),
    )  # fmt: skip


class _Row:
    """One disjunction: its drawn scalars, and what it proves of which value and randomness."""

    def __init__(self, root: bytes, place: tuple[int, int], values: range, value: int) -> None:
        self.place, self.values, self.value, self.r = place, values, value, 0
        branches = range(1, len(values) + 1)
        self.commit = [wide(digest("ballot-scalar", root, "commit", *place, j)) for j in branches]
        self.challenge = [wide(digest("ballot-scalar", root, "challenge", *place, j)) for j in branches]

    def written(self) -> Case:
        """Return the row as the file has it."""
        contest, option = self.place
        row: Case = {"contest": contest, "option": option, "values": list(self.values)}
        drawn = {"r": le(self.r).hex()} if option else {}
        scalars = {name: [le(x).hex() for x in getattr(self, name)] for name in ("commit", "challenge")}
        return {**row, **drawn, **scalars}

    def commitments(self, key: Point) -> bytes:
        """Return A_1 ‖ B_1 ‖ …."""
        data = b""
        for u, c, v in zip(self.commit, self.challenge, self.values, strict=True):
            data += _encode(multiply_base(u))
            data += _encode(subtract(multiply(u, key), multiply_base(c * (self.value - v))))
        return data

    def respond(self, e: int) -> tuple[bytes, bytes]:
        """Return challenges but the last, and responses."""
        final, at = list(self.challenge), self.values.index(self.value)
        final[at] = e - sum(final) + final[at]
        responses = b"".join(le(u + c * self.r) for u, c in zip(self.commit, final, strict=True))
        return b"".join(le(c) for c in final[:-1]), responses


class _Seal:
    """One contest of a ballot."""

    def __init__(self, root: bytes, place: int, contest: Body, values: list[int], key: Point) -> None:
        self.key, self.ciphertexts, self.rows = key, b"", []
        for option, (value, shape) in enumerate(zip(values, contest["options"], strict=True), start=1):
            row = _Row(root, (place, option), range(shape["maximum"] + 1), value)
            row.r = wide(digest("ballot-scalar", root, "encrypt", place, option, 0))
            self.ciphertexts += _encode(multiply_base(row.r))
            self.ciphertexts += _encode(add(multiply(row.r, key), multiply_base(value)))
            self.rows.append(row)
        total = _Row(root, (place, 0), range(contest["sum_minimum"], contest["sum_maximum"] + 1), sum(values))
        total.r = sum(row.r for row in self.rows) % ORDER
        self.rows.append(total)
        self.commitments = b"".join(row.commitments(key) for row in self.rows)

    def draft(self) -> Body:
        """Return what the challenge is over."""
        return {"ciphertexts": self.ciphertexts, "commitments": self.commitments}

    def answer(self, e: int) -> Body:
        """Return the contest object."""
        parts = [row.respond(e) for row in self.rows]
        challenges, responses = (b"".join(part) for part in zip(*parts, strict=True))
        return {**self.draft(), "challenges": challenges, "responses": responses}


def _poll(result: Comparison, state: State, poll: Poll, case: Case, shares: dict[int, int]) -> None:
    name = f"poll {poll.number}"
    result.members(
        name,
        case,
        poll=poll.number,
        ctx=poll.ctx,
        status=poll.status,
        closing=poll.closing_index,
        closing_leaf=poll.closing_leaf,
        closing_time=poll.closing_time,
        counted=[vote.index for vote in poll.counted],
        tally_id=poll.tally_id,
    )
    result.check(f"{name}/result", case["result"], recompute(state, poll))
    for place, contest in enumerate(case["contests"]):
        ciphers = poll.aggregates[place]
        aggregates = [_encode(cipher.alpha) + _encode(cipher.beta) for cipher in ciphers]
        result.members(
            f"{name}/{place}",
            contest,
            aggregates=aggregates,
            at_floor=poll.at_floor[place],
            counts=poll.counts[place],
        )
        indices = sorted(one["trustee"] for one in contest["decryptions"])
        masks = []
        for one in contest["decryptions"]:
            factors = [multiply(shares[one["trustee"]], cipher.alpha) for cipher in ciphers]
            weight = lagrange(indices, one["trustee"])
            parts = [multiply(weight, factor) for factor in factors]
            masks.append(parts)
            result.members(
                f"{name}/{place}/{one['trustee']}",
                one,
                factors=[_encode(factor) for factor in factors],
                lagrange=le(weight),
                parts=[_encode(part) for part in parts],
            )
            given = [_encode(factor) for factor in poll.decryptions[place][one["trustee"]][1]]
            result.check(f"{name}/{place}/{one['trustee']}/entry", one["factors"], given)
        opened = [
            subtract(cipher.beta, combine([1] * len(masks), [parts[option] for parts in masks]))
            for option, cipher in enumerate(ciphers)
        ]
        counts = [_encode(multiply_base(count)).hex() for count in contest["counts"]]
        result.check(f"{name}/{place}/opened", counts, [_encode(point) for point in opened])


def _receipt(result: Comparison, state: State, entries: list[bytes], case: Case) -> None:
    """Check the receipt by SPEC.md#receipts."""
    entry, (poll,) = entries[case["index"]], state.polls.values()
    head, _, text = case["proof"].partition("\n\n")
    header, index, *path = head.split("\n")
    checkpoint = satisfies_quorum(state, text)
    if checkpoint is None:
        raise ValueError("the receipt's checkpoint is not good")
    found = inclusion_root(
        case["index"], checkpoint.size, merkle.leaf_hash(entry), [base64.b64decode(line) for line in path]
    )
    result.check("receipt/root", checkpoint.root.hex(), found)
    result.check("receipt/header", [header, index], ["c2sp.org/tlog-proof@v1", f"index {case['index']}"])
    body = _members(entry)["body"]
    response = body.pop("response")
    tracker = hashlib.sha256(canonical.encode({"body": body, "kind": "ballot"})).digest()
    result.members(
        "receipt", case, sitting_id=state.sitting.sitting_id, poll=poll.number, tag=body["tag"], tracker=tracker
    )
    heads = [credential.head.leaf for credential in poll.credentials.values()]
    result.check("receipt/is a head", True, merkle.leaf_hash(entry) in heads and bool(response))
