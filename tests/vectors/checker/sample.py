"""A small sitting of the checker's own making, step by step, with the checker's state beside it."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from typing import Any

from . import canonical, ristretto
from . import making as mk
from .edwards import ORDER, multiply_base
from .machine_judge import judge
from .machine_state import State
from .reading import Record
from .transcript import digest

OPENS, CLOSES = 1_000, 5_000
VOTERS = 4
SUCCESSOR = {"key": mk.key_of("log 2"), "promise_key": mk.key_of("promise 2")}

Said = tuple[str, str | None, str | None]
EFFECT: Said = ("effect", None, None)
COLLECTED: Said = ("collected", None, None)


def manifest() -> mk.Body:
    """Return a manifest: presidium 2 of 2, three trustees of which two are enough, one registrar, one poll."""
    return {
        "ceremony_sessions": 3,
        "classes": [{"name": "Delegates", "seats": 10, "weight": 1}],
        "commission": [mk.key_of("commission")],
        "decryption_period": 100,
        "dishonest_witnesses": 0,
        "extension_limit": 50,
        "grace": 100,
        "limits": {"ballots_per_credential": 3},
        "log": {
            "key": mk.key_of("log"),
            "maximum_delay": 60,
            "origin": mk.ORIGIN,
            "promise_key": mk.key_of("promise"),
        },
        "minimum_ballots": 2,
        "objection_period": 0,
        "polls": 1,
        "presidium": {"keys": [mk.key_of("chair"), mk.key_of("deputy")], "threshold": 2},
        "registrars": [mk.key_of("registrar")],
        "rules": [
            {
                "decision": "adopt",
                "eligible": [1],
                "majority": {"base": "cast", "denominator": 2, "numerator": 1, "strict": True},
                "minimum_duration": 100,
                "name": "simple",
                "quorum": {"base": "roll", "denominator": 2, "measure": "count", "numerator": 1},
                "seats": 0,
            }
        ],
        "successors": [SUCCESSOR],
        "suite": "secballot/v1",
        "title": "A small sitting",
        "trustees": {"keys": [mk.key_of(f"trustee {i}") for i in (1, 2, 3)], "minimum": 2, "threshold": 2},
        "witnesses": {"quorum": 2, "witnesses": [{"key": mk.key_of(n), "name": n} for n in ("w1", "w2")]},
    }


class Sitting:
    """A whole sitting, made step by step, with the checker's state beside it."""

    def __init__(self) -> None:
        """Begin with the manifest."""
        self.rng = random.Random(7)  # noqa: S311  a repeatable record
        self.log = mk.Maker(["w1", "w2"])
        self.state = State(None)
        self.outcomes: list[Said] = []
        wire = mk.plain(manifest())
        self.post("manifest", manifest(), "chair", "deputy")
        self.log.sitting_id = hashlib.sha256(canonical.encode(wire)).digest()

    def append(self, entry: bytes) -> Said:
        """Append an entry and return what the checker says."""
        self.log.append(entry)
        _, outcome = judge(self.state, entry)
        self.outcomes.append((outcome.outcome, outcome.check, outcome.culprit))
        return self.outcomes[-1]

    def post(self, kind: str, body: mk.Body, *signers: str) -> Said:
        """Append signed entries and return the last outcome."""
        last: Said = ("", None, None)
        for signer in signers:
            last = self.append(self.log.entry(kind, body, signer))
        return last

    def ceremony(self, session: int, indices: list[int], cheat: tuple[int, int] | None = None) -> list[mk.Trustee]:
        """Run a session up to its shares."""
        sid = self.log.sitting_id
        trustees = [mk.Trustee(i, 2, self.rng) for i in indices]
        for t in trustees:
            assert self.post("ceremony-commit", t.commit(sid, session), t.name)[0] == "effect"
        for t in trustees:
            assert self.post("ceremony-reveal", t.reveal(sid, session, len(indices)), t.name)[0] == "effect"
        for t in trustees:
            wrong = cheat[1] if cheat and cheat[0] == t.index else None
            assert self.post("ceremony-shares", t.deal(sid, session, trustees, wrong), t.name)[0] == "effect"
        return trustees

    def confirm(self, session: int, trustees: list[mk.Trustee]) -> None:
        """Let every trustee confirm."""
        current = self.state.session
        assert current is not None
        leaves = [current.rounds[r][t.index].leaf for r in range(3) for t in trustees]
        transcript = mk.transcript_of(self.log.sitting_id, session, trustees, leaves)
        for t in trustees:
            outcome = self.post("ceremony-confirm", {"session": session, "transcript": transcript}, t.name)
            assert outcome[0] == "effect"

    def record(self) -> Record:
        """Return the record so far."""
        return Record([self.log.checkpoint(CLOSES + 1_000)], self.log.entries, self.log.sitting_id)


