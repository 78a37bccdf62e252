"""Values for schemas, judged by an independent validator."""

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l9gate.simulator.instances import instance_of
from l9gate.wire.json import Json, JsonObject

RANKING: JsonObject = {
    "type": "object",
    "properties": {"ids": {"type": "array", "items": {"type": "string", "enum": ["c", "a", "b"]}}},
    "required": ["ids"],
    "additionalProperties": False,
}
SCHEMAS: list[JsonObject] = [
    RANKING,
    {"type": "object"},
    {"const": [1]},
    {"enum": [None, 1]},
    {"type": ["null", "integer"], "minimum": 3},
    {"type": "null"},
    {"type": "boolean"},
    {"type": "integer", "exclusiveMinimum": 4, "multipleOf": 5},
    {"type": "integer", "maximum": -3},
    {"type": "integer", "exclusiveMaximum": 0},
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    {"type": "integer", "minimum": 6, "maximum": 7, "multipleOf": 7},
    {"type": "integer", "multipleOf": 1e-300},
    {"type": "number", "minimum": -(10**40), "maximum": 1e300},
    {"type": "string", "minLength": 20},
    {"type": "string", "maxLength": 3},
    {"type": "string", "format": "date-time"},
    {"type": "array", "items": {"type": "integer"}, "minItems": 3},
    {"type": "array", "items": {"enum": ["a", "b", "c"]}, "maxItems": 2},
    {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False},
    {"prefixItems": [{"type": "null"}]},
    {"items": {"type": "boolean"}},
    {"anyOf": [{"type": "null"}, {"type": "integer"}]},
    {"oneOf": [{"type": "null"}]},
    {
        "allOf": [
            {"properties": {"a": {"type": "null"}}},
            {"required": ["a"]},
            {"required": ["b"]},
            {"properties": {"b": {"$ref": "#/$defs/x"}}},
        ],
        "$defs": {"x": {"type": "integer"}},
    },
    {"$ref": "#/definitions/a~1b", "definitions": {"a/b": {"type": "integer"}}},
    {"$ref": "#/nowhere"},
    {
        "properties": {
            "deep": {"properties": {"a": {"type": "array", "items": {"required": ["z"]}}}}
        }
    },
    {
        "type": "object",
        "properties": {"next": {"$ref": "#"}, "n": {"type": "integer"}},
        "required": ["n"],
    },
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=range(len(SCHEMAS)))
def test_an_instance_satisfies_its_schema(schema: JsonObject) -> None:
    value = instance_of(schema)
    if schema != {"$ref": "#/nowhere"}:
        jsonschema.Draft202012Validator(schema).validate(value)
    assert value == instance_of(schema)


def test_a_ranking_is_a_permutation_in_the_given_order() -> None:
    assert instance_of(RANKING) == {"ids": ["c", "a", "b"]}


def test_required_properties_come_first() -> None:
    schema: JsonObject = {"properties": {"a": {}, "b": {}, "c": {}}, "required": ["c"]}
    value = instance_of(schema)
    assert isinstance(value, dict)
    assert list(value) == ["c", "a", "b"]


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"$ref": "#"}}, "required": ["a"]},
        {"items": {"$ref": "#"}, "minItems": 1, "type": "array"},
        {"properties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}}, "required": ["a", "b"]},
    ],
)
def test_an_endless_schema_ends(schema: JsonObject) -> None:
    assert instance_of(schema) is not None


_TYPES = st.sampled_from(["string", "integer", "number", "boolean", "null"])
_LEAVES = st.fixed_dictionaries({"type": _TYPES}) | st.fixed_dictionaries(
    {"enum": st.lists(st.text(max_size=3), min_size=1, max_size=3)}
)


def _nest(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    arrays = st.builds(lambda items: {"type": "array", "items": items}, inner)
    objects = st.builds(
        lambda named: {
            "type": "object",
            "properties": named,
            "required": sorted(named)[:1],
            "additionalProperties": False,
        },
        st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    )
    options = st.builds(lambda some: {"anyOf": some}, st.lists(inner, min_size=1, max_size=2))
    return arrays | objects | options


@settings(max_examples=40, deadline=None)
@given(st.recursive(_LEAVES, _nest, max_leaves=6))
def test_any_plain_schema_gets_an_instance(schema: JsonObject) -> None:
    assert jsonschema.Draft202012Validator(schema).is_valid(instance_of(schema))
