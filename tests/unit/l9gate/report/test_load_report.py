import msgspec

from l9gate.criteria.criterion import Interval
from l9gate.criteria.load_summary import ArmSummary, LoadSummary, Quantile, SpanSummary, Spread
from l9gate.evidence.load import Arm, Entry
from l9gate.report.load import render_load
from l9gate.wire.messages import Usage

SPAN = SpanSummary(
    span="load", entry=Entry.WIRE, arrivals="poisson 5/s", shards=1, planned=300, sent_share=1.0,
    duration_s=60.0, timeout_s=30.0, cpu_share=0.123, lag_share=0.004, limit=None,
)  # fmt: skip
NOTHING = Spread(n=0, quantiles=())


def spread(*values_s: float) -> Spread:
    bounds = Interval(low=0.1, high=None, confidence=0.95)
    pairs = zip((0.5, 0.95, 0.99), values_s, strict=True)
    return Spread(
        n=300, quantiles=tuple(Quantile(q=q, value_s=s, interval=bounds) for q, s in pairs)
    )


ARM = ArmSummary(
    span="load", arm=Arm.MAIN, model="claude-haiku-5-5", stream=False, calls=300, whole=294,
    rate_per_s=4.9, window_s=60.0, latency=spread(0.5, 1.25, float("inf")), ttft=NOTHING,
    gap=NOTHING, stall=NOTHING, failed=6, ends={"ok": 294, "timed_out": 4, "overloaded": 2},
    unproven=0, usage=Usage(input_tokens=3000, output_tokens=1500), cost_usd=0.0105,
)  # fmt: skip


def test_a_load_is_told_arm_by_arm_with_bounds_and_errors_by_class() -> None:
    lines = render_load(LoadSummary(spans=(SPAN,), arms=(ARM,)))
    assert lines[0] == (
        "load: poisson 5/s for 60 s, 300 planned, 100 % sent; entry wire, timeout 30 s"
    )
    assert lines[1] == (
        "client: core 12 % (limit 85 %) busy at worst, lag 0.4 % (limit 5 %) of the p99 at worst"
    )
    row = next(line for line in lines if line.startswith("main"))
    assert row.split() == [
        "main", "300", "4.9/s", "500", "ms", "(100", "ms…?)", "1.25", "s", "(100", "ms…?)", "∞",
        "(100", "ms…?)", "-", "-", "6", "(2", "%)",
    ]  # fmt: skip
    assert "main: 4 timed_out, 2 overloaded" in lines
    assert "main: 3,000 input, 1,500 output tokens, $0.0105" in lines
    assert "in brackets: the 95 % bounds on each side" in lines


def test_arms_are_named_by_what_tells_them_apart() -> None:
    other = msgspec.structs.replace(ARM, arm=Arm.CONTROL, model=None, stream=True)
    lines = render_load(LoadSummary(spans=(SPAN,), arms=(ARM, other)))
    starts = [line.split("  ")[0] for line in lines if line.startswith(("main ", "control "))]
    assert starts[:2] == ["main claude-haiku-5-5 whole", "control any model streams"]


def test_a_client_that_was_the_limit_is_told_before_any_number() -> None:
    limited = msgspec.structs.replace(SPAN, limit="the client was the limit", planned=None)
    lines = render_load(LoadSummary(spans=(limited,), arms=(ARM,)))
    assert "as many as fit" in lines[0]
    assert lines[2] == "unproven: the client was the limit"


def test_nothing_measured_is_a_dash_and_no_zero() -> None:
    empty = msgspec.structs.replace(
        ARM, calls=0, whole=0, rate_per_s=None, latency=NOTHING, failed=0, ends={}, unproven=3,
        usage=None, cost_usd=None,
    )  # fmt: skip
    blind = msgspec.structs.replace(SPAN, cpu_share=None, lag_share=None, sent_share=None)
    lines = render_load(LoadSummary(spans=(blind,), arms=(empty,)))
    assert lines[1].count("not watched") == 2
    assert next(line for line in lines if line.startswith("main")).split() == [
        "main", "0", "-", "-", "-", "-", "-", "-", "0",
    ]  # fmt: skip
    assert "main: 3 answers without request id or usage" in lines


def test_what_the_prompt_cache_read_is_told_apart_from_the_input() -> None:
    """H-03: it is no part of `input_tokens`."""
    usage = Usage(
        input_tokens=10, output_tokens=5, cache_read_input_tokens=9000,
        cache_creation_input_tokens=1000,
    )  # fmt: skip
    lines = render_load(
        LoadSummary(spans=(SPAN,), arms=(msgspec.structs.replace(ARM, usage=usage),))
    )
    told = "main: 10 input, 5 output tokens, 9,000 read from and 1,000 written to the prompt cache"
    assert f"{told}, $0.0105" in lines
