"""What one test did while the API could not serve it: the facts of a negative control.

The child pytest writes them as lines of JSON, one file for each process. None holds a prompt, an
answer or a key.
"""

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

import msgspec

from l9gate.evidence.records import Layer, TestOutcome


class Against(StrEnum):
    """What the tests are run against."""

    DEAD = "dead"  # nobody listens
    REFUSING = "refusing"  # 401 for every key
    GARBAGE = "garbage"  # 200 and no answer of the API


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """One test against one endpoint."""

    outcome: TestOutcome
    place: str  # file:line of the test
    calls: int  # requests that left for the API, those of its fixtures included
    endings: tuple[str, ...] = ()  # of these calls, each kind once, such as "connection refused"
    mocked: int = 0  # requests that a transport in this process answered
    replayed: int = 0  # requests that a cassette answered
    refused: tuple[str, ...] = ()  # other hosts that it was kept from
    fallback: str | None = None  # the reason, as the application reports it
    was_cached: bool = False  # as the application reports it
    caught: tuple[str, ...] = ()  # "caught at file:line (except X)", of errors of its calls
    expects: tuple[str, ...] = ()  # names of exceptions that its source says it expects
    asserts: bool = True  # whether its source asserts anything that we can see
    timed_out: bool = False


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one session of pytest against one endpoint."""

    sightings: dict[str, Sighting]  # by node id
    tests: tuple[str, ...]  # node ids of all that were to run
    broken: tuple[str, ...] = ()  # node ids of files that could not be imported
    offline: tuple[str, ...] = ()  # node ids of tests that were not run, since they reach no API
    problem: str | None = None  # why not all of them ran


class Collected(msgspec.Struct, frozen=True, kw_only=True):
    """What one process of pytest was going to run."""

    tests: tuple[str, ...]  # node ids
    broken: tuple[str, ...] = ()  # node ids of files that could not be imported
    offline: tuple[str, ...] = ()  # node ids of tests that say that they reach no API


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """What the plug-in of the child is told."""

    folder: str  # where it writes
    base_url: str  # where every call for the API goes
    test_limit_s: float
    selected: tuple[str, ...] | None  # node ids; None: everything
    root: str | None  # of a project with settings: only tests of these layers are run
    layers: tuple[Layer, ...] = ()
    arguments: tuple[str, ...] = ()  # to pytest, meant by users for now, unlike `addopts`


ORDERS = "L9GATE_CONTROL"  # the variable that holds them
_SIGHTINGS = msgspec.json.Decoder(Sighting)
_SUFFIX = ".sightings.jsonl"
_COLLECTED = ".collected.json"


def render_orders(orders: Orders) -> str:
    """Return the value of the variable."""
    return msgspec.json.encode(orders).decode()


def parse_orders(text: str) -> Orders:
    """Return what the variable says."""
    return msgspec.json.decode(text, type=Orders)


def write_sighting(folder: Path, process: str, sighting: Sighting) -> None:
    """Append one line; it survives the death of the process."""
    with (folder / f"{process}{_SUFFIX}").open("ab") as file:
        file.write(msgspec.json.encode(sighting) + b"\n")


def write_collected(folder: Path, process: str, collected: Collected) -> None:
    """Write what this process is going to run."""
    (folder / f"{process}{_COLLECTED}").write_bytes(msgspec.json.encode(collected))


def read_sightings(folder: Path) -> dict[str, Sighting]:
    """Return the first sighting of every test; a line that was cut by a kill is left out."""
    found: dict[str, Sighting] = {}
    for file in sorted(folder.glob(f"*{_SUFFIX}")):
        for line in _whole_lines(file.read_bytes()):
            sighting = _SIGHTINGS.decode(line)
            found.setdefault(sighting.outcome.node_id, sighting)
    return found


def read_collected(folder: Path) -> Collected:
    """Return what all processes together were going to run."""
    parts = [
        msgspec.json.decode(file.read_bytes(), type=Collected)
        for file in sorted(folder.glob(f"*{_COLLECTED}"))
    ]
    return Collected(
        tests=_distinct(name for part in parts for name in part.tests),
        broken=_distinct(name for part in parts for name in part.broken),
        offline=_distinct(name for part in parts for name in part.offline),
    )


def _whole_lines(text: bytes) -> list[bytes]:
    return text.split(b"\n")[:-1]


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
