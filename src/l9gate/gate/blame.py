"""Who allocates: a leaking command once more, for a short time, with tracemalloc.

Only after a leak was found: tracing makes allocation several times slower.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from l9gate.drive.arrivals import parse_arrivals
from l9gate.drive.driver import drive
from l9gate.drive.plan import Drive
from l9gate.evidence.records import Allocation, AnyRecord
from l9gate.gate.request import RunRequest
from l9gate.gate.soak_asked import SoakAsked
from l9gate.gate.soaked import running_command
from l9gate.net.loops import find_loop_factory
from l9gate.observe.pulse import AFTER, ALLOCATIONS, BEFORE, read_allocations
from l9gate.sources.bench import Bench

SHARE, LEAST_S, MOST_S = 0.2, 6.0, 60.0  # of the soak is how long it runs again
WARM_UP_SHARE = 1 / 3
MAX_SITES = 10
LEAST_SHARE = 0.01  # of the largest; less than that is no leak
WAIT_S = 20.0
_LOOK_S = 0.1


class _Nowhere:
    """Takes records and keeps none: what is traced is not measured."""

    def put(self, record: AnyRecord) -> None:
        """Take no notice."""

    def flush(self) -> None:
        """There is nothing to make durable."""


def find_allocations(
    asked: SoakAsked, run: RunRequest, load: Drive, environ: Mapping[str, str], bench: Bench
) -> None:
    """Start the command again under the same load, and put the lines that allocate most.

    Raises:
        EndpointUnreachableError: the command does not start again.
    """
    if asked.command is None:
        return
    lasts_s = min(max(SHARE * asked.duration_s, LEAST_S), MOST_S)
    bench.say(f"memory leaks: looking for {lasts_s:.0f} s at who allocates")
    again = replace(load, arrivals=parse_arrivals(asked.rate, lasts_s), control_every_s=None)
    root = run.settings.root
    with (
        running_command(asked.command, root, environ, asked.url, notes_allocations=True) as soaked,
        asyncio.Runner(loop_factory=find_loop_factory()) as runner,
    ):
        assert soaked.pulses is not None  # noqa: S101  # of a command there are some
        runner.run(_trace(again, soaked.pulses, lasts_s, bench))
        _wait_for_looks(soaked.pulses, bench)
        found = read_allocations(soaked.pulses)[:MAX_SITES]
    for site, size, count in found:
        if size < LEAST_SHARE * found[0][1]:
            break
        record = Allocation(
            at_s=bench.clock.now_s(),
            site=_below(site, root),
            grown_bytes=size,
            grown_blocks=count,
            seconds=lasts_s * (1 - WARM_UP_SHARE),
        )
        bench.sink.put(record)
    if not found:
        bench.say("no Python process told who allocates")


async def _trace(load: Drive, pulses: Path, lasts_s: float, bench: Bench) -> None:
    """Drive the load, and ask for the first look after its warm-up."""
    loop = asyncio.get_running_loop()
    first = loop.call_later(WARM_UP_SHARE * lasts_s, (pulses / BEFORE).touch)
    try:
        await drive(load, bench.clock, _Nowhere())
    finally:
        first.cancel()


def _wait_for_looks(pulses: Path, bench: Bench) -> None:
    """Ask for the second look, and wait until it was taken."""
    (pulses / AFTER).touch()
    ends_s = bench.clock.now_s() + WAIT_S
    while bench.clock.now_s() < ends_s and not list(pulses.glob(f"*{ALLOCATIONS}")):
        time.sleep(_LOOK_S)
    time.sleep(_LOOK_S)  # for those of other processes


def _below(site: str, root: Path) -> str:
    """Return a site without the folders that say where the project or a library lies."""
    path = Path(site)
    if path.is_relative_to(root):
        return str(path.relative_to(root))
    for place in ("site-packages", "lib"):
        if place in path.parts:
            index = len(path.parts) - 1 - path.parts[::-1].index(place)
            return "/".join(path.parts[index + 1 :])
    return path.name
