"""How an answer may differ from its contract: fields and events that are not what was promised."""

import re
from typing import Literal, TypeAlias

import msgspec

from l9gate.wire.json import Json, JsonObject, parse_object
from l9gate.wire.sse import render_event

GARBAGE = b'<html>{"id": "msg_'
DONE = b"data: [DONE]\n\n"
UNKNOWN_EVENT = "l9gate_unknown"
FieldChange: TypeAlias = Literal["remove", "retype", "add", "rename", "set"]
EventChange: TypeAlias = Literal["malform", "duplicate", "drop", "swap", "misnumber", "precede"]
_INNER = ("message", "delta", "content_block")  # what an event may carry the field in
_OF_TYPE: dict[str, Json] = {
    "string": "simulated", "number": 7, "boolean": True, "null": None, "list": [], "object": {},
}  # fmt: skip
_PATH = re.compile(r"[\w*-]+(?:\.[\w*-]+)*", re.ASCII)


class Spot(msgspec.Struct, frozen=True):
    """Which events of a stream: the one of a number, counted from 0, or all of a name."""

    number: int | None = None
    name: str | None = None

    def has(self, number: int, name: str) -> bool:
        """Whether an event is meant; a spot that says nothing means every one."""
        return self.number in {None, number} and self.name in {None, name}


EVERYWHERE = Spot()


class FieldDrift(msgspec.Struct, frozen=True):
    """One change of a field; `*` in its path stands for every element."""

    change: FieldChange
    path: tuple[str, ...]
    word: str | None = None  # the new type, name or value
    spot: Spot = EVERYWHERE

    def __str__(self) -> str:
        """Return the token that asks for it, without its word."""
        return f"{self.change}_field={'.'.join(self.path)}"


class EventDrift(msgspec.Struct, frozen=True):
    """One change of the events of a stream."""

    change: EventChange
    spot: Spot

    def __str__(self) -> str:
        """Return what it does to which event."""
        return f"{self.change}={self.spot.name or self.spot.number}"


def parse_spot(text: str) -> Spot:
    """Return which events a number or a name means.

    Raises:
        ValueError: it is neither.
    """
    if text.isdecimal() and len(text) <= 9:
        return Spot(number=int(text))
    if re.fullmatch(r"[a-z_]{1,64}", text):
        return Spot(name=text)
    raise ValueError("the number of an event from 0, or the name of one, is expected")


def parse_field(change: FieldChange, text: str) -> FieldDrift:
    """Return the change that `PATH[:WORD][@EVENT]` asks for.

    Raises:
        ValueError: the path cannot be read, or the word is missing, superfluous or no type.
    """
    rest, at, where = text.partition("@")
    path, colon, word = rest.partition(":")
    if not _PATH.fullmatch(path):
        raise ValueError("a path such as `usage.output_tokens` is expected")
    if change in {"rename", "set"} and not word:
        raise ValueError("`PATH:WORD` is expected")
    if change in {"remove", "add"} and colon:
        raise ValueError("only a path is expected")
    if change == "retype" and colon and word not in _OF_TYPE:
        raise ValueError(f"a type is expected: {', '.join(_OF_TYPE)}")
    spot = parse_spot(where) if at else EVERYWHERE
    return FieldDrift(change, tuple(path.split(".")), word or None, spot)


def drift_json(data: bytes, drifts: tuple[FieldDrift, ...]) -> bytes:
    """Return a JSON body with its fields changed; anything but an object stays as it is."""
    body = parse_object(data)
    if body is None:
        return data
    for drift in drifts:
        _change_at(body, drift.path, drift)
    return msgspec.json.encode(body)


