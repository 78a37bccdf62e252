"""A server for benchmarks/observer_cost.py: two fixed answers that keep the contract of the API."""

import json
import socketserver

DELTAS = 400
EVENTS = DELTAS + 5
_LIMIT_HEADERS = "".join(
    f"anthropic-ratelimit-{family}-limit: 50\r\nanthropic-ratelimit-{family}-remaining: 49\r\n"
    f"anthropic-ratelimit-{family}-reset: 2026-11-22T13:05:00Z\r\n"
    for family in ("requests", "tokens", "input-tokens", "output-tokens")
)
_USAGE = {
    "input_tokens": 11,
    "output_tokens": 7,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
    "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
    "inference_geo": None,
    "server_tool_use": None,
    "service_tier": "standard",
}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-5-5",
    "content": [{"type": "text", "text": "The function that opens a file is `open`. " * 8}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "stop_details": None,
    "container": None,
    "usage": _USAGE,
}
_DELTA = {"type": "text_delta", "text": "opens a file"}
_START = {**MESSAGE, "content": [], "stop_reason": None}
_BLOCK = {"type": "text", "text": ""}
_LAST = {"stop_reason": "end_turn", "stop_sequence": None}
STREAM: list[dict[str, object]] = [
    {"type": "message_start", "message": _START},
    {"type": "content_block_start", "index": 0, "content_block": _BLOCK},
    *({"type": "content_block_delta", "index": 0, "delta": _DELTA} for _ in range(DELTAS)),
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": _LAST, "usage": {"output_tokens": 9}},
    {"type": "message_stop"},
]
ASK = {
    "model": "claude-haiku-5-5",
    "max_tokens": 64,
    "messages": [{"role": "user", "content": "Which function opens a file?"}],
}


class _Handler(socketserver.StreamRequestHandler):
    """Answers each request with one of the two; every event is a chunk of its own."""

    def handle(self) -> None:
        body = json.dumps(MESSAGE).encode()
        headers = f"request-id: req_1\r\n{_LIMIT_HEADERS}"
        plain = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{headers}"
        plain += f"content-length: {len(body)}\r\n\r\n"
        chunks = b"".join(
            b"%x\r\n%b\r\n" % (len(event), event)
            for event in (f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in STREAM)
        )
        streamed = f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n{headers}"
        streamed += "transfer-encoding: chunked\r\n\r\n"
        answers = plain.encode() + body, streamed.encode() + chunks + b"0\r\n\r\n"
        while self.rfile.readline():
            length = 0
            while (line := self.rfile.readline().strip()) != b"":
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            self.wfile.write(answers[b'"stream":true' in self.rfile.read(length)])


def main() -> None:
    """Say the port, and answer."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        print(server.server_address[1], flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
