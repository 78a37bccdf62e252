"""Rules for tools: their names, examples and references, and which choice a model takes."""

from collections.abc import Iterator

from l9gate.simulator.examples import find_mismatch
from l9gate.simulator.refusal import Refusal, invalid
from l9gate.simulator.toolsets import family_of, has_mixed_loading
from l9gate.simulator.turns import blocks_of, objects_of
from l9gate.wire.json import Json, JsonObject
from l9gate.wire.models import ModelFacts

_FORCED = frozenset({"any", "tool"})


def check_tools(body: JsonObject, facts: ModelFacts) -> Iterator[Refusal]:
    """Yield what is wrong with the tools of a body of right form, and with the choice of them."""
    tools = objects_of(body.get("tools"))
    names: set[str] = set()
    for index, tool in enumerate(tools):
        name = tool.get("name")  # toolsets have none
        if name in names:
            yield invalid(f"tools.{index}.{_tag(tool)}.name: Tool names must be unique.")
        if isinstance(name, str):
            names.add(name)
        yield from _check_examples(index, tool)
        if family_of(tool) is not None and has_mixed_loading(tool):
            yield invalid(
                f"tools.{index}.{_tag(tool)}.configs: `defer_loading` must be the same for every "
                "enabled member"
            )
    if tools and all(tool.get("defer_loading") is True for tool in tools):
        yield invalid(
            "tools: All tools have defer_loading: true. At least one tool must be loaded."
        )
    for index, tool in enumerate(tools):
        yield from _check_web(f"tools.{index}.{_tag(tool)}", tool, names)
    yield from _check_references(objects_of(body["messages"]), names)
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        yield from _check_choice(choice, body, names, facts)


def _tag(tool: JsonObject) -> str:
    return str(tool.get("type") or "custom")


def _check_examples(index: int, tool: JsonObject) -> Iterator[Refusal]:
    schema, examples = tool.get("input_schema"), tool.get("input_examples")
    if not isinstance(schema, dict) or not isinstance(examples, list):
        return
    for number, example in enumerate(examples):
        mismatch = find_mismatch(example, schema)
        if mismatch is not None:
            path = f"tools.{index}.{_tag(tool)}.input_examples.{number}"
            yield invalid(f"{path}: does not satisfy the tool's `input_schema`: {mismatch}")


def _check_web(path: str, tool: JsonObject, names: set[str]) -> Iterator[Refusal]:
    """Check where a search may look, and whose addresses a fetch may take."""
    is_search = _tag(tool).startswith("web_search")
    if is_search and tool.get("allowed_domains") and tool.get("blocked_domains"):
        yield invalid(f"{path}.blocked_domains: cannot be used alongside `allowed_domains`")
    sources = tool.get("url_sources")
    for name, source in sources.items() if isinstance(sources, dict) else ():
        filters = source if isinstance(source, dict) else {}
        for number, item in enumerate(objects_of(filters.get("tools"))):
            if item["name"] not in names:
                place = f"{path}.url_sources.{name}.{filters['type']}.tools.{number}.name"
                yield invalid(f"{place}: no such tool: {item['name']}")


def _check_references(messages: list[JsonObject], names: set[str]) -> Iterator[Refusal]:
    for index, message in enumerate(messages):
        for place, block in enumerate(blocks_of(message)):
            if block["type"] != "tool_result":
                continue
            for number, item in enumerate(objects_of(block.get("content"))):
                if item.get("type") == "tool_reference" and item["tool_name"] not in names:
                    path = f"messages.{index}.content.{place}.tool_result.content.{number}"
                    yield invalid(
                        f"{path}.tool_reference.tool_name: no such tool: {item['tool_name']}",
                        "tool_reference_unresolved",
                    )


def _check_choice(
    choice: JsonObject, body: JsonObject, names: set[str], facts: ModelFacts
) -> Iterator[Refusal]:
    kind: Json = choice["type"]
    if kind not in _FORCED:
        return
    if not body.get("tools"):
        yield invalid("tool_choice: may only be specified while providing tools")
    if kind == "tool" and choice["name"] not in names:
        yield invalid(f"tool_choice.tool.name: Tool '{choice['name']}' not found in provided tools")
    thinking = body.get("thinking")
    if isinstance(thinking, dict) and thinking["type"] == "enabled":
        yield invalid(
            "tool_choice.type: forced tool use is not supported while `thinking.type` is `enabled`"
        )
    if not facts.accepts_forced_tools:
        yield invalid(
            f'tool_choice.type: forced tool use is not supported for this model; "{kind}" found, '
            '"auto" or "none" expected'
        )
