import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l9gate.criteria.expression import (
    Condition,
    Operator,
    parse_condition,
    render_condition,
    suggest,
)
from l9gate.criteria.quantities import QUANTITIES, RATES, SAMPLES, Scalar, Unit
from l9gate.errors import PolicyError


@pytest.mark.parametrize(
    ("text", "normal", "limit"),
    [
        ("p95(latency_s) < 2000ms", "p95(latency_s) < 2", 2.0),
        ("p95(latency_s)<2s", "p95(latency_s) < 2", 2.0),
        ("  p99.9( gap_s )  <=  1_000 ms ", "p99.9(gap_s) <= 1", 1.0),
        ("p50(ttft_s) >= 0.25", "p50(ttft_s) >= 0.25", 0.25),
        ("rate(cache_hit) > 30%", "rate(cache_hit) > 30%", 0.3),
        ("rate(error) <= 0.07", "rate(error) <= 7%", 0.07),
        ("pass_rate == 100%", "pass_rate == 100%", 1.0),
        ("memory_growth_bytes < 50MB", "memory_growth_bytes < 50000000", 50e6),
        ("memory_growth_bytes < 50 bytes", "memory_growth_bytes < 50", 50.0),
        ("throughput_per_s > 0.5", "throughput_per_s > 0.5", 0.5),
        ("throughput_per_s > 0.5/s", "throughput_per_s > 0.5", 0.5),
        ("failures == 0", "failures == 0", 0.0),
    ],
)
def test_a_condition_is_parsed_and_normalised(text: str, normal: str, limit: float) -> None:
    """C-05, C-06."""
    condition = parse_condition(text)
    assert render_condition(condition) == normal
    assert condition.limit == limit


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("", "no condition", "write one like"),
        ("latency", "no condition", "write one like"),
        ("p95(latency_s) != 2", "no condition", "write one like"),
        ("p95(latency_s) < -2", "no condition", "write one like"),
        ("p95(latncy_s) < 2", "no such quantity", "did you mean `latency_s`?"),
        ("zzz < 2", "no such quantity", "known are attempt_error"),
        ("latency_s < 2", "is a sample", "write `p95(latency_s)`"),
        ("rate(latency_s) < 2", "is a sample", "write `p95(latency_s)`"),
        ("p0(latency_s) < 2", "is a sample", "write `p95(latency_s)`"),
        ("p100(latency_s) < 2", "is a sample", "write `p95(latency_s)`"),
        ("error < 5%", "is a rate", "write `rate(error)`"),
        ("p95(error) < 5%", "is a rate", "write `rate(error)`"),
        ("rate(failures) == 0", "is a single number", "write `failures`"),
        ("rate(error) == 0%", "never shown to equal", "use `<`"),
        ("throughput_per_s == 1", "never shown to equal", "use `<`"),
        ("p95(latency_s) < 2MB", "`MB` does not fit", "use `s` or `ms`"),
        ("failures == 0%", "`%` does not fit", "use a plain number"),
        ("rate(error) < 5", "a share cannot be 5", "write a percentage"),
        ("rate(error) < 101%", "a share cannot be 101%", "write a percentage"),
        (f"executed > {'9' * 400}", "too large", "nothing measured"),
    ],
)
def test_a_wrong_condition_says_what_is_wrong_and_what_was_meant(
    text: str, message: str, hint: str
) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_condition(text)
    assert message in str(caught.value)
    assert caught.value.hint is not None
    assert hint in caught.value.hint


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    quantity = draw(st.sampled_from(QUANTITIES))
    signs = list(Operator) if isinstance(quantity, Scalar) else list(Operator)[:4]
    top = 1.0 if quantity.unit is Unit.FRACTION else 1e12
    quantile = draw(st.integers(1, 99_999)) / 100_000 if isinstance(quantity, SAMPLES) else None
    return Condition(
        quantity=quantity.name,
        operator=draw(st.sampled_from(signs)),
        limit=abs(draw(st.floats(0, top))),
        quantile=quantile,
    )


@settings(max_examples=60, deadline=None)
@given(condition=conditions())
def test_parsing_undoes_rendering(condition: Condition) -> None:
    assert parse_condition(render_condition(condition)) == condition


PIECES = (
    "p95", "p", "rate", "(", ")", "latency_s", "error", "failures", "<", "<=", "==", "2", ".",
    "_", "ms", "%", "MB", "ß", "-", "1e9", " ", "\n", "9" * 400,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(text=st.lists(st.sampled_from(PIECES), max_size=9).map("".join))
def test_garbage_raises_nothing_but_a_policy_error(text: str) -> None:
    try:
        condition = parse_condition(text)
    except PolicyError:
        return
    assert math.isfinite(condition.limit)


@pytest.mark.parametrize(
    ("sign", "below", "at", "above"),
    [
        ("<", True, False, False),
        ("<=", True, True, False),
        (">", False, False, True),
        (">=", False, True, True),
        ("==", False, True, False),
    ],
)
def test_operators_mean_exactly_what_they_say(
    sign: str, below: bool, at: bool, above: bool
) -> None:
    """C-05."""
    operator = Operator(sign)
    assert [operator.holds(value, 2.0) for value in (1.9, 2.0, 2.1)] == [below, at, above]
    assert operator.wants_low is sign.startswith("<")


def test_names_of_quantities_are_unique_and_say_what_they_are() -> None:
    names = [quantity.name for quantity in QUANTITIES]
    assert len(set(names)) == len(names)
    assert all(quantity.about.endswith(".") for quantity in QUANTITIES)
    assert {one.unit for one in QUANTITIES if isinstance(one, RATES)} == {Unit.FRACTION}


def test_a_hint_names_the_nearest_word_or_all() -> None:
    assert suggest("exti", ["exit", "advice"]) == "did you mean `exit`?"
    assert suggest("qqq", ["exit", "advice"]) == "known are advice, exit"
