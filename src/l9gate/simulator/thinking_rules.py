"""Rules for thinking: which kinds a model takes, and which blocks must come back."""

from collections.abc import Iterator

from l9gate.simulator.refusal import Refusal, invalid
from l9gate.simulator.thinking import is_signed_by, signed_text
from l9gate.simulator.turns import blocks_of, objects_of
from l9gate.wire.json import JsonObject
from l9gate.wire.models import ModelFacts

_REFUSALS = {
    "enabled": '"thinking.type.enabled" is not supported for this model. Use '
    '"thinking.type.adaptive" and "output_config.effort" to control thinking behavior.',
    "adaptive": "adaptive thinking is not supported on this model",
    "disabled": '"thinking.type.disabled" is not supported for this model. Thinking defaults to '
    'adaptive mode when not specified; use "thinking.type.enabled" with "budget_tokens" for '
    "extended thinking.",
}
_THOUGHTS = frozenset({"thinking", "redacted_thinking"})


def check_thinking(body: JsonObject, facts: ModelFacts) -> Iterator[Refusal]:
    """Yield what is wrong with the thinking that a body of right form asks for, or brings back."""
    yield from _check_thoughts(objects_of(body["messages"]), facts)
    thinking = body.get("thinking")
    if not isinstance(thinking, dict):
        return
    kind = thinking["type"]
    if kind in facts.thinking_refused:
        yield invalid(_REFUSALS[str(kind)])
    budget, limit = thinking.get("budget_tokens"), body.get("max_tokens")
    if isinstance(budget, int) and isinstance(limit, int) and 0 < limit <= budget:
        yield invalid("`max_tokens` must be greater than `thinking.budget_tokens`.")
    config = body.get("output_config")
    effort = config.get("effort") if isinstance(config, dict) else None
    if facts.id == "claude-opus-5" and kind == "disabled" and effort in {"xhigh", "max"}:
        yield invalid('"thinking.type.disabled" is not supported with this effort.')
    if kind == "enabled" and body.get("tools"):
        yield from _check_leading_thought(objects_of(body["messages"]))


def _check_thoughts(messages: list[JsonObject], facts: ModelFacts) -> Iterator[Refusal]:
    """Check that thoughts of the latest answer come back as they were; what was cut off may lack.

    Only signatures that a simulator made tell what the thought was, and whose. The models that
    refuse forced tools are those that also take no thoughts of other models.
    """
    index = _latest_answer(messages)
    for place, block in enumerate([] if index is None else blocks_of(messages[index])):
        if block["type"] != "thinking":
            continue
        signature = str(block["signature"])
        if not facts.accepts_forced_tools and not is_signed_by(signature, facts.id):
            yield invalid(
                f"messages.{index}.content.{place}: `thinking` blocks are bound to the model that "
                "made them; this one is of another model."
            )
        thought = signed_text(signature)
        if thought is not None and not thought.startswith(str(block["thinking"])):
            yield invalid(
                f"messages.{index}.content.{place}: `thinking` or `redacted_thinking` blocks in "
                "the latest assistant message cannot be modified. These blocks must remain as they "
                "were in the original response."
            )


def _latest_answer(messages: list[JsonObject]) -> int | None:
    places = [index for index, message in enumerate(messages) if message["role"] == "assistant"]
    return places[-1] if places else None


def _check_leading_thought(messages: list[JsonObject]) -> Iterator[Refusal]:
    """Check that the turn whose tools were called begins with the thoughts that led to it."""
    index = _latest_answer(messages)
    if index is None:
        return
    blocks = blocks_of(messages[index])
    calls = any(block["type"] == "tool_use" for block in blocks)
    if calls and blocks[0]["type"] not in _THOUGHTS:
        yield invalid(
            f"messages.{index}.content.0.type: Expected `thinking` or `redacted_thinking`, but "
            f"found `{blocks[0]['type']}`. When `thinking` is enabled, a final `assistant` message "
            "must start with a thinking block."
        )
