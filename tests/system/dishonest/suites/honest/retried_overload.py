"""An overload that the SDK's retries get over."""

import anthropic
import app
import httpx2
import pytest


def break_first(request: httpx2.Request) -> None:
    if request.headers.get("x-stainless-retry-count") == "0":
        request.headers["x-l9gate-fault"] = "status=529"


@pytest.mark.integration
def test_a_second_attempt_succeeds() -> None:
    http = httpx2.Client(event_hooks={"request": [break_first]})
    with anthropic.Anthropic(max_retries=2, http_client=http) as api:
        answer = api.messages.create(
            model=app.MODEL,
            max_tokens=16,
            messages=[{"role": "user", "content": "Reply exactly: yes"}],
        )
    assert answer.stop_reason == "end_turn"
