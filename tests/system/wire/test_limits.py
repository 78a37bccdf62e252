"""Rate limits as clients see them: sections 7.3, 12 and 13, on organisations with tiny tiers."""

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TypeAlias

import anthropic
import pytest

from l9gate.net.client import ClientResponse
from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.limits import Tier
from l9gate.simulator.server import SimulatorThread
from l9gate.wire.json import JsonObject

Ask: TypeAlias = Callable[..., ClientResponse]
Refused: TypeAlias = Callable[[ClientResponse], tuple[int, str, str]]
LONG: JsonObject = {"messages": [{"role": "user", "content": "word " * 2000}]}


@pytest.fixture
def served() -> Iterator[Callable[[Tier], str]]:
    """Start a simulator whose organisation has such a tier."""
    running: list[SimulatorThread] = []

    def start(tier: Tier) -> str:
        config = SimulatorConfig(load_factor=0, tier=tier)
        running.append(SimulatorThread(config).start())
        return running[-1].base_url

    yield start
    for simulator in running:
        simulator.stop()


def left(answer: ClientResponse, name: str) -> int:
    return int(answer.headers[f"anthropic-ratelimit-{name}-remaining"])


def test_the_limit_is_that_of_the_tier(ask: Ask, served: Callable[[Tier], str]) -> None:
    """12.2."""
    url = served(
        Tier(requests_per_min=50, input_tokens_per_min=30_000, output_tokens_per_min=8_000)
    )
    headers = ask(base_url=url).headers
    limits = {
        name: headers[f"anthropic-ratelimit-{name}-limit"]
        for name in ("requests", "input-tokens", "output-tokens", "tokens")
    }
    assert limits == {
        "requests": "50",
        "input-tokens": "30000",
        "output-tokens": "8000",
        "tokens": "38000",
    }


def test_each_request_takes_one(ask: Ask, served: Callable[[Tier], str]) -> None:
    """12.1, 19.11: at 6 a minute nothing worth mentioning comes back meanwhile."""
    url = served(Tier(requests_per_min=6))
    assert [left(ask(base_url=url), "requests") for _ in range(5)] == [5, 4, 3, 2, 1]


def test_the_429_comes_exactly_when_the_bucket_is_empty(
    ask: Ask, refusal_in: Refused, served: Callable[[Tier], str]
) -> None:
    """12.3, 19.11, K7."""
    url = served(Tier(requests_per_min=3))
    assert [ask(base_url=url).status for _ in range(3)] == [200, 200, 200]
    answer = ask(base_url=url)
    status, kind, message = refusal_in(answer)
    assert (status, kind) == (429, "rate_limit_error")
    assert "3 requests per minute" in message
    assert 1 <= int(answer.headers["retry-after"]) <= 20


def test_a_refused_request_costs_nothing(ask: Ask, served: Callable[[Tier], str]) -> None:
    """12.1: neither one that is invalid nor one that came too early."""
    url = served(Tier(requests_per_min=2))
    assert ask({"max_tokens": -1}, base_url=url).status == 400
    assert [ask(base_url=url).status for _ in range(4)] == [200, 200, 429, 429]


@pytest.mark.parametrize(
    ("tier", "says"),
    [
        (Tier(input_tokens_per_min=3000), "3,000 input tokens per minute"),
        (Tier(output_tokens_per_min=60), "60 output tokens per minute"),
    ],
    ids=["input", "output"],
)
def test_tokens_have_buckets_of_their_own(
    ask: Ask, refusal_in: Refused, served: Callable[[Tier], str], tier: Tier, says: str
) -> None:
    """12.1, 12.3."""
    url = served(tier)
    answers = [ask(LONG, base_url=url) for _ in range(4)]
    assert answers[0].status == 200
    assert answers[-1].status == 429
    assert says in refusal_in(answers[-1])[2]


def test_what_may_be_generated_is_not_charged(ask: Ask, served: Callable[[Tier], str]) -> None:
    """12.1, 19.12: `max_tokens` plays no part, what was produced does."""
    url = served(Tier(output_tokens_per_min=20_000))
    answer = ask({"max_tokens": 20_000}, base_url=url)
    assert left(answer, "output-tokens") == 20_000  # to the nearest thousand
    assert json.loads(answer.body)["usage"]["output_tokens"] < 500


