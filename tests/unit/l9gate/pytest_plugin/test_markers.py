from collections.abc import Callable

import pytest

from l9gate.pytest_plugin.markers import MARKERS, Marks, read_marks

MakeItem = Callable[..., pytest.Item]


def test_a_test_without_markers_says_nothing(make_item: MakeItem) -> None:
    assert read_marks(make_item()) == Marks(
        offline=False, live_only=False, expects_error=(), expects_fallback=False, scenarios=()
    )


def test_every_marker_is_read(make_item: MakeItem) -> None:
    """E-05."""
    marks = read_marks(
        make_item(
            "test_a.py",
            pytest.mark.offline,
            pytest.mark.live_only,
            pytest.mark.expects_fallback,
            pytest.mark.expects_error("rate_limit_error", TimeoutError),
            pytest.mark.scenario("overload"),
            pytest.mark.scenario("timeout", "overload"),
        )
    )
    assert marks == Marks(
        offline=True,
        live_only=True,
        expects_error=("rate_limit_error", "TimeoutError"),
        expects_fallback=True,
        scenarios=("overload", "timeout"),
    )


def test_every_marker_has_an_explanation() -> None:
    """L2-03."""
    names = [line.partition(":")[0].partition("(")[0] for line in MARKERS]
    assert names == [
        "unit",
        "integration",
        "benchmark",
        "contract",
        "offline",
        "live_only",
        "expects_error",
        "expects_fallback",
        "scenario",
    ]
    assert all(line.partition(": ")[2] for line in MARKERS)