def register(s: Sitting, modulus: int, private: int) -> list[tuple[int, mk.Body]]:
    """Register the voters; return each one's secret and credential fields."""
    sid, raw = s.log.sitting_id, modulus.to_bytes(384, "big")
    roots = b""
    for i in range(1, 9):
        blocks = b"".join(digest("certificate-element", sid, 1, 1, 1, 1, raw, 65537, i, j) for j in range(1, 9))
        roots += pow(int.from_bytes(blocks, "big") % modulus, private, modulus).to_bytes(384, "big")
    voters = sorted((mk.key_of(f"voter {i}"), f"voter {i}") for i in range(VOTERS))
    roll = {"chunk": 1, "chunks": 1, "class": 1, "keys": [key for key, _ in voters], "registration": 1}
    assert s.post("roll", roll, "commission") == ("effect", None, None)
    key = {"class": 1, "modulus": raw, "poll": 1, "registration": 1, "roots": roots}
    bad = {**key, "roots": roots[:-1] + bytes([roots[-1] ^ 1])}
    assert s.post("registrar-key", bad, "registrar") == ("fault", "REG-03", "registrar 1")
    assert s.post("registrar-key", key, "registrar") == ("effect", None, None)
    assert s.post("registration", {"first_poll": 1, "registration": 1}, "chair", "deputy")[0] == "effect"
    key_id = digest("key-id", sid, 1, 1, 1, 1, raw)
    credentials = []
    for _, name in voters:
        secret, randomizer = s.rng.randrange(1, ORDER), s.rng.randbytes(32)
        element = ristretto.encode(multiply_base(secret))
        message = randomizer + digest("credential", sid, 1, 1, key_id, 1, element)
        encoded, blind = mk.pss_encode(message, s.rng.randbytes(48), 3071), s.rng.randrange(2, modulus)
        blinded = encoded * pow(blind, 65537, modulus) % modulus
        request = {"blinded": [blinded.to_bytes(384, "big")], "first_poll": 1, "registration": 1}
        assert s.post("credential-request", request, name) == ("effect", None, None)
        answered = pow(blinded, private, modulus)
        answer = {"request": s.log.tree.leaf(len(s.log.entries) - 1), "signatures": answered.to_bytes(384, "big")}
        assert s.post("credential-issue", {"answers": [answer], "registration": 1}, "registrar")[0] == "effect"
        signature = answered * pow(blind, -1, modulus) % modulus
        fields = {"credential": element, "randomizers": randomizer, "signatures": signature.to_bytes(384, "big")}
        credentials.append((secret, fields))
    assert s.post("registration-close", {"registration": 1}, "chair", "deputy")[0] == "effect"
    return credentials


def convene(s: Sitting, trustees: list[mk.Trustee]) -> bytes:
    """Convene the sitting and return the convening's hash."""
    size = len(s.log.entries)
    joint = ristretto.encode(mk.joint_key(trustees))
    consent = {"joint_key": joint, "registration": 1, "root": s.log.tree.root(size), "size": size}
    for name in ("registrar", *(t.name for t in trustees)):
        assert s.post("consent", consent, name) == ("effect", None, None)
    body: mk.Body = {"checkpoint": s.log.checkpoint(900), "registration": 1}
    assert s.post("convening", body, "chair", "deputy")[0] == "effect"
    return hashlib.sha256(canonical.encode(body)).digest()


def open_poll(s: Sitting, convening: bytes) -> bytes:
    """Open poll 1 with one contest, and return its ctx."""
    contest = {
        "documents": [],
        "options": [{"label": "For", "maximum": 1}, {"label": "Against", "maximum": 1}],
        "rules": "simple",
        "sum_maximum": 1,
        "sum_minimum": 0,
        "text": "Shall it be?\n",
        "title": "A question",
    }
    opening = {"closes_at": CLOSES, "contests": [contest], "convening": convening, "poll": 1}
    assert s.post("opening", opening, "chair", "deputy")[0] == "effect"
    return hashlib.sha256(canonical.encode(mk.plain(opening))).digest()


def ballot(s: Sitting, ctx: bytes, joint: Any, voter: tuple[int, mk.Body], votes: list[int], **over: Any) -> bytes:  # noqa: ANN401
    """Return a ballot's entry."""
    frame = {"class": 1, "ctx": ctx, "previous": bytes(32), "sequence": 0, "tag": "1234561234", **voter[1], **over}
    seal = mk.Seal(s.rng, joint, votes, [1, 1], range(2))
    body = mk.cast(s.rng, voter[0], (s.log.sitting_id, ctx, ristretto.encode(joint), 1), frame, [seal])
    return canonical.encode({"body": mk.plain(body), "kind": "ballot"})


