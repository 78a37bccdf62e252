"""A server that knows the truth: as fast as our loop goes, paced, or frozen now and then.

It looks at nothing but the end of a request and a number that stands at the end of its body, so it
is no limit to a client. Times are of the machine's monotonic clock, the same in every process.

Run: python benchmarks/driver_server.py PORT TRUTH json
     python benchmarks/driver_server.py PORT TRUTH stream DELTAS FIRST_S GAP_S
     python benchmarks/driver_server.py PORT TRUTH freeze EVERY_S FOR_S
"""

import asyncio
import json
import re
import signal
import sys
import time
from pathlib import Path
from typing import cast

import uvloop

from l9gate.net.http import render_chunk
from l9gate.net.wheel import Wheel

TEXT = "It should look at how it arrived, not at what it says. " * 6
USAGE = {"input_tokens": 12, "output_tokens": 45}
_START = {"type": "message", "role": "assistant", "model": "claude-haiku-5-5", "usage": USAGE}
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_NUMBER = re.compile(rb'NUMBER (\d+)"')


def event(name: str, **fields: object) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name, **fields})}\n\n".encode()


def openai(delta: dict[str, str], reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    answer = {"id": "c", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}
    return f"data: {json.dumps(answer)}\n\n".encode()


HEAD = b"HTTP/1.1 200 OK\r\nrequest-id: req_1\r\ncontent-type: "
WHOLE = json.dumps(_START | {"content": [{"type": "text", "text": TEXT}]}).encode()
JSON = HEAD + b"application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(WHOLE), WHOLE)
STREAM = HEAD + b"text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
BEGIN = event("message_start", message=_START) + event(
    "content_block_start", index=0, content_block={"type": "text", "text": ""}
)
DELTA = event("content_block_delta", index=0, delta={"type": "text_delta", "text": "word " * 5})
END = (
    event("content_block_stop", index=0)
    + event("message_delta", delta={"stop_reason": "end_turn"}, usage=USAGE)
    + event("message_stop")
)
OTHER_DELTA = openai({"content": "word " * 5})
OTHER_END = openai({}, "stop") + b"data: [DONE]\n\n"
LAST = b"0\r\n\r\n"


class Truth:
    """When requests came and when content went out."""

    def __init__(self) -> None:
        self.received_s: dict[int, float] = {}
        self.written_s: dict[int, list[float]] = {}


class Plan:
    """What every connection shares."""

    def __init__(self, words: list[str], truth: Truth) -> None:
        self.truth = truth
        self.wheel: Wheel
        self.streams = words[0] == "stream"
        self.deltas, self.first_s, self.gap_s = 0, 0.0, 0.0
        if self.streams:
            self.deltas, self.first_s, self.gap_s = int(words[1]), float(words[2]), float(words[3])
        self.burst = STREAM + render_chunk(BEGIN) + render_chunk(DELTA) * self.deltas
        self.burst += render_chunk(END) + LAST


class Connection(asyncio.Protocol):
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.data = b""
        self.known = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        at_s = time.monotonic()
        self.data = data = self.data + data
        while (end := data.find(b"\r\n\r\n") + 4) > 3:
            length = _LENGTH.search(data, 0, end)
            size = end + (int(length[1]) if length else 0)
            if len(data) < size:
                return
            self.answer(data[:size], at_s)
            self.data = data = data[size:]

    def answer(self, request: bytes, at_s: float) -> None:
        plan = self.plan
        if not plan.streams:
            self.transport.write(JSON)
        elif plan.gap_s == 0:
            self.transport.write(plan.burst)
        else:
            found = _NUMBER.search(request)
            number = int(found[1]) if found else len(plan.truth.received_s)
            plan.truth.received_s[number] = at_s
            plan.truth.written_s[number] = []
            is_other = b"chat/completions" in request[:80]
            self.transport.write(STREAM + (b"" if is_other else render_chunk(BEGIN)))
            self.play(number, at_s + plan.first_s, is_other=is_other)

    def play(self, number: int, due_s: float, *, is_other: bool) -> None:
        plan, left = self.plan, self.plan.deltas
        delta = render_chunk(OTHER_DELTA if is_other else DELTA)
        end = render_chunk(OTHER_END if is_other else END) + LAST
        written_s = plan.truth.written_s[number]

        def turn(_: float) -> None:
            nonlocal left, due_s
            left -= 1
            written_s.append(time.monotonic())
            if self.transport.is_closing():
                return
            self.transport.write(delta if left else delta + end)
            if left:
                due_s += plan.gap_s
                plan.wheel.call_at(due_s, turn)

        plan.wheel.call_at(due_s, turn)


async def freeze(every_s: float, for_s: float) -> None:
    """Stop everything for a while, at the beginning of each period."""
    next_s = time.monotonic()
    while True:
        await asyncio.sleep(max(next_s - time.monotonic(), 0))
        time.sleep(max(next_s + for_s - time.monotonic(), 0))  # noqa: ASYNC251 - it is frozen
        next_s += every_s


async def serve(port: int, words: list[str]) -> Truth:
    loop = asyncio.get_running_loop()
    plan = Plan(words, Truth())
    plan.wheel = Wheel(loop)
    await loop.create_server(lambda: Connection(plan), "127.0.0.1", port, backlog=4096)
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    freezer = None
    if words[0] == "freeze":
        freezer = loop.create_task(freeze(float(words[1]), float(words[2])))
    await ended.wait()
    if freezer is not None:
        freezer.cancel()
    return plan.truth


if __name__ == "__main__":
    known = uvloop.run(serve(int(sys.argv[1]), sys.argv[3:]))
    Path(sys.argv[2]).write_text(json.dumps([known.received_s, known.written_s]))
