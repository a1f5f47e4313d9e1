"""`--proxy`: wherever a command talks over the network, in the same words; a party remembers it until told `none`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click
import pytest

from secballot_cli.home import Given, Home, Settings
from secballot_cli.main import ExitCode, run
from secballot_cli.proxies import chosen_proxy, proxy_option, remembered_proxy_option
from tests.cli.command_tree import leaves
from tests.loopback import free_port, serving_folder
from tests.small_sitting import SITTING_ID
from tests.two_views import View, entries

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROXY: Final = "socks5h://127.0.0.1:9050"

SILENT: Final = {
    "board create": "files only",
    "board pending": "files only",
    "board publish": "files only",
    "conformance": "files only",
    "demo": "one process",
    "dropbox create": "files only",
    "dropbox status": "files only",
    "evidence check": "files only",
    "info": "this machine",
    "key create": "files only",
    "key show": "files only",
    "officer draft": "files only",
    "witness create": "files only",
    "witness follow": "files only",
    "witness serve": "answers, and asks nobody",
}
"""Commands that send no request, each with what they do instead."""


def option_of(decorator: Callable[[Callable[..., int]], Callable[..., int]]) -> click.Option:
    """Return the option that a decorator adds."""
    found = click.command()(decorator(lambda: 0)).params[0]
    assert isinstance(found, click.Option)
    return found


def test_every_command_that_talks_has_the_same_option() -> None:
    """Two forms only: one remembers, the other does not."""
    helps = {option_of(proxy_option).help, option_of(remembered_proxy_option).help}
    found = {
        words: option.help
        for words, command in leaves().items()
        for option in command.params
        if isinstance(option, click.Option) and "--proxy" in option.opts
    }
    assert set(leaves()) - set(found) == set(SILENT)
    assert set(found.values()) == helps


@pytest.mark.parametrize(
    ("given", "remembered", "used"),
    [
        (None, None, None),
        (None, "", None),
        (None, PROXY, PROXY),
        (PROXY, None, PROXY),
        ("http://p.example", PROXY, "http://p.example"),
        ("none", PROXY, None),
        ("none", None, None),
    ],
)
def test_the_proxy_used(given: str | None, remembered: str | None, used: str | None) -> None:
    """What is given stands before what is remembered."""
    assert chosen_proxy(given, remembered) == used


@pytest.mark.parametrize("role", ["officer", "commission", "registrar", "trustee"])
def test_a_party_remembers_until_it_says_none(tmp_path: Path, role: str) -> None:
    """In its home, from the first command that settled on."""
    (tmp_path / role / SITTING_ID.hex()).mkdir(parents=True)

    def settled(proxy: str | None) -> str | None:
        given = Given(tmp_path, SITTING_ID, ("http://board.example",), proxy)
        return Home.find(role, given).settle(given).proxy

    assert [settled(given) for given in (None, PROXY, None, "none", None)] == [None, PROXY, PROXY, None, None]
    assert Home.find(role, Given(tmp_path)).settings() == Settings(("http://board.example",), None)


def test_none_is_no_proxy_where_nothing_is_remembered(tmp_path: Path) -> None:
    """A reader may say so too; with a proxy that is down nothing is read, and nothing goes past it."""
    folder = View(entries(1, 2), sizes=(4,)).publish(tmp_path / "log")
    with serving_folder(folder) as url:
        mirror = ["board", "mirror", url, str(tmp_path / "copy.db"), "--sitting", SITTING_ID.hex()]
        assert run([*mirror, "--proxy", "none"]) == ExitCode.PASSED
        assert run([*mirror, "--proxy", f"socks5h://127.0.0.1:{free_port()}"]) == ExitCode.UNCHECKED
        assert run([*mirror, "--proxy", "nonsense"]) == ExitCode.UNCHECKED
