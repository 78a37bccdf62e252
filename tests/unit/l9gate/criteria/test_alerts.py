"""Requirements §8: every alert at its exact boundary."""

from collections.abc import Callable, Iterable

import pytest

from l9gate.criteria.alerts import AlertRule, AlertSettings, Severity, estimate, evaluate_alerts
from l9gate.criteria.criterion import Scope
from l9gate.criteria.expression import parse_condition
from l9gate.criteria.policy import default_policy_text, parse_policy
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import (
    Alert,
    AnyRecord,
    CacheState,
    End,
    Exchange,
    Origin,
    Signal,
)

POLICY = parse_policy(default_policy_text())
RULES = {rule.requirement: rule for rule in POLICY.alert_rules}
LIVE = Scope(layers=(), kind=Origin.LIVE, environment="production")
T0_S = 1_700_000_000.0


def last_state(requirement: str, records: Iterable[AnyRecord]) -> str:
    changes = evaluate_alerts(MemoryLog(records), [RULES[requirement]], LIVE, POLICY.alert_settings)
    return changes[-1].after if changes else "insufficient data"


def calls(
    exchange: Callable[..., Exchange], latency_s: float, n: int = 20, **fields: object
) -> list[Exchange]:
    """Calls of one latency that all end in the same step."""
    return [
        exchange(latency_s=latency_s, due_s=T0_S - latency_s, layer=None, **fields)
        for _ in range(n)
    ]


def signals(signal: Callable[..., Signal], n: int, of: int, **fields: object) -> list[Signal]:
    return [signal(layer=None, **fields) for _ in range(n)] + [
        signal(layer=None) for _ in range(of - n)
    ]


@pytest.mark.parametrize(
    ("latency_s", "warning", "critical"),
    [
        (1.5, "ok", "ok"),
        (1.5001, "warning", "ok"),
        (2.0, "warning", "ok"),
        (2.0001, "warning", "critical"),
    ],
)
def test_p95_alerts(
    latency_s: float, warning: str, critical: str, exchange: Callable[..., Exchange]
) -> None:
    """A-01, A-02: 1500 ok, 1500.1 warning; 2000 warning, 2000.1 critical."""
    records = calls(exchange, latency_s)
    assert last_state("A-01", records) == warning
    assert last_state("A-02", records) == critical


@pytest.mark.parametrize(
    ("failed", "warning", "critical"),
    [
        (50, "ok", "ok"),
        (51, "warning", "ok"),
        (100, "warning", "ok"),
        (101, "warning", "critical"),
    ],
)
def test_error_alerts(
    failed: int, warning: str, critical: str, exchange: Callable[..., Exchange]
) -> None:
    """A-03, A-04: 5.0 % ok, 5.1 % warning; 10.0 % warning, 10.1 % critical."""
    records = calls(exchange, 0.5, failed, status=529) + calls(exchange, 0.5, 1000 - failed)
    assert last_state("A-03", records) == warning
    assert last_state("A-04", records) == critical


@pytest.mark.parametrize(("hits", "state"), [(200, "ok"), (199, "warning")])
def test_cache_alert(hits: int, state: str, signal: Callable[..., Signal]) -> None:
    """A-05: 20.0 % ok, 19.9 % warning."""
    assert last_state("A-05", signals(signal, hits, 1000, cache=CacheState.HIT)) == state


@pytest.mark.parametrize(("fallbacks", "state"), [(50, "ok"), (51, "investigate")])
def test_fallback_alert(fallbacks: int, state: str, signal: Callable[..., Signal]) -> None:
    """A-06, C-18: 5.0 % ok, 5.1 % investigate."""
    assert last_state("A-06", signals(signal, fallbacks, 1000, fallback="timeout")) == state


def test_few_samples_are_no_alert_and_no_all_clear(exchange: Callable[..., Exchange]) -> None:
    assert last_state("A-02", calls(exchange, 9.0, 19)) == "insufficient data"
    assert last_state("A-02", calls(exchange, 9.0, 20)) == "critical"


def test_silence_is_not_an_event() -> None:
    assert evaluate_alerts(MemoryLog(), POLICY.alert_rules, LIVE) == []


def test_timeouts_raise_a_latency_alert(exchange: Callable[..., Exchange]) -> None:
    """A deadline cannot hide a slow API."""
    timed_out = calls(exchange, 1.0, 2, end=End.TIMED_OUT, status=None)
    assert last_state("A-02", calls(exchange, 0.5, 18) + timed_out) == "critical"


def test_each_change_of_state_is_one_record(exchange: Callable[..., Exchange]) -> None:
    rule = AlertRule(
        name="slow",
        requirement="A-01",
        severity=Severity.WARNING,
        when=parse_condition("p50(latency_s) > 1"),
    )
    settings = AlertSettings(window_s=20.0, step_s=10.0, min_samples=2)
    ends_s = {0.0: 0.5, 5.0: 0.5, 30.0: 3.0, 35.0: 3.0, 60.0: 0.5}
    log = MemoryLog(
        [
            exchange(latency_s=latency_s, due_s=T0_S + end_s - latency_s)
            for end_s, latency_s in ends_s.items()
        ]
    )
    changes = evaluate_alerts(log, [rule], LIVE, settings)
    assert changes == [
        Alert(at_s=T0_S + at_s, rule="slow", before=before, after=after, observed=seen, samples=n)
        for at_s, before, after, seen, n in (
            (10.0, "insufficient data", "ok", 0.5, 2),
            (20.0, "ok", "insufficient data", 0.5, 1),
            (40.0, "insufficient data", "warning", 3.0, 2),
            (50.0, "warning", "insufficient data", 3.0, 1),
        )
    ]
    assert evaluate_alerts(log, [rule], LIVE, settings) == changes


def test_a_rule_watches_only_its_where(exchange: Callable[..., Exchange]) -> None:
    rule = AlertRule(
        name="slow",
        requirement="A-01",
        severity=Severity.WARNING,
        when=parse_condition("p50(latency_s) > 1"),
        where={"model": "claude-opus-5-5"},
    )
    log = MemoryLog(calls(exchange, 3.0))
    assert evaluate_alerts(log, [rule], LIVE) == []


def test_a_rule_on_a_number_without_a_window_watches_nothing(
    exchange: Callable[..., Exchange],
) -> None:
    rule = AlertRule(
        name="odd",
        requirement="A-09",
        severity=Severity.WARNING,
        when=parse_condition("failures > 1"),
    )
    assert evaluate_alerts(MemoryLog(calls(exchange, 3.0)), [rule], LIVE) == []


def test_an_estimate_is_a_nearest_rank_or_a_plain_share() -> None:
    """H-01."""
    sample = [number / 1000 for number in range(1, 101)]
    assert estimate(RULES["A-01"], sample) == 0.095
    assert estimate(RULES["A-03"], [1.0, 0.0, 0.0, 0.0]) == 0.25
    assert estimate(RULES["A-03"], []) is None
