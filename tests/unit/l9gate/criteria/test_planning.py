"""What a run can be expected to decide."""

from collections.abc import Callable, Iterable

import pytest

from l9gate.criteria.criterion import Criterion, Scope, State
from l9gate.criteria.planning import Outlook, look_ahead
from l9gate.criteria.policy import default_policy_text, parse_policy
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import Exchange, Layer, Origin, TestOutcome
from l9gate.measure.sequential import Stopping
from l9gate.wire.messages import Usage

PERFORMANCE = Layer.PERFORMANCE
TEXT = """
format = 1
[[criterion]]
name = "one"
role = "exit"
layers = ["performance"]
require = "{}"
why = "x"
"""
Calls = Callable[..., MemoryLog]


def criterion(require: str, more: str = "") -> Criterion:
    (found,) = parse_policy(TEXT.format(require) + more).criteria
    return found


@pytest.fixture
def calls(exchange: Callable[..., Exchange], outcome: Callable[..., TestOutcome]) -> Calls:
    """Return a log of calls one second apart, `slow` of them over two seconds."""

    def build(n: int, slow: int = 0, **facts: object) -> MemoryLog:
        def sent() -> Iterable[Exchange]:
            for number in range(n):
                took_s = 3.0 if number < slow else 0.5
                at_s = 1000.0 + number
                yield exchange(
                    latency_s=took_s,
                    exchange_id=f"e{number}",
                    call_id=f"c{number}",
                    layer=PERFORMANCE,
                    due_s=at_s,
                    sent_s=at_s,
                    ended_s=at_s + took_s,
                    model="claude-haiku-5-5",
                    usage=Usage(input_tokens=1000, output_tokens=100),
                    **facts,
                )

        return MemoryLog([*sent(), outcome(layer=PERFORMANCE)])

    return build


@pytest.fixture
def ahead(scope: Callable[..., Scope]) -> Callable[..., Outlook]:
    def look(
        require: str, log: MemoryLog | None, kind: Origin = Origin.LIVE, more: str = ""
    ) -> Outlook:
        asked = scope(layers=(PERFORMANCE,))
        seen = scope(layers=(PERFORMANCE,), kind=kind)
        earlier = None if log is None else ("run-1", log, seen)
        return look_ahead(criterion(require, more), asked, earlier)

    return look


@pytest.mark.parametrize(
    ("require", "needs", "basis"),
    [
        ("p50(latency_s) < 800ms", 5, "calls"),
        ("p95(latency_s) < 2s", 59, "calls"),
        ("p99(latency_s) < 3s", 299, "calls"),
        ("rate(error) <= 5%", 59, "calls"),
        ("rate(cache_hit) > 30%", 3, "look-ups"),
        ("failures == 0", None, "tests"),
    ],
)
def test_without_an_earlier_run_only_the_need_is_known(
    ahead: Callable[..., Outlook], require: str, needs: int | None, basis: str
) -> None:
    found = ahead(require, None)
    assert (found.needs, found.basis) == (needs, basis)
    assert (found.expected, found.chance, found.minutes, found.usd) == (None, None, None, None)
    assert "no earlier run" in found.unknown[0]


def test_the_chance_is_that_of_the_binomial_at_the_rate_seen(
    ahead: Callable[..., Outlook], calls: Calls
) -> None:
    """93 calls with one too slow: of as many again at most one may be (methods.md 4.1)."""
    found = ahead("p95(latency_s) < 2s", calls(93, slow=1))
    share = 1 / 93
    exact = (1 - share) ** 93 + 93 * share * (1 - share) ** 92
    assert found.seen is not None
    assert (found.expected, found.seen.wrong, found.seen.state) == (93, 1, State.KEPT)
    assert found.chance == pytest.approx(exact)
    assert found.cautious_chance is not None
    assert found.cautious_chance < exact
    assert found.needs_likely == 124
    assert found.unknown == ()


def test_too_few_samples_can_never_show_it(ahead: Callable[..., Outlook], calls: Calls) -> None:
    found = ahead("p95(latency_s) < 2s", calls(20))
    assert (found.expected, found.chance, found.cautious_chance) == (20, 0.0, 0.0)


def test_minutes_and_dollars_are_those_of_the_calls_it_needs(
    ahead: Callable[..., Outlook], calls: Calls
) -> None:
    found = ahead("p95(latency_s) < 2s", calls(20))
    window_s = 19 + 0.5
    assert found.minutes == pytest.approx(59 * window_s / 20 / 60)
    assert found.usd == pytest.approx(59 * (1000 * 0.1 + 100 * 0.5) / 1e6)


