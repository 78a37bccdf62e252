"""The shapes of requests have the fields, tags and values of the SDK's types, and no others."""

import types
import typing
from collections.abc import Iterator
from typing import (
    Annotated,
    Literal,
    NotRequired,
    Required,
    get_args,
    get_origin,
)

import pytest
from anthropic.types.message_count_tokens_params import MessageCountTokensParams
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from typing_extensions import get_type_hints, is_typeddict  # as the SDK, on Python 3.11 too

from l9gate.simulator.grammar import body_shape
from l9gate.simulator.shapes import (
    ListOf,
    ListOr,
    Nullable,
    OneOf,
    Record,
    Shape,
    Tagged,
    TextOr,
)

HEADERS = {"workspace_id", "user_profile_id"}  # arguments that become headers
# Answers hold it, and come back as they were; the three locations in a document.
BESIDES = {"file_id"}
# The SDK types a message by its role; the server looks at the place of a block.
ANY_ROLE = {".messages.role", ".messages.content"}
WRAPPERS = (Required, NotRequired, Annotated)


def parts_of(hint: object) -> list[object]:
    """Return the members of a union; a list stands for its items."""
    origin = get_origin(hint)
    if origin in WRAPPERS:
        return parts_of(get_args(hint)[0])
    if origin in {typing.Union, types.UnionType}:
        return [part for member in get_args(hint) for part in parts_of(member)]
    is_list = origin not in {None, Literal, dict} and get_args(hint)
    return parts_of(get_args(hint)[0]) if is_list else [hint]


def literals_of(hint: object) -> set[object]:
    return {v for part in parts_of(hint) if get_origin(part) is Literal for v in get_args(part)}


def hints_of(typed: object) -> dict[str, object]:
    return dict(get_type_hints(typed, include_extras=True))


def differences(hint: object, shape: Shape, path: str) -> Iterator[tuple[str, object]]:
    """Yield where a shape is not as a type says, and what differs."""
    match shape:
        case Nullable() | TextOr() | ListOf():
            yield from differences(hint, shape.shape, path)
        case ListOr(shapes=ListOf(shape=Tagged() as items), other=Tagged() as other):
            either = Tagged({**items.shapes, **other.shapes})
            yield from _differences_of_tags(hint, either, path)
        case OneOf():
            if literals_of(hint) != set(shape.values) and path not in ANY_ROLE:
                yield path, literals_of(hint) ^ set(shape.values)
        case Tagged():
            yield from _differences_of_tags(hint, shape, path)
        case Record(is_open=False):
            for typed in filter(is_typeddict, parts_of(hint)):
                yield from _differences_of_fields(typed, shape, path)


def _differences_of_tags(hint: object, shape: Tagged, path: str) -> Iterator[tuple[str, object]]:
    typed = {
        str(tag): part
        for part in filter(is_typeddict, parts_of(hint))
        for tag in literals_of(hints_of(part).get("type"))
    }
    if typed.keys() != shape.shapes.keys() and path not in ANY_ROLE:
        yield path, typed.keys() ^ shape.shapes.keys()
    for tag in typed.keys() & shape.shapes.keys():
        yield from differences(typed[tag], shape.shapes[tag], f"{path}<{tag}>")


def _differences_of_fields(typed: object, shape: Record, path: str) -> Iterator[tuple[str, object]]:
    hints = {name: hint for name, hint in hints_of(typed).items() if name not in HEADERS}
    known = shape.fields.keys() - (set() if "type" in hints else {"type"})
    if hints.keys() ^ known - (BESIDES if "cited_text" in known else set()):
        yield path, hints.keys() ^ known
    required = {name for name, hint in hints.items() if get_origin(hint) is Required}
    if required - {"type"} != set(shape.required) - {"type"}:
        yield path, required ^ set(shape.required)
    for name in hints.keys() & known - {"type"}:
        yield from differences(hints[name], shape.fields[name], f"{path}.{name}")


@pytest.mark.parametrize("counts_only", [False, True])
def test_the_grammar_is_that_of_the_sdk(counts_only: bool) -> None:
    """Sections 6 and 15 of the sheet: the SDK's types come first among its sources."""
    typed = MessageCountTokensParams if counts_only else MessageCreateParamsNonStreaming
    shape = body_shape(is_current=True, counts_only=counts_only, has_betas=False, is_strict=True)
    assert is_typeddict(typed)
    assert dict(differences(typed, shape, "")) == {}
