"""Requests made from the grammar: valid ones, and such as are changed in one place.

They have every optional field, block and tool, for every model that is not retired, both versions,
with betas and without, to be answered and only counted.
"""

from collections.abc import Callable
from typing import TypeAlias, cast

import msgspec
import pytest
from hypothesis import strategies as st

from l9gate.simulator.grammar import BLOCKS, body_shape
from l9gate.simulator.shapes import (
    Anything,
    Boolean,
    Integer,
    ListOf,
    ListOr,
    Nullable,
    Number,
    OneOf,
    Record,
    Shape,
    Tagged,
    TextOr,
)
from l9gate.simulator.tool_shapes import TOOL_SHAPES
from l9gate.wire.json import Json, JsonObject
from l9gate.wire.models import MODELS, ModelFacts

Values: TypeAlias = st.SearchStrategy[Json]
NOW, BEFORE = "2026-10-21", "2023-06-01"
TEXTS = (
    "srvtoolu_1",
    "DE",
    "x" * 20,
    "wörds 🦜",
    "Reply with exactly: \x00 ok",
    "https://a.example/b",
)
INPUT: JsonObject = {"type": "object", "properties": {"a": {"type": "integer"}}}
CLOSED: JsonObject = {**INPUT, "additionalProperties": False}
KNOWN: JsonObject = {"name": "known", "input_schema": CLOSED}
# Fields whose values obey rules between fields; the others follow from their shape alone.
BOUND: dict[str, Values] = {
    "blocked_domains": st.sampled_from([None, []]),
    "tools": st.just([{"type": "tool_reference", "name": "known"}]),  # of a source
    "cache_control": st.none(),  # set for the whole, below
    "data": st.just("AAAA"),
    "defer_loading": st.sampled_from([None, False]),
    "input_examples": st.sampled_from([None, [], [{"a": 1}]]),
    "input_schema": st.just(CLOSED),
    "tool_name": st.just("known"),
}
CACHES: list[tuple[str | None, str | None]] = [
    *((None, None), ("1h", None), ("5m", "5m"), ("1h", "5m"), (None, "1h"), ("1h", "1h")),
]
SAID = ("text", "image", "document", "search_result")
RESULTS = sorted(name for name in BLOCKS if name.endswith("_tool_result"))
SERVER_NAMES = {"tool_search_tool_result": "tool_search_tool_regex"}
THOUGHT: JsonObject = {"type": "thinking", "thinking": "", "signature": "c2ln"}


def valid(  # noqa: PLR0911 - one for each shape
    shape: Shape, tag: str | None = None
) -> Values:
    """Make values that the grammar finds nothing wrong with."""
    match shape:
        case Nullable():
            return st.none() | valid(shape.shape)
        case TextOr():
            return st.sampled_from(TEXTS) | valid(shape.shape)
        case ListOf():
            return st.lists(valid(shape.shape), max_size=2).map(list)
        case ListOr():
            return valid(shape.shapes) | valid(shape.other)
        case Tagged():
            return st.one_of([valid(item, name) for name, item in shape.shapes.items()])
        case Record():
            return record(shape, tag)
    return leaf(shape)


def record(shape: Record, tag: str | None) -> Values:
    """Make objects with any of their optional fields."""
    made = {
        name: BOUND[name] if name in BOUND else valid(item)
        for name, item in shape.fields.items()
        if not isinstance(item, Anything)
    }
    required = {name: made.pop(name) for name in shape.required if name in made}
    fixed = {} if tag is None else {"type": st.just(tag)}
    return st.fixed_dictionaries({**fixed, **required}, optional=made).map(dict)


def leaf(shape: Shape) -> Values:
    """Make values without parts."""
    match shape:
        case Boolean():
            return st.booleans()
        case Integer() | Number():
            return st.sampled_from([int(shape.minimum or 0), int(shape.minimum or 0) + 1])
        case OneOf():
            return st.sampled_from(shape.values)
    return st.sampled_from([text for text in TEXTS if shape.flaw(text) is None])


