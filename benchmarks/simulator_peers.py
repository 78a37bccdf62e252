"""The servers that the benchmarks of the simulator compare, and the load they put on them.

Servers run on core 0, load on core 1, each in a process of its own.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from urllib.request import Request, urlopen

SERVER_CORE, LOAD_CORE = 0, 1
RUNS = 8
HEADERS = {
    "content-type": "application/json",
    "anthropic-version": "2026-10-21",
    "x-api-key": "sk-benchmark-1",
}
TEXT = (
    "This answer comes from a simulator and means nothing. "
    "It has the shape, the counts and the pace of a real one. "
    "Whoever reads it should look at how it arrived, not at what it says. "
    "The same request gets the same answer, with or without streaming."
)
LONG = TEXT * 100
_WRK = """
wrk.method = "POST"
for name, value in pairs({{{headers}}}) do wrk.headers[name] = value end
local requests, at = {{}}, 0
init = function(args)
  for n = 1, 256 do  -- no two of them alike, so that nobody can remember a body
    local batch = {{}}
    for i = 1, {depth} do
      local body = string.gsub([[{body}]], "NUMBER", tostring(100000 + n * 64 + i))
      batch[i] = wrk.format(nil, "{path}", nil, body)
    end
    requests[n] = table.concat(batch)
  end
end
request = function() at = at % 256 + 1; return requests[at] end
"""


@dataclass(frozen=True)
class Server:
    """One that runs."""

    url: str
    pid: int

    def cpu_s(self) -> float:
        """The time that it and its children had a core so far."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return sum(map(_cpu_s, [str(self.pid), *children]))


def _cpu_s(pid: str) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Rate:
    """Answers in a second of the clock, and in a second that the server had its core."""

    per_s: float
    per_core_s: float


Rates: TypeAlias = list[Rate]
_COUNTS = re.compile(r"(\d+) requests in .*Requests/sec:\s+([\d.]+)", re.DOTALL)


class MissingError(Exception):
    """A program that a comparison needs is not there and cannot be installed."""


def body_of(question: str, *, stream: bool = False) -> str:
    """A request; `NUMBER` within becomes another number each time."""
    message = {"role": "user", "content": question}
    body = {"model": "claude-haiku-5-5", "max_tokens": 64_000, "messages": [message]}
    return json.dumps(body | ({"stream": True} if stream else {}))


def need(program: str, package: str) -> None:
    """Install a Debian package unless its program is there."""
    if shutil.which(program) is None:
        with contextlib.suppress(OSError):
            command = ["apt-get", "install", "-y", "-qq", package]
            subprocess.run(command, check=False, capture_output=True)
    if shutil.which(program) is None:
        raise MissingError(f"{program} (Debian package {package})")


