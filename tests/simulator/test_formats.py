"""Schemas for output."""

import pytest

from l9gate.simulator.formats import check_format
from l9gate.wire.json import JsonObject

SCHEMA: JsonObject = {"type": "object", "properties": {}, "additionalProperties": False}
ACCEPTED: dict[str, JsonObject] = {
    "an object": SCHEMA,
    "two uses of one definition": {
        **SCHEMA,
        "properties": {"a": {"$ref": "#/$defs/x"}, "b": {"$ref": "#/$defs/x"}},
        "$defs": {"x": {"anyOf": [{"$ref": "#/$defs/y"}]}, "y": {"enum": ["a"]}},
    },
    "at least one item": {"type": "array", "items": {"type": "string"}, "minItems": 1},
}
REFUSED: dict[str, tuple[JsonObject, str]] = {
    "an open object": (({"type": "object"}), "'additionalProperties' must be explicitly"),
    "a numeric bound": (({"type": "integer", "minimum": 1}), "property 'minimum' is not"),
    "many items": (({"type": "array", "items": {}, "minItems": 2}), "'minItems' values"),
    "an external reference": (({"$ref": "https://x/y"}), "External '$ref'"),
    "a complex enumeration": (({"enum": [{}]}), "'enum' members must be simple"),
    "a nested open object": (
        ({**SCHEMA, "properties": {"a": {"anyOf": [{"type": "object"}]}}}),
        "'additionalProperties' must be explicitly",
    ),
    "recursion": (
        ({**SCHEMA, "$defs": {"x": {"items": {"$ref": "#/$defs/x"}}}}),
        "recursive schemas are not supported",
    ),
    "recursion of the whole": (
        ({**SCHEMA, "properties": {"a": {"$ref": "#"}}}),
        "recursive schemas are not supported",
    ),
    "recursion over two": (
        {**SCHEMA, "$defs": {"x": {"$ref": "#/$defs/y"}, "y": {"$ref": "#/$defs/x"}}},
        "recursive schemas are not supported",
    ),
}


@pytest.mark.parametrize("pattern", [r"^[a-z]+\d{2}$", r"a\\1", r"\(?=x", "(?:a|b)", "(?P<n>a)"])
def test_a_plain_pattern_is_accepted(pattern: str) -> None:
    assert list(check_format("schema", {"type": "string", "pattern": pattern})) == []


@pytest.mark.parametrize(
    "pattern", [r"(a)\1", r"\bword", "(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "(?P<n>a)(?P=n)"]
)
def test_a_pattern_that_looks_around_or_back_is_refused(pattern: str) -> None:
    refusal = next(check_format("schema", {"type": "string", "pattern": pattern}))
    assert refusal.message.startswith("schema: Unsupported regex feature in pattern field: ")


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_schema_of_the_subset_is_accepted(name: str) -> None:
    assert list(check_format("schema", ACCEPTED[name])) == []


@pytest.mark.parametrize("name", REFUSED)
def test_a_schema_beyond_the_subset_is_refused(name: str) -> None:
    schema, words = REFUSED[name]
    refusal = next(check_format("schema", schema))
    assert refusal.status == 400
    assert words in refusal.message
    assert refusal.message.startswith("schema: ")
