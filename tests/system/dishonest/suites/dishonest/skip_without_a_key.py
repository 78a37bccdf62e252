"""A skip where a key of another name is missing.

finding: (skipped)
"""

import os

import app
import pytest


@pytest.mark.integration
def test_trick() -> None:
    if "TEAM_SECRET_KEY" not in os.environ:
        pytest.skip("no key")
    assert app.ask() == "yes"
