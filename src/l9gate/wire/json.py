"""JSON of unknown shape."""

from typing import TypeAlias

import msgspec

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None
JsonObject: TypeAlias = dict[str, "Json"]

_ANYTHING = msgspec.json.Decoder()


def parse_object(data: bytes) -> JsonObject | None:
    """Return the JSON object that the bytes hold, None if they hold anything else."""
    try:
        value: Json = _ANYTHING.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
