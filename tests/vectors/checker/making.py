"""A small prover of its own: makes the entries of a sitting, so that the checker is tested on whole records."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from . import aead, canonical, ed25519, merkle, notes, ristretto, rsa
from .canonical import encode_base64
from .edwards import BASE, IDENTITY, ORDER, Point, add, multiply, multiply_base, subtract
from .transcript import Field, challenge, digest, numbers

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

ORIGIN = "log.example/sitting/" + "ab" * 16
Body = dict[str, Any]


def le(number: int) -> bytes:
    """Return a scalar's 32 bytes."""
    return (number % ORDER).to_bytes(32, "little")


def plain(value: object) -> Any:  # noqa: ANN401  JSON of any shape
    """Return a value with every byte string as base64."""
    if isinstance(value, bytes):
        return encode_base64(value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def seed_of(name: str) -> bytes:
    """Return the Ed25519 seed of a party's name."""
    return hashlib.sha256(name.encode()).digest()


def key_of(name: str) -> bytes:
    """Return the Ed25519 key of a party's name."""
    return ed25519.public_key(seed_of(name))


def make_rsa(rng: random.Random) -> tuple[int, int]:
    """Return a modulus of 3072 bits and the private exponent."""

    def prime() -> int:
        while True:
            number = rng.getrandbits(1536) | 3 << 1534 | 1
            if all(number % small for small in range(3, 2000, 2)) and pow(2, number - 1, number) == 1:
                return number

    p, q = prime(), prime()
    return p * q, pow(rsa.EXPONENT, -1, (p - 1) * (q - 1))


def pss_encode(message: bytes, salt: bytes, bits: int) -> int:
    """Return EMSA-PSS with SHA-384 of a message as an integer below 2^bits."""
    size = (bits + 7) // 8
    h = hashlib.sha384(bytes(8) + hashlib.sha384(message).digest() + salt).digest()
    block = bytes(size - len(salt) - len(h) - 2) + b"\1" + salt
    mask = b"".join(hashlib.sha384(h + i.to_bytes(4, "big")).digest() for i in range(size // 48 + 1))
    masked = bytearray(a ^ b for a, b in zip(block, mask, strict=False))
    masked[0] &= 0xFF >> (8 * size - bits)
    return int.from_bytes(bytes(masked) + h + b"\xbc", "big")


class Maker:
    """A log being written: entries, and checkpoints of it with witnesses' times."""

    def __init__(self, witnesses: Sequence[str]) -> None:
        """Begin an empty log."""
        self.entries: list[bytes] = []
        self.tree = merkle.Tree()
        self.sitting_id = bytes(32)
        self.witnesses = list(witnesses)
        self.operator = "log"

    def append(self, entry: bytes) -> int:
        """Append an entry's bytes and return its index."""
        self.entries.append(entry)
        self.tree.append(merkle.leaf_hash(entry))
        return len(self.entries) - 1

    def entry(self, kind: str, body: Body, signer: str) -> bytes:
        """Return a signed entry's bytes."""
        wire = plain(body)
        message = digest("entry", kind, bytes(32) if kind == "manifest" else self.sitting_id, canonical.encode(wire))
        return canonical.encode(
            {
                "body": wire,
                "kind": kind,
                "signature": encode_base64(ed25519.sign(seed_of(signer), message)),
                "signer": encode_base64(key_of(signer)),
            }
        )

    def post(self, kind: str, body: Body, *signers: str) -> list[int]:
        """Append one signed entry per signer and return their indices."""
        return [self.append(self.entry(kind, body, signer)) for signer in signers]

    def checkpoint(self, time: int, size: int | None = None, root: bytes | None = None) -> str:
        """Return a checkpoint of the log, cosigned by every witness at a time."""
        size = len(self.entries) if size is None else size
        text = f"{ORIGIN}\n{size}\n{encode_base64(root or self.tree.root(size))}\n"
        log = notes.key_id(ORIGIN, 1, key_of(self.operator)) + ed25519.sign(seed_of(self.operator), text.encode())
        lines = [f"— {ORIGIN} {encode_base64(log)}\n"]
        for name in self.witnesses:
            signed = ed25519.sign(seed_of(name), f"cosignature/v1\ntime {time}\n{text}".encode())
            data = notes.key_id(name, 4, key_of(name)) + time.to_bytes(8, "big") + signed
            lines.append(f"— {name} {encode_base64(data)}\n")
        return text + "\n" + "".join(lines)


class Trustee:
    """A trustee in one ceremony session."""

    def __init__(self, index: int, threshold: int, rng: random.Random) -> None:
        """Draw the polynomial and the encryption key."""
        self.index = index
        self.name = f"trustee {index}"
        self.nonce = rng.randbytes(32)
        self.coefficients = [rng.randrange(1, ORDER) for _ in range(threshold)]
        self.secret = rng.randrange(1, ORDER)
        self.rng = rng
        self.commitments = b"".join(ristretto.encode(multiply_base(c)) for c in self.coefficients)
        self.key = ristretto.encode(multiply_base(self.secret))

    def commit(self, sitting_id: bytes, session: int) -> Body:
        """Return the body of round 0."""
        fields = (sitting_id, session, self.index, self.commitments, self.key, self.nonce)
        return {"commitment": digest("ceremony-commit", *fields), "session": session}

    def _prove(self, label: str, context: Sequence[Field], secret: int) -> bytes:
        nonce = self.rng.randrange(1, ORDER)
        c = challenge(label, *context, ristretto.encode(multiply_base(nonce)))
        return le(c) + le(nonce + c * secret)

    def reveal(self, sitting_id: bytes, session: int, count: int) -> Body:
        """Return the body of round 1."""
        heads = (sitting_id, session, count, len(self.coefficients), self.index, key_of(self.name))
        context: list[Field] = [*heads, self.commitments, self.key]
        return {
            "commitments": self.commitments,
            "encryption_key": self.key,
            "nonce": self.nonce,
            "proof_encryption": self._prove("ceremony-encryption", context, self.secret),
            "proof_secret": self._prove("ceremony-secret", context, self.coefficients[0]),
            "session": session,
        }

    def share_for(self, receiver: int) -> int:
        """Return f(receiver)."""
        return int(sum(c * receiver**k for k, c in enumerate(self.coefficients)) % ORDER)

    def deal(self, sitting_id: bytes, session: int, others: Sequence[Trustee], wrong: int | None = None) -> Body:
        """Return the body of round 2, with a wrong share for one receiver if asked."""
        ephemerals, sealed = b"", b""
        for other in others:
            e = self.rng.randrange(1, ORDER)
            ephemeral = ristretto.encode(multiply_base(e))
            dh = ristretto.encode(multiply(e * other.secret, BASE))
            fields = (sitting_id, session, self.index, other.index, self.commitments, other.key, ephemeral, dh)
            share = self.share_for(other.index) + (other.index == wrong)
            ephemerals += ephemeral
            sealed += aead.seal(digest("share-key", *fields)[:32], bytes(24), le(share))
        return {"ephemerals": ephemerals, "sealed": sealed, "session": session}

    def complain(self, sitting_id: bytes, session: int, dealer: int, ephemeral: bytes) -> Body:
        """Return the body of a complaint against a dealer."""
        base = ristretto.decode(ephemeral) or IDENTITY
        dh = ristretto.encode(multiply(self.secret, base))
        nonce = self.rng.randrange(1, ORDER)
        heads = (sitting_id, session, dealer, self.index, self.key, ephemeral, dh)
        commitment = (ristretto.encode(multiply_base(nonce)), ristretto.encode(multiply(nonce, base)))
        c = challenge("complaint", *heads, *commitment)
        return {"dealer": dealer, "point": dh, "proof": le(c) + le(nonce + c * self.secret), "session": session}


def joint_key(trustees: Sequence[Trustee]) -> Point:
    """Return Y."""
    return multiply_base(sum(trustee.coefficients[0] for trustee in trustees))


def secret_share(trustees: Sequence[Trustee], index: int) -> int:
    """Return x_index."""
    return sum(trustee.share_for(index) for trustee in trustees) % ORDER


def transcript_of(sitting_id: bytes, session: int, trustees: Sequence[Trustee], leaves: Sequence[bytes]) -> bytes:
    """Return the ceremony's transcript."""
    shares = b"".join(ristretto.encode(multiply_base(secret_share(trustees, t.index))) for t in trustees)
    return digest(
        "ceremony-transcript",
        sitting_id,
        session,
        numbers([t.index for t in trustees]),
        b"".join(leaves),
        ristretto.encode(joint_key(trustees)),
        shares,
    )


def decryption(rng: random.Random, heads: Sequence[Field], share: int, place: int, ciphers: Sequence[Any]) -> Body:
    """Return factors and proofs of a contest's aggregates; heads are ctx, tally id and trustee."""
    factors, proofs = b"", b""
    public = ristretto.encode(multiply_base(share))
    for option, cipher in enumerate(ciphers, start=1):
        factor, nonce = ristretto.encode(multiply(share, cipher.alpha)), rng.randrange(1, ORDER)
        commitment = (ristretto.encode(multiply_base(nonce)), ristretto.encode(multiply(nonce, cipher.alpha)))
        context = (*heads, public, place, option, ristretto.encode(cipher.alpha), factor)
        c = challenge("decryption", *context, *commitment)
        factors += factor
        proofs += le(c) + le(nonce + c * share)
    return {"factors": factors, "proofs": proofs}


class Seal:
    """One contest of a ballot: ciphertexts, commitments, and the scalars that answer a challenge."""

    def __init__(self, rng: random.Random, key: Point, votes: Sequence[int], maxima: Sequence[int], run: range) -> None:
        """Encrypt the votes and commit to every disjunction."""
        self.branches: list[list[tuple[int, int]]] = []
        self.true: list[tuple[int, int]] = []
        blinds = [rng.randrange(1, ORDER) for _ in votes]
        self.ciphertexts = b""
        parts = []
        for vote, blind in zip(votes, blinds, strict=True):
            alpha, beta = multiply_base(blind), add(multiply(blind, key), multiply_base(vote))
            self.ciphertexts += ristretto.encode(alpha) + ristretto.encode(beta)
        jobs = [(range(m + 1), v, r) for m, v, r in zip(maxima, votes, blinds, strict=True)]
        for values, vote, blind in [*jobs, (run, sum(votes), sum(blinds))]:
            row = [(rng.randrange(ORDER), rng.randrange(ORDER)) for _ in values]
            data = b""
            for value, (u, c) in zip(values, row, strict=True):
                b = subtract(multiply(u, key), multiply_base(c * (vote - value)))
                data += ristretto.encode(multiply_base(u)) + ristretto.encode(b)
            parts.append(data)
            self.branches.append(row)
            # A vote outside the run is a cheat's: its proof is made for the nearest value, and fails.
            self.true.append((min(max(vote - values.start, 0), len(values) - 1), blind))
        self.option_commitments, self.sum_commitments = b"".join(parts[:-1]), parts[-1]

    def answer(self, e: int) -> Body:
        """Return the contest object for a challenge."""
        challenges, responses = b"", b""
        for row, (at, blind) in zip(self.branches, self.true, strict=True):
            cs = [c for _, c in row]
            cs[at] = (e - sum(cs) + cs[at]) % ORDER
            challenges += b"".join(le(c) for c in cs[:-1])
            responses += b"".join(le(u + c * blind) for (u, _), c in zip(row, cs, strict=True))
        commitments = self.option_commitments + self.sum_commitments
        return {
            "challenges": challenges,
            "ciphertexts": self.ciphertexts,
            "commitments": commitments,
            "responses": responses,
        }


def cast(rng: random.Random, secret: int, heads: Sequence[Field], frame: Body, seals: Sequence[Seal]) -> Body:
    """Return a ballot's body; heads are sitting_id, ctx, Y and poll, frame the fields that are not proofs."""
    nonce = rng.randrange(1, ORDER)
    t = ristretto.encode(multiply_base(nonce))
    names = ("class", "credential", "randomizers", "signatures", "sequence", "previous", "tag")
    e = challenge(
        "ballot",
        *heads,
        *(frame[name] for name in names),
        len(seals),
        b"".join(seal.ciphertexts for seal in seals),
        b"".join(seal.option_commitments for seal in seals),
        b"".join(seal.sum_commitments for seal in seals),
        t,
    )
    return {**frame, "commitment": t, "contests": [s.answer(e) for s in seals], "response": le(nonce + e * secret)}
