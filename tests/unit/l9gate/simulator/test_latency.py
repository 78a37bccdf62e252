"""The pace of answers."""

import statistics

from l9gate.simulator.latency import NO_WAIT, pace_of

MODEL = "claude-haiku-5-5"


def _totals(seed: int, count: int) -> list[float]:
    return [pace_of(MODEL, 2_000, 1.0, seed, number).total_s(120) for number in range(count)]


def test_two_runs_with_one_seed_agree() -> None:
    assert _totals(7, 20) == _totals(7, 20)
    assert _totals(7, 20) != _totals(8, 20)


def test_the_reference_model_answers_in_a_third_of_a_second() -> None:
    totals = _totals(1, 2_000)
    assert 0.30 < statistics.median(totals) < 0.35
    assert max(totals) < 1.5


def test_the_load_factor_stretches_everything() -> None:
    once, twice = pace_of(MODEL, 10, 1.0, 1, 1), pace_of(MODEL, 10, 2.0, 1, 1)
    assert twice.total_s(50) == 2 * once.total_s(50)


def test_no_load_means_no_waiting() -> None:
    assert pace_of(MODEL, 10, 0.0, 1, 1) is NO_WAIT


def test_a_model_without_a_profile_has_a_pace() -> None:
    assert pace_of("claude-opus-4-8", 10, 1.0, 1, 1).first_token_s > 0
