"""A load against small servers in the same loop."""

import asyncio
import dataclasses
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from l9gate.drive.arrivals import Arrivals, Closed
from l9gate.drive.driver import drive
from l9gate.drive.plan import Drive, DriveEnd, Wire
from l9gate.drive.workload import minimal
from l9gate.evidence.load import Arm, CallEnd, LoadBlock
from l9gate.evidence.log import MemoryLog
from l9gate.measure.clock import SystemClock
from l9gate.net.loops import find_loop_factory

T = TypeVar("T")
Answer = Callable[[asyncio.StreamWriter, int], Awaitable[None]]
MODEL = "claude-haiku-5-5"
MESSAGE = (
    b'{"type":"message","model":"claude-haiku-5-5","content":[],'
    b'"usage":{"input_tokens":3,"output_tokens":2}}'
)


class Server:
    """Reads requests over keep-alive connections; `answer` writes what it likes to each."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests: list[bytes] = []
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
                await reader.readexactly(length)
                self.requests.append(head)
                await self.answer(writer, len(self.requests))
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    @asynccontextmanager
    async def listening(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
        listener = await asyncio.start_server(self.serve, "127.0.0.1", 0, ssl=tls)
        port = listener.sockets[0].getsockname()[1]
        try:
            yield f"http{'s' if tls else ''}://127.0.0.1:{port}"
        finally:
            listener.close()


def whole(status: int = 200, body: bytes = MESSAGE, *, head: str = "") -> bytes:
    line = f"HTTP/1.1 {status} X\r\nRequest-ID: r\r\ncontent-length: {len(body)}\r\n{head}\r\n"
    return line.encode() + body


class Told:
    """What a load left behind."""

    def __init__(self, end: DriveEnd, log: MemoryLog, server: Server) -> None:
        self.end, self.log, self.server = end, log, server

    def blocks(self, arm: Arm = Arm.MAIN) -> list[LoadBlock]:
        return [block for block in self.log.of(LoadBlock) if block.arm is arm]

    def times_s(self, column: str, arm: Arm = Arm.MAIN) -> "np.typing.NDArray[np.float64]":
        return np.concatenate(
            [np.frombuffer(getattr(block, column), "<f8") for block in self.blocks(arm)]
        )

    @property
    def ends(self) -> list[CallEnd]:
        return [CallEnd(end) for block in self.blocks() for end in block.ends]


class Bench:
    """Runs loads."""

    message = MESSAGE
    whole = staticmethod(whole)

    def server(self, answer: Answer) -> Server:
        return Server(answer)

    async def load(
        self, server: Server, base_url: str, arrivals: Arrivals | Closed, **fields: object
    ) -> Told:
        """Carry out a load; fields are those of `Wire` and `Drive`, and `stream`."""
        stream = bool(fields.pop("stream", False))
        names = {field.name for field in dataclasses.fields(Wire)} & set(fields)
        of_wire = {"timeout_s": 5.0, **{name: fields.pop(name) for name in names}}
        plan = Drive(
            wire=Wire(base_url=base_url, key="sk-test", **of_wire),  # type: ignore[arg-type]
            arrivals=arrivals,
            **{"workload": minimal(MODEL, stream=stream), **fields},  # type: ignore[arg-type]
        )
        log = MemoryLog()
        end = await drive(plan, SystemClock(), log)
        return Told(end, log, server)

    def run(self, answer: Answer, arrivals: Arrivals | Closed, **fields: object) -> Told:
        """Carry out a load against a server that answers so."""

        async def both() -> Told:
            server = Server(answer)
            async with server.listening() as base_url:
                return await self.load(server, base_url, arrivals, **fields)

        return self.run_async(both())

    def run_async(self, work: Coroutine[object, object, T]) -> T:
        """Run on the loop that loads use."""
        with asyncio.Runner(loop_factory=find_loop_factory()) as runner:
            return runner.run(work)


@pytest.fixture
def bench() -> Bench:
    """Return what runs loads against small servers."""
    return Bench()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a key and a certificate for 127.0.0.1 that it signs itself."""
    place = tmp_path_factory.mktemp("tls") / "server.pem"
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
            ),
            *("-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(place), "-out", f"{place}.crt"),
        ],
        check=True,
        capture_output=True,
    )
    place.write_bytes(place.read_bytes() + Path(f"{place}.crt").read_bytes())
    return place
