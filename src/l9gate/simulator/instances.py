"""A JSON value that satisfies a JSON Schema, the same every time.

Required properties come first. An array whose items are an enumeration holds every member once, in
the given order, so that a ranking is a permutation.
"""

import math

from l9gate.simulator.patterns import text_matching
from l9gate.wire.json import Json, JsonObject

_OPTIONAL_DEPTH = 6  # below it optional properties and items are left out, so recursion ends
_MAX_DEPTH = 48  # only an endless schema gets there, or to so many values
_MAX_VALUES = 10_000
_MAX_COUNT = 10_000  # of items or characters, whatever a schema asks for
_MAX_REFERENCES = 16  # followed in one place
_TEXT = "simulated"
_FORMATS = {
    "date-time": "2026-10-21T12:00:00Z",
    "date": "2026-10-21",
    "time": "12:00:00Z",
    "duration": "PT1H",
    "email": "somebody@example.com",
    "hostname": "example.com",
    "uri": "https://example.com/",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def instance_of(schema: JsonObject) -> Json:
    """Return a value that satisfies the schema."""
    return _Instances(schema).build(schema, 0)


class _Instances:
    """Builds values for the parts of one schema."""

    def __init__(self, root: JsonObject) -> None:
        self._root = root
        self._values = 0

    def build(self, part: Json, depth: int) -> Json:
        """Return a value for a part; `true`, or nothing to go by, gives a string."""
        self._values += 1
        if depth > _MAX_DEPTH or self._values > _MAX_VALUES:
            return None
        if not isinstance(part, dict):
            return _TEXT
        schema = self._resolved(part)
        if "const" in schema:
            return schema["const"]
        members = schema.get("enum")
        if isinstance(members, list) and members:
            return members[0]
        return self._of_kind(_kind_of(schema), schema, depth)

    def _of_kind(self, kind: str, schema: JsonObject, depth: int) -> Json:
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, depth)
        if kind in {"integer", "number"}:
            return _number(schema, is_whole=kind == "integer")
        if kind == "string":
            return _text(schema)
        return False if kind == "boolean" else None

    def _resolved(self, schema: JsonObject) -> JsonObject:
        """Follow references and take the first of alternatives."""
        for _ in range(_MAX_REFERENCES):
            ref = schema.get("$ref")
            options = schema.get("anyOf") or schema.get("oneOf")
            parts = schema.get("allOf")
            if isinstance(ref, str):
                schema = _without(schema, "$ref") | self._find(ref)
            elif isinstance(options, list):
                schema = _without(schema, "anyOf", "oneOf") | _first_object(options)
            elif isinstance(parts, list):
                schema = _without(schema, "allOf") | self._merged(parts)
            else:
                break
        return schema

    def _merged(self, parts: list[Json]) -> JsonObject:
        merged: JsonObject = {}
        for part in parts:
            resolved = self._resolved(part) if isinstance(part, dict) else {}
            for name, value in resolved.items():
                before = merged.get(name)
                if isinstance(before, dict) and isinstance(value, dict):
                    merged[name] = before | value
                elif isinstance(before, list) and isinstance(value, list):
                    merged[name] = before + value
                else:
                    merged[name] = value
        return merged

    def _find(self, ref: str) -> JsonObject:
        """Return what a reference within the schema points to, else a schema for anything."""
        current: Json = self._root
        for name in ref.removeprefix("#").split("/")[1:]:
            key = name.replace("~1", "/").replace("~0", "~")
            current = current.get(key) if isinstance(current, dict) else None
        return current if isinstance(current, dict) else {}

    def _object(self, schema: JsonObject, depth: int) -> JsonObject:
        properties = schema.get("properties")
        known = properties if isinstance(properties, dict) else {}
        required = schema.get("required")
        names = (
            [name for name in required if isinstance(name, str)]
            if isinstance(required, list)
            else []
        )
        if depth < _OPTIONAL_DEPTH:
            names += [name for name in known if name not in names]
        return {name: self.build(known.get(name), depth + 1) for name in names}

    def _array(self, schema: JsonObject, depth: int) -> list[Json]:
        fixed = schema.get("prefixItems")
        values = [self.build(part, depth + 1) for part in fixed] if isinstance(fixed, list) else []
        least, most = _count(schema, "minItems", 0), _count(schema, "maxItems", None)
        items = schema.get("items", True)
        members = self._resolved(items).get("enum") if isinstance(items, dict) else None
        if isinstance(members, list):
            values += members
        elif items is not False and depth < _OPTIONAL_DEPTH and not values:
            values.append(self.build(items, depth + 1))
        while least is not None and len(values) < least:
            values.append(self.build(items, depth + 1))
        return values if most is None else values[:most]


def _kind_of(schema: JsonObject) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((item for item in kind if item != "null"), "null")
    if isinstance(kind, str):
        return kind
    if "properties" in schema or "required" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else "string"


def _without(schema: JsonObject, *names: str) -> JsonObject:
    return {name: value for name, value in schema.items() if name not in names}


def _first_object(options: list[Json]) -> JsonObject:
    found = [option for option in options if isinstance(option, dict)]
    return next((option for option in found if option.get("type") != "null"), {"type": "null"})


def _count(schema: JsonObject, name: str, default: int | None) -> int | None:
    value = schema.get(name)
    is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return min(value, _MAX_COUNT) if isinstance(value, int) and is_count else default


def _bound(schema: JsonObject, name: str) -> float | None:
    """Return a bound; one too large to reckon with is none."""
    value = schema.get(name)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if isinstance(value, int | float) and is_number and abs(value) < 1e15 else None


def _number(schema: JsonObject, *, is_whole: bool) -> int | float:
    """Return the number nearest to 1 within the bounds, a multiple if one is asked for."""
    step = _bound(schema, "multipleOf") or 0
    step = step if step > 1e-9 else int(is_whole)
    edge = step or 0.5
    low, above = _bound(schema, "minimum"), _bound(schema, "exclusiveMinimum")
    high, below = _bound(schema, "maximum"), _bound(schema, "exclusiveMaximum")
    value: float = 1
    for upper in (high, None if below is None else below - edge):
        value = value if upper is None else min(value, upper)
    for lower in (low, None if above is None else above + edge):
        value = value if lower is None else max(value, lower)
    if step:
        value = math.ceil(value / step) * step
        if high is not None and value > high:
            value = math.floor(high / step) * step
    return int(value) if is_whole else value


def _text(schema: JsonObject) -> str:
    wanted = schema.get("format")
    if isinstance(wanted, str) and wanted in _FORMATS:
        return _FORMATS[wanted]
    pattern = schema.get("pattern")
    found = text_matching(pattern) if isinstance(pattern, str) else None
    if found is not None:
        return found
    least, most = _count(schema, "minLength", 0), _count(schema, "maxLength", None)
    value = _TEXT.ljust(least or 0, "x")
    return value if most is None else value[:most]
