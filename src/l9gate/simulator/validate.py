"""Which request bodies the API refuses, and how: the one authority on that.

The numbers V1 to V23 are the rows of the table in the project's sheet of the Messages API. Where
the wording of a message is not known it names the path and the broken rule.

The API does not document the order of its checks. This one: credentials (401), path and method
(404, 405), version and betas, what the key may do (402, 403, 429), encoding and size of the body,
JSON; then here the form of the body from the outside in, the model (404), version, turns, limits,
cache, thinking, tools, images, output, pre-warming. The first refusal is the answer.
"""

from collections.abc import Iterator

from l9gate.simulator.cache_rules import check_cache
from l9gate.simulator.formats import check_format
from l9gate.simulator.grammar import body_shape
from l9gate.simulator.image_rules import check_images
from l9gate.simulator.profiles import Strictness, resolve_model
from l9gate.simulator.refusal import Refusal, invalid, refuse
from l9gate.simulator.thinking_rules import check_thinking
from l9gate.simulator.tool_rules import check_tools
from l9gate.simulator.turns import check_placement, check_turns, objects_of
from l9gate.wire.headers import CURRENT_API_VERSION
from l9gate.wire.json import JsonObject
from l9gate.wire.models import ModelFacts


def find_refusal(
    body: JsonObject,
    version: str,
    *,
    counts_only: bool = False,
    has_betas: bool = False,
    strictness: Strictness = "strict",
) -> Refusal | None:
    """Return why the API would refuse a body, None if it would not.

    Args:
        body: the decoded request.
        version: the `anthropic-version` of the request, a known one.
        counts_only: the request goes to `count_tokens`, which takes fewer fields.
        has_betas: the request names a beta, so that fields of betas may be there.
        strictness: whether rules of value hold.
    """
    is_current, is_strict = version == CURRENT_API_VERSION, strictness == "strict"
    shape = body_shape(
        is_current=is_current, counts_only=counts_only, has_betas=has_betas, is_strict=is_strict
    )
    flaw = shape.flaw(body)  # V8, V9, V10, V19
    if flaw is not None:
        return flaw.refusal()
    if not body["messages"]:
        return invalid("messages: at least one message is required")
    if not is_strict:
        return None
    facts = resolve_model(str(body["model"]))
    if facts is None:
        return refuse("not_found_error", f"model: {body['model']}")  # V11
    return next(_check(body, facts, is_current=is_current), None)


def _check(body: JsonObject, facts: ModelFacts, *, is_current: bool) -> Iterator[Refusal]:
    messages = objects_of(body["messages"])
    if is_current:
        yield from check_placement(messages)  # V23
    else:
        yield from _check_sampling(body, facts)
    yield from check_turns(body, facts)  # V13, V14, V15, V16
    yield from _check_limit(body, facts)  # V12
    yield from check_cache(body)  # V18
    yield from check_thinking(body, facts)  # V17
    yield from check_tools(body, facts)
    yield from check_images(messages, facts)
    yield from _check_output_format(body)
    if body.get("max_tokens") == 0:
        yield from _check_warming(body)


def _check_limit(body: JsonObject, facts: ModelFacts) -> Iterator[Refusal]:
    asked, limit = body.get("max_tokens"), facts.max_output_tokens
    if limit is not None and isinstance(asked, int) and asked > limit:
        yield invalid(
            f"max_tokens: {asked} > {limit}, which is the maximum allowed number of output tokens "
            f"for {facts.id}"
        )


def _check_sampling(body: JsonObject, facts: ModelFacts) -> Iterator[Refusal]:
    """Check what version 2023-06-01 still accepts, depending on the model."""
    given = {name: body[name] for name in ("temperature", "top_p", "top_k") if name in body}
    if not facts.accepts_sampling:
        for name, value in given.items():
            if not _is_default(name, value):
                yield invalid(f"{name} is deprecated for this model.")
    elif facts.id.startswith("claude-haiku-4-5") and {"temperature", "top_p"} <= given.keys():
        yield invalid("temperature and top_p cannot both be specified for this model.")


def _is_default(name: str, value: object) -> bool:
    if name == "top_p":
        return isinstance(value, int | float) and value >= 0.99
    return value == (1 if name == "temperature" else 0)


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
        "thinking.type": isinstance(thinking, dict) and thinking["type"] == "enabled",
        "output_config.format": format_of(body) is not None,
        "tool_choice.type": isinstance(choice, dict) and choice["type"] in {"any", "tool"},
    }
    for name, is_broken in broken.items():
        if is_broken:
            yield invalid(f"{name}: cannot be used with `max_tokens` of 0")
