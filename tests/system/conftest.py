"""A scripted Messages API on a loopback socket: the model's name says what it does wrong."""

import gzip
import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

USAGE = {"input_tokens": 11, "output_tokens": 7}
DELTAS = 4


def message(model: str) -> dict[str, object]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": "secret answer"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": USAGE,
    }


def events(model: str) -> list[bytes]:
    start = message(model) | {"content": [], "stop_reason": None, "usage": USAGE}
    bodies: list[dict[str, object]] = [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *(
            {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "text_delta", "text": "secret answer"},
            }
            for _ in range(DELTAS)
        ),
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 9},
        },
        {"type": "message_stop"},
    ]
    return [f"event: {body['type']}\ndata: {json.dumps(body)}\n\n".encode() for body in bodies]


class ScriptedHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002, ARG002
        return

    def do_GET(self) -> None:
        self._answer_json(200, {"data": [], "has_more": False, "first_id": None, "last_id": None})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        model = body["model"]
        if model == "slow":
            time.sleep(1.0)
        if model == "flaky" and self.headers.get("x-stainless-retry-count") == "0":
            self._answer_error(529, "overloaded_error")
        elif model == "refused":
            self._answer_error(401, "authentication_error")
        elif model == "html":
            self._answer(200, b"<html>", "text/html")
        elif model == "reset":
            linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
            for end in (self.rfile, self.wfile, self.connection):
                end.close()
        elif body.get("stream"):
            self._answer_stream(model)
        else:
            self._answer_json(200, message(model))

    def _answer_error(self, status: int, kind: str) -> None:
        self._answer_json(
            status,
            {"type": "error", "error": {"type": kind, "message": "no"}, "request_id": "req_x"},
        )

    def _answer_json(self, status: int, body: dict[str, object]) -> None:
        self._answer(status, json.dumps(body).encode(), "application/json")

    def _answer(self, status: int, body: bytes, content_type: str) -> None:
        encoded = gzip.compress(body)
        self._start(status, content_type)
        self.send_header("content-encoding", "gzip")
        self.send_header("content-length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def _start(self, status: int, content_type: str) -> None:
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("request-id", f"req_{time.monotonic_ns()}")
        self.send_header("retry-after-ms", "1")
        self.send_header("anthropic-ratelimit-requests-limit", "50")
        self.send_header("anthropic-ratelimit-requests-remaining", "49")
        if self.server.origin:  # type: ignore[attr-defined]
            self.send_header("x-l9gate-origin", self.server.origin)  # type: ignore[attr-defined]

    def _answer_stream(self, model: str) -> None:
        self._start(200, "text/event-stream; charset=utf-8")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for number, event in enumerate(events(model)):
            if number == 4 and model == "cut":
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            if number == 4 and model == "short":
                break
            if number == 4 and model == "overloaded":
                fault = {"type": "error", "error": {"type": "overloaded_error", "message": "no"}}
                self._chunk(f"event: error\ndata: {json.dumps(fault)}\n\n".encode())
                break
            if number == 4 and model == "stalled":
                time.sleep(1.0)
            time.sleep(0.005)
            self._chunk(event)
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.flush()


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    origin: str | None = None

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002
        return  # clients that go away are what the tests are about


@pytest.fixture
def scripted_api() -> Iterator[QuietServer]:
    """A server on a free port; `server.origin` is what it says about itself."""
    server = QuietServer(("127.0.0.1", 0), ScriptedHandler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
