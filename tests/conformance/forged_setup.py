"""Forged beginnings: manifests that may not be, fake sittings, misfit acts of registration and convening."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from secballot.records.convening import Convening
from secballot.records.credential import CredentialRequest
from secballot.records.entry import encode_signed, signing_message
from secballot.records.manifest import MANIFEST
from secballot.records.roll import Registration, RegistrationClose, RollChunk
from secballot.roles.party import sign_entry
from tests.audit.every_kind import every_kind
from tests.conformance.drafts import Draft, forged_after, head, kind_of
from tests.simulator import golden

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import msgspec

    from secballot.signing import SigningKey

NOW = 1_770_200_000
IDENTITY_KEY = "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
KEY_OF_ORDER_4 = "A" * 43 + "="


def _body() -> Any:  # noqa: ANN401  # JSON
    return json.loads(MANIFEST.encode(golden().simulator.board.manifest))


def _founded(body: Any) -> tuple[list[bytes], bytes]:  # noqa: ANN401  # JSON
    """Return the entries of a manifest signed by two of its presidium, and its hash."""
    data = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
    message = signing_message("manifest", bytes(32), data)
    keys = golden().simulator.rehearsal.keys.presidium[:2]
    entries = [encode_signed("manifest", data, key.verify_key.encode(), key.sign(message)) for key in keys]
    return entries, hashlib.sha256(data).digest()


def _with_rules(base: Any, first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401  # JSON
    one, two = base["rules"]
    return {"rules": [{**one, **first}, {**two, **second}]}


def _policies(base: Any) -> dict[str, tuple[str, dict[str, Any]]]:  # noqa: ANN401  # JSON
    """Return what SIT-02 refuses."""
    one, two = base["rules"]
    trustees, witnesses, classes = base["trustees"], base["witnesses"], base["classes"]
    named = [{**witnesses["witnesses"][0], "name": base["log"]["origin"]}, *witnesses["witnesses"][1:]]
    return {
        "quorum_that_liars_reach": ("A quorum with 2q ≤ w + d.", {"dishonest_witnesses": 2}),
        "quorum_above_all": ("A quorum of more than all witnesses.", {"witnesses": {**witnesses, "quorum": 5}}),
        "threshold_one": ("A threshold of 1 among several.", {"trustees": {**trustees, "threshold": 1}}),
        "threshold_above_minimum": (
            "A threshold above the minimum.",
            {"trustees": {**trustees, "minimum": 2, "threshold": 3}},
        ),
        "minimum_above_all": ("A minimum of more than all trustees.", {"trustees": {**trustees, "minimum": 5}}),
        "presidium_threshold_above_all": (
            "More signatures of the presidium than it has keys.",
            {"presidium": {**base["presidium"], "threshold": 4}},
        ),
        "floor_above_a_class": ("A privacy floor above the seats of a class.", {"minimum_ballots": 11}),
        "two_classes_of_one_name": (
            "Two classes of one name.",
            {"classes": [classes[0], {**classes[1], "name": classes[0]["name"]}]},
        ),
        "two_rule_sets_of_one_name": ("Two rule sets of one name.", _with_rules(base, {}, {"name": one["name"]})),
        "rules_for_an_unknown_class": ("A class that there is not.", _with_rules(base, {"eligible": [1, 3]}, {})),
        "rules_with_a_class_twice": (
            "A rule set that names a class twice.",
            _with_rules(base, {"eligible": [1, 1]}, {}),
        ),
        "decided_in_an_election": (
            "An election by the votes decided.",
            _with_rules(base, {}, {"majority": {**two["majority"], "base": "decided"}}),
        ),
        "election_without_seats": ("An election of nobody.", _with_rules(base, {}, {"seats": 0})),
        "resolution_with_seats": ("A resolution with seats.", _with_rules(base, {"seats": 1}, {})),
        "majority_above_one": (
            "A majority of three halves.",
            _with_rules(base, {"majority": {**one["majority"], "denominator": 2, "numerator": 3}}, {}),
        ),
        "witness_named_like_the_log": (
            "A witness of the origin's name.",
            {"witnesses": {**witnesses, "witnesses": named}},
        ),
    }


def _keys(base: Any) -> dict[str, tuple[str, dict[str, Any]]]:  # noqa: ANN401  # JSON
    """Return what SIT-03 refuses."""
    trustees, witnesses = base["trustees"], base["witnesses"]
    keys = trustees["keys"]
    low = [{**witnesses["witnesses"][0], "key": KEY_OF_ORDER_4}, *witnesses["witnesses"][1:]]
    return {
        "one_key_for_two_roles": ("A trustee who is a registrar.", {"registrars": [keys[0], *base["registrars"][1:]]}),
        "one_trustee_twice": ("A trustee who counts twice.", {"trustees": {**trustees, "keys": [*keys[:3], keys[0]]}}),
        "promises_by_the_log_key": (
            "One key for checkpoints and promises.",
            {"log": {**base["log"], "promise_key": base["log"]["key"]}},
        ),
        "key_of_everybody": (
            "A key under which everything verifies.",
            {"trustees": {**trustees, "keys": [IDENTITY_KEY, *keys[1:]]}},
        ),
        "key_of_a_low_order": ("A witness's key of order 4.", {"witnesses": {**witnesses, "witnesses": low}}),
    }


def _malformed(base: Any) -> dict[str, tuple[str, dict[str, Any]]]:  # noqa: ANN401  # JSON
    """Return what ENT-01 refuses."""
    return {
        "another_suite": ("Another suite.", {"suite": "secballot/v2"}),
        "a_generator": ("A generator of the presidium's choosing.", {"generator": IDENTITY_KEY}),
        "no_registrars": ("No registrars.", {"registrars": []}),
        "no_witnesses": ("No witnesses.", {"witnesses": {"quorum": 0, "witnesses": []}}),
        "no_floor": ("A privacy floor of 0.", {"minimum_ballots": 0}),
        "origin_without_random_part": (
            "An origin that another sitting could have.",
            {"log": {**base["log"], "origin": "board.example"}},
        ),
    }


def manifests() -> Iterator[Draft]:
    """Yield manifests that may not be, under their own hash as anchor: only their content speaks against them."""
    base, board = _body(), golden().simulator.board
    for check, cases in (("SIT-02", _policies(base)), ("SIT-03", _keys(base)), ("ENT-01", _malformed(base))):
        for name, (what, change) in cases.items():
            entries, anchor = _founded({**base, **change})
            note = head(board, entries, NOW)
            yield Draft(f"manifest_{name}", what, tuple(entries), (note,), anchor, (check, "LOG-01"))


def fakes() -> Iterator[Draft]:
    """Yield sittings that are not the anchor's (SIT-01)."""
    real, other = golden(), every_kind()
    note = real.notes[max(real.notes)].decode()
    what = "A whole sitting, and not the anchor's."
    yield Draft("another_sitting", what, real.entries, (note,), other.anchor, ("SIT-01",))
    for name, what, change in (
        ("another_title", "The same parties' manifest with another title.", {"title": "A small sitting."}),
        ("a_lower_floor", "The same parties' manifest with a lower floor.", {"minimum_ballots": 1}),
        (
            "a_registrar_less",
            "The same parties' manifest with one registrar.",
            {"registrars": _body()["registrars"][:1]},
        ),
    ):
        entries, _ = _founded({**_body(), **change})
        note = head(real.simulator.board, entries, NOW)
        yield Draft(name, what, tuple(entries), (note,), real.anchor, ("SIT-01",))


