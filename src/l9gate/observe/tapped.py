"""A response's stream that tells what passes, and passes everything on unchanged."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from datetime import timedelta
from typing import Protocol


class Listener(Protocol):
    """Is told what passes; neither method raises."""

    def received(self, chunk: bytes) -> None:
        """Take note of a chunk."""
        ...

    def ended(self, error: BaseException | None) -> None:
        """Take note of the end; only the first call counts."""
        ...


class SyncStream(Protocol):
    """What a library's stream offers."""

    def __iter__(self) -> Iterator[bytes]: ...
    def close(self) -> None: ...  # noqa: D102


class AsyncStream(Protocol):
    """What a library's asynchronous stream offers."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...
    async def aclose(self) -> None: ...  # noqa: D102


class TappedSyncStream:
    """Mixed with a library's own base class, takes the place of a response's stream."""

    def __init__(self, stream: SyncStream, listener: Listener) -> None:
        self._stream = stream
        self._listener = listener

    @property
    def elapsed(self) -> timedelta | None:
        """What `Response.elapsed` asks of the stream."""
        return getattr(self._stream, "elapsed", None)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the chunks."""
        received = self._listener.received
        try:
            for chunk in self._stream:
                received(chunk)
                yield chunk
        except BaseException as error:
            self._listener.ended(error)
            raise
        self._listener.ended(None)

    def close(self) -> None:
        """Close the wrapped stream; before its end it counts as abandoned."""
        self._listener.ended(GeneratorExit())
        self._stream.close()


class TappedAsyncStream:
    """The same for an asynchronous client."""

    def __init__(self, stream: AsyncStream, listener: Listener) -> None:
        self._stream = stream
        self._listener = listener

    @property
    def elapsed(self) -> timedelta | None:
        """What `Response.elapsed` asks of the stream."""
        return getattr(self._stream, "elapsed", None)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the chunks."""
        chunks = self._stream.__aiter__()
        received = self._listener.received
        try:
            async for chunk in chunks:
                received(chunk)
                yield chunk
        except BaseException as error:
            self._listener.ended(error)
            raise
        finally:
            # In the task that read it; otherwise the event loop closes it, in another one.
            if isinstance(chunks, AsyncGenerator):
                await chunks.aclose()
        self._listener.ended(None)

    async def aclose(self) -> None:
        """Close the wrapped stream; before its end it counts as abandoned, or as cancelled."""
        self._listener.ended(GeneratorExit())
        await self._stream.aclose()


def is_task_cancelled() -> bool:
    """Whether the current task is being cancelled, for instance by a deadline around it."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return False
    return task is not None and task.cancelling() > 0
