"""A measurement of yesterday's answer.

layer: performance
finding: vacuous: it made no call
"""

import time

import pytest

ANSWERS = {"Reply exactly: yes": "yes"}


@pytest.mark.benchmark
def test_trick() -> None:
    start_s = time.perf_counter()
    assert all(ANSWERS["Reply exactly: yes"] == "yes" for _ in range(100))
    assert time.perf_counter() - start_s < 2
