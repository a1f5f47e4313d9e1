"""Forged records that end with one bad entry: bytes that are no entry, false signatures, wrong signers, wrong times."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from secballot.group import ORDER
from secballot.records.entry import signing_message
from tests.audit.every_kind import every_kind
from tests.audit.mutants import Raw, write
from tests.conformance.drafts import Draft, forged_after, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from secballot.signing import SigningKey


@dataclass(frozen=True)
class Place:
    """A place in the log of `every_kind` just before an effective entry.

    Attributes:
        before: the entries before it.
        entry: it.
    """

    before: tuple[bytes, ...]
    entry: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The entry as JSON."""
        found: dict[str, Any] = json.loads(self.entry)
        return found

    @property
    def key(self) -> SigningKey:
        """The key of its signer."""
        return every_kind().keys[base64.b64decode(self.json["signer"])]


def place_of(kind: str) -> Place:
    """Return the place of the first entry of a kind."""
    entries = every_kind().entries
    at = next(index for index, entry in enumerate(entries) if kind_of(entry) == kind)
    return Place(entries[:at], entries[at])


def _draft(place: Place, name: str, what: str, entry: bytes, *checks: str) -> Draft:
    return forged_after(every_kind(), name, what, [*place.before, entry], *checks)


def spellings() -> Iterator[Draft]:
    """Yield records whose last entry is another spelling of a good one, or no entry at all (ENT-01)."""
    place = place_of("ceremony-commit")
    for name, (what, entry) in {**_bytes(place), **_numbers(place), **_strings(place)}.items():
        yield _draft(place, name, what, entry, "ENT-01")
    yield from _texts()
    yield from _unsigned()


def _bytes(place: Place) -> dict[str, tuple[str, bytes]]:
    good, whole = place.entry, place.json
    return {
        "no_bytes": ("An empty entry.", b""),
        "not_json": ("Bytes that are no JSON.", b"\x00" + good),
        "byte_order_mark": ("A byte order mark before the entry.", b"\xef\xbb\xbf" + good),
        "trailing_newline": ("A line feed after the entry.", good + b"\n"),
        "space_after_colon": ("A space between key and value.", good.replace(b'"kind":', b'"kind": ', 1)),
        "two_values": ("Two entries in one.", good + good),
        "list_of_entry": ("The entry inside a list.", b"[" + good + b"]"),
        "escaped_letter": ("A letter escaped without need.", good.replace(b"ceremony", b"ceremon\\u0079", 1)),
        "keys_in_another_order": ("The envelope's keys not in order.", _turned(whole)),
        "key_twice": ("A key twice.", good.replace(b'"kind":', b'"kind":"ceremony-commit","kind":', 1)),
        "unknown_key": ("A member that no entry has.", write({**whole, "version": 1}).encode()),
        "unknown_kind": ("A kind that there is not.", write({**whole, "kind": "ceremony-commitment"}).encode()),
        "kind_in_capitals": ("A kind in capitals.", write({**whole, "kind": "CEREMONY-COMMIT"}).encode()),
        "no_signature": ("A signed kind, unsigned.", write({"body": whole["body"], "kind": whole["kind"]}).encode()),
        "deep_nesting": ("Ten thousand lists, one in the other.", b"[" * 10_000 + b"]" * 10_000),
        "lone_surrogate": ("Half a surrogate pair.", write({**whole, "kind": Raw('"\\ud800"')}).encode()),
        "not_utf_8": ("Bytes that are no UTF-8.", good.replace(b"ceremony", b"ceremon\xff", 1)),
    }


def _numbers(place: Place) -> dict[str, tuple[str, bytes]]:
    whole, body = place.json, place.json["body"]

    def session(value: Any) -> bytes:  # noqa: ANN401  # JSON
        return write({**whole, "body": {**body, "session": value}}).encode()

    return {
        "null": ("A null.", session(Raw("null"))),
        "true_for_one": ("True where a 1 belongs.", session(value=True)),
        "float": ("1.0 where a 1 belongs.", session(Raw("1.0"))),
        "exponent": ("1e0 where a 1 belongs.", session(Raw("1e0"))),
        "leading_zero": ("01 where a 1 belongs.", session(Raw("01"))),
        "minus_zero": ("-0 for a number.", session(Raw("-0"))),
        "index_zero": ("An index 0.", session(0)),
        "number_in_quotes": ("A number as a text.", session("1")),
        "two_to_the_53": ("A number of 2^53.", session(2**53)),
        "body_unknown_key": ("A member that no such body has.", write({**whole, "body": {**body, "t": 2}}).encode()),
        "body_key_missing": (
            "A body without its session.",
            write({**whole, "body": {"commitment": body["commitment"]}}).encode(),
        ),
    }


