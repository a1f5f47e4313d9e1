"""Whatever is changed in an entry, both verifiers say the same, and nothing stands that its signers did not mean.

Every test changes the log of `every_kind`, in which an entry of each kind took effect. An ordinary run draws two
mutations of each pointer, and a mode for each; with `SECBALLOT_LONG=1` all of them are tried in every mode, which makes
some fifteen thousand logs and takes a quarter of an hour or two.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

from secballot.audit.checks import REGISTER
from secballot.records.entry import CODECS, UNSIGNED
from tests.audit.every_kind import Log, every_kind
from tests.audit.mutants import Mutant, Mutation, Path, mutations, plant, representatives, write
from tests.audit.two_machines import Findings, agreed_findings, agreed_verdict, remembered

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG = bool(os.environ.get("SECBALLOT_LONG"))

STANDING = {"effect", "collected", "accepted"}


@pytest.fixture(scope="module")
def log() -> Iterator[Log]:
    """Return the honest log; both verifiers remember what they computed for as long as the tests of this file run."""
    with remembered():
        yield every_kind()


@pytest.fixture(scope="module")
def honest(log: Log) -> Findings:
    """Return what both verifiers find in the honest log."""
    return agreed_findings(log.entries, log.anchor)


def kinds_of(log: Log) -> list[str]:
    """Return the kind of every entry."""
    return [json.loads(entry)["kind"] for entry in log.entries]


def every_mutation(log: Log, kind: str) -> Iterator[tuple[list[int], Mutation]]:
    """Yield every mutation of the representative of a kind, with the indices of its entries."""
    kinds = kinds_of(log)
    indices = representatives(log, kinds)[kind]
    cousins = [json.loads(log.entries[i]) for i, other in enumerate(kinds) if other == kind and i not in indices]
    entry = json.loads(log.entries[indices[-1]])
    for mutation in mutations(kind, entry, cousins, random.Random(kind)):  # noqa: S311  # the same in every run
        if write(mutation.value) != write(entry):
            yield indices, mutation


def drawn_mutations(log: Log, kind: str) -> Iterator[tuple[list[int], Mutation]]:
    """Yield two mutations of every pointer, or all of them in a long run."""
    rng, by_path = random.Random(kind), dict[Path, list[tuple[list[int], Mutation]]]()  # noqa: S311
    for indices, mutation in every_mutation(log, kind):
        by_path.setdefault(mutation.path, []).append((indices, mutation))
    for found in by_path.values():
        yield from found if LONG else rng.sample(found, min(len(found), 2))


def mutants(log: Log, kind: str) -> Iterator[Mutant]:
    """Yield the logs to try for a kind: each mutation in one mode, or in all of them in a long run."""
    rng = random.Random(kind + "modes")  # noqa: S311
    for indices, mutation in drawn_mutations(log, kind):
        planted = list(plant(log, indices, mutation))
        yield from planted if LONG else [rng.choice(planted)]


def pointer(path: Path) -> str:
    """Return a pointer in which every position in a list is a star."""
    return "/".join("*" if isinstance(key, int) else key for key in path)


def test_every_kind_of_entry_took_effect(log: Log, honest: Findings) -> None:
    """The log that is changed below has them all, and is sound."""
    effective = {kind for kind, said in zip(kinds_of(log), honest.said, strict=True) if said[0] in STANDING}

    assert effective == set(CODECS)
    assert {said[0] for said in honest.said} == STANDING
    assert honest.failures == []
    assert [poll.status for poll in honest.polls] == ["closed", "annulled", "lapsed", "void"]
    assert agreed_verdict(log.entries, log.checkpoint, log.anchor) == []


FREE: dict[str, set[str]] = {
    "annul": {"body/reason"},  # text
    "ceremony-commit": {"body/commitment"},  # any 64 bytes; the reveal will not fit
    "ceremony-shares": {"body/ephemerals", "body/sealed"},  # only their receivers see whether they are right
    "credential-issue": {"body/answers", "body/answers/*"},  # in another order, or fewer of them in one entry
    "credential-request": {"body/blinded", "body/blinded/*"},  # what a delegate has signed blindly is its own business
    "document": {"body/chunks", "body/data", "body/document"},  # another text, which no opening names
    "extension": {"body/closes_at"},
    "opening": {
        "body/closes_at",
        "body/contests",
        "body/contests/*",
        "body/contests/*/documents",
        "body/contests/*/documents/*",
        "body/contests/*/options",
        "body/contests/*/options/*",
        "body/contests/*/options/*/label",
        "body/contests/*/options/*/maximum",
        "body/contests/*/sum_maximum",
        "body/contests/*/sum_minimum",
        "body/contests/*/text",
        "body/contests/*/title",
        "body/poll",
    },  # another question, with another ctx: no ballot of this one counts in it
    "registration": {"body/first_poll"},
    "result": {"body/page"},  # another page for people
    "roll": {"body/chunk", "body/chunks", "body/class", "body/keys", "body/keys/*"},
}
"""What the signers of an entry may say as they like: changed and signed anew it may stand, and says something else.

