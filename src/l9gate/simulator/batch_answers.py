"""How a request of a message batch is answered: as any other, without a stream, a pace or limits.

It meets the prompt cache as if the requests of a batch came one after the other, each when it is
done; what they write is there for others once somebody has looked at the ended batch.
"""

from l9gate.simulator.batch import Terms
from l9gate.simulator.batches import Answerer
from l9gate.simulator.caching import PromptCache
from l9gate.simulator.chance import opaque_id
from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.containers import container_of
from l9gate.simulator.message import InputUse, render_message
from l9gate.simulator.profiles import resolve_model
from l9gate.simulator.refusal import Refusal, invalid, refuse
from l9gate.simulator.script import answer_to
from l9gate.simulator.tokens import bytes_per_token, count_input_tokens
from l9gate.simulator.trimming import fit_window
from l9gate.simulator.validate import find_refusal
from l9gate.wire.json import JsonObject
from l9gate.wire.models import ModelFacts


def batch_answerer(config: SimulatorConfig, cache: PromptCache) -> Answerer:
    """Return what judges and answers requests as a simulator with this configuration would."""

    def judge(params: JsonObject, terms: Terms, at_s: float) -> Refusal | InputUse:
        refusal = find_refusal(
            params, terms.version, has_betas=terms.has_betas, strictness=config.strictness
        )
        if refusal is not None:
            return refusal
        facts = _facts_of(params, config)
        if terms.models is not None and facts.id not in terms.models:
            return refuse("not_found_error", f"model: {params['model']}")
        tokens, room = count_input_tokens(params, bytes_per_token(facts.id)), facts.max_input_tokens
        if room is not None and tokens > room:
            return invalid(f"prompt is too long: {tokens} tokens > {room} maximum")
        plan = cache.plan(params, facts.id, tokens, terms.scope, at_s)
        cache.keep(plan, at_s, at_s)
        return plan.use

    def compose(params: JsonObject, use: InputUse, name: str, answered_s: float) -> JsonObject:
        def make_id(prefix: str, number: int) -> str:
            return opaque_id(prefix, config.seed, name, number)

        facts = _facts_of(params, config)
        answer = answer_to(params, facts, config.answer, make_id)
        fit_window(answer, use.total, facts.max_input_tokens)
        answer.container = container_of(params, answer.content, answered_s)
        message = render_message(make_id("msg", 0), facts.id, answer, use, params)
        usage = message["usage"]
        if isinstance(usage, dict):
            usage["service_tier"] = "batch"
        return message

    return Answerer(judge, compose)


def _facts_of(params: JsonObject, config: SimulatorConfig) -> ModelFacts:
    facts = resolve_model(str(params["model"]), config.strictness)
    assert facts is not None  # noqa: S101 - checked
    return facts