def _strings(place: Place) -> dict[str, tuple[str, bytes]]:
    whole, text = place.json, place.json["body"]["commitment"]
    last = text.rstrip("=")[-1]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    loose = text.replace(last + "=", alphabet[alphabet.index(last) ^ 1] + "=")

    def commitment(value: str) -> bytes:
        return write({**whole, "body": {**whole["body"], "commitment": value}}).encode()

    def encoded(data: bytes) -> str:
        return base64.b64encode(data).decode()

    short_signer = encoded(base64.b64decode(whole["signer"])[:31])
    return {
        "base64_without_padding": ("Base64 without its padding.", commitment(text.rstrip("="))),
        "base64_trailing_bits": ("Base64 whose last digit has bits left over.", commitment(loose)),
        "base64_for_urls": ("The alphabet for URLs.", commitment(base64.urlsafe_b64encode(bytes([251]) * 64).decode())),
        "base64_line_feed": ("Base64 with a line feed.", commitment(text + "\n")),
        "hexadecimal": ("Hexadecimal instead of base64.", commitment("ab" * 64)),
        "a_byte_less": ("A commitment of 63 bytes.", commitment(encoded(bytes(63)))),
        "a_byte_more": ("A commitment of 65 bytes.", commitment(encoded(bytes(65)))),
        "signature_of_63_bytes": ("A short signature.", write({**whole, "signature": encoded(bytes(63))}).encode()),
        "signer_of_31_bytes": ("A short signer.", write({**whole, "signer": short_signer}).encode()),
    }


def _texts() -> Iterator[Draft]:
    """Yield annulments with texts that are none."""
    place = place_of("annul")
    texts = {
        "text_empty": ("An empty reason.", ""),
        "text_not_nfc": ("A text that is not in normalization form C.", "e\u0301"),
        "text_bidirectional_control": ("A control that turns the direction of writing.", "yes\u202e"),
        "text_zero_width": ("A character without width.", "yes\u200b"),
        "text_control": ("A bell.", "yes\x07"),
        "text_unassigned": ("A code point without a meaning in Unicode 14.", "yes\u0378"),
        "text_private_use": ("A code point for private use.", "yes\ue000"),
        "text_line_separator": ("A line separator.", "yes\u2028no"),
        "text_too_long": ("A text of 2,001 bytes.", "x" * 2_001),
    }
    for name, (what, text) in texts.items():
        entry = _signed(place, write({**place.json["body"], "reason": text}).encode())
        yield _draft(place, name, what, entry, "ENT-01")
    entry = _signed(place, write({**place.json["body"], "padding": "x" * 65_000}).encode())
    yield _draft(place, "an_entry_of_more_than_65535_bytes", "An entry that is too long.", entry, "ENT-01")


def _unsigned() -> Iterator[Draft]:
    """Yield ballots in an envelope that is not theirs, or with tags that dice do not give."""
    ballot, other = place_of("ballot"), place_of("ceremony-commit").json
    signed = {**ballot.json, "signature": other["signature"], "signer": other["signer"]}
    yield _draft(ballot, "ballot_with_a_signature", "A ballot that somebody signed.", write(signed).encode(), "ENT-01")
    for name, what, tag in (
        ("tag_of_nine", "A tag of nine digits.", "123456123"),
        ("tag_with_a_seven", "A tag with a 7.", "1234561237"),
        ("tag_in_another_script", "A tag with an Arabic digit.", "123456123\u0661"),
    ):
        body = {**ballot.json["body"], "tag": tag}
        yield _draft(ballot, name, what, write({**ballot.json, "body": body}).encode(), "ENT-01")


