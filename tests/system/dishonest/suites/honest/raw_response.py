"""The raw response, whose headers matter."""

import app
import pytest


@pytest.mark.integration
def test_it_names_the_request() -> None:
    with app.client() as api:
        raw = api.messages.with_raw_response.create(
            model=app.MODEL,
            max_tokens=16,
            messages=[{"role": "user", "content": "Reply exactly: yes"}],
        )
    assert raw.headers["request-id"].startswith("req_")
