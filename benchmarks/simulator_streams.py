"""How many events a second the simulator streams on one core, and how well many streams keep time.

Run: python benchmarks/simulator_streams.py
"""

import multiprocessing
import os
import select
import socket
import statistics
import struct
import subprocess
import tempfile
import time
from contextlib import ExitStack
from multiprocessing.connection import Connection

from simulator_peers import (
    HEADERS,
    LOAD_CORE,
    LONG,
    SERVER_CORE,
    MissingError,
    Rate,
    aimock,
    answer_of,
    best_of,
    body_of,
    measure,
    note_machine,
    ratio_of,
    simulator,
    wrk_script,
)

OURS, PEER = "l9gate", "aimock"
LONG_BODY = body_of(f"Which function? Reply exactly: {LONG} NUMBER", stream=True)
ASKED_STREAMS, PROBES, GAP_S = 2000, 100, 0.020
CROWDS = (1000, 1500, ASKED_STREAMS)
ASKED_ERROR_S = 0.005
WRITES = 50  # to each stream, when only writes are measured
_TIMES = struct.Struct("qq")  # seconds and nanoseconds
_SO_TIMESTAMPNS = 35  # the kernel says when bytes came, however late we are scheduled
ASKED_PER_S = 900_000
EVENTS, EVENTS_OF_OTHERS = 200, 900  # the others begin before and end after
WARM_UP_S = 6.0


def paced_body(events: int) -> str:
    return body_of(f"Reply exactly: {'x' * 24 * events}", stream=True)


def show_events() -> None:
    with ExitStack() as stack:
        servers = {OURS: stack.enter_context(simulator())}
        try:
            servers[PEER] = stack.enter_context(aimock(LONG))
        except MissingError as error:
            print(f"skipped: {PEER}, there is no {error}")
        rates = measure(servers, LONG_BODY, depth=1, clients=16)
        events = {
            name: answer_of(server.url, LONG_BODY).count(b"event: ")
            for name, server in servers.items()
        }
    best = {
        name: Rate(events[name] * rate.per_s, events[name] * rate.per_core_s)
        for name, rate in ((name, best_of(found)) for name, found in rates.items())
    }
    if PEER in best:
        ratio, share = ratio_of(rates[OURS], rates[PEER]), events[OURS] / events[PEER]
        print(
            f"{share * ratio.per_s:6.2f} x {PEER}, {share * ratio.per_core_s:.2f} x per second of "
            f"a core  ({best[PEER].per_s:,.0f} and {best[PEER].per_core_s:,.0f} events/s)"
        )
    ours = best[OURS]
    print(
        f"{ours.per_s:,.0f} events/s at zero delay, {ours.per_core_s:,.0f} per second of a core"
        + (f" (asked: {ASKED_PER_S:,})" if ours.per_s < ASKED_PER_S else "")
    )


def probe(port: int, answers: Connection) -> None:
    """Read some streams, and note when each event came; on the core of the load."""
    os.sched_setaffinity(0, {LOAD_CORE})
    head = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
    body = paced_body(EVENTS)
    request = f"POST /v1/messages HTTP/1.1\r\nhost: x\r\n{head}content-length: {len(body)}\r\n\r\n"
    poll, clients = select.epoll(), dict[int, socket.socket]()
    for number in range(PROBES):
        client = socket.create_connection(("127.0.0.1", port))
        client.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        client.sendall(f"{request}{body}".encode())
        client.setblocking(False)
        clients[client.fileno()] = client
        poll.register(client, select.EPOLLIN)
        time.sleep(GAP_S * number / PROBES / 10)
    seen: dict[int, list[float]] = {number: [] for number in clients}
    end_s = time.monotonic() + EVENTS * GAP_S + 3
    while time.monotonic() < end_s:
        for number, _ in poll.poll(0.1):
            data, notes, _, _ = clients[number].recvmsg(65536, 64)
            at_s = _arrival_s(notes)
            seen[number] += [at_s] * data.count(b"event: content_block_delta")
    answers.send([times for times in seen.values() if times])


