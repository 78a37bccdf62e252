"""Assertions on a call that a session fixture made."""

import app
import pytest


@pytest.fixture(scope="session")
def answer() -> str:
    return app.ask()


@pytest.mark.integration
def test_it_answers(answer: str) -> None:
    assert answer == "yes"


@pytest.mark.integration
def test_it_is_short(answer: str) -> None:
    assert len(answer) < 10
