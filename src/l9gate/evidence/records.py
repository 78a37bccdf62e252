"""Every kind of record, frozen.

A record is one fact that was seen. None of them holds a prompt, an answer or a key; times are
seconds since the epoch as `l9gate.measure.clock.Clock` gives them, so differences are durations.
"""

from typing import TypeAlias

import msgspec

from l9gate.evidence.drifts import ContractDrift, HandMade, LapsedWaiver
from l9gate.evidence.load import ClientCheck, LoadBlock, LoadHistogram, LoadPlan
from l9gate.evidence.record import Record
from l9gate.evidence.words import (
    CacheState,
    End,
    EndReason,
    Held,
    Layer,
    LayerSpending,
    Origin,
    Remark,
    RemarkKind,
    SignalSource,
    TestState,
    Witness,
)
from l9gate.wire.messages import Usage
from l9gate.wire.prices import Price

# Words are part of records: who reads these imports both from here. Records need no listing.
__all__ = [
    "CacheState",
    "ClientCheck",
    "ContractDrift",
    "End",
    "EndReason",
    "HandMade",
    "Held",
    "LapsedWaiver",
    "Layer",
    "LayerSpending",
    "LoadBlock",
    "LoadHistogram",
    "LoadPlan",
    "Origin",
    "Record",
    "Remark",
    "RemarkKind",
    "SignalSource",
    "TestState",
    "Witness",
]


class Exchange(Record, frozen=True, kw_only=True, tag="exchange"):
    """One HTTP request to the Messages API and how it ended; a retry is an exchange of its own."""

    exchange_id: str
    call_id: str  # attempts of one SDK call share it
    attempt: int  # 0 for the first
    owner: str | None  # node id of a test, or a fixture's owner id
    layer: Layer | None
    origin: Origin
    method: str
    host: str  # host[:port] of the URL, no credentials
    path: str  # path without query, e.g. /v1/messages
    model: str | None  # as requested
    served_model: str | None  # as answered
    stream: bool
    tools: bool
    due_s: float
    sent_s: float
    headers_s: float | None  # when the status line and headers were there
    first_token_s: float | None  # first content delta of a stream
    ended_s: float
    gaps_s: tuple[float, ...]  # between consecutive content deltas of a stream
    status: int | None
    error_type: str | None  # the API's error.type, else "timeout" | "connection" | "cut" | ...
    error_code: str | None  # error.details.error_code
    end: End
    request_id: str | None
    stop_reason: str | None
    usage: Usage | None
    rate_limit: dict[str, str]  # anthropic-ratelimit-* without the common prefix
    retry_after_s: float | None
    api_version: str | None
    request_bytes: int
    response_bytes: int
    trace_id: str | None = None  # of the request's `traceparent`, 32 hex digits
    witness: Witness = Witness.SEAM
    held: Held = Held.NOT
    foretold: tuple[str, ...] | None = None  # `CODE PLACE` that the newest version refuses of it;
    # None: it was sent under that, or its body was not at hand
    cache_ttl_s: int | None = None  # of its longest-lived breakpoint in the API's prompt cache

    @property
    def was_answered(self) -> bool:
        """Whether the API itself answered: any status, with a request id."""
        return self.status is not None and self.request_id is not None

    @property
    def succeeded(self) -> bool:
        """Whether a whole 2xx answer arrived that is what was asked for."""
        is_whole = self.status is not None and self.status < 300 and self.end is End.COMPLETE
        return is_whole and self.error_type is None  # else a page of a gateway, for instance

    @property
    def is_censored(self) -> bool:
        """Whether a deadline ended it, so that its latency is only known to be longer."""
        return self.end is End.TIMED_OUT


class TestOutcome(Record, frozen=True, kw_only=True, tag="test"):
    """One test and what came of it; only the first outcome of a rerun test counts."""

    __test__ = False

    node_id: str
    layer: Layer | None  # None: collected, but gated by no layer
    state: TestState
    duration_s: float
    attempt: int = 0
    owners: tuple[str, ...] = ()  # the test itself and every fixture it depends on
    offline: bool = False
    live_only: bool = False
    expects_error: tuple[str, ...] = ()
    expects_fallback: bool = False
    scenarios: tuple[str, ...] = ()  # failure scenarios that it proves
    reason: str | None = None  # of a skip; never a message that could quote a prompt
    error_class: str | None = None  # of a failure
    location: str | None = None  # file:line of a failure
    place: str | None = None  # file:line where it stands
    remarks: tuple[Remark, ...] = ()
    cut: bool = False  # the budget ended it: it neither passed nor failed


class LayerRun(Record, frozen=True, kw_only=True, tag="layer"):
    """One pytest session of one layer, put when it ends."""

    layer: Layer
    started_s: float
    ended_s: float
    collected: int
    selected: int
    exit_status: int  # pytest's own


class Signal(Record, frozen=True, kw_only=True, tag="signal"):
    """One operation of the application, as the application itself reports it."""

    operation: str
    within: str | None = None  # the operation that it is part of, which is reported as well
    owner: str | None
    layer: Layer | None
    duration_s: float
    cache: CacheState
    fallback: str | None  # the reason, if first-stage or other degraded results were served
    mock: bool = False
    avoided_input_tokens: int = 0
    avoided_output_tokens: int = 0
    age_s: float | None = None  # of the remembered answer that a hit served
    ttl_s: float | None = None  # how long the application means to remember it
    model: str | None = None  # that gave the answer, or whose answer was remembered
    source: SignalSource = SignalSource.LOG
    span_id: str | None = None  # trace and span that it happened in, in hex


