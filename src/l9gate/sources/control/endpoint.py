"""Endpoints that cannot serve anybody: a dead one, one that refuses, one that answers garbage."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

from l9gate.evidence.sightings import Against
from l9gate.net.http import HttpRequest, HttpResponse
from l9gate.net.server import HttpServer
from l9gate.wire import headers as names
from l9gate.wire.faults import render_error_body

_HOST = "127.0.0.1"
_PAGE = b"<!doctype html><html><body><h1>It works!</h1></body></html>\n"
_EVENTS = b'event: message_start\ndata: {"type": "message_start", "message": {"id": <html>\n\n'
_CLOSE = {"connection": "close"}  # one connection for each request: the plug-in counts them


class Refusing:
    """Answers 401 to every key, as the API does."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def __call__(self, request: HttpRequest, /) -> HttpResponse:  # noqa: ARG002  # App's
        """Refuse."""
        request_id = f"req_l9gate_control_{next(self._numbers)}"
        headers = {
            "content-type": "application/json",
            names.REQUEST_ID: request_id,
            names.SHOULD_RETRY: "false",
        }
        body = render_error_body("authentication_error", "invalid x-api-key", request_id)
        return HttpResponse(status=401, headers=headers | _CLOSE, body=body)

    def refuse(self, status: int, reason: str, /) -> HttpResponse:
        """Answer what is no HTTP."""
        return HttpResponse(status=status, headers=dict(_CLOSE), body=reason.encode())


class Garbage:
    """Answers 200 with a page, or with a stream that is none."""

    def __call__(self, request: HttpRequest, /) -> HttpResponse:
        """Answer."""
        wants_stream = b'"stream":true' in request.body.replace(b" ", b"")
        kind = "text/event-stream" if wants_stream else "text/html"
        body = _EVENTS if wants_stream else _PAGE
        return HttpResponse(status=200, headers={"content-type": kind} | _CLOSE, body=body)

    def refuse(self, status: int, reason: str, /) -> HttpResponse:
        """Answer what is no HTTP."""
        return HttpResponse(status=status, headers=dict(_CLOSE), body=reason.encode())


@asynccontextmanager
async def open_endpoint(against: Against) -> AsyncIterator[str]:
    """Yield the base URL of an endpoint on a port of its own."""
    if against is Against.DEAD:
        with socket.socket() as taken:
            taken.bind((_HOST, 0))  # held, so that nobody else listens there meanwhile
            yield f"http://{_HOST}:{taken.getsockname()[1]}"
        return
    app = Refusing() if against is Against.REFUSING else Garbage()
    async with HttpServer(app, _HOST) as server:
        yield f"http://{_HOST}:{server.port}"
