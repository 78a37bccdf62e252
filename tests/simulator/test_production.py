"""Output tokens are charged while they are produced."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l9gate.measure.clock import ManualClock
from l9gate.net.http import Ending, HttpRequest, HttpResponse
from l9gate.simulator.app import SimulatorApp
from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.latency import DEFAULT, LatencyProfile
from l9gate.simulator.limits import ModelLimits, OutputBucket, Tier
from l9gate.wire.json import JsonObject

Make = Callable[..., HttpRequest]
NOW_S = 1_800_000_000.0
REMAINING = "anthropic-ratelimit-output-tokens-remaining"
TIER = Tier(output_tokens_per_min=60_000)  # 1,000 flow back in a second
EVEN = LatencyProfile(first_token_s=1.0, token_gap_s=0.0005, per_input_token_s=0)


def _bucket(per_min: int = 6_000) -> OutputBucket:
    """Return a bucket of which 1,000 are left; 100 flow back in a second."""
    bucket = OutputBucket(per_min, NOW_S)
    bucket.take(per_min - 1_000, NOW_S)
    return bucket


def test_an_answer_is_charged_evenly_from_its_first_token_to_its_last() -> None:
    bucket = _bucket()
    bucket.produce(1_500, NOW_S + 1, NOW_S + 11)
    levels = [bucket.level(NOW_S + after_s) for after_s in (0, 1, 6, 11, 21)]
    assert levels == pytest.approx([1_000, 1_100, 850, 600, 1_600])


def test_how_often_one_looks_makes_no_difference() -> None:
    rare, often = _bucket(), _bucket()
    for bucket in (rare, often):
        for number in range(7):
            bucket.produce(900, NOW_S + number, NOW_S + number + 5)
    for step in range(200):
        often.level(NOW_S + step / 10)
    assert rare.level(NOW_S + 20) == pytest.approx(often.level(NOW_S + 20))
    assert rare.level(NOW_S + 20) == pytest.approx(1_000 - 7 * 900 + 20 * 100)


def test_a_bucket_that_refills_faster_than_it_is_charged_stays_full() -> None:
    bucket = OutputBucket(6_000, NOW_S)
    bucket.produce(500, NOW_S, NOW_S + 10)
    assert bucket.level(NOW_S + 9) == 6_000


@pytest.mark.parametrize(
    ("after_s", "tokens", "level"),
    [
        (0.0, 0, 1_000),
        (4.0, 800, 600),  # more than the 600 that time had brought
        (4.0, 100, 1_300),
        (4.0, None, 800),
        (20.0, 1_500, 1_500),
        (64.0, 0, 6_000),  # no more than it holds
    ],
)
def test_what_ends_is_charged_for_what_was_produced_and_no_more(
    after_s: float, tokens: int | None, level: float
) -> None:
    bucket = _bucket()
    production = bucket.produce(1_500, NOW_S, NOW_S + 10)
    bucket.settle(production, tokens, NOW_S + after_s)
    assert bucket.level(NOW_S + after_s) == pytest.approx(level)
    later = level + 100 * 20
    assert bucket.level(NOW_S + after_s + 20) == pytest.approx(min(later, 6_000))


def test_an_answer_without_a_pace_is_charged_all_the_same() -> None:
    bucket = _bucket()
    bucket.produce(500, NOW_S, NOW_S)
    assert bucket.level(NOW_S + 1) == pytest.approx(600)


def test_a_wait_counts_what_is_produced_meanwhile() -> None:
    bucket = _bucket()
    bucket.take(1_000, NOW_S)
    assert bucket.wait_s(100, NOW_S) == pytest.approx(1.0)
    bucket.produce(1_500, NOW_S, NOW_S + 10)
    assert bucket.wait_s(100, NOW_S) == pytest.approx(16.0)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0, 20), st.integers(1, 5_000), st.floats(0, 9), st.floats(0, 20)),
        max_size=12,
    )
)
def test_one_retry_is_enough_while_answers_are_produced(
    answers: list[tuple[float, int, float, float]],
) -> None:
    """Invariant 11 of the sheet."""
    clock = ManualClock(NOW_S)
    limits = ModelLimits(Tier(output_tokens_per_min=6_000), clock.now_s())
    for wait_s, tokens, first_s, last_s in answers:
        clock.advance(wait_s)
        refused = limits.admit(1, clock.now_s())
        if refused is not None:
            clock.advance(refused.retry_after_s)
            assert limits.admit(1, clock.now_s()) is None
        now_s = clock.now_s()
        limits.produce(tokens, now_s + first_s, now_s + first_s + last_s)


class Paced:
    """A simulator whose answers take their time, which only passes when somebody waits."""

    def __init__(self, make: Make, body: JsonObject) -> None:
        self.clock = ManualClock()
        self.sleeps: asyncio.Event | None = None
        config = SimulatorConfig(tier=TIER, latency={DEFAULT: EVEN})
        self.app = SimulatorApp(config, self.clock, self._sleep)
        self._make = make
        words = f"Reply with exactly: {'x' * 60_000}"
        self._long: JsonObject = {**body, "max_tokens": 60_000}
        self._long["messages"] = [{"role": "user", "content": words}]

    async def _sleep(self, seconds: float) -> None:
        if self.sleeps is not None:
            await self.sleeps.wait()
        self.clock.advance(seconds)

    def request(self, *, stream: bool, fault: str | None = None) -> HttpRequest:
        headers = {} if fault is None else {"x-l9gate-fault": fault}
        return self._make({**self._long, "stream": stream}, headers=headers)

    def ask(self, *, stream: bool, fault: str | None = None) -> HttpResponse:
        """Return the answer of about 20,000 tokens in 10 s once its headers are there."""
        return asyncio.run(_await(self.app(self.request(stream=stream, fault=fault))))

    def remaining(self) -> int:
        """Return what is left of the output, to the thousand."""
        response = self.ask(stream=True)
        assert response.on_end is not None
        response.on_end(Ending.GONE)
        return int(response.headers[REMAINING])


async def _await(answer: HttpResponse | Awaitable[HttpResponse]) -> HttpResponse:
    return answer if isinstance(answer, HttpResponse) else await answer


async def _drain(response: HttpResponse) -> None:
    assert not isinstance(response.body, bytes)
    async for _ in response.body:
        pass


@pytest.fixture
def paced(make_request: Make, body: JsonObject) -> Paced:
    return Paced(make_request, body)


def test_a_stream_is_charged_while_it_plays(paced: Paced) -> None:
    """Section 12.1 of the sheet."""
    assert int(paced.ask(stream=True).headers[REMAINING]) == 60_000
    paced.clock.advance(4)
    left = paced.remaining()
    assert left == pytest.approx(60_000 - 5 * 1_000, abs=2_000)
    paced.clock.advance(3)
    assert paced.remaining() == pytest.approx(left - 4 * 1_000, abs=2_000)


def test_a_stream_that_its_client_leaves_is_charged_for_what_was_produced(paced: Paced) -> None:
    response = paced.ask(stream=True)
    paced.clock.advance(4)
    assert response.on_end is not None
    response.on_end(Ending.GONE)
    left = paced.remaining()
    paced.clock.advance(1)
    assert 54_000 <= left <= 58_000
    assert paced.remaining() == pytest.approx(left + 1_800, abs=1_100)


def test_a_stream_that_is_cut_is_charged_for_what_was_sent(paced: Paced) -> None:
    began_s = paced.clock.now_s()
    response = paced.ask(stream=True, fault="stall_s=8,stall_at_event=4,cut_after_events=5")
    asyncio.run(_drain(response))
    assert paced.clock.now_s() - began_s == pytest.approx(9, abs=0.1)
    assert response.on_end is not None
    response.on_end(Ending.WHOLE)
    assert paced.remaining() == 60_000


def test_a_whole_answer_is_charged_when_its_headers_come(paced: Paced) -> None:
    left = int(paced.ask(stream=False).headers[REMAINING])
    assert left == pytest.approx(60_000 - 10_000, abs=3_000)


def test_a_header_that_a_fault_changed_stays_so(paced: Paced) -> None:
    fault = f"set_header={REMAINING}:7,drop_header=anthropic-ratelimit-tokens-remaining"
    headers = paced.ask(stream=False, fault=fault).headers
    assert headers[REMAINING] == "7"
    assert "anthropic-ratelimit-tokens-remaining" not in headers


def test_who_leaves_before_the_answer_comes_ends_its_production(paced: Paced) -> None:
    async def leave() -> None:
        paced.sleeps = asyncio.Event()
        task = asyncio.ensure_future(_await(paced.app(paced.request(stream=False))))
        await asyncio.sleep(0)
        paced.clock.advance(4)  # 6,000 tokens, of which 3,000 have flowed back
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        paced.sleeps = None

    asyncio.run(leave())
    paced.clock.advance(3)
    assert paced.remaining() == 60_000
