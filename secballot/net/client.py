"""An HTTP client for servers that nobody has to trust: every answer is bounded, and no request goes anywhere else.

Redirects are followed within one scheme, host and port only, so that a server cannot send a reader to somebody else's.
No proxy is taken from the environment: whoever hides behind one names it, and a forgotten variable cannot unmask them.

Source: SPEC.md#published-log.
"""

from __future__ import annotations

import time
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import httpx

from secballot.errors import TransportError

if TYPE_CHECKING:
    from typing import Self

MAX_REDIRECTS: Final = 3
_GZIP: Final = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a client waits, in seconds.

    Attributes:
        connect: for a connection.
        read: for the next bytes.
        total: for the whole answer, counted from its first bytes.
    """

    connect: float = 10.0
    read: float = 20.0
    total: float = 120.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered.

    Attributes:
        status: HTTP status.
        body: at most as many bytes as the caller allowed.
        retry_after: seconds that the server asks to wait, None if it says nothing.
    """

    status: int
    body: bytes
    retry_after: int | None = None


class HttpClient:
    """Requests below one URL; safe to use from several threads.

    Attributes:
        url: the prefix of all paths, with its slash at the end.
    """

    def __init__(self, url: str, *, proxy: str | None = None, patience: Patience | None = None) -> None:
        """Talk to this server; nothing is sent yet.

        Args:
            url: `http` or `https`, without user, query and fragment.
            proxy: URL of a proxy for all requests, such as that of an anonymity network.
            patience: how long to wait.

        Raises:
            TransportError: no such URL.
        """
        self._patience = patience or Patience()
        timeout = httpx.Timeout(self._patience.read, connect=self._patience.connect)
        try:
            self._origin = httpx.URL(url)
            self._client = httpx.Client(timeout=timeout, proxy=proxy, trust_env=False, follow_redirects=False)
            host = self._origin.host  # decoded only now
        except (httpx.InvalidURL, ValueError, ImportError) as error:
            raise TransportError(f"the URL cannot be used: {error}") from error
        extras = (self._origin.userinfo, self._origin.query, self._origin.fragment)
        if self._origin.scheme not in ("http", "https") or not host or any(extras):
            raise TransportError("a URL here is http or https, names a host, and has no user, query or fragment")
        self.url = str(self._origin).rstrip("/") + "/"

    def close(self) -> None:
        """End all connections."""
        self._client.close()

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End all connections."""
        self.close()

    def get(self, path: str, limit: int) -> Answer:
        """Return what the server has at a path.

        Args:
            path: below the prefix, without a slash at its beginning.
            limit: most bytes of the body.

        Raises:
            TransportError: no answer, a longer one, or one that leads elsewhere.
        """
        return self._send("GET", path, None, limit)

    def post(self, path: str, body: bytes, limit: int) -> Answer:
        """Return what the server answers to a body posted to a path.

        Raises:
            TransportError: no answer, a longer one, or one that leads elsewhere.
        """
        return self._send("POST", path, body, limit)

    def _send(self, method: str, path: str, content: bytes | None, limit: int) -> Answer:
        url = httpx.URL(self.url + path)
        headers = {"Accept-Encoding": "gzip, identity", "User-Agent": "secballot"}
        try:
            for _ in range(1 + MAX_REDIRECTS):
                with self._client.stream(method, url, content=content, headers=headers) as response:
                    if not response.has_redirect_location:
                        return Answer(response.status_code, self._body(response, limit), _retry_after(response))
                    url = self._followed(method, url, response)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ValueError) as error:
            raise TransportError(f"{self._origin.host} does not answer: {type(error).__name__}") from error
        raise TransportError(f"{self._origin.host} redirects too often")

    def _followed(self, method: str, url: httpx.URL, response: httpx.Response) -> httpx.URL:
        target = url.join(response.headers["Location"])
        if method != "GET" or (target.scheme, target.host, target.port) != (url.scheme, url.host, url.port):
            raise TransportError(f"{self._origin.host} redirects to somewhere else, which is not followed")
        return target

    def _body(self, response: httpx.Response, limit: int) -> bytes:
        """Return the body, unpacked, reading no more than the limit and no longer than the patience lasts."""
        encoding = response.headers.get("Content-Encoding", "identity").lower()
        if encoding not in ("identity", "gzip"):
            raise TransportError(f"{self._origin.host} answers in an encoding that was not asked for")
        unpacking = zlib.decompressobj(_GZIP) if encoding == "gzip" else None
        data, until = bytearray(), time.monotonic() + self._patience.total
        # Without a chunk size, every piece comes as it arrives, and the clock is looked at each time.
        for chunk in response.iter_raw():
            try:
                data += chunk if unpacking is None else unpacking.decompress(chunk, limit + 1 - len(data))
            except zlib.error as error:
                raise TransportError(f"{self._origin.host} answers with garbled bytes") from error
            if len(data) > limit:
                raise TransportError(f"{self._origin.host} answers with more than {limit} bytes")
            if time.monotonic() > until:
                raise TransportError(f"{self._origin.host} answers too slowly")
        if unpacking is not None and not unpacking.eof:
            raise TransportError(f"{self._origin.host} answers with garbled bytes")
        return bytes(data)


def _retry_after(response: httpx.Response) -> int | None:
    text = response.headers.get("Retry-After", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else None  # noqa: PLR2004  # about a week
