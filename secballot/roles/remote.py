"""A distant board: a place to post entries, and logs by URL for whatever reads one.

Source: SPEC.md#promise, SPEC.md#published-log.
"""

from __future__ import annotations

import time
import weakref
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import msgspec

from secballot.board.merkle import leaf_hash
from secballot.errors import (
    EncodingError,
    InvalidSignatureError,
    Party,
    RefusalError,
    StoreError,
    TransportError,
    VerificationError,
)
from secballot.records.promise import PROMISE, Promise
from secballot.signing import VerifyKey, verify
from secballot.store import source as stored

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from secballot.board.reader import LogSource
    from secballot.net.client import Answer, HttpClient

ATTEMPTS: Final = 5
"""How often the same entry is sent before its sender gives up."""

MAX_WAIT: Final = 30
"""Most seconds between two attempts."""

_ENTRY: Final = "entry"
_MAX_ANSWER: Final = 10_000
_AGAIN: Final = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_REFUSED: Final = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


class KeptError(TransportError):
    """A drop box has stored the entry durably and forwards it, and the board's promise is not there yet."""


@dataclass(frozen=True, slots=True)
class Later:
    """No promise yet, and no refusal: the same bytes are to be sent again.

    Attributes:
        seconds: to wait before that, 0 if the other side does not say.
        kept: whether a drop box has stored the entry durably.
        alone: whether only this sender has to wait, and others may go on.
    """

    seconds: int = 0
    kept: bool = False
    alone: bool = False


class _Refusal(msgspec.Struct):
    reason: str
    check: str | None = None


class RemoteBoard:
    """Posts entries to a board, or to a drop box, over HTTP (a `Poster`)."""

    def __init__(
        self,
        client: HttpClient,
        sitting_id: bytes,
        promise_keys: Collection[bytes],
        *,
        maximum_delay: int | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Post to this board; nothing is sent yet.

        Args:
            client: for the board's URL.
            sitting_id: 32 bytes.
            promise_keys: keys of the manifest by which promises may be signed.
            maximum_delay: seconds within which the manifest has every promise kept; None to take any.
            sleep: waits between attempts.
        """
        self._client = client
        self._sitting_id = sitting_id
        self._promise_keys = promise_keys
        self._maximum_delay = maximum_delay
        self._sleep = sleep

    def post(self, entry: bytes) -> Promise:
        """Post one entry and return the board's promise, its signature verified.

        The same bytes are sent again if the board is busy or the answer is lost: they get the same promise.

        Raises:
            RefusalError: the board refuses it, with check and reason.
            KeptError: a drop box keeps it and has no promise so far; the same bytes may be posted again.
            TransportError: the board cannot be reached, or answers something else.
            VerificationError: what it answers is no promise of this entry by a key of the manifest, or (POL-07) one to
                be kept within another time than the manifest's.
        """
        wait, kept = 1, False
        for attempt in range(ATTEMPTS):
            if attempt:
                self._sleep(wait)
            try:
                answer = self._client.post(_ENTRY, entry, _MAX_ANSWER)
            except TransportError:
                if attempt == ATTEMPTS - 1 and not kept:
                    raise
                continue
            opened = self._opened(entry, answer)
            if isinstance(opened, Promise):
                return opened
            kept = kept or opened.kept
            wait = min(MAX_WAIT, opened.seconds or wait)
        if kept:
            raise KeptError("the drop box keeps the entry, and has no promise of the board yet")
        raise TransportError("the board is too busy to take the entry")

    def offer(self, entry: bytes) -> Promise | Later:
        """Send one entry once, and return the board's promise, its signature verified, or that it is too early.

        Raises:
            RefusalError, TransportError, VerificationError: as `post`.
        """
        return self._opened(entry, self._client.post(_ENTRY, entry, _MAX_ANSWER))

    def _opened(self, entry: bytes, answer: Answer) -> Promise | Later:
        if answer.status == HTTPStatus.OK:
            return self._promise(entry, answer.body)
        if answer.status == HTTPStatus.ACCEPTED or answer.status in _AGAIN:
            kept, alone = answer.status == HTTPStatus.ACCEPTED, answer.status == HTTPStatus.TOO_MANY_REQUESTS
            return Later(answer.retry_after or 0, kept=kept, alone=alone or kept)
        raise _refusal(answer)

    def _promise(self, entry: bytes, body: bytes) -> Promise:
        try:
            promise = PROMISE.decode(body)
        except EncodingError as error:
            raise TransportError("the board answers something else than a promise") from error
        if promise.leaf_hash != leaf_hash(entry) or promise.sitting_id != self._sitting_id:
            raise VerificationError("the board promises a place to another entry", evidence=body)
        for key in self._promise_keys:
            try:
                verify(VerifyKey(key), promise.message(), promise.signature)
            except InvalidSignatureError:
                continue
            self._check_delay(promise, body)
            return promise
        raise InvalidSignatureError("the promise is signed by no promise key of the manifest", evidence=body)

    def _check_delay(self, promise: Promise, body: bytes) -> None:
        """Refuse a signed promise with which the board could put off what it owes (SPEC.md#promise)."""
        if self._maximum_delay is not None and promise.maximum_delay != self._maximum_delay:
            raise VerificationError(
                f"the board promises a place within {promise.maximum_delay} s, and the manifest says"
                f" {self._maximum_delay} s",
                check="POL-07",
                culprit=Party("board"),
                evidence=body,
            )


def _refusal(answer: Answer) -> RefusalError | TransportError:
    if answer.status in _REFUSED:
        try:
            refusal = msgspec.json.decode(answer.body, type=_Refusal)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass  # another server's words
        else:
            return RefusalError(refusal.reason, check=refusal.check)
    return TransportError(f"the board answers {answer.status}")


def open_client(url: str, proxy: str | None = None, patience: float | None = None) -> HttpClient:
    """Return a client for a URL.

    Args:
        url: `http` or `https`.
        proxy: URL of a proxy for all requests.
        patience: seconds to wait for a whole answer, None for what readers of a log take.

    Raises:
        TransportError: no such URL.
        StoreError: the extra `client` is not installed.
    """
    try:
        # Whoever reads folders only needs no HTTP library.
        from secballot.net.client import HttpClient, Patience  # noqa: PLC0415
    except ImportError as error:
        raise StoreError("reading by URL needs the extra `client`: pip install secballot[client]") from error
    waiting = None if patience is None else Patience(connect=patience, read=patience, total=patience)
    return HttpClient(url, proxy=proxy, patience=waiting)


def open_source(where: str | Path, proxy: str | None = None, patience: float | None = None) -> LogSource:
    """Return the log that is kept here, or there.

    Args:
        where: an `http` or `https` URL, a folder of static files, a zip archive of them, or a board's SQLite file.
        proxy: URL of a proxy for requests.
        patience: seconds to wait for a whole answer, None for what it usually takes.

    Raises:
        StoreError: none of these.
        TransportError: the URL cannot be used.
    """
    if not str(where).startswith(("http://", "https://")):
        return stored.open_source(where)
    client = open_client(str(where), proxy, patience)
    from secballot.net.source import HttpSource  # noqa: PLC0415  # as above

    source = HttpSource(client)
    weakref.finalize(source, client.close)
    return source
