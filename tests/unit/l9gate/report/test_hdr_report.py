"""Issue 6: latencies under load as a log that tools for HdrHistogram read."""

import base64
import struct
import zlib
from collections.abc import Sequence

import msgspec
import pytest

from l9gate.criteria.criterion import Scope
from l9gate.errors import RunDataError
from l9gate.evidence.load import Arm, CallEnd, CallMark, ClientCheck, LoadBlock, LoadHistogram
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import AnyRecord, Origin
from l9gate.measure.histogram import Histogram
from l9gate.report.hdr import render_hdr

SCOPE = Scope(layers=(), sources=("load",), kind=Origin.LIVE, environment="development")
START_S = 1_763_844_988.5
WHOLE = CallMark.HAS_REQUEST_ID | CallMark.HAS_USAGE
HEAD = """\
#[Histogram log format version 1.3]
#[l9gate: values are nanoseconds; Interval_Max is in milliseconds]
#[l9gate: what is only known to be longer, a timeout, stands at 281474.977 s]
#[StartTime: 1763844988.500 (seconds since epoch), 2025-11-22T20:56:28.500+00:00]
"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"
"""
# What the package `hdrhistogram` (0.10.8) makes of 1 ms (three times), 250 ms and 1 s.
THEIRS = "HISTFAAAACl4nJNpmSzMwMDAxQABzFCakYHhPxjYf4AIHFzHyLawnumvPBMA7GQMNA=="


def block(took_s: Sequence[float], arm: Arm = Arm.MAIN, **columns: bytes) -> LoadBlock:
    due_s = [START_S + place for place in range(len(took_s))]
    ended_s = [due + took for due, took in zip(due_s, took_s, strict=True)]
    calls = len(took_s)
    whole = LoadBlock(
        at_s=START_S, span="load", arm=arm, shard=0, origin=Origin.LIVE, host="h", model="m",
        stream="first_token_s" in columns, calls=calls,
        positions=struct.pack(f"<{calls}I", *range(calls)),
        due_s=struct.pack(f"<{calls}d", *due_s),
        sent_s=struct.pack(f"<{calls}d", *due_s),
        ended_s=struct.pack(f"<{calls}d", *ended_s),
        ends=bytes([CallEnd.OK] * calls),
        marks=bytes([WHOLE] * calls),
    )  # fmt: skip
    return msgspec.structs.replace(whole, **columns)


def check(cpu_share: float) -> ClientCheck:
    return ClientCheck(
        at_s=START_S, span="load", shard=0, since_s=START_S, until_s=START_S + 5,
        cpu_share=cpu_share, schedule_lag_p99_s=0.0, loop_lag_p99_s=0.0, sent=5, due=5,
    )  # fmt: skip


def lines_of(*records: AnyRecord) -> dict[str, tuple[list[str], Histogram]]:
    """Return the columns of each line and its histogram, by tag."""
    found = {}
    for line in render_hdr(MemoryLog(records), SCOPE).splitlines():
        if line.startswith("Tag="):
            tag, *columns, payload = line.split(",")
            found[tag[4:]] = columns, Histogram.from_hdr(base64.b64decode(payload))
    return found


def test_a_log_is_what_another_implementation_writes() -> None:
    text = render_hdr(MemoryLog([block([0.001, 0.001, 0.001, 0.25, 1.0]), check(0.1)]), SCOPE)
    head, _, latency = text.partition("Tag=load.main.latency,0.000,5.000,1000.342,")
    assert head == HEAD
    ours, theirs = (base64.b64decode(one)[8:] for one in (latency.split("\n")[0], THEIRS))
    # Their counts end with the last value, and so do ours but for one run of zeros.
    assert zlib.decompress(ours)[40:].startswith(zlib.decompress(theirs)[40:])


def test_each_arm_has_lines_of_its_own() -> None:
    found = lines_of(block([0.2] * 4), block([0.1] * 3, Arm.CONTROL), block([9.0], Arm.WARM_UP))
    assert list(found) == [
        "load.main.latency", "load.main.service", "load.control.latency", "load.control.service",
    ]  # fmt: skip
    assert found["load.control.latency"][1].count == 3


def test_streams_have_first_tokens_and_gaps() -> None:
    first = struct.pack("<2d", START_S + 0.25, START_S + 1.5)
    gaps = struct.pack("<3f", 0.125, 0.125, 0.5)
    found = lines_of(
        block([1.0, 1.0], first_token_s=first, gap_counts=struct.pack("<2I", 2, 1), gaps_s=gaps)
    )
    assert found["load.main.ttft"][1].quantile(1.0) == pytest.approx(0.5, rel=0.001)
    assert found["load.main.gap"][1].count == 3


def test_a_timeout_is_longer_than_anything_and_never_left_out() -> None:
    ends = bytes([CallEnd.OK, CallEnd.OK, CallEnd.TIMED_OUT])
    columns, histogram = lines_of(block([1.0, 1.0, 30.0], ends=ends))["load.main.latency"]
    assert histogram.count == 3
    assert histogram.quantile(0.5) == pytest.approx(1.0, rel=0.001)
    assert float(columns[-1]) > 78 * 3600 * 1000


def test_calls_that_only_histograms_count_are_merged() -> None:
    beyond = Histogram()
    beyond.add_many([0.4] * 10)
    more = LoadHistogram(
        at_s=START_S, span="load", arm=Arm.MAIN, shard=0, quantity="latency", model="m",
        stream=False,
        since_s=START_S + 9, until_s=START_S + 20, counts=beyond.to_hdr(), infinite=2,
        ends={int(CallEnd.OK): 10, int(CallEnd.TIMED_OUT): 2},
    )  # fmt: skip
    columns, histogram = lines_of(block([0.2] * 4), more)["load.main.latency"]
    assert columns[:2] == ["0.000", "20.000"]
    assert histogram.count == 16
    assert histogram.quantile(0.75) == beyond.quantile(1.0), "it stays in its bucket"


def test_doubts_about_the_client_go_along() -> None:
    text = render_hdr(MemoryLog([block([0.2] * 4), check(0.97)]), SCOPE)
    assert "#[l9gate: load.main is unproven: the client, not the API, was the limit" in text


def test_a_run_without_load_has_no_histogram() -> None:
    with pytest.raises(RunDataError, match="measured nothing under load") as refused:
        render_hdr(MemoryLog(), SCOPE)
    assert refused.value.hint is not None
    assert "l9gate soak" in refused.value.hint