@dataclass
class Opened:
    """A sitting with an open poll, and the secrets of everyone in it."""

    sitting: Sitting
    ctx: bytes
    trustees: list[mk.Trustee]
    credentials: list[tuple[int, mk.Body]]

    def vote(self, voter: int, votes: list[int]) -> bytes:
        """Return a voter's first ballot."""
        return ballot(self.sitting, self.ctx, mk.joint_key(self.trustees), self.credentials[voter], votes)

    def closing(self, time: int = CLOSES + 5) -> mk.Body:
        """Return a closing's body with a checkpoint of the log as it stands."""
        note = self.sitting.log.checkpoint(OPENS)
        return {"checkpoint": self.sitting.log.checkpoint(time), "ctx": self.ctx, "opening_checkpoint": note}


def vote(s: Sitting, ctx: bytes, joint: Any, credentials: list[tuple[int, mk.Body]]) -> None:  # noqa: ANN401
    """Cast ballots, good and bad, and close the poll."""
    opening_note = s.log.checkpoint(OPENS)
    for voter, votes in zip(credentials[:3], ([0, 1], [1, 0], [1, 0]), strict=True):
        assert s.append(ballot(s, ctx, joint, voter, votes)) == ("accepted", None, None)
    again = {"sequence": 1, "previous": s.state.polls[ctx].credentials[credentials[0][1]["credential"]].head.leaf}
    assert s.append(ballot(s, ctx, joint, credentials[0], [1, 0])) == ("excluded", "BAL-03", None)
    assert s.append(ballot(s, ctx, joint, credentials[0], [1, 1], **again)) == ("excluded", "BAL-13", None)
    assert s.append(ballot(s, ctx, joint, credentials[0], [2, -1], **again)) == ("excluded", "BAL-12", None)
    assert s.append(ballot(s, ctx, joint, credentials[0], [0, 0], **again)) == ("accepted", None, None)
    stolen = (credentials[3][0] + 1, credentials[3][1])
    assert s.append(ballot(s, ctx, joint, stolen, [1, 0])) == ("excluded", "BAL-09", None)
    foreign = (credentials[3][0], {**credentials[3][1], "signatures": credentials[2][1]["signatures"]})
    assert s.append(ballot(s, ctx, joint, foreign, [1, 0])) == ("excluded", "BAL-08", None)
    closing = {"checkpoint": s.log.checkpoint(CLOSES - 1), "ctx": ctx, "opening_checkpoint": opening_note}
    assert s.post("closing", closing, "trustee 3") == ("no effect", "POL-04", None)
    closing["checkpoint"] = s.log.checkpoint(CLOSES + 5)
    assert s.post("closing", {**closing, "opening_checkpoint": "x"}, "chair") == ("no effect", "LOG-03", None)
    assert s.post("closing", closing, "trustee 3") == ("effect", None, None)
    assert s.append(ballot(s, ctx, joint, credentials[3], [1, 0])) == ("excluded", "BAL-02", None)


def tally(s: Sitting, ctx: bytes, trustees: list[mk.Trustee]) -> None:
    """Decrypt, publish the result and adjourn."""
    poll = s.state.polls[ctx]
    for t in trustees:
        share = mk.secret_share(trustees, t.index)
        body = mk.decryption(s.rng, (ctx, poll.tally_id, t.index), share, 1, poll.aggregates[0])
        body |= {"contest": 1, "ctx": ctx, "tally_id": poll.tally_id}
        bad = {**body, "factors": body["factors"][32:] + body["factors"][:32]}
        assert s.post("decryption", bad, t.name) == ("fault", "TAL-04", t.name)
        assert s.post("decryption", body, t.name) == ("effect", None, None)
    result = {"counts": [2, 0], "elected": [], "outcome": "adopted", "tied": []}
    body = {"contests": [result], "ctx": ctx, "page": s.rng.randbytes(32), "tally_id": poll.tally_id}
    assert s.post("result", body, "chair", "deputy") == ("effect", None, None)
    assert s.post("adjournment", {"checkpoint": s.log.checkpoint(CLOSES + 10)}, "chair", "deputy")[0] == "effect"
    assert s.post("adjournment", {"checkpoint": s.log.checkpoint(CLOSES + 10)}, "chair") == (
        "no effect",
        "ENT-03",
        None,
    )
