"""Fixtures for the tests of a gated project."""

import gc
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import pytest

from l9gate.evidence import gauges
from l9gate.evidence.records import Gauge
from l9gate.observe.attribution import current_owner
from l9gate.observe.gauges import count_descriptors, count_threads, read_rss_bytes
from l9gate.observe.pulse import count_objects, count_tasks
from l9gate.pytest_plugin.observation import OBSERVATION, Observation
from l9gate.wire import headers as names


class MemoryGrowth(Protocol):
    """The type of the fixture `memory_growth`."""

    def __call__(
        self,
        span: str,
        operation: Callable[[int], object],
        operations: int,
        *,
        warmup: int = 3,
        readings: int = 10,
    ) -> int:
        """Run an operation again and again, and return by how many bytes memory grew.

        Args:
            span: the measurement's name in the evidence, e.g. "ten_operations".
            operation: is called with 0, 1, 2 …; first `warmup` times that do not count.
            operations: how often it is called after the warm-up.
            warmup: calls before the first reading.
            readings: how many readings follow the first, at equal steps.
        """
        ...


class Evidence:
    """What a test says about the calls that were made for it."""

    def __init__(self, observation: Observation | None) -> None:
        self._observation = observation

    def note(self, *, request_id: str | None = None, trace_id: str | None = None) -> None:
        """Say which ids the service under test returned; they count if the evidence holds them.

        Args:
            request_id: of the API's answer, as the service passes it on.
            trace_id: 32 hex digits, or a whole `traceparent`.

        Raises:
            ValueError: no id is given, or it is none.
        """
        trace = trace_id and names.parse_trace_id({names.TRACE_PARENT: _as_parent(trace_id)})
        if not (request_id or trace) or bool(trace_id) != bool(trace):
            raise ValueError("expected a request id, or a trace id of 32 hex digits")
        owner = current_owner()
        if self._observation is not None and owner is not None:
            self._observation.mentions.note(owner, request_id or None, trace or None)


@pytest.fixture(scope="session")
def l9gate_evidence(request: pytest.FixtureRequest) -> Evidence:
    """Tell the gate by which ids a deployed service's calls are found: `note(request_id=…)`."""
    return Evidence(request.config.stash.get(OBSERVATION, None))


@pytest.fixture(scope="session")  # so that a shared fixture may measure its own work
def memory_growth(request: pytest.FixtureRequest) -> MemoryGrowth:
    """Measure the growth of this process's memory, and keep each reading as evidence."""
    return make_memory_growth(request.config.stash.get(OBSERVATION, None))


def make_memory_growth(observation: Observation | None) -> MemoryGrowth:
    """Return the function behind the fixture; without an observation it keeps no evidence."""

    def read(span: str, done: int) -> int:
        gc.collect()
        value = read_rss_bytes()
        owner = current_owner()
        if observation is not None:
            at_s = observation.clock.now_s()
            for name, number in {gauges.RSS: value, **_read_others()}.items():
                gauge = Gauge(
                    at_s=at_s,
                    name=name,
                    value=float(number),
                    span=span,
                    operations=done,
                    owner=None if owner is None else owner.id,
                    layer=None if owner is None else owner.layer,
                )
                observation.sink.put(gauge)
        return value

    def measure(
        span: str,
        operation: Callable[[int], object],
        operations: int,
        *,
        warmup: int = 3,
        readings: int = 10,
    ) -> int:
        if operations < 1 or readings < 1:
            raise ValueError("memory can only grow over at least one operation and one reading")
        for number in range(warmup):
            operation(number)
        first = last = read(span, 0)
        due = {round(operations * step / readings) for step in range(1, readings + 1)}
        for number in range(operations):
            operation(warmup + number)
            if number + 1 in due:
                last = read(span, number + 1)
        return last - first

    return measure


def _read_others() -> dict[str, int]:
    """Return what else may leak while memory looks well, as far as this machine tells it."""
    found = {gauges.OBJECTS: count_objects()}
    with suppress(OSError):  # there is no /proc
        found |= {gauges.DESCRIPTORS: count_descriptors(), gauges.THREADS: count_threads()}
    tasks = count_tasks()
    return found if tasks is None else found | {gauges.TASKS: tasks}


def _as_parent(trace_id: str) -> str:
    return trace_id if "-" in trace_id else f"00-{trace_id.lower()}-{'1' * 16}-01"
