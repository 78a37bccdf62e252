"""A service of one's own, called in process through a transport that opens no socket."""

import asyncio
import json

import anthropic
import app
import httpx2
import pytest


async def service(scope: object, receive: object, send: object) -> None:
    async with anthropic.AsyncAnthropic(max_retries=0) as api:
        answer = await api.messages.create(
            model=app.MODEL,
            max_tokens=16,
            messages=[{"role": "user", "content": "Reply exactly: yes"}],
        )
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    body = json.dumps({"stop": answer.stop_reason}).encode()
    await send({"type": "http.response.body", "body": body})


async def ask_service() -> str:
    transport = httpx2.ASGITransport(service)
    async with httpx2.AsyncClient(transport=transport, base_url="http://service") as client:
        found: str = (await client.get("/answer")).json()["stop"]
        return found


@pytest.mark.integration
def test_the_service_answers() -> None:
    assert asyncio.run(ask_service()) == "end_turn"
