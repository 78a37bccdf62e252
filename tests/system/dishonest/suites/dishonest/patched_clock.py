"""A clock that says what the assertion wants to hear.

layer: performance
finding: measured with a patched clock: time.perf_counter
"""

import itertools
import time
from unittest.mock import patch

import app
import pytest


@pytest.mark.benchmark
def test_trick() -> None:
    with patch("time.perf_counter", side_effect=itertools.count(0, 0.001)):
        start_s = time.perf_counter()
        app.ask()
        assert time.perf_counter() - start_s < 0.05
