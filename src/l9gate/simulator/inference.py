"""`POST /v1/messages` and `POST /v1/messages/count_tokens`."""

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from l9gate.measure.clock import Clock
from l9gate.net.http import Body, Ending, HttpResponse
from l9gate.simulator.bodies import CONTENT_ENCODING, decode_body
from l9gate.simulator.caching import CachePlan, PromptCache
from l9gate.simulator.call import (
    Call,
    headers_for,
    refuse_as_told,
    render_json,
    render_refusal,
    render_whole,
)
from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.containers import container_of
from l9gate.simulator.credentials import has_betas
from l9gate.simulator.delivery import (
    HEADERS_SHARE,
    Pacer,
    Sleep,
    find_missed,
    produced_share,
    stream_body,
    text_before_cut,
    timetable,
)
from l9gate.simulator.diagnosis import Diagnosis
from l9gate.simulator.faults import NO_FAULT, Fault
from l9gate.simulator.latency import NO_WAIT, Pace, pace_of, profile_of
from l9gate.simulator.limits import LimitExceeded, Limits, ModelLimits, limit_refusal
from l9gate.simulator.message import render_message, stream_pieces
from l9gate.simulator.plain import (
    PlainAnswers,
    PlainRequest,
    PlainTemplate,
    count_plain_tokens,
    parse_plain,
)
from l9gate.simulator.production import Production
from l9gate.simulator.profiles import Strictness, resolve_model
from l9gate.simulator.refusal import Refusal, invalid, refuse
from l9gate.simulator.rules import MISS
from l9gate.simulator.script import Answer, answer_to, cut_answer
from l9gate.simulator.tokens import bytes_per_token, count_input_tokens
from l9gate.simulator.trimming import count_answer, fit_window, pause
from l9gate.simulator.validate import find_refusal
from l9gate.wire.headers import API_VERSION, BETA
from l9gate.wire.json import JsonObject, parse_object
from l9gate.wire.models import ModelFacts

Share: TypeAlias = Callable[[Ending], float | None]
_BROKEN_JSON_TEXT = '{"simulated": [1, 2'


