"""Whether a value keeps the subset of JSON Schema that tools and output formats use."""

from l9gate.contract.schema import is_of, kind_of
from l9gate.wire.json import Json, JsonObject

_MAX_DEPTH = 64  # a schema may refer to itself where it is not `strict`
_UNIONS = frozenset({"anyOf", "oneOf", "allOf"})


def find_breach(value: Json, schema: JsonObject) -> str | None:
    """Return the JSON pointer of the first place that breaks a schema, None if it is kept.

    Types, required and additional properties, enumerations, constants, items and unions are looked
    at; constraints on numbers and lengths, which the subset does not have, are not.
    """
    return _find(value, schema, schema, _MAX_DEPTH)


def _find(value: Json, schema: Json, root: JsonObject, depth: int) -> str | None:
    """Return the place below this value; it is put together on the way out, so only if wrong."""
    if not isinstance(schema, dict) or not depth:
        return None
    if "$ref" in schema:
        return _find(value, _resolve(schema["$ref"], root), root, depth - 1)
    is_plain = _UNIONS.isdisjoint(schema)
    if not (_is_allowed(value, schema) and (is_plain or _keeps_unions(value, schema, root, depth))):
        return ""
    if isinstance(value, dict):
        return _find_in_object(value, schema, root, depth)
    if isinstance(value, list) and "items" in schema:
        for number, item in enumerate(value):
            breach = _find(item, schema["items"], root, depth - 1)
            if breach is not None:
                return f"/{number}{breach}"
    return None


def _is_allowed(value: Json, schema: JsonObject) -> bool:
    kinds, values = schema.get("type"), schema.get("enum")
    kind = kind_of(value)
    if kinds is not None and kind != kinds:
        names = tuple(map(str, kinds)) if isinstance(kinds, list) else (str(kinds),)
        if not is_of(kind, names):
            return False
    if isinstance(values, list) and value not in values:
        return False
    return "const" not in schema or value == schema["const"]


def _keeps_unions(value: Json, schema: JsonObject, root: JsonObject, depth: int) -> bool:
    def is_kept(option: Json) -> bool:
        return _find(value, option, root, depth - 1) is None

    for name in ("anyOf", "oneOf"):
        if name in schema and not any(map(is_kept, _list(schema[name]))):
            return False
    return all(map(is_kept, _list(schema.get("allOf"))))


def _find_in_object(
    value: JsonObject, schema: JsonObject, root: JsonObject, depth: int
) -> str | None:
    for name in _list(schema.get("required")):
        if isinstance(name, str) and name not in value:
            return f"/{name}"
    fields, more = schema.get("properties"), schema.get("additionalProperties")
    known = fields if isinstance(fields, dict) else {}
    for name, inner in value.items():
        if name in known:
            breach = _find(inner, known[name], root, depth - 1)
            if breach is not None:
                return f"/{name}{breach}"
        elif more is False or _find(inner, more, root, depth - 1) is not None:
            return ""  # its name was made up, so it is not shown
    return None


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _resolve(ref: Json, root: JsonObject) -> Json:
    found: Json = root
    for step in str(ref).removeprefix("#").split("/")[1:]:
        found = found.get(step) if isinstance(found, dict) else None
    return found
