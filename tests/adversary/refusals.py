"""Every door that bytes and claims come in by, and things that must not come in: without one `assert`.

A door is a public function or method that decodes, verifies, checks, opens or judges (`entry_points` finds them). For
each of them a builder returns attempts; each attempt has to end in an error of the library. Nothing here relies on
`assert`, so that it says the same under `python -O`:

    python -O -m tests.adversary.refusals          # prints how many attempts were refused at how many doors

Honest use is tried by the builders themselves: a door that refuses everything fails while its attempts are made.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
from typing import TYPE_CHECKING, Final

import secballot
from secballot.errors import SecballotError
from secballot.group import engine_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Attempt = Callable[[], object]
    Builder = Callable[[], Sequence[Attempt]]

_NAMES: Final = re.compile(
    r"(verify|check|decode|open|read|parse|judge|audit|find_invalid|compare|submit|add_checkpoint)(_\w+)?"
)
_ROLES_AND_ABOVE: Final = re.compile(r"secballot\.(net|store|roles|audit|record\.|_)")
_DOORS_ABOVE: Final = (
    "secballot.audit.verifier",
    "secballot.net.batching",
    "secballot.net.client",
    "secballot.net.door",
    "secballot.net.door_service",
    "secballot.net.dropbox_server",
    "secballot.net.http_protocol",
    "secballot.net.server",
    "secballot.net.source",
    "secballot.net.witness_client",
    "secballot.net.witness_server",
    "secballot.record.sitting",
    "secballot.roles.board",
    "secballot.roles.cards",
    "secballot.roles.choosing",
    "secballot.roles.comparing",
    "secballot.roles.drafting",
    "secballot.roles.dropbox",
    "secballot.roles.evidence",
    "secballot.roles.head_keys",
    "secballot.roles.offline_receipt",
    "secballot.roles.poll_draft",
    "secballot.roles.posting",
    "secballot.roles.receipt",
    "secballot.roles.remote",
    "secballot.roles.service",
    "secballot.roles.submission",
    "secballot.roles.toml",
    "secballot.roles.voting",
    "secballot.roles.wallet",
    "secballot.roles.watching",
    "secballot.roles.witness",
    "secballot.roles.witness_service",
    "secballot.store.archive",
    "secballot.store.board",
    "secballot.store.dropbox",
    "secballot.store.journal",
    "secballot.store.keyfile",
    "secballot.store.lockbox",
    "secballot.store.ml_dsa_keyfile",
    "secballot.store.source",
)
"""Modules of the upper layers by which strangers' bytes come in; the rest of these layers uses them."""

NO_DOORS: Final = {
    "blind.certificate:ModuliProduct.decode": "reads back a number that the library kept itself",
    "board.cosignature:check_has_ml_dsa": "asks whether a library is there",
    "board.log:check_continues": "reads a board's own heads; the adversary's are read by its parts",
    "board.note:NoteVerifier.verify": "a protocol, without code",
    "board.published:StaticFiles.read": "a protocol, without code",
    "net.door:DoorBackend.submit": "a protocol, without code",
    "net.witness_server:WitnessBackend.add_checkpoint": "a protocol, without code",
    "roles.comparing:compare_places": "says what differs; what it accuses of is evidence, judged by check_evidence",
    "roles.poll_draft:DraftPoll.open_seconds": "reads a length of time from a draft that was read",
    "protocol.ceremony_dealing:TrusteeSecrets.check": "answers with a complaint, which is judged by judge_complaint",
    "protocol.casting:SealedBallot.open": "opens the delegate's own ballot",
}
"""Public names of the same form that judge nothing of a stranger's, and why."""

REFUSALS: Final[dict[str, Builder]] = {}


class AcceptedError(Exception):
    """A door let in what it must refuse, or answered with an error that is not the library's."""


def refuses(*doors: str) -> Callable[[Builder], Builder]:
    """Register a builder of attempts for these doors."""

    def register(builder: Builder) -> Builder:
        for door in doors:
            if door in REFUSALS:
                raise KeyError(door)
            REFUSALS[door] = builder
        return builder

    return register


def entry_points() -> set[str]:
    """Return every door of the library, as `module:name` without the package's name."""
    return {door for module in _modules() for door in _doors_of(module)} - set(NO_DOORS)


def _modules() -> Iterator[str]:
    for module in pkgutil.walk_packages(secballot.__path__, "secballot."):
        if not _ROLES_AND_ABOVE.match(module.name) or module.name in _DOORS_ABOVE:
            yield module.name


def _doors_of(module: str) -> Iterator[str]:
    short = module.removeprefix("secballot.")
    for name, value in vars(importlib.import_module(module)).items():
        if name.startswith("_") or getattr(value, "__module__", "") != module:
            continue
        if inspect.isfunction(value) and _NAMES.fullmatch(name):
            yield f"{short}:{name}"
        if inspect.isclass(value):
            for member, function in vars(value).items():
                plain = function.__func__ if isinstance(function, classmethod | staticmethod) else function
                if inspect.isfunction(plain) and _NAMES.fullmatch(member):
                    yield f"{short}:{name}.{member}"


def builders() -> dict[str, Builder]:
    """Return the builder of every door's attempts."""
    for module in ("parts", "logs", "records", "ballots", "files", "services"):
        importlib.import_module(f"tests.adversary.refusals_of_{module}")
    return REFUSALS


def representatives() -> list[str]:
    """Return one door for each builder, since doors that are tried together have one."""
    found = {builder: door for door, builder in sorted(builders().items(), reverse=True)}
    return sorted(found.values())


def attempt_all(door: str) -> int:
    """Return how many attempts a door refused.

    Raises:
        AcceptedError: one of them was not refused by an error of the library, or there are none.
    """
    attempts = builders()[door]()
    if not attempts:
        raise AcceptedError(f"{door}: nothing was tried")
    for number, attempt in enumerate(attempts):
        try:
            answer = attempt()
        except SecballotError as refusal:
            if not str(refusal):
                raise AcceptedError(f"{door}: attempt {number} was refused without a word") from refusal
        except Exception as error:
            raise AcceptedError(f"{door}: attempt {number} ended in {type(error).__name__}: {error}") from error
        else:
            raise AcceptedError(f"{door}: attempt {number} was accepted: {type(answer).__name__}")
    return len(attempts)


def main() -> int:
    """Try every door; say what was refused, and return the exit code."""
    missing = entry_points() ^ set(builders())
    if missing:
        sys.stderr.write(f"without attempts, or no door any more: {sorted(missing)}\n")
        return 1
    total = sum(attempt_all(door) for door in representatives())
    optimised = "without asserts" if sys.flags.optimize else "with asserts"
    sys.stdout.write(f"{total} refusals at {len(REFUSALS)} doors, {optimised}, engine {engine_name()}\n")
    return 0


if __name__ == "__main__":
    # Run as a program this module has another name than the builders import; there is one table.
    sys.exit(importlib.import_module("tests.adversary.refusals").main())
