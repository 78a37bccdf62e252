"""What JSON of a contract looks like: promises by path, and the tree that they make.

A path is a JSON pointer with two additions: `*` stands for every element of an array, and a step
that ends in `=TAG` for an object whose `type` is TAG, such as `/content/*=text/text`. The empty
path is the whole document.
"""

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from l9gate.wire.json import Json

KINDS = ("null", "boolean", "integer", "number", "string", "array", "object")
_KIND_OF: dict[type, str] = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}
TAG = "type"  # the key that tells the objects of a union apart


class Promise(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What may stand at one path."""

    kinds: tuple[str, ...]  # of `KINDS`; empty: anything
    always: bool = False  # it is there whenever the object around it is
    values: tuple[str, ...] = ()  # that a string is known to have
    closed: bool = False  # it has no others, ever
    by: tuple[str, ...] = ()  # who says so: `sdk`, `sheet 8` or `seen`


Promises: TypeAlias = Mapping[str, Promise]  # by path
Documents: TypeAlias = Mapping[str, Promises]  # by the name of a document


class Node:
    """One place in the tree of a document: its promise and what is below it."""

    __slots__ = ("element", "fields", "promise", "variants")

    def __init__(self) -> None:
        self.promise = Promise(kinds=())
        self.fields: dict[str, Node] = {}
        self.variants: dict[str, Node] = {}  # by tag; they share the promise of this place
        self.element: Node | None = None

    @property
    def is_open(self) -> bool:
        """Whether an object may hold anything here, as the input of a tool does."""
        return not (self.fields or self.variants)


def build_tree(promises: Promises) -> Node:
    """Return the root of the tree that the promises of one document make."""
    root = Node()
    for path in sorted(promises):
        node = root
        for step in path.split("/")[1:]:
            node = _step(node, step)
        node.promise = promises[path]
    return root


def kind_of(value: Json) -> str:
    """Return which of `KINDS` a value is."""
    return _KIND_OF[type(value)]


def is_of(kind: str, kinds: tuple[str, ...]) -> bool:
    """Whether a kind is one of those promised; a whole number is a number too."""
    return not kinds or kind in kinds or (kind == "integer" and "number" in kinds)


def merge(*sources: Documents) -> dict[str, dict[str, Promise]]:
    """Return what all sources together promise: the strictest of what they say."""
    merged: dict[str, dict[str, Promise]] = {}
    for source in sources:
        for name, promises in source.items():
            document = merged.setdefault(name, {})
            for path, promise in promises.items():
                known = document.get(path)
                document[path] = promise if known is None else _stricter(known, promise)
    return merged


def _stricter(one: Promise, other: Promise) -> Promise:
    both = tuple(kind for kind in one.kinds if is_of(kind, other.kinds))
    return Promise(
        kinds=both if one.kinds and both else other.kinds or one.kinds,
        always=one.always or other.always,
        values=tuple(sorted({*one.values, *other.values})),
        closed=one.closed or other.closed,
        by=(*one.by, *(word for word in other.by if word not in one.by)),
    )


def _step(node: Node, step: str) -> Node:
    key, _, tag = step.partition("=")
    if key == "*":
        if node.element is None:
            node.element = Node()
        found = node.element
    else:
        found = node.fields.setdefault(key, Node())
    return found.variants.setdefault(tag, Node()) if tag else found
