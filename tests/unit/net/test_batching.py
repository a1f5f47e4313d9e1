"""Group commit: one write for many, an answer only after it, and a bound on what waits."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from secballot.errors import StoreError
from secballot.net.batching import BusyError, GroupCommit
from secballot.net.limits import ServiceLimits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence


class Writer:
    """Answers every submission with its length, and notes each batch; stands still while `gate` is closed."""

    def __init__(self) -> None:
        """Begin with the gate open."""
        self.batches: list[list[bytes]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.error: Exception | None = None

    def __call__(self, batch: Sequence[bytes]) -> list[int]:
        """Write a batch."""
        self.gate.wait(5)
        self.batches.append(list(batch))
        if self.error is not None:
            raise self.error
        return [len(data) for data in batch]


@asynccontextmanager
async def running(writer: Writer, limits: ServiceLimits | None = None) -> AsyncIterator[GroupCommit[int]]:
    """Run the commit of a writer."""
    commit = GroupCommit(writer, limits or ServiceLimits(window=0.01))
    task = asyncio.create_task(commit.run())
    try:
        yield commit
    finally:
        writer.gate.set()
        commit.close()
        await task


def test_what_arrives_together_is_written_together() -> None:
    """A hundred submissions take few writes, and each gets its own answer."""
    writer = Writer()

    async def scenario() -> list[int]:
        async with running(writer) as commit:
            return await asyncio.gather(*(commit.post(bytes(size)) for size in range(100)))

    assert asyncio.run(scenario()) == list(range(100))
    assert len(writer.batches) <= 2


def test_batches_are_bounded() -> None:
    """No batch is larger than the limit."""
    writer = Writer()

    async def scenario() -> None:
        async with running(writer, ServiceLimits(batch=7)) as commit:
            await asyncio.gather(*(commit.post(bytes(size)) for size in range(50)))

    asyncio.run(scenario())
    assert max(map(len, writer.batches)) == 7


def test_the_same_bytes_share_an_answer() -> None:
    """Somebody who asks twice while it waits causes one write."""
    writer = Writer()

    async def scenario() -> list[int]:
        async with running(writer) as commit:
            return await asyncio.gather(*(commit.post(b"same") for _ in range(10)))

    assert asyncio.run(scenario()) == [4] * 10
    assert writer.batches == [[b"same"]]


@pytest.mark.parametrize("limits", [ServiceLimits(waiting=3), ServiceLimits(waiting_bytes=3)])
def test_beyond_the_bound_nobody_waits(limits: ServiceLimits) -> None:
    """Too many and too long queues turn the next one away at once, and take again when they are written."""
    writer = Writer()
    writer.gate.clear()

    async def scenario() -> None:
        async with running(writer, limits) as commit:
            first = [asyncio.create_task(commit.post(b"%d" % number)) for number in range(3)]
            await asyncio.sleep(0.05)
            with pytest.raises(BusyError):
                await commit.post(b"4")
            writer.gate.set()
            await asyncio.gather(*first)
            assert await commit.post(b"4") == 1

    asyncio.run(scenario())


def test_the_urgent_goes_first_and_finds_room() -> None:
    """A full queue still takes what is urgent, and writes it before the rest."""
    writer = Writer()
    writer.gate.clear()

    async def scenario() -> None:
        async with running(writer, ServiceLimits(waiting=4, batch=1)) as commit:
            tasks = [asyncio.create_task(commit.post(b"%d" % number)) for number in range(4)]
            await asyncio.sleep(0.05)
            tasks.append(asyncio.create_task(commit.post(b"now", urgent=True)))
            await asyncio.sleep(0.01)
            writer.gate.set()
            await asyncio.gather(*tasks)

    asyncio.run(scenario())
    assert [b"now"] in writer.batches[:2]


def test_a_failed_write_is_everybodys_failure() -> None:
    """Nobody is left waiting, nobody is told of success, and the next write has its own chance."""
    writer = Writer()
    writer.error = StoreError("the disk is full")

    async def scenario() -> int:
        async with running(writer) as commit:
            answers = await asyncio.gather(commit.post(b"a"), commit.post(b"bb"), return_exceptions=True)
            assert all(isinstance(answer, StoreError) for answer in answers)
            writer.error = None
            return await commit.post(b"ccc")

    assert asyncio.run(scenario()) == 3


def test_a_caller_that_goes_away_changes_nothing() -> None:
    """The submission is written, and others in the batch get their answers."""
    writer = Writer()
    writer.gate.clear()

    async def scenario() -> None:
        async with running(writer) as commit:
            gone = asyncio.create_task(commit.post(b"gone"))
            stays = asyncio.create_task(commit.post(b"stays"))
            await asyncio.sleep(0.05)
            gone.cancel()
            writer.gate.set()
            assert await stays == 5
            with pytest.raises(asyncio.CancelledError):
                await gone
            assert commit.waiting == 0

    asyncio.run(scenario())
    assert sorted(data for batch in writer.batches for data in batch) == [b"gone", b"stays"]


def test_closing_writes_what_waits_and_takes_no_more() -> None:
    """At the end every submission that was taken has its answer."""
    writer = Writer()
    writer.gate.clear()

    async def scenario() -> int:
        async with running(writer) as commit:
            waiting = asyncio.create_task(commit.post(b"waiting"))
            await asyncio.sleep(0.05)
            commit.close()
            with pytest.raises(BusyError):
                await commit.post(b"late")
        return await waiting

    assert asyncio.run(scenario()) == 7
