"""What the official client makes of our errors and broken streams: sections 7.2, 9.6, 13, 19.13.

The sheet says what SDK 2.12.0 does; that it does so here shows that we provoke it as the API would.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import TypeAlias

import anthropic
import httpx2
import pytest
from anthropic.types import Message, MessageParam, RawMessageStreamEvent

from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.server import SimulatorThread

HI: list[MessageParam] = [{"role": "user", "content": "hi"}]
AT_ONCE = "set_header=retry-after-ms:1"
Send: TypeAlias = Callable[[str], Message]


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorThread]:
    with SimulatorThread(SimulatorConfig(load_factor=0)) as running:
        yield running


@pytest.fixture(scope="module")
def client(simulator: SimulatorThread) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(
        api_key="sk-wire-suite", base_url=simulator.base_url, timeout=5
    ) as made:
        yield made


@pytest.fixture
def send(client: anthropic.Anthropic) -> Send:
    """Ask for a message that meets a fault."""

    def send_one(fault: str) -> Message:
        return client.messages.create(
            model="claude-haiku-5-5",
            max_tokens=50,
            messages=HI,
            extra_headers={"x-l9gate-fault": fault},
        )

    return send_one


def streamed(client: anthropic.Anthropic, fault: str) -> list[RawMessageStreamEvent]:
    """Every event that the client lets through."""
    with client.messages.create(
        model="claude-haiku-5-5",
        max_tokens=50,
        messages=HI,
        stream=True,
        extra_headers={"x-l9gate-fault": fault},
    ) as events:
        return list(events)


def final(client: anthropic.Anthropic, fault: str) -> Message:
    """The message that the client puts together."""
    with client.messages.stream(
        model="claude-haiku-5-5",
        max_tokens=50,
        messages=HI,
        extra_headers={"x-l9gate-fault": fault},
    ) as events:
        return events.get_final_message()


CLASSES: dict[int, tuple[type[anthropic.APIStatusError], int]] = {
    400: (anthropic.BadRequestError, 1),
    401: (anthropic.AuthenticationError, 1),
    402: (anthropic.PaymentRequiredError, 1),
    403: (anthropic.PermissionDeniedError, 1),
    404: (anthropic.NotFoundError, 1),
    408: (anthropic.RequestTimeoutError, 3),
    409: (anthropic.ConflictError, 3),
    412: (anthropic.PreconditionFailedError, 1),
    413: (anthropic.ContentTooLargeError, 1),
    422: (anthropic.UnprocessableEntityError, 1),
    429: (anthropic.RateLimitError, 3),
    500: (anthropic.InternalServerError, 3),
    503: (anthropic.ServiceUnavailableError, 3),
    504: (anthropic.GatewayTimeoutError, 3),
    529: (anthropic.OverloadedError, 3),
}


@pytest.mark.parametrize("status", CLASSES)
def test_a_status_becomes_its_class_after_so_many_attempts(
    send: Send, simulator: SimulatorThread, status: int
) -> None:
    """7.2, 13."""
    error, attempts = CLASSES[status]
    before = simulator.requests_seen
    with pytest.raises(error) as caught:
        send(f"status={status},{AT_ONCE}")
    assert simulator.requests_seen - before == attempts
    assert caught.value.status_code == status
    assert caught.value.request_id is not None


@pytest.mark.parametrize(
    ("fault", "attempts"),
    [
        (f"status=400,should_retry=true,{AT_ONCE}", 3),
        ("status=500,should_retry=false", 1),
        (f"status=429,error_code=enforced_spend_limit_reached,{AT_ONCE}", 3),
    ],
    ids=["told to", "told not to", "monthly cap"],
)
def test_a_header_decides_about_retries(
    send: Send, simulator: SimulatorThread, fault: str, attempts: int
) -> None:
    """12.4, 13, 19.13."""
    before = simulator.requests_seen
    with pytest.raises(anthropic.APIStatusError):
        send(fault)
    assert simulator.requests_seen - before == attempts


@pytest.mark.parametrize(
    ("fault", "least_s", "most_s"),
    [
        ("status=429,retry-after=0.2", 0.4, 0.8),
        ("status=429,retry-after=9,set_header=retry-after-ms:100", 0.2, 0.6),
        ("status=529", 1.1, 1.9),
    ],
    ids=["seconds", "milliseconds first", "its own back-off"],
)
def test_the_client_waits_between_attempts_as_told(
    send: Send, fault: str, least_s: float, most_s: float
) -> None:
    """13, 19.13: two waits; the upper bounds leave room for a busy machine."""
    started_s = time.monotonic()
    with pytest.raises(anthropic.APIStatusError):
        send(fault)
    assert least_s <= time.monotonic() - started_s < most_s + 1


def test_a_code_reaches_the_caller(send: Send) -> None:
    """7.4."""
    with pytest.raises(anthropic.APIStatusError) as caught:
        send("status=400,error_code=organization_on_hold")
    assert caught.value.error_code == "organization_on_hold"
    assert caught.value.type == "invalid_request_error"


def test_an_error_event_has_status_200_and_is_not_retried(
    client: anthropic.Anthropic, simulator: SimulatorThread
) -> None:
    """9.6, C1."""
    before = simulator.requests_seen
    with pytest.raises(anthropic.APIStatusError) as caught:
        streamed(client, "error_event=overloaded_error")
    assert (caught.value.status_code, caught.value.type) == (200, "overloaded_error")
    assert simulator.requests_seen - before == 1


def test_an_early_end_is_silent(client: anthropic.Anthropic) -> None:
    """9.6: the client says nothing, so that a gate must."""
    assert len(streamed(client, "cut_after_events=4")) < 5
    assert final(client, "cut_after_events=4").stop_reason is None


@pytest.mark.parametrize("fault", ["close_after_events=4", "cut_inside_event=4"])
def test_a_cut_is_an_error_of_the_transport(client: anthropic.Anthropic, fault: str) -> None:
    """9.6: no error of the SDK's own."""
    for read in (streamed, final):
        with pytest.raises(httpx2.RemoteProtocolError):
            read(client, fault)


