import pytest

from l9gate.measure.clock import ManualClock
from neural_tools.cache import Remembered, TtlCache


def make(clock: ManualClock, ttl_s: float = 10.0, max_entries: int = 3) -> TtlCache[str]:
    return TtlCache(ttl_s=ttl_s, max_entries=max_entries, clock=clock.now_s)


def value_of(found: Remembered[str] | None) -> str | None:
    return None if found is None else found.value


@pytest.mark.scenario("cache_ttl")
def test_an_entry_is_a_hit_before_its_time_to_live_and_a_miss_after(clock: ManualClock) -> None:
    """S-03."""
    cache = make(clock)
    cache.put("k", "v")
    clock.advance(9.999)
    assert value_of(cache.get("k")) == "v"
    clock.advance(0.001)
    assert cache.get("k") is None
    statistics = cache.statistics()
    assert (statistics.hits, statistics.misses, statistics.expired) == (1, 1, 1)
    assert statistics.entries == 0


def test_a_hit_tells_how_long_ago_its_answer_was_put(clock: ManualClock) -> None:
    """E-06: whoever counts hits can see that none was older than it may be."""
    cache = make(clock)
    cache.put("k", "v")
    clock.advance(4)
    cache.put("l", "w")
    clock.advance(2)
    ages = [found.age_s for key in "kl" if (found := cache.get(key)) is not None]
    assert ages == pytest.approx([6, 2])


@pytest.mark.scenario("cache_ttl")
def test_the_time_to_live_counts_from_the_put_and_not_from_the_last_use(
    clock: ManualClock,
) -> None:
    """S-03."""
    cache = make(clock)
    cache.put("k", "v")
    clock.advance(6)
    assert value_of(cache.get("k")) == "v"
    clock.advance(6)
    assert cache.get("k") is None
    cache.put("k", "w")
    clock.advance(6)
    assert value_of(cache.get("k")) == "w"


def test_a_full_cache_drops_what_was_unused_for_longest(clock: ManualClock) -> None:
    cache = make(clock)
    for key in "abc":
        cache.put(key, key)
    cache.get("a")
    cache.put("d", "d")
    assert [value_of(cache.peek(key)) for key in "abcd"] == ["a", None, "c", "d"]
    assert cache.statistics().evicted == 1


def test_the_hit_rate_is_unknown_before_the_first_look_up(clock: ManualClock) -> None:
    """S-03."""
    cache = make(clock)
    assert cache.statistics().hit_rate is None
    cache.put("a", "a")
    cache.get("a")
    cache.get("b")
    assert cache.statistics().hit_rate == 0.5


def test_peeking_counts_nothing(clock: ManualClock) -> None:
    cache = make(clock)
    cache.put("a", "a")
    assert (value_of(cache.peek("a")), cache.peek("b")) == ("a", None)
    assert cache.statistics().hit_rate is None


def test_a_time_to_live_of_nothing_switches_the_cache_off(clock: ManualClock) -> None:
    cache = make(clock, ttl_s=0)
    cache.put("a", "a")
    assert not cache.is_on
    assert cache.get("a") is None


def test_clearing_forgets_entries_and_keeps_counts(clock: ManualClock) -> None:
    cache = make(clock)
    cache.put("a", "a")
    cache.get("a")
    cache.clear()
    assert cache.get("a") is None
    assert cache.statistics().hits == 1
