"""Questions that are answered by yes or no, in the reader's language; English answers are understood everywhere.

Source: SPEC.md#parties-and-trust.
"""

from __future__ import annotations

from typing import Final

import click

from secballot_cli.messages import _

_YES: Final = frozenset({"y", "yes"})
_NO: Final = frozenset({"n", "no"})


def agreed(question: str, *, default: bool = False) -> bool:
    """Ask until the answer is one, and tell whether it is yes; nothing at all is the answer that stands in capitals."""
    shown = _("Y/n") if default else _("y/N")
    yes, no = _YES | set(_("y yes").split()), _NO | set(_("n no").split())
    while True:
        answer: str = click.prompt(f"{question} [{shown}]", default="", show_default=False, err=True)
        word = answer.strip().lower()
        if not word:
            return default
        if word in yes | no:
            return word in yes
        click.echo(_("Yes or no?"), err=True)
