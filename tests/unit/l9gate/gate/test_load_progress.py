from math import inf

from l9gate.drive.plan import Progress
from l9gate.evidence.load import CallEnd
from l9gate.gate.load_progress import EVERY_S, LoadProgress, describe_progress

ENDS = {CallEnd.OK: 54, CallEnd.RATE_LIMITED: 2, CallEnd.TIMED_OUT: 1}


def progress(elapsed_s: float = 12.0, done: int = 57, left_s: float | None = 48.0) -> Progress:
    return Progress(
        at_s=100.0 + elapsed_s, elapsed_s=elapsed_s, left_s=left_s, planned=300, sent=60,
        done=done, in_flight=3, ends=ENDS,
        rate_per_s=5.0, latency_s=(0.512, 1.25, inf), ttft_s=(), lag_s=0.001,
    )  # fmt: skip


def test_a_line_says_rate_percentiles_errors_time_left_and_money() -> None:
    assert describe_progress(progress(), 4.9, 0.0123) == (
        "12 s · 48 s left · 60 of 300 sent, 57 answered (4.9/s) · latency p50 512 ms p95 1.25 s "
        "p99 ∞ · 2 rate_limited, 1 timed_out · at most $0.0123 so far"
    )


def test_what_is_not_known_is_left_out() -> None:
    line = describe_progress(progress(left_s=None), 4.9, None)
    assert "left" not in line
    assert "$" not in line
    assert "ttft" not in line


def test_a_line_comes_every_few_seconds_with_the_rate_since_the_last_one() -> None:
    said: list[str] = []
    shown = LoadProgress(said.append, None)
    for second in range(1, 13):
        shown.show(progress(elapsed_s=float(second), done=10 * second))
    assert len(said) == 12 // EVERY_S
    assert said[0].startswith("5 s")
    assert said[1].startswith("10 s")
    assert all("(10.0/s)" in line for line in said)
