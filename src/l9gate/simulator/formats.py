"""The subset of JSON Schema that `output_config.format` and strict tools accept."""

import re
from collections.abc import Iterator

from l9gate.simulator.refusal import Refusal, invalid
from l9gate.wire.json import Json, JsonObject

_CONSTRAINTS = (
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "maxItems",
    "minProperties",
    "maxProperties",
)
# Back-references, word boundaries and look-around; any other escaped character is stepped over.
_REGEX_PARTS = re.compile(r"(\\[1-9bBk]|\(\?<?[=!]|\(\?P=)|\\.", re.DOTALL)
_NESTED = ("properties", "$defs", "definitions")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")


def check_format(path: str, schema: JsonObject) -> Iterator[Refusal]:
    """Yield what the API does not support in a schema for output."""
    pending: list[JsonObject] = [schema]
    while pending:
        current = pending.pop()
        yield from _check_one(path, current)
        pending += _children(current)
    if _is_recursive(schema):
        yield invalid(f"{path}: recursive schemas are not supported")


def _check_one(path: str, schema: JsonObject) -> Iterator[Refusal]:
    is_object = schema.get("type") == "object" or "properties" in schema
    if is_object and schema.get("additionalProperties") is not False:
        yield invalid(
            f"{path}: For 'object' type, 'additionalProperties' must be explicitly set to false"
        )
    kind = schema.get("type")
    for name in _CONSTRAINTS:
        if name in schema:
            yield invalid(f"{path}: For '{kind}' type, property '{name}' is not supported")
    least = schema.get("minItems", 0)
    if least not in (0, 1):
        yield invalid(
            f"{path}: For 'array' type, 'minItems' values other than 0 or 1 are not supported"
        )
    ref = schema.get("$ref")
    if isinstance(ref, str) and not ref.startswith("#"):
        yield invalid(f"{path}: External '$ref' is not supported")
    pattern = schema.get("pattern")
    for part in _REGEX_PARTS.finditer(pattern) if isinstance(pattern, str) else ():
        if part[1] is not None:
            yield invalid(f"{path}: Unsupported regex feature in pattern field: {part[1]}")
    values = schema.get("enum")
    if isinstance(values, list) and any(isinstance(value, dict | list) for value in values):
        yield invalid(f"{path}: 'enum' members must be simple values")


def _children(schema: JsonObject) -> list[JsonObject]:
    found: list[Json] = [schema.get("items")]
    for name in _NESTED:
        inner = schema.get(name)
        found += inner.values() if isinstance(inner, dict) else []
    for name in _LISTS:
        listed = schema.get(name)
        found += listed if isinstance(listed, list) else []
    return [item for item in found if isinstance(item, dict)]


def _is_recursive(schema: JsonObject) -> bool:
    """Whether a definition refers to itself, over however many others."""
    definitions: JsonObject = {"#": schema}
    for place in ("$defs", "definitions"):
        inner = schema.get(place)
        if isinstance(inner, dict):
            definitions |= {f"#/{place}/{name}": item for name, item in inner.items()}
    edges = {name: _refs(item) for name, item in definitions.items() if name != "#"}
    edges["#"] = {"#"} if "#" in _refs(schema) else set()
    return any(_reaches(start, edges) for start in edges)


def _reaches(start: str, edges: dict[str, set[str]]) -> bool:
    pending, seen = list(edges[start]), set[str]()
    while pending:
        name = pending.pop()
        if name == start:
            return True
        if name not in seen:
            seen.add(name)
            pending += edges.get(name, set())
    return False


def _refs(value: Json) -> set[str]:
    pending: list[Json] = [value]
    refs: set[str] = set()
    while pending:
        current = pending.pop()
        if isinstance(current, dict):
            ref = current.get("$ref")
            if isinstance(ref, str):
                refs.add(ref)
            pending += current.values()
        elif isinstance(current, list):
            pending += current
    return refs