class Mention(Record, frozen=True, kw_only=True, tag="mention"):
    """Ids that an answer told a test: what carries one of them was done for this test."""

    owner: str
    layer: Layer | None
    request_id: str | None = None  # of the API, as the service under test passes it on
    trace_id: str | None = None  # 32 hex digits
    since_s: float | None = None  # when the service was asked; None: the test itself says it


class ReportedCall(Record, frozen=True, kw_only=True, tag="reported_call"):
    """One call of the Messages API as a service in another process tells of it in a span.

    It is the service's word and no socket was seen, so it proves a test only by a `Mention` of its
    ids and is in no sample.
    """

    trace_id: str
    request_id: str | None
    origin: Origin  # by the address that the span names
    host: str | None  # host[:port]
    status: int | None
    model: str | None
    served_model: str | None
    error_type: str | None
    started_s: float
    ended_s: float
    input_tokens: int | None  # in all, with what came from a cache
    output_tokens: int | None

    @property
    def was_answered(self) -> bool:
        """Whether the span says that the API answered: any status, with a request id."""
        return self.status is not None and self.request_id is not None

    @property
    def succeeded(self) -> bool:
        """Whether the span tells of a whole message: no error, and its model and usage."""
        is_well = self.status is not None and self.status < 300 and self.error_type is None
        return is_well and self.served_model is not None and self.output_tokens is not None


class Gauge(Record, frozen=True, kw_only=True, tag="gauge"):
    """One reading of something that goes up and down."""

    name: str  # "rss_bytes", "open_descriptors", ...
    value: float
    span: str  # which measurement it belongs to, e.g. "ten_operations"
    operations: int  # done in that span when it was read; 0 is the base after warm-up
    owner: str | None
    layer: Layer | None
    process: str | None = None  # pid and start of a tree's root; one started anew has a new base


class Allocation(Record, frozen=True, kw_only=True, tag="allocation"):
    """A line of code that allocated more and more, seen when a leak was looked for again."""

    site: str  # file:line, below the project's folder
    grown_bytes: int
    grown_blocks: int
    seconds: float  # between the two looks


class Fault(Record, frozen=True, kw_only=True, tag="fault"):
    """Something that l9gate itself got wrong or had to drop; never the application's error."""

    where: str
    error_class: str
    count: int = 1


class Unguarded(Record, frozen=True, kw_only=True, tag="unguarded"):
    """A program that a unit test started, and that nothing kept from the network."""

    program: str  # its name, never its arguments
    owner: str
    layer: Layer | None
    place: str | None = None  # file:line that started it


class Conduct(Record, frozen=True, kw_only=True, tag="conduct"):
    """What one client did to the simulator of a rehearsal, and how often it did wrong."""

    client: str  # its user agent
    requests: int
    retries: int
    left: int  # answers that it did not wait for
    misconduct: dict[str, int]  # misdeed → how often; see `l9gate.simulator.conduct`
    examples: tuple[str, ...] = ()  # what was seen, of the first few


class Budget(Record, frozen=True, kw_only=True, tag="budget"):
    """What a run may spend and has spent; put when it starts and when it ends, the last counts."""

    run: str
    kind: Origin  # in a rehearsal: what it would have cost
    caps_usd: dict[str, float]  # "run", "layer", "test", "day"
    source: str  # of the cap of the run, in words
    is_final: bool = False  # put at the end, so that `layers` holds everything
    layers: tuple[LayerSpending, ...] = ()
    refusal: str | None = None  # why no further call was sent
    hint: str | None = None
    prices: dict[str, Price] = msgspec.field(default_factory=dict)  # declared, over the shipped
    prices_as_of: str = ""  # of the shipped ones
    warning: str | None = None  # about the age of prices


class SourceEnd(Record, frozen=True, kw_only=True, tag="end"):
    """The closing record of a source; a source without one was killed."""

    source: str
    reason: EndReason
    detail: str | None = None


class Survivor(msgspec.Struct, frozen=True, kw_only=True):
    """A test that did not fail although the API could not serve it."""

    node_id: str
    layer: Layer | None
    place: str  # file:line of the test
    against: tuple[str, ...]  # the endpoints that it survived: "dead", "refusing", "garbage"
    reason: str


class Control(Record, frozen=True, kw_only=True, tag="control"):
    """A negative control of the real layers' tests, and what it holds for."""

    digest: str  # of tests, application, SDK and policy
    layers: tuple[Layer, ...]
    tests: int  # that talk to the API, or belong to a real layer
    survivors: tuple[Survivor, ...]
    open_ends: tuple[str, ...]  # what was not decided, and why
    notes: tuple[str, ...] = ()  # what decides nothing: tests that were left out, and why


class Alert(Record, frozen=True, kw_only=True, tag="alert"):
    """A change of state of an alert rule."""

    rule: str
    before: str
    after: str
    observed: float | None
    samples: int


AnyRecord: TypeAlias = (
    Exchange
    | TestOutcome
    | LayerRun
    | Signal
    | Mention
    | ReportedCall
    | Gauge
    | Allocation
    | Budget
    | Fault
    | Unguarded
    | Conduct
    | SourceEnd
    | Control
    | ContractDrift
    | HandMade
    | LapsedWaiver
    | Alert
    | LoadPlan
    | LoadBlock
    | LoadHistogram
    | ClientCheck
)
