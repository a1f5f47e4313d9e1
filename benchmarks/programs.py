"""The environment of programs that are measured as users have them.

Source: docs/benchmarks.md.
"""

from __future__ import annotations

import os

_NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"


def as_installed() -> dict[str, str]:
    """Return this process's environment, but for what keeps Python from compiling a module only once.

    An installed package is compiled when it is installed, or when it is first used.
    """
    return {name: value for name, value in os.environ.items() if name != _NO_BYTECODE}
