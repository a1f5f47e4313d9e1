"""Everything that bytes from outside come in by, as fuzz targets: what is read re-encodes to the same bytes.

Or it is refused. A target is a function of bytes that returns nothing; it raises only if an invariant is broken:
`BrokenInvariantError`, or whatever the library let through that is not its own error.
"""

from __future__ import annotations

import base64
import io
import json
import tempfile
import zipfile
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from secballot.audit.conformance import Case, KitFolder
from secballot.audit.verifier import audit
from secballot.board.checkpoint import Checkpoint
from secballot.board.inclusion import TlogProof
from secballot.board.note import Note, SignatureLine, VerifierKey
from secballot.board.policy import Policy
from secballot.board.published import decode_sizes, encode_sizes
from secballot.board.tile import Tile, decode_bundle, decode_tile, encode_bundle, encode_tile
from secballot.board.witness import Request
from secballot.errors import SecballotError
from secballot.group import Elements, Scalars
from secballot.protocol.opened import OpenedBallot, recompute
from secballot.protocol.short_tracker import read_short_tracker
from secballot.record import SittingRecord
from secballot.records.entry import CODECS, decode_entry, encode_signed, encode_unsigned
from secballot.records.promise import PROMISE
from secballot.roles.evidence import broken_promise, check_evidence, decode_evidence, encode_evidence, split_view
from secballot.roles.offline_receipt import OFFLINE_RECEIPT, check_offline, pack_receipt
from secballot.roles.receipt import RECEIPT
from secballot.signing import VerifyKey, verify
from secballot.store.source import open_source
from tests.audit.sources import ListSource, golden_source
from tests.fuzz.target import BrokenInvariantError, Target, same
from tests.fuzz.targets_of_files import FILE_TARGETS
from tests.fuzz.targets_of_services import SERVICE_TARGETS
from tests.simulator import TAGS, golden, resolution
from tests.small_sitting import SMALL_MANIFEST, document
from tests.stages import FOR, Stream
from tests.two_views import View, entries, promise
from tests.vectors.checker import canonical

if TYPE_CHECKING:
    import msgspec

    from secballot.encoding import CanonicalCodec

KIT = Path(__file__).resolve().parents[1] / "conformance" / "kit"


def entry(data: bytes) -> None:
    """Read an entry; the second verifier's reader of canonical JSON says the same of its form."""
    try:
        found = decode_entry(data)
    except SecballotError:
        return
    if found.signature:
        same(encode_signed(found.kind, found.body_bytes, found.signer, found.signature), data)
    else:
        same(encode_unsigned(found.kind, found.body_bytes), data)
    if canonical.read(data) is None:
        raise BrokenInvariantError(f"only the library reads {data[:200]!r}")


def body(codec: CanonicalCodec[msgspec.Struct], data: bytes) -> None:
    """Read a body of one kind."""
    with suppress(SecballotError):
        same(codec.encode(codec.decode(data)), data)


def note(data: bytes) -> None:
    """Read a note, each of its lines, and the checkpoint in it."""
    with suppress(SecballotError):
        found = Note.decode(data)
        same(found.encode(), data)
        for line in found.signatures:
            same(SignatureLine.decode(line.encode()).encode().encode(), line.encode().encode())
        same(Checkpoint.decode(found.text).encode().encode(), found.text.encode())


def verifier_key(data: bytes) -> None:
    """Read a verifier key."""
    with suppress(SecballotError, UnicodeDecodeError):
        text = data.decode()
        same(VerifierKey.decode(text).encode().encode(), data)


def proof(data: bytes) -> None:
    """Read a tlog-proof."""
    with suppress(SecballotError):
        same(TlogProof.decode(data).encode(), data)


def policy(data: bytes) -> None:
    """Read a witness policy, and a note under it."""
    with suppress(SecballotError):
        Policy.decode(data).open(golden().notes[max(golden().notes)], origin="origin")


def request(data: bytes) -> None:
    """Read a request to a witness."""
    with suppress(SecballotError):
        same(Request.decode(data).encode(), data)


def tiles(data: bytes) -> None:
    """Read a bundle, a tile, a list of sizes, and a tile's path."""
    width = 1 + data[0] if data else 1
    with suppress(SecballotError):
        same(encode_bundle(decode_bundle(data[1:], width)), data[1:])
    with suppress(SecballotError):
        same(encode_tile(decode_tile(data[1:], width)), data[1:])
    with suppress(SecballotError):
        same(encode_sizes(decode_sizes(data)), data)
    with suppress(SecballotError, UnicodeDecodeError):
        same(Tile.parse(data.decode()).path.encode(), data)


