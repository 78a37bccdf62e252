"""A stream that its reader closes when it knows enough."""

import app
import pytest


@pytest.mark.integration
def test_the_first_words_are_enough() -> None:
    with (
        app.client() as api,
        api.messages.stream(
            model=app.MODEL,
            max_tokens=64,
            messages=[{"role": "user", "content": "Reply exactly: one two three four five six"}],
        ) as stream,
    ):
        first = next(iter(stream.text_stream))
    assert first
