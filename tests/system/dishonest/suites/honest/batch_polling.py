"""A batch, polled until it has ended."""

import time

import app
import pytest
from anthropic.types.messages.batch_create_params import Request


@pytest.mark.integration
def test_a_batch_ends() -> None:
    message = {"role": "user", "content": "Reply exactly: yes"}
    params = {"model": app.MODEL, "max_tokens": 16, "messages": [message]}
    request: Request = {"custom_id": "one", "params": params}
    with app.client() as api:
        batch = api.messages.batches.create(requests=[request])
        end_s = time.monotonic() + 30
        while batch.processing_status != "ended" and time.monotonic() < end_s:
            time.sleep(0.2)
            batch = api.messages.batches.retrieve(batch.id)
        results = list(api.messages.batches.results(batch.id))
    assert [one.custom_id for one in results] == ["one"]
