"""What the wire suite shares: a socket read to its last byte, and the grammar written out again.

Nothing here uses the gate's own client, parser or grammar, so that a mistake in one of those cannot
hide the same mistake in the simulator. Sections (`8.2`, `K7`, `V3`) are those of the sheet of the
Messages API.
"""

import json
import re
import socket
from collections.abc import Callable, Collection, Iterator
from urllib.parse import urlsplit

import pytest

from l9gate.net.client import ClientResponse
from l9gate.simulator.process import simulator_process
from l9gate.wire.json import Json, JsonObject

KEY = "sk-wire-suite"
HEADERS = {
    "x-api-key": KEY,
    "anthropic-version": "2026-10-21",
    "content-type": "application/json",
}
BODY: JsonObject = {
    "model": "claude-haiku-5-5",
    "max_tokens": 400,
    "messages": [{"role": "user", "content": "Say something."}],
}
TIMEOUT_S = 10.0
_EVENT = re.compile(rb"event: ([a-z_]+)\ndata: (\{[^\n]*\})\n\n")
# Which delta may come in which block, and which field of the block it fills: 9.3.
_DELTAS = {
    "text_delta": ({"text"}, "text"),
    "citations_delta": ({"text"}, "citations"),
    "input_json_delta": ({"tool_use", "server_tool_use"}, "input"),
    "thinking_delta": ({"thinking"}, "thinking"),
    "signature_delta": ({"thinking"}, "signature"),
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The base URL of a simulator in a process of its own, one for each module."""
    with simulator_process(seed=7, load_factor=0) as base_url:
        yield base_url


def send(base_url: str, head: list[str], body: bytes) -> ClientResponse:
    """Send one request on a connection of its own and return the answer, every byte accounted for.

    Raises:
        EOFError: the answer is not whole.
    """
    place = urlsplit(base_url)
    lines = [*head, f"host: {place.netloc}", "connection: close"]
    lines += [f"content-length: {len(body)}", "", ""]
    with socket.create_connection((place.hostname or "", place.port or 0), TIMEOUT_S) as peer:
        peer.sendall("\r\n".join(lines).encode("utf-8") + body)
        pieces = []
        while piece := peer.recv(1 << 16):
            pieces.append(piece)
    return _parse_answer(b"".join(pieces))


def _parse_answer(data: bytes) -> ClientResponse:
    head, separator, rest = data.partition(b"\r\n\r\n")
    if not separator:
        raise EOFError(f"no whole head: {data[:80]!r}")
    first, *lines = head.decode("latin-1").split("\r\n")
    found = re.fullmatch(r"HTTP/1\.1 (\d{3}) ?.*", first)
    assert found is not None, first
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        assert name.lower() not in headers, f"header `{name}` came twice"
        headers[name.lower()] = value.strip()
    if headers.get("transfer-encoding") == "chunked":
        rest = _parse_chunks(rest)
    elif len(rest) != int(headers["content-length"]):
        raise EOFError(f"{len(rest)} bytes of {headers['content-length']}")
    return ClientResponse(status=int(found[1]), headers=headers, body=rest)


def _parse_chunks(data: bytes) -> bytes:
    pieces, at = [], 0
    while True:
        end = data.find(b"\r\n", at)
        if end < 0:
            raise EOFError("the last chunk is missing")
        size = int(data[at:end], 16)
        piece, mark = data[end + 2 : end + 2 + size], data[end + 2 + size : end + 4 + size]
        if mark != b"\r\n":
            raise EOFError("a chunk is cut")
        pieces.append(piece)
        at = end + 4 + size
        if size == 0:
            assert at == len(data), "bytes after the last chunk"
            return b"".join(pieces)


@pytest.fixture
def ask(server: str) -> Callable[..., ClientResponse]:
    """Send a request: `ask({"max_tokens": 1})` changes the usual body, `ask(raw=b"…")` replaces it.

    Fields named in `drop` are left out, and headers whose new value is None.
    """

    def send_one(
        changes: JsonObject | None = None,
        *,
        drop: Collection[str] = (),
        path: str = "/v1/messages",
        method: str = "POST",
        headers: dict[str, str | None] | None = None,
        raw: bytes | None = None,
        base_url: str | None = None,
    ) -> ClientResponse:
        fields = {**BODY, **(changes or {})}
        body = json.dumps({name: fields[name] for name in fields if name not in drop}).encode()
        body = b"" if method == "GET" else body
        sent = {**HEADERS, **(headers or {})}
        head = [f"{method} {path} HTTP/1.1"]
        head += [f"{name}: {value}" for name, value in sent.items() if value is not None]
        return send(base_url or server, head, body if raw is None else raw)

    return send_one


@pytest.fixture(scope="session")
def object_in() -> Callable[[ClientResponse], JsonObject]:
    """Read the JSON object that an answer holds."""
    return _object_in


def _object_in(answer: ClientResponse) -> JsonObject:
    assert answer.headers["content-type"] == "application/json"
    value: Json = json.loads(answer.body)
    assert isinstance(value, dict)
    return value


@pytest.fixture(scope="session")
def refusal_in() -> Callable[[ClientResponse], tuple[int, str, str]]:
    """Read an error: its status, type and message; check its envelope (7.1, 19.1, 19.2)."""

    def read(answer: ClientResponse) -> tuple[int, str, str]:
        assert 400 <= answer.status <= 599, answer.body
        body = _object_in(answer)
        assert body.keys() == {"type", "error", "request_id"}
        assert body["type"] == "error"
        assert body["request_id"] == answer.headers["request-id"]
        error = body["error"]
        assert isinstance(error, dict)
        assert error.keys() - {"details"} == {"type", "message"}
        kind, message = error["type"], error["message"]
        assert isinstance(kind, str)
        assert isinstance(message, str)
        assert message
        return answer.status, kind, message

    return read


@pytest.fixture(scope="session")
def events_in() -> Callable[[ClientResponse], list[JsonObject]]:
    """Read every event of a stream; check the framing of 9.1 to the byte."""

    def read(answer: ClientResponse) -> list[JsonObject]:
        assert answer.status == 200
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        found, at = [], 0
        while at < len(answer.body):
            match = _EVENT.match(answer.body, at)
            assert match is not None, answer.body[at : at + 80]
            data: Json = json.loads(match[2])
            assert isinstance(data, dict)
            assert data["type"] == match[1].decode()
            found.append(data)
            at = match.end()
        return found

    return read


@pytest.fixture(scope="session")
def folded() -> Callable[[list[JsonObject]], JsonObject]:
    """Add up a stream to its message; check the state machine of 9.2 on the way."""
    return _fold


def _fold(events: list[JsonObject]) -> JsonObject:
    start, *rest = events
    assert start["type"] == "message_start"
    message = _dict(start["message"])
    assert message["content"] == []
    content: list[Json] = []
    state, block, written = "idle", dict[str, Json](), list[str]()
    for event in rest:
        kind = event["type"]
        assert state != "done", f"{kind} after message_stop"
        if kind == "ping":
            continue
        if kind in {"content_block_start", "content_block_delta", "content_block_stop"}:
            assert event["index"] == len(content), event
            assert state == ("idle" if kind == "content_block_start" else "open"), event
        if kind == "content_block_start":
            state, block, written = "open", _dict(event["content_block"]), []
        elif kind == "content_block_delta":
            _add(block, _dict(event["delta"]), written)
        elif kind == "content_block_stop":
            if written:
                block["input"] = json.loads("".join(written) or "{}")
            state = "idle"
            content.append(block)
        elif kind == "message_delta":
            assert state in {"idle", "ending"}, event
            state = "ending"
            message = {**message, **_dict(event["delta"])}
            message["usage"] = {**_dict(message["usage"]), **_dict(event["usage"])}
        else:
            assert (kind, state) == ("message_stop", "ending"), event
            state = "done"
    assert state == "done"
    return {**message, "content": content}


def _add(block: JsonObject, delta: JsonObject, written: list[str]) -> None:
    kinds, field = _DELTAS[str(delta["type"])]
    assert block["type"] in kinds, f"{delta['type']} in a block of type {block['type']}"
    if field == "input":
        written.append(str(delta["partial_json"]))
    elif field == "citations":
        known = block["citations"]
        block["citations"] = [*(known if isinstance(known, list) else []), delta["citation"]]
    elif field == "signature":
        assert block["signature"] == "", "a second signature_delta"
        block["signature"] = delta["signature"]
    else:
        block[field] = str(block[field]) + str(delta[field])


def _dict(value: Json) -> JsonObject:
    assert isinstance(value, dict), value
    return dict(value)