Objects: TypeAlias = st.SearchStrategy[JsonObject]
OF_KIND = {kind: cast("Objects", valid(BLOCKS[kind], kind)) for kind in BLOCKS}
USER_BLOCK = st.one_of([OF_KIND[kind] for kind in SAID])
ANSWER_BLOCK = st.one_of([OF_KIND[kind] for kind in ("text", "redacted_thinking", "thinking")])
SERVER_CALL = OF_KIND["server_tool_use"]
TOOLS = st.lists(cast("Objects", valid(Tagged(TOOL_SHAPES))), max_size=3)
FIELDS = {
    counts: valid(body_shape(is_current=True, counts_only=counts, has_betas=False, is_strict=True))
    for counts in (False, True)
}
FORMATS: list[Json] = [None, {"type": "json_schema", "schema": CLOSED}]
EFFORTS = [None, "low", "medium", "high", "xhigh", "max"]
OUTPUTS = {
    is_off: st.fixed_dictionaries(
        {}, optional={"format": st.sampled_from(FORMATS), "effort": st.sampled_from(efforts)}
    )
    for is_off, efforts in ((False, EFFORTS), (True, EFFORTS[:4]))
}
DISPLAYS = st.sampled_from([None, "summarized", "omitted"])
SAMPLING: list[JsonObject] = [{}, {"temperature": 1}, {"top_p": 1, "top_k": 0}, {"top_k": 0}]
MODELS_NOW = [model for model in MODELS if model.lifecycle != "retired"]


def placed(block: Json, version: str) -> Json:
    """Return a block of a user without what the current version refuses there."""
    if version == BEFORE or not isinstance(block, dict):
        return block
    if block["type"] == "text":
        return {**block, "citations": []}
    content = block.get("content")
    if block["type"] == "search_result" and isinstance(content, list):
        return {**block, "content": [placed(item, version) for item in content]}
    return block


@st.composite
def said(draw: st.DrawFn, version: str) -> Json:
    """Make what a user says."""
    blocks = draw(st.lists(USER_BLOCK, min_size=1, max_size=2))
    words: Json = [placed(block, version) for block in blocks]
    return draw(st.sampled_from([TEXTS[2], words]))


@st.composite
def answered(draw: st.DrawFn, turn: int) -> list[Json]:
    """Make what an assistant said: thoughts, tools of the API with their results."""
    blocks: list[Json] = [THOUGHT, *draw(st.lists(ANSWER_BLOCK, max_size=2))]
    for number, kind in enumerate(draw(st.lists(st.sampled_from(RESULTS), max_size=2))):
        own = {"id": f"srvtoolu_{turn}{number}"}
        name = SERVER_NAMES.get(kind, kind.removesuffix("_tool_result"))
        call = {**draw(SERVER_CALL), **own, "name": name}
        blocks += [call, {**draw(OF_KIND[kind]), "tool_use_id": own["id"]}]
    return blocks


@st.composite
def conversations(draw: st.DrawFn, facts: ModelFacts, version: str) -> list[Json]:
    """Make turns that end with the user; every call has its result."""
    messages: list[Json] = [{"role": "user", "content": draw(said(version))}]
    for turn in range(draw(st.integers(0, 2))):
        call = {**draw(OF_KIND["tool_use"]), "id": f"toolu_{turn}"}
        result = {**draw(OF_KIND["tool_result"]), "tool_use_id": call["id"]}
        words: list[Json] = [*draw(answered(turn)), call]
        heard: list[Json] = [result, {"type": "text", "text": "Go on."}]
        messages.append({"role": "assistant", "content": words})
        messages.append({"role": "user", "content": heard[: draw(st.integers(1, 2))]})
    if facts.accepts_system_role and draw(st.booleans()):
        messages.append({"role": "system", "content": "Be brief."})
    return messages


class Asked(msgspec.Struct):
    """A request; `data` is what is sent, `body` what it was before one place was changed."""

    body: JsonObject
    headers: dict[str, str]
    path: str
    data: bytes


