"""The seam under the official SDK, over real sockets."""

import asyncio
from collections.abc import Iterator
from http.server import ThreadingHTTPServer

import anthropic
import httpx2
import pytest

from l9gate.evidence.codec import encode_record
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import End, Exchange, Fault, Origin
from l9gate.measure.clock import SystemClock
from l9gate.observe.origins import Target
from l9gate.observe.recorder import Outbox, Recorder
from l9gate.observe.seam import Seam

ASK = {"max_tokens": 5, "messages": [{"role": "user", "content": "secret question"}]}
KEY = "sk-secret-key"


@pytest.fixture
def base_url(scripted_api: ThreadingHTTPServer) -> str:
    return f"http://127.0.0.1:{scripted_api.server_port}"


@pytest.fixture
def log(base_url: str) -> Iterator[MemoryLog]:
    found = MemoryLog()
    clock = SystemClock()
    outbox = Outbox(found, clock)
    recorder = Recorder(outbox, clock, Target(base_url.removeprefix("http://")))
    seam = Seam()
    seam.install(recorder)
    try:
        yield found
    finally:
        seam.remove(recorder)
        assert not list(found.of(Fault))
        evidence = b"".join(encode_record(record) for record in found.records)
        assert b"secret" not in evidence


@pytest.fixture
def client(base_url: str) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(api_key=KEY, base_url=base_url, max_retries=0) as made:
        yield made


def only(log: MemoryLog) -> Exchange:
    (found,) = log.of(Exchange)
    return found


def test_a_call_over_a_socket_to_the_declared_host_is_live(
    log: MemoryLog, client: anthropic.Anthropic, base_url: str
) -> None:
    client.messages.create(model="ok", **ASK)  # type: ignore[call-overload]
    seen = only(log)
    assert seen.origin is Origin.LIVE
    assert (seen.status, seen.end, seen.error_type) == (200, End.COMPLETE, None)
    assert seen.host == base_url.removeprefix("http://")
    assert (seen.method, seen.path, seen.api_version) == ("POST", "/v1/messages", "2026-10-21")
    assert (seen.model, seen.served_model, seen.stop_reason) == ("ok", "ok", "end_turn")
    assert seen.usage is not None
    assert (seen.usage.input_tokens, seen.usage.output_tokens) == (11, 7)
    assert seen.rate_limit == {"requests-limit": "50", "requests-remaining": "49"}
    assert seen.was_answered
    assert seen.sent_s <= (seen.headers_s or 0.0) <= seen.ended_s
    assert seen.request_bytes > 0
    assert seen.response_bytes > 0


def test_the_asynchronous_client_is_seen_too(log: MemoryLog, base_url: str) -> None:
    async def ask() -> None:
        async with anthropic.AsyncAnthropic(api_key=KEY, base_url=base_url) as client:
            await client.messages.create(model="ok", **ASK)  # type: ignore[call-overload]
            async with client.messages.stream(model="ok", **ASK) as stream:  # type: ignore[arg-type]
                async for _ in stream:
                    pass

    asyncio.run(ask())
    assert [seen.origin for seen in log.of(Exchange)] == [Origin.LIVE, Origin.LIVE]
    assert [seen.end for seen in log.of(Exchange)] == [End.COMPLETE, End.COMPLETE]


@pytest.fixture
def warm_client(client: anthropic.Anthropic) -> anthropic.Anthropic:
    """A client whose SDK has imported what its first stream needs, so that no event waits."""
    with client.messages.stream(model="ok", **ASK) as stream:  # type: ignore[arg-type]
        stream.get_final_message()
    return client


@pytest.mark.parametrize("helper", [True, False])
def test_a_stream_is_followed_to_its_end(
    warm_client: anthropic.Anthropic, log: MemoryLog, helper: bool
) -> None:
    if helper:
        with warm_client.messages.stream(model="ok", **ASK) as stream:  # type: ignore[arg-type]
            stream.get_final_message()
    else:
        for _ in warm_client.messages.create(model="ok", stream=True, **ASK):  # type: ignore[call-overload]
            pass
    seen = only(log)
    assert (seen.stream, seen.end, seen.stop_reason) == (True, End.COMPLETE, "end_turn")
    assert len(seen.gaps_s) == 3
    assert all(gap_s > 0.002 for gap_s in seen.gaps_s), seen.gaps_s
    assert seen.headers_s is not None
    assert seen.first_token_s is not None
    assert seen.headers_s < seen.first_token_s < seen.ended_s
    assert seen.usage is not None
    assert (seen.usage.input_tokens, seen.usage.output_tokens) == (11, 9)


@pytest.mark.parametrize(
    ("model", "end", "error_type"),
    [
        ("cut", End.CUT, "cut"),
        ("short", End.CUT, "cut"),
        ("overloaded", End.ERROR_EVENT, "overloaded_error"),
        ("stalled", End.TIMED_OUT, "timeout"),
    ],
)
def test_the_end_of_a_broken_stream_is_told_apart(
    log: MemoryLog, client: anthropic.Anthropic, model: str, end: End, error_type: str
) -> None:
    impatient = client.with_options(timeout=0.3)
    raised: Exception | None = None
    try:
        for _ in impatient.messages.create(model=model, stream=True, **ASK):  # type: ignore[call-overload]
            pass
    except (anthropic.AnthropicError, httpx2.HTTPError) as error:
        raised = error
    assert (raised is None) == (model == "short")
    seen = only(log)
    assert (seen.end, seen.error_type, seen.status) == (end, error_type, 200)
    assert seen.origin is Origin.LIVE


