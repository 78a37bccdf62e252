"""A model that does not exist, and an assertion that does not care.

finding: passed on errors only: not_found_error
"""

import contextlib

import anthropic
import app
import pytest


@pytest.mark.integration
def test_trick() -> None:
    answers: list[str] = []
    with contextlib.suppress(anthropic.APIError):
        answers.append(app.ask(model="claude-nonexistent-9"))
    assert len(answers) <= 1