@st.composite
def requests(draw: st.DrawFn) -> Asked:
    """Make a request that is valid."""
    facts, version = draw(st.sampled_from(MODELS_NOW)), draw(st.sampled_from([NOW, BEFORE]))
    counts, has_betas = draw(st.booleans()), draw(st.booleans())
    fields = FIELDS[counts]
    body = cast("JsonObject", draw(fields))
    tools = {tool.get("name", tool["type"]): tool for tool in draw(TOOLS)}
    kinds = {"adaptive", "enabled", "disabled", "between_tools"} - facts.thinking_refused
    kind = draw(st.sampled_from(["", *sorted(kinds)]))
    choices: list[Json] = [{"type": "auto"}, {"type": "none"}]
    if facts.accepts_forced_tools and kind != "enabled":
        choices += [{"type": "any"}, {"type": "tool", "name": "known"}]
    system, whole = draw(st.sampled_from(CACHES))
    body |= {
        "model": draw(st.sampled_from([facts.id, *facts.aliases])),
        "messages": draw(conversations(facts, version)),
        "tools": [KNOWN, *tools.values()],
        "tool_choice": draw(st.sampled_from(choices)),
        "system": [{"type": "text", "text": "Be kind.", "cache_control": lasting(system)}],
        "cache_control": lasting(whole),
        "output_config": draw(OUTPUTS[kind == "disabled"]),
    }
    body.pop("thinking", None)
    if kind:
        budget = {"budget_tokens": 1024} if kind == "enabled" else {}
        shown = {} if kind in {"disabled", "between_tools"} else {"display": draw(DISPLAYS)}
        body["thinking"] = {"type": kind, **budget, **shown}
    if not counts:
        body["max_tokens"] = 2000 if kind == "enabled" else draw(st.sampled_from([1, 9, 2000]))
        if version == BEFORE:
            body |= draw(st.sampled_from(SAMPLING))
    headers = {"anthropic-version": version}
    if has_betas:
        headers["anthropic-beta"] = "context-1m-2025-08-07, compact-2026-09-04"
        body |= {"mcp_servers": [], "context_management": None}
    path = "/v1/messages/count_tokens" if counts else "/v1/messages"
    return Asked(body, headers, path, msgspec.json.encode(body))


def lasting(ttl: str | None) -> Json:
    return None if ttl is None else {"type": "ephemeral", "ttl": ttl}


JUNK: list[Json] = [None, True, 0, -1, 1.5, 10**30, "", "x", "x" * 600, [], {}, [[]], [{}], [None]]
JUNK += [{"type": {}}, {"type": "zzz"}, {"": 1}]


def places_in(value: Json, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the paths of all that a value holds."""
    items: list[tuple[str | int, Json]] = []
    if isinstance(value, dict):
        items = [*value.items()]
    elif isinstance(value, list):
        items = [*enumerate(value)]
    return [path for key, item in items for path in ((*at, key), *places_in(item, (*at, key)))]


def changed(value: Json, path: tuple[str | int, ...], change: Callable[[Json], Json]) -> Json:
    """Return a value of which one place is changed."""
    if not path:
        return change(value)
    key, *rest = path
    copy = [*value] if isinstance(value, list) else {**cast("JsonObject", value)}
    copy[key] = changed(copy[key], tuple(rest), change)  # type: ignore[index] # a path
    return cast("Json", copy)


@st.composite
def mutated(draw: st.DrawFn) -> Asked:
    """Make a request of which one place is changed, added, missing, or not even JSON."""
    asked = draw(requests())
    junk = draw(st.sampled_from(JUNK))
    path = draw(st.sampled_from(places_in(asked.body)))
    *outer, last = path
    ways: list[Callable[[Json], Json]] = [
        lambda _: junk,
        lambda value: {**value, "zzz": junk} if isinstance(value, dict) else [value],
        lambda value: [value, value],
    ]
    body = changed(asked.body, path, draw(st.sampled_from(ways)))
    if draw(st.booleans()) and isinstance(last, str):
        gone = lambda value: {k: v for k, v in value.items() if k != last}  # noqa: E731
        body = changed(asked.body, tuple(outer), cast("Callable[[Json], Json]", gone))
    data = msgspec.json.encode(body)
    if draw(st.integers(0, 9)) == 0:
        cut = draw(st.integers(0, len(data)))
        data = data[:cut] + draw(st.binary(max_size=3)) + data[cut + 1 :]
    return Asked(asked.body, asked.headers, asked.path, data)


@pytest.fixture(scope="session")
def valid_requests() -> st.SearchStrategy[Asked]:
    return requests()


@pytest.fixture(scope="session")
def mutated_requests() -> st.SearchStrategy[Asked]:
    return mutated()
