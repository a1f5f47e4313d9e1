"""Forged records that differ from an honest one in a single field: for every field of every kind, one that is refused.

Whoever may sign the entry posts it with that field changed; the record ends there.
"""

from __future__ import annotations

import json
import random
import re
from typing import TYPE_CHECKING

from secballot.audit.report import Verdict
from tests.audit.every_kind import every_kind
from tests.audit.mutants import mutations, plant, representatives, write
from tests.conformance.drafts import Draft, checker_found, forged_after, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.audit.mutants import Mutation

SHALLOW = {
    "duplicate key",
    "null",
    "deleted",
    "number",
    "object",
    "list",
    "unknown member",
    "text",
    "float",
    "exponent",
}
"""Changes that only the well-formedness of the bytes meets; `forged_entries` has these."""


def fields() -> Iterator[Draft]:
    """Yield one record for each field, refused by the deepest check that any change of it meets."""
    log = every_kind()
    for kind, indices in sorted(representatives(log, [kind_of(entry) for entry in log.entries]).items()):
        if kind == "manifest":  # another manifest is another sitting's: `forged_setup` has those
            continue
        entry = json.loads(log.entries[indices[-1]])
        by_pointer: dict[str, Draft] = {}
        rng = random.Random(kind)  # noqa: S311  # the same in every run
        for mutation in mutations(kind, entry, [], rng):
            pointer = "/".join("item" if isinstance(key, int) else key for key in mutation.path)
            found = by_pointer.get(pointer)
            if mutation.name in SHALLOW or mutation.path[0] != "body" or write(mutation.value) == write(entry):
                continue
            if found is not None and found.rejected_by != ("ENT-01",):
                continue
            draft = _forged(indices, mutation, pointer)
            if draft is not None:
                by_pointer[pointer] = draft
        yield from by_pointer.values()


def _forged(indices: list[int], mutation: Mutation, pointer: str) -> Draft | None:
    """Return the record that ends with this entry, or None if it stands, or cannot be signed."""
    log = every_kind()
    planted = list(plant(log, indices, mutation))
    signed = [mutant for mutant in planted if mutant.mode == "signed"]
    if not signed and mutation.kind not in {"ballot", "objection"}:
        return None
    mutant = signed[0] if signed else planted[0]
    entries = [*log.entries[: indices[0]], *(mutant.entries[index] for index in indices)]
    name = re.sub(r"[^a-z0-9]+", "_", f"field {mutation.kind} {pointer[5:]} {mutation.name}".lower()).strip("_")
    what = f"A {mutation.kind} whose {pointer[5:] or 'body'} is changed ({mutation.name}), and signed so."
    draft = forged_after(log, name, what, entries, "any")
    found = checker_found(draft.checkpoints, draft.entries, draft.anchor)
    refused = [one.check for one in found.entries if one.index == draft.at]
    checks = tuple(refused) or (found.failures if found.verdict is Verdict.FAILS else ())
    return Draft(name, what, draft.entries, draft.checkpoints, draft.anchor, checks, draft.at) if checks else None
