"""TOML that people write: read in time that grows with its length alone, and refused by one error.

Python's parser takes time that grows with the square of a key's depth, which no file of ours needs, and fails on a long
number in its own way.

Source: https://toml.io/en/v1.0.0.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any, Final

from secballot.errors import EncodingError

MAX_DOTS: Final = 10
"""Most dots in a line outside of strings and comments, and so the depth of a key."""

# Each kind ends at the end of its line or of the text at the latest, so that nothing is looked through twice.
_STRINGS_AND_COMMENTS: Final = re.compile(
    r'"""(?:[^\\"]|\\.|"(?!""))*+(?:"{3,5}|\\?\Z)'
    r"|'''(?:[^']|'(?!''))*+(?:'{3,5}|\Z)"
    r'|"(?:[^\\"\n]|\\[^\n])*+(?:"|\\?(?:\n|\Z))'
    r"|'[^'\n]*+(?:'|\n|\Z)"
    r"|\#[^\n]*+",
    re.DOTALL,
)
_DEEP: Final = re.compile(rf"(?:\.[^.\n]*+){{{MAX_DOTS + 1}}}")


def read_toml(text: str) -> dict[str, Any]:
    """Return the table that a text is.

    Args:
        text: bounded in length by the caller.

    Raises:
        EncodingError: not TOML, a number in it is too long, or a line has more than 10 dots; the message says where.
    """
    if _DEEP.search(_STRINGS_AND_COMMENTS.sub("", text)):
        raise EncodingError(f"a line has more than {MAX_DOTS} dots outside of quotation marks")
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also for a number too long for Python
        raise EncodingError(str(error)) from error
