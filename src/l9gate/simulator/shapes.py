"""Small checks of JSON that combine to the shape of a request.

A check yields what is wrong at a path, first things first; messages name the path as the API does.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TypeAlias

from l9gate.simulator.refusal import Refusal, invalid
from l9gate.wire.json import Json

Check: TypeAlias = Callable[[str, Json], Iterator[Refusal]]


def wrong(path: str, expectation: str) -> Refusal:
    """Return the refusal of a value."""
    return invalid(f"{path}: {expectation}")


def anything(path: str, value: Json) -> Iterator[Refusal]:  # noqa: ARG001 - has the shape of a check
    """Accept every value."""
    return iter(())


def boolean(path: str, value: Json) -> Iterator[Refusal]:
    """Accept true and false."""
    if not isinstance(value, bool):
        yield wrong(path, "Input should be a valid boolean")


def integer(minimum: int) -> Check:
    """Accept integers from a minimum on."""

    def check(path: str, value: Json) -> Iterator[Refusal]:
        if not isinstance(value, int) or isinstance(value, bool):
            yield wrong(path, "Input should be a valid integer")
        elif value < minimum:
            yield wrong(path, f"Input should be greater than or equal to {minimum}")

    return check


def number(minimum: float, maximum: float | None = None) -> Check:
    """Accept numbers within a range."""

    def check(path: str, value: Json) -> Iterator[Refusal]:
        if not isinstance(value, int | float) or isinstance(value, bool):
            yield wrong(path, "Input should be a valid number")
        elif value < minimum:
            yield wrong(path, f"Input should be greater than or equal to {minimum:g}")
        elif maximum is not None and value > maximum:
            yield wrong(path, f"Input should be less than or equal to {maximum:g}")

    return check


def text(minimum: int = 0, maximum: int | None = None, pattern: str | None = None) -> Check:
    """Accept strings of some length and form."""
    form = None if pattern is None else re.compile(pattern)

    def check(path: str, value: Json) -> Iterator[Refusal]:
        if not isinstance(value, str):
            yield wrong(path, "Input should be a valid string")
        elif len(value) < minimum:
            yield wrong(path, f"String should have at least {minimum} character")
        elif maximum is not None and len(value) > maximum:
            yield wrong(path, f"String should have at most {maximum} characters")
        elif form is not None and not form.fullmatch(value):
            yield wrong(path, f"String should match pattern '^{pattern}$'")

    return check


def one_of(*values: str) -> Check:
    """Accept some strings."""
    listed = " or ".join(f"'{value}'" for value in values)

    def check(path: str, value: Json) -> Iterator[Refusal]:
        if value not in values:
            yield wrong(path, f"Input should be {listed}")

    return check


def nullable(check: Check) -> Check:
    """Accept null besides."""

    def check_or_null(path: str, value: Json) -> Iterator[Refusal]:
        return iter(()) if value is None else check(path, value)

    return check_or_null


def list_of(check: Check) -> Check:
    """Accept arrays."""

    def check_all(path: str, value: Json) -> Iterator[Refusal]:
        if not isinstance(value, list):
            yield wrong(path, "Input should be a valid list")
            return
        for index, item in enumerate(value):
            yield from check(f"{path}.{index}", item)

    return check_all


def record(
    fields: Mapping[str, Check], required: Collection[str] = (), *, is_open: bool = False
) -> Check:
    """Accept objects with known keys; an open one may hold others."""

    def check(path: str, value: Json) -> Iterator[Refusal]:
        if not isinstance(value, dict):
            yield wrong(path, "Input should be a valid dictionary")
            return
        prefix = f"{path}." if path else ""
        for name in required:
            if name not in value:
                yield wrong(prefix + name, "Field required")
        for name, item in value.items():
            known = fields.get(name)
            if known is not None:
                yield from known(prefix + name, item)
            elif not is_open:
                yield wrong(prefix + name, "Extra inputs are not permitted")

    return check


def tagged(checks: Mapping[str, Check], default: str | None = None) -> Check:
    """Accept objects whose `type` says which check is meant; the tag becomes part of the path."""
    listed = ", ".join(f"'{tag}'" for tag in checks)

    def check(path: str, value: Json) -> Iterator[Refusal]:
        if not isinstance(value, dict):
            yield wrong(path, "Input should be a valid dictionary")
            return
        tag = value.get("type", default)
        tag = default if tag is None else tag
        known = checks.get(tag) if isinstance(tag, str) else None
        if tag is None:
            yield wrong(f"{path}.type", "Field required")
        elif known is None:
            yield wrong(
                path,
                f"Input tag '{tag}' found using 'type' does not match any of the expected tags: "
                + listed,
            )
        else:
            yield from known(f"{path}.{tag}", value)

    return check


def text_or(check: Check) -> Check:
    """Accept any string besides."""

    def check_or_text(path: str, value: Json) -> Iterator[Refusal]:
        return iter(()) if isinstance(value, str) else check(path, value)

    return check_or_text
