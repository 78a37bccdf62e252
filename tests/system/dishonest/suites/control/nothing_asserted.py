"""A request whose answer nobody looks at.

finding: asserts nothing
"""

import contextlib
import os

import httpx2
import pytest


@pytest.mark.integration
def test_trick() -> None:
    url = os.environ["ANTHROPIC_BASE_URL"] + "/v1/models"
    with contextlib.suppress(httpx2.HTTPError):
        httpx2.get(url, headers={"x-api-key": os.environ["ANTHROPIC_API_KEY"]})
