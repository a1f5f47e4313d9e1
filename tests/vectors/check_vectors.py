"""Verify a record with the second verifier: `python check_vectors.py RECORD [--sitting HEX] [--json]`.

The exit status is 0 if the record holds, 1 if it fails, 2 if it cannot be read or no checkpoint satisfies the quorum.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.vectors.checker.reading import read_record
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


def main(arguments: list[str] | None = None) -> int:
    """Verify the record named on the command line, print the verdict, and return the exit status."""
    parser = argparse.ArgumentParser(description="Verify a secballot record with the second implementation.")
    parser.add_argument("record", type=Path, help="a JSON file, or a folder in tlog-tiles layout")
    parser.add_argument("--sitting", help="the sitting's id, 64 hexadecimal digits (spaces are ignored)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    try:
        anchor = bytes.fromhex(options.sitting) if options.sitting else None
        record = read_record(options.record)
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        sys.stderr.write(f"cannot read the record: {error}\n")
        return 2
    verdict = verify(record, anchor)
    sys.stdout.write((json.dumps(verdict, indent=1) if options.json else describe(verdict)) + "\n")
    if not verdict["checked"]:
        return 2
    return 1 if verdict["fails"] else 0


if __name__ == "__main__":
    sys.exit(main())