@contextlib.contextmanager
def child(command: list[str], core: int = SERVER_CORE, cwd: str | None = None) -> Iterator[int]:
    """Run a server on one core and end it by its id."""
    with subprocess.Popen(
        ["taskset", "-c", str(core), *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=cwd,
    ) as process:
        try:
            yield process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def await_port(port: int, patience_s: float = 20.0) -> None:
    end_s = time.monotonic() + patience_s
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > end_s:
                raise
            time.sleep(0.02)
        else:
            return


@contextlib.contextmanager
def simulator(load_factor: float = 0.0, gap_s: float = 0.0) -> Iterator[Server]:
    """Our simulator, its rate limits out of the way."""
    port = free_port()
    script = str(Path(__file__).with_name("simulator_server.py"))
    command = [sys.executable, script, str(port), str(load_factor), str(gap_s)]
    with child(command) as pid:
        await_port(port)
        yield Server(f"http://127.0.0.1:{port}", pid)


@contextlib.contextmanager
def aimock(text: str = TEXT) -> Iterator[Server]:
    """The peer from npm, in a directory of its own, with one fixture."""
    need("npm", "npm")
    port = free_port()
    with tempfile.TemporaryDirectory() as place:
        Path(place, "package.json").write_text("{}")
        made = subprocess.run(
            ["npm", "install", "--silent", "@copilotkit/aimock"],
            check=False,
            cwd=place,
            capture_output=True,
        )
        if made.returncode:
            raise MissingError("@copilotkit/aimock (npm has no network?)")
        rule = {"match": {"userMessage": "function"}, "response": {"content": text}}
        Path(place, "fixture.json").write_text(json.dumps({"fixtures": [rule]}))
        command = ["node", "node_modules/.bin/llmock", "-p", str(port), "-f", "fixture.json"]
        with child([*command, "-c", "24", "--log-level", "silent"], cwd=place) as pid:
            await_port(port)
            yield Server(f"http://127.0.0.1:{port}", pid)


@contextlib.contextmanager
def nginx(size_bytes: int) -> Iterator[Server]:
    """A web server that returns so many bytes and looks at nothing: the limit."""
    need("nginx", "nginx-light")
    port = free_port()
    with tempfile.TemporaryDirectory() as place:
        config = Path(place, "nginx.conf")
        config.write_text(
            f"daemon off; worker_processes 1; pid {place}/pid; error_log {place}/errors;\n"
            "events { worker_connections 4096; }\n"
            "http { access_log off; keepalive_requests 1000000000;\n"
            f"server {{ listen 127.0.0.1:{port} backlog=2048; location / {{\n"
            f'default_type application/json; return 200 "{"x" * size_bytes}"; }} }} }}\n'
        )
        with child(["nginx", "-c", str(config), "-p", place]) as pid:
            await_port(port)
            yield Server(f"http://127.0.0.1:{port}", pid)


def answer_of(url: str, body: str) -> bytes:
    """One whole answer, to know how long it is and how many events it has."""
    request = Request(f"{url}/v1/messages", body.encode(), HEADERS)
    with urlopen(request) as response:
        data: bytes = response.read()
        return data


def wrk_script(body: str, depth: int = 1) -> str:
    """The requests of wrk, so many at a time."""
    headers = ", ".join(f'["{name}"] = "{value}"' for name, value in HEADERS.items())
    return _WRK.format(headers=headers, body=body, path="/v1/messages", depth=depth)


def measure(servers: dict[str, Server], body: str, *, depth: int, clients: int) -> dict[str, Rates]:
    """Put the same load on servers in turn, some rounds of a second each.

    The machine's speed changes from minute to minute, so only rates of one round are compared.
    A bad status ends the benchmark.
    """
    need("wrk", "wrk")
    rates: dict[str, Rates] = {name: [] for name in servers}
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(wrk_script(body, depth))
        script.flush()
        load = ["taskset", "-c", str(LOAD_CORE), "wrk", "-t1", f"-c{clients}", "-d1"]
        for _ in range(RUNS):
            for name, server in servers.items():
                rates[name].append(_measure_once([*load, "-s", script.name, server.url], server))
    return rates


def _measure_once(load: list[str], server: Server) -> Rate:
    before_s = server.cpu_s()
    run = subprocess.run(load, capture_output=True, text=True, check=True)
    spent_s = max(server.cpu_s() - before_s, 0.01)
    found = _COUNTS.search(run.stdout)
    if "Non-2xx" in run.stdout or found is None:
        raise SystemExit(f"{server.url} refused requests:\n{run.stdout}")
    return Rate(float(found[2]), int(found[1]) / spent_s)


def best_of(rates: Rates) -> Rate:
    """The best of each number: noise only ever slows down."""
    return Rate(max(one.per_s for one in rates), max(one.per_core_s for one in rates))


def ratio_of(ours: Rates, theirs: Rates) -> Rate:
    """How many times theirs ours is: the median of the rounds."""
    pairs = list(zip(ours, theirs, strict=True))
    return Rate(
        statistics.median(mine.per_s / other.per_s for mine, other in pairs),
        statistics.median(mine.per_core_s / other.per_core_s for mine, other in pairs),
    )


def note_machine() -> None:
    one, five, _ = os.getloadavg()
    print(f"{os.cpu_count()} cores, load before the run {one:.2f} (5 min {five:.2f})")