Not in it are closings, decryptions, counts and outcomes, convenings, consents, handovers and adjournments: of them
every bit is bound to the log. Nor are ballots, whose owner here signs the changed bytes without making their proofs
anew.
"""


def check_standing(mutant: Mutant) -> None:
    """Check that a changed entry stands only where its signers may say something else."""
    path, name = mutant.mutation.path, mutant.mutation.name
    if (path, name) == (("body",), "another entry's"):
        # Then it is that entry, signed by somebody who may say the same, or needs no signature.
        assert mutant.mode != "as is" or mutant.mutation.kind in UNSIGNED, mutant.title
    else:
        assert mutant.mode != "as is", mutant.title
        assert pointer(path) in FREE.get(mutant.mutation.kind, set()), mutant.title


@pytest.mark.attack("META-1")
@pytest.mark.parametrize("kind", sorted(CODECS))
def test_both_verifiers_agree_on_every_mutant(log: Log, honest: Findings, kind: str) -> None:
    """Same outcomes, checks, culprits, polls and failures; refused by a named check, or within what signers may say.

    And no poll comes to another outcome than the honest one in a record that does not fail.
    """
    checks: Counter[str] = Counter()
    outcomes = {poll.number: poll.results for poll in honest.polls}
    for mutant in mutants(log, kind):
        found = agreed_findings(mutant.entries, log.anchor, mutant.title)
        outcome, check, culprit = found.said[mutant.at]
        checks[check or outcome] += 1
        if outcome in STANDING:
            check_standing(mutant)
        else:
            assert check in REGISTER, mutant.title
            assert (culprit is None) == (outcome != "fault"), mutant.title
        if not found.failures:
            for poll in found.polls:
                assert poll.results in (None, outcomes[poll.number]), mutant.title

    assert len(checks) >= 2  # not one check refuses everything


def test_both_verifiers_agree_on_manifests_without_an_anchor(log: Log) -> None:
    """Whoever takes the manifest found may be given another sitting, and nothing else of the log fits that one."""
    checks: Counter[str] = Counter()
    for mutant in mutants(log, "manifest"):
        found = agreed_findings(mutant.entries if LONG else mutant.entries[:20], None, mutant.title)
        outcome, check, _ = found.said[mutant.at]
        checks[check or outcome] += 1
        if outcome in STANDING and mutant.mode == "signed":
            assert not any(said[0] in {*STANDING, "fault"} for said in found.said[mutant.at + 1 :]), mutant.title

    assert {"ENT-01", "SIT-02", "SIT-03", "effect"} <= set(checks)


def test_whole_audits_agree(log: Log) -> None:
    """A changed entry under the honest checkpoint, and under one that operator and witnesses signed for it."""
    rng = random.Random("audits")  # noqa: S311
    for kind in sorted(CODECS):
        found = list(drawn_mutations(log, kind))
        for indices, mutation in rng.sample(found, 30 if LONG else 4 if kind == "ballot" else 1):
            mutant = rng.choice(list(plant(log, indices, mutation)))
            said = agreed_findings(mutant.entries, log.anchor, mutant.title).said
            succeeded = any(one == ("effect", None, None) for one in said[-8:-2])  # handover, second to last act
            agreed_verdict(mutant.entries, log.cosign(mutant.entries, successor=succeeded), log.anchor)
            failures = agreed_verdict(mutant.entries, log.checkpoint, log.anchor)
            # What is added behind the checkpoint is no part of the record.
            is_beyond = tuple(mutant.entries[: len(log.entries)]) == log.entries
            assert (failures == []) == is_beyond, mutant.title


@pytest.mark.attack("META-1")
def test_a_check_left_out_is_noticed(log: Log) -> None:
    """The comparison can fail: without the check of a promise's signature the library admits a forged one."""
    forged = [found for found in every_mutation(log, "objection") if pointer(found[1].path) == "body/promise/time"]
    indices, mutation = next(found for found in forged if found[1].name == "+1")
    (mutant,) = plant(log, indices, mutation)
    agreed_findings(mutant.entries, log.anchor)
    with mock.patch("secballot.record.closing.check_promise"), pytest.raises(AssertionError, match="POL-07"):
        agreed_findings(mutant.entries, log.anchor)


