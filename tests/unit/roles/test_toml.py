"""TOML is read in time that grows with its length, and refused by one error."""

from __future__ import annotations

import time

import pytest

from secballot.errors import EncodingError
from secballot.roles.toml import MAX_DOTS, read_toml

PROSE = ". ".join(f"Sentence {number}" for number in range(200))


@pytest.mark.parametrize(
    "text",
    [
        f'text = "{PROSE}"\n',
        f"text = '{PROSE}'\n",
        f'text = """\n{PROSE}""""\n',
        f"text = '''\n{PROSE}''''\n",
        f'text = """\\"{PROSE}"" # "\\\\"""\n',
        f"text = 1  # {PROSE}\n",
        f'"\\"{PROSE}" = 1\n',
        ".".join("a" * (MAX_DOTS + 1)) + " = 1\n",
    ],
)
def test_dots_of_texts_are_no_depth(text: str) -> None:
    """Strings and comments may hold as many dots as they like, and keys some."""
    assert len(read_toml(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        ".".join("a" * (MAX_DOTS + 2)) + " = 1\n",
        "[" + ".".join("a" * 20_000) + "]\n",
        "a = { " + '."\\"".'.join("a" * 4_000) + " = 1 }\n",
        'a = "x" ' + "." * 60_000,
        "a = " + "9" * 5_000,
        "a = " + "[" * 60_000,
        "a = " + "{a=" * 20_000,
        '"' * 65_000,
        "'" * 65_001,
        '\\"' * 32_000,
        '"""' + '\\"""' * 16_000,
        '"\\' * 32_000,
        "# a\r",
        "a = 1\na = 2\n",
        "a = 2020-02-30\n",
        "a = '\0'",
        'a = "\\ud800"',
        'a = "',
        '"""\\',
        '"\\',
    ],
)
def test_what_is_none_is_refused_soon(text: str) -> None:
    """A file that Python's parser would look at for seconds, or fail on in its own way, is refused at once."""
    begun = time.process_time()
    with pytest.raises(EncodingError):
        read_toml(text)
    assert time.process_time() - begun < 0.5


def test_the_deepest_keys_allowed_are_read_soon() -> None:
    """At the limit, 64 KiB take no time that anybody notices."""
    header = "[" + ".".join("a" * (MAX_DOTS + 1)) + "]\n"
    text = header + "".join(f"b{number}=1\n" for number in range(7_000))
    begun = time.process_time()
    assert read_toml(text)
    assert time.process_time() - begun < 0.5
