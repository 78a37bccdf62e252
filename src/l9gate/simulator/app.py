"""A local Messages API: answers as the API would, and says that it is simulated."""

import asyncio
from collections.abc import Awaitable
from typing import TypeAlias
from urllib.parse import unquote

from l9gate.errors import PlanError
from l9gate.measure.clock import Clock, SystemClock
from l9gate.net.http import Ending, HttpRequest, HttpResponse
from l9gate.simulator import batches, files
from l9gate.simulator.ageing import Ageing
from l9gate.simulator.batch_answers import batch_answerer
from l9gate.simulator.bodies import readable_body
from l9gate.simulator.call import (
    Call,
    refuse_as_told,
    render_json,
    render_refusal,
    renew_limits,
)
from l9gate.simulator.catalogue import list_models, show_model
from l9gate.simulator.chance import numbered_id
from l9gate.simulator.commands import METRICS_PATH, OWN_PATHS, answer_command, wrong_fault
from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.credentials import check_version, identify, key_of, workspace_of
from l9gate.simulator.delivery import Sleep, deliver
from l9gate.simulator.express import Express
from l9gate.simulator.faults import NO_FAULT, parse_fault_text
from l9gate.simulator.inference import Inference
from l9gate.simulator.journal import Visit
from l9gate.simulator.keys import KeyRing
from l9gate.simulator.profiles import Strictness
from l9gate.simulator.refusal import Refusal, refuse
from l9gate.simulator.rules import MISS, Asked, FaultPlan, Hit
from l9gate.simulator.visitors import Visitors
from l9gate.simulator.witness import Witness
from l9gate.wire.faults import type_of
from l9gate.wire.headers import FAULT
from l9gate.wire.messages import parse_request_facts

_MESSAGES = "/v1/messages"
_COUNT = "/v1/messages/count_tokens"
_MODELS = "/v1/models"
_BILLED = frozenset({_MESSAGES, batches.PATH})
_METHODS = {_MESSAGES: "POST", _COUNT: "POST", _MODELS: "GET"}

Promise: TypeAlias = HttpResponse | Awaitable[HttpResponse]


