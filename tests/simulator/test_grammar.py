"""Requests made from the grammar are accepted; broken in one place, they are refused for that."""

import copy
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import NamedTuple, cast

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from l9gate.net.http import HttpResponse
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
    Text,
    TextOr,
)
from l9gate.simulator.tool_shapes import TOOL_SHAPES
from l9gate.simulator.validate import find_refusal
from l9gate.wire.json import Json, JsonObject

NOW, BEFORE = "2026-10-21", "2023-06-01"
BODY = body_shape(is_current=True, counts_only=False, has_betas=False, is_strict=True)
# Fields whose values obey rules between fields; the others follow from their shape alone.
BOUND: dict[str, Json] = {
    "blocked_domains": None,
    "tools": [],
    "cache_control": None,
    "citations": None,
    "data": "AAAA",
    "defer_loading": False,
    "input_examples": [],
    "input_schema": {"type": "object", "properties": {"a": {"type": "integer"}}},
    "strict": False,
}
SAID = ("text", "image", "document", "search_result")  # by a user
TEXTS = ("srvtoolu_1", "DE", "x" * 20, "wörds and spaces")
SCHEMA: JsonObject = {"type": "object", "properties": {}, "additionalProperties": False}


class Maker(Random):
    """Makes values that the grammar finds nothing wrong with."""

    def value(self, shape: Shape) -> Json:
        made: Json = None
        match shape:
            case Nullable():
                made = self.choice([None, self.value(shape.shape)])
            case TextOr():
                made = self.choice(["AAAA", self.value(shape.shape)])
            case ListOf():
                made = [self.value(shape.shape) for _ in range(self.randint(0, 2))]
            case ListOr():
                made = self.value(self.choice([shape.shapes, shape.other]))
            case Record():
                made = self.record(shape)
            case Tagged():
                made = self.tagged(shape.shapes, self.choice(sorted(shape.shapes)))
            case _:
                made = self.leaf(shape)
        return made

    def leaf(self, shape: Shape) -> Json:
        match shape:
            case Boolean():
                return self.choice([True, False])
            case Integer() | Number():
                return int(shape.minimum or 0)
            case OneOf():
                return self.choice(shape.values)
        return self.choice([text for text in TEXTS if shape.flaw(text) is None])

    def record(self, shape: Record, tag: str | None = None) -> JsonObject:
        made: JsonObject = {} if tag is None else {"type": tag}
        for name, field in shape.fields.items():
            is_tag = name == "type" and isinstance(field, Anything)
            if not is_tag and (name in shape.required or self.random() < 0.5):
                made[name] = copy.deepcopy(BOUND[name]) if name in BOUND else self.value(field)
        return made

    def tagged(self, shapes: Mapping[str, Shape], tag: str) -> JsonObject:
        return self.record(cast("Record", shapes[tag]), tag)

    def said(self) -> list[Json]:
        return [self.tagged(BLOCKS, self.choice(SAID)) for _ in range(self.randint(1, 3))]

    def conversation(self) -> list[Json]:
        """Make turns that end with the user; every call has its result."""
        messages: list[Json] = [{"role": "user", "content": self.said()}]
        for number in range(self.randint(0, 2)):
            call = {**self.tagged(BLOCKS, "tool_use"), "id": f"t{number}"}
            result = {**self.tagged(BLOCKS, "tool_result"), "tool_use_id": f"t{number}"}
            result["content"] = self.choice(["4", None])
            said: JsonObject = {"type": "text", "text": "x"}
            messages.append({"role": "assistant", "content": [said, call]})
            messages.append({"role": "user", "content": [result, *self.said()]})
        return messages

    def body(self) -> JsonObject:
        """Make a whole request."""
        tools: dict[Json, Json] = {}  # by name: no two tools may share one
        for tag in self.sample(sorted(TOOL_SHAPES), 2):
            tool = self.tagged(TOOL_SHAPES, tag)
            tools[tool.get("name", tag)] = tool
        thinking: JsonObject = {"type": self.choice(["adaptive", "disabled", "between_tools"])}
        return self.record(cast("Record", BODY)) | {
            "model": "claude-haiku-5-5",
            "max_tokens": 2000,
            "messages": self.conversation(),
            "tools": list(tools.values()),
            "tool_choice": {"type": self.choice(["auto", "none"])},
            "thinking": thinking,
            "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
        }


