"""What the benchmark of the proxy puts behind it: fixed answers, and an aiohttp proxy as a peer.

`proxy_upstream.py answers PORT` answers a plain request at once and a stream at a pace, each event
with the time when it was written. `proxy_upstream.py peer PORT UPSTREAM` passes everything on.
"""

import asyncio
import importlib
import json
import sys
import time
from collections.abc import AsyncIterator, MutableMapping
from typing import cast

EVENTS, GAP_S = 200, 0.005
USAGE = {"input_tokens": 11, "output_tokens": 7}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-5-5",
    "content": [{"type": "text", "text": "The function that opens a file is `open`. " * 8}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": USAGE,
}
_BODY = json.dumps(MESSAGE).encode()
_PLAIN = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nrequest-id: req_1\r\n"
    b"content-length: %d\r\n\r\n%b" % (len(_BODY), _BODY)
)
_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nrequest-id: req_1\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)


class Answers(asyncio.Protocol):
    """Tells a stream from a plain request by its path; requests end with their headers' length."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        self._data = b""

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            head = self._data[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._data) < end + 4 + length:
                return
            self._data = self._data[end + 4 + length :]
            if b"/stream" in head.split(b"\r\n", 1)[0]:
                self._task = asyncio.get_running_loop().create_task(self._stream())
            else:
                self._transport.write(_PLAIN)

    async def _stream(self) -> None:
        self._transport.write(_HEAD)
        for _ in range(EVENTS):
            event = {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "text_delta", "text": "opens a file"},
                "at_ns": time.monotonic_ns(),
            }
            data = b"event: content_block_delta\ndata: %b\n\n" % json.dumps(event).encode()
            self._transport.write(b"%x\r\n%b\r\n" % (len(data), data))
            await asyncio.sleep(GAP_S)
        self._transport.write(b"0\r\n\r\n")


async def answer(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Answers, "127.0.0.1", port)
    await server.serve_forever()


def run_peer(port: int, upstream: str) -> None:
    """A reverse proxy as people write it on aiohttp: it looks at nothing and records nothing."""
    aiohttp = importlib.import_module("aiohttp")
    web = importlib.import_module("aiohttp.web")

    async def sessions(app: MutableMapping[str, object]) -> AsyncIterator[None]:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
            app["session"] = session
            yield

    async def pass_on(request):  # type: ignore[no-untyped-def]
        headers = {name: text for name, text in request.headers.items() if name != "Host"}
        async with request.app["session"].request(
            request.method, upstream + request.path_qs, headers=headers, data=request.content
        ) as answer:
            kept = {
                name: text
                for name, text in answer.headers.items()
                if name.lower() != "transfer-encoding"
            }
            response = web.StreamResponse(status=answer.status, headers=kept)
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
            return response

    app = web.Application(client_max_size=1 << 30)
    app.cleanup_ctx.append(sessions)
    app.router.add_route("*", "/{path:.*}", pass_on)
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    if sys.argv[1] == "answers":
        from l9gate.net.loops import find_loop_factory  # the peer's environment has none of it

        with asyncio.Runner(loop_factory=find_loop_factory()) as runner:
            runner.run(answer(int(sys.argv[2])))
    else:
        run_peer(int(sys.argv[2]), sys.argv[3])
