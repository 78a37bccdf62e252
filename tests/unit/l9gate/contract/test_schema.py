"""Promises of several sources are merged to the strictest."""

import pytest

from l9gate.contract.schema import KINDS, Promise, build_tree, is_of, kind_of, merge
from l9gate.wire.json import Json


def test_every_value_is_of_one_kind() -> None:
    values: tuple[Json, ...] = (None, True, 1, 1.5, "a", [], {})
    assert tuple(map(kind_of, values)) == KINDS


def test_a_whole_number_is_a_number_and_nothing_promised_is_anything() -> None:
    assert is_of("integer", ("number",))
    assert not is_of("number", ("integer",))
    assert is_of("null", ())


@pytest.mark.parametrize(
    ("one", "other", "kinds"),
    [
        (("null", "string"), ("string",), ("string",)),
        ((), ("string",), ("string",)),
        (("string",), (), ("string",)),
        (("string",), ("integer",), ("integer",)),
    ],
)
def test_the_stricter_kinds_count(
    one: tuple[str, ...], other: tuple[str, ...], kinds: tuple[str, ...]
) -> None:
    """Where sources contradict each other, the later one is the fact sheet."""
    sdk = {"d": {"/a": Promise(kinds=one, values=("x",), by=("sdk",))}}
    sheet = {"d": {"/a": Promise(kinds=other, always=True, values=("y",), by=("sheet 1",))}}
    assert merge(sdk, sheet)["d"]["/a"] == Promise(
        kinds=kinds, always=True, values=("x", "y"), by=("sdk", "sheet 1")
    )


def test_a_tree_has_elements_fields_and_variants() -> None:
    tree = build_tree({"/list/*=a/b": Promise(kinds=("null",)), "/list/*": Promise(kinds=("a",))})
    element = tree.fields["list"].element
    assert element is not None
    assert element.promise.kinds == ("a",)
    assert element.variants["a"].fields["b"].promise.kinds == ("null",)
    assert element.variants["a"].fields["b"].is_open
