"""Where JSON differs from the tree of its document, and what it is made of."""

from collections.abc import Iterator

import msgspec

from l9gate.contract.drift import Drift, name_of, sketch, tell
from l9gate.contract.reliance import Reliance
from l9gate.contract.rules import Impact
from l9gate.contract.schema import TAG, Node, is_of, kind_of
from l9gate.wire.json import Json, JsonObject


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What a document is compared with, besides its tree."""

    place: str = ""  # before every path, such as `event 3 `
    usual: frozenset[str] = frozenset()  # paths that every repeat of a probe had
    reliance: Reliance = Reliance()


class Spot(msgspec.Struct, frozen=True):
    """A place in a value: where it is, and by which promise."""

    pointer: str
    path: str


ROOT = Spot("", "")


def find_shape_drifts(node: Node, value: Json, asked: Comparison) -> list[Drift]:
    """Return every difference between a document and its tree."""
    return list(_compare(node, value, ROOT, asked))


def trace(node: Node | None, value: Json, path: str = "") -> Iterator[tuple[str, JsonObject]]:
    """Yield the path and the value of every object, the outer one first.

    What is below an open object, or one that nobody promises, is left alone: its keys are data.
    """
    if node is None:
        return
    if isinstance(value, list) and node.element is not None:
        for item in value:
            yield from trace(node.element, item, f"{path}/*")
    elif isinstance(value, dict) and not node.is_open:
        tag = value.get(TAG)
        step = f"{path}={tag}" if node.variants and isinstance(tag, str) else path
        yield step, value
        fields = _fields_of(node, value)
        for key, inner in value.items():
            yield from trace(fields.get(key), inner, f"{step}/{key}")


def _fields_of(node: Node, value: JsonObject) -> dict[str, Node]:
    variant = node.variants.get(str(value.get(TAG)))
    return node.fields if variant is None else {**node.fields, **variant.fields}


def _compare(node: Node, value: Json, at: Spot, asked: Comparison) -> Iterator[Drift]:
    promise, kind = node.promise, kind_of(value)
    where = f"{asked.place}{at.pointer}"
    if not is_of(kind, promise.kinds):
        code = "shape.null" if kind == "null" else "shape.type"
        yield tell(code, where, " or ".join(promise.kinds), kind, sketch(value))
    elif isinstance(value, str) and promise.values and value not in promise.values:
        expected = ", ".join(promise.values)
        code = "shape.constant" if promise.closed else "shape.value"
        impact = None if promise.closed else asked.reliance.impact_of(value)
        yield tell(code, where, expected, name_of(value), impact=impact)
    elif isinstance(value, list) and node.element is not None:
        for number, item in enumerate(value):
            spot = Spot(f"{at.pointer}/{number}", f"{at.path}/*")
            yield from _compare(node.element, item, spot, asked)
    elif isinstance(value, dict) and not node.is_open:
        yield from _compare_object(node, value, at, asked)


def _compare_object(node: Node, value: JsonObject, at: Spot, asked: Comparison) -> Iterator[Drift]:
    tag = value.get(TAG)
    where = f"{asked.place}{at.pointer}"
    if node.variants and (not isinstance(tag, str) or tag not in node.variants):
        yield from _tell_variant(node, value, where, asked)
        return
    path = f"{at.path}={tag}" if node.variants else at.path
    fields = _fields_of(node, value)
    for key, child in fields.items():
        if key in value:
            spot = Spot(f"{at.pointer}/{key}", f"{path}/{key}")
            yield from _compare(child, value[key], spot, asked)
        else:
            yield from _tell_absent(child, Spot(f"{where}/{key}", f"{path}/{key}"), value, asked)
    for key in value:
        if key not in fields:
            name = name_of(key).strip("`") if key.isidentifier() else "…"
            yield tell("shape.added", f"{where}/{name}", "nothing", kind_of(value[key]))


def _tell_variant(node: Node, value: JsonObject, where: str, asked: Comparison) -> Iterator[Drift]:
    tag, known = value.get(TAG), ", ".join(node.variants)
    if TAG not in value:
        yield tell("shape.missing", f"{where}/{TAG}", known, "nothing", sketch(value))
    elif not isinstance(tag, str):
        code = "shape.null" if tag is None else "shape.type"
        yield tell(code, f"{where}/{TAG}", known, kind_of(tag), sketch(value))
    else:
        impact = asked.reliance.impact_of(tag)
        yield tell("shape.variant", f"{where}/{TAG}", known, name_of(tag), sketch(value), impact)


def _tell_absent(node: Node, at: Spot, around: JsonObject, asked: Comparison) -> Iterator[Drift]:
    expected = " or ".join(node.promise.kinds) or "anything"
    is_read = at.path in asked.reliance.fields
    if node.promise.always:
        yield tell("shape.missing", at.pointer, expected, "nothing", sketch(around))
    elif is_read or at.path in asked.usual:
        impact = Impact.BREAKING if is_read else None
        yield tell("shape.gone", at.pointer, expected, "nothing", sketch(around), impact)
