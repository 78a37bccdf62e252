"""Which requests the API refuses, and how.

The numbers V1 to V23 are the rows of the table in the project's sheet of the Messages API. Where
the wording of a message is not known it names the path and the broken rule.
"""

from collections.abc import Iterator

from l9gate.simulator.formats import check_format
from l9gate.simulator.grammar import COUNT_BODY, CREATE_BODY, CREATE_BODY_2023
from l9gate.simulator.refusal import Refusal, invalid, refuse
from l9gate.simulator.turns import check_placement, check_turns, objects_of
from l9gate.wire.headers import CURRENT_API_VERSION
from l9gate.wire.json import Json, JsonObject
from l9gate.wire.models import ModelFacts, find_model

_MAX_BREAKPOINTS = 4


def find_refusal(body: JsonObject, version: str, *, counts_only: bool = False) -> Refusal | None:
    """Return why the API would refuse a body, None if it would not.

    Args:
        body: the decoded request.
        version: the `anthropic-version` of the request, a known one.
        counts_only: the request goes to `count_tokens`, which takes fewer fields.
    """
    return next(_check(body, version, counts_only), None)


def _check(body: JsonObject, version: str, counts_only: bool) -> Iterator[Refusal]:
    is_current = version == CURRENT_API_VERSION
    if counts_only:
        yield from COUNT_BODY("", body)  # V8, V9, V10
    elif is_current:
        yield from CREATE_BODY("", body)  # V19
    else:
        yield from CREATE_BODY_2023("", body)
    facts = find_model(str(body["model"]))
    if facts is None or facts.lifecycle == "retired":
        yield refuse("not_found_error", f"model: {body['model']}")  # V11
        return
    messages = objects_of(body["messages"])
    if is_current:
        yield from check_placement(messages)  # V23
    else:
        yield from _check_sampling(body, facts)
    yield from check_turns(messages, facts)  # V13, V14, V15, V16
    yield from _check_limits(body, facts)
    yield from _check_thinking(body, facts)
    yield from _check_tools(body, facts)
    yield from _check_output_format(body)
    if body.get("max_tokens") == 0:
        yield from _check_warming(body)


def _check_limits(body: JsonObject, facts: ModelFacts) -> Iterator[Refusal]:
    asked, limit = body.get("max_tokens"), facts.max_output_tokens
    if limit is not None and isinstance(asked, int) and asked > limit:  # V12
        yield invalid(
            f"max_tokens: {asked} > {limit}, which is the maximum allowed number of output tokens "
            f"for {facts.id}"
        )
    found = _count_breakpoints([body.get("system"), body.get("tools"), body["messages"]])
    found += body.get("cache_control") is not None
    if found > _MAX_BREAKPOINTS:  # V18
        yield invalid(
            f"A maximum of {_MAX_BREAKPOINTS} blocks with cache_control may be provided. "
            f"Found {found}."
        )


def _count_breakpoints(parts: list[Json]) -> int:
    """Count blocks with `cache_control`; schemas and inputs are no blocks."""
    pending, found = parts, 0
    while pending:
        current = pending.pop()
        if isinstance(current, dict):
            found += current.get("cache_control") is not None
            pending.append(current.get("content"))
        elif isinstance(current, list):
            pending += current
    return found


def _check_sampling(body: JsonObject, facts: ModelFacts) -> Iterator[Refusal]:
    """Check what version 2023-06-01 still accepts, depending on the model."""
    given = {name: body[name] for name in ("temperature", "top_p", "top_k") if name in body}
    defaults: JsonObject = {"temperature": 1, "top_p": 1, "top_k": 0}
    if not facts.accepts_sampling:
        for name, value in given.items():
            if value != defaults[name]:
                yield invalid(f"{name} is deprecated for this model.")
    elif facts.id.startswith("claude-haiku-4-5") and {"temperature", "top_p"} <= given.keys():
        yield invalid("temperature and top_p cannot both be specified for this model.")


