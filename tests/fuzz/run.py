"""Fuzz with coverage as guide: `python tests/fuzz/run.py [--seconds N] [--corpus DIR] [TARGET …]`.

Each target runs for N seconds in a process of its own. What breaks an invariant, hangs for a minute or takes more
than 2 GiB ends it, and lies as a file in `--crashes`; so does what takes longer than its target allows: 100 ms for
64 KiB of anything but an own private key. The guide slows everything down, so it is timed once more without.

Needs atheris (the extra `fuzz`).
"""

from __future__ import annotations

import argparse
import hashlib
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

FOLDER = Path(__file__).resolve().parent
SLOW_FILE = "slow-"
MAX_BYTES = 65_536


def fuzz(name: str, arguments: list[str]) -> None:
    """Run one target in this process, which ends with it."""
    import atheris  # type: ignore[import-untyped, unused-ignore]  # noqa: PLC0415  # an extra, which only the fuzzer needs

    with atheris.instrument_imports(include=["secballot", "secballot_cli"], enable_loader_override=False):
        from tests.fuzz.mutating import change  # noqa: PLC0415  # the library is instrumented as it is imported
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415
    run = TARGETS[name].run
    run(b"")  # what is made once is nobody's delay
    prefix = next(given.partition("=")[2] for given in arguments if given.startswith("-artifact_prefix="))
    slowest = TARGETS[name].seconds

    def one(data: bytes) -> None:
        nonlocal slowest
        begun = time.process_time()
        run(data)
        took = time.process_time() - begun
        if took > slowest:
            slowest = took
            Path(f"{prefix}{SLOW_FILE}{hashlib.sha256(data).hexdigest()[:12]}").write_bytes(data)

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        rng = random.Random(seed)  # noqa: S311  # libFuzzer's own seed
        changed = change(data, rng) if rng.random() < 1 / 2 else atheris.Mutate(data, most)
        return bytes(changed[:most])

    atheris.Setup([sys.argv[0], *arguments], one, custom_mutator=mutate)
    atheris.Fuzz()


def time_file(name: str, file: str) -> None:
    """Print the seconds of processor time that a target takes for a file in this process: the least of three."""
    from tests.fuzz.targets import TARGETS  # noqa: PLC0415  # not instrumented

    run, data = TARGETS[name].run, Path(file).read_bytes()
    run(b"")
    times = []
    for _ in range(3):
        begun = time.process_time()
        run(data)
        times.append(time.process_time() - begun)
    sys.stdout.write(f"{min(times):.3f}")


def are_quick(name: str, crashes: Path) -> bool:
    """Time once more what was slow under the guide; remove what is not by itself, and tell whether nothing is left."""
    from tests.fuzz.targets import TARGETS  # noqa: PLC0415  # only now: the fuzzing process imports it instrumented

    good = True
    for file in sorted(crashes.glob(f"{name}-{SLOW_FILE}*")):
        command = [sys.executable, __file__, "--time", name, str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        slow = float(done.stdout) > TARGETS[name].seconds
        sys.stdout.write(
            f"    {done.stdout} s for {file.stat().st_size} bytes{f': SLOW, see {file}' if slow else ''}\n"
        )
        if slow:
            good = False
        else:
            file.unlink()
    return good


def write_seeds(name: str, folder: Path) -> None:
    """Write what is good, and the corpus of the repository, into a folder."""
    from tests.fuzz.targets import TARGETS  # noqa: PLC0415  # only now: the fuzzing process imports it instrumented

    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(TARGETS[name].seeds()):
        (folder / f"seed-{number}").write_bytes(seed)
    for path in sorted((FOLDER / "corpus" / name).glob("*")):
        (folder / path.name).write_bytes(path.read_bytes())


def run_target(name: str, seconds: int, corpus: Path, crashes: Path) -> bool:
    """Fuzz a target in a process of its own; tell whether nothing was found."""
    write_seeds(name, corpus / name)
    crashes.mkdir(parents=True, exist_ok=True)
    options = [f"-max_total_time={seconds}", f"-max_len={MAX_BYTES}", "-timeout=60", "-rss_limit_mb=2048"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    command = [sys.executable, __file__, "--inside", name, *options, f"-artifact_prefix={crashes}/{name}-"]
    done = subprocess.run([*command, str(corpus / name)], capture_output=True, text=True, errors="replace", check=False)
    lines = done.stderr.splitlines()
    state = re.findall(r"^#(\d+)\s+\w+\s+cov: (\d+) ft: (\d+)", done.stderr, re.MULTILINE) or [("?", "?", "?")]
    runs, edges, features = state[-1]
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    sys.stdout.write(
        f"{name}: {'ok' if not done.returncode else 'FOUND'}, {runs} runs in {used:.0f} s of processor time, "
        f"{edges} edges, {features} features\n"
    )
    quick = are_quick(name, crashes)
    if done.returncode:
        sys.stdout.write("\n".join(lines[-40:]) + "\n")
    sys.stdout.flush()
    return not done.returncode and quick


def main() -> int:
    """Fuzz the targets named, or all."""
    if sys.argv[1:2] == ["--inside"]:
        fuzz(sys.argv[2], sys.argv[3:])
        return 0
    if sys.argv[1:2] == ["--time"]:
        time_file(*sys.argv[2:])
        return 0
    parser = argparse.ArgumentParser(description="Fuzz secballot's parsers with coverage as guide.")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--corpus", type=Path, help="folder that grows from run to run; a new one if not given")
    parser.add_argument("--crashes", type=Path, default=Path("fuzz-crashes"))
    parser.add_argument("targets", nargs="*")
    given = parser.parse_args()
    from tests.fuzz.targets import TARGETS  # noqa: PLC0415  # the fuzzing process must not have imported it

    with tempfile.TemporaryDirectory() as folder:
        corpus = given.corpus or Path(folder)
        names = given.targets or list(TARGETS)
        found = [name for name in names if not run_target(name, given.seconds, corpus, given.crashes)]
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
