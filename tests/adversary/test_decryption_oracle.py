"""Chosen ciphertexts: there is nobody to ask."""

from __future__ import annotations

import inspect
import pkgutil
import re
from importlib import import_module

from secballot import roles


def test_no_role_decrypts_ciphertexts_of_a_callers_choice() -> None:
    """TL-09, TL-12: no function or method of a party takes elements, scalars or ciphertexts."""
    modules = [import_module(f"{roles.__name__}.{found.name}") for found in pkgutil.iter_modules(roles.__path__)]
    seen = 0
    for module in modules:
        for name, value in vars(module).items():
            if name.startswith("_") or getattr(value, "__module__", "") != module.__name__:
                continue
            functions = [value] if inspect.isfunction(value) else []
            if inspect.isclass(value):
                functions = [f for n, f in inspect.getmembers(value, inspect.isfunction) if not n.startswith("_")]
            for function in functions:
                seen += 1
                for parameter in inspect.signature(function).parameters.values():
                    assert not re.search("Ciphertexts|Elements|Scalars", str(parameter.annotation)), function
    assert seen > 50
