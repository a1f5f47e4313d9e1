"""Signed notes and verifier keys: what is refused, and that nothing is read that would be written otherwise."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from secballot.board.cosignature import verifier
from secballot.board.note import (
    MAX_SIGNATURE_LINES,
    Ed25519Signer,
    Note,
    SignatureLine,
    VerifierKey,
    open_note,
    sign_note,
)
from secballot.errors import EncodingError, InvalidSignatureError, NonCanonicalError, PolicyError
from secballot.signing import SigningKey

ALICE = Ed25519Signer("alice.example", SigningKey(bytes([1]) * 32))
BOB = Ed25519Signer("bob.example", SigningKey(bytes([2]) * 32))
NOTE = sign_note("text\n", [ALICE, BOB])
KNOWN = [verifier(ALICE.vkey), verifier(BOB.vkey)]
PIECES = ["text", "\n", "\n\n", "— ", "—", " ", "alice.example", "AAAAAAA=", "AAAAAAAA", "AAAAAB==", "+", "\r", "\x00"]


@given(st.lists(st.sampled_from(PIECES)).map("".join))
@example("\n\n— alice.example AAAAAAA=\n")
def test_a_note_has_one_spelling(text: str) -> None:
    """Any text is refused with the library's own error, or is what encoding the note gives."""
    try:
        note = Note.decode(text.encode())
    except EncodingError:
        return
    assert note.encode() == text.encode()


@given(st.binary())
def test_any_bytes(data: bytes) -> None:
    """Any bytes at all are refused with the library's own error, or come back."""
    try:
        note = Note.decode(data)
    except EncodingError:
        return
    assert note.encode() == data


@given(st.text(max_size=40) | st.lists(st.sampled_from(["a", "+", "0badc0de", "AQID", "=", " "])).map("".join))
def test_any_verifier_key(text: str) -> None:
    """Any text is refused with the library's own error, or is the key's one spelling."""
    try:
        key = VerifierKey.decode(text)
    except EncodingError:
        return
    assert key.encode() == text


@pytest.mark.attack("LG-11")
@pytest.mark.parametrize(
    "data",
    [
        NOTE.encode().removesuffix(b"\n"),
        NOTE.encode() + b"\n",
        NOTE.encode().replace(b"\n", b"\r\n"),
        NOTE.encode().replace(b"text", b"te\x00xt"),
        NOTE.encode().replace(b"text", b"te\xffxt"),
        NOTE.encode().replace("— ".encode(), "—  ".encode(), 1),
        NOTE.encode().replace("— ".encode(), b"- ", 1),
        NOTE.encode().replace(b"alice.example", "alice\u00a0example".encode()),
        NOTE.encode().replace(b"alice.example", "alice\u2028example".encode()),
        NOTE.encode().replace(b"alice.example", b"alice+example"),
        NOTE.encode().replace(b"alice.example", b"a" * 256),
        b"text\n\n",
        b"text\n",
        b"",
        "text\n\n— alice.example AAAA\n".encode(),
        "text\n\n— alice.example AAAAAA==\n".encode(),
        "text\n\n— alice.example AAAAAAB=\n".encode(),
        b"a" * 1_000_001,
    ],
)
def test_malformed_notes(data: bytes) -> None:
    """A note that differs from the format anywhere is refused before any signature is looked at."""
    with pytest.raises(EncodingError):
        Note.decode(data)


@pytest.mark.parametrize("line", ["alice.example AAAAAAA=\n", "— alice.example AAAAAAA=", "- alice.example AAAAAAA=\n"])
def test_a_signature_line_begins_with_a_dash_and_ends_with_a_newline(line: str) -> None:
    """A line that lacks either is none, even where the rest could be read."""
    assert SignatureLine.decode("— alice.example AAAAAAA=\n") == SignatureLine("alice.example", bytes(4), bytes(1))
    with pytest.raises(EncodingError, match="not a signature line"):
        SignatureLine.decode(line)


def test_the_longest_note() -> None:
    """A note of a million bytes is written and read, one byte more is neither."""
    line = ALICE.sign("text\n")
    rest = len(Note("\n", (line,)).encode())
    longest = Note("a" * (1_000_000 - rest) + "\n", (line,))
    assert len(longest.encode()) == 1_000_000
    assert Note.decode(longest.encode()) == longest
    with pytest.raises(EncodingError, match="too long"):
        Note("a" + longest.text, (line,)).encode()
    with pytest.raises(EncodingError, match="too long"):
        Note.decode(b"a" + longest.encode())


@pytest.mark.parametrize(("kind", "size"), [(1, 31), (1, 33), (4, 0), (6, 32), (6, 1311), (6, 1313)])
def test_a_key_has_the_size_of_its_type(kind: int, size: int) -> None:
    """32 bytes, or 1,312 with ML-DSA-44; in code as in text."""
    with pytest.raises(EncodingError, match="a key of this type has"):
        VerifierKey("a.example", kind, bytes(size))


def test_a_key_of_no_bytes_is_of_no_type() -> None:
    """It is refused as any other type that is not known."""
    for text in ("a.example+00000000+", "a.example+00000000+AA=="):
        with pytest.raises(EncodingError, match="unknown type"):
            VerifierKey.decode(text)


def test_the_longest_key_name() -> None:
    """255 bytes of UTF-8, not characters."""
    longest = "ä" * 127 + "a"
    assert VerifierKey(longest, 1, bytes(32)).name == longest
    for name in (longest + "a", "ä" * 128):
        with pytest.raises(EncodingError, match="at most 255 bytes"):
            VerifierKey(name, 1, bytes(32))


