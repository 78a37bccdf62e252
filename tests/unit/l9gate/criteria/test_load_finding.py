from collections.abc import Callable

import numpy as np
import pytest

from l9gate.criteria.criterion import Finding, Role, State
from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.expression import parse_condition
from l9gate.criteria.load_client import (
    LESS_AT_ONCE,
    MORE_PROCESSES,
    THE_CLIENT,
    read_cpu_share,
    read_lag_share,
)
from l9gate.criteria.load_finding import cost_usd, whose_slowness
from l9gate.criteria.ranked import Ranked
from l9gate.criteria.threshold import Threshold
from l9gate.evidence.load import (
    Arm,
    CallEnd,
    CallMark,
    ClientCheck,
    Entry,
    LoadBlock,
    LoadPlan,
)
from l9gate.measure.intervals import FIXED
from l9gate.wire.messages import Usage
from l9gate.wire.prices import PriceList

Block = Callable[..., LoadBlock]
Loaded = Callable[..., Excerpt]
Check = Callable[..., ClientCheck]
P95 = parse_condition("p95(load.latency_s) < 2s")


def judged(excerpt: Excerpt, condition: str = "p95(load.latency_s) < 2s") -> Finding:
    asked = Threshold(
        name="c", role=Role.EXIT, layers=frozenset(), sources=frozenset({"load"}),
        condition=parse_condition(condition), where=excerpt.where,
    )  # fmt: skip
    return asked.judge(excerpt.log, excerpt.scope)


def ranked(took_s: float, calls: int) -> Ranked:
    return Ranked(np.full(calls, took_s))


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"cpu_share": 0.85}, State.KEPT),
        ({"cpu_share": 0.851}, State.UNPROVEN),
        ({"loop_lag_s": 0.05}, State.KEPT),
        ({"loop_lag_s": 0.051}, State.UNPROVEN),
    ],
)
def test_a_client_that_is_busy_or_late_makes_its_numbers_unproven(
    fields: dict[str, float], state: State, load_block: Block, client_check: Check, loaded: Loaded
) -> None:
    calm = client_check()
    finding = judged(loaded(load_block([1.0] * 100), calm, client_check(**fields), calm))
    assert finding.state is state
    if state is State.UNPROVEN:
        assert finding.reason is not None
        assert finding.reason.startswith(THE_CLIENT)
        assert finding.decides == MORE_PROCESSES


@pytest.mark.parametrize(
    ("entry", "advice"), [(Entry.WIRE, MORE_PROCESSES), (Entry.APP, LESS_AT_ONCE)]
)
def test_more_processes_are_no_advice_for_an_application_in_this_one(
    entry: Entry, advice: str, load_block: Block, client_check: Check, loaded: Loaded
) -> None:
    plan = LoadPlan(
        at_s=0.0, span="load", entry=entry, arrivals="poisson 5/s", planned=100, starts_s=0.0,
        duration_s=20.0, seed=1, timeout_s=60.0, model=None, stream=None,
    )  # fmt: skip
    late = client_check(cpu_share=0.9)
    assert judged(loaded(plan, load_block([1.0] * 100), late)).decides == advice


@pytest.mark.parametrize(("late", "state"), [(1, State.KEPT), (2, State.UNPROVEN)])
def test_the_p99_of_all_calls_says_how_late_a_client_was(
    late: int, state: State, load_block: Block, client_check: Check, loaded: Loaded
) -> None:
    """One late call in a stretch of five is its p99, and says nothing of the load's."""
    blocks = load_block([1.0] * (100 - late)), load_block([1.0] * late, lag_s=0.06)
    finding = judged(loaded(*blocks, client_check(lag_s=0.06)))
    assert finding.state is state


def test_timeouts_hide_no_late_client(
    load_block: Block, client_check: Check, loaded: Loaded
) -> None:
    timeouts = load_block([9.0] * 10, ends=CallEnd.TIMED_OUT)
    late = client_check(loop_lag_s=0.2)
    assert judged(loaded(load_block([1.0] * 90), timeouts, late)).state is State.UNPROVEN
    assert judged(loaded(timeouts, timeouts, client_check())).reason is not None


def test_what_a_late_client_measured_breaks_nothing(
    load_block: Block, client_check: Check, loaded: Loaded
) -> None:
    excerpt = loaded(load_block([9.0] * 100), client_check(cpu_share=0.99))
    assert judged(excerpt).state is State.UNPROVEN
    assert judged(excerpt, "load.client_cpu_share <= 85%").state is State.BROKEN


def test_a_client_that_nobody_watched_proves_nothing(load_block: Block, loaded: Loaded) -> None:
    finding = judged(loaded(load_block([1.0] * 100)))
    assert finding.state is State.UNPROVEN
    assert finding.reason == f"nobody watched whether {THE_CLIENT}"


