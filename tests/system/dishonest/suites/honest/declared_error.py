"""A test of an error, which says so."""

import anthropic
import app
import pytest


@pytest.mark.integration
@pytest.mark.expects_error("authentication_error")
def test_a_wrong_key_is_refused() -> None:
    with pytest.raises(anthropic.AuthenticationError):
        app.ask(api_key="not-a-key")
