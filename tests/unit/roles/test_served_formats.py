"""What a running board sends, to the letter of C2SP tlog-tiles: types, caching, partial tiles, packing, and what not.

Each test names the sentence of the text that it is for.
"""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import httpx
import pytest

from secballot.board.tile import decode_bundle, edge_of, tiles_of
from tests.small_sitting import document, founding

if TYPE_CHECKING:
    from secballot.roles.service import BoardService

SIZES = (3, 257, 300)


@pytest.fixture
def board(service: BoardService, url: str) -> str:
    """Return the URL of a board that has published three sizes."""
    entries = [*founding(), *(document(number) for number in range(SIZES[-1] - 2))]
    for size in SIZES:
        assert all(reply.promise for reply in service.submit(entries[service.operator.store.size() : size]))
        service.publish()
    return url


def get(url: str, encoding: str = "identity", method: str = "GET") -> httpx.Response:
    """Return an answer as it comes."""
    return httpx.request(method, url, headers={"Accept-Encoding": encoding}, trust_env=False)


def test_the_checkpoint_is_text_that_is_not_cached(board: str) -> None:
    """«with Content-Type: text/plain; charset=utf-8 … its headers SHOULD prevent caching beyond a few seconds»."""
    for path in ("checkpoint", *(f"checkpoint-by-size/{size}" for size in SIZES)):
        answer = get(f"{board}/{path}")
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-cache"


def test_tiles_and_bundles_are_bytes_that_never_change(board: str) -> None:
    """«with Content-Type: application/octet-stream … immutable, so its caching headers SHOULD be long-lived»."""
    for path in ("tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/44"):
        answer = get(f"{board}/{path}")
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_partial_tiles_of_every_published_size_are_served(board: str) -> None:
    """«Logs MUST serve partial tiles corresponding to tree sizes for which a checkpoint was produced»."""
    for size in SIZES:
        for tile in (*edge_of(size), *tiles_of(size)):
            answer = get(f"{board}/{tile.path}")
            assert answer.status_code == 200
            if tile.level is None:
                assert len(decode_bundle(answer.content, tile.width)) == tile.width
            else:
                assert len(answer.content) == 32 * tile.width


ABSENT = [
    "tile/0/001",  # not full yet
    "tile/0/001.p/45",  # wider than the log is
    "tile/0/001.p/0",  # «Empty tiles MUST NOT be served»
    "tile/0/002.p/0",
    "tile/0/002.p/1",
    "tile/1/000",
    "tile/1/000.p/2",  # a partial tile «MUST NOT be hashed into a tile at the level above»
    "tile/2/000.p/1",
    "tile/0/000.p/256",  # «between 1 and 255»
    "tile/0/000.p/044",  # «with no additional leading zeroes»
    "tile/00/000",
    "tile/0/0",
    "tile/0/x000/000",
    "tile/64/000",  # «between 0 and 63»
    "tile/-1/000",
    "tile/8/0/000",  # the layout of Go's checksum database
    "tile/data/000",  # and of RFC 6962 logs
    "tile/entries/001",
    "tile/entries/001.p/45",
]


def test_what_a_log_of_this_size_has_not_is_not_found(board: str) -> None:
    """Readers take 404, and nothing else, for a resource that is not there, and then ask for the full tile."""
    assert {path: get(f"{board}/{path}").status_code for path in ABSENT} == dict.fromkeys(ABSENT, 404)


def test_bundles_are_packed_for_whoever_takes_that(board: str) -> None:
    """«Entry bundles SHOULD be compressed at the HTTP layer», by what the client «requested with Accept-Encoding»."""
    plain = get(f"{board}/tile/entries/000")
    assert "Content-Encoding" not in plain.headers
    for accepted in ("gzip", "br;q=1, gzip;q=0.5", "GZIP , identity", "gzip, deflate"):
        with httpx.stream(
            "GET", f"{board}/tile/entries/000", headers={"Accept-Encoding": accepted}, trust_env=False
        ) as answer:
            packed = b"".join(answer.iter_raw())
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed) == plain.content
        assert len(packed) < len(plain.content)
    for refused in ("identity", "gzip;q=0", "gzip; q=0.000", "br", "*;q=0", "xgzip", ""):
        answer = get(f"{board}/tile/entries/000", refused)
        assert "Content-Encoding" not in answer.headers
        assert answer.content == plain.content
    assert plain.headers["Vary"] == "Accept-Encoding"
    assert "Content-Encoding" not in get(f"{board}/tile/0/000", "gzip").headers


def test_reading_is_get_and_posting_is_post(board: str) -> None:
    """Resources «can be fetched with HTTP GET requests»; HEAD says the same without the body, other methods nothing."""
    for path in ("checkpoint", "tile/0/000", "tile/entries/000"):
        head = get(f"{board}/{path}", method="HEAD")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["Content-Length"] == get(f"{board}/{path}").headers["Content-Length"]
        for method in ("POST", "PUT", "DELETE"):
            assert get(f"{board}/{path}", method=method).status_code == 405
    assert get(f"{board}/entry").status_code == 405


def test_nothing_is_pruned(board: str) -> None:
    """«Without a policy for when pruning is permitted, logs MUST NOT be pruned»: the first entry is always there."""
    assert decode_bundle(get(f"{board}/tile/entries/000.p/1").content, 1) == (founding()[0],)
