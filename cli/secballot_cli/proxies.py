"""Whose eyes a request passes: the option `--proxy` of every command that talks over the network.

A party remembers the proxy that it was given once, until another is given, or `--proxy none`: nobody is unmasked by a
forgotten option. Commands without a home remember nothing, and take `none` for what they do anyhow. No proxy is ever
taken from the environment.

Source: SPEC.md#parties-and-trust.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from collections.abc import Callable

NO_PROXY: Final = "none"
"""What is written to go without a proxy, also without one that is remembered."""


def proxy_option(command: Callable[..., int]) -> Callable[..., int]:
    """Add the option to a command that remembers nothing; it is handed an URL, or None for none."""
    return click.option(
        "--proxy",
        metavar="URL",
        callback=lambda _context, _parameter, given: chosen_proxy(given, None),
        help="A proxy for all requests, such as socks5h://127.0.0.1:9050; `none` for none.",
    )(command)


def remembered_proxy_option(command: Callable[..., int]) -> Callable[..., int]:
    """Add the option to a command of a party; it is handed what was typed, which `chosen_proxy` understands."""
    return click.option(
        "--proxy",
        metavar="URL",
        help="A proxy for all requests, such as socks5h://127.0.0.1:9050. Remembered; `none` forgets it.",
    )(command)


def chosen_proxy(given: str | None, remembered: str | None) -> str | None:
    """Return the proxy to use: the one given, or the one remembered, or None if that is said or neither is known."""
    if given == NO_PROXY:
        return None
    return given or remembered or None
