"""A measurement of calls that are made.

layer: performance
"""

import time

import app
import pytest


@pytest.mark.benchmark
def test_ten_calls_are_quick() -> None:
    start_s = time.perf_counter()
    assert [app.ask() for _ in range(10)] == ["yes"] * 10
    assert time.perf_counter() - start_s < 60
