"""The real SDK asks; the API is in memory."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import httpx2
import pytest

from neural_tools.call import MessagesCall, Outside, Reply
from neural_tools.errors import ConfigurationError
from neural_tools.failure import AttemptFailedError, Failure
from neural_tools.index import Candidate
from neural_tools.prompt import build_question
from neural_tools.settings import Effort, Settings, Thinking

Make = Callable[[int], list[Candidate]]
World = Callable[..., Outside]
Build = Callable[..., httpx2.Response]


class CutBody(httpx2.AsyncByteStream):
    """A body whose connection breaks after some bytes."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b'{"id": "msg'
        raise httpx2.RemoteProtocolError("peer closed connection")


def ask(outside: Outside, candidates: Make, **changes: object) -> Reply:
    settings = Settings(**({"api_key": "sk-unit"} | changes))  # type: ignore[arg-type]

    async def run() -> Reply:
        call = MessagesCall(settings, outside)
        try:
            return await call.ask(build_question("q", candidates(3)))
        finally:
            await call.aclose()

    return asyncio.run(run())


def fail(outside: Outside, candidates: Make, **changes: object) -> Failure:
    with pytest.raises(AttemptFailedError) as caught:
        ask(outside, candidates, **changes)
    return caught.value.failure


def test_the_request_is_one_that_the_api_accepts(
    outside: World, candidates: Make, answer: Build, requests_seen: list[httpx2.Request]
) -> None:
    reply = ask(outside(answer(["c2"])), candidates)
    (request,) = requests_seen
    body = json.loads(request.content)
    assert request.url.path == "/v1/messages"
    assert request.headers["authorization"] == "Bearer sk-unit"
    assert request.headers["x-stainless-retry-count"] == "0"
    assert set(body) == {
        "model", "max_tokens", "system", "messages", "thinking", "output_config"
    }  # fmt: skip
    assert body["model"] == "claude-haiku-5-5"
    assert body["thinking"] == {"type": "disabled"}
    assert body["output_config"]["effort"] == "low"
    assert body["output_config"]["format"]["type"] == "json_schema"
    assert body["max_tokens"] == 64 + 3 * 16
    assert reply == Reply(
        text='{"ranking": ["c2"]}',
        model="claude-haiku-5-5",
        request_id="req_ok",
        input_tokens=500,
        output_tokens=20,
    )


def test_defaults_of_thinking_and_effort_are_left_out(
    outside: World, candidates: Make, answer: Build, requests_seen: list[httpx2.Request]
) -> None:
    ask(outside(answer()), candidates, thinking=Thinking.DEFAULT, effort=Effort.DEFAULT)
    body = json.loads(requests_seen[0].content)
    assert "thinking" not in body
    assert set(body["output_config"]) == {"format"}
    assert body["max_tokens"] > 4096


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        pytest.param(429, "rate_limited", marks=pytest.mark.scenario("rate_limited")),
        pytest.param(529, "overloaded", marks=pytest.mark.scenario("overloaded")),
        pytest.param(500, "server_error", marks=pytest.mark.scenario("server_error")),
        pytest.param(503, "server_error", marks=pytest.mark.scenario("server_error")),
        pytest.param(504, "server_error", marks=pytest.mark.scenario("server_error")),
    ],
)
def test_a_busy_api_is_asked_again_and_then_given_up(
    outside: World,
    candidates: Make,
    refusal: Build,
    sleeps_s: list[float],
    status: int,
    reason: str,
) -> None:
    """L1-04, S-05."""
    failure = fail(outside(refusal(status)), candidates)
    assert (failure.reason, failure.attempts, failure.status) == (reason, 3, status)
    assert sleeps_s == [0.1, 0.2]


def test_a_retry_that_succeeds_is_a_success(
    outside: World, candidates: Make, answer: Build, refusal: Build
) -> None:
    """S-05."""
    reply = ask(outside(refusal(529, "overloaded_error"), answer(["c1"])), candidates)
    assert reply.attempts == 2


