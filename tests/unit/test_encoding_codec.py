"""The canonical JSON codec: one spelling per record, and nothing but our own errors for anything else."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from secballot.encoding import (
    MAX_INTEGER,
    Bytes32,
    CanonicalCodec,
    Uint,
)
from secballot.errors import EncodingError, NonCanonicalError


class Option(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A nested record."""

    label: str
    maximum: Uint


class Sample(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record with every kind of field a record may have."""

    zeta: Uint
    Alpha: str
    digest: Bytes32
    options: tuple[Option, ...]
    kind: Literal["one", "two"]
    flag: bool = False


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An outer record that carries another verbatim."""

    kind: str
    body: msgspec.Raw
    signature: bytes


class Apple(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="apple"):
    """One alternative of a tagged union."""

    alpha: Uint
    zeta: Uint


class Basket(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record with a tagged member."""

    fruit: Apple


SAMPLES = CanonicalCodec(Sample)
ENVELOPES = CanonicalCodec(Envelope)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
uints = st.integers(0, MAX_INTEGER)
options = st.builds(Option, label=texts, maximum=uints)
samples = st.builds(
    Sample,
    zeta=uints,
    Alpha=texts,
    digest=st.binary(min_size=32, max_size=32),
    options=st.lists(options, max_size=4).map(tuple),
    kind=st.sampled_from(["one", "two"]),
    flag=st.booleans(),
)
GOOD = Sample(zeta=7, Alpha="é\n", digest=bytes(32), options=(Option("yes", 1),), kind="one")
GOOD_BYTES = (
    '{"Alpha":"é\\n","digest":"' + "A" * 43 + '=","flag":false,"kind":"one",'
    '"options":[{"label":"yes","maximum":1}],"zeta":7}'
).encode()


def test_a_record_has_exactly_the_bytes_written_out_here() -> None:
    """The form is pinned byte for byte, both ways."""
    assert SAMPLES.encode(GOOD) == GOOD_BYTES
    assert SAMPLES.decode(GOOD_BYTES) == GOOD


@given(samples)
def test_an_independent_canonicalizer_gives_the_same_bytes(sample: Sample) -> None:
    """RFC 8785 as PyPI rfc8785 implements it agrees with the codec on every record."""
    assert SAMPLES.encode(sample) == rfc8785.dumps(msgspec.to_builtins(sample))


@given(samples)
def test_decoding_undoes_encoding(sample: Sample) -> None:
    """No value is lost on the way through its bytes."""
    assert SAMPLES.decode(SAMPLES.encode(sample)) == sample


@given(samples, samples)
def test_different_records_have_different_bytes(one: Sample, other: Sample) -> None:
    """The encoding is injective, so a hash of the bytes is a hash of the value."""
    assert (one == other) == (SAMPLES.encode(one) == SAMPLES.encode(other))


@given(st.data())
def test_any_changed_bytes_fail_or_are_the_bytes_of_another_record(data: st.DataObject) -> None:
    """Whatever decodes after a splice encodes to exactly what was decoded: no malleability."""
    start = data.draw(st.integers(0, len(GOOD_BYTES)))
    stop = data.draw(st.integers(start, min(len(GOOD_BYTES), start + 6)))
    changed = GOOD_BYTES[:start] + data.draw(st.binary(max_size=6)) + GOOD_BYTES[stop:]
    try:
        value = SAMPLES.decode(changed)
    except EncodingError:
        return
    assert SAMPLES.encode(value) == changed


@given(st.binary(max_size=200))
def test_arbitrary_bytes_raise_only_encoding_errors(data: bytes) -> None:
    """Random bytes never leak an exception of the parser."""
    for codec in (SAMPLES, ENVELOPES):
        with pytest.raises(EncodingError):
            codec.decode(data)


def swap(old: bytes, new: bytes) -> bytes:
    """Return the good bytes with one piece replaced."""
    assert old in GOOD_BYTES
    return GOOD_BYTES.replace(old, new, 1)


OTHER_SPELLINGS = {
    "space after comma": swap(b',"flag"', b', "flag"'),
    "trailing space": GOOD_BYTES + b" ",
    "trailing newline": GOOD_BYTES + b"\n",
    "leading space": b" " + GOOD_BYTES,
    "keys in another order": swap(b'"flag":false,"kind":"one"', b'"kind":"one","flag":false'),
    "duplicate key": swap(b'"flag":false', b'"flag":false,"flag":false'),
    "duplicate key, escaped": swap(b'"flag":false', b'"flag":true,"fl\\u0061g":false'),
    "escaped key": swap(b'"flag"', b'"fl\\u0061g"'),
    "escaped letter": swap("é".encode(), b"\\u00e9"),
    "long escape for newline": swap(b"\\n", b"\\u000a"),
    "escaped solidus": swap(b'"yes"', b'"\\/"'),
    "upper-case escape": swap(b"\\n", b"\\u001F"),
    "minus zero": swap(b'"zeta":7', b'"zeta":-0'),
    "stray base64 bits": swap(b"A=", b"B="),
    "default left out": swap(b'"flag":false,', b""),
}


@pytest.mark.attack("PA-05")
@pytest.mark.parametrize("data", OTHER_SPELLINGS.values(), ids=OTHER_SPELLINGS)
def test_another_spelling_of_the_same_value_is_not_canonical(data: bytes) -> None:
    """What parses to a value but is not that value's bytes is refused as such."""
    with pytest.raises(NonCanonicalError):
        SAMPLES.decode(data)


MALFORMED = {
    "empty": b"",
    "byte order mark": b"\xef\xbb\xbf" + GOOD_BYTES,
    "UTF-16": GOOD_BYTES.decode().encode("utf-16"),
    "UTF-16 without mark": GOOD_BYTES.decode().encode("utf-16-le"),
    "trailing bracket": GOOD_BYTES + b"}",
    "two values": GOOD_BYTES * 2,
    "NUL at the end": GOOD_BYTES + b"\0",
    "float": swap(b'"zeta":7', b'"zeta":7.0'),
    "exponent": swap(b'"zeta":7', b'"zeta":7e0'),
    "leading zero": swap(b'"zeta":7', b'"zeta":07'),
    "plus sign": swap(b'"zeta":7', b'"zeta":+7'),
    "negative": swap(b'"zeta":7', b'"zeta":-7'),
    "2^53": swap(b'"zeta":7', b'"zeta":9007199254740992'),
    "sixty thousand digits": swap(b'"zeta":7', b'"zeta":' + b"7" * 60000),
    "true for an integer": swap(b'"zeta":7', b'"zeta":true'),
    "string for an integer": swap(b'"zeta":7', b'"zeta":"7"'),
    "NaN": swap(b'"zeta":7', b'"zeta":NaN'),
    "one for a boolean": swap(b"false", b"1"),
    "null": swap(b"false", b"null"),
    "unknown value of an enumeration": swap(b'"one"', b'"three"'),
    "unknown key": swap(b'"flag":false', b'"flag":false,"flap":false'),
    "missing key": swap(b'"kind":"one",', b""),
    "lone high surrogate": swap(b"\\n", b"\\ud800"),
    "lone low surrogate": swap(b"\\n", b"\\udc00"),
    "surrogates in the wrong order": swap(b"\\n", b"\\udc00\\ud800"),
    "surrogate in UTF-8": swap(b"\\n", b"\xed\xa0\x80"),
    "overlong UTF-8": swap(b"\\n", b"\xc0\xaf"),
    "invalid UTF-8": swap(b"\\n", b"\xff"),
    "raw control character": swap(b"\\n", b"\n"),
    "short bytes": swap(b"A" * 43 + b"=", b"A" * 42 + b"=="),
    "base64 without padding": swap(b"A" * 43 + b"=", b"A" * 43),
    "base64 with a line break": swap(b"A" * 43 + b"=", b"A" * 43 + b"=\\n"),
    "URL-safe base64": swap(b"A" * 43 + b"=", b"_" * 42 + b"8="),
    "an array": b"[" + GOOD_BYTES + b"]",
    "deep array in a known field": swap(b'[{"label":"yes","maximum":1}]', b"[" * 60000),
    "deep array in an unknown field": swap(b'"flag":false', b'"flap":' + b"[" * 30000 + b"]" * 30000),
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_malformed_records_are_refused_as_malformed(data: bytes) -> None:
    """Wrong JSON, wrong kinds and wrong ranges never count as merely another spelling."""
    with pytest.raises(EncodingError) as caught:
        SAMPLES.decode(data)
    assert not isinstance(caught.value, NonCanonicalError)
    assert caught.value.__cause__ is not None


def test_the_error_names_the_field_but_never_its_content() -> None:
    """A person learns where to look; the value stays out of the message."""
    with pytest.raises(EncodingError) as caught:
        SAMPLES.decode(swap(b'"maximum":1', b'"maximum":"hunter2"'))
    assert caught.value.field == "options[0].maximum"
    assert "hunter2" not in str(caught.value)


@pytest.mark.attack("PA-04")
def test_depth_beyond_the_stack_is_an_encoding_error() -> None:
    """A hundred thousand brackets inside a verbatim member do not exhaust the interpreter's stack."""
    deep = b"[" * 100_000 + b"]" * 100_000
    codec = CanonicalCodec(Envelope, max_bytes=10**6)
    with pytest.raises(EncodingError):
        codec.decode(b'{"body":' + deep + b',"kind":"x","signature":""}')


@pytest.mark.attack("PA-08")
def test_more_bytes_than_the_limit_are_refused_before_parsing() -> None:
    """The limit binds both ways."""
    codec = CanonicalCodec(Sample, max_bytes=len(GOOD_BYTES) - 1)
    with pytest.raises(EncodingError, match="at most"):
        codec.decode(GOOD_BYTES)
    with pytest.raises(EncodingError, match="at most"):
        codec.encode(GOOD)


@pytest.mark.parametrize(
    "changes",
    [
        {"zeta": 2**53},
        {"zeta": -1},
        {"zeta": 1.5},
        {"zeta": True},
        {"zeta": "1"},
        {"Alpha": "\ud800"},
        {"Alpha": None},
        {"digest": bytes(31)},
        {"kind": "three"},
    ],
)
def test_a_value_out_of_range_is_refused_when_written(changes: dict[str, object]) -> None:
    """The encoder never emits what the decoder refuses."""
    with pytest.raises(EncodingError):
        SAMPLES.encode(msgspec.structs.replace(GOOD, **changes))


def test_a_codec_encodes_its_own_type_only() -> None:
    """Handing over another record is a programmer's error."""
    with pytest.raises(TypeError):
        SAMPLES.encode(Option("x", 1))  # type: ignore[arg-type]


def test_a_tag_is_sorted_among_the_other_keys() -> None:
    """The tag of a union member takes its place in byte order like any key."""
    codec = CanonicalCodec(Basket)
    assert codec.encode(Basket(Apple(1, 2))) == b'{"fruit":{"alpha":1,"kind":"apple","zeta":2}}'


class TestVerbatimMember:
    """A `msgspec.Raw` member is carried byte for byte."""

    def test_the_member_survives_as_written(self) -> None:
        """Even a body in no canonical form is carried unchanged; its own codec judges it."""
        data = b'{"body":{"b" : 1,"a":2.50},"kind":"x","signature":"AAEC"}'
        envelope = ENVELOPES.decode(data)
        assert bytes(envelope.body) == b'{"b" : 1,"a":2.50}'
        assert ENVELOPES.encode(envelope) == data

    @given(samples)
    def test_an_encoded_record_nests(self, sample: Sample) -> None:
        """A body written by its codec comes out as the bytes its codec reads."""
        body = SAMPLES.encode(sample)
        data = ENVELOPES.encode(Envelope("x", msgspec.Raw(body), b"\x00"))
        assert SAMPLES.decode(bytes(ENVELOPES.decode(data).body)) == sample

    @pytest.mark.parametrize("body", [b"", b"{", b'"', b'1,"kind":"y"', b" 1", b"1 ", b"01", b'{"a":1}}', b"nul"])
    def test_bytes_that_are_not_one_bare_value_are_refused(self, body: bytes) -> None:
        """A crafted member cannot break out of its place in the envelope."""
        with pytest.raises(EncodingError):
            ENVELOPES.encode(Envelope("x", msgspec.Raw(body), b""))


def _loose(annotation: object, **config: object) -> type[msgspec.Struct]:
    """Return a Struct with one field of the given annotation."""
    options: dict[str, object] = {"frozen": True, "forbid_unknown_fields": True} | config
    return msgspec.defstruct("Loose", [("field", annotation)], **options)  # type: ignore[arg-type]


class TestRefusedTypes:
    """A record type with two spellings for one value cannot have a codec."""

    @pytest.mark.parametrize(
        "annotation",
        [
            float,
            int,
            Annotated[int, msgspec.Meta(ge=0)],
            Annotated[int, msgspec.Meta(ge=-1, le=5)],
            Annotated[int, msgspec.Meta(ge=0, le=2**53)],
            Uint | None,
            list[Uint],
            set[str],
            dict[str, Uint],
            object,
            tuple[float, ...],
            tuple[str, float],
            Literal[1, 2],
            Annotated[str, msgspec.Meta(pattern="^[a-z]+$")],
        ],
    )
    def test_field_types_with_two_spellings(self, annotation: object) -> None:
        """Floats, null, free keys, mutable containers and unbounded integers are refused when the codec is made."""
        with pytest.raises(TypeError):
            CanonicalCodec(_loose(annotation))

    @pytest.mark.parametrize(
        "config",
        [
            {"frozen": False},
            {"forbid_unknown_fields": False},
            {"omit_defaults": True},
            {"array_like": True},
            {"rename": {"field": "é"}},
        ],
    )
    def test_struct_options_with_two_spellings(self, config: dict[str, object]) -> None:
        """Open, mutable, omitting, array-like or non-ASCII-keyed records are refused."""
        with pytest.raises(TypeError):
            CanonicalCodec(_loose(str, **config))
        with pytest.raises(TypeError):
            CanonicalCodec(_loose(_loose(str, **config)))

    def test_what_is_no_struct_has_no_codec(self) -> None:
        """Only records are encoded."""
        with pytest.raises(TypeError):
            CanonicalCodec(int)  # type: ignore[type-var]
