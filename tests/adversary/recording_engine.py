"""An engine that records what the library asks of it, and what secrets do there.

It wraps the libsodium engine, whose classes are Python's, and has to be installed before anything else of the library
is imported; so it runs in a process of its own:

    python -m tests.adversary.recording_engine       # prints one JSON object, which test_side_channels reads

A *secret* is every scalar that the engine made of random or wide bytes, and every one that was computed with one.
Public scalars come in as Python integers or by `decode`.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_VECTOR: Final = (
    "concat",
    "decode",
    "encode",
    "take",
    "sum",
    "__add__",
    "__sub__",
    "__neg__",
    "__mul__",
    "__getitem__",
)
SCALARS: Final = (*_VECTOR, "equals", "from_ints", "from_wide", "random", "to_ints")
ELEMENTS: Final = (*_VECTOR, "encode_doubles", "identity", "is_identity", "multiply_short", "__eq__")
PUBLIC_SCALARS: Final = (
    *_VECTOR,
    *(
        "distinct",
        "from_ints",
        "from_short",
        "from_wide",
        "gather",
        "repeat",
        "scatter",
        "side_by_side",
        "to_ints",
        "__eq__",
    ),
)
FIXED_BASE: Final = ("__init__", "multiply", "multiply_encode")
FUNCTIONS: Final = (
    "multiply_base",
    "hash_to_element",
    "vartime_multiscalar_mul",
    "vartime_multiply_base",
    "vartime_multiply",
    "vartime_prime_order",
)
MAKES_SECRETS: Final = frozenset({"Scalars.from_wide", "Scalars.random"})
GIVES_INTEGERS: Final = frozenset({"Scalars.to_ints"})
TAKES_INTEGERS: Final = frozenset({"Scalars.from_ints", *(name for name in FUNCTIONS if name.startswith("vartime"))})


@dataclass
class Recording:
    """What was asked of the engine.

    Attributes:
        calls: name and lengths of every call from outside of the engine.
        secrets: every secret value.
        integers: calls that gave secrets as integers, or were given some.
        encoded: every secret that was encoded, by the function that asked for it.
    """

    calls: list[str] = field(default_factory=list)
    secrets: set[int] = field(default_factory=set)
    integers: list[str] = field(default_factory=list)
    encoded: dict[str, list[bytes]] = field(default_factory=dict)

    def clear(self) -> None:
        """Forget the calls, and keep the secrets."""
        self.calls, self.integers, self.encoded = [], [], {}


class Recorder:
    """Wraps every call of the engine."""

    def __init__(self) -> None:
        """Load the engine and wrap it."""
        from secballot import _sodium  # noqa: PLC0415  # before anything else of the library

        self.engine, self.recording, self.depth = _sodium, Recording(), 0
        self._ints: Callable[[Any], list[int]] = _sodium.Scalars.to_ints
        self._public_ints: Callable[[Any], list[int]] = _sodium.PublicScalars.to_ints
        for holder, names in (
            (_sodium.Scalars, SCALARS),
            (_sodium.Elements, ELEMENTS),
            (_sodium.PublicScalars, PUBLIC_SCALARS),
            (_sodium.FixedBase, FIXED_BASE),
        ):
            for name in names:
                self._wrap_member(holder, name)
        for name in FUNCTIONS:
            setattr(_sodium, name, self._wrapped(name, getattr(_sodium, name)))
        left_out = self._public() - self._known()
        if left_out:
            raise LookupError(f"the engine has calls that are not recorded: {sorted(left_out)}")

    def publish(self, *posted: bytes) -> None:
        """Take scalars that a party posts out of the secrets."""
        data = b"".join(posted)
        self.recording.secrets -= {int.from_bytes(data[at : at + 32], "little") for at in range(0, len(data), 32)}

    def _public(self) -> set[str]:
        from secballot import group  # noqa: PLC0415

        holders = (self.engine.Scalars, self.engine.PublicScalars, self.engine.Elements, self.engine.FixedBase)
        members = {
            f"{holder.__name__}.{name}" for holder in holders for name in dir(holder) if not name.startswith("_")
        }
        return members | {name for name in group.__all__ if name in FUNCTIONS or name.startswith("vartime")}

    def _known(self) -> set[str]:
        pairs = (
            ("Scalars", SCALARS),
            ("PublicScalars", PUBLIC_SCALARS),
            ("Elements", ELEMENTS),
            ("FixedBase", FIXED_BASE),
        )
        return {f"{holder}.{name}" for holder, names in pairs for name in names} | set(FUNCTIONS)

    def _wrap_member(self, holder: type, name: str) -> None:
        found = next(vars(base)[name] for base in holder.__mro__ if name in vars(base))
        plain = found.__func__ if isinstance(found, classmethod | staticmethod) else found
        wrapped: Any = self._wrapped(f"{holder.__name__}.{name}", plain)
        if isinstance(found, classmethod | staticmethod):
            wrapped = type(found)(wrapped)
        setattr(holder, name, wrapped)

    def _wrapped(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401  # whatever the engine takes
            self.depth += 1
            try:
                answer = function(*arguments, **named)
            finally:
                self.depth -= 1
            if self.depth == 0:
                self.depth += 1
                try:
                    self._record(name, arguments, answer)
                finally:
                    self.depth -= 1
            return answer

        return call

    def _values(self, thing: object) -> list[int]:
        if isinstance(thing, self.engine.Scalars):
            return self._ints(thing)
        if isinstance(thing, self.engine.PublicScalars):
            return self._public_ints(thing)
        if isinstance(thing, int) and not isinstance(thing, bool):
            return [thing]
        if isinstance(thing, list | tuple):
            return [value for part in thing for value in self._values(part)]
        return []

    def _record(self, name: str, arguments: tuple[Any, ...], answer: object) -> None:
        lengths = [len(thing) for thing in arguments if hasattr(thing, "__len__") and not isinstance(thing, type)]
        record = self.recording
        record.calls.append(f"{name}{lengths}")
        given = [value for thing in arguments for value in self._values(thing)]
        secret = [value for value in given if value in record.secrets]
        if isinstance(answer, self.engine.Scalars) and (name in MAKES_SECRETS or secret):
            # Small numbers are votes, weights and indices: everybody's, and found everywhere.
            record.secrets |= {value for value in self._values(answer) if value > 1 << 64}
        if secret and (name in GIVES_INTEGERS | TAKES_INTEGERS or name.startswith("PublicScalars.")):
            record.integers.append(f"{name} asked for by {asker()}")
        if secret and name == "Scalars.encode":
            data: bytes = answer  # type: ignore[assignment]
            parts = [data[at : at + 32] for at in range(0, len(data), 32)]
            record.encoded.setdefault(asker(), []).extend(parts)


def asker() -> str:
    """Return module and function of the library, or of this test, that called the engine."""
    frame = sys._getframe(1)
    while frame.f_back is not None and (
        frame.f_globals.get("__name__") in {__name__, "secballot._sodium"} or frame.f_code.co_name == "call"
    ):
        frame = frame.f_back
    return f"{frame.f_globals.get('__name__', '').removeprefix('secballot.')}:{frame.f_code.co_name}"


def sealing(recorder: Recorder) -> dict[str, Any]:
    """Return, for every choice of a contest, the calls that sealing and casting make; and what secrets did there."""
    from tests.sealed_ballots import ONE_OF_THREE, SCORES, make_context, make_credential, seal_sample  # noqa: PLC0415

    context = make_context(ONE_OF_THREE, SCORES)
    make_credential(context)
    seal_sample(context, ((0, 0, 0), (1, 0))).cast()  # tables that the first ballot of a poll makes
    calls, integers, astray = [], [], []
    for one in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)):
        for scores in ((1, 0), (0, 1), (2, 2), (1, 3), (0, 3)):
            recorder.recording.clear()
            ballot = seal_sample(context, (one, scores)).cast()
            calls.append(list(recorder.recording.calls))
            integers += recorder.recording.integers
            posted = ballot.response + b"".join(part.challenges + part.responses for part in ballot.contests)
            for who, scalars in recorder.recording.encoded.items():
                astray += [who for scalar in scalars if scalar not in posted]
    return {"calls": calls, "integers": integers, "encoded": astray}


def ceremony(recorder: Recorder) -> dict[str, Any]:
    """Return what secrets did in rounds 0 to 3 of a trustee, in its consistency checks, and in its decryption."""
    from secballot.elgamal import Ciphertexts  # noqa: PLC0415
    from secballot.group import Scalars, multiply_base  # noqa: PLC0415
    from secballot.protocol.ceremony import verify_reveal, verify_shares  # noqa: PLC0415
    from secballot.protocol.ceremony_dealing import TrusteeSecrets  # noqa: PLC0415
    from secballot.protocol.tallying import partial_decrypt  # noqa: PLC0415
    from tests.ceremony_run import seed, session_of  # noqa: PLC0415

    recorder.recording.clear()
    session = session_of()
    trustees = {i: TrusteeSecrets(session, i, seed("trustee", i)) for i in session.participants}
    commits = {i: trustee.commit() for i, trustee in trustees.items()}
    reveals = {i: trustee.reveal() for i, trustee in trustees.items()}
    recorder.publish(*(body.proof_secret + body.proof_encryption for body in reveals.values()))
    dealings = {i: verify_reveal(session, i, commits[i], reveals[i]) for i in trustees}
    shares = {i: trustee.shares(dealings) for i, trustee in trustees.items()}
    for i, body in shares.items():
        verify_shares(session, i, body)
    share = trustees[1].secret_share(dealings, shares)
    public = multiply_base(share)
    alpha = multiply_base(Scalars.from_ints([5, 6]))
    partial_decrypt(
        ctx=bytes(32),
        tally_id=bytes(64),
        trustee=1,
        public_share=public,
        contest=1,
        aggregates=Ciphertexts(alpha, alpha),
        secret=share,
        fresh=bytes(32),
    )
    bent = {**shares, 1: type(shares[1])(shares[1].ephemerals, bytes(144), 1)}
    if trustees[2].check(dealings, bent) is None:
        raise LookupError("a bad share was taken")
    recording = recorder.recording
    return {
        "calls": [recording.calls],
        "integers": recording.integers,
        "encoded": sorted(recording.encoded),
        "secrets": len(recording.secrets),
    }


def main() -> int:
    """Print what was recorded."""
    recorder = Recorder()
    from secballot import group  # noqa: PLC0415

    if group.engine_name() != "libsodium" or group.multiply_base is not recorder.engine.multiply_base:
        sys.stderr.write("the recording engine is not the one in use\n")
        return 1
    sys.stdout.write(json.dumps({"sealing": sealing(recorder), "ceremony": ceremony(recorder)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