def dropped(entries: list[bytes], rng: random.Random) -> None:
    """Take some entries out."""
    for _ in range(rng.randint(1, 3)):
        del entries[rng.randrange(len(entries))]


def swapped(entries: list[bytes], rng: random.Random) -> None:
    """Let two entries change places."""
    first, second = rng.sample(range(len(entries)), 2)
    entries[first], entries[second] = entries[second], entries[first]


def neighbours_swapped(entries: list[bytes], rng: random.Random) -> None:
    """Let entries that follow each other change places."""
    for _ in range(rng.randint(1, 6)):
        first = rng.randrange(len(entries) - 1)
        entries[first : first + 2] = entries[first : first + 2][::-1]


def repeated(entries: list[bytes], rng: random.Random) -> None:
    """Put entries in once more, somewhere behind."""
    for _ in range(rng.randint(1, 3)):
        first = rng.randrange(len(entries))
        entries.insert(rng.randrange(first, len(entries)) + 1, entries[first])


def shuffled(entries: list[bytes], rng: random.Random) -> None:
    """Bring a stretch of the log into any order."""
    first = rng.randrange(len(entries) - 10)
    part = entries[first : first + 10]
    rng.shuffle(part)
    entries[first : first + 10] = part


@pytest.mark.parametrize("change", [dropped, swapped, neighbours_swapped, repeated, shuffled])
def test_both_verifiers_agree_on_a_log_out_of_order(log: Log, change: Any) -> None:  # noqa: ANN401  # those above
    """No order of honest entries brings the two apart, with the last checkpoints out of the way or not."""
    rng = random.Random(change.__name__)  # noqa: S311
    for run in range(300 if LONG else 14):
        entries = list(log.entries)
        change(entries, rng)
        agreed_findings(entries, log.anchor, f"{change.__name__} {run}")


def test_both_verifiers_agree_on_a_thousand_changed_bytes(log: Log) -> None:
    """Ten entries of a log get one other byte each; next to none of them is an entry any more, and none stands."""
    rng = random.Random("bytes")  # noqa: S311
    for run in range(1_000 if LONG else 100):
        entries = list(log.entries)
        changed = rng.sample(range(2, len(entries)), 10)
        for index in changed:
            entry = bytearray(entries[index])
            entry[rng.randrange(len(entry))] ^= rng.randrange(1, 256)
            entries[index] = bytes(entry)
        found = agreed_findings(entries, log.anchor, f"bytes {run}")
        assert not any(found.said[index][0] in STANDING for index in changed)
