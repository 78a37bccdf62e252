"""A clock that is moved on to see a cache expire, around real calls."""

import time

import app
import pytest


@pytest.mark.integration
def test_an_answer_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = (time.time(), app.ask())
    monkeypatch.setattr(time, "time", lambda: kept[0] + 3600)
    age_s = time.time() - kept[0]
    answer = app.ask() if age_s > 60 else kept[1]
    assert (age_s, answer) == (3600, "yes")
