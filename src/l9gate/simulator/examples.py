"""Whether a value satisfies a JSON Schema, as far as examples of inputs need it.

Types, enumerations, constants, properties, items and the alternatives of `anyOf` are followed; what
else a schema says is taken as satisfied.
"""

from l9gate.wire.json import Json, JsonObject

_MAX_DEPTH = 24


def find_mismatch(value: Json, schema: Json, depth: int = 0) -> str | None:
    """Return what is wrong with the value, as `path: expectation`, None if nothing is."""
    if not isinstance(schema, dict) or depth > _MAX_DEPTH or "$ref" in schema:
        return None
    own = _own_mismatch(value, schema, depth)
    if own is None and isinstance(value, dict):
        return _object_mismatch(value, schema, depth)
    if own is None and isinstance(value, list):
        return _list_mismatch(value, schema, depth)
    return own


def _own_mismatch(value: Json, schema: JsonObject, depth: int) -> str | None:
    kind = schema.get("type")
    kinds = [name for name in (kind if isinstance(kind, list) else [kind]) if isinstance(name, str)]
    if kinds and not any(_is_of_kind(value, name) for name in kinds):
        return f"expected {' or '.join(kinds)}"
    members = schema.get("enum")
    if isinstance(members, list) and value not in members:
        return "expected a member of `enum`"
    if "const" in schema and value != schema["const"]:
        return "expected the value of `const`"
    options = schema.get("anyOf")
    choices = options if isinstance(options, list) and options else [True]
    if all(find_mismatch(value, option, depth + 1) for option in choices):
        return "expected one of `anyOf`"
    return None


def _object_mismatch(value: JsonObject, schema: JsonObject, depth: int) -> str | None:
    required, properties = schema.get("required"), schema.get("properties")
    for name in required if isinstance(required, list) else []:
        if isinstance(name, str) and name not in value:
            return f"{name}: required"
    known = properties if isinstance(properties, dict) else {}
    for name, item in value.items():
        if name not in known and schema.get("additionalProperties") is False:
            return f"{name}: not allowed"
        found = find_mismatch(item, known.get(name), depth + 1)
        if found is not None:
            return f"{name}: {found}"
    return None


def _list_mismatch(value: list[Json], schema: JsonObject, depth: int) -> str | None:
    for index, item in enumerate(value):
        found = find_mismatch(item, schema.get("items"), depth + 1)
        if found is not None:
            return f"{index}: {found}"
    return None


def _is_of_kind(value: Json, kind: str) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    of_kind = {
        "null": value is None,
        "boolean": isinstance(value, bool),
        "integer": is_number and is_whole,
        "number": is_number,
        "string": isinstance(value, str),
        "array": isinstance(value, list),
        "object": isinstance(value, dict),
    }
    return of_kind.get(kind, True)