def test_a_busy_client_of_another_span_is_not_this_ones(
    load_block: Block, client_check: Check, loaded: Loaded
) -> None:
    busy = client_check(cpu_share=0.99, span="soak")
    records = load_block([1.0] * 100), client_check(), busy
    assert judged(loaded(*records)).state is State.KEPT
    assert read_cpu_share(loaded(*records, span="load")).value == 0.2
    assert read_cpu_share(loaded(*records)).value == 0.99


def test_lag_is_a_share_of_the_p99_that_is_reported(
    load_block: Block, client_check: Check, loaded: Loaded
) -> None:
    reading = read_lag_share(loaded(load_block([2.0] * 10), client_check(loop_lag_s=0.1)))
    assert (reading.value, reading.n) == (0.05, 1)
    late = read_lag_share(loaded(load_block([2.0] * 10, lag_s=0.5), client_check()))
    assert late.value == pytest.approx(0.25)
    assert read_lag_share(loaded(client_check())).value is None
    assert read_lag_share(loaded(load_block([2.0]))).value is None


def test_slow_bare_calls_say_that_the_api_is_slow() -> None:
    told = whose_slowness(ranked(3.0, 100), ranked(2.5, 60), P95, 0.05, FIXED)
    assert told == "the API is slow: so is the p95 2.5 s (2.5 … 2.5) of 60 bare calls in between"


def test_fast_bare_calls_say_that_the_application_is_slow() -> None:
    told = whose_slowness(ranked(3.0, 100), ranked(0.5, 60), P95, 0.05, FIXED)
    assert told is not None
    assert told.startswith("the application or its workload is slow, not the API")


def test_too_few_bare_calls_say_nothing_of_either() -> None:
    told = whose_slowness(ranked(3.0, 100), ranked(0.5, 20), P95, 0.05, FIXED)
    assert told is not None
    assert told.startswith("API or application: not shown")
    assert "too few" in told


def test_without_bare_calls_it_is_said_how_to_have_some() -> None:
    told = whose_slowness(ranked(3.0, 100), ranked(0.5, 0), P95, 0.05, FIXED)
    assert told is not None
    assert "--control-every" in told


def test_nobody_is_blamed_for_what_is_fast() -> None:
    assert whose_slowness(ranked(1.0, 100), ranked(9.0, 60), P95, 0.05, FIXED) is None


def test_the_finding_of_a_slow_load_says_whose_slowness_it_is(
    load_block: Block, client_check: Check, loaded: Loaded
) -> None:
    control = load_block([0.5] * 60, arm=Arm.CONTROL)
    finding = judged(loaded(load_block([3.0] * 100), control, client_check()))
    assert finding.state is State.BROKEN
    assert finding.reason is not None
    assert "not the API" in finding.reason
    kept = judged(loaded(load_block([1.0] * 100), control, client_check()))
    assert kept.reason is None


def test_a_sample_of_several_kinds_of_traffic_is_pointed_out(
    load_block: Block, client_check: Check, loaded: Loaded
) -> None:
    blocks = load_block([1.0] * 60), load_block([1.0] * 60, model="m", ttft_s=[0.5] * 60)
    finding = judged(loaded(*blocks, client_check()))
    assert finding.reason == (
        "2 models mixed; add where.model; streams and whole answers mixed; add where.stream"
    )
    assert judged(loaded(*blocks, client_check(), model="m")).reason is None


def test_answers_without_proof_are_counted_in_the_finding(
    load_block: Block, client_check: Check, loaded: Loaded
) -> None:
    unproven = load_block([1.0] * 3, marks=CallMark.NONE)
    finding = judged(loaded(unproven, client_check()))
    assert finding.reason is not None
    assert "3 answers without request id or usage count for nothing" in finding.reason
    mixed = judged(loaded(unproven, load_block([1.0] * 97), client_check()))
    assert mixed.reason == "3 answers without request id or usage count as errors"


def test_what_would_decide_it_is_told_in_calls_and_dollars(
    load_block: Block, client_check: Check, loaded: Loaded
) -> None:
    usage = Usage(input_tokens=1_000_000, output_tokens=0)
    excerpt = loaded(load_block([1.0] * 50, usage=usage), client_check())
    finding = judged(excerpt)
    assert finding.decides is not None
    assert finding.decides.startswith("9 more calls (under 1 min, $")
    assert cost_usd(excerpt.load, PriceList()) is not None
    unknown = loaded(load_block([1.0], usage=usage, model="unknown"))
    assert cost_usd(unknown.load, PriceList()) is None
