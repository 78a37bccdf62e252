"""When further calls are refused, and what is told to whoever decides."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import cast

import pytest

from l9gate.errors import DecidedStop
from l9gate.evidence.log import EvidenceLog, MemoryLog
from l9gate.evidence.records import End, Exchange, Fault, Layer
from l9gate.measure.clock import ManualClock
from l9gate.observe.attribution import Owner, owned_by
from l9gate.observe.halt import FIRST_LOOK, LAST_LOOK, Halt
from l9gate.observe.watch import HttpRequest

Build = Callable[..., Exchange]


class Judge:
    """Says what it is told to, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []
        self.why: str | None = None

    def decide(self, log: EvidenceLog, begun: int) -> str | None:
        self.asked.append((sum(1 for _ in log.of(Exchange)), begun))
        return self.why


@pytest.fixture
def judge() -> Judge:
    return Judge()


@pytest.fixture
def sink() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def halt(judge: Judge, sink: MemoryLog, clock: ManualClock) -> Iterator[Halt]:
    with owned_by(Owner("t", Layer.PERFORMANCE)):
        yield Halt(sink, clock, judge.decide)


def request(path: str = "/v1/messages", **headers: str) -> HttpRequest:
    url = SimpleNamespace(path=path, host="h", netloc=b"h")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return cast("HttpRequest", SimpleNamespace(method="POST", url=url, headers=named))


def pass_calls(halt: Halt, records: list[Exchange]) -> None:
    for record in records:
        halt.begin(request())
        halt.put(record)


def test_first_look_is_at_ten_calls_and_the_next_at_a_fifth_more(
    halt: Halt, judge: Judge, sink: MemoryLog, exchange: Build
) -> None:
    pass_calls(halt, [exchange() for _ in range(30)])
    assert judge.asked == [(n, 0) for n in (FIRST_LOOK, 12, 15, 18, 22, 27)]
    assert len(sink.records) == 30


def test_every_record_is_handed_on(halt: Halt, sink: MemoryLog, exchange: Build) -> None:
    fault = Fault(at_s=1.0, where="w", error_class="E")
    for record in (fault, exchange(path="/v1/models"), exchange()):
        halt.put(record)
    halt.flush()
    assert sink.records[0] == fault
    assert len(sink.records) == 3


def test_what_is_certain_refuses_every_further_call(
    halt: Halt, judge: Judge, exchange: Build
) -> None:
    judge.why = "`c` is broken"
    pass_calls(halt, [exchange() for _ in range(FIRST_LOOK)])
    for _ in range(2):
        with pytest.raises(DecidedStop, match="`c` is broken"):
            halt.begin(request())
    assert halt.why == "`c` is broken"
    assert (halt.take_refusals(), halt.take_refusals()) == (2, 0)
    assert len(judge.asked) == 1


def test_calls_in_flight_are_told(halt: Halt, judge: Judge, exchange: Build) -> None:
    for _ in range(3):
        halt.begin(request())
    pass_calls(halt, [exchange() for _ in range(FIRST_LOOK + 1)])
    assert judge.asked == [(FIRST_LOOK, 3)]


def test_failure_that_may_be_tried_again_has_not_ended(
    halt: Halt, judge: Judge, clock: ManualClock, exchange: Build
) -> None:
    now_s = clock.now_s()
    failed = [
        exchange(status=529, ended_s=now_s),
        exchange(status=429, ended_s=now_s),
        exchange(status=None, end=End.UNREACHABLE, ended_s=now_s),
    ]
    lasting = [exchange(status=401, ended_s=now_s), exchange(status=None, end=End.ABANDONED)]
    pass_calls(halt, failed + lasting + [exchange() for _ in range(6)])
    assert judge.asked == [(7, 3)]
    clock.advance(1.1)
    pass_calls(halt, [exchange(), exchange()])
    assert judge.asked[1:] == [(12, 0)]


@pytest.mark.parametrize(
    ("facts", "wait_s"),
    [
        ({"attempt": 0}, 1.0),
        ({"attempt": 1}, 1.5),
        ({"attempt": 9}, 8.5),
        ({"retry_after_s": 20.0}, 20.5),
        ({"retry_after_s": 0.0}, 1.0),
    ],
)
def test_next_attempt_is_waited_for_as_long_as_the_sdk_waits(
    halt: Halt,
    judge: Judge,
    clock: ManualClock,
    exchange: Build,
    facts: dict[str, object],
    wait_s: float,
) -> None:
    failed = exchange(status=529, ended_s=clock.now_s(), **facts)
    pass_calls(halt, [failed, *(exchange() for _ in range(9))])
    clock.advance(wait_s - 0.1)
    halt.begin(request())
    clock.advance(0.2)
    pass_calls(halt, [exchange(), exchange(), exchange()])
    assert judge.asked == [(9, 1), (12, 1)]


def test_failure_after_which_its_context_calls_anew_has_ended(
    halt: Halt, judge: Judge, clock: ManualClock, exchange: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [exchange(status=529, ended_s=clock.now_s()) for _ in range(FIRST_LOOK)]
    for record in records:
        halt.begin(request())
        monkeypatch.setattr("l9gate.observe.halt.last_call_id", lambda one=record: one.call_id)
        halt.put(record)
    halt.begin(request(x_stainless_retry_count="1"))  # the last one is tried again
    assert judge.asked == [(FIRST_LOOK - 1, 1)]


def test_nothing_is_decided_while_a_test_provokes_failures(
    halt: Halt, judge: Judge, exchange: Build
) -> None:
    judge.why = "`c` is broken"
    halt.begin_test(is_about_failure=True)
    pass_calls(halt, [exchange() for _ in range(FIRST_LOOK + 5)])
    assert judge.asked == []
    halt.begin_test(is_about_failure=False)
    with pytest.raises(DecidedStop):
        halt.begin(request())


def test_what_costs_nothing_or_is_of_no_real_layer_is_let_through(
    halt: Halt, judge: Judge, exchange: Build
) -> None:
    judge.why = "`c` is broken"
    pass_calls(halt, [exchange() for _ in range(FIRST_LOOK)])
    halt.begin(request("/v1/messages/count_tokens"))
    with owned_by(Owner("u", Layer.UNIT)):
        halt.begin(request())
    with pytest.raises(DecidedStop):
        halt.begin(request())


def test_what_is_not_broken_after_500_calls_is_measured_to_its_end(
    halt: Halt, judge: Judge, exchange: Build
) -> None:
    one = exchange()
    pass_calls(halt, [one] * (LAST_LOOK + 50))
    judge.why = "`c` is broken"
    halt.begin(request())
    assert judge.asked[-1][0] < LAST_LOOK
    assert len(judge.asked) < 30


def test_fault_of_ours_is_a_record_and_ends_the_looking(
    sink: MemoryLog, clock: ManualClock, exchange: Build
) -> None:
    def fail(log: EvidenceLog, begun: int) -> str | None:
        raise RuntimeError

    with owned_by(Owner("t", Layer.PERFORMANCE)):
        pass_calls(Halt(sink, clock, fail), [exchange() for _ in range(40)])
    assert [(one.where, one.error_class) for one in sink.of(Fault)] == [
        ("observe.halt", "RuntimeError")
    ]
