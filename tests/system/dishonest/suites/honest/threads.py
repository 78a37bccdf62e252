"""Calls in threads, which know nothing of context variables."""

from concurrent.futures import ThreadPoolExecutor

import app
import pytest


@pytest.mark.integration
def test_all_threads_get_their_answer() -> None:
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(app.ask, [f"Reply exactly: {n}" for n in range(3)])) == ["0", "1", "2"]
