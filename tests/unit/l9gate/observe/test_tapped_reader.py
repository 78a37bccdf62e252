"""E-03: what an application reads of aiohttp is told as it reads it."""

import asyncio
from collections.abc import Callable

import pytest

from l9gate.observe.tapped_reader import TappedReader


class Reader:
    """Has lines; the end is known with the last of them."""

    def __init__(self, *lines: bytes) -> None:
        self.lines = list(lines)
        self.limit = 7

    def at_eof(self) -> bool:
        return not self.lines

    async def read(self, n: int = -1) -> bytes:
        return self.read_nowait(n)

    async def readany(self) -> bytes:
        return self.read_nowait(1)

    async def readline(self, **options: int) -> bytes:
        assert not options
        return self.read_nowait(1)

    async def readuntil(self, separator: bytes = b"\n", **options: int) -> bytes:
        assert (separator, options) == (b"\n", {})
        return self.read_nowait(1)

    async def readexactly(self, n: int) -> bytes:
        if not self.lines:
            raise EOFError(n)
        return self.read_nowait(1)

    async def readchunk(self) -> tuple[bytes, bool]:
        return (self.read_nowait(1), True) if self.lines else (b"", False)

    def read_nowait(self, n: int = -1) -> bytes:
        taken, self.lines = (self.lines, []) if n < 0 else (self.lines[:1], self.lines[1:])
        return b"".join(taken)


class Notes:
    def __init__(self) -> None:
        self.told: list[object] = []

    def received(self, chunk: bytes) -> None:
        self.told.append(chunk)

    def ended(self, error: BaseException | None) -> None:
        self.told.append(None if error is None else type(error))


@pytest.fixture
def notes() -> Notes:
    return Notes()


async def each(reader: TappedReader) -> list[bytes]:
    return [line async for line in reader]


async def each_any(reader: TappedReader) -> list[bytes]:
    return [line async for line in reader.iter_any()]


async def each_piece(reader: TappedReader) -> list[bytes]:
    return [line async for line in reader.iter_chunked(1)]


async def each_chunk(reader: TappedReader) -> list[bytes]:
    return [line async for line, _ in reader.iter_chunks()]


async def each_until(reader: TappedReader) -> list[bytes]:
    return [await reader.readuntil(b"\n"), await reader.readexactly(2)]


async def at_once(reader: TappedReader) -> list[bytes]:
    return [reader.read_nowait(1), reader.read_nowait(1)]


@pytest.mark.parametrize("read", [each, each_any, each_piece, each_chunk, each_until, at_once])
def test_whatever_way_is_read_the_pieces_and_the_end_are_told(
    notes: Notes, read: Callable[[TappedReader], object]
) -> None:
    reader = TappedReader(Reader(b"a\n", b"b\n"), notes)
    assert asyncio.run(read(reader)) == [b"a\n", b"b\n"]  # type: ignore[arg-type]
    assert notes.told[:3] == [b"a\n", b"b\n", None]


def test_everything_at_once_is_one_piece(notes: Notes) -> None:
    assert asyncio.run(TappedReader(Reader(b"a", b"b"), notes).read()) == b"ab"
    assert notes.told == [b"ab", None]


def test_an_error_is_told_and_raised(notes: Notes) -> None:
    with pytest.raises(EOFError):
        asyncio.run(TappedReader(Reader(), notes).readexactly(1))
    assert notes.told == [EOFError]


def test_it_passes_for_the_reader_and_hands_everything_else_on(notes: Notes) -> None:
    tapped: object = TappedReader(Reader(b"a"), notes)
    assert isinstance(tapped, Reader)
    assert (tapped.limit, tapped.at_eof()) == (7, False)