def test_silence_is_a_read_timeout(client: anthropic.Anthropic) -> None:
    """9.6."""
    with pytest.raises(httpx2.ReadTimeout):
        streamed(client.with_options(timeout=0.2), "stall_s=3")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("drop_event=message_start", AssertionError),
        ("drop_event=content_block_start", IndexError),
        ("remove_field=usage@message_delta", AttributeError),
    ],
    ids=["no start", "no block", "no usage"],
)
def test_a_broken_stream_breaks_the_accumulator(
    client: anthropic.Anthropic, fault: str, error: type[Exception]
) -> None:
    """9.6: while reading the events one by one goes well."""
    assert streamed(client, fault)
    with pytest.raises(error):
        final(client, fault)


@pytest.mark.parametrize("fault", ["done_event", "unknown_event=2"])
def test_more_than_expected_changes_nothing(client: anthropic.Anthropic, fault: str) -> None:
    """9.6."""
    message = final(client, fault)
    assert message.stop_reason == "max_tokens"
    assert message.content == final(client, "delay_s=0").content


def test_a_missing_field_is_none_unless_validation_is_strict(
    send: Send, simulator: SimulatorThread
) -> None:
    """13."""
    assert send("remove_field=stop_reason").stop_reason is None
    with (
        anthropic.Anthropic(
            api_key="sk-wire-suite",
            base_url=simulator.base_url,
            _strict_response_validation=True,
        ) as strict,
        pytest.raises(anthropic.APIResponseValidationError),
    ):
        strict.messages.create(
            model="claude-haiku-5-5",
            max_tokens=50,
            messages=HI,
            extra_headers={"x-l9gate-fault": "remove_field=usage"},
        )


def test_the_asynchronous_client_fares_alike(simulator: SimulatorThread) -> None:
    """9.6, 13."""

    async def ask() -> tuple[int, str | None, str | None]:
        async with anthropic.AsyncAnthropic(
            api_key="sk-wire-suite", base_url=simulator.base_url
        ) as client:
            with pytest.raises(anthropic.OverloadedError) as caught:
                await client.messages.create(
                    model="claude-haiku-5-5",
                    max_tokens=50,
                    messages=HI,
                    extra_headers={"x-l9gate-fault": f"status=529,{AT_ONCE}"},
                )
            async with client.messages.stream(
                model="claude-haiku-5-5",
                max_tokens=50,
                messages=HI,
                extra_headers={"x-l9gate-fault": "cut_after_events=3"},
            ) as events:
                cut = await events.get_final_message()
            whole = await client.messages.create(
                model="claude-haiku-5-5", max_tokens=50, messages=HI
            )
        return caught.value.status_code, cut.stop_reason, whole.stop_reason

    assert asyncio.run(ask()) == (529, None, "max_tokens")