class Change(NamedTuple):
    """One place of a body, what stands there instead, and how the API names the place."""

    keys: tuple[str | int, ...]
    value: Json
    path: str
    is_dropped: bool = False
    is_of_form: bool = True  # not only of value: a lenient simulator refuses it too


def changes(shape: Shape, value: Json, at: Change) -> Iterator[Change]:
    """Yield every way to break a value in one place."""
    wrong: tuple[Json, ...] = (7, "yes", [], {})
    for other in wrong:
        flaw = shape.flaw(other)
        if flaw is not None and flaw.expectation.startswith("Input should be a valid"):
            yield at._replace(value=other)
    yield from _inner_changes(shape, value, at)


def _inner_changes(shape: Shape, value: Json, at: Change) -> Iterator[Change]:
    match shape:
        case Nullable() | TextOr():
            if value is not None and not (isinstance(shape, TextOr) and isinstance(value, str)):
                yield from _inner_changes(shape.shape, value, at)
        case ListOr():
            chosen = shape.shapes if isinstance(value, list) else shape.other
            yield from _inner_changes(chosen, value, at)
        case ListOf():
            for index, item in enumerate(cast("list[Json]", value)):
                yield from changes(shape.shape, item, _inside(at, index))
        case Tagged():
            yield from _tagged_changes(shape, cast("JsonObject", value), at)
        case Record():
            yield from _record_changes(shape, cast("JsonObject", value), at)
        case _:
            yield from _leaf_changes(shape, at)


def _tagged_changes(shape: Tagged, value: JsonObject, at: Change) -> Iterator[Change]:
    if not shape.is_open:
        yield at._replace(value={**value, "type": "zzz"})
    if shape.default is None:
        yield _inside(at, "type")._replace(is_dropped=True)
    tag = str(value.get("type") or shape.default)
    inner = at._replace(path=f"{at.path}.{tag}".lstrip(".")) if shape.is_shown else at
    yield from _record_changes(cast("Record", shape.shapes[tag]), value, inner)


def _record_changes(shape: Record, value: JsonObject, at: Change) -> Iterator[Change]:
    if not shape.is_open:
        yield _inside(at, "zzz")._replace(value=1)
    for name in shape.required:
        yield _inside(at, name)._replace(is_dropped=True)
    for name, item in value.items():
        if name in shape.fields:
            yield from changes(shape.fields[name], item, _inside(at, name))


def _leaf_changes(shape: Shape, at: Change) -> Iterator[Change]:
    bad: list[Json] = []
    match shape:
        case Integer(minimum=int(least)):
            bad = [least - 1]
        case OneOf():
            bad = ["zzz"]
        case Text():
            bad = [""] if shape.minimum else []
            bad += ["x" * (shape.maximum + 1)] if shape.maximum else []
            bad += ["no match!"] if shape.pattern else []
    for value in bad:
        yield at._replace(value=value, is_of_form=False)


def _inside(at: Change, step: str | int) -> Change:
    return at._replace(keys=(*at.keys, step), path=f"{at.path}.{step}".lstrip("."))


def _changed(body: JsonObject, change: Change) -> JsonObject:
    changed = copy.deepcopy(body)
    place: Json = changed
    for key in change.keys[:-1]:
        place = cast("JsonObject", place)[cast("str", key)]
    last, inner = cast("str", change.keys[-1]), cast("JsonObject", place)
    if change.is_dropped:
        del inner[last]
    else:
        inner[last] = change.value
    return changed


