"""A reader of aiohttp that tells what is read of it; everything else it leaves to the real one."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

from l9gate.observe.tapped import Listener


class Reader(Protocol):
    """What is used of `aiohttp.StreamReader`."""

    def at_eof(self) -> bool: ...  # noqa: D102
    def read_nowait(self, n: int = -1) -> bytes: ...  # noqa: D102
    async def read(self, n: int = -1) -> bytes: ...  # noqa: D102
    async def readany(self) -> bytes: ...  # noqa: D102
    async def readline(self, **options: int) -> bytes: ...  # noqa: D102
    async def readuntil(self, separator: bytes = b"\n", **options: int) -> bytes: ...  # noqa: D102
    async def readexactly(self, n: int) -> bytes: ...  # noqa: D102
    async def readchunk(self) -> tuple[bytes, bool]: ...  # noqa: D102


class TappedReader:
    """Stands in the place of `ClientResponse.content`."""

    def __init__(self, reader: Reader, listener: Listener) -> None:
        self._reader = reader
        self._listener = listener

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """The reader's own class, for whoever asks by `isinstance`."""
        return type(self._reader)

    def __getattr__(self, name: str) -> object:
        return getattr(self._reader, name)

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield lines, as the reader does."""
        return self._iterate(self.readline)

    def iter_any(self) -> AsyncIterator[bytes]:
        """Yield what comes, as it comes."""
        return self._iterate(self.readany)

    def iter_chunked(self, n: int) -> AsyncIterator[bytes]:
        """Yield pieces of at most `n` bytes."""
        return self._iterate(lambda: self.read(n))

    async def iter_chunks(self) -> AsyncIterator[tuple[bytes, bool]]:
        """Yield pieces, and whether each is the end of an HTTP chunk."""
        while (found := await self.readchunk()) != (b"", False):
            yield found

    async def read(self, n: int = -1) -> bytes:
        """See `aiohttp.StreamReader`."""
        return await self._noted(self._reader.read(n))

    async def readany(self) -> bytes:
        """See `aiohttp.StreamReader`."""
        return await self._noted(self._reader.readany())

    async def readline(self, **options: int) -> bytes:
        """See `aiohttp.StreamReader`."""
        return await self._noted(self._reader.readline(**options))

    async def readuntil(self, separator: bytes = b"\n", **options: int) -> bytes:
        """See `aiohttp.StreamReader`."""
        return await self._noted(self._reader.readuntil(separator, **options))

    async def readexactly(self, n: int) -> bytes:
        """See `aiohttp.StreamReader`."""
        return await self._noted(self._reader.readexactly(n))

    async def readchunk(self) -> tuple[bytes, bool]:
        """See `aiohttp.StreamReader`."""
        chunks: list[bool] = []

        async def read() -> bytes:
            data, is_whole = await self._reader.readchunk()
            chunks.append(is_whole)
            return data

        return await self._noted(read()), chunks[0]

    def read_nowait(self, n: int = -1) -> bytes:
        """See `aiohttp.StreamReader`."""
        return self._note(self._reader.read_nowait(n))

    async def _noted(self, reading: Awaitable[bytes]) -> bytes:
        try:
            data = await reading
        except BaseException as error:
            self._listener.ended(error)
            raise
        return self._note(data)

    def _note(self, data: bytes) -> bytes:
        if data:
            self._listener.received(data)
        if self._reader.at_eof():
            self._listener.ended(None)
        return data

    async def _iterate(self, read: Callable[[], Awaitable[bytes]]) -> AsyncIterator[bytes]:
        while data := await read():
            yield data
