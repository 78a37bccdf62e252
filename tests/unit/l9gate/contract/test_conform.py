"""Values are held against the subset of JSON Schema that tools use."""

import pytest

from l9gate.contract.conform import find_breach
from l9gate.wire.json import Json, JsonObject

OBJECT: JsonObject = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "tags": {"type": "array", "items": {"enum": [1]}}},
    "required": ["name"],
    "additionalProperties": False,
}
TREE: JsonObject = {
    "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}},
    "$ref": "#/$defs/node",
}


@pytest.mark.parametrize(
    ("value", "schema", "expected"),
    [
        ({"name": "a"}, OBJECT, None),
        ({"name": "a", "tags": [1, 1]}, OBJECT, None),
        ({}, OBJECT, "/name"),
        ({"name": 1}, OBJECT, "/name"),
        ({"name": "a", "more": 1}, OBJECT, ""),
        ({"name": "a", "tags": [1, 2]}, OBJECT, "/tags/1"),
        ("a", OBJECT, ""),
        (3, {"type": "number"}, None),
        (True, {"type": "integer"}, ""),
        (None, {"type": ["string", "null"]}, None),
        (1.5, {"type": ["string", "integer"]}, ""),
        ("a", {"const": "a"}, None),
        ("b", {"const": "a"}, ""),
        ("b", {"anyOf": [{"type": "integer"}, {"type": "string"}]}, None),
        (None, {"oneOf": [{"type": "integer"}, {"type": "string"}]}, ""),
        (1, {"allOf": [{"type": "integer"}, {"enum": [2]}]}, ""),
        (2, {"allOf": [{"type": "integer"}, {"enum": [2]}]}, None),
        ({"next": {"next": {}}}, TREE, None),
        ({"next": {"next": 1}}, TREE, "/next/next"),
        ({"a": 1}, {"additionalProperties": {"type": "string"}}, ""),
        ({"a": "1"}, {"additionalProperties": {"type": "string"}}, None),
        ({"a": "1"}, {"required": [["a"]], "properties": []}, None),
        ({"a": 1}, {"$ref": "#/nowhere/at/all"}, None),
        ({"a": 1}, {"anyOf": "x"}, ""),
    ],
)
def test_the_first_breach_is_named(value: Json, schema: JsonObject, expected: str | None) -> None:
    assert find_breach(value, schema) == expected


def test_a_schema_that_only_refers_to_itself_ends() -> None:
    assert find_breach(1, {"$ref": "#"}) is None
