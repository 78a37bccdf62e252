import pytest

from l9gate.report.quantity import operator_of, render_pair, render_quantity, subject_of


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (2.31, "s", "2.31 s"),
        (2.0, "s", "2 s"),
        (0.8, "s", "800 ms"),
        (0.0123456, "s", "12.3 ms"),
        (0.0000005, "s", "0.0005 ms"),
        (0.0, "s", "0 s"),
        (125.4, "s", "125 s"),
        (float("inf"), "s", "∞"),
        (float("-inf"), "s", "-∞"),
        (50_000_000, "bytes", "50 MB"),
        (-12_500_000, "bytes", "-12.5 MB"),
        (4096, "bytes", "4,096 bytes"),
        (0.947368, "%", "94.7 %"),
        (1.0, "%", "100 %"),
        (0.9999, "%", "99.99 %"),
        (0.0, "%", "0 %"),
        (12_000, "", "12,000"),
        (1_234_567, "", "1,234,567"),
        (2.5, "", "2.5"),
        (0.5123, "/s", "0.512/s"),
        (7.0, "widgets", "7 widgets"),
        (0.000000012, "", "1.200000e-08"),
    ],
)
def test_number_is_shown_in_a_unit_that_people_read(value: float, unit: str, text: str) -> None:
    assert render_quantity(value, unit) == text


@pytest.mark.parametrize(
    ("value", "limit", "unit", "pair"),
    [
        (2.0, 2.0, "s", ("2 s", "2 s")),
        (2.0001, 2.0, "s", ("2.0001 s", "2 s")),
        (0.9499, 0.95, "%", ("94.99 %", "95 %")),
        (50_000_100, 50_000_000, "bytes", ("50.0001 MB", "50 MB")),
        (1.0 + 1e-15, 1.0, "s", ("1.000000000000001", "1.0")),
    ],
)
def test_number_never_looks_like_the_limit_that_it_missed(
    value: float, limit: float, unit: str, pair: tuple[str, str]
) -> None:
    """C-05, C-10."""
    assert render_pair(value, limit, unit) == pair


def test_condition_has_a_subject_and_an_operator() -> None:
    assert operator_of("p95(latency_s) <= 2") == "<="
    assert subject_of("p95(latency_s) <= 2") == "p95(latency_s)"


def test_sentence_has_no_operator() -> None:
    assert operator_of("every layer ran") is None
    assert subject_of("every layer ran") == "every layer ran"