def _check_thinking(body: JsonObject, facts: ModelFacts) -> Iterator[Refusal]:
    thinking = body.get("thinking")
    if not isinstance(thinking, dict):
        return
    kind = thinking["type"]
    if kind in facts.thinking_refused:  # V17
        yield invalid(_THINKING_REFUSALS[str(kind)])
    budget, limit = thinking.get("budget_tokens"), body.get("max_tokens")
    if isinstance(budget, int) and isinstance(limit, int) and 0 < limit <= budget:
        yield invalid("`max_tokens` must be greater than `thinking.budget_tokens`.")
    config = body.get("output_config")
    effort = config.get("effort") if isinstance(config, dict) else None
    if facts.id == "claude-opus-5" and kind == "disabled" and effort in {"xhigh", "max"}:
        yield invalid('"thinking.type.disabled" is not supported with this effort.')


_THINKING_REFUSALS = {
    "enabled": '"thinking.type.enabled" is not supported for this model. Use '
    '"thinking.type.adaptive" and "output_config.effort" to control thinking behavior.',
    "adaptive": "adaptive thinking is not supported on this model",
    "disabled": '"thinking.type.disabled" is not supported for this model. Thinking defaults to '
    'adaptive mode when not specified; use "thinking.type.enabled" with "budget_tokens" for '
    "extended thinking.",
}


def _check_tools(body: JsonObject, facts: ModelFacts) -> Iterator[Refusal]:
    tools = objects_of(body.get("tools"))
    names = [tool["name"] for tool in tools if "name" in tool]
    if len(set(map(str, names))) < len(names):
        yield invalid("tools: Tool names must be unique.")
    if tools and all(tool.get("defer_loading") is True for tool in tools):
        yield invalid("All tools have defer_loading: true. At least one tool must be loaded.")
    choice = body.get("tool_choice")
    if not isinstance(choice, dict):
        return
    is_forced = choice["type"] in {"any", "tool"}
    if is_forced and not tools:
        yield invalid("tool_choice: may only be specified while providing tools")
    if choice["type"] == "tool" and choice["name"] not in names:
        yield invalid(f"tool_choice.tool.name: Tool '{choice['name']}' not found in provided tools")
    thinking = body.get("thinking")
    thinks = isinstance(thinking, dict) and thinking["type"] == "enabled"
    if is_forced and (thinks or not facts.accepts_forced_tools):
        yield invalid(
            "tool_choice: forced tool use is not supported by this model or with thinking"
        )


def _check_output_format(body: JsonObject) -> Iterator[Refusal]:
    schema = format_of(body)
    if schema is not None:
        yield from check_format("output_config.format.schema", schema)
    for index, tool in enumerate(objects_of(body.get("tools"))):
        given = tool.get("input_schema")
        if tool.get("strict") is True and isinstance(given, dict):
            yield from check_format(f"tools.{index}.custom.input_schema", given)


def format_of(body: JsonObject) -> JsonObject | None:
    """Return the JSON Schema that the output must satisfy, if the request has one."""
    config = body.get("output_config")
    wanted = config.get("format") if isinstance(config, dict) else None
    schema = wanted.get("schema") if isinstance(wanted, dict) else None
    return schema if isinstance(schema, dict) else None


def _check_warming(body: JsonObject) -> Iterator[Refusal]:
    """Check a request that only fills the cache."""
    choice, thinking = body.get("tool_choice"), body.get("thinking")
    broken = {
        "stream": body.get("stream") is True,
        "thinking": isinstance(thinking, dict) and thinking["type"] == "enabled",
        "output_config.format": format_of(body) is not None,
        "tool_choice": isinstance(choice, dict) and choice["type"] in {"any", "tool"},
    }
    for name, is_broken in broken.items():
        if is_broken:
            yield invalid(f"{name}: cannot be used with `max_tokens` of 0")
