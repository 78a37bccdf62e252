"""A benchmark of a function that does nothing.

layer: performance
finding: vacuous: it made no call
"""

import asyncio
import time

import pytest


async def call_the_api() -> None:
    await asyncio.sleep(0)


@pytest.mark.benchmark
def test_trick() -> None:
    start_s = time.perf_counter()
    asyncio.run(call_the_api())
    assert time.perf_counter() - start_s < 2
