"""An API in memory: scripted responses behind the official SDK, no socket, no waiting."""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence

import httpx2
import pytest

from l9gate.measure.clock import ManualClock
from l9gate.wire.faults import type_of
from neural_tools.call import Outside
from neural_tools.corpus import Chunk
from neural_tools.index import Candidate
from neural_tools.reranker import Reranker
from neural_tools.settings import Settings

Step = httpx2.Response | Exception


def _message(**changes: object) -> dict[str, object]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-5-5",
        "content": [{"type": "text", "text": json.dumps({"ranking": ["c3", "c1", "c2"]})}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 500, "output_tokens": 20},
    } | changes


@pytest.fixture
def answer() -> Callable[..., httpx2.Response]:
    """A 200 with a message; `ranking=[…]`, `text=…` or any field of the message may be given."""

    def build(
        ranking: Sequence[object] | None = None, text: str | None = None, **changes: object
    ) -> httpx2.Response:
        if ranking is not None:
            text = json.dumps({"ranking": ranking})
        if text is not None:
            changes["content"] = [{"type": "text", "text": text}]
        return httpx2.Response(200, json=_message(**changes), headers={"request-id": "req_ok"})

    return build


@pytest.fixture
def refusal() -> Callable[..., httpx2.Response]:
    """A 4xx or 5xx with the API's error envelope, and the type that goes with the status."""

    def build(
        status: int, kind: str | None = None, code: str | None = None, **headers: str
    ) -> httpx2.Response:
        error: dict[str, object] = {
            "type": kind or type_of(status),
            "message": "what the API says",
        }
        if code is not None:
            error["details"] = {"error_code": code}
        body = {"type": "error", "error": error, "request_id": "req_no"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx2.Response(status, json=body, headers={"request-id": "req_no", **named})

    return build


@pytest.fixture
def stream() -> Callable[..., httpx2.Response]:
    """A 200 with server-sent events; `until` names the last event that arrives."""

    def build(until: str = "message_stop", stop_reason: str = "end_turn") -> httpx2.Response:
        text = json.dumps({"ranking": ["c2", "c3", "c1"]})
        start = _message(
            content=[], stop_reason=None, usage={"input_tokens": 7, "output_tokens": 1}
        )
        delta = {"stop_reason": stop_reason, "stop_sequence": None}
        events: list[dict[str, object]] = [
            {"type": "message_start", "message": start},
            {
                "type": "content_block_start",
                "index": 0,
                "content_block": {"type": "text", "text": ""},
            },
            *(
                {
                    "type": "content_block_delta",
                    "index": 0,
                    "delta": {"type": "text_delta", "text": t},
                }
                for t in (text[:9], text[9:])
            ),
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 12}},
            {"type": "message_stop"},
        ]
        names = [str(event["type"]) for event in events]
        last = len(names) - names[::-1].index(until)
        lines = [f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events[:last]]
        headers = {"content-type": "text/event-stream", "request-id": "req_stream"}
        return httpx2.Response(200, content="".join(lines).encode(), headers=headers)

    return build


@pytest.fixture
def requests_seen() -> list[httpx2.Request]:
    """Every request that reached the API in memory."""
    return []


@pytest.fixture
def sleeps_s() -> list[float]:
    """Every back-off that was asked for; none of them passes time."""
    return []


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1000.0)


@pytest.fixture
def candidates() -> Callable[[int], list[Candidate]]:
    """Some candidates named `f1`, `f2`, … with falling scores."""

    def build(count: int) -> list[Candidate]:
        return [
            Candidate(
                chunk=Chunk(id=f"d{n}", name=f"f{n}", path=f"m{n}.py", code=f"def f{n}(): ..."),
                score=float(count - n),
            )
            for n in range(1, count + 1)
        ]

    return build


@pytest.fixture
def outside(
    requests_seen: list[httpx2.Request], sleeps_s: list[float], clock: ManualClock
) -> Callable[..., Outside]:
    """An outside world that plays steps in order; the last one is repeated."""

    def build(*steps: Step) -> Outside:
        script = list(steps)

        def respond(request: httpx2.Request) -> httpx2.Response:
            requests_seen.append(request)
            step = script.pop(0) if len(script) > 1 else script[0]
            if isinstance(step, Exception):
                raise step
            return httpx2.Response(step.status_code, content=step.content, headers=step.headers)

        async def sleep(seconds: float) -> None:
            sleeps_s.append(seconds)
            clock.advance(seconds)
            await asyncio.sleep(0)

        return Outside(
            clock=clock.now_s,
            wall_clock=clock.now_s,
            chance=lambda: 1.0,
            sleep=sleep,
            transport=httpx2.MockTransport(respond),
        )

    return build


@pytest.fixture
def open_reranker(outside: Callable[..., Outside]) -> Iterator[Callable[..., Reranker]]:
    """A re-ranker whose API plays the given steps; settings as keywords."""
    opened: list[Reranker] = []

    def build(*steps: Step, **changes: object) -> Reranker:
        settings = Settings(**({"api_key": "sk-unit"} | changes))  # type: ignore[arg-type]
        opened.append(Reranker(settings, outside(*steps)))
        return opened[-1]

    yield build
    for reranker in opened:
        reranker.close()