def drift_events(
    stream: list[bytes], fields: tuple[FieldDrift, ...], events: tuple[EventDrift, ...]
) -> list[tuple[bytes, int | None]]:
    """Return the events of a stream with their fields, number and order changed.

    Each comes with its number in the stream as it was, None for one that was not in it.
    """
    changed: list[tuple[bytes, int | None]] = []
    held: list[tuple[bytes, int | None]] = []  # swapped: they come after the next one
    for number, event in enumerate(stream):
        name = _name_of(event)
        changes = {drift.change for drift in events if drift.spot.has(number, name)}
        meant = tuple(drift for drift in fields if drift.spot.has(number, name))
        data = _drift_event(name, event, meant, is_misnumbered="misnumber" in changes)
        if "malform" in changes:
            data = render_event(name, GARBAGE)
        if "precede" in changes:
            changed.append((render_event(UNKNOWN_EVENT, _UNKNOWN), None))
        copies = 0 if "drop" in changes else 2 if "duplicate" in changes else 1
        done: list[tuple[bytes, int | None]] = [(data, number)] * copies
        if "swap" in changes and number + 1 < len(stream):
            held += done
        else:
            changed += [*done, *held]
            held = []
    return changed


def find_missed_json(data: bytes, drifts: tuple[FieldDrift, ...]) -> list[str]:
    """Return the changes that change nothing in a body, for a test that means something else."""
    whole = drift_json(data, ())
    return [str(drift) for drift in drifts if drift_json(data, (drift,)) == whole]


def find_missed_events(
    stream: list[bytes], fields: tuple[FieldDrift, ...], events: tuple[EventDrift, ...]
) -> list[str]:
    """Return the changes that change nothing in a stream."""
    missed = [str(one) for one in fields if _is_same(stream, drift_events(stream, (one,), ()))]
    return missed + [
        str(one) for one in events if _is_same(stream, drift_events(stream, (), (one,)))
    ]


def _is_same(stream: list[bytes], drifted: list[tuple[bytes, int | None]]) -> bool:
    return [data for data, _ in drifted] == stream


_UNKNOWN = msgspec.json.encode({"type": UNKNOWN_EVENT})


def _name_of(event: bytes) -> str:
    return event.partition(b"\n")[0].removeprefix(b"event: ").decode()


def _drift_event(
    name: str, data: bytes, drifts: tuple[FieldDrift, ...], *, is_misnumbered: bool
) -> bytes:
    if not (drifts or is_misnumbered):
        return data
    body = parse_object(data.partition(b"data: ")[2])
    if body is None:
        return data
    index = body.get("index")
    if is_misnumbered and isinstance(index, int):
        body["index"] = index + 1
    for drift in drifts:
        inner = [body[key] for key in _INNER if isinstance(body.get(key), dict)]
        # An event has a `type` of its own, which an added or a changed one must not be taken for.
        homes: list[Json] = [body] if drift.path[0] in body or not inner else inner
        for home in homes:
            _change_at(home, drift.path, drift)
    return render_event(name, msgspec.json.encode(body))


def _change_at(home: Json, path: tuple[str, ...], drift: FieldDrift) -> None:
    """Change the field where it is; where it is not, nothing happens."""
    key, rest = path[0], path[1:]
    if isinstance(home, list):
        chosen = [item for n, item in enumerate(home) if key in {"*", str(n)}]
        for item in chosen if rest else []:
            _change_at(item, rest, drift)
    elif isinstance(home, dict) and rest:
        for name in [name for name in home if key in {"*", name}]:
            _change_at(home[name], rest, drift)
    elif isinstance(home, dict) and (key in home or drift.change == "add"):
        _change(home, key, drift)


def _change(home: JsonObject, key: str, drift: FieldDrift) -> None:
    word = drift.word or ""
    match drift.change:
        case "remove":
            del home[key]
        case "rename":
            home[word] = home.pop(key)
        case "add":
            home[key] = "simulated"
        case "set":
            home[key] = _parse_value(word)
        case "retype":
            home[key] = _OF_TYPE[word] if word else _other_type(home[key])


def _parse_value(text: str) -> Json:
    try:
        value: Json = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
    return value


def _other_type(value: Json) -> Json:
    """Return something of another type, as close to the value as can be."""
    if isinstance(value, str):
        return 7
    return "simulated" if isinstance(value, list | dict | None) else str(value)