def test_a_wait_that_the_server_asks_for_is_kept_if_the_deadline_allows_it(
    outside: World, candidates: Make, answer: Build, refusal: Build, sleeps_s: list[float]
) -> None:
    """S-05."""
    ask(outside(refusal(429, "rate_limit_error", retry_after="1"), answer()), candidates)
    assert sleeps_s == [1.0]


@pytest.mark.scenario("rate_limited")
@pytest.mark.parametrize("headers", [{"retry_after": "30"}, {"retry_after_ms": "1800"}])
def test_a_wait_beyond_the_deadline_is_not_begun(
    outside: World, candidates: Make, refusal: Build, sleeps_s: list[float],
    requests_seen: list[httpx2.Request], headers: dict[str, str],
) -> None:  # fmt: skip
    """S-05."""
    failure = fail(outside(refusal(429, "rate_limit_error", **headers)), candidates)
    assert failure.reason == "rate_limited"
    assert failure.retry_after_s is not None
    assert (len(requests_seen), sleeps_s) == (1, [])


def test_back_off_ends_with_the_deadline(
    outside: World, candidates: Make, refusal: Build, sleeps_s: list[float]
) -> None:
    """S-05."""
    failure = fail(outside(refusal(500, "api_error")), candidates, deadline_s=0.25, attempts=10)
    assert failure.attempts == 2
    assert sleeps_s == [0.1]


def test_x_should_retry_false_ends_the_attempts(
    outside: World, candidates: Make, refusal: Build, requests_seen: list[httpx2.Request]
) -> None:
    """S-05."""
    fail(outside(refusal(500, "api_error", x_should_retry="false")), candidates)
    assert len(requests_seen) == 1


@pytest.mark.scenario("timeout")
def test_a_timeout_of_the_http_library_is_a_timeout(outside: World, candidates: Make) -> None:
    """L1-04."""
    assert fail(outside(httpx2.ReadTimeout("slow")), candidates).reason == "timeout"


@pytest.mark.scenario("timeout")
@pytest.mark.parametrize("stream", [False, True])
def test_an_api_that_never_answers_is_cancelled_at_the_deadline(
    outside: World, candidates: Make, answer: Build, *, stream: bool
) -> None:
    """S-05, L1-04."""
    cancelled: list[bool] = []

    async def hang(_: httpx2.Request) -> httpx2.Response:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append(True)
        raise AssertionError

    settings = Settings(api_key="k", deadline_s=0.02, stream=stream)
    world = replace(outside(answer()), transport=httpx2.MockTransport(hang))

    async def run() -> Failure:
        call = MessagesCall(settings, world)
        with pytest.raises(AttemptFailedError) as caught:
            await call.ask(build_question("q", candidates(3)))
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.wait_for(asyncio.gather(*others, return_exceptions=True), timeout=1)
        assert cancelled == [True]
        await call.aclose()
        return caught.value.failure

    failure = asyncio.run(run())
    assert (failure.reason, failure.attempts) == ("timeout", 1)


@pytest.mark.scenario("connection")
@pytest.mark.parametrize(
    "error", [httpx2.ConnectError("refused"), httpx2.ReadError("reset"), OSError("no route")]
)
def test_an_api_that_cannot_be_reached_is_asked_again_and_then_given_up(
    outside: World, candidates: Make, error: Exception
) -> None:
    """L1-04."""
    failure = fail(outside(error), candidates)
    assert (failure.reason, failure.attempts) == ("connection", 3)


@pytest.mark.scenario("cut_stream")
def test_a_body_that_breaks_off_is_a_cut(outside: World, candidates: Make, answer: Build) -> None:
    """L1-04."""

    def cut(_: httpx2.Request) -> httpx2.Response:
        headers = {"content-type": "application/json"}
        return httpx2.Response(200, stream=CutBody(), headers=headers)

    world = replace(outside(answer()), transport=httpx2.MockTransport(cut))
    assert fail(world, candidates).reason == "cut_stream"
    assert fail(world, candidates, stream=True).reason == "cut_stream"


