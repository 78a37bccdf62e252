"""How a request of a message batch is answered: as any other, without a stream, a pace or limits.

The prompt cache is left out: in a batch a hit is never certain.
"""

from l9gate.simulator.batches import Answerer
from l9gate.simulator.chance import opaque_id
from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.containers import container_of
from l9gate.simulator.message import InputUse, render_message
from l9gate.simulator.profiles import resolve_model
from l9gate.simulator.refusal import Refusal, invalid
from l9gate.simulator.script import answer_to
from l9gate.simulator.tokens import bytes_per_token, count_input_tokens
from l9gate.simulator.trimming import fit_window
from l9gate.simulator.validate import find_refusal
from l9gate.wire.json import JsonObject
from l9gate.wire.models import ModelFacts


def batch_answerer(config: SimulatorConfig) -> Answerer:
    """Return what checks and answers requests as a simulator with this configuration would."""

    def check(params: JsonObject, version: str) -> Refusal | None:
        refusal = find_refusal(params, version, strictness=config.strictness)
        if refusal is not None:
            return refusal
        facts = _facts_of(params, config)
        tokens, room = _count(params, facts), facts.max_input_tokens
        if room is not None and tokens > room:
            return invalid(f"prompt is too long: {tokens} tokens > {room} maximum")
        return None

    def compose(params: JsonObject, name: str, answered_s: float) -> JsonObject:
        def make_id(prefix: str, number: int) -> str:
            return opaque_id(prefix, config.seed, name, number)

        facts = _facts_of(params, config)
        use = InputUse(plain=_count(params, facts))
        answer = answer_to(params, facts, config.answer, make_id)
        fit_window(answer, use.total, facts.max_input_tokens)
        answer.container = container_of(params, answer.content, answered_s)
        message = render_message(make_id("msg", 0), facts.id, answer, use, params)
        usage = message["usage"]
        if isinstance(usage, dict):
            usage["service_tier"] = "batch"
        return message

    return Answerer(check, compose)


def _facts_of(params: JsonObject, config: SimulatorConfig) -> ModelFacts:
    facts = resolve_model(str(params["model"]), config.strictness)
    assert facts is not None  # noqa: S101 - checked
    return facts


def _count(params: JsonObject, facts: ModelFacts) -> int:
    return count_input_tokens(params, bytes_per_token(facts.id))
