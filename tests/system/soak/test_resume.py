"""X-04: a soak that was interrupted is judged, and goes on where it broke off."""

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from l9gate.errors import L9gateError
from l9gate.evidence.gauges import MEMORY
from l9gate.evidence.load import LoadPlan
from l9gate.evidence.records import Gauge
from l9gate.observe.gauges import read_start
from l9gate.store.run import open_run

INTERRUPTED, NOT_READY, UNPROVEN, DATA = 130, 1, 2, 65
ENOUGH = 60


class Soak(Protocol):
    process: object
    run: Path
    output: str
    errors: str

    def start(self, *words: str) -> object: ...
    def wait(self) -> int: ...
    def end(self, number: int = ...) -> None: ...
    def states(self) -> dict[str, str]: ...


def wait_for_readings(soak: Soak) -> None:
    """Return once enough gauges are in the evidence."""
    for _ in range(300):
        time.sleep(0.1)
        try:
            if open_run(soak.run).count_records().get("gauge", 0) > 5 * ENOUGH:
                return
        except (ValueError, OSError, L9gateError):
            continue
    pytest.fail("no readings")


def assert_gone(run: Path) -> None:
    """The server ended with the soak that had started it, however that ended."""
    with open_run(run).read() as log:
        (process,) = {one.process for one in log.of(Gauge) if one.name == MEMORY}
    pid, _, start = str(process).partition("@")
    for _ in range(100):
        try:
            if read_start(int(pid)) != start:
                return
        except OSError:
            return
        time.sleep(0.1)
    pytest.fail("the server still runs")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_soak_goes_on(number: int, start_soak: Callable[..., Soak]) -> None:
    soak = start_soak("descriptors", "--minutes", "0.2", "--every", "0.05s")
    wait_for_readings(soak)
    soak.end(number)
    status = soak.wait()
    if number == signal.SIGINT:
        assert status == INTERRUPTED
        assert "l9gate soak --resume" in soak.errors
        assert "soak" in soak.output  # it was judged
    assert_gone(soak.run)
    soak.process = soak.start("--resume", str(soak.run))
    assert soak.wait() == NOT_READY, soak.output + soak.errors
    assert "of 12 s are left" in soak.errors
    with open_run(soak.run).read() as log:
        plans = list(log.of(LoadPlan))
        processes = {one.process for one in log.of(Gauge) if one.name == MEMORY}
        operations = [one.operations for one in log.of(Gauge) if one.name == MEMORY]
    assert len(plans) == 2
    assert plans[1].duration_s is not None
    assert plans[1].duration_s < 12
    assert len(processes) == 2  # the server was started anew, which is a series of its own
    assert operations == sorted(operations)
    assert soak.states()["descriptors"] == "broken"


def test_a_finished_soak_is_not_resumed(start_soak: Callable[..., Soak]) -> None:
    soak = start_soak("healthy", "--minutes", "0.03")
    assert soak.wait() == UNPROVEN, soak.output + soak.errors
    assert "unproven" in soak.states().values()
    soak.process = soak.start("--resume", str(soak.run))
    assert soak.wait() == DATA
    assert "is finished" in soak.errors


def test_anytime_ends_a_soak_once_a_leak_is_certain(start_soak: Callable[..., Soak]) -> None:
    soak = start_soak(
        "descriptors", "--minutes", "1", "--every", "0.1s", "--stopping", "anytime"
    )  # fmt: skip
    started_s = time.monotonic()
    assert soak.wait() == NOT_READY, soak.output + soak.errors
    assert time.monotonic() - started_s < 50
    assert "stopped early: descriptors is broken" in soak.errors
