"""Verify a record with the second verifier: `python check_vectors.py RECORD [--sitting HEX] [--json]`.

A file of vectors is recognized by what is in it: of `sitting.json` every intermediate value is recomputed as well, and
`primitives.json` holds nothing else.

The exit status is 0 if the record holds and every value is the one recomputed, 1 if not, 2 if the file cannot be read
or no checkpoint satisfies the quorum.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.vectors.checker.primitive_vectors import verify_primitives
from tests.vectors.checker.reading import read_record
from tests.vectors.checker.sitting_vectors import verify_sitting
from tests.vectors.checker.verdict import verify


def describe(verdict: dict[str, Any]) -> str:
    """Return a verdict as lines for people."""
    lines = [f"sitting {verdict['sitting_id']}"]
    if not verdict["anchored"]:
        lines.append("no sitting was given: this verdict is relative to the manifest found")
    if not verdict["checked"]:
        lines.append("LOG-01: no checkpoint at hand satisfies the quorum: the record could not be checked")
    if verdict["beyond"]:
        lines.append(f"LOG-05: {verdict['beyond']} entries at hand are not part of the record")
    for entry in verdict["entries"]:
        parts = [entry["outcome"], entry["check"], entry["culprit"] and f"({entry['culprit']})"]
        lines.append(f"{entry['index']:6} {entry['kind'] or '-':20} " + " ".join(part for part in parts if part))
    for poll in verdict["polls"]:
        lines.append(f"poll {poll['poll']}: {poll['status']}, {poll['counted']} ballots counted")
        lines += [f"    contest {i}: {json.dumps(c)}" for i, c in enumerate(poll["contests"] or [], start=1)]
    lines += [f"THE RECORD FAILS: {fail['check']} at {fail['index']}" for fail in verdict["fails"]]
    return "\n".join(lines)


def check_values(path: Path) -> tuple[bool, bool]:
    """Recompute the values of a vector file and print what differs; return whether all agree, and if it is a record."""
    data = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    if not isinstance(data, dict) or not {"hash", "ceremony"} & data.keys():
        return True, True
    result = verify_primitives(data) if "hash" in data else verify_sitting(data)
    lines = [f"{result.compared} values compared", *(f"DIFFERS: {name}" for name in result.differing)]
    sys.stderr.write("\n".join(lines) + "\n")
    return not result.differing, "hash" not in data


def main(arguments: list[str] | None = None) -> int:
    """Verify the record named on the command line, print the verdict, and return the exit status."""
    parser = argparse.ArgumentParser(description="Verify a secballot record with the second implementation.")
    parser.add_argument("record", type=Path, help="a JSON file, or a folder in tlog-tiles layout")
    parser.add_argument("--sitting", help="the sitting's id, 64 hexadecimal digits (spaces are ignored)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    try:
        anchor = bytes.fromhex(options.sitting) if options.sitting else None
        agree, is_record = check_values(options.record)
        if not is_record:
            return 0 if agree else 1
        record = read_record(options.record)
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        sys.stderr.write(f"cannot read the record: {error}\n")
        return 2
    verdict = verify(record, anchor)
    sys.stdout.write((json.dumps(verdict, indent=1) if options.json else describe(verdict)) + "\n")
    if verdict["fails"] or not agree:
        return 1
    return 0 if verdict["checked"] else 2


if __name__ == "__main__":
    sys.exit(main())
