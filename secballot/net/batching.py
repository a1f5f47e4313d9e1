"""Group commit: submissions that arrive together are judged and written together, and answered after the write.

One task writes; while it does, the next batch collects. What waits is bounded, and beyond the bound a submission is
turned away at once instead of being kept for a long time. The same bytes sent again while they wait share one answer.

Source: SPEC.md#log.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from secballot.errors import SecballotError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from secballot.net.limits import ServiceLimits

T = TypeVar("T")


class BusyError(SecballotError):
    """Too much waits already; the same submission may be sent again later."""


@dataclass(eq=False, slots=True)
class _Waiting(Generic[T]):
    data: bytes
    answer: asyncio.Future[T]


class GroupCommit(Generic[T]):
    """Collects submissions for one writer.

    All methods belong to one event loop; `submit` alone runs in a thread.
    """

    def __init__(self, submit: Callable[[Sequence[bytes]], Sequence[T]], limits: ServiceLimits) -> None:
        """Write by this function.

        Args:
            submit: returns an answer for each of the submissions, once all is durable; one call at a time.
            limits: bounds on what waits and on a batch.
        """
        self._submit = submit
        self._limits = limits
        self._queues: tuple[deque[_Waiting[T]], deque[_Waiting[T]]] = deque(), deque()
        self._by_data: dict[bytes, _Waiting[T]] = {}
        self._bytes = 0
        self._arrived = asyncio.Event()
        self._writing = 0
        self._open = True

    @property
    def waiting(self) -> int:
        """How many submissions wait, those being written included."""
        return len(self._by_data)

    async def post(self, data: bytes, *, urgent: bool = False) -> T:
        """Return the answer to a submission after its batch was written.

        If the caller goes away, the submission is written all the same.

        Args:
            data: the submission.
            urgent: whether it goes before all that is not urgent.

        Raises:
            BusyError: too much waits, or the service is about to end.
            Exception: whatever the writer raised over the batch.
        """
        known = self._by_data.get(data)
        if known is None:
            limits = self._limits
            # What is urgent finds room even behind a flood of the rest.
            room = limits.waiting * (2 if urgent else 1), limits.waiting_bytes * (2 if urgent else 1)
            if not self._open or self.waiting >= room[0] or self._bytes + len(data) > room[1]:
                raise BusyError("too many submissions wait")
            known = _Waiting(data, asyncio.get_running_loop().create_future())
            self._by_data[data] = known
            self._bytes += len(data)
            self._queues[0 if urgent else 1].append(known)
            self._arrived.set()
        return await asyncio.shield(known.answer)

    async def run(self) -> None:
        """Write batch after batch until `close` was called and nothing waits any more."""
        while self._open or self._by_data:
            await self._arrived.wait()
            self._arrived.clear()
            if self._open:
                await asyncio.sleep(self._limits.window)
            while batch := self._next_batch():
                await self._write(batch)

    def close(self) -> None:
        """Take no more; what waits is still written."""
        self._open = False
        self._arrived.set()

    def _next_batch(self) -> list[_Waiting[T]]:
        batch: list[_Waiting[T]] = []
        for queue in self._queues:
            while queue and len(batch) < self._limits.batch:
                batch.append(queue.popleft())
        return batch

    async def _write(self, batch: list[_Waiting[T]]) -> None:
        try:
            answers = await asyncio.to_thread(self._submit, [one.data for one in batch])
            for one, answer in zip(batch, answers, strict=True):
                one.answer.set_result(answer)
        except Exception as error:  # noqa: BLE001  # every caller is to learn that its submission has no answer
            for one in batch:
                if not one.answer.done():
                    one.answer.set_exception(error)
                    # Callers that have gone away shall not leave an error that nobody fetched.
                    one.answer.exception()
        finally:
            for one in batch:
                del self._by_data[one.data]
                self._bytes -= len(one.data)
