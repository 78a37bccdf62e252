"""What the parts of the observer cost, each by the clock around it, among calls of the SDK.

For benchmarks/observer_cost.py. A part that is measured so costs about 0.3 us more than it does,
and each that holds others contains theirs.
"""

import json
import statistics
import time
from collections.abc import Callable

from observer_answers import EVENTS, MESSAGE, STREAM

BATCHES, BATCH = 20, 31  # one more would not wait
PARTS = (  # where, what, when
    ("exchange", "ExchangeTrace", "__init__", "begin"),
    ("exchange", "ExchangeTrace", "answered", "headers and origin of the answer"),
    ("exchange", "ExchangeTrace", "received", "a chunk of the body"),
    ("exchange", "ExchangeTrace", "close", "end"),
    ("exchange", "ExchangeTrace", "catch_up", "later: read the body"),
    ("exchange", "ExchangeTrace", "record", "later: make the record"),
    ("lookout", "Lookout", "look", "later: hold it against the contract"),
    ("recorder", "Outbox", "put", "later: hand the record on"),
)
LOOK = "later: hold it against the contract"
Clocked = dict[str, list[int]]


def clock_parts() -> Clocked:
    """Have every part write down its nanoseconds from now on, in this process."""
    found: Clocked = {}
    for module, kind, name, label in PARTS:
        owner = getattr(__import__(f"l9gate.observe.{module}", fromlist=[kind]), kind)
        setattr(owner, name, _clocked(getattr(owner, name), found.setdefault(label, [])))
    return found


def measure_parts(
    call: Callable[[], None], stream: Callable[[], None], catch_up: Callable[[], None]
) -> dict[str, dict[str, float]]:
    """Return microseconds: of each part of a plain call, and what the contract's peers take."""
    clocked, validate = clock_parts(), peer_validation()
    peers: dict[str, list[float]] = {"response": [], "event": []}
    for _ in range(BATCHES):
        for _ in range(BATCH):
            call()
        catch_up()
    for _ in range(BATCHES // 4):  # peers take so long that calls between them change nothing
        for kind, check in validate.items():
            began_ns = time.perf_counter_ns()
            for _ in range(BATCH):
                check()
            peers[kind].append((time.perf_counter_ns() - began_ns) / BATCH / 1e3)
    parts = {label: _per_call_us(spent) for label, spent in clocked.items()}
    clocked[LOOK].clear()
    for _ in range(BATCHES):
        stream()
    catch_up()
    event_us = statistics.median(clocked[LOOK]) / EVENTS / 1e3
    return {
        "parts": parts,
        "contract": {"response": parts[LOOK], "event": event_us},
        "jsonschema": {kind: statistics.median(times) for kind, times in peers.items()},
    }


def peer_validation() -> dict[str, Callable[[], None]]:
    """Return what jsonschema does with the types of the SDK: one answer, one event."""
    import jsonschema
    import pydantic
    from anthropic import types

    schemas = {
        "response": (types.Message, MESSAGE),
        "event": (types.RawMessageStreamEvent, STREAM[5]),
    }
    found: dict[str, Callable[[], None]] = {}
    for kind, (form, value) in schemas.items():
        schema = pydantic.TypeAdapter(form).json_schema()  # type: ignore[arg-type]
        validator, body = jsonschema.Draft202012Validator(schema), json.dumps(value).encode()

        def check(
            validator: jsonschema.Draft202012Validator = validator, body: bytes = body
        ) -> None:
            assert validator.is_valid(json.loads(body))

        found[kind] = check
    return found


def _per_call_us(spent_ns: list[int]) -> float:
    """Return the median over batches of the mean of one: the first of a batch pays for all."""
    per_batch = len(spent_ns) // BATCHES
    batches = [spent_ns[at : at + per_batch] for at in range(0, len(spent_ns), per_batch)]
    return (
        statistics.median(sum(batch) for batch in batches if len(batch) == per_batch) / BATCH / 1e3
    )


def _clocked(method: Callable[..., object], spent_ns: list[int]) -> Callable[..., object]:
    def clocked(*arguments: object, **options: object) -> object:
        began_ns = time.perf_counter_ns()
        try:
            return method(*arguments, **options)
        finally:
            spent_ns.append(time.perf_counter_ns() - began_ns)

    return clocked