class SimulatorApp:
    """Answers requests of the Messages API; keeps buckets, a fault and a journal, nothing else.

    The same seed and the same requests in the same order give the same answers, ids and delays.
    """

    def __init__(
        self,
        config: SimulatorConfig,
        clock: Clock | None = None,
        sleep: Sleep = asyncio.sleep,
        *,
        takes_commands: bool = True,
    ) -> None:
        self._config = config
        self._sleep = sleep
        self._takes_commands = takes_commands
        self._ring = KeyRing.of(config.keys)
        self._clock = clock or SystemClock()
        self._inference = Inference(config, self._clock, sleep)
        answerer = batch_answerer(config, self._inference.cache)
        self._stores = {
            batches.PATH: batches.Batches(config, self._clock, answerer).respond,
            files.PATH: files.Files(config, self._clock).respond,
        }
        self.witness = Witness(clock or SystemClock())
        self._express = Express(config, self._clock, self._inference, self.witness)
        self._ageing = Ageing(self._clock.now_s(), config.time_factor, config.token_lifetime_s)
        self._faults = FaultPlan(config.rules)
        self._visitors = Visitors()
        self.requests_seen = 0

    def set_fault(self, text: str | None) -> None:
        """Answer every request with this fault from now on; None or an empty text ends that.

        Raises:
            PlanError: the text names no fault.
        """
        self._faults.current = parse_fault_text(text or "")

    def __call__(self, request: HttpRequest, /) -> HttpResponse | Awaitable[HttpResponse]:
        """Return the answer, later if the pace or a fault says so."""
        visitor = self._visitors.find(request)
        if visitor is not None and self._faults.current is NO_FAULT:
            answer = self._express.answer(request, visitor, self.requests_seen + 1)
            if answer is not None:
                self.requests_seen += 1
                return answer
        call = self._begin(request)
        if request.path in OWN_PATHS and (self._takes_commands or request.path == METRICS_PATH):
            self._count_expired()
            return answer_command(call, self.witness, self.set_fault)
        visit = self.witness.see_request(call)
        response, wait_s = self._respond_as_told(call)
        if wait_s > 0 or not isinstance(response, HttpResponse):
            return self._answer_after(wait_s, response, call, visit)
        return self.witness.see_answer(visit, call, response)

    def _count_expired(self) -> None:
        metrics, cache = self.witness.metrics, self._inference.cache
        metrics.cache_expired, metrics.cache_lives = cache.expired, cache.lives
        metrics.tokens_expired, metrics.token_lives = (
            self._ageing.tokens_expired,
            self._ageing.lives,
        )

    def refuse(self, status: int, reason: str, /) -> HttpResponse:
        """Return the answer to bytes that are no request."""
        nothing = HttpRequest(method="", path="", query="", headers={}, body=b"")
        return render_refusal(self._begin(nothing), Refusal(status, type_of(status), reason))

    def _begin(self, request: HttpRequest) -> Call:
        self.requests_seen += 1
        seed, ordinal = self._config.seed, self.requests_seen
        request_id = numbered_id("req", seed, ordinal)
        return Call(request=request, seed=seed, ordinal=ordinal, request_id=request_id)

    def _respond_as_told(self, call: Call) -> tuple[Promise, float]:
        """Return the answer, broken as a fault says, and the seconds that pass before it."""
        try:
            call.told = self._find_hit(call.request)
        except PlanError as error:
            return render_refusal(call, wrong_fault(error)), 0.0
        call.fault = fault = call.told.fault
        response, wait_s = self._respond(call)
        wait_s += fault.delay_s
        if not isinstance(response, HttpResponse):
            return response, wait_s
        if isinstance(response.body, bytes):
            wait_s += fault.first_token_delay_s
        return deliver(response, fault, self._sleep, call.missed), wait_s

    def _find_hit(self, request: HttpRequest) -> Hit:
        planned = MISS
        if self._config.rules or self._faults.current is not NO_FAULT:
            body = readable_body(request)
            facts = parse_request_facts(body)
            planned = self._faults.hit_for(
                Asked(
                    path=request.path,
                    model=facts.model if facts else None,
                    key=key_of(request.headers),
                    body=body,
                )
            )
        own = request.headers.get(FAULT)
        return planned if own is None else Hit(parse_fault_text(own), planned.rule)

    def _respond(self, call: Call) -> tuple[Promise, float]:
        """Return the answer and the seconds that its pace lets pass before it."""
        request = call.request
        known = self._visitors.find(request)
        if known is not None:
            call.key, call.scope, call.has_workspace = known.key, known.scope, True
            return self._inference.create(call)
        now_s, value = self._clock.now_s(), key_of(request.headers)
        key = identify(request.headers, self._ring, self._ageing.at(now_s))
        if self._ageing.has_expired(value, now_s):
            key = refuse("authentication_error", "Invalid bearer token")
        if isinstance(key, Refusal):
            return render_refusal(call, key), 0.0
        call.key, call.has_workspace = key, True
        call.scope = workspace_of(request.headers, key)
        refusal = (
            _find_route_refusal(request)
            or check_version(request.headers, self._config.strictness)
            or key.refusal(costs=request.path in _BILLED and request.method == "POST")
        )
        if refusal is not None:
            return render_refusal(call, refusal), 0.0
        if request.path == _MESSAGES and not self._ageing.expires(value):
            self._visitors.keep(request, key, call.scope)
        return self._route(call)

    def _route(self, call: Call) -> tuple[Promise, float]:
        request = call.request
        if request.path == _MESSAGES:
            return self._inference.create(call)
        if request.path == _COUNT:
            return self._inference.count(call), 0.0
        for path, endpoint in self._stores.items():
            if _is_within(request.path, path):
                return endpoint(call), 0.0
        return _show_models(call, self._config.strictness), 0.0

    async def _answer_after(
        self, wait_s: float, response: Promise, call: Call, visit: Visit
    ) -> HttpResponse:
        try:
            if not isinstance(response, HttpResponse):
                response = deliver(await response, call.fault, self._sleep, call.missed)
            await self._sleep(wait_s)
        except asyncio.CancelledError:
            self.witness.see_leave(visit)
            if isinstance(response, HttpResponse) and response.on_end is not None:
                response.on_end(Ending.GONE)
            raise
        renew_limits(call, response, self._clock.now_s())
        return self.witness.see_answer(visit, call, response)


def _find_route_refusal(request: HttpRequest) -> Refusal | None:
    path = request.path
    if _is_within(path, batches.PATH) or _is_within(path, files.PATH):
        return None  # these know their own methods
    method = "GET" if path.startswith(f"{_MODELS}/") else _METHODS.get(path)
    if method is None:
        return refuse("not_found_error", "Not found")
    return None if request.method == method else _wrong_method(request)


def _is_within(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")


def _wrong_method(request: HttpRequest) -> Refusal:
    return Refusal(405, "invalid_request_error", f"Method {request.method} is not allowed")


def _show_models(call: Call, strictness: Strictness) -> HttpResponse:
    told = refuse_as_told(call.fault)
    if told is not None:
        return render_refusal(call, told)
    request = call.request
    if request.path == _MODELS:
        found = list_models(request.query, strictness)
    else:
        found = show_model(unquote(request.path.removeprefix(f"{_MODELS}/")), strictness)
    return render_refusal(call, found) if isinstance(found, Refusal) else render_json(call, found)