def _before(kind: str) -> list[bytes]:
    entries = every_kind().entries
    return list(entries[: next(index for index, entry in enumerate(entries) if kind_of(entry) == kind)])


def acts() -> Iterator[Draft]:
    """Yield acts of registration and convening that do not fit, beyond what `forged_fields` has."""
    log = every_kind()
    keys = log.simulator.rehearsal.keys
    officers, commission = keys.presidium[:2], keys.commission
    delegate = log.simulator.rehearsal.delegates[0].public_key
    party = keys.trustees[0].verify_key.encode()
    cases: dict[str, tuple[str, str, str, Sequence[SigningKey], msgspec.Struct, str]] = {
        "roll_with_a_partys_key": (
            "A trustee on the roll.",
            "roll",
            "roll",
            commission,
            RollChunk(1, 2, 1, (party,), 1),
            "REG-01",
        ),
        "roll_of_an_unknown_class": (
            "A class that there is not.",
            "roll",
            "roll",
            commission,
            RollChunk(1, 2, 9, (delegate,), 1),
            "REG-01",
        ),
        "roll_of_a_later_registration": (
            "A roll of registration 3.",
            "roll",
            "roll",
            commission,
            RollChunk(1, 2, 1, (delegate,), 3),
            "REG-01",
        ),
        "registration_without_roll": (
            "A registration before any roll.",
            "roll",
            "registration",
            officers,
            Registration(1, 1),
            "REG-05",
        ),
        "registration_without_keys": (
            "A registration before any registrar key.",
            "registrar-key",
            "registration",
            officers,
            Registration(1, 1),
            "REG-05",
        ),
        "registration_of_no_poll": (
            "A registration from beyond the last poll.",
            "registration",
            "registration",
            officers,
            Registration(9, 1),
            "REG-05",
        ),
        "close_of_another_registration": (
            "A registration that there is not.",
            "registration-close",
            "registration-close",
            officers,
            RegistrationClose(2),
            "REG-08",
        ),
        "convening_before_the_consents": (
            "A convening without consents.",
            "consent",
            "convening",
            officers,
            Convening(_note(_before("consent")), 1),
            "CON-02",
        ),
        "request_of_nothing": (
            "A request for no poll.",
            "credential-request",
            "credential-request",
            [log.keys[delegate]],
            CredentialRequest((), 1, 1),
            "REG-06",
        ),
    }
    for name, (what, where, kind, signers, body, check) in cases.items():
        added = [sign_entry(key, kind, log.anchor, body) for key in signers]
        yield forged_after(log, name, what, [*_before(where), *added], check)


def _note(entries: Sequence[bytes]) -> str:
    """Return a note over these entries by the operator and three witnesses, as an entry embeds it."""
    simulator = every_kind().simulator
    whole = head(simulator.board, entries, 1_770_000_000, simulator.rehearsal.keys.log[0])
    text, _, lines = whole.partition("\n\n")
    return text + "\n\n" + "".join(line + "\n" for line in lines.splitlines()[:4])
