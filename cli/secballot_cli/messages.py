"""What people read, in their language: English in the source, other languages in catalogues beside it.

    locale/<language>/LC_MESSAGES/<catalogue>.po     what translators edit
    locale/<language>/LC_MESSAGES/<catalogue>.mo     the same, compiled: `python -m secballot_cli.messages`

The language is the environment's (LANGUAGE, LC_ALL, LC_MESSAGES, LANG). There is one catalogue for each group of
commands, and each message stands in one of them. What a program reads (`--json`, exit codes) does not depend on the
language, except for the sentences in it.
"""

from __future__ import annotations

import functools
import gettext
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

CATALOGUES: Final = ("shared", "officials", "delegate", "services", "errors", "auditor", "help")
"""Names of the catalogues; a message is looked for in this order."""

FOLDER: Final = Path(__file__).parent / "locale"
"""Where the catalogues lie."""


_NO_TIME: Final = datetime(2026, 1, 1, tzinfo=UTC)


@functools.cache
def _translations() -> gettext.NullTranslations:
    """Return all catalogues of the environment's language as one."""
    found = gettext.NullTranslations()
    for name in reversed(CATALOGUES):
        catalogue = gettext.translation(name, FOLDER, fallback=True)
        catalogue.add_fallback(found)
        found = catalogue
    return found


def _(message: str) -> str:
    """Return the message in the reader's language, or as it is."""
    return _translations().gettext(message)


def translated(text: str) -> str:
    """Return a text that stands elsewhere than in a call (help, checks, errors) in the reader's language."""
    return _translations().gettext(text)


def is_english() -> bool:
    """Tell whether messages are shown as they are in the source."""
    return type(_translations()) is gettext.NullTranslations


def plural(singular: str, several: str, number: int) -> str:
    """Return the form of a message that goes with a number, in the reader's language."""
    return _translations().ngettext(singular, several, number)


def forget_language() -> None:
    """Look at the environment again; for tests."""
    _translations.cache_clear()


def compile_catalogues(folder: Path = FOLDER) -> None:
    """Write the .mo file of every .po file in a folder like `FOLDER`, the same bytes for the same messages.

    Needs Babel.
    """
    # Only whoever translates needs it.
    from babel.messages.mofile import write_mo  # noqa: PLC0415
    from babel.messages.pofile import read_po  # noqa: PLC0415

    for path in sorted(folder.glob("*/LC_MESSAGES/*.po")):
        with path.open("rb") as source:
            catalogue = read_po(source)
        # Babel would write the time of day.
        catalogue.creation_date = catalogue.revision_date = _NO_TIME
        with path.with_suffix(".mo").open("wb") as target:
            write_mo(target, catalogue)


if __name__ == "__main__":
    compile_catalogues()