@pytest.mark.scenario("malformed_answer")
@pytest.mark.parametrize(
    "response",
    [
        httpx2.Response(200, text="<html>proxy</html>"),
        httpx2.Response(200, content=b"<", headers={"content-type": "application/json"}),
        httpx2.Response(200, content=b"\xff\xfe{", headers={"content-type": "application/json"}),
        httpx2.Response(200, json={}),
        httpx2.Response(200, json=[1]),
        httpx2.Response(200, json={"content": "text", "stop_reason": "end_turn"}),
        httpx2.Response(200, json={"content": [{"type": "text"}], "stop_reason": "end_turn"}),
        httpx2.Response(200, json={"content": [], "stop_reason": None}),
        httpx2.Response(204),
    ],
    ids=["html", "no json", "no utf-8", "empty", "list", "text", "no text", "no stop", "nothing"],
)
def test_a_body_that_is_no_message_is_malformed_and_not_paid_for_twice(
    outside: World, candidates: Make, response: httpx2.Response
) -> None:
    """L1-04."""
    failure = fail(outside(response), candidates)
    assert (failure.reason, failure.attempts) == ("malformed_answer", 1)


@pytest.mark.parametrize(
    ("stop_reason", "reason"),
    [
        ("refusal", "refusal"),
        ("max_tokens", "max_tokens"),
        ("pause_turn", "malformed_answer"),
        pytest.param(
            "something_new", "malformed_answer", marks=pytest.mark.scenario("malformed_answer")
        ),
    ],
)
def test_an_answer_that_did_not_end_by_itself_is_a_failure(
    outside: World, candidates: Make, answer: Build, stream: Build, stop_reason: str, reason: str
) -> None:
    """L1-04."""
    failure = fail(outside(answer(stop_reason=stop_reason)), candidates)
    assert (failure.reason, failure.attempts, failure.request_id) == (reason, 1, "req_ok")
    streamed = fail(outside(stream(stop_reason=stop_reason)), candidates, stream=True)
    assert (streamed.reason, streamed.request_id) == (reason, "req_stream")


@pytest.mark.scenario("malformed_answer")
def test_a_missing_usage_is_no_reason_to_lose_an_answer(
    outside: World, candidates: Make, answer: Build
) -> None:
    assert ask(outside(answer(usage=None)), candidates).input_tokens == 0


@pytest.mark.scenario("authentication")
def test_a_refused_key_is_raised_at_once(
    outside: World, candidates: Make, refusal: Build, requests_seen: list[httpx2.Request]
) -> None:
    """L1-04, C-03."""
    with pytest.raises(ConfigurationError, match="401"):
        ask(outside(refusal(401, "authentication_error")), candidates)
    assert len(requests_seen) == 1


def test_an_error_of_ours_is_not_taken_for_an_outage(outside: World, candidates: Make) -> None:
    with pytest.raises(Exception, match="Connection error") as caught:
        ask(outside(RuntimeError("a bug")), candidates)
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_a_whole_stream_is_an_answer(outside: World, candidates: Make, stream: Build) -> None:
    reply = ask(outside(stream()), candidates, stream=True)
    assert reply == Reply(
        text='{"ranking": ["c2", "c3", "c1"]}',
        model="claude-haiku-5-5",
        request_id="req_stream",
        input_tokens=7,
        output_tokens=12,
    )


@pytest.mark.scenario("cut_stream")
@pytest.mark.parametrize("last", ["message_start", "content_block_delta", "message_delta"])
def test_a_stream_that_ends_before_message_stop_is_cut(
    outside: World, candidates: Make, stream: Build, last: str
) -> None:
    """L1-04: the SDK ends such a stream without any error."""
    failure = fail(outside(stream(until=last)), candidates, stream=True)
    assert (failure.reason, failure.request_id) == ("cut_stream", "req_stream")


@pytest.mark.scenario("overloaded")
def test_an_error_event_in_a_stream_is_named_by_its_type(outside: World, candidates: Make) -> None:
    """L1-04."""
    event = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    body = f"event: error\ndata: {json.dumps(event)}\n\n"
    response = httpx2.Response(200, text=body, headers={"content-type": "text/event-stream"})
    assert fail(outside(response), candidates, stream=True).reason == "overloaded"
