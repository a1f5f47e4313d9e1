"""The committed vectors are those that the generator makes; library and second verifier find every value in them."""

from __future__ import annotations

import base64
import copy
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from secballot.group import Elements, Scalars, engine_name
from secballot.record import SittingRecord
from secballot.record.tallying import recompute_result
from secballot.records.entry import decode_entry
from secballot.roles.receipt import RECEIPT, Receipt
from secballot.transcript import challenge, digest
from tests.vectors.checker.canonical import RefusedError
from tests.vectors.checker.primitive_vectors import verify_primitives
from tests.vectors.checker.sitting_vectors import verify_sitting

FOLDER = Path(__file__).resolve().parent
FILES = ("sitting.json", "primitives.json")


def load(name: str) -> dict[str, Any]:
    """Return a file of vectors."""
    data: dict[str, Any] = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return data


def run(program: str, *arguments: str, timeout: float = 60, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program of this folder in a process of its own."""
    command = [sys.executable, str(FOLDER / program), *arguments]
    variables = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout, env=variables)


@pytest.mark.parametrize("seed", ["0", "1"])
def test_the_generator_makes_the_committed_bytes(tmp_path: Path, seed: str) -> None:
    """Every run of it, whatever the order of sets and dictionaries, writes the same two files."""
    done = run("generate.py", str(tmp_path), PYTHONHASHSEED=seed)

    assert done.returncode == 0, done.stderr
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes(), name


def test_the_files_are_small() -> None:
    """Both together stay below one and a half megabytes."""
    assert sum((FOLDER / name).stat().st_size for name in FILES) < 1_500_000


@pytest.mark.parametrize(("name", "values"), [("sitting.json", 350), ("primitives.json", 200)])
def test_the_second_verifier_finds_every_value(name: str, values: int) -> None:
    """As a program: it recomputes hundreds of values from SPEC.md, differs in none, and the record holds."""
    done = run("check_vectors.py", str(FOLDER / name), "--json")

    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stderr.split()[0]) >= values
    if name == "sitting.json":
        verdict = json.loads(done.stdout)
        assert verdict["fails"] == []
        assert verdict["size"] == len(load(name)["entries"])


def test_the_second_verifier_reports_a_changed_file(tmp_path: Path) -> None:
    """As a program: exit status 1 and the name of what differs."""
    data = load("primitives.json")
    data["promise"]["message"] = "00" + data["promise"]["message"][2:]
    (tmp_path / "changed.json").write_text(json.dumps(data), encoding="utf-8")
    done = run("check_vectors.py", str(tmp_path / "changed.json"))

    assert done.returncode == 1
    assert "DIFFERS: promise/message" in done.stderr


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:  # noqa: ANN401  # JSON
    """Return the path of every value that is no list or object."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return [leaf for key, item in items for leaf in leaves(item, (*path, key))]
    return [path]


def changed(data: dict[str, Any], path: tuple[str | int, ...]) -> dict[str, Any]:
    """Return a copy of the file with one value changed, of the same type and length."""
    copied = copy.deepcopy(data)
    place: Any = copied
    for key in path[:-1]:
        place = place[key]
    value = place[path[-1]]
    if isinstance(value, str):
        place[path[-1]] = value[:-1] + ("1" if value[-1:] == "0" else "0")
    else:
        place[path[-1]] = not value if isinstance(value, bool) else (value or 0) + 1
    return copied


def test_no_primitive_value_is_beside_the_point() -> None:
    """Whichever value of `primitives.json` is changed, the second verifier notices, or cannot read it."""
    data = load("primitives.json")
    unused = {("about",), ("phrase", "entropy")}  # the words of a phrase are BIP-39's, which the verifier leaves alone
    for path in leaves(data)[::5]:
        if path in unused or "refused" in str(path):  # another refused encoding may be refused as well
            continue
        if (path[0], path[2:3]) == ("membership", ("challenge",)):  # that of the true branch cancels out
            continue
        group = {name: case for name, case in changed(data, path).items() if name in {path[0], "about"}}
        try:
            found = verify_primitives(group)
        except (ValueError, TypeError, KeyError, OverflowError, RefusedError):
            continue
        missing = set(data) - {path[0], "about"}
        assert set(found.differing) - missing, path


def test_a_changed_value_of_the_sitting_is_noticed() -> None:
    """A value of every part of `sitting.json` is changed, and the second verifier names the part."""
    data = load("sitting.json")
    paths: list[tuple[str | int, ...]] = [
        ("ceremony", "dealers", 1, "shares", 2, "share_key"),
        ("ceremony", "transcript"),
        ("registrar_keys", 3, "rho", 7),
        ("delegates", 4, "registrars", 1, "salt"),
        ("ballots", 6, "disjunctions", 2, "challenge", 0),
        ("ballots", 0, "tracker"),
        ("polls", 0, "contests", 1, "decryptions", 1, "parts", 2),
        ("receipt", "tag"),
        ("expected", 20, "outcome"),
    ]
    altered = data
    for path in paths:
        altered = changed(altered, path)
    differing = verify_sitting(altered).differing

    assert len(differing) == len(paths)


def test_the_library_finds_the_sitting_as_committed() -> None:
    """Outcomes, hashes, key, tally and result of the committed entries are those in the file."""
    data = load("sitting.json")
    entries = [base64.b64decode(entry) for entry in data["entries"]]
    record = SittingRecord(bytes.fromhex(data["sitting_id"]), fetch=lambda index: entries[index])
    for entry, expected in zip(entries, data["expected"], strict=True):
        judgement = record.append(entry)
        assert (judgement.kind, judgement.outcome.value, judgement.check) == (
            expected["kind"],
            expected["outcome"],
            expected["check"],
        )
    state = record.state
    (poll,), case = state.polls.values(), data["polls"][0]
    joint_key = state.complete_ceremony().joint_key

    assert state.failures == []
    assert [decode_entry(entry).body_hash.hex() for entry in entries] == data["body_hashes"]
    assert joint_key is not None
    assert joint_key.encode().hex() == data["ceremony"]["joint_key"]
    assert (poll.ctx.hex(), poll.tally_id.hex()) == (case["ctx"], case["tally_id"])
    assert [list(counts or ()) for counts in poll.counts] == [contest["counts"] for contest in case["contests"]]
    assert [contest.outcome for contest in recompute_result(state, poll).contests] == [
        contest["outcome"] for contest in case["result"]
    ]


def test_the_library_finds_the_hashes_as_committed() -> None:
    """The labelled hash on empty, long and ordinary fields."""
    for case in load("primitives.json")["hash"]:
        fields = []
        for field in case["fields"]:
            repeated = bytes.fromhex(field.get("repeat", "")) * field.get("times", 0)
            fields.append(field.get("u64", field.get("text", bytes.fromhex(field.get("hex", "")) or repeated)))
        assert digest(case["label"], *fields).hex() == case["digest"]
        assert challenge(case["label"], *fields).to_bytes(32, "little").hex() == case["challenge"]


def test_the_engine_at_hand_agrees() -> None:
    """Whichever engine is loaded multiplies and adds as the file says."""
    assert engine_name() in {"native", "libsodium"}
    data = load("primitives.json")["sharing"]
    commitments = Elements.decode(bytes.fromhex("".join(data["commitments"])))
    for share in data["shares"]:
        powers = [share["index"] ** k for k in range(len(commitments))]
        total = (commitments * Scalars.from_ints(powers)).sum()
        assert total.encode().hex() == share["public"]


def test_the_receipt_has_its_form() -> None:
    """The receipt in the file is one in the library's eyes."""
    case = load("sitting.json")["receipt"]
    binary = {"sitting_id", "tracker"}
    fields: Any = {name: bytes.fromhex(value) if name in binary else value for name, value in case.items()}
    receipt = Receipt(**fields)

    assert RECEIPT.decode(RECEIPT.encode(receipt)) == receipt
