"""Run by system tests in other environments: make calls, print what was recorded of each.

    python observed.py MODULE before|after BASE_URL KIND [NAME...]

A scenario is a function of its module that takes a `World`; its name, in JSON, has the records it
left behind. The module, and so its libraries, is imported before or after the observer starts. KIND
is the kind of the declared endpoint: `live` or `simulated`. Nothing may leave loopback.
"""

import importlib
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import Exchange, Fault, Origin
from l9gate.measure.clock import SystemClock
from l9gate.observe.origins import Target
from l9gate.observe.recorder import Outbox, Recorder
from l9gate.observe.seam import Seam

FAULTS = {
    "cut": "close_after_events=5",
    "short": "cut_after_events=5",  # the application sees no error
    "error_event": "error_event=overloaded_error",
    "stalled": "stall_s=1",
    "left": "event_delay_s=0.05",
}


@dataclass(frozen=True)
class World:
    """What a scenario needs: where to send to, and the seam itself."""

    base_url: str
    seam: Seam

    @property
    def messages(self) -> str:
        return f"{self.base_url}/v1/messages"

    @property
    def headers(self) -> dict[str, str]:
        return {"x-api-key": "sk-secret-key", "anthropic-version": "2026-10-21"}

    def body(self, **more: object) -> dict[str, object]:
        question = [{"role": "user", "content": "a secret question"}]
        return {"model": "claude-haiku-5-5", "max_tokens": 64, "messages": question, **more}

    def fault(self, end: str) -> dict[str, str]:
        return {**self.headers, "x-l9gate-fault": FAULTS[end]}


def facts_of(seen: Exchange) -> dict[str, object]:
    return {
        "origin": seen.origin,
        "status": seen.status,
        "end": seen.end,
        "error_type": seen.error_type,
        "path": seen.path,
        "host": seen.host,
        "stream": seen.stream,
        "model": seen.model,
        "call": seen.call_id,
        "attempt": seen.attempt,
        "answered": seen.was_answered,
        "tokens": None if seen.usage is None else seen.usage.output_tokens,
        "gaps": len(seen.gaps_s),
        "ttft": seen.first_token_s is not None,
    }


def refuse_network(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = str(arguments[1][0])
    elif event == "socket.getaddrinfo":
        host = os.fsdecode(arguments[0] or "") if isinstance(arguments[0], str | bytes) else ""
    else:
        return
    if host not in ("127.0.0.1", "::1", "localhost", ""):
        sys.stderr.write(f"refused: {event} {host}\n")
        raise PermissionError(host)


def observe(
    module: str, moment: str, base_url: str, kind: str, names: list[str]
) -> dict[str, object]:
    if moment == "before":
        importlib.import_module(module)
    log, clock = MemoryLog(), SystemClock()
    target = Target(base_url.partition("://")[2], Origin(kind))
    recorder = Recorder(Outbox(log, clock), clock, target)
    seam = Seam()
    seam.install(recorder)
    scenarios = importlib.import_module(module)
    found: dict[str, object] = {}
    for name in names:
        before = len(log.records)
        scenario: Callable[[World], object] = getattr(scenarios, name)
        said = scenario(World(base_url, seam))
        recorder.end_open()
        new = log.records[before:]
        faults = [record.error_class for record in new if isinstance(record, Fault)]
        seen = [facts_of(record) for record in new if isinstance(record, Exchange)]
        found[name] = {"exchanges": seen, "faults": faults, "said": said}
    seam.remove(recorder)
    return found


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    sys.addaudithook(refuse_network)
    json.dump(observe(*sys.argv[1:5], sys.argv[5:]), sys.stdout)