class Inference:
    """Answers requests to models; keeps their buckets."""

    def __init__(self, config: SimulatorConfig, clock: Clock, sleep: Sleep) -> None:
        self._config = config
        self._clock = clock
        self._sleep = sleep
        self.limits = Limits(config.tier)
        self.cache = PromptCache(time_factor=config.time_factor)
        self._diagnosis = Diagnosis()
        self.plain = PlainAnswers()

    def create(self, call: Call) -> tuple[HttpResponse, float]:
        """Return the answer to a request for a message, and the seconds that pass before it."""
        if call.told is MISS and self._config.answer is None:
            call.plain = _parse_plain(call)
            known = None if call.plain is None else self.plain.find(call.plain, call.request.body)
            if known is not None and call.plain is not None:
                return self._create_known(call, call.plain, known)
        return self._create_usual(call)

    def _create_known(
        self, call: Call, request: PlainRequest, known: PlainTemplate
    ) -> tuple[HttpResponse, float]:
        """Return what the usual way would, of which all is known but ids and counts."""
        input_tokens = count_plain_tokens(request, known.answer.bytes_per_token)
        now_s = self._clock.now_s()
        limits = self._limits_of(call, known.model, now_s)
        exceeded = limits.admit(input_tokens, now_s)
        if exceeded is not None:
            call.limit_headers = limits.headers(now_s)
            return render_refusal(call, limit_refusal(exceeded), exceeded.retry_after_s), 0.0
        profile = profile_of(known.model, self._config.latency)
        pace = pace_of(profile, input_tokens, self._config.load_factor, call.seed, call.ordinal)
        output_tokens = known.answer.output_tokens
        production = self._charge(call, limits, pace, output_tokens)
        response = render_whole(call, known.render(call.make_id("msg"), input_tokens))
        response.on_end = self._settler(call, production)
        return response, pace.total_s(output_tokens)

    def _create_usual(self, call: Call) -> tuple[HttpResponse, float]:
        told = refuse_as_told(call.fault) if call.fault.status is not None else None
        body = told or _parse_body(call, self._config.strictness, counts_only=False)
        if not isinstance(body, Refusal) and body.get("stream") is not True:
            body = refuse_as_told(call.fault) or body
        if isinstance(body, Refusal):
            return render_refusal(call, body), 0.0
        facts = _facts_of(body, self._config.strictness)
        began_s = self._clock.now_s()
        prompt = self._plan(call, body, facts, began_s)
        input_tokens, room = prompt.use.total, facts.max_input_tokens
        if room is not None and input_tokens > room:  # V20
            too_long = f"prompt is too long: {input_tokens} tokens > {room} maximum"
            return render_refusal(call, invalid(too_long)), 0.0
        exceeded = self._admit(call, facts, prompt.use.limited)
        if exceeded is not None:
            return render_refusal(call, limit_refusal(exceeded), exceeded.retry_after_s), 0.0
        told_content = call.told.content(lambda n: call.make_id("toolu", n))
        plugin = self._config.answer if told_content is None else lambda _: told_content
        answer = answer_to(body, facts, plugin, call.make_id)
        _bend(answer, call.fault)
        fit_window(answer, input_tokens, room)
        answer.container = container_of(body, answer.content, began_s)
        limits = self._limits_of(call, facts.id, self._clock.now_s())
        profile = profile_of(facts.id, self._config.latency)
        pace = pace_of(profile, input_tokens, self._config.load_factor, call.seed, call.ordinal)
        is_stream = body.get("stream") is True
        production = self._charge(call, limits, pace, answer.output_tokens, is_stream=is_stream)
        self.cache.keep(prompt, began_s, began_s + pace.first_token_s)
        message_id = call.make_id("msg")
        found = self._diagnosis.diagnose(body, facts.id, input_tokens, call.scope, message_id)
        message = render_message(message_id, facts.id, answer, prompt.use, body, found)
        if call.plain is not None:
            self.plain.learn(str(body["model"]), answer, message, input_tokens, call.request.body)
        if is_stream:
            response = self._stream(call, message, pace, production)
            return response, pace.first_token_s * HEADERS_SHARE
        response = render_json(call, message)
        response.on_end = self._settler(call, production)
        return response, pace.total_s(answer.output_tokens)

    def count(self, call: Call) -> HttpResponse:
        """Return how many tokens a request has."""
        told = refuse_as_told(call.fault)
        body = told or _parse_body(call, self._config.strictness, counts_only=True)
        if isinstance(body, Refusal):
            return render_refusal(call, body)
        key, now_s = call.key, self._clock.now_s()
        exceeded = self.limits.take_call("count", now_s, key.organization, key.limits)
        if exceeded is not None:
            return render_refusal(call, limit_refusal(exceeded), exceeded.retry_after_s)
        per_token = bytes_per_token(_facts_of(body, self._config.strictness).id)
        counted: JsonObject = {"input_tokens": count_input_tokens(body, per_token)}
        if isinstance(body.get("context_management"), dict):  # a beta; nothing is ever cleared
            counted["context_management"] = {"original_input_tokens": counted["input_tokens"]}
        return render_json(call, counted)

    def _plan(self, call: Call, body: JsonObject, facts: ModelFacts, began_s: float) -> CachePlan:
        total = count_input_tokens(body, bytes_per_token(facts.id))
        return self.cache.plan(body, facts.id, total, call.scope, began_s)

    def _admit(self, call: Call, facts: ModelFacts, input_tokens: int) -> LimitExceeded | None:
        now_s = self._clock.now_s()
        limits = self._limits_of(call, facts.id, now_s)
        exceeded = limits.admit(input_tokens, now_s)
        if exceeded is not None:
            call.limit_headers = limits.headers(now_s)
        return exceeded

    def _limits_of(self, call: Call, model: str, now_s: float) -> ModelLimits:
        """Return the limits of the key's organization."""
        return self.limits.of(model, now_s, call.key.organization, call.key.limits)

    def _charge(
        self, call: Call, limits: ModelLimits, pace: Pace, tokens: int, *, is_stream: bool = False
    ) -> Production | None:
        """Charge an answer: at once, which returns None, if nothing spreads it over time."""
        now_s, production = self._clock.now_s(), None
        if pace is NO_WAIT and not (is_stream and call.fault is not NO_FAULT):
            limits.charge_output(tokens, now_s)
        else:
            start_s, end_s = now_s + pace.first_token_s, now_s + pace.total_s(tokens)
            production = limits.produce(tokens, start_s, end_s)
        call.limits, call.limit_headers = limits, limits.headers(now_s)
        return production

    def _settler(
        self, call: Call, production: Production | None, share: Share = lambda _: None
    ) -> Callable[[Ending], None] | None:
        """Return what charges for as much of an answer as was produced when it ended.

        Args:
            call: whose answer it is.
            production: of the answer; None if it is charged.
            share: returns how much that was, None if time tells.
        """
        limits = call.limits
        if production is None or limits is None:
            return None

        def settle(how: Ending) -> None:
            found = share(how)
            tokens = None if found is None else found * production.tokens
            limits.settle(production, tokens, self._clock.now_s())

        return settle

    def _stream(
        self, call: Call, message: JsonObject, pace: Pace, production: Production | None
    ) -> HttpResponse:
        pacer = Pacer(pace, self._clock, self._sleep)
        pieces = list(stream_pieces(message))
        if call.fault is NO_FAULT:
            body: Body = timetable(pieces, pacer)
        else:
            call.cut_text = text_before_cut(pieces, call.fault)
            call.missed = find_missed(pieces, call.fault)
            body = stream_body(pieces, call.fault, pacer, call.request_id, self._sleep)
        headers = headers_for(call, is_stream=True)
        response = HttpResponse(status=200, headers=headers, body=body)
        if production is not None:
            tokens = tuple([piece.tokens for piece in pieces])
            share = partial(produced_share, tokens, body, pacer)
            response.on_end = self._settler(call, production, share)
        return response


