"""The express: at once and with least work, what a plain request gets on the usual way as well.

It takes requests whose head was accepted before, of which nothing is unusual, on a simulator that
waits for nothing. What it does not take it leaves untouched.
"""

from l9gate.measure.clock import Clock
from l9gate.net.http import HttpRequest, HttpResponse
from l9gate.simulator.call import Call, headers_for
from l9gate.simulator.chance import id_maker
from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.inference import Inference
from l9gate.simulator.plain import PlainHead, count_plain_tokens, parse_plain
from l9gate.simulator.visitors import Desk, Visitor
from l9gate.simulator.witness import Witness


class Express:
    """Answers plain requests of known visitors."""

    def __init__(
        self, config: SimulatorConfig, clock: Clock, inference: Inference, witness: Witness
    ) -> None:
        self._request_id = id_maker("req", config.seed)
        self._message_id = id_maker("msg", config.seed)
        self._clock = clock
        self._limits = inference.limits
        self._plain = inference.plain
        self._witness = witness
        self._is_open = config.load_factor <= 0 and config.answer is None and not config.rules

    def answer(self, request: HttpRequest, visitor: Visitor, number: int) -> HttpResponse | None:
        """Return the answer, None if the request has to go the usual way."""
        if not (self._is_open and visitor.is_plain) or self._witness.journal.knows_cut_texts:
            return None
        at_s = self._clock.now_s()
        plain = parse_plain(request.body)
        known = None if plain is None else self._plain.find(plain, request.body)
        if plain is None or known is None:
            return None
        desk = visitor.desks.get(plain.model)
        if desk is None:
            desk = visitor.desks[plain.model] = self._open_desk(request, visitor, known.model, at_s)
        limits, tokens = desk.limits, count_plain_tokens(plain, known.answer.bytes_per_token)
        if limits.admit(tokens, at_s) is not None:
            return None
        limits.charge_output(known.answer.output_tokens, at_s)
        body = known.render(self._message_id(number), tokens)
        response = desk.head.render([self._request_id(number), *limits.left(at_s)], body)
        self._witness.see_whole(request, desk.client, number, at_s, response)
        return response

    def _open_desk(self, request: HttpRequest, visitor: Visitor, model: str, now_s: float) -> Desk:
        key = visitor.key
        limits = self._limits.of(model, now_s, key.organization, key.limits)
        usual = Call(
            request=request,
            seed=0,
            ordinal=0,
            request_id="",
            has_workspace=True,
            key=key,
            scope=visitor.scope,
            limit_headers=limits.headers(now_s),
        )
        client = self._witness.journal.meet(visitor.headers)
        return Desk(client, limits, PlainHead(headers_for(usual)))
