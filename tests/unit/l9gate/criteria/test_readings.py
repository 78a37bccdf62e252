from collections.abc import Callable

from l9gate.criteria.criterion import Scope
from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.readings import (
    Pace,
    read_executed,
    read_failures,
    read_growth,
    read_misconduct,
    read_own_faults,
    read_pass_rate,
    read_runtime,
    read_throughput,
)
from l9gate.evidence.gauges import RSS
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import (
    AnyRecord,
    Conduct,
    Exchange,
    Fault,
    Gauge,
    Layer,
    LayerRun,
    Origin,
    TestOutcome,
    TestState,
)

T0_S = 1_700_000_000.0


def excerpt(*records: AnyRecord, **where: str) -> Excerpt:
    scope = Scope(layers=tuple(Layer), kind=Origin.LIVE, environment="staging")
    return Excerpt(MemoryLog(records), scope, where=where)


def test_nothing_executed_is_no_number(outcome: Callable[..., TestOutcome]) -> None:
    """C-11."""
    skipped = excerpt(outcome(state=TestState.SKIPPED))
    for read in (read_pass_rate, read_failures, read_executed):
        assert read(skipped).value is None
        assert read(excerpt()).value is None


def test_tests_are_counted(outcome: Callable[..., TestOutcome]) -> None:
    states = [TestState.PASSED, TestState.PASSED, TestState.SKIPPED, TestState.ERROR]
    seen = excerpt(*[outcome(state=state) for state in states])
    assert (read_pass_rate(seen).value, read_pass_rate(seen).n) == (0.5, 4)
    assert (read_failures(seen).value, read_failures(seen).n) == (1.0, 3)
    assert read_executed(seen).value == 3.0
    assert read_pass_rate(seen).note == "1 skipped, 1 error"


def test_runtime_is_the_sum_of_the_sessions(layer_run: Callable[..., LayerRun]) -> None:
    seen = excerpt(layer_run(runtime_s=2.0), layer_run(runtime_s=3.5, layer=Layer.CONTRACT))
    assert (read_runtime(seen).value, read_runtime(seen).n) == (5.5, 2)
    narrowed = excerpt(layer_run(), layer_run(layer=Layer.CONTRACT), layer="contract")
    assert read_runtime(narrowed).n == 1
    assert read_runtime(excerpt()).value is None


def test_growth_is_the_median_of_the_last_third_over_the_base(
    gauge: Callable[..., Gauge],
) -> None:
    """C-07: one high reading is no leak, and one low one does not hide it."""
    values = (100e6, 150e6, 150e6, 150e6, 110e6, 150e6, 112e6, 500e6, 111e6)
    seen = excerpt(*[gauge(operations=count, value=value) for count, value in enumerate(values)])
    reading = read_growth(RSS)(seen)
    assert (reading.value, reading.n) == (12e6, 8)


def test_growth_is_that_of_the_worst_span_and_counts_the_shortest(
    gauge: Callable[..., Gauge],
) -> None:
    spans = [("a", 1000, 110e6), ("b", 10, 130e6)]
    seen = excerpt(
        *[gauge(span=span) for span, _, _ in spans],
        *[gauge(span=span, operations=count, value=value) for span, count, value in spans],
        gauge(name="open_descriptors", operations=5, value=9e9),
    )
    reading = read_growth(RSS)(seen)
    assert (reading.value, reading.n) == (30e6, 10)
    assert reading.note == "worst of 2 spans: b, 10 operations"


def test_growth_without_a_base_or_without_operations_is_unknown(
    gauge: Callable[..., Gauge],
) -> None:
    for readings in ([gauge(operations=10)], [gauge()]):
        reading = read_growth(RSS)(excerpt(*readings))
        assert reading.value is None
        assert reading.note == "no reading before the first operation, or none after it"
    assert read_growth(RSS)(excerpt()).note is None


def test_where_narrows_gauges(gauge: Callable[..., Gauge]) -> None:
    seen = excerpt(gauge(), gauge(operations=5, value=101e6), gauge(span="x"), span="sustained")
    assert read_growth(RSS)(seen).value == 1e6


def test_own_faults_are_counted_once_something_was_seen(
    exchange: Callable[..., Exchange],
) -> None:
    fault = Fault(at_s=T0_S, where="recorder", error_class="KeyError", count=3)
    reading = read_own_faults(excerpt(exchange(), fault))
    assert (reading.value, reading.n, reading.evidence) == (3.0, 1, ("recorder: KeyError",))
    assert read_own_faults(excerpt(exchange())).value == 0.0
    assert read_own_faults(excerpt(fault)).value == 3.0
    assert read_own_faults(excerpt()).value is None


def _conduct(requests: int, **misconduct: int) -> Conduct:
    examples = tuple(f"{name}: seen" for name in misconduct)
    return Conduct(
        at_s=T0_S, client="app/1", requests=requests, retries=0, left=0,
        misconduct=misconduct, examples=examples,
    )  # fmt: skip


def test_misconduct_of_all_clients_is_added_up() -> None:
    conducts = (_conduct(5, no_backoff=2), _conduct(7, no_backoff=1, retry_storm=1), _conduct(3))
    reading = read_misconduct(excerpt(*conducts))
    assert (reading.value, reading.n) == (4.0, 15)
    assert reading.note == "3 no_backoff, 1 retry_storm"
    assert reading.evidence[0] == "app/1: no_backoff: seen"


def test_good_conduct_is_a_zero_and_no_simulator_is_no_number() -> None:
    reading = read_misconduct(excerpt(_conduct(3)))
    assert (reading.value, reading.n, reading.note) == (0.0, 3, None)
    nothing = read_misconduct(excerpt())
    assert (nothing.value, nothing.n) == (None, 0)
    assert nothing.note == "only the simulator of a rehearsal can see it"


def test_throughput_runs_from_the_first_sent_to_the_last_ended(
    exchange: Callable[..., Exchange],
) -> None:
    """L3-07: successes only."""
    seen = excerpt(
        exchange(due_s=T0_S), exchange(due_s=T0_S + 9.5), exchange(due_s=T0_S + 99, status=500)
    )
    assert read_throughput(seen) == Pace(count=2, window_s=10.0)
    assert read_throughput(excerpt()) == Pace(count=0, window_s=0.0)