def signatures() -> Iterator[Draft]:
    """Yield records whose last entry nobody may have signed so (ENT-04, ENT-05)."""
    log, place = every_kind(), place_of("registration")
    whole, body = place.json, write(place.json["body"]).encode()
    good = base64.b64decode(whole["signature"])
    malleable = good[:32] + (int.from_bytes(good[32:], "little") + ORDER).to_bytes(32, "little")
    of_another_kind = place.key.sign(signing_message("convening", log.anchor, body))
    of_another_sitting = place.key.sign(signing_message("registration", bytes(32), body))
    for name, what, signature in (
        ("flipped", "One bit of a signature.", good[:-1] + bytes([good[-1] ^ 1])),
        ("s_plus_order", "A signature whose S is not below the order.", malleable),
        ("zero", "A signature of zeros.", bytes(64)),
        ("of_another_kind", "A signature over the same body for another kind.", of_another_kind),
        ("of_another_sitting", "A signature over the same body in another sitting.", of_another_sitting),
        ("of_the_body_alone", "A signature over the body, without kind and sitting.", place.key.sign(body)),
    ):
        entry = write({**whole, "signature": base64.b64encode(signature).decode()}).encode()
        yield _draft(place, f"signature_{name}", what, entry, "ENT-05")
    keys = log.simulator.rehearsal.keys
    strangers = {
        "a_trustee": keys.trustees[0],
        "a_registrar": keys.registrars[0],
        "the_log": keys.log[0],
        "a_witness": keys.witnesses[0],
        "a_stranger": keys.promise[1],
    }
    for name, key in strangers.items():
        entry = write({**whole, **_by(key, "registration", body)}).encode()
        what = "An act of the presidium by somebody else."
        yield _draft(place, f"registration_signed_by_{name}", what, entry, "ENT-04")
    for encoding, name in (
        (bytes([1]) + bytes(31), "identity"),
        (bytes(32), "small_order"),
        (b"\xff" * 32, "no_point"),
    ):
        entry = write({**whole, "signer": base64.b64encode(encoding).decode()}).encode()
        yield _draft(place, f"signer_{name}", "A signer's key that is none.", entry, "ENT-04", "ENT-05")


def phases() -> Iterator[Draft]:
    """Yield records whose last entry comes at a time when nothing of its kind can have effect (ENT-03, ENT-06)."""
    log = every_kind()
    kinds = [kind_of(entry) for entry in log.entries]
    founded = kinds.index("ceremony-commit")
    for kind in ("registration", "convening", "opening", "closing", "decryption", "result", "adjournment", "handover"):
        entry = log.entries[kinds.index(kind)]
        if kind in {"closing", "decryption"}:
            what = "An entry about a poll that there is not."
            yield forged_after(log, f"{kind}_without_a_poll", what, [*log.entries[:founded], entry], "ENT-06")
        what = "Nothing has effect before the manifest."
        early = forged_after(log, f"{kind}_before_the_manifest", what, [entry, *log.entries[:founded]], "ENT-03")
        yield Draft(early.name, what, early.entries, early.checkpoints, early.anchor, early.rejected_by, 0)
        what = "Nothing has effect after the adjournment."
        yield forged_after(log, f"{kind}_after_the_end", what, [*log.entries, entry], "ENT-03")
    for kind in ("roll", "registrar-key", "credential-request", "credential-issue", "consent", "opening", "closing"):
        at = max(index for index, other in enumerate(kinds) if other == kind)
        name, entries = f"{kind.replace('-', '_')}_repeated", [*log.entries[: at + 1], log.entries[at]]
        yield forged_after(log, name, "The same entry once more.", entries, "ENT-06")


def _turned(whole: dict[str, Any]) -> bytes:
    members = [f"{json.dumps(key)}:{write(whole[key])}" for key in sorted(whole, reverse=True)]
    return ("{" + ",".join(members) + "}").encode()


def _by(key: SigningKey, kind: str, body: bytes) -> dict[str, str]:
    signature = key.sign(signing_message(kind, every_kind().anchor, body))
    return {
        "signature": base64.b64encode(signature).decode(),
        "signer": base64.b64encode(key.verify_key.encode()).decode(),
    }


def _signed(place: Place, body: bytes) -> bytes:
    kind = place.json["kind"]
    return write({"body": Raw(body.decode()), "kind": kind, **_by(place.key, kind, body)}).encode()
