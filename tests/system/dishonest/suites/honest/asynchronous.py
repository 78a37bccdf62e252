"""Several calls at once in one event loop."""

import asyncio

import anthropic
import app
import pytest


async def ask_three() -> list[str | None]:
    async with anthropic.AsyncAnthropic(max_retries=0) as api:
        calls = [
            api.messages.create(
                model=app.MODEL,
                max_tokens=16,
                messages=[{"role": "user", "content": f"Reply exactly: {n}"}],
            )
            for n in range(3)
        ]
        return [answer.stop_reason for answer in await asyncio.gather(*calls)]


@pytest.mark.integration
def test_all_of_them_end() -> None:
    assert asyncio.run(ask_three()) == ["end_turn"] * 3