def test_a_rehearsal_tells_how_many_and_not_how_likely(
    ahead: Callable[..., Outlook], calls: Calls
) -> None:
    log = calls(100, origin=Origin.SIMULATED)
    found = ahead("p95(latency_s) < 2s", log, Origin.SIMULATED)
    assert (found.expected, found.chance, found.needs_likely) == (100, None, None)
    assert "only a rehearsal" in found.unknown[0]


def test_a_run_without_a_sample_says_so(ahead: Callable[..., Outlook]) -> None:
    found = ahead("p95(latency_s) < 2s", MemoryLog())
    assert (found.expected, found.chance) == (0, None)
    assert "gave no sample" in found.unknown[0]


def test_a_pace_is_as_likely_as_so_many_events(ahead: Callable[..., Outlook], calls: Calls) -> None:
    """Garwood: 40 in 60 s are needed to show more than 0.5 a second."""
    found = ahead("throughput_per_s > 0.5", calls(60))
    assert (found.needs, found.needs_s) == (None, 30)
    assert found.chance is not None
    assert 0.99 < found.chance < 1
    assert ahead("throughput_per_s < 0.5", calls(60)).chance is None


def test_hits_that_are_wanted_count_misses_as_wrong(
    ahead: Callable[..., Outlook], calls: Calls
) -> None:
    found = ahead("rate(error) >= 5%", calls(60))
    assert found.seen is not None
    assert (found.seen.wrong, found.chance) == (60, 0.0)
    assert found.needs_likely is None


def test_a_waived_criterion_is_planned_as_what_it_asks(ahead: Callable[..., Outlook]) -> None:
    waiver = 'not_applicable = { reason = "r", owner = "o", expires = 2099-01-01 }\n'
    assert ahead("p95(latency_s) < 2s", None, more=waiver).needs == 59


def test_the_policy_that_is_shipped_can_be_planned(scope: Callable[..., Scope]) -> None:
    policy = parse_policy(default_policy_text())
    found = [look_ahead(one, scope(layers=tuple(Layer)), None) for one in policy.criteria]
    assert {one.criterion: one.needs for one in found}["latency-p99"] == 299


def test_what_is_no_sample_of_calls_has_neither_minutes_nor_chance(
    ahead: Callable[..., Outlook], calls: Calls
) -> None:
    tests = ahead("failures == 0", calls(3))
    assert (tests.seen is not None, tests.chance, tests.minutes) == (True, None, None)
    floor = ahead("p50(latency_s) > 10ms", calls(30))
    assert (floor.needs, floor.chance) == (5, 1.0)


def test_scenarios_are_counted_in_tests(
    scope: Callable[..., Scope], outcome: Callable[..., TestOutcome]
) -> None:
    text = (
        TEXT.replace("require =", "require_scenarios =").format('x"]').replace('= "x"]"', '= ["x"]')
    )
    (asked,) = parse_policy(text).criteria
    log = MemoryLog([outcome(layer=PERFORMANCE, scenarios=("x",))])
    here = scope(layers=(PERFORMANCE,))
    found = look_ahead(asked, here, ("run-1", log, here))
    assert (found.basis, found.expected, found.needs) == ("tests", 1, None)


def test_run_that_may_stop_says_how_long_it_takes_at_assumed_shares(
    scope: Callable[..., Scope], calls: Calls
) -> None:
    """Methods.md 4.4: 88 samples of a perfect build; ten of one where everything is wrong."""
    here = scope(layers=(PERFORMANCE,), stopping=Stopping.ANYTIME)
    found = look_ahead(criterion("p95(latency_s) < 2s"), here, ("run-1", calls(100, 1), here))
    by_share = {one.wrong_share: one for one in found.anytime}
    assert list(by_share) == pytest.approx([0.0, 0.01, 0.025, 0.1, 1.0])
    assert by_share[0.0].mean_n == pytest.approx(88)
    assert by_share[1.0].mean_n == pytest.approx(10)
    assert by_share[0.01].kept > 0.99
    unseen = look_ahead(criterion("p95(latency_s) < 2s"), here, None).anytime
    assert [one.wrong_share for one in unseen] == pytest.approx([0.0, 0.025, 0.1, 1.0])
    assert look_ahead(criterion("failures == 0"), here, None).anytime == ()
    once = scope(layers=(PERFORMANCE,))
    assert look_ahead(criterion("p95(latency_s) < 2s"), once, None).anytime == ()
