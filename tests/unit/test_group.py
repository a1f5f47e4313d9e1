"""The choice of an engine, the one interface that both have, and what `secballot.group` adds to them."""

from __future__ import annotations

import ast
import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from secballot import group
from secballot.errors import EncodingError, SecballotError

STUB = Path(group.__file__).with_name("_group.pyi")


def parameters(node: ast.FunctionDef) -> list[str]:
    """Return the names that a call may use, as the stub states them, without those of Python itself."""
    names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    return [name for name in names if name not in {"self", "cls"}]


def interface(body: list[ast.stmt], prefix: str = "") -> dict[str, list[str]]:
    """Return every public function and method of the stub with its parameters."""
    found: dict[str, list[str]] = {}
    for node in body:
        if isinstance(node, ast.ClassDef):
            found |= interface(node.body, f"{node.name}.")
        elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            found[prefix + node.name] = parameters(node)
    return found


INTERFACE = interface(ast.parse(STUB.read_text(encoding="utf-8")).body)
NAMES = sorted({name.partition(".")[0] for name in INTERFACE})


def run_with_engine(engine: str | None, folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a new process with that engine asked for, and a temporary folder of its own."""
    environment = {name: value for name, value in os.environ.items() if name != group.ENGINE_VARIABLE}
    environment |= {"TMPDIR": str(folder), "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    if engine is not None:
        environment[group.ENGINE_VARIABLE] = engine
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)


def engines() -> list[str]:
    """Return the names of the engines that can be loaded here."""
    names = []
    for name in group._MODULES:
        try:
            group._load_engine(name)
        except group.EngineError:
            continue
        names.append(name)
    return names


@pytest.mark.parametrize("name", engines())
@pytest.mark.parametrize("member", INTERFACE)
def test_each_engine_has_the_interface_of_the_stub(name: str, member: str) -> None:
    """A function that one engine lacks, or calls by other parameters, is found here and not in a sitting."""
    value: object = group._load_engine(name)
    for part in member.split("."):
        value = getattr(value, part)
    assert callable(value)
    names = [parameter for parameter in inspect.signature(value).parameters if parameter != "self"]

    assert names == INTERFACE[member]


def test_everything_of_the_interface_is_exported() -> None:
    """What the stub declares is what `secballot.group` gives away."""
    assert len(NAMES) == 10
    assert set(NAMES) <= set(group.__all__)
    assert all(getattr(group, name) is getattr(group._ENGINE, name) for name in NAMES)


def test_engine_in_use_is_named() -> None:
    """Name and reason are one line each, and only an engine that is not native has a reason."""
    assert group.engine_name() in group._MODULES
    assert (group.engine_reason() == "") == (group.engine_name() == "native")
    assert "\n" not in group.engine_reason()


class TestChoice:
    """Which engine is taken."""

    def test_an_engine_asked_for_is_taken(self) -> None:
        """The variable says why the engine is not native."""
        name, reason, module = group._choose_engine("libsodium")

        assert (name, module.__name__) == ("libsodium", "secballot._sodium")
        assert reason == "SECBALLOT_ENGINE asks for libsodium"

    def test_libsodium_stands_in_for_a_missing_native_engine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without the compiled module the work goes on, and the reason names the module that is missing."""
        monkeypatch.setitem(group._MODULES, "native", "secballot._absent")
        name, reason, _ = group._choose_engine(None)

        assert name == "libsodium"
        assert "secballot._absent" in reason

    def test_a_missing_engine_that_was_asked_for_is_no_reason_to_take_another(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whoever asks for native gets native or nothing."""
        monkeypatch.setitem(group._MODULES, "native", "secballot._absent")
        with pytest.raises(group.EngineError, match="native engine cannot be loaded") as refusal:
            group._choose_engine("native")
        assert isinstance(refusal.value, ImportError)
        assert isinstance(refusal.value, SecballotError)

    def test_no_engine_at_all(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Both reasons are told."""
        monkeypatch.setitem(group._MODULES, "native", "secballot._absent")
        monkeypatch.setitem(group._MODULES, "libsodium", "secballot._missing")
        with pytest.raises(group.EngineError, match=r"secballot\._absent.*secballot\._missing"):
            group._choose_engine(None)

    @pytest.mark.parametrize("asked", ["", "Native", "python", "native,libsodium"])
    def test_other_values_of_the_variable_are_refused(self, asked: str) -> None:
        """A misspelt engine does not quietly become the default one."""
        with pytest.raises(group.EngineError, match="must be one of native, libsodium"):
            group._choose_engine(asked)


class TestImport:
    """What the import does in a new process."""

    @pytest.mark.parametrize("name", engines())
    def test_the_variable_decides(self, name: str, tmp_path: Path) -> None:
        """The engine asked for does the work."""
        done = run_with_engine(name, tmp_path, "from secballot import group; print(group.engine_name())")

        assert (done.stdout.strip(), done.stderr) == (name, "")

    def test_a_wrong_variable_stops_the_import(self, tmp_path: Path) -> None:
        """The import fails with the name of the variable and the value it has."""
        done = run_with_engine("fast", tmp_path, "from secballot import group")

        assert done.returncode == 1
        assert "SECBALLOT_ENGINE is 'fast'" in done.stderr

    def test_libsodium_leaves_no_file_behind(self, tmp_path: Path) -> None:
        """The library file that loading writes is gone at once, and the library works on."""
        code = "from secballot import group; print(group.vartime_multiply_base([3]).encode().hex())"
        done = run_with_engine("libsodium", tmp_path, code)

        assert done.stdout.strip() == group.vartime_multiply_base([3]).encode().hex()
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("name", engines())
    def test_libsodium_is_loaded_only_when_chosen(self, name: str, tmp_path: Path) -> None:
        """The native engine neither needs nor loads the other one."""
        code = "import sys; from secballot import group; print('rbcl' in sys.modules)"

        assert run_with_engine(name, tmp_path, code).stdout.strip() == str(name == "libsodium")


class TestReduceWide:
    """Public integers from wide bytes."""

    @given(data=st.binary(min_size=64, max_size=64))
    @example(data=b"\xff" * 64)
    @example(data=group.ORDER.to_bytes(64, "little"))
    def test_the_integer_is_the_engines_scalar(self, data: bytes) -> None:
        """A challenge is the same number as an integer and as a scalar."""
        assert [group.reduce_wide(data)] == group.Scalars.from_wide(data).to_ints()

    @pytest.mark.parametrize("size", [0, 32, 63, 65, 128])
    def test_other_sizes_are_refused(self, size: int) -> None:
        """Neither less nor more than a SHA-512 digest is reduced."""
        with pytest.raises(EncodingError):
            group.reduce_wide(bytes(size))
