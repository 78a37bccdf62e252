"""H-03, E-06: what the application's own cache avoided, and whether what it served was fresh."""

from collections.abc import Callable

import pytest

from l9gate.criteria.caches import (
    read_avoided_calls,
    read_avoided_s,
    read_avoided_tokens,
    read_avoided_usd,
    read_cache_efficiency,
    read_stale_hits,
)
from l9gate.criteria.criterion import Scope
from l9gate.criteria.excerpt import Excerpt
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import AnyRecord, CacheState, Exchange, Origin, Signal
from l9gate.wire.messages import Usage

Build = Callable[..., Exchange]
Tell = Callable[..., Signal]
LIVE = Scope(layers=(), kind=Origin.LIVE, environment="production")
HIT = CacheState.HIT


def excerpt(*records: AnyRecord) -> Excerpt:
    return Excerpt(MemoryLog(records), LIVE)


def test_a_hit_avoids_a_call_and_its_tokens(signal: Tell) -> None:
    seen = excerpt(
        signal(cache=HIT, avoided_input_tokens=900, avoided_output_tokens=100),
        signal(cache=HIT, avoided_input_tokens=500),
        signal(),
        signal(cache=CacheState.OFF),
    )
    calls, tokens = read_avoided_calls(seen), read_avoided_tokens(seen)
    assert (calls.value, calls.n) == (2.0, 3)
    assert (tokens.value, tokens.n) == (1500.0, 3)


def test_avoided_time_is_hits_times_what_one_saves(signal: Tell) -> None:
    """The median of misses is 0.8 s, of hits 0.01 s; a degraded answer is neither."""
    seen = excerpt(
        *(signal(duration_s=s) for s in (0.6, 0.8, 4.0)),
        *(signal(cache=HIT, duration_s=s) for s in (0.01, 0.01, 0.5)),
        *(signal(duration_s=0.001, fallback="timeout") for _ in range(9)),
    )
    assert read_avoided_s(seen).value == pytest.approx(3 * (0.8 - 0.01))


def test_avoided_time_needs_a_miss_to_compare_with(signal: Tell) -> None:
    assert read_avoided_s(excerpt(signal(cache=HIT))).value is None
    assert read_avoided_s(excerpt(signal())).value == 0.0
    assert read_avoided_s(excerpt()).value is None


def test_a_cache_that_is_slower_than_the_call_costs_time(signal: Tell) -> None:
    assert read_avoided_s(excerpt(signal(), signal(cache=HIT, duration_s=0.7))).value == (
        pytest.approx(-0.1)
    )


def test_dollars_are_priced_by_the_model_that_a_hit_names(exchange: Build, signal: Tell) -> None:
    million = {"cache": HIT, "avoided_input_tokens": 1_000_000}
    mixed = (exchange(model="claude-opus-5"), exchange(model="claude-opus-5-5"))
    named = signal(**million, model="claude-opus-5-5")
    assert read_avoided_usd(excerpt(named, *mixed)).value == pytest.approx(4.0)
    assert read_avoided_usd(excerpt(signal(**million), *mixed)).value is None
    assert read_avoided_usd(excerpt(signal(**million), mixed[0])).value == pytest.approx(5.0)
    assert "no price" in (read_avoided_usd(excerpt(signal(**million), *mixed)).note or "")


def test_efficiency_is_avoided_tokens_by_avoided_and_used_ones(
    exchange: Build, signal: Tell
) -> None:
    used = exchange(usage=Usage(input_tokens=200, cache_read_input_tokens=80, output_tokens=20))
    hit = signal(cache=HIT, avoided_input_tokens=90, avoided_output_tokens=10)
    assert read_cache_efficiency(excerpt(used, hit)).value == pytest.approx(0.25)
    assert read_cache_efficiency(excerpt(used, signal())).value == 0.0
    assert read_cache_efficiency(excerpt(used)).value is None


def test_no_look_up_avoids_nothing_that_is_known(signal: Tell) -> None:
    none = excerpt(signal(cache=CacheState.OFF))
    for read in (read_avoided_calls, read_avoided_tokens, read_avoided_usd, read_avoided_s):
        assert (read(none).value, read(none).n) == (None, 0)


def test_an_answer_served_after_its_time_to_live_is_found(signal: Tell) -> None:
    """E-06: it may be as old as its time to live, and no older."""
    fresh = signal(cache=HIT, age_s=60.0, ttl_s=60.0)
    stale = signal(cache=HIT, age_s=60.5, ttl_s=60.0, owner="tests/t.py::test_a")
    found = read_stale_hits(excerpt(fresh, stale, signal(age_s=99.0, ttl_s=1.0)))
    assert (found.value, found.n, found.note) == (1.0, 2, None)
    assert found.evidence == ("search: 60.5 s old, 60 s allowed (tests/t.py::test_a)",)


def test_hits_that_do_not_tell_their_age_show_no_freshness(signal: Tell) -> None:
    """design.md §2.3: absence is not success."""
    silent = read_stale_hits(excerpt(signal(cache=HIT), signal(cache=HIT, age_s=1.0)))
    assert (silent.value, silent.n) == (None, 0)
    assert silent.note == "2 of 2 hits do not tell `age_s` and `ttl_s`"
    some = read_stale_hits(excerpt(signal(cache=HIT), signal(cache=HIT, age_s=1.0, ttl_s=2.0)))
    assert (some.value, some.n) == (0.0, 1)
