"""Decoders that take a document only if its shape is as promised: the fast way to say yes.

They say nothing about what is wrong; whoever is refused looks with `shape.find_shape_drifts`.
Unknown fields pass: they are compatible.
"""

from functools import reduce
from operator import or_
from typing import Literal, TypeAlias

import msgspec

from l9gate.contract.schema import TAG, Node

_PLAIN: dict[str, type | None] = {
    "null": None, "boolean": bool, "integer": int, "number": float, "string": str,
}  # fmt: skip
Form: TypeAlias = object  # what `msgspec` takes for a type, such as `list[int] | None`


class ShapeDecoder:
    """Decides for one document."""

    __slots__ = ("decode",)

    def __init__(self, root: Node) -> None:
        decoder: msgspec.json.Decoder[object] = msgspec.json.Decoder(type=_form(root))
        self.decode = decoder.decode

    def accepts(self, body: bytes) -> bool:
        """Whether the body is JSON of the promised shape, with known values only."""
        try:
            self.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        return True


def _form(node: Node) -> Form:
    kinds = node.promise.kinds
    if not kinds:
        return msgspec.Raw
    return _either([_form_of(node, kind) for kind in kinds])


def _either(forms: list[Form]) -> Form:
    return reduce(or_, forms)


def _form_of(node: Node, kind: str) -> Form:
    if kind == "array":
        return list[msgspec.Raw if node.element is None else _form(node.element)]  # type: ignore[misc]
    if kind == "object":
        return _object_form(node)
    if kind == "string" and node.promise.values:
        return Literal[node.promise.values]
    return _PLAIN[kind]


def _object_form(node: Node) -> Form:
    if node.is_open:
        return dict[str, msgspec.Raw]
    if not node.variants:
        return _struct(node.fields, None)
    return _either(
        [_struct({**node.fields, **variant.fields}, tag) for tag, variant in node.variants.items()]
    )


def _struct(fields: dict[str, Node], tag: str | None) -> Form:
    """Return a type with these fields; a tag is checked instead of the field that holds it."""
    names = [key for key in fields if not (tag and key == TAG)]
    parts: list[tuple[str, object] | tuple[str, object, object]] = []
    for number, key in enumerate(names):
        form, child = _form(fields[key]), fields[key]
        if child.promise.always:
            parts.append((f"f{number}", form))
        else:
            parts.append((f"f{number}", _either([form, msgspec.UnsetType]), msgspec.UNSET))
    return msgspec.defstruct(
        "Shape",
        parts,
        kw_only=True,
        gc=False,
        rename={f"f{number}": key for number, key in enumerate(names)},
        tag_field=TAG if tag else None,
        tag=tag,
    )
