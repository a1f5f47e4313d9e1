"""Make the kit: `python tests/conformance/generate.py [FOLDER]` writes `kit/`, byte for byte the same every time.

Everything follows from public seeds and from the published RSA keys of the vectors. Whoever holds the kit holds the
secrets of every party in it: they are good for nothing else.
"""

from __future__ import annotations

import shutil
import sys
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import msgspec

from secballot.audit.conformance import Kit
from tests.audit.two_machines import remembered
from tests.conformance import (
    forged_ballots,
    forged_entries,
    forged_fields,
    forged_log,
    forged_polls,
    forged_setup,
)
from tests.conformance.drafts import judge, to_case
from tests.conformance.golden import golden_drafts
from tests.vectors.generate import Drbg

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conformance.drafts import Draft

SEED = b"secballot/v1 conformance kit, 1"

VERSION = "1.0.0"
"""Named by SPEC.md; changes with every case that is added, removed or changed."""

FOLDER = Path(__file__).resolve().parent / "kit"


def forged_drafts() -> Iterator[Draft]:
    """Yield all forged records."""
    return chain(
        forged_entries.spellings(),
        forged_entries.signatures(),
        forged_entries.phases(),
        forged_fields.fields(),
        forged_setup.manifests(),
        forged_setup.fakes(),
        forged_setup.acts(),
        forged_ballots.ballots(),
        forged_polls.openings(),
        forged_polls.endings(),
        forged_polls.objections(),
        forged_polls.decryptions(),
        forged_polls.results(),
        forged_log.entries(),
        forged_log.notes(),
    )


def write(path: Path, value: msgspec.Struct) -> None:
    """Write a file of the kit: JSON with sorted keys, a value a line.

    Raises:
        ValueError: there is a file of this name already.
    """
    if path.exists():
        raise ValueError(f"two cases are called {path.stem}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=1) + b"\n")


def generate(folder: Path) -> None:
    """Write the whole kit.

    Raises:
        DisagreementError: the verifiers do not agree on a case, or a forgery is not refused.
        ValueError: two cases have one name.
    """
    shutil.rmtree(folder, ignore_errors=True)
    write(folder / "kit.json", Kit(suite="secballot/v1", version=VERSION))
    bases: dict[str, tuple[bytes, ...]] = {}
    with remembered():
        with mock.patch("os.urandom", Drbg(SEED)):
            golden, forged = list(golden_drafts()), list(forged_drafts())
        for draft in golden:
            write(folder / "golden" / f"{draft.name}.json", to_case(draft, judge(draft), bases))
            bases[f"golden/{draft.name}"] = draft.entries
        for draft in forged:
            write(folder / "forged" / f"{draft.name}.json", to_case(draft, judge(draft), bases))


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
