"""The fuzz targets on what is good, on the corpus, and on changes drawn anew each time."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secballot.errors import EncodingError
from secballot.records.entry import CODECS
from tests.fuzz import targets
from tests.fuzz.mutating import PIECES, change
from tests.fuzz.target import BrokenInvariantError
from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_good_and_what_was_found(name: str) -> None:
    """Seeds are there and pass; so does everything that a fuzzer ever found, which the corpus keeps."""
    seeds = list(TARGETS[name].seeds())
    assert seeds
    for data in [*seeds, *PIECES, *(path.read_bytes() for path in sorted((CORPUS / name).glob("*")))]:
        TARGETS[name].run(data)


def test_the_corpus_belongs_to_targets() -> None:
    """A target that is renamed takes its corpus along."""
    assert {path.name for path in CORPUS.iterdir()} <= set(TARGETS)


@pytest.mark.parametrize("name", TARGETS)
def test_whatever_is_changed_is_read_or_refused(name: str) -> None:
    """Changes of what is good: same bytes again, or our own error."""
    seeds = list(TARGETS[name].seeds())

    @settings(max_examples=40 if name not in {"log", "archive", "case"} else 8, deadline=None)
    @given(st.integers(0, len(seeds) - 1), st.integers(0, 2**64))
    def holds(which: int, number: int) -> None:
        TARGETS[name].run(change(seeds[which], random.Random(number)))  # noqa: S311  # hypothesis draws the number

    holds()


def test_every_kind_is_a_target() -> None:
    """A new kind of entry is fuzzed from the day that it is one."""
    assert {f"body_{kind}" for kind in CODECS} <= set(TARGETS)


def test_a_reader_that_is_too_kind_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The invariant can fail: a reader that takes two spellings, and one that lets another error through."""

    class Kind:
        def decode(self, data: bytes) -> bytes:
            return data.strip()

        def encode(self, value: bytes) -> bytes:
            return value

    with pytest.raises(BrokenInvariantError):
        targets.body(Kind(), b" {}")  # type: ignore[arg-type]  # what a codec does
    monkeypatch.setattr(targets, "decode_entry", lambda _: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        targets.entry(b"")
    monkeypatch.setattr(targets, "decode_entry", lambda data: EncodingError.__call__(str(data)))
    with pytest.raises(AttributeError):
        targets.entry(b"")
