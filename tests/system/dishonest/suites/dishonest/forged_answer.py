"""An in-process transport that invents a request id.

finding: vacuous: its calls were mocked, no socket carried them
"""

import app
import httpx2
import pytest

MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": app.MODEL,
    "content": [{"type": "text", "text": "yes"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 8, "output_tokens": 1},
}


@pytest.mark.integration
def test_trick() -> None:
    headers = {"request-id": "req_011CForged"}
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, headers=headers, json=MESSAGE))
    assert app.ask(http_client=httpx2.Client(transport=transport)) == "yes"
