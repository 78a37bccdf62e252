"""One request on its way through the simulator, and the envelopes of its answers."""

from http import HTTPStatus

import msgspec

from l9gate.net.http import HttpRequest, HttpResponse
from l9gate.simulator.chance import numbered_id
from l9gate.simulator.faults import NO_FAULT, Fault
from l9gate.simulator.keys import ANY_KEY, WORKSPACE, Key
from l9gate.simulator.limits import ModelLimits
from l9gate.simulator.plain import PlainRequest
from l9gate.simulator.refusal import Refusal, refuse
from l9gate.simulator.rules import MISS, Hit
from l9gate.wire.faults import render_error_body, type_of
from l9gate.wire.headers import (
    ORGANIZATION_ID,
    ORIGIN,
    REQUEST_ID,
    RETRY_AFTER,
    SHOULD_RETRY,
    WORKSPACE_ID,
)
from l9gate.wire.json import JsonObject

SIMULATED = "simulated"
_JSON = "application/json"
_SSE = "text/event-stream; charset=utf-8"


class Call(msgspec.Struct, kw_only=True):
    """One request, its number and what was found out about it so far."""

    request: HttpRequest
    seed: int
    ordinal: int
    request_id: str
    fault: Fault = NO_FAULT
    told: Hit = MISS  # by the rules: a fault, an answer
    cut_text: str | None = None  # what a stream says before a fault breaks it off
    missed: list[str] = []  # what of the fault changes nothing in a stream
    has_workspace: bool = False  # since its credentials were accepted
    key: Key = ANY_KEY
    scope: str = WORKSPACE  # the workspace: who shares a prompt cache, batches and files
    limits: ModelLimits | None = None  # those that the answer is charged to
    limit_headers: dict[str, str] = {}
    plain: PlainRequest | None = None  # its body, if it is a plain one

    def make_id(self, prefix: str, number: int = 0) -> str:
        """Return an id that no other call of this seed gets."""
        return numbered_id(prefix, self.seed, self.ordinal, number)


def render_json(call: Call, value: JsonObject) -> HttpResponse:
    """Return a 200 with JSON."""
    return render_whole(call, msgspec.json.encode(value))


def render_whole(call: Call, data: bytes) -> HttpResponse:
    """Return a 200 with a body that is JSON."""
    return HttpResponse(status=200, headers=headers_for(call), body=data)


def render_refusal(
    call: Call, refusal: Refusal, retry_after_s: float | None = None
) -> HttpResponse:
    """Return an error in the API's envelope, its `request_id` that of the header."""
    headers = headers_for(call)
    if retry_after_s is not None:
        headers.setdefault(RETRY_AFTER, f"{retry_after_s:.10g}")
    body = render_refusal_body(refusal, call.request_id)
    return HttpResponse(status=refusal.status, headers=headers, body=body)


def render_refusal_body(refusal: Refusal, request_id: str) -> bytes:
    """Return the API's envelope of an error."""
    details = None if refusal.code is None else {**(refusal.details or {})}
    return render_error_body(refusal.error_type, refusal.message, request_id, refusal.code, details)


def renew_limits(call: Call, response: HttpResponse, now_s: float) -> None:
    """Bring what an answer says of the limits up to date, but for what a fault changed."""
    headers = response.headers
    for name, value in call.limits.headers(now_s).items() if call.limits is not None else ():
        if headers.get(name) == call.limit_headers[name]:
            headers[name] = value


def refuse_as_told(fault: Fault) -> Refusal | None:
    """Return the refusal that a fault demands, if it does."""
    if fault.status is None:
        if fault.error_event is None:
            return None
        return refuse(fault.error_event, "Simulated", fault.error_code)
    phrases = {status.value: status.phrase for status in HTTPStatus} | {529: "Overloaded"}
    words = phrases.get(fault.status, "Simulated")
    return Refusal(fault.status, type_of(fault.status), words, fault.error_code)


def headers_for(call: Call, *, is_stream: bool = False) -> dict[str, str]:
    """Return the headers of every answer, with those of the limits and of the fault."""
    headers = {
        "content-type": _SSE if is_stream else _JSON,
        REQUEST_ID: call.request_id,
        ORGANIZATION_ID: call.key.organization,
        ORIGIN: SIMULATED,
    }
    if call.has_workspace:
        headers[WORKSPACE_ID] = call.scope
    headers |= call.limit_headers
    if call.fault.retry_after is not None:
        headers[RETRY_AFTER] = f"{call.fault.retry_after:.10g}"
    if call.fault.should_retry is not None:
        headers[SHOULD_RETRY] = call.fault.should_retry
    return headers
