"""`/v1/messages/batches`: create, list, retrieve, cancel, delete, results.

A request of a batch is judged once the batch has ended and somebody looks at it, not when it is
created: a bad one becomes an errored result. What takes long is done in slices. Source: the sheet
of the Messages API, section 16.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

import msgspec

from l9gate.measure.clock import Clock
from l9gate.net.http import Cut, HttpResponse
from l9gate.simulator.batch import Batch, Terms
from l9gate.simulator.bodies import CONTENT_ENCODING, decode_body
from l9gate.simulator.call import (
    Call,
    headers_for,
    refuse_as_told,
    render_json,
    render_refusal,
    render_refusal_body,
)
from l9gate.simulator.chance import opaque_id
from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.credentials import has_betas
from l9gate.simulator.limits import Limits, limit_refusal
from l9gate.simulator.message import InputUse
from l9gate.simulator.pages import parse_page_query, render_page
from l9gate.simulator.refusal import Refusal, invalid, refuse
from l9gate.simulator.shapes import Flaw, ListOf, Record, Shape, Text, loosened
from l9gate.simulator.slices import Sliced, in_slices, run_sliced
from l9gate.simulator.turns import objects_of
from l9gate.wire.headers import API_VERSION, CURRENT_API_VERSION
from l9gate.wire.json import JsonObject, parse_object

PATH = "/v1/messages/batches"
MAX_BATCH_BYTES = 256 * 1024 * 1024
_MAX_REQUESTS = 100_000
_AT_ONCE = 16  # requests in one slice of work, about a millisecond
_REQUEST = Record(
    {"custom_id": Text(1, 64, "[a-zA-Z0-9_-]{1,64}"), "params": Record({}, is_open=True)},
    ("custom_id", "params"),
)
_BODY = Record({"requests": ListOf(_REQUEST)}, ("requests",))
_LOOSE_BODY = loosened(_BODY)
_NO_JSON = invalid("The request body is not valid JSON")
_METHODS = {"": ("GET", "POST"), "one": ("GET", "DELETE"), "cancel": ("POST",), "results": ("GET",)}
_DEMO: JsonObject = {
    "custom_id": "simulated",
    "params": {
        "model": "claude-haiku-5-5",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "Hello"}],
    },
}


class _Envelope(msgspec.Struct, forbid_unknown_fields=True):
    requests: list[msgspec.Raw]


_ENVELOPE = msgspec.json.Decoder(_Envelope)


class Answerer(msgspec.Struct, frozen=True):
    """How a request of a batch is answered: first judged, then, if it is asked for, composed."""

    judge: Callable[[JsonObject, Terms, float], Refusal | InputUse]  # the request, when it is done
    # Takes the request, its input, what its ids are made of, and when it is answered.
    compose: Callable[[JsonObject, InputUse, str, float], JsonObject]


class Batches:
    """Keeps the batches of all workspaces."""

    def __init__(self, config: SimulatorConfig, clock: Clock, answerer: Answerer) -> None:
        self._config = config
        self._clock = clock
        self._answerer = answerer
        self._limits = Limits(config.tier)
        self._batches: dict[str, Batch] = {}  # the oldest first

    def respond(self, call: Call) -> HttpResponse | Awaitable[HttpResponse]:
        """Answer a request to the batches' endpoints, later if that takes long."""
        parts = call.request.path.removeprefix(PATH).strip("/").split("/")
        name = "one" if len(parts) == 1 and parts[0] else "".join(parts[1:])
        if name not in _METHODS or len(parts) > 2:
            return render_refusal(call, refuse("not_found_error", "Not found"))
        if call.request.method not in _METHODS[name]:
            method = call.request.method
            wrong = Refusal(405, "invalid_request_error", f"Method {method} is not allowed")
            return render_refusal(call, wrong)
        told = refuse_as_told(call.fault)
        if told is not None:
            return render_refusal(call, told)
        key, now_s = call.key, self._clock.now_s()
        exceeded = self._limits.take_call("batch", now_s, key.organization, key.limits)
        if exceeded is not None:
            return render_refusal(call, limit_refusal(exceeded), exceeded.retry_after_s)
        return run_sliced(self._respond(call, parts[0], name, now_s))

    def _respond(self, call: Call, batch_id: str, name: str, now_s: float) -> Sliced[HttpResponse]:
        if not batch_id and call.request.method == "POST":
            return (yield from self._create(call, now_s))
        if not batch_id:
            for each in self._of(call.scope):
                yield from self._settle(each, now_s)
            return self._list(call, now_s)
        batch = self._find(batch_id, call, now_s)
        if batch is None:
            return render_refusal(call, refuse("not_found_error", f"message batch: {batch_id}"))
        yield from self._settle(batch, now_s)
        return self._respond_about(call, batch, name, now_s)

    def _respond_about(self, call: Call, batch: Batch, name: str, now_s: float) -> HttpResponse:
        if name == "cancel":
            if batch.canceled_s is None and not batch.has_ended(now_s):
                batch.canceled_s = now_s
        elif call.request.method == "DELETE":
            if not batch.has_ended(now_s):
                return render_refusal(
                    call, invalid("A message batch must have ended to be deleted")
                )
            self._batches.pop(batch.id, None)
            return render_json(call, {"id": batch.id, "type": "message_batch_deleted"})
        elif name == "results":
            return self._results(call, batch, now_s)
        return render_json(call, batch.render(now_s, _origin(call)))

    def _create(self, call: Call, now_s: float) -> Sliced[HttpResponse]:
        requests = yield from self._parse(call)
        if isinstance(requests, Refusal):
            return render_refusal(call, requests)
        full = self._queue_refusal(call, len(requests), now_s)
        if full is not None:
            return full
        batch = Batch(
            id=call.make_id("msgbatch"),
            terms=Terms(
                scope=call.scope,
                version=call.request.headers.get(API_VERSION, CURRENT_API_VERSION),
                has_betas=has_betas(call.request.headers),
                models=call.key.models,
            ),
            requests=requests,
            created_s=now_s,
            load_factor=self._config.load_factor,
        )
        self._batches[batch.id] = batch
        return render_json(call, batch.render(now_s, _origin(call), is_new=True))

    def _parse(self, call: Call) -> Sliced[list[JsonObject] | Refusal]:
        encoding = call.request.headers.get(CONTENT_ENCODING)
        data = decode_body(call.request.body, encoding, MAX_BATCH_BYTES)
        if isinstance(data, Refusal):
            return data
        requests = yield from self._parse_requests(data)
        if isinstance(requests, Refusal):
            return requests
        if self._is_strict and not 1 <= len(requests) <= _MAX_REQUESTS:
            return invalid(f"requests: List should have 1 to {_MAX_REQUESTS} items")
        ids = {str(request["custom_id"]) for request in requests}
        if self._is_strict and len(ids) < len(requests):
            return invalid("requests: custom_id must be unique within a batch")
        return requests

    def _parse_requests(self, data: bytes) -> Sliced[list[JsonObject] | Refusal]:
        try:
            raws = _ENVELOPE.decode(data).requests
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            body = parse_object(data)
            flaw = None if body is None else self._shape.flaw(body)
            return _NO_JSON if flaw is None else flaw.refusal()
        requests: list[JsonObject] = []
        for some in in_slices(raws, _AT_ONCE):
            if requests:
                yield
            body = parse_object(b'{"requests":[' + b",".join(map(bytes, some)) + b"]}")
            if body is None:
                return _NO_JSON
            flaw = self._shape.flaw(body)
            if flaw is not None:
                return _moved(flaw, len(requests)).refusal()
            requests += objects_of(body["requests"])
        return requests

    def _queue_refusal(self, call: Call, count: int, now_s: float) -> HttpResponse | None:
        """Refuse a batch that does not fit into the queue."""
        room = (call.key.limits or self._config.tier).batch_queue
        waiting = [b for b in self._of(call.scope) if not b.has_ended(now_s)]
        if count + sum(len(batch.requests) for batch in waiting) <= room:
            return None
        wait_s = max((batch.ended_s - now_s for batch in waiting), default=0.0)
        message = f"This batch would exceed the limit of {room:,} requests in the queue of batches."
        return render_refusal(call, refuse("rate_limit_error", message), int(wait_s) + 1)

    def _list(self, call: Call, now_s: float) -> HttpResponse:
        query = parse_page_query(call.request.query, is_strict=self._is_strict)
        if isinstance(query, Refusal):
            return render_refusal(call, query)
        ids = [batch.id for batch in reversed(self._of(call.scope))]

        def show(batch_id: str) -> JsonObject:
            return self._batches[batch_id].render(now_s, _origin(call))

        page = render_page(query, ids, show, "message batch", is_strict=self._is_strict)
        return render_refusal(call, page) if isinstance(page, Refusal) else render_json(call, page)

    def _results(self, call: Call, batch: Batch, now_s: float) -> HttpResponse:
        if not batch.has_ended(now_s):
            return render_refusal(call, invalid("The message batch has not ended; no results yet"))
        if batch.is_archived(now_s):
            return render_refusal(call, refuse("not_found_error", f"results of {batch.id}"))
        headers = {**headers_for(call), "content-type": "application/x-jsonl"}
        return HttpResponse(status=200, headers=headers, body=self._lines(batch))

    async def _lines(self, batch: Batch) -> AsyncGenerator[bytes | Cut, None]:
        """Yield the results, some at a time, so that nobody waits for the whole of them."""
        for some in in_slices(batch.shuffled(self._config.seed), _AT_ONCE):
            yield b"".join(msgspec.json.encode(self._result(batch, i)) + b"\n" for i in some)
            await asyncio.sleep(0)

    def _result(self, batch: Batch, index: int) -> JsonObject:
        request, outcome = batch.requests[index], batch.outcomes[index]
        result: JsonObject = {"type": batch.kind(index)}
        if isinstance(outcome, Refusal):
            request_id = opaque_id("req", self._config.seed, batch.id, index)
            result["error"] = parse_object(render_refusal_body(outcome, request_id))
        elif outcome is not None:
            params, name = _params(request), f"{batch.id}/{index}"
            result["message"] = self._answerer.compose(params, outcome, name, batch.ended_s)
        return {"custom_id": request["custom_id"], "result": result}

    def _settle(self, batch: Batch, now_s: float) -> Sliced[None]:
        """Find out, once, what became of the requests of a batch that has ended."""
        if not batch.has_ended(now_s):
            return
        while not batch.is_settled:  # others may be at it too
            index = len(batch.outcomes)
            batch.outcomes.append(self._outcome(batch, index))
            if index % _AT_ONCE == _AT_ONCE - 1:
                yield

    def _outcome(self, batch: Batch, index: int) -> Refusal | InputUse | None:
        if batch.fate(index) != "processed":
            return None
        params = _params(batch.requests[index])
        if params.get("stream") is True:
            return invalid("stream: cannot be used in a batch")
        if params.get("max_tokens") == 0:
            return invalid("max_tokens: cannot be 0 in a batch")
        if params.get("speed") is not None:
            return invalid("speed: cannot be used in a batch")
        return self._answerer.judge(params, batch.terms, batch.done_s(index))

    def _find(self, batch_id: str, call: Call, now_s: float) -> Batch | None:
        batch = self._batches.get(batch_id)
        if batch is not None and batch.terms.scope == call.scope:
            return batch
        if self._is_strict:
            return None
        return Batch(  # leniently any id is that of a small batch, which ended long ago
            id=batch_id,
            terms=Terms(scope=call.scope, version=CURRENT_API_VERSION),
            requests=[_DEMO],
            created_s=now_s - 3_600,
            load_factor=0.0,
        )

    def _of(self, scope: str) -> list[Batch]:
        return [batch for batch in self._batches.values() if batch.terms.scope == scope]

    @property
    def _is_strict(self) -> bool:
        return self._config.strictness == "strict"

    @property
    def _shape(self) -> Shape:
        return _BODY if self._is_strict else _LOOSE_BODY


def _moved(flaw: Flaw, count: int) -> Flaw:
    """Return a flaw of some requests as one of all, of which so many come before."""
    name, index, *rest = flaw.steps
    return Flaw((name, str(int(index) + count), *rest), flaw.expectation)


def _params(request: JsonObject) -> JsonObject:
    params = request["params"]
    return params if isinstance(params, dict) else {}


def _origin(call: Call) -> str:
    """Return this server's origin as the client knows it; without `host` addresses are relative."""
    host = call.request.headers.get("host")
    return "" if host is None else f"http://{host}"
