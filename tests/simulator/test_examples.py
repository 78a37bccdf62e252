"""Whether examples of a tool's input satisfy its schema."""

import pytest

from l9gate.simulator.examples import find_mismatch
from l9gate.wire.json import Json, JsonObject

OBJECT: JsonObject = {
    "type": "object",
    "properties": {
        "n": {"type": "integer"},
        "kind": {"enum": ["a", "b"]},
        "one": {"const": 1},
        "list": {"type": "array", "items": {"type": ["string", "null"]}},
        "any": {"anyOf": [{"type": "boolean"}, {"type": "number"}]},
        "other": {"$ref": "#/$defs/x"},
        "odd": {"type": "zzz"},
    },
    "required": ["n"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    "value",
    [
        {"n": 1},
        {"n": 1.0, "kind": "b", "one": 1, "list": ["x", None], "any": 1.5},
        {"n": 1, "any": True, "other": [], "odd": "x"},
    ],
)
def test_a_value_that_satisfies_its_schema_has_no_mismatch(value: Json) -> None:
    assert find_mismatch(value, OBJECT) is None


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([], "expected object"),
        ({}, "n: required"),
        ({"n": "1"}, "n: expected integer"),
        ({"n": True}, "n: expected integer"),
        ({"n": 1.5}, "n: expected integer"),
        ({"n": 1, "kind": "c"}, "kind: expected a member of `enum`"),
        ({"n": 1, "one": 2}, "one: expected the value of `const`"),
        ({"n": 1, "list": ["x", 3]}, "list: 1: expected string or null"),
        ({"n": 1, "any": "x"}, "any: expected one of `anyOf`"),
        ({"n": 1, "zzz": 1}, "zzz: not allowed"),
    ],
)
def test_a_mismatch_is_named_with_its_place(value: Json, words: str) -> None:
    assert find_mismatch(value, OBJECT) == words


@pytest.mark.parametrize("schema", [None, True, {"required": 3, "properties": [], "anyOf": []}])
def test_what_is_no_schema_asks_for_nothing(schema: Json) -> None:
    assert find_mismatch({"a": [1]}, schema) is None


def test_an_endless_value_ends() -> None:
    schema: JsonObject = {}
    schema["items"] = schema
    value: list[Json] = []
    value.append(value)
    assert find_mismatch(value, schema) is None
