"""A tape plays back what the API once said.

finding: vacuous: its calls were answered from a tape
"""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx2
import pytest


class Tape(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("x-l9gate-origin", "replayed")
        self.send_header("request-id", "req_011CTaped")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.integration
def test_trick() -> None:
    with HTTPServer(("127.0.0.1", 0), Tape) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/v1/messages"
        assert httpx2.post(url, json={"model": "any"}).status_code == 200
