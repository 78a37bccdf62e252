"""H-03: the API's prompt cache, told apart from the application's."""

from collections.abc import Callable

import pytest

from l9gate.criteria.criterion import Scope
from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.prompt_cache import (
    measure_prompt_cache,
    observe_prompt_cache_hit,
    read_prompt_cache_efficiency,
    read_prompt_cache_saved,
    read_prompt_cache_share,
)
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import AnyRecord, Exchange, Origin, TestOutcome
from l9gate.wire.messages import Usage
from l9gate.wire.prices import PriceList

Build = Callable[..., Exchange]
LIVE = Scope(layers=(), kind=Origin.LIVE, environment="production")
OPUS = "claude-opus-5"  # caches from 512 tokens on; 5 USD a million


def usage(plain: int = 0, read: int = 0, written: int = 0) -> Usage:
    return Usage(
        input_tokens=plain, cache_read_input_tokens=read, cache_creation_input_tokens=written
    )


def excerpt(*records: AnyRecord) -> Excerpt:
    return Excerpt(MemoryLog(records), LIVE)


def test_only_requests_with_a_breakpoint_are_the_denominator(exchange: Build) -> None:
    """A prompt that nobody asked to cache says nothing about the cache."""
    found = measure_prompt_cache(
        [
            exchange(model=OPUS, cache_ttl_s=300, usage=usage(plain=100, written=900)),
            exchange(model=OPUS, cache_ttl_s=300, usage=usage(plain=100, read=900)),
            exchange(model=OPUS, usage=usage(plain=50_000)),
            exchange(model=OPUS, cache_ttl_s=300, usage=None),
        ],
        PriceList(),
    )
    assert (found.requests, found.hits, found.idle, found.short) == (2, 1, 0, 0)
    assert (found.input_tokens, found.read_tokens, found.written_tokens) == (2000, 900, 900)
    assert (found.read_share, found.efficiency) == (0.45, 0.5)


@pytest.mark.parametrize(("tokens", "short"), [(511, 1), (512, 0)])
def test_a_prompt_too_short_to_be_cached_is_left_out_and_counted(
    exchange: Build, tokens: int, short: int
) -> None:
    one = exchange(model=OPUS, cache_ttl_s=300, usage=usage(plain=tokens))
    found = measure_prompt_cache([one], PriceList())
    assert (found.requests, found.short) == (1 - short, short)
    reading = read_prompt_cache_share(excerpt(one))
    assert reading.value == (None if short else 0.0)
    words = "too short to be cached" if short else "neither read nor wrote"
    assert words in (reading.note or "")


def test_usage_that_tells_of_the_cache_counts_though_the_body_was_not_read(
    exchange: Build,
) -> None:
    """A body that passed in pieces: its breakpoints are not known, its usage is."""
    found = measure_prompt_cache([exchange(usage=usage(plain=100, read=300))], PriceList())
    assert (found.requests, found.read_share) == (1, 0.75)


def test_savings_take_dearer_writes_off(exchange: Build) -> None:
    """A million tokens: written for 6.25 USD instead of 5, then read for 0.50."""
    write = exchange(model=OPUS, cache_ttl_s=300, usage=usage(written=1_000_000))
    read = exchange(model=OPUS, cache_ttl_s=300, usage=usage(read=1_000_000))
    assert read_prompt_cache_saved(excerpt(write)).value == pytest.approx(-1.25)
    assert read_prompt_cache_saved(excerpt(write, read)).value == pytest.approx(-1.25 + 4.5)
    nobody = exchange(model="nobody-1", cache_ttl_s=300, usage=usage(read=2000))
    assert read_prompt_cache_saved(excerpt(write, nobody)).value is None


def test_without_a_cacheable_request_nothing_is_known(exchange: Build) -> None:
    nothing = excerpt(exchange())
    for read in (read_prompt_cache_share, read_prompt_cache_efficiency, read_prompt_cache_saved):
        found = read(nothing)
        assert (found.value, found.n, found.note) == (None, 0, "no request has a cache breakpoint")
    assert observe_prompt_cache_hit(nothing) == []


def test_hits_are_requests_that_read_anything(exchange: Build) -> None:
    seen = excerpt(
        exchange(model=OPUS, cache_ttl_s=300, usage=usage(written=600)),
        exchange(model=OPUS, cache_ttl_s=300, usage=usage(read=600, written=10)),
        exchange(model=OPUS, cache_ttl_s=300, usage=usage(plain=10)),
    )
    assert [one.value for one in observe_prompt_cache_hit(seen)] == [0.0, 1.0]


def test_what_tests_about_failures_sent_is_left_out(
    exchange: Build, outcome: Callable[..., TestOutcome]
) -> None:
    test = outcome(node_id="t", expects_error=("overloaded_error",))
    sent = exchange(owner="t", model=OPUS, cache_ttl_s=300, usage=usage(read=600))
    assert read_prompt_cache_share(excerpt(test, sent)).n == 0
    assert read_prompt_cache_share(excerpt(sent)).n == 1
