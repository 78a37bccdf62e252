import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest

from l9gate.observe.tapped import TappedAsyncStream, TappedSyncStream, is_task_cancelled


class Notes:
    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.ends: list[str] = []

    def received(self, chunk: bytes) -> None:
        self.chunks.append(chunk)

    def ended(self, error: BaseException | None) -> None:
        self.ends.append(type(error).__name__)


class Source:
    """A stream, sync and async, that breaks after its chunks if it is told to."""

    elapsed = timedelta(seconds=3)

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        yield from (b"a", b"b")
        if self.error is not None:
            raise self.error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.closed += 1


def test_chunks_pass_unchanged_and_are_told() -> None:
    notes, source = Notes(), Source()
    tapped = TappedSyncStream(source, notes)
    assert list(tapped) == notes.chunks == [b"a", b"b"]
    tapped.close()
    assert notes.ends[0] == "NoneType"
    assert source.closed == 1
    assert tapped.elapsed == timedelta(seconds=3)


def test_an_error_passes_and_is_told() -> None:
    notes = Notes()
    with pytest.raises(ValueError, match="broken"):
        list(TappedSyncStream(Source(ValueError("broken")), notes))
    assert notes.ends == ["ValueError"]


def test_closing_early_is_told_as_the_end() -> None:
    notes = Notes()
    tapped = TappedSyncStream(Source(), notes)
    chunks = iter(tapped)  # held: a dropped generator tells the same by itself
    assert next(chunks) == b"a"
    tapped.close()
    assert notes.ends == ["GeneratorExit"]


def test_an_asynchronous_stream_does_the_same() -> None:
    async def read(source: Source, notes: Notes) -> list[bytes]:
        tapped = TappedAsyncStream(source, notes)
        try:
            return [chunk async for chunk in tapped]
        finally:
            await tapped.aclose()
            assert tapped.elapsed == timedelta(seconds=3)

    notes, source = Notes(), Source()
    assert asyncio.run(read(source, notes)) == [b"a", b"b"]
    assert (notes.ends[0], source.closed) == ("NoneType", 1)
    notes = Notes()
    with pytest.raises(ValueError, match="broken"):
        asyncio.run(read(Source(ValueError("broken")), notes))
    assert notes.ends[0] == "ValueError"


def test_a_cancelled_task_knows_that_it_is() -> None:
    seen: list[bool] = []

    async def sleep() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            seen.append(is_task_cancelled())

    async def run() -> None:
        seen.append(is_task_cancelled())
        task = asyncio.create_task(sleep())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())
    assert seen == [False, True]
    assert not is_task_cancelled()