def test_where_a_text_is_no_text_is_told() -> None:
    """The first byte that is not UTF-8, and the first character that has none."""
    with pytest.raises(EncodingError) as caught:
        Note.decode(b"text\xff")
    assert caught.value.offset == 4
    with pytest.raises(EncodingError) as caught:
        ALICE.sign("te\ud800t\n")
    assert caught.value.offset == 2


@pytest.mark.attack("LG-11")
def test_line_separators_do_not_split_lines() -> None:
    """Characters at which Python would split lines are ordinary characters of a text."""
    text = "one\u2028two\u0085three\n"
    note = sign_note(text, [ALICE])
    assert Note.decode(note.encode()).text == text


@pytest.mark.attack("LG-09")
def test_too_many_signatures() -> None:
    """A hundred signature lines are read, one more is refused."""
    line = ALICE.sign("text\n")
    data = Note("text\n", (line,) * MAX_SIGNATURE_LINES).encode()
    assert len(Note.decode(data).signatures) == MAX_SIGNATURE_LINES
    with pytest.raises(EncodingError):
        Note.decode(data + line.encode().encode())
    with pytest.raises(EncodingError):
        Note("text\n", (line,) * (MAX_SIGNATURE_LINES + 1)).encode()


@pytest.mark.parametrize("text", ["", "no newline", "control\x00\n", "\ud800\n"])
def test_texts_that_cannot_be_signed(text: str) -> None:
    """A text without its newline, with a control character or a lone surrogate is refused by the writer too."""
    with pytest.raises(EncodingError):
        sign_note(text, [ALICE])


def test_a_note_needs_a_signer() -> None:
    """There is no note without a signature."""
    with pytest.raises(EncodingError):
        sign_note("text\n", [])


@pytest.mark.attack("LG-09")
def test_unknown_keys_are_ignored() -> None:
    """Of two signatures, the one of the known key counts."""
    opened = open_note(NOTE, KNOWN[:1])
    assert [line.name for line in opened.verified] == ["alice.example"]
    assert opened.line_of(BOB.vkey) is None
    assert opened.line_of(ALICE.vkey) == NOTE.signatures[0]


@pytest.mark.attack("LG-09")
def test_a_false_signature_of_a_known_key_spoils_the_note() -> None:
    """One valid signature does not make up for one that is false, wherever it stands."""
    good, other = NOTE.signatures
    false = SignatureLine(other.name, other.key_id, bytes([other.signature[0] ^ 1]) + other.signature[1:])
    for lines in ((good, false), (false, good), (good, other, false)):
        with pytest.raises(InvalidSignatureError):
            open_note(Note("text\n", lines), KNOWN)
    assert open_note(Note("text\n", (good, false)), KNOWN[:1]).verified == (good,)


@pytest.mark.attack("LG-09")
def test_a_signature_under_another_name_or_id_does_not_count() -> None:
    """Name and key id name the key together."""
    line = NOTE.signatures[0]
    for wrong in (
        SignatureLine("bob.example", line.key_id, line.signature),
        SignatureLine(line.name, bytes(4), line.signature),
    ):
        with pytest.raises(InvalidSignatureError):
            open_note(Note("text\n", (wrong,)), KNOWN)


def test_a_key_counts_once() -> None:
    """A line repeated is verified and counted once."""
    line = NOTE.signatures[0]
    assert open_note(Note("text\n", (line, line)), KNOWN).verified == (line,)


def test_another_text_is_not_signed() -> None:
    """A signature is bound to the whole text."""
    with pytest.raises(InvalidSignatureError):
        open_note(Note("texts\n", NOTE.signatures), KNOWN)


def test_ambiguous_keys() -> None:
    """Two known keys under one name and key id are refused, whoever signed."""

    class Colliding(VerifierKey):
        @property
        def key_id(self) -> bytes:
            return ALICE.vkey.key_id

    twin = Colliding("alice.example", 1, BOB.vkey.key)
    with pytest.raises(PolicyError):
        open_note(NOTE, [verifier(ALICE.vkey), verifier(twin)])
    assert len(open_note(NOTE, [*KNOWN, *KNOWN]).verified) == 2


def test_a_wrong_key_id_is_not_canonical() -> None:
    """The key id is part of the key's one spelling."""
    text = ALICE.vkey.encode()
    assert VerifierKey.decode(text) == ALICE.vkey
    with pytest.raises(NonCanonicalError):
        VerifierKey.decode(text.replace(ALICE.vkey.key_id.hex(), "00000000"))
    with pytest.raises(EncodingError):
        VerifierKey.decode(text.replace(ALICE.vkey.key_id.hex(), ALICE.vkey.key_id.hex().upper()))


def test_a_key_that_is_no_point_verifies_nothing() -> None:
    """The key of order one, under which a fixed signature fits any message, is refused."""
    vkey = VerifierKey("weak.example", 1, b"\x01" + bytes(31))
    line = SignatureLine(vkey.name, vkey.key_id, b"\x01" + bytes(63))
    with pytest.raises(InvalidSignatureError):
        open_note(Note("text\n", (line,)), [verifier(vkey)])


def test_newer_signatures_replace_older_ones_of_the_key() -> None:
    """Joining keeps one line a key, the arriving one, behind those of other keys."""
    newer = SignatureLine("alice.example", ALICE.vkey.key_id, b"newer")
    joined = NOTE.with_signatures([newer])
    assert joined.signatures == (NOTE.signatures[1], newer)
