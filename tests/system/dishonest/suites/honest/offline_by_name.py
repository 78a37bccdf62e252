"""A test of a real layer that needs no API, and says so."""

import app
import pytest


@pytest.mark.integration
@pytest.mark.offline
def test_the_model_is_pinned() -> None:
    assert app.MODEL.startswith("claude-")
