"""H-03: entries of the prompt cache end on time, seen by their users as the gate sees them."""

from collections.abc import Callable

import httpx2
import msgspec
import pytest

from l9gate.criteria.prompt_cache import PromptCacheUse, measure_prompt_cache
from l9gate.evidence.records import Exchange
from l9gate.measure.clock import ManualClock
from l9gate.net.http import HttpResponse
from l9gate.observe.exchange import ExchangeTrace
from l9gate.observe.origins import Origins, Target
from l9gate.observe.watch import Stop
from l9gate.wire.json import JsonObject
from l9gate.wire.prices import PriceList

HOST = "127.0.0.1:8700"
LONG = "word " * 1_000  # about 1,250 tokens; this model caches from 512 on
Ask = Callable[..., HttpResponse]


class User:
    """Asks one question again and again; its exchanges are recorded."""

    def __init__(self, ask: Ask, clock: ManualClock, control: JsonObject) -> None:
        self._ask = ask
        self._clock = clock
        system: JsonObject = {"type": "text", "text": LONG, "cache_control": control}
        self._body: JsonObject = {
            "model": "claude-opus-5",
            "max_tokens": 20,
            "system": [system],
            "messages": [{"role": "user", "content": "Which function opens a file?"}],
        }

    def ask_after(self, pause_s: float) -> Exchange:
        self._clock.advance(pause_s)
        request = httpx2.Request("POST", f"http://{HOST}/v1/messages", json=self._body)
        trace = ExchangeTrace(request, self._clock, Origins(Target(HOST)))
        answer = self._ask(self._body)
        assert isinstance(answer.body, bytes)
        trace.answered(httpx2.Response(answer.status, headers=answer.headers, content=answer.body))
        assert trace.close(Stop.READ)
        return trace.record()


def used(exchanges: list[Exchange]) -> PromptCacheUse:
    return measure_prompt_cache(exchanges, PriceList())


@pytest.mark.parametrize(("control", "ttl_s"), [({}, 300), ({"ttl": "1h"}, 3600)])
def test_a_read_after_the_lifetime_is_a_write_again(
    ask: Ask, clock: ManualClock, control: JsonObject, ttl_s: int
) -> None:
    """Use prolongs an entry: each pause is counted from the last use."""
    user = User(ask, clock, {"type": "ephemeral", **control})
    within = [user.ask_after(0), user.ask_after(ttl_s - 1), user.ask_after(ttl_s - 1)]
    late = user.ask_after(ttl_s)
    assert {one.cache_ttl_s for one in (*within, late)} == {ttl_s}
    before, after = used(within), used([late])
    assert (before.requests, before.hits, before.idle) == (3, 2, 0)
    assert before.read_tokens == 2 * before.written_tokens > 1_000
    assert (after.hits, after.read_tokens) == (0, 0)
    assert after.written_tokens == before.written_tokens
    assert before.efficiency == pytest.approx(2 / 3)
    assert after.efficiency == 0.0


def test_a_prefix_that_is_written_and_never_read_costs_more_than_no_cache(
    ask: Ask, clock: ManualClock
) -> None:
    user = User(ask, clock, {"type": "ephemeral"})
    wasted = used([user.ask_after(301) for _ in range(3)])
    assert wasted.saved_usd is not None
    assert wasted.saved_usd == pytest.approx(-0.25 * 5e-6 * wasted.written_tokens)
    assert used([user.ask_after(1) for _ in range(3)]).saved_usd == pytest.approx(
        0.9 * 5e-6 * wasted.written_tokens
    )


def test_a_question_of_somebody_else_reads_nothing(ask: Ask, clock: ManualClock) -> None:
    """An entry belongs to the prompt that wrote it."""
    one = User(ask, clock, {"type": "ephemeral"})
    one.ask_after(0)
    other = User(ask, clock, {"type": "ephemeral"})
    other._body["system"] = msgspec.json.decode(
        msgspec.json.encode(other._body["system"]).replace(b"word", b"term")
    )
    assert used([other.ask_after(1)]).hits == 0
    assert used([one.ask_after(1)]).hits == 1
