"""L4-03: any required field that goes, is renamed or retyped is found; nothing else is."""

import json
from collections.abc import Callable, Iterator

import pytest

from l9gate.contract import Contract, Reliance
from l9gate.contract.decoders import ShapeDecoder
from l9gate.contract.schema import Promise, build_tree
from l9gate.contract.shape import Comparison, find_shape_drifts, trace
from l9gate.wire.json import Json, JsonObject

BODIES = {
    "text": "message",
    "tool": "message",
    "thinking": "message",
    "count": "token_count",
    "model": "model",
    "batch": "batch",
    "error_400": "error",
}
STREAMS = ("stream_text", "stream_tool", "stream_thinking")
OTHERS: tuple[Json, ...] = (None, True, 7, 7.5, "another", [1], {"a": 1})
Base = Callable[[str], JsonObject]


def _documents(base: Base) -> Iterator[tuple[str, JsonObject]]:
    """Yield one document of each make."""
    for name, document in BODIES.items():
        body = base(name)["body"]
        assert isinstance(body, dict)
        yield document, body
        if document == "model":
            page: JsonObject = {"data": [{}], "has_more": False, "first_id": None, "last_id": "m"}
            yield "models_page", {**page, "data": [body]}
    made: set[object] = set()
    for event, data in (one for name in STREAMS for one in _events(base(name)["events"])):
        make = (event, *_places(data))
        if make not in made:
            made.add(make)
            yield f"event {event}", data


def _events(events: Json) -> Iterator[tuple[str, JsonObject]]:
    assert isinstance(events, list)
    for event in events:
        assert isinstance(event, list)
        assert isinstance(event[1], dict)
        yield str(event[0]), event[1]


def _places(value: Json, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*path, key)
            yield from _places(inner, (*path, key)) if key != "input" else ()
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _places(inner, (*path, number))


def _changed(body: JsonObject, path: tuple[str | int, ...], change: str, value: Json) -> JsonObject:
    whole: JsonObject = json.loads(json.dumps(body))
    home: Json = whole
    for step in path[:-1]:
        home = home[step]  # type: ignore[index]
    assert isinstance(home, dict)
    old = home.pop(str(path[-1]))
    if change == "rename":
        home["another_name"] = old
    elif change == "retype":
        home[str(path[-1])] = value
    return whole


def _find(contract: Contract, document: str, body: JsonObject) -> set[str]:
    found = contract.compare(document, body, Comparison())
    return {drift.code for drift in found if drift.is_grave}


def _promise(contract: Contract, document: str, body: JsonObject, path: object) -> Promise | None:
    """Return what is promised at a place, by another way than the comparison goes."""
    promises, at = contract.baseline.documents[document], ""
    value: Json = body
    assert isinstance(path, tuple)
    for step in path:
        tag = value.get("type") if isinstance(value, dict) else None
        at += f"={tag}" if isinstance(tag, str) and f"{at}={tag}/{step}" in promises else ""
        at += f"/{step}" if isinstance(step, str) else "/*"
        value = value[step]  # type: ignore[index]
    return promises.get(at)


def test_every_required_field_is_missed_when_it_goes_or_changes_its_name(
    contract: Contract, base: Base
) -> None:
    tried, overlooked = 0, []
    for document, body in _documents(base):
        for path in _places(body):
            promise = _promise(contract, document, body, path)
            for change in ("remove", "rename"):
                found = _find(contract, document, _changed(body, path, change, None))
                is_required = promise is not None and promise.always
                tried += is_required
                if (found == {"shape.missing"}) != is_required:
                    overlooked.append((document, path, change, found))
    assert overlooked == []
    assert tried > 200


def test_every_field_of_another_type_is_found_and_no_promised_type_is_an_alarm(
    contract: Contract, base: Base
) -> None:
    overlooked = []
    for document, body in _documents(base):
        decoder = contract.decoder_of(document)
        for path in _places(body):
            promise = _promise(contract, document, body, path)
            for value in OTHERS:
                changed = _changed(body, path, "retype", value)
                found = _find(contract, document, changed)
                kinds = () if promise is None else promise.kinds
                if not _may_be(value, kinds) and not found:
                    overlooked.append((document, path, value, found))
                if found and decoder.accepts(json.dumps(changed).encode()):
                    overlooked.append((document, path, value, {"accepted in passing"}))
    assert overlooked == []


def _may_be(value: Json, kinds: tuple[str, ...]) -> bool:
    names: dict[type, set[str]] = {
        type(None): {"null"}, bool: {"boolean"}, int: {"integer", "number"}, float: {"number"},
        str: {"string"}, list: {"array"}, dict: {"object"},
    }  # fmt: skip
    return not kinds or bool(names[type(value)] & set(kinds))


PROMISES = {
    "": Promise(kinds=("object",)),
    "/free": Promise(kinds=("object",)),
    "/list": Promise(kinds=("array", "null")),
    "/list/*=a/one": Promise(kinds=("integer",), always=True),
    "/list/*": Promise(kinds=("object",)),
    "/word": Promise(kinds=("string",), values=("old",)),
}


@pytest.mark.parametrize(
    ("value", "codes"),
    [
        ({"free": {"my secret": 1}, "list": None, "word": "old"}, []),
        ({"word": "new"}, ["shape.value"]),
        ({"word": 7}, ["shape.type"]),
        ({"list": [{"type": "a", "one": 1}]}, ["shape.added"]),  # nobody promised the tag
        ({"list": [{"type": "a"}]}, ["shape.missing", "shape.added"]),
        ({"list": [{"type": "b"}]}, ["shape.variant"]),
        ({"list": [{"type": 7}]}, ["shape.type"]),
        ({"list": [{"type": None}]}, ["shape.null"]),
        ({"list": [{}]}, ["shape.missing"]),
        ({"list": [[]]}, ["shape.type"]),
        ({"my secret": 1}, ["shape.added"]),
        ([], ["shape.type"]),
    ],
)
def test_each_rule_of_shape_has_its_place(value: Json, codes: list[str]) -> None:
    found = find_shape_drifts(build_tree(PROMISES), value, Comparison())
    assert [drift.code for drift in found] == codes
    assert "secret" not in "".join(drift.path + drift.excerpt for drift in found)


def test_what_was_usual_is_missed_and_what_is_read_is_missed_more() -> None:
    tree = build_tree(PROMISES)
    usual = Comparison(usual=frozenset({"/word"}))
    assert [drift.impact for drift in find_shape_drifts(tree, {}, usual)] == ["warning"]
    read = Comparison(reliance=Reliance(fields=("/word",)))
    assert [drift.impact for drift in find_shape_drifts(tree, {}, read)] == ["breaking"]
    assert find_shape_drifts(tree, {}, Comparison()) == []


def test_objects_are_traced_and_open_ones_are_left_alone() -> None:
    value: Json = {"free": {"secret": 1}, "list": [{"type": "a", "one": 1}], "other": {"b": 1}}
    found = [path for path, _ in trace(build_tree(PROMISES), value)]
    assert found == ["", "/list/*=a"]
    assert list(trace(None, value)) == []


def test_a_decoder_takes_what_nothing_is_promised_of() -> None:
    decoder = ShapeDecoder(build_tree({"": Promise(kinds=("array", "object"))}))
    assert decoder.accepts(b"[1]")
    assert decoder.accepts(b'{"a": 1}')
    assert not decoder.accepts(b"1")
    assert not decoder.accepts(b"{")
    assert ShapeDecoder(build_tree({})).accepts(b"1")
