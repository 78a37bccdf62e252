"""No body breaks the simulator: it answers or refuses, and never fails."""

from collections.abc import Callable, Iterator

import pytest

from l9gate.net.http import HttpResponse
from l9gate.wire.json import Json, JsonObject

RICH: JsonObject = {
    "model": "claude-haiku-5-5",
    "max_tokens": 2_000,
    "stream": False,
    "system": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {"role": "user", "content": "hi"},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "a", "signature": "s"},
                {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "a",
                    "content": [{"type": "text", "text": "x"}],
                },
                {
                    "type": "image",
                    "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"},
                },
                {
                    "type": "search_result",
                    "content": [{"type": "text", "text": "a"}],
                    "source": "s",
                    "title": "t",
                },
            ],
        },
    ],
    "tools": [
        {"name": "f", "input_schema": {"type": "object"}},
        {
            "name": "g",
            "input_schema": {
                "type": "object",
                "properties": {
                    "a": {"type": "array", "items": {"enum": ["a"]}, "minItems": 1, "maxItems": 2},
                    "b": {"$ref": "#/$defs/z"},
                    "c": {"anyOf": [{"type": "string", "minLength": 1, "maxLength": 9}]},
                    "d": {"allOf": [{"type": "number", "minimum": 1, "multipleOf": 2}]},
                    "e": {"type": "array", "prefixItems": [{"const": 1}]},
                },
                "required": ["a"],
                "$defs": {"z": {"enum": ["a"]}},
            },
        },
    ],
    "tool_choice": {"type": "auto"},
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "output_config": {
        "format": {
            "type": "json_schema",
            "schema": {
                "type": "object",
                "properties": {"a": {"type": "array", "items": {"enum": ["a"]}, "minItems": 1}},
                "required": ["a"],
                "additionalProperties": False,
            },
        }
    },
    "stop_sequences": ["x"],
    "metadata": {"user_id": "x"},
}
JUNK: list[Json] = [None, True, 0, -1, 1.5, 10**30, "", "x", [], {}, [[]], [{}], {"type": {}}]


def _spoiled(value: Json, junk: Json) -> Iterator[Json]:
    """Yield the value again and again, each time with junk in another place."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield {**value, name: junk}
            for inner in _spoiled(item, junk):
                yield {**value, name: inner}
    elif isinstance(value, list):
        for index, item in enumerate(value):
            for inner in [junk, *_spoiled(item, junk)]:
                yield [*value[:index], inner, *value[index + 1 :]]


@pytest.mark.parametrize("junk", JUNK, ids=repr)
def test_whatever_stands_anywhere_is_answered_or_refused(
    ask: Callable[..., HttpResponse], junk: Json
) -> None:
    statuses = {ask(body).status for body in _spoiled(RICH, junk)}
    assert statuses <= {200, 400, 404}
    assert 400 in statuses


def test_the_body_as_it_is_is_answered(ask: Callable[..., HttpResponse]) -> None:
    assert ask(RICH).status == 200
