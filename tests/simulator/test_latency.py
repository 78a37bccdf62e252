"""The pace of answers."""

import statistics
from pathlib import Path

import pytest

from l9gate.errors import PlanError
from l9gate.simulator.latency import (
    NO_WAIT,
    PROFILES,
    LatencyProfile,
    Pace,
    pace_of,
    profile_of,
    read_profiles,
)

HAIKU = PROFILES["claude-haiku-5-5"]
ASKED = LatencyProfile(
    first_token_s={"p50": 0.4, "p90": 0.7, "p99": 2.0},
    token_gap_s={"p50": 0.01, "p95": 0.03, "p99": 0.2},
    per_input_token_s=0,
)


def _totals(seed: int, count: int) -> list[float]:
    return [pace_of(HAIKU, 2_000, 1.0, seed, number).total_s(120) for number in range(count)]


def test_two_runs_with_one_seed_agree() -> None:
    assert _totals(7, 20) == _totals(7, 20)
    assert _totals(7, 20) != _totals(8, 20)


def test_the_reference_model_answers_in_a_third_of_a_second() -> None:
    totals = _totals(1, 2_000)
    assert 0.30 < statistics.median(totals) < 0.35
    assert max(totals) < 1.5


def test_quantiles_of_the_first_token_are_met_within_two_percent() -> None:
    drawn = sorted(pace_of(ASKED, 0, 1.0, 3, number).first_token_s for number in range(3_000))
    for share, asked_s in ((0.5, 0.4), (0.9, 0.7), (0.99, 2.0)):
        assert drawn[round(share * len(drawn))] == pytest.approx(asked_s, rel=0.02)


def test_quantiles_of_the_gaps_are_met_within_two_percent() -> None:
    pace = pace_of(ASKED, 0, 1.0, 3, 1)
    gaps = sorted(pace.gap_s(number, 1) for number in range(4_096))
    for share, asked_s in ((0.5, 0.01), (0.95, 0.03), (0.99, 0.2)):
        assert gaps[round(share * len(gaps))] == pytest.approx(asked_s, rel=0.02)


def test_gaps_add_up_to_the_time_of_an_answer_in_one_piece() -> None:
    pace = pace_of(ASKED, 0, 1.0, 1, 1)
    streamed_s = sum(pace.gap_s(number, 1) for number in range(4_096))
    assert streamed_s + pace.first_token_s == pytest.approx(pace.total_s(4_096))


def test_a_plain_number_never_varies() -> None:
    steady = LatencyProfile(first_token_s=0.5, token_gap_s=0.01, per_input_token_s=0)
    first, second = (pace_of(steady, 9, 1.0, seed, seed) for seed in (1, 2))
    assert first.first_token_s == second.first_token_s == pytest.approx(0.5)
    assert first.gap_s(3, 2) == pytest.approx(0.02)


def test_the_load_factor_stretches_everything() -> None:
    once, twice = pace_of(HAIKU, 10, 1.0, 1, 1), pace_of(HAIKU, 10, 2.0, 1, 1)
    assert twice.total_s(50) == 2 * once.total_s(50)
    assert twice.gap_s(4, 6) == 2 * once.gap_s(4, 6)


def test_no_load_means_no_waiting() -> None:
    assert pace_of(HAIKU, 10, 0.0, 1, 1) is NO_WAIT
    assert Pace(1.0, 0.5).gap_s(7, 2) == 1.0


def test_a_longer_prompt_takes_longer() -> None:
    long, short = pace_of(HAIKU, 100_000, 1.0, 1, 1), pace_of(HAIKU, 0, 1.0, 1, 1)
    assert long.first_token_s - short.first_token_s == pytest.approx(0.2)


def test_a_model_without_a_profile_has_the_default_one() -> None:
    assert profile_of("claude-opus-4-8") is PROFILES["default"]
    assert profile_of("claude-haiku-5-5") is HAIKU


def test_profiles_of_a_file_come_before_the_built_in_ones(tmp_path: Path) -> None:
    path = tmp_path / "latency.toml"
    path.write_text(
        "[claude-haiku-5-5]\nfirst_token_s = { p50 = 0.2, p95 = 0.4 }\ntoken_gap_s = 0.01\n"
    )
    profiles = read_profiles(path)
    assert profiles["claude-haiku-5-5"].first_token_s == {"p50": 0.2, "p95": 0.4}
    assert profiles["claude-sonnet-5-5"] is PROFILES["claude-sonnet-5-5"]


def test_a_default_of_a_file_is_for_every_model_that_it_does_not_name(tmp_path: Path) -> None:
    path = tmp_path / "latency.toml"
    path.write_text("[default]\nfirst_token_s = 0.1\ntoken_gap_s = 0.01\n")
    assert profile_of("claude-haiku-5-5", read_profiles(path)).first_token_s == 0.1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[m]\nfirst_token_s = true\ntoken_gap_s = 1", r"\[m\]: .*first_token_s"),
        ("[m]\nfirst_token_s = 0.2", "token_gap_s"),
        ("[m]\nfirst_token_s = 0.2\ntoken_gap_s = 0", "above 0"),
        ("[m]\nfirst_token_s = {}\ntoken_gap_s = 1", "at least one"),
        ("[m]\nfirst_token_s = { p50 = 2.0, p95 = 1.0 }\ntoken_gap_s = 1", "higher quantile"),
        ("[m]\nfirst_token_s = { median = 2.0 }\ntoken_gap_s = 1", "`median`"),
        ("[m]\nfirst_token_s = { px = 2.0 }\ntoken_gap_s = 1", "`px`"),
        ("[m]\nfirst_token_s = { p100 = 2.0 }\ntoken_gap_s = 1", "`p100`"),
        ("[m]\nfirst_token_s = 1\ntoken_gap_s = 1\nper_input_token_s = -1", "per_input_token_s"),
        ("[m", "Expected"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "latency.toml"
    path.write_text(text)
    with pytest.raises(PlanError, match=why):
        read_profiles(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"nothing\.toml"):
        read_profiles(tmp_path / "nothing.toml")