def _arrival_s(notes: list[tuple[int, int, bytes]]) -> float:
    for _, kind, data in notes:
        if kind == _SO_TIMESTAMPNS:
            seconds, nanoseconds = _TIMES.unpack(data)
            return float(seconds + nanoseconds / 1e9)
    return time.time()  # an end without bytes has no time


def errors_s(times: list[float]) -> list[float]:
    """How far each event is from its place on a grid laid through the first ones.

    The grid is that of the median offset, so that one late event at the start does not shift all.
    """
    offsets = [at - number * GAP_S for number, at in enumerate(times)]
    base = statistics.median(offsets)
    return [abs(offset - base) for offset in offsets]


def pace(crowd: int) -> list[float]:
    """The errors of the events of some streams, in seconds and in order, among so many streams."""
    with simulator(1.0, GAP_S) as server, tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(wrk_script(paced_body(EVENTS_OF_OTHERS)))
        script.flush()
        rest = f"-c{crowd - PROBES} -d{EVENTS_OF_OTHERS * GAP_S:.0f}s".split()
        load = ["taskset", "-c", str(LOAD_CORE), "wrk", "-t1", *rest, "--timeout", "60s"]
        mine, theirs = multiprocessing.Pipe()
        with subprocess.Popen(
            [*load, "-s", script.name, server.url], stdout=subprocess.PIPE
        ) as others:
            time.sleep(WARM_UP_S)
            prober = multiprocessing.Process(
                target=probe, args=(int(server.url.rpartition(":")[2]), theirs)
            )
            prober.start()
            streams = mine.recv()
            prober.join()
            others.terminate()
    return sorted(error for times in streams for error in errors_s(times))


def writes_per_s(crowd: int) -> float:
    """The limit: how often a core can write an event to that many sockets, doing nothing else."""
    data = b"x" * 140
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as server:
        reader = multiprocessing.Process(target=_drain, args=(server.getsockname()[1], crowd))
        reader.start()
        peers = [server.accept()[0] for _ in range(crowd)]
        os.sched_setaffinity(0, {SERVER_CORE})
        begin_s = time.process_time()
        for _ in range(WRITES):
            for peer in peers:
                peer.send(data)
        spent_s = time.process_time() - begin_s
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
        for peer in peers:
            peer.close()
        reader.join()
    return WRITES * crowd / spent_s


def _drain(port: int, crowd: int) -> None:
    """Read and forget what comes, until all ends."""
    os.sched_setaffinity(0, {LOAD_CORE})
    poll, clients = select.epoll(), dict[int, socket.socket]()
    for _ in range(crowd):
        client = socket.create_connection(("127.0.0.1", port))
        clients[client.fileno()] = client
        poll.register(client, select.EPOLLIN)
    while clients:
        for number, _ in poll.poll():
            if not clients[number].recv(65536):
                clients.pop(number).close()


def show_pacing() -> None:
    limit = writes_per_s(ASKED_STREAMS)
    asked = ASKED_STREAMS / GAP_S
    print(
        f"{asked / limit:6.2f} of a core is what the bare writes of {ASKED_STREAMS:,} streams at "
        f"{GAP_S * 1000:.0f} ms take  ({asked:,.0f} of at most {limit:,.0f} a second)"
    )
    for crowd in CROWDS:
        found = pace(crowd)
        p50, p99 = (found[int((len(found) - 1) * share)] for share in (0.50, 0.99))
        verdict = "" if p99 < ASKED_ERROR_S else f" (asked: below {1000 * ASKED_ERROR_S:.0f} ms)"
        print(
            f"{crowd:,} streams paced at {GAP_S * 1000:.0f} ms: p99 error {1000 * p99:.2f} ms"
            f"{verdict}, p50 {1000 * p50:.2f} ms ({len(found):,} events of {PROBES} of them)"
        )


def main() -> None:
    note_machine()
    show_events()
    show_pacing()


if __name__ == "__main__":
    main()
