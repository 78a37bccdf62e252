"""The words that records are made of: layers, origins, ends, states and the like."""

from enum import StrEnum

import msgspec


class Layer(StrEnum):
    """The four kinds of test."""

    UNIT = "unit"
    INTEGRATION = "integration"
    PERFORMANCE = "performance"
    CONTRACT = "contract"

    @property
    def is_real(self) -> bool:
        """Whether tests of this layer must reach the API."""
        return self is not Layer.UNIT


class Origin(StrEnum):
    """Where the answer to an exchange came from."""

    LIVE = "live"  # a socket of this run to the declared endpoint
    SIMULATED = "simulated"  # a socket, and the simulator says so
    REPLAYED = "replayed"  # a tape
    MOCKED = "mocked"  # no socket: an in-process transport or a mock library
    OTHER = "other"  # a socket to some host that the environment does not declare


class End(StrEnum):
    """How an exchange ended, seen from the wire."""

    COMPLETE = "complete"  # the whole body arrived; a stream reached `message_stop`
    CUT = "cut"  # the server ended a body or stream before its end
    ERROR_EVENT = "error_event"  # an `error` event inside a stream
    ABANDONED = "abandoned"  # the caller stopped reading
    TIMED_OUT = "timed_out"  # a deadline of the caller ended it, or its task was cancelled
    UNREACHABLE = "unreachable"  # no answer: refused, reset, name not found, TLS


class TestState(StrEnum):
    """The outcome of one test."""

    __test__ = False

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"  # in set-up or tear-down
    SKIPPED = "skipped"
    XFAILED = "xfailed"
    XPASSED = "xpassed"


class EndReason(StrEnum):
    """Why a source stopped."""

    COMPLETED = "completed"
    DECIDED = "decided"  # what was asked is certain: what was planned beyond it is not missing
    STOPPED = "stopped"
    LIMIT_REACHED = "limit reached"
    FAILED = "failed"


class CacheState(StrEnum):
    """What the application's own cache did for one operation."""

    HIT = "hit"
    MISS = "miss"
    OFF = "off"


class Witness(StrEnum):
    """Who saw an exchange."""

    SEAM = "seam"  # inside the process that sent it
    PROXY = "proxy"  # the recording proxy, which carried it
    PROBE = "probe"  # the gate itself, whose question it was: no call of the application


class Held(StrEnum):
    """What came of holding an answer against the contract of the API."""

    NOT = "not"  # it was not looked at: no answer of the API, or not whole
    KEPT = "kept"  # nothing grave
    DRIFTED = "drifted"  # see the records of drift
    ON_PURPOSE = "on purpose"  # the request asked the simulator for a fault: not looked at


class SignalSource(StrEnum):
    """How the application told of an operation."""

    LOG = "log"  # a log record with the agreed fields
    SPAN = "span"  # a span with the agreed attributes


class RemarkKind(StrEnum):
    """What was noticed about a test that makes its pass worth less."""

    STAND_IN = "stand-in"  # a mock object, or a replaced function, took the client's place
    MOCK = "mock"  # a mock object of something else was called
    CLOCK = "clock"  # the clock was patched while a call was under way
    REWRITTEN = "rewritten"  # a plug-in or a conftest.py turned its failure into a pass


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was noticed about a test."""

    kind: RemarkKind
    detail: str  # names of objects and places, never values


class LayerSpending(msgspec.Struct, frozen=True, kw_only=True):
    """What one layer has used up; `layer` is None for calls of no layer."""

    layer: Layer | None
    calls: int
    spent_usd: float  # settled calls at their cost, the others at the most that they can cost
    unsettled_usd: float  # the part of it that is such a bound
    unsettled_calls: int
