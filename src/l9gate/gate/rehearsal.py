"""What the simulator of a rehearsal saw its clients do, as evidence."""

import asyncio
from collections import Counter

import msgspec

from l9gate.errors import L9gateError
from l9gate.evidence.records import Conduct, Fault
from l9gate.net.client import request
from l9gate.simulator.commands import JOURNAL_PATH
from l9gate.sources.bench import Bench
from l9gate.wire.headers import OWN_AGENT

_WHERE = "gate.rehearsal"
_MAX_EXAMPLES = 10


class _Misconduct(msgspec.Struct):
    misdeed: str
    detail: str


class _Client(msgspec.Struct):
    user_agent: str
    requests: int
    retries: int
    left: int
    misconduct: tuple[_Misconduct, ...]


class _Journal(msgspec.Struct):
    lost: int  # visits of clients that were too many to tell apart
    clients: tuple[_Client, ...]


def note_conduct(base_url: str, bench: Bench) -> None:
    """Ask a simulator for its journal and put a record for every client of the application.

    Our own questions ask on purpose, and twice, for what is refused.
    A simulator that does not answer, and visits that it lost track of, are faults of ours.
    """
    try:
        answer = asyncio.run(request("GET", base_url.rstrip("/") + JOURNAL_PATH))
        journal = msgspec.json.decode(answer.body, type=_Journal)
    except (L9gateError, msgspec.DecodeError) as error:
        _put_fault(bench, type(error).__name__, 1)
        return
    for client in journal.clients:
        if client.user_agent != OWN_AGENT:
            bench.sink.put(_record_of(client, bench.clock.now_s()))
    if journal.lost:
        _put_fault(bench, "LostVisits", journal.lost)


def _record_of(client: _Client, now_s: float) -> Conduct:
    counts = Counter(one.misdeed for one in client.misconduct)
    examples = (f"{one.misdeed}: {one.detail}" for one in client.misconduct[:_MAX_EXAMPLES])
    return Conduct(
        at_s=now_s,
        client=client.user_agent,
        requests=client.requests,
        retries=client.retries,
        left=client.left,
        misconduct=dict(counts),
        examples=tuple(examples),
    )


def _put_fault(bench: Bench, error_class: str, count: int) -> None:
    now_s = bench.clock.now_s()
    bench.sink.put(Fault(at_s=now_s, where=_WHERE, error_class=error_class, count=count))