def _all_changes(shape: Shape, body: JsonObject) -> list[Change]:
    return [change for change in changes(shape, body, Change((), None, "")) if change.keys]


THRIFTY = settings(max_examples=15, deadline=None, database=None, phases=[Phase.generate])
SEEDS = st.integers(0, 2**32)


@THRIFTY
@given(SEEDS, st.sampled_from([NOW, BEFORE]))
def test_a_body_made_from_the_grammar_is_accepted(seed: int, version: str) -> None:
    """L4-04."""
    body = Maker(seed).body()
    assert find_refusal(body, version) is None
    assert find_refusal(body, version, strictness="lenient") is None


@THRIFTY
@given(SEEDS)
def test_a_body_broken_in_one_place_is_refused_for_that(seed: int) -> None:
    """L4-04."""
    maker = Maker(seed)
    body = maker.body()
    for change in maker.sample(_all_changes(BODY, body), 20):
        changed = _changed(body, change)
        refusal = find_refusal(changed, NOW)
        assert refusal is not None, change
        assert (refusal.status, refusal.error_type) == (400, "invalid_request_error")
        assert refusal.message.startswith(f"{change.path}: "), change
        lenient = find_refusal(changed, NOW, strictness="lenient")
        assert (lenient is not None) == change.is_of_form, change


@pytest.mark.parametrize("tag", sorted(BLOCKS))
def test_every_block_is_checked_to_its_last_field(tag: str) -> None:
    """L4-04."""
    _check_to_the_last_field(BLOCKS, tag)


@pytest.mark.parametrize("tag", sorted(TOOL_SHAPES))
def test_every_tool_is_checked_to_its_last_field(tag: str) -> None:
    """L4-04."""
    _check_to_the_last_field(TOOL_SHAPES, tag)


def _check_to_the_last_field(shapes: Mapping[str, Shape], tag: str) -> None:
    shape = Tagged(shapes)
    for seed in range(4):
        value = Maker(seed).tagged(shapes, tag)
        assert shape.flaw(value) is None
        for change in _all_changes(shape, value):
            flaw = shape.flaw(_changed(value, change))
            assert flaw is not None, change
            assert ".".join(flaw.steps) == change.path, change


@settings(THRIFTY, max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=SEEDS)
def test_on_the_wire_it_is_an_answer_or_the_envelope_of_a_refusal(
    ask: Callable[..., HttpResponse], seed: int
) -> None:
    """L4-04: never a 500."""
    maker = Maker(seed)
    body = maker.body() | {"stream": False}
    good = ask(body)
    assert good.status == 200
    assert isinstance(good.body, bytes)
    assert msgspec.json.decode(good.body)["type"] == "message"
    bad = ask(_changed(body, maker.choice(_all_changes(BODY, body))))
    assert bad.status == 400
    assert isinstance(bad.body, bytes)
    envelope = msgspec.json.decode(bad.body)
    assert envelope["type"] == "error"
    assert envelope["error"]["type"] == "invalid_request_error"
    assert envelope["request_id"] == bad.headers["request-id"]


@pytest.mark.parametrize("seed", range(6))
def test_what_was_answered_may_come_back_as_it_was(
    ask: Callable[..., HttpResponse], seed: int
) -> None:
    """L4-04."""
    maker = Maker(seed)
    body = maker.body() | {"stream": False, "tool_choice": {"type": "auto"}}
    messages = cast("list[Json]", body["messages"])
    for _ in range(3):
        answer = ask(body)
        assert answer.status == 200
        assert isinstance(answer.body, bytes)
        content = msgspec.json.decode(answer.body)["content"]
        results = [
            {"type": "tool_result", "tool_use_id": block["id"], "content": "done"}
            for block in content
            if block["type"] == "tool_use"
        ]
        if content:
            messages.append({"role": "assistant", "content": content})
        messages.append({"role": "user", "content": cast("Json", results) or "Go on."})
