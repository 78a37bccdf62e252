"""Nobody listens, and nobody minds.

finding: vacuous: no call of it was answered (connection)
"""

import socket

import anthropic
import app
import pytest


@pytest.mark.integration
def test_trick() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    try:
        app.ask(base_url=url)
    except anthropic.APIConnectionError:
        url = ""
    assert url == ""
