"""The library's own source files, parsed, and what the packaging tests look for in them."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PACKAGE_FOLDERS = {"secballot": ROOT / "secballot", "secballot_cli": ROOT / "cli" / "secballot_cli"}
"""The two top-level packages and where each lives."""


@dataclass(frozen=True)
class Source:
    """One source file: its dotted module name, path, text and syntax tree."""

    module: str
    path: Path
    text: str
    tree: ast.Module

    @classmethod
    def parse(cls, module: str, text: str, path: Path = Path("sample.py")) -> Source:
        """Parse a text as the module of that name."""
        return cls(module, path, text, ast.parse(text))


def library_sources() -> list[Source]:
    """Return every Python file of the library and the command line, in order of module name."""
    sources = []
    for package, folder in PACKAGE_FOLDERS.items():
        for path in folder.rglob("*.py"):
            parts = (package, *path.relative_to(folder).with_suffix("").parts)
            module = ".".join(part for part in parts if part != "__init__")
            sources.append(Source.parse(module, path.read_text(encoding="utf-8"), path))
    return sorted(sources, key=lambda source: source.module)


def imported_modules(source: Source) -> Iterator[str]:
    """Yield every module that an import statement may load, as an absolute dotted name.

    `from a import b` yields both `a` and `a.b`, since b may be a module.
    """
    package = _package_of(source)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def module_strings(source: Source) -> Iterator[str]:
    """Yield every string, as the module that `importlib.import_module` would take it for."""
    package = _package_of(source)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield f"{package}{node.value}" if node.value.startswith(".") else node.value


def _package_of(source: Source) -> str:
    """Return the package that relative imports in a file start from."""
    return source.module if source.path.name == "__init__.py" else source.module.rpartition(".")[0]


def functions(source: Source) -> Iterator[tuple[str, int]]:
    """Yield the name and length in lines of every function and method, decorators included."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            yield node.name, (node.end_lineno or node.lineno) - first + 1
