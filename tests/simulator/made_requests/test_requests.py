"""Any valid request gets an answer that validates; any mutated one is refused in the right form.

`HYPOTHESIS_PROFILE=thorough` makes 5,000 of each.
"""

import asyncio
import os
from collections.abc import Callable
from typing import Protocol, TypeAlias

import msgspec
from anthropic._models import validate_type
from anthropic.types import Message, RawMessageStreamEvent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from l9gate.measure.clock import ManualClock
from l9gate.net.http import HttpRequest, HttpResponse
from l9gate.simulator.app import SimulatorApp
from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.profiles import Strictness
from l9gate.wire.faults import type_of
from l9gate.wire.json import JsonObject, parse_object
from l9gate.wire.sse import SseParser
from l9gate.wire.stream import StreamFolder

Make: TypeAlias = Callable[..., HttpRequest]


class Asked(Protocol):
    """A request that was made."""

    headers: dict[str, str]
    path: str
    data: bytes


Requests: TypeAlias = st.SearchStrategy[Asked]
STRICTNESS = st.sampled_from(["strict", "strict", "lenient"])
PROFILE = settings(
    max_examples={"thorough": 5_000}.get(os.environ.get("HYPOTHESIS_PROFILE", ""), 12),
    deadline=None,
    database=None,
    suppress_health_check=[*HealthCheck],
)


def _send(make: Make, asked: Asked, strictness: Strictness) -> HttpResponse:
    app = SimulatorApp(SimulatorConfig(load_factor=0, strictness=strictness), ManualClock())
    request = make(path=asked.path, headers=asked.headers)
    request.body = asked.data
    answer = app(request)
    assert isinstance(answer, HttpResponse)
    return answer


def _check_answer(body: JsonObject | None, answer: HttpResponse) -> None:
    if isinstance(answer.body, bytes):
        value = msgspec.json.decode(answer.body)
        if "input_tokens" in value:
            assert value.keys() <= {"input_tokens", "context_management"}
            assert value["input_tokens"] > 0
            return
        assert validate_type(type_=Message, value=value).stop_reason is not None
        return
    assert body is not None
    assert body["stream"] is True
    folder = StreamFolder(strict=True)
    for event in SseParser().feed(asyncio.run(_read(answer))):
        folder.feed(event)
        if event.event != "ping":  # which the SDK passes over before it looks at types
            value = msgspec.json.decode(event.data)
            validate_type(type_=RawMessageStreamEvent, value=value)  # type: ignore[arg-type] # a union
    assert validate_type(type_=Message, value=folder.to_message()).stop_reason is not None


async def _read(response: HttpResponse) -> bytes:
    assert not isinstance(response.body, bytes)
    return b"".join([piece async for piece in response.body if isinstance(piece, bytes)])


def _check_refusal(answer: HttpResponse) -> None:
    assert isinstance(answer.body, bytes)
    envelope = msgspec.json.decode(answer.body)
    assert envelope.keys() == {"type", "error", "request_id"}
    assert envelope["type"] == "error"
    assert envelope["request_id"] == answer.headers["request-id"]
    assert envelope["error"]["type"] == type_of(answer.status)
    assert envelope["error"]["message"]
    assert answer.headers["content-type"] == "application/json"


@PROFILE
@given(st.data(), STRICTNESS)
def test_a_valid_request_is_answered_with_what_validates(
    make_request: Make, valid_requests: Requests, data: st.DataObject, strictness: Strictness
) -> None:
    """L4-04."""
    asked = data.draw(valid_requests)
    answer = _send(make_request, asked, strictness)
    assert answer.status == 200, answer.body
    _check_answer(parse_object(asked.data), answer)


@PROFILE
@given(st.data(), STRICTNESS)
def test_a_mutated_request_is_answered_or_refused_in_the_right_form(
    make_request: Make, mutated_requests: Requests, data: st.DataObject, strictness: Strictness
) -> None:
    """L4-04: never a 500."""
    asked = data.draw(mutated_requests)
    answer = _send(make_request, asked, strictness)
    assert answer.status in {200, 400, 404}, answer.body
    if answer.status == 200:
        _check_answer(parse_object(asked.data), answer)
    else:
        _check_refusal(answer)
