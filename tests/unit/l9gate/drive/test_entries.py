import asyncio
import sys
from contextlib import suppress
from types import ModuleType, SimpleNamespace

import pytest

from l9gate.drive.app_entry import AppEntry, read_result
from l9gate.drive.caller import TaskEntry
from l9gate.drive.columns import Row
from l9gate.drive.raised import classify_error
from l9gate.drive.workload import Job
from l9gate.errors import L9gateError, PlanError
from l9gate.evidence.load import Arm, CallEnd
from l9gate.evidence.words import Origin
from l9gate.measure.clock import ManualClock

JOB = Job(b"{}")


class RateLimitError(Exception):
    status_code = 429


class ConnectError(Exception):
    pass


class ReadTimeoutError(Exception):
    pass


@pytest.mark.parametrize(
    ("result", "end"),
    [
        (None, CallEnd.OK),
        ({"degraded": True}, CallEnd.DEGRADED),
        ({"degraded": False, "cached": True}, CallEnd.CACHED),
        (SimpleNamespace(degraded=True), CallEnd.DEGRADED),
        (SimpleNamespace(cached=1), CallEnd.OK),
        ("cached", CallEnd.CACHED),
        ("an answer", CallEnd.OK),
    ],
)
def test_a_result_says_how_it_came_about(result: object, end: CallEnd) -> None:
    assert read_result(result) is end


def caused(cause: Exception) -> Exception:
    error = ValueError("ours")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (RateLimitError(), CallEnd.RATE_LIMITED),
        (caused(RateLimitError()), CallEnd.RATE_LIMITED),
        (TimeoutError(), CallEnd.TIMED_OUT),
        (ReadTimeoutError(), CallEnd.TIMED_OUT),
        (ConnectError(), CallEnd.UNREACHABLE),
        (ValueError("x"), CallEnd.RAISED),
    ],
)
def test_an_exception_is_told_apart_by_status_time_out_and_name(
    error: Exception, end: CallEnd
) -> None:
    assert classify_error(error) is end


def test_a_loop_of_causes_ends() -> None:
    one, two = ValueError(), KeyError()
    one.__cause__, two.__cause__ = two, one
    assert classify_error(one) is CallEnd.RAISED


class Caller:
    """Does what the label of a job says."""

    origin = Origin.SIMULATED

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock

    async def open(self) -> None:
        """Nothing."""

    async def close(self) -> None:
        """Nothing."""

    async def call(self, job: Job, due_s: float) -> Row:
        if job.label == "raise":
            raise RateLimitError
        if job.label == "impossible":
            raise PlanError("impossible")
        if job.label == "stubborn":
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        while job.label == "deaf":
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        if job.label in ("hang", "stubborn"):
            await asyncio.Event().wait()
        return Row(due_s=due_s, sent_s=due_s, ended_s=self.clock.now_s(), end=CallEnd.OK)


async def rows_of(*labels: str, overdue: bool = False) -> list[Row]:
    clock, rows = ManualClock(100.0), list[Row]()
    entry = TaskEntry(Caller(clock), clock, lambda _arm, _job, row: rows.append(row), 5.0)
    await entry.open()
    for number, label in enumerate(labels):
        entry.start(Job(b"{}", label=label), Arm.MAIN, number, 100.0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    if overdue:
        clock.advance(6.0)
        while entry.in_flight:
            entry.sweep(clock.now_s())
            for _ in range(3):
                await asyncio.sleep(0)
            clock.advance(2.0)
    await entry.close()
    return rows


def test_every_call_of_a_caller_has_a_row() -> None:
    rows = asyncio.run(rows_of("ok", "raise"))
    assert [(row.position, row.end) for row in rows] == [(0, CallEnd.OK), (1, CallEnd.RATE_LIMITED)]
    assert rows[1].origin is Origin.SIMULATED


def test_a_call_that_takes_too_long_is_cancelled_and_censored() -> None:
    (row,) = asyncio.run(rows_of("hang", overdue=True))
    assert (row.end, row.sent_s, row.ended_s) == (CallEnd.TIMED_OUT, 100.0, 106.0)


def test_a_call_that_swallows_its_cancellation_is_cancelled_again() -> None:
    """Else the load would wait for it without an end."""
    (row,) = asyncio.run(rows_of("stubborn", overdue=True))
    assert row.end == CallEnd.TIMED_OUT


def test_a_call_that_heeds_no_cancellation_has_timed_out_and_holds_nobody_up() -> None:
    """Neither the load nor the end of the loop waits for it."""
    rows = asyncio.run(rows_of("deaf", "hang", overdue=True))
    assert [(row.position, row.end) for row in rows] == [
        (1, CallEnd.TIMED_OUT),
        (0, CallEnd.TIMED_OUT),
    ]


def test_a_call_that_we_end_ourselves_has_no_row() -> None:
    assert asyncio.run(rows_of("hang")) == []


def test_a_call_that_cannot_be_carried_out_ends_the_load() -> None:
    with pytest.raises(L9gateError, match="impossible"):
        asyncio.run(rows_of("impossible", "ok"))


def test_an_entry_point_is_called_with_the_body(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    async def search(body: bytes) -> dict[str, bool]:
        seen.append(body)
        return {"cached": True}

    module = ModuleType("made_app")
    monkeypatch.setattr(module, "search", search, raising=False)
    monkeypatch.setitem(sys.modules, "made_app", module)
    entry = AppEntry("made_app:search", ManualClock(50.0), Origin.LIVE)
    row = asyncio.run(entry.call(JOB, 49.0))
    assert seen == [b"{}"]
    assert (row.due_s, row.sent_s, row.end) == (49.0, 50.0, CallEnd.CACHED)


def test_an_entry_point_that_ends_the_process_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """`sys.exit(0)` of an application is no verdict."""

    async def leave(_body: bytes) -> None:
        sys.exit(0)

    module = ModuleType("made_app")
    monkeypatch.setattr(module, "leave", leave, raising=False)
    monkeypatch.setitem(sys.modules, "made_app", module)
    row = asyncio.run(AppEntry("made_app:leave", ManualClock(50.0), Origin.LIVE).call(JOB, 49.0))
    assert row.end == CallEnd.RAISED


@pytest.mark.parametrize("name", ["json:loads", "json:absent", "absent:f", "json"])
def test_an_entry_point_has_to_be_an_async_function(name: str) -> None:
    with pytest.raises(PlanError):
        AppEntry(name, ManualClock(), Origin.LIVE)
