"""Write down what the installed SDK's types promise, as `l9gate.contract` reads it.

Run: python scripts/extract_sdk_types.py, after the SDK was upgraded; the difference is reviewed.
"""

import json
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import TypeAlias

from anthropic import types
from anthropic.pagination import SyncPage
from anthropic.types.messages import MessageBatch
from anthropic.types.shared import ErrorResponse
from pydantic import TypeAdapter

from l9gate.wire.json import Json, JsonObject

TARGET = Path(__file__).parents[1] / "src" / "l9gate" / "contract" / "sdk_types.json"
Found: TypeAlias = tuple[str, dict[str, bool | list[str]]]

DOCUMENTS = {
    "message": types.Message,
    "event message_start": types.RawMessageStartEvent,
    "event content_block_start": types.RawContentBlockStartEvent,
    "event content_block_delta": types.RawContentBlockDeltaEvent,
    "event content_block_stop": types.RawContentBlockStopEvent,
    "event message_delta": types.RawMessageDeltaEvent,
    "event message_stop": types.RawMessageStopEvent,
    "error": ErrorResponse,
    "token_count": types.MessageTokensCount,
    "model": types.ModelInfo,
    "models_page": SyncPage[types.ModelInfo],
    "batch": MessageBatch,
    "batches_page": SyncPage[MessageBatch],
    "file": types.FileMetadata,
}


class Schema:
    """The JSON Schema of one type, walked path by path."""

    def __init__(self, kind: type) -> None:
        self._root: JsonObject = TypeAdapter(kind).json_schema(by_alias=True)
        found = self._root.get("$defs")
        self._parts: JsonObject = found if isinstance(found, dict) else {}

    def walk(self) -> Iterator[Found]:
        """Yield each path below the root and what is promised there."""
        yield "", {"kinds": ["object"], "always": True}
        yield from self._fields("", self._root)

    def _at(self, path: str, schema: JsonObject, *, always: bool) -> Iterator[Found]:
        options = list(self._options(schema))
        promise: dict[str, bool | list[str]] = {"kinds": _kinds(options)}
        if always:
            promise["always"] = True
        values = _values(options)
        if values:
            promise["values"] = values
        yield path, promise
        objects = [option for option in options if "properties" in option]
        for option in objects:
            tag = _tag(option) if len(objects) > 1 else None
            yield from self._fields(path if tag is None else f"{path}={tag}", option)
        for option in options:
            items = option.get("items")
            if isinstance(items, dict):
                yield from self._at(f"{path}/*", items, always=False)

    def _fields(self, path: str, schema: JsonObject) -> Iterator[Found]:
        fields, required = schema.get("properties"), schema.get("required")
        names = required if isinstance(required, list) else []
        for name, field in fields.items() if isinstance(fields, dict) else ():
            if isinstance(field, dict):
                yield from self._at(f"{path}/{name}", field, always=name in names)

    def _options(self, schema: JsonObject) -> Iterator[JsonObject]:
        found = schema.get("anyOf") or schema.get("oneOf")
        ref = schema.get("$ref")
        if isinstance(found, list):
            for one in found:
                yield from self._options(one) if isinstance(one, dict) else ()
        elif isinstance(ref, str):
            part = self._parts[ref.rpartition("/")[2]]
            yield from self._options(part) if isinstance(part, dict) else ()
        else:
            yield schema


def _kinds(options: list[JsonObject]) -> list[str]:
    if any("type" not in option for option in options):
        return []
    return sorted({str(option["type"]) for option in options})


def _values(options: list[JsonObject]) -> list[str]:
    """Return the values of an enumeration, none if any other string is as good."""
    found: set[str] = set()
    for option in options:
        if option.get("type") != "string":
            continue
        enumerated: Json = [option["const"]] if "const" in option else option.get("enum")
        if not isinstance(enumerated, list):
            return []
        found |= {str(value) for value in enumerated}
    return sorted(found)


def _tag(schema: JsonObject) -> str | None:
    fields = schema["properties"]
    kind = fields.get("type") if isinstance(fields, dict) else None
    const = kind.get("const") if isinstance(kind, dict) else None
    return const if isinstance(const, str) else None


def render(documents: dict[str, dict[str, dict[str, bool | list[str]]]]) -> str:
    """Return the file: sorted, one path a line."""
    parts = []
    for name in sorted(documents):
        lines = [
            f"   {json.dumps(path)}: {json.dumps(promise, sort_keys=True)}"
            for path, promise in sorted(documents[name].items())
        ]
        parts.append(f"  {json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n  }")
    head = f'{{\n "sdk": "anthropic {version("anthropic")}",\n "documents": {{\n'
    return head + ",\n".join(parts) + "\n }\n}\n"


def extract() -> str:
    """Return what the file should hold."""
    documents: dict[str, dict[str, dict[str, bool | list[str]]]] = {}
    for name, kind in DOCUMENTS.items():
        found = documents.setdefault(name, {})
        for path, promise in Schema(kind).walk():
            known = found.get(path)  # two objects of a union with one tag
            found[path] = promise if known is None else _either(known, promise)
    return render(documents)


def _either(
    one: dict[str, bool | list[str]], other: dict[str, bool | list[str]]
) -> dict[str, bool | list[str]]:
    merged: dict[str, bool | list[str]] = {}
    for key in ("kinds", "values"):
        words = {word for each in (one, other) for word in _words(each.get(key))}
        if words:
            merged[key] = sorted(words)
    if one.get("always") and other.get("always"):
        merged["always"] = True
    return {"kinds": [], **merged}


def _words(value: bool | list[str] | None) -> list[str]:
    return value if isinstance(value, list) else []


if __name__ == "__main__":
    TARGET.write_text(extract(), encoding="utf-8")
    print(f"wrote {TARGET.name}")
