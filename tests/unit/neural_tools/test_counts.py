from concurrent.futures import ThreadPoolExecutor

from neural_tools.counts import Statistics, Tally


def test_counts_from_several_threads_are_all_there() -> None:
    """S-02."""
    tally = Tally()

    def count(_: int) -> None:
        tally.add(operations=1, hits=1)
        tally.add_fallback("timeout")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, range(200)))
    assert tally.snapshot() == Statistics(operations=200, hits=200, fallbacks={"timeout": 200})


def test_a_snapshot_does_not_change_later() -> None:
    """S-02."""
    tally = Tally()
    before = tally.snapshot()
    tally.add(misses=2)
    tally.add_fallback("timeout")
    assert before == Statistics()
    assert tally.snapshot().hit_rate == 0.0
