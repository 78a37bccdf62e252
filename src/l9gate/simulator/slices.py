"""Long work in slices, between which the server has time for others."""

import asyncio
from collections.abc import Awaitable, Generator, Iterable, Iterator
from itertools import islice
from typing import TypeAlias, TypeVar

T = TypeVar("T")
Sliced: TypeAlias = Generator[None, None, T]  # yields after each slice, returns what was made


def in_slices(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the items, so many at a time."""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some


def run_sliced(work: Sliced[T]) -> T | Awaitable[T]:
    """Return what the work makes: now if one slice is all of it, else later."""
    try:
        next(work)
    except StopIteration as done:
        made: T = done.value
        return made
    return _go_on(work)


async def _go_on(work: Sliced[T]) -> T:
    while True:
        await asyncio.sleep(0)
        try:
            next(work)
        except StopIteration as done:
            made: T = done.value
            return made
