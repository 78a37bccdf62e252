"""Records of load: what was going to be sent, what came of each call, and how the client fared.

A call under load is no `Exchange`: at 40,000 calls a second a record for each would measure the
recorder. Calls are kept as columns, one row a call, and beyond a million values as counts.
"""

from enum import IntEnum, IntFlag, StrEnum

from l9gate.evidence.record import Record
from l9gate.evidence.words import Origin
from l9gate.wire.messages import Usage


class Source(StrEnum):
    """What collects evidence beside the layers of tests; a run may be asked for several."""

    LOAD = "load"  # a rate for a while
    SOAK = "soak"  # a rate for hours, gauges beside it


class Arm(StrEnum):
    """Which part of a load a call belongs to."""

    MAIN = "main"  # what is measured
    CONTROL = "control"  # minimal bare calls in between: they tell the API from the application
    WARM_UP = "warm_up"  # before the measurement; in no sample


class Entry(StrEnum):
    """What a load drives."""

    WIRE = "wire"  # bytes to the endpoint, by l9gate's own client
    APP = "app"  # the application's own entry point
    SDK = "sdk"  # the official SDK's client


class CallEnd(IntEnum):
    """What came of one call; the number is what a column holds, and is never given away again."""

    OK = 0
    RATE_LIMITED = 1  # 429
    OVERLOADED = 2  # 529
    SERVER_ERROR = 3  # any other 5xx
    REFUSED = 4  # any other 4xx
    STREAM_ERROR = 5  # an `error` event inside a stream that began well
    CUT = 6  # the body or the stream ended before its end
    TIMED_OUT = 7  # right-censored: it took longer than its latency says
    UNREACHABLE = 8  # no connection, or no answer
    MALFORMED = 9  # an answer that is none of the Messages API's
    DEGRADED = 10  # the application says that it fell back
    CACHED = 11  # the application says that it did not call
    RAISED = 12  # the application raised something that no status explains
    NOT_PAID = 13  # the budget allowed no further call: it was not sent


class CallMark(IntFlag):
    """What else is known of one call."""

    NONE = 0
    HAS_REQUEST_ID = 1
    HAS_USAGE = 2  # it echoed a model and said what it used
    NEW_CONNECTION = 4


class LoadPlan(Record, frozen=True, kw_only=True, tag="load_plan"):
    """What one shard of a load was going to send; put before its first call."""

    span: str  # name of the measurement: "load", "soak", ...
    entry: Entry
    arrivals: str  # in words, as on the command line: "poisson 5/s"
    shard: int = 0
    shards: int = 1
    planned: int | None  # calls of the main arm of this shard; None: as many as fit (closed loop)
    starts_s: float  # when offset 0 of the schedule is due
    duration_s: float | None
    seed: int
    timeout_s: float
    model: str | None
    stream: bool | None  # None: both


class LoadBlock(Record, frozen=True, kw_only=True, tag="load_block"):
    """What came of some calls of one arm, as columns of little-endian numbers, one row a call.

    Times are seconds since the epoch; NaN stands for what did not happen. Optional columns are
    empty where nothing in the block has a value.
    """

    span: str
    arm: Arm
    shard: int
    origin: Origin
    host: str  # host[:port] that was called, "" for the application's own entry
    model: str | None
    stream: bool
    calls: int
    positions: bytes  # uint32: place in the schedule
    due_s: bytes  # float64
    sent_s: bytes  # float64
    ended_s: bytes  # float64
    ends: bytes  # uint8, `CallEnd`
    marks: bytes  # uint8, `CallMark`
    headers_s: bytes = b""  # float64
    first_token_s: bytes = b""  # float64: first content delta of any kind
    first_text_s: bytes = b""  # float64
    first_thinking_s: bytes = b""  # float64
    first_tool_s: bytes = b""  # float64: first delta of a tool's input
    output_tokens: bytes = b""  # uint32
    gap_counts: bytes = b""  # uint32: gaps of each call between consecutive content deltas
    gaps_s: bytes = b""  # float32, the gaps of all calls one after another
    usage: Usage | None = None  # of all calls together


class LoadHistogram(Record, frozen=True, kw_only=True, tag="load_histogram"):
    """Counts of one quantity of calls beyond those that blocks hold; see `measure.histogram`."""

    span: str
    arm: Arm
    shard: int
    quantity: str  # "latency" | "service" | "ttft" | "gap"
    model: str | None
    stream: bool
    since_s: float
    until_s: float
    counts: bytes  # an HdrHistogram V2 log line's payload, without base64
    infinite: int  # values known only to be longer: timeouts
    ends: dict[int, int]  # `CallEnd` → calls; empty but with quantity "latency"


class ClientCheck(Record, frozen=True, kw_only=True, tag="client_check"):
    """How the load client itself fared in one stretch of time; several cover a run."""

    span: str
    shard: int
    since_s: float
    until_s: float
    cpu_share: float  # of one core, of the process that sends
    schedule_lag_p99_s: float  # from due to sent, where nothing but the client decides
    loop_lag_p99_s: float  # how late the event loop's own timer came
    sent: int
    due: int  # calls whose time had come; more than sent: the client fell behind