def archive(data: bytes) -> None:
    """Audit a zip archive."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "log.zip")
        path.write_bytes(data)
        with suppress(SecballotError):
            audit(open_source(path))


@cache
def _open_poll() -> Stream:
    stream = Stream()
    stream.open(resolution())
    return stream


def receipts(data: bytes) -> None:
    """Read receipts, promises, opened ballots and evidence, and check what can be checked without a board."""
    for codec in (RECEIPT, PROMISE, OFFLINE_RECEIPT):
        with suppress(SecballotError):
            same(codec.encode(codec.decode(data)), data)  # type: ignore[arg-type]  # its own record
    with suppress(SecballotError):
        check_offline(OFFLINE_RECEIPT.decode(data), golden().anchor, TAGS[40])
    with suppress(SecballotError):
        found = OpenedBallot.decode(data)
        same(found.encode(), data)
        recompute(_open_poll().poll().context, found)
    with suppress(SecballotError):
        evidence = decode_evidence(data)
        same(encode_evidence(evidence), data)
        check_evidence(evidence)


def tracker(data: bytes) -> None:
    """Read a tracker as people type it."""
    with suppress(SecballotError, UnicodeDecodeError):
        read_short_tracker(data.decode())


def group(data: bytes) -> None:
    """Decode elements, scalars and keys, and verify a signature."""
    whole = data[: len(data) // 32 * 32]
    with suppress(SecballotError):
        same(Elements.decode(whole, allow_identity=True).encode(), whole)
    with suppress(SecballotError):
        same(Scalars.decode(whole).encode(), whole)
    with suppress(SecballotError):
        verify(VerifyKey(data[:32]), data[96:], data[32:96])


@cache
def _judged() -> SittingRecord:
    entries = golden().entries[:60]
    record = SittingRecord(golden().anchor, fetch=lambda index: entries[index])
    for one in entries:
        record.append(one)
    return record


def judge(data: bytes) -> None:
    """Judge an entry in the middle of an open poll."""
    _judged().judge(data)


def log(data: bytes) -> None:
    """Audit a log whose entries are separated by line feeds, under the honest checkpoint and under none of its own."""
    audit(ListSource(data.split(b"\n"), golden_source().notes[:1]), anchor=golden().anchor)


def case(data: bytes) -> None:
    """Run a case of the conformance kit."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        (path / "golden").mkdir()
        (path / "kit.json").write_bytes((KIT / "kit.json").read_bytes())
        (path / "golden" / "case.json").write_bytes(data)
        with suppress(SecballotError):
            KitFolder(path).run("golden/case")


# What is good ---------------------------------------------------------------------------------------------------------


def _entries() -> list[bytes]:
    found: dict[str, bytes] = {}
    for one in KitFolder(KIT).entries("golden/every_kind"):
        found.setdefault(json.loads(one)["kind"], one)
    return list(found.values())


def _bodies(kind: str) -> list[bytes]:
    return [decode_entry(one).body_bytes for one in _entries() if json.loads(one)["kind"] == kind]


def _zip() -> list[bytes]:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("checkpoint", golden().notes[max(golden().notes)])
        made.writestr("tile/entries/000.p/2", encode_bundle(golden().entries[:2]))
    return [file.getvalue()]


def _case() -> list[bytes]:
    small = KitFolder(KIT).case("golden/founded")
    if not isinstance(small, Case):
        raise BrokenInvariantError("a case is a case")
    return [(KIT / "golden" / "founded.json").read_bytes()]


def _receipts() -> list[bytes]:
    delegate = golden().simulator.rehearsal.delegates[0]
    delegate.view.refresh()
    given, receipt = golden().simulator.board.promise(golden().entries[0], 0, 1), delegate.receipt(1)
    packed = pack_receipt(receipt, delegate.view)
    return [RECEIPT.encode(receipt), PROMISE.encode(given), OFFLINE_RECEIPT.encode(packed), _opened(), *_evidence()]


def _opened() -> bytes:
    return _open_poll().seal(0, (FOR,)).open().encode()


def _evidence() -> list[bytes]:
    honest, other = View(entries(1, 2, 3, 4, 5), sizes=(5, 7)), View(entries(1, 2, 9, 4, 5, 6), sizes=(5, 8))
    found = (
        split_view(SMALL_MANIFEST, honest.note(5), other.note(5), other.history),
        split_view(SMALL_MANIFEST, honest.note(5), other.note(8), other.history),
        broken_promise(SMALL_MANIFEST, promise(document(9), 4), honest.note(7), honest.history),
    )
    return [encode_evidence(one) for one in found if one is not None]


def _proofs() -> list[bytes]:
    return [json.loads(one)["proof"].encode() for one in _receipts()[:1]]


KEY = b"origin.example/log+00000000+" + base64.b64encode(b"\x01" + bytes(32))

TARGETS: dict[str, Target] = {
    "entry": Target(entry, _entries),
    "judge": Target(judge, _entries),
    "log": Target(log, lambda: [b"\n".join(golden().entries[:4])]),
    "note": Target(note, lambda: list(golden().notes.values())[:2]),
    "verifier_key": Target(verifier_key, lambda: [KEY]),
    "proof": Target(proof, _proofs),
    "policy": Target(policy, lambda: [b"log origin " + KEY + b"\nwitness a " + KEY + b"\ngroup g 1 a\nquorum g\n"]),
    "request": Target(request, lambda: [b"old 0\n\n" + golden().notes[max(golden().notes)]]),
    "tiles": Target(tiles, lambda: [b"\x00\x00\x03abc", b"2\n10\n", b"tile/0/x001/067.p/3"]),
    "archive": Target(archive, _zip),
    "receipts": Target(receipts, _receipts),
    "tracker": Target(tracker, lambda: [b"ABCDE-FGHJK-MNPQR-STVWX-YZ012"]),
    "group": Target(group, lambda: [bytes(32), bytes([1]) + bytes(127)]),
    "case": Target(case, _case),
    **{f"body_{kind}": Target(partial(body, codec), partial(_bodies, kind)) for kind, codec in sorted(CODECS.items())},
    **FILE_TARGETS,
    **SERVICE_TARGETS,
}
"""By name."""