def _parse_plain(call: Call) -> PlainRequest | None:
    headers = call.request.headers
    if BETA in headers or CONTENT_ENCODING in headers or call.key.models is not None:
        return None
    return parse_plain(call.request.body)


def _parse_body(call: Call, strictness: Strictness, *, counts_only: bool) -> JsonObject | Refusal:
    headers = call.request.headers
    data = decode_body(call.request.body, headers.get(CONTENT_ENCODING))
    if isinstance(data, Refusal):
        return data
    body = parse_object(data)
    if body is None:
        return invalid("The request body is not valid JSON")
    refusal = None
    if call.plain is None:
        refusal = find_refusal(
            body,
            headers[API_VERSION],
            counts_only=counts_only,
            has_betas=has_betas(headers),
            strictness=strictness,
        )
    if refusal is None and call.key.models is not None:
        facts = _facts_of(body, strictness)
        if facts.id not in call.key.models:
            refusal = refuse("not_found_error", f"model: {body['model']}")
    return body if refusal is None else refusal


def _facts_of(body: JsonObject, strictness: Strictness) -> ModelFacts:
    facts = resolve_model(str(body["model"]), strictness)
    assert facts is not None  # noqa: S101 - validated
    return facts


def _bend(answer: Answer, fault: Fault) -> None:
    """Change an answer as the fault says."""
    if fault.invalid_json_text:
        answer.content = [{"type": "text", "text": _BROKEN_JSON_TEXT, "citations": None}]
        answer.stop_reason, answer.stop_sequence, answer.hidden_tokens = "end_turn", None, 0
        count_answer(answer)
    if fault.empty or fault.stop_reason == "refusal":
        answer.content, answer.hidden_tokens = [], 0
        answer.stop_sequence = None
        count_answer(answer)
    if fault.stop_reason == "refusal":
        answer.stop_reason = "refusal"
    elif fault.empty:
        answer.stop_reason = "end_turn"
    elif fault.stop_reason in {"max_tokens", "model_context_window_exceeded"}:
        cut_answer(answer, max(1, answer.output_tokens // 2), fault.stop_reason)
    elif fault.stop_reason == "pause_turn":
        pause(answer)
    elif fault.stop_reason is not None:
        answer.stop_reason = fault.stop_reason