def test_models_have_buckets_of_their_own(ask: Ask, served: Callable[[Tier], str]) -> None:
    """12.1."""
    url = served(Tier(requests_per_min=1))
    models = ("claude-haiku-5-5", "claude-opus-5", "claude-sonnet-5")
    assert [ask({"model": model}, base_url=url).status for model in models] == [200] * 3
    assert [ask({"model": model}, base_url=url).status for model in models] == [429] * 3


@pytest.mark.parametrize(
    "models",
    [("claude-opus-4-8", "claude-opus-4-5"), ("claude-sonnet-4-6", "claude-sonnet-4-5")],
    ids=["Opus 4.5 to 4.8", "Sonnet 4.5 and 4.6"],
)
def test_some_families_share_a_bucket(
    ask: Ask, served: Callable[[Tier], str], models: tuple[str, str]
) -> None:
    """12.1."""
    url = served(Tier(requests_per_min=1))
    assert [ask({"model": model}, base_url=url).status for model in models] == [200, 429]


def test_counting_tokens_drains_nothing(ask: Ask, served: Callable[[Tier], str]) -> None:
    """12.1, 15: its own bucket."""
    url = served(Tier(requests_per_min=1))
    count = {"path": "/v1/messages/count_tokens", "drop": ("max_tokens",)}
    assert [ask(base_url=url, **count).status for _ in range(3)] == [200] * 3
    assert ask(base_url=url).status == 200


def test_buckets_fill_all_the_time(ask: Ask, served: Callable[[Tier], str]) -> None:
    """12.1, 19.11: limit/60 a second, not all at the end of a minute."""
    url = served(Tier(requests_per_min=600))
    levels = [left(ask(base_url=url), "requests") for _ in range(20)]
    assert levels[-1] <= 597
    time.sleep(0.5)
    assert left(ask(base_url=url), "requests") >= min(599, levels[-1] + 4)


def test_waiting_as_told_is_enough(ask: Ask, served: Callable[[Tier], str]) -> None:
    """12.3, 19.11: one retry after `retry-after` succeeds."""
    url = served(Tier(requests_per_min=60))
    while (answer := ask(base_url=url)).status == 200:
        pass
    time.sleep(int(answer.headers["retry-after"]))
    assert ask(base_url=url).status == 200


def test_the_reset_is_when_the_bucket_is_full(ask: Ask, served: Callable[[Tier], str]) -> None:
    """12.2: 30 of 60 a minute are back after half a minute."""
    url = served(Tier(requests_per_min=60))
    for _ in range(29):
        ask(base_url=url)
    reset = ask(base_url=url).headers["anthropic-ratelimit-requests-reset"]
    away = datetime.strptime(reset, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) - datetime.now(UTC)
    assert 26 <= away.total_seconds() <= 32


def test_a_stream_is_refused_before_it_begins(
    ask: Ask, refusal_in: Refused, served: Callable[[Tier], str]
) -> None:
    """9.1: with an ordinary 429."""
    url = served(Tier(requests_per_min=1))
    assert ask({"stream": True}, base_url=url).status == 200
    assert refusal_in(ask({"stream": True}, base_url=url))[:2] == (429, "rate_limit_error")


def test_the_sdk_survives_a_bucket_that_runs_empty(served: Callable[[Tier], str]) -> None:
    """13: ten calls at once against two a second, and none fails."""
    url = served(Tier(requests_per_min=120))

    async def call_all() -> list[str | None]:
        async with anthropic.AsyncAnthropic(
            api_key="sk-wire-suite", base_url=url, max_retries=6
        ) as client:

            async def call() -> str | None:
                message = await client.messages.create(
                    model="claude-haiku-5-5",
                    max_tokens=10,
                    messages=[{"role": "user", "content": "hi"}],
                )
                return message.stop_reason

            return await asyncio.gather(*(call() for _ in range(122)))

    assert asyncio.run(call_all()) == ["max_tokens"] * 122


def test_the_message_names_the_limit_as_the_api_does(
    ask: Ask, refusal_in: Refused, served: Callable[[Tier], str]
) -> None:
    """12.3."""
    url = served(Tier(requests_per_min=1))
    ask(base_url=url)
    message = refusal_in(ask(base_url=url))[2]
    assert re.match(r"This request would exceed your organization's rate limit of 1 req", message)
