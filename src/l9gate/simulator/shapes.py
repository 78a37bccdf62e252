"""Shapes of JSON that combine to the shape of a request, as data: to check with, or to walk over.

A shape finds the first thing that is wrong with a value. Its path is put together on the way out,
so a value that is right costs no text. Rules of *form* (which keys, which types) always hold;
rules of *value* (lengths, patterns, ranges, enumerations) are dropped by `loosened`.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeAlias

import msgspec

from l9gate.simulator.refusal import Refusal, invalid
from l9gate.wire.json import Json

_EXTRA = "Extra inputs are not permitted"
_MISSING = "Field required"
_NO_DICTIONARY = "Input should be a valid dictionary"


class Flaw(msgspec.Struct, frozen=True):
    """What is wrong, and where: the steps from the outside in."""

    steps: tuple[str, ...]
    expectation: str

    def under(self, step: str) -> "Flaw":
        """Return the same flaw as seen from one step further out."""
        return Flaw((step, *self.steps), self.expectation)

    def refusal(self, path: str = "") -> Refusal:
        """Return the refusal, its message naming the path as the API does."""
        steps = (path, *self.steps) if path else self.steps
        return invalid(f"{'.'.join(steps)}: {self.expectation}")


class Shape(Protocol):
    """Says what is wrong with a value."""

    def flaw(self, value: Json) -> Flaw | None:
        """Return the first flaw, None if there is none."""
        ...


Fields: TypeAlias = Mapping[str, Shape]


def _here(expectation: str) -> Flaw:
    return Flaw((), expectation)


@dataclass(frozen=True, slots=True)
class Anything:
    """Every value."""

    def flaw(self, value: Json) -> Flaw | None:  # noqa: ARG002 - has the form of a shape
        """Return None."""
        return None


@dataclass(frozen=True, slots=True)
class Boolean:
    """True and false."""

    def flaw(self, value: Json) -> Flaw | None:
        """Return what is wrong."""
        return None if isinstance(value, bool) else _here("Input should be a valid boolean")


@dataclass(frozen=True, slots=True)
class Integer:
    """Integers from a minimum on."""

    minimum: int | None = None

    def flaw(self, value: Json) -> Flaw | None:
        """Return what is wrong."""
        if not isinstance(value, int) or isinstance(value, bool):
            return _here("Input should be a valid integer")
        if self.minimum is not None and value < self.minimum:
            return _here(f"Input should be greater than or equal to {self.minimum}")
        return None


@dataclass(frozen=True, slots=True)
class Number:
    """Numbers within a range."""

    minimum: float | None = None
    maximum: float | None = None

    def flaw(self, value: Json) -> Flaw | None:
        """Return what is wrong."""
        if not isinstance(value, int | float) or isinstance(value, bool):
            return _here("Input should be a valid number")
        if self.minimum is not None and value < self.minimum:
            return _here(f"Input should be greater than or equal to {self.minimum:g}")
        if self.maximum is not None and value > self.maximum:
            return _here(f"Input should be less than or equal to {self.maximum:g}")
        return None


@dataclass(frozen=True, slots=True)
class Text:
    """Strings of some length and form."""

    minimum: int = 0
    maximum: int | None = None
    pattern: str | None = None

    def flaw(self, value: Json) -> Flaw | None:
        """Return what is wrong."""
        if not isinstance(value, str):
            return _here("Input should be a valid string")
        if len(value) < self.minimum:
            return _here(f"String should have at least {_characters(self.minimum)}")
        if self.maximum is not None and len(value) > self.maximum:
            return _here(f"String should have at most {_characters(self.maximum)}")
        if self.pattern is not None and not re.fullmatch(self.pattern, value):
            return _here(f"String should match pattern '^{self.pattern}$'")
        return None


def _characters(count: int) -> str:
    return "1 character" if count == 1 else f"{count} characters"


@dataclass(frozen=True, slots=True)
class OneOf:
    """Some strings."""

    values: tuple[str, ...]

    def flaw(self, value: Json) -> Flaw | None:
        """Return what is wrong."""
        if value in self.values:
            return None
        quoted = [f"'{known}'" for known in self.values]
        listed = " or ".join(filter(None, (", ".join(quoted[:-1]), quoted[-1])))
        return _here(f"Input should be {listed}")


@dataclass(frozen=True, slots=True)
class Nullable:
    """Null besides."""

    shape: Shape

    def flaw(self, value: Json) -> Flaw | None:
        """Return what is wrong."""
        return None if value is None else self.shape.flaw(value)


@dataclass(frozen=True, slots=True)
class TextOr:
    """Every string besides."""

    shape: Shape

    def flaw(self, value: Json) -> Flaw | None:
        """Return what is wrong."""
        return None if isinstance(value, str) else self.shape.flaw(value)


@dataclass(frozen=True, slots=True)
class ListOr:
    """Arrays of one shape, or anything of another."""

    shapes: "ListOf"
    other: Shape

    def flaw(self, value: Json) -> Flaw | None:
        """Return what is wrong."""
        return (self.shapes if isinstance(value, list) else self.other).flaw(value)


@dataclass(frozen=True, slots=True)
class ListOf:
    """Arrays of some length at most."""

    shape: Shape
    maximum: int | None = None

    def flaw(self, value: Json) -> Flaw | None:
        """Return what is wrong."""
        if not isinstance(value, list):
            return _here("Input should be a valid list")
        if self.maximum is not None and len(value) > self.maximum:
            found = f"{self.maximum} items after validation, not {len(value)}"
            return _here(f"List should have at most {found}")
        for index, item in enumerate(value):
            found_flaw = self.shape.flaw(item)
            if found_flaw is not None:
                return found_flaw.under(str(index))
        return None


@dataclass(frozen=True, slots=True)
class Record:
    """Objects with known keys; an open one may hold others.

    Missing keys are found first, then the given ones in their order.
    """

    fields: Fields = field(default_factory=dict)
    required: Collection[str] = ()
    is_open: bool = False

    def flaw(self, value: Json) -> Flaw | None:
        """Return what is wrong."""
        if not isinstance(value, dict):
            return _here(_NO_DICTIONARY)
        for name in self.required:
            if name not in value:
                return Flaw((name,), _MISSING)
        for name, item in value.items():
            known = self.fields.get(name)
            if known is not None:
                found = known.flaw(item)
                if found is not None:
                    return found.under(name)
            elif not self.is_open:
                return Flaw((name,), _EXTRA)
        return None


@dataclass(frozen=True, slots=True)
class Tagged:
    """Objects whose `type` says which shape is meant; the tag is a step of the path."""

    shapes: Mapping[str, Shape]
    default: str | None = None  # the tag of an object that has none
    is_shown: bool = True  # whether the tag is a step of the path
    is_open: bool = False  # whether an unknown tag means an object of unknown shape

    def flaw(self, value: Json) -> Flaw | None:
        """Return what is wrong."""
        if not isinstance(value, dict):
            return _here(_NO_DICTIONARY)
        tag = value.get("type")
        tag = self.default if tag is None else tag
        if tag is None:
            return Flaw(("type",), _MISSING)
        known = self.shapes.get(tag) if isinstance(tag, str) else None
        if known is not None and isinstance(tag, str):
            found = known.flaw(value)
            return found.under(tag) if found is not None and self.is_shown else found
        if self.is_open and isinstance(tag, str):
            return None
        listed = ", ".join(f"'{name}'" for name in self.shapes)
        shown = str(tag)[:80]
        return _here(
            f"Input tag '{shown}' found using 'type' does not match any of the expected tags: "
            + listed
        )


def loosened(shape: Shape) -> Shape:
    """Return the shape without its rules of value: no lengths, patterns, ranges, enumerations."""
    loose = shape
    match shape:
        case Integer():
            loose = Integer()
        case Number():
            loose = Number()
        case Text() | OneOf():
            loose = Text()
        case Nullable() | TextOr():
            loose = replace(shape, shape=loosened(shape.shape))
        case ListOf():
            loose = ListOf(loosened(shape.shape))
        case ListOr():
            loose = ListOr(ListOf(loosened(shape.shapes.shape)), loosened(shape.other))
        case Record():
            fields = {name: loosened(item) for name, item in shape.fields.items()}
            loose = replace(shape, fields=fields)
        case Tagged():
            shapes = {tag: loosened(item) for tag, item in shape.shapes.items()}
            loose = replace(shape, shapes=shapes)
    return loose
