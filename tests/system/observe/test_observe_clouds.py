"""E-03: the SDK for Amazon Bedrock and Google Cloud, against a server that frames as they do.

Their paths, framing and request-id headers are written from the SDK and from botocore, which reads
what is sent here; no answer of the real services was at hand.
"""

import base64
import json
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import pytest

from l9gate.observe.versions import SUPPORTED
from l9gate.wire.json import JsonObject

Observe = Callable[..., dict[str, JsonObject]]
TESTED = {found.package: found.tested for found in SUPPORTED}
PACKAGES = (
    f"anthropic[aiohttp,bedrock,vertex]=={TESTED['anthropic'][0]}",
    f"httpx2=={TESTED['httpx2'][0]}",
    "uvloop",
)
NAMES = (
    "bedrock",
    "bedrock_stream",
    "bedrock_async",
    "bedrock_throttled",
    "google",
    "google_stream",
)
USAGE = {"input_tokens": 11, "output_tokens": 7}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-4-5-20251001",
    "content": [{"type": "text", "text": "a secret answer"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": USAGE,
}
DELTA = {"type": "text_delta", "text": "secret"}
EVENTS: list[dict[str, object]] = [
    {"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": DELTA},
    {"type": "content_block_delta", "index": 0, "delta": DELTA},
    {"type": "content_block_stop", "index": 0},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 9},
    },
    {"type": "message_stop"},
]


def frame(payload: bytes, **headers: str) -> bytes:
    head = b"".join(
        struct.pack(">B", len(name) + 1)
        + f":{name.replace('_', '-')}".encode()
        + struct.pack(">BH", 7, len(text))
        + text.encode()
        for name, text in headers.items()
    )
    lengths = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    body = lengths + struct.pack(">I", zlib.crc32(lengths)) + head + payload
    return body + struct.pack(">I", zlib.crc32(body))


def framed(event: dict[str, object]) -> bytes:
    data = base64.b64encode(json.dumps(event).encode()).decode()
    payload = json.dumps({"bytes": data, "p": "abcd"}).encode()
    kinds = {"event_type": "chunk", "content_type": "application/json", "message_type": "event"}
    return frame(payload, **kinds)


THROTTLED = frame(
    b'{"message": "Too many tokens"}',
    exception_type="throttlingException",
    content_type="application/json",
    message_type="exception",
)


class CloudHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002, ARG002
        return

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        path = unquote(self.path)
        if path.endswith("/invoke-with-response-stream"):
            frames = [framed(event) for event in EVENTS]
            frames = [*frames[:4], THROTTLED] if "/us." in path else frames
            self._answer("application/vnd.amazon.eventstream", frames)
        elif path.endswith(":streamRawPredict"):
            events = [f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in EVENTS]
            self._answer("text/event-stream; charset=utf-8", events)
        else:
            self._answer("application/json", [json.dumps(MESSAGE).encode()])

    def _answer(self, content_type: str, pieces: list[bytes]) -> None:
        self.send_response(200)
        self.send_header("content-type", content_type)
        name = "x-amzn-requestid" if "/model/" in self.path else "request-id"
        self.send_header(name, "req_1")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for piece in (*pieces, b""):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))


@pytest.fixture
def cloud() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), CloudHandler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_bedrock_and_google_cloud_are_seen(observe: Observe, cloud: str) -> None:
    found = observe(PACKAGES, "clouds", *NAMES, url=cloud)
    said = [found[name]["said"] for name in NAMES]
    answer = "a secret answer"
    assert said == [answer, len(EVENTS), len(EVENTS), "APIStatusError", answer, len(EVENTS)]
    seen = [_only(found[name]) for name in NAMES]
    assert [entry["stream"] for entry in seen] == [False, True, True, True, False, True]
    ends = ["complete"] * 3 + ["error_event"] + ["complete"] * 2
    assert [entry["end"] for entry in seen] == ends
    assert [entry["error_type"] for entry in seen if entry["error_type"]] == ["rate_limit_error"]
    assert [entry["tokens"] for entry in seen] == [7, 9, 9, 7, 7, 9]
    assert [entry["ttft"] for entry in seen] == [False, True, True, True, False, True]
    model = "anthropic.claude-haiku-4-5-20251001-v1:0"
    google = "claude-haiku-4-5@20251001"
    assert [entry["model"] for entry in seen] == [*[model] * 3, f"us.{model}", google, google]
    assert all(entry["answered"] for entry in seen)


def _only(entry: JsonObject) -> JsonObject:
    exchanges = entry["exchanges"]
    assert isinstance(exchanges, list)
    (only,) = exchanges
    assert isinstance(only, dict)
    return only