def test_a_stream_that_its_caller_leaves_is_abandoned(
    log: MemoryLog, client: anthropic.Anthropic
) -> None:
    with client.messages.create(model="ok", stream=True, **ASK) as stream:  # type: ignore[call-overload]
        for _ in stream:
            break
    assert only(log).end is End.ABANDONED


@pytest.mark.parametrize("waits_inside", [True, False])
def test_a_deadline_around_a_task_ends_its_stream_as_timed_out(
    log: MemoryLog, base_url: str, waits_inside: bool
) -> None:
    async def ask() -> None:
        async with anthropic.AsyncAnthropic(api_key=KEY, base_url=base_url) as client:
            stream = await client.messages.create(  # type: ignore[call-overload]
                model="stalled" if waits_inside else "ok", stream=True, **ASK
            )
            async with asyncio.timeout(0.2):
                async with stream:
                    async for _ in stream:
                        if not waits_inside:
                            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        asyncio.run(ask())
    assert only(log).end is End.TIMED_OUT


def test_a_timeout_is_censored_and_counts_towards_the_run(
    log: MemoryLog, client: anthropic.Anthropic
) -> None:
    with pytest.raises(anthropic.APITimeoutError):
        client.with_options(timeout=0.1).messages.create(model="slow", **ASK)  # type: ignore[call-overload]
    seen = only(log)
    assert (seen.end, seen.error_type, seen.status) == (End.TIMED_OUT, "timeout", None)
    assert seen.is_censored
    assert seen.origin is Origin.LIVE


def test_a_reset_before_the_answer_is_unreachable(
    log: MemoryLog, client: anthropic.Anthropic
) -> None:
    with pytest.raises(anthropic.APIConnectionError):
        client.messages.create(model="reset", **ASK)  # type: ignore[call-overload]
    seen = only(log)
    assert (seen.end, seen.error_type, seen.origin) == (End.UNREACHABLE, "connection", Origin.LIVE)


def test_a_host_that_refuses_is_unreachable_and_not_the_declared_one(log: MemoryLog) -> None:
    client = anthropic.Anthropic(api_key=KEY, base_url="http://127.0.0.1:1", max_retries=0)
    with client, pytest.raises(anthropic.APIConnectionError):
        client.messages.create(model="ok", **ASK)  # type: ignore[call-overload]
    seen = only(log)
    assert (seen.end, seen.error_type, seen.origin) == (End.UNREACHABLE, "connection", Origin.OTHER)


def test_retries_are_attempts_of_one_call(log: MemoryLog, base_url: str) -> None:
    with anthropic.Anthropic(api_key=KEY, base_url=base_url) as client:
        client.messages.create(model="flaky", **ASK)  # type: ignore[call-overload]
        client.messages.create(model="ok", **ASK)  # type: ignore[call-overload]
    first, second, other = log.of(Exchange)
    assert (first.status, first.error_type, first.attempt) == (529, "overloaded_error", 0)
    assert first.retry_after_s == 0.001
    assert (second.status, second.attempt, second.call_id) == (200, 1, first.call_id)
    assert other.call_id != first.call_id


def test_an_error_body_names_its_type(log: MemoryLog, client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.AuthenticationError):
        client.messages.create(model="refused", **ASK)  # type: ignore[call-overload]
    seen = only(log)
    assert (seen.status, seen.error_type, seen.was_answered) == (401, "authentication_error", True)


def test_a_page_in_place_of_json_is_malformed(log: MemoryLog, client: anthropic.Anthropic) -> None:
    client.messages.with_raw_response.create(model="html", **ASK)  # type: ignore[call-overload]
    assert only(log).error_type == "malformed_body"


def test_the_simulator_is_never_live(
    log: MemoryLog, client: anthropic.Anthropic, scripted_api: ThreadingHTTPServer
) -> None:
    scripted_api.origin = "simulated"  # type: ignore[attr-defined]
    client.messages.create(model="ok", **ASK)  # type: ignore[call-overload]
    assert only(log).origin is Origin.SIMULATED


def test_another_host_is_other(log: MemoryLog, scripted_api: ThreadingHTTPServer) -> None:
    url = f"http://localhost:{scripted_api.server_port}"
    with anthropic.Anthropic(api_key=KEY, base_url=url) as client:
        client.messages.create(model="ok", **ASK)  # type: ignore[call-overload]
    assert only(log).origin is Origin.OTHER


class ForgedStream:
    """Claims an address that nobody connected to."""

    def get_extra_info(self, info: str) -> object:
        return ("127.0.0.1", 9) if info == "server_addr" else None


@pytest.mark.parametrize("header", ["simulated", "live", None])
def test_no_header_or_extension_proves_anything_without_a_socket(
    log: MemoryLog, base_url: str, header: str | None
) -> None:
    headers = {"request-id": "req_1"} | ({"x-l9gate-origin": header} if header else {})
    transport = httpx2.MockTransport(
        lambda _: httpx2.Response(
            200, headers=headers, json={}, extensions={"network_stream": ForgedStream()}
        )
    )
    client = anthropic.Anthropic(
        api_key=KEY, base_url=base_url, http_client=httpx2.Client(transport=transport)
    )
    client.messages.create(model="ok", **ASK)  # type: ignore[call-overload]
    assert only(log).origin is Origin.MOCKED


def test_bytes_and_elapsed_reach_the_application_unchanged(log: MemoryLog, base_url: str) -> None:
    body = {"model": "ok", **ASK}
    with httpx2.Client() as client:
        plain = client.post(f"{base_url}/v1/messages", json=body)
    assert plain.json()["content"][0]["text"] == "secret answer"
    assert plain.headers["content-encoding"] == "gzip"
    assert plain.elapsed.total_seconds() > 0
    assert only(log).usage is not None
