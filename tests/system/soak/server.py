"""A small server that answers like the Messages API, and may leak: `server.py PORT MODE`.

Modes: healthy (warms up to a plateau of 50 MB), memory, descriptors, tasks, threads.
"""

import asyncio
import json
import math
import os
import sys
import threading

MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-5-5",
    "content": [{"type": "text", "text": "Yes."}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 9, "output_tokens": 2},
}
BODY = json.dumps(MESSAGE).encode()
HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nrequest-id: req_1\r\n"
    b"content-length: %d\r\n\r\n" % len(BODY)
)
PLATEAU_BYTES, WARM_UP_CALLS, LEAK_BYTES = 50_000_000, 150, 150_000
kept: list[object] = []


def leak_memory(calls: int) -> None:
    kept.append(os.urandom(LEAK_BYTES))


def leak_descriptor(calls: int) -> None:
    kept.append(os.open(os.devnull, os.O_RDONLY))


def leak_task(calls: int) -> None:
    kept.append(asyncio.create_task(asyncio.sleep(1e6)))


def leak_thread(calls: int) -> None:
    if calls % 5 == 0:
        threading.Thread(target=threading.Event().wait, daemon=True).start()


def warm_up(calls: int) -> None:
    """Approach the plateau, each call by a share of what is left to it."""
    share = math.exp(-calls / WARM_UP_CALLS)
    kept.append(os.urandom(int(PLATEAU_BYTES / WARM_UP_CALLS * share)))


MODES = {
    "healthy": warm_up,
    "memory": leak_memory,
    "descriptors": leak_descriptor,
    "tasks": leak_task,
    "threads": leak_thread,
}


async def main(port: int, mode: str) -> None:
    calls = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                sizes = [
                    int(line.split(b":")[1])
                    for line in head.lower().split(b"\r\n")
                    if line.startswith(b"content-length")
                ]
                await reader.readexactly(sizes[0] if sizes else 0)
                calls += 1
                MODES[mode](calls)
                writer.write(HEAD + BODY)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
