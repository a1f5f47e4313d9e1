"""SIT-02 and SIT-03: which manifests are admissible, and who is who in one."""

from __future__ import annotations

from typing import Any

from . import ed25519
from .shapes import distinct, strictly_increasing

Body = dict[str, Any]


def _parties_fit(body: Body) -> bool:
    presidium, trustees = body["presidium"], body["trustees"]
    n, t, least = len(trustees["keys"]), trustees["threshold"], trustees["minimum"]
    return bool(presidium["threshold"] <= len(presidium["keys"]) and (1 if n == 1 else 2) <= t <= least <= n)


def _witnesses_fit(body: Body) -> bool:
    witnesses, quorum = body["witnesses"]["witnesses"], body["witnesses"]["quorum"]
    return (
        distinct([body["log"]["origin"], *(witness["name"] for witness in witnesses)])
        and quorum <= len(witnesses)
        and 2 * quorum > len(witnesses) + body["dishonest_witnesses"]
    )


def _rule_fits(rule: Body, classes: int) -> bool:
    adopt = rule["decision"] == "adopt"
    return (
        strictly_increasing(rule["eligible"])
        and rule["eligible"][-1] <= classes
        and (adopt or rule["majority"]["base"] != "decided")
        and all(fraction["numerator"] <= fraction["denominator"] for fraction in (rule["majority"], rule["quorum"]))
        and adopt == (rule["seats"] == 0)
    )


def admissible(body: Body) -> bool:
    """Tell whether a manifest's body meets SIT-02."""
    classes, rules = body["classes"], body["rules"]
    return (
        _parties_fit(body)
        and _witnesses_fit(body)
        and distinct([c["name"] for c in classes])
        and all(body["minimum_ballots"] <= c["seats"] for c in classes)
        and distinct([rule["name"] for rule in rules])
        and all(_rule_fits(rule, len(classes)) for rule in rules)
    )


def party_keys(body: Body) -> list[bytes]:
    """Return every Ed25519 key a manifest names."""
    return [
        *body["presidium"]["keys"],
        *body["commission"],
        *body["registrars"],
        *body["trustees"]["keys"],
        *(witness["key"] for witness in body["witnesses"]["witnesses"]),
        body["log"]["key"],
        body["log"]["promise_key"],
        *(successor[name] for successor in body["successors"] for name in ("key", "promise_key")),
    ]


def keys_fit(body: Body) -> bool:
    """Tell whether a manifest's body meets SIT-03."""
    keys = party_keys(body)
    return distinct(keys) and all(ed25519.acceptable(key) for key in keys)


class Manifest:
    """An effective manifest: its body, the sitting it names, and the places of its keys."""

    def __init__(self, body: Body, sitting_id: bytes) -> None:
        """Keep the body and look up the places."""
        self.body = body
        self.sitting_id = sitting_id
        self.presidium = set(body["presidium"]["keys"])
        self.presidium_threshold: int = body["presidium"]["threshold"]
        self.commission = set(body["commission"])
        self.registrars = {key: i for i, key in enumerate(body["registrars"], start=1)}
        self.trustees = {key: i for i, key in enumerate(body["trustees"]["keys"], start=1)}
        self.threshold: int = body["trustees"]["threshold"]
        self.classes: list[Body] = body["classes"]
        self.rules: dict[str, Body] = {rule["name"]: rule for rule in body["rules"]}
        self.party_keys = set(party_keys(body))
        self.polls: int = body["polls"]
        self.floor: int = body["minimum_ballots"]

    def weight(self, kind: int) -> int:
        """Return the weight of a class."""
        return int(self.classes[kind - 1]["weight"])

    def has_class(self, kind: int) -> bool:
        """Tell whether a class index exists."""
        return 1 <= kind <= len(self.classes)
