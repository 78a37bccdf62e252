from collections.abc import Callable
from pathlib import Path

import pytest

from l9gate.evidence.records import Layer
from l9gate.pytest_plugin.layers import LayerMap
from l9gate.store.settings import LayerSettings

MakeItem = Callable[..., pytest.Item]


@pytest.fixture
def layers(tmp_path: Path) -> LayerMap:
    return LayerMap(
        tmp_path,
        {
            Layer.UNIT: LayerSettings(paths=("tests", "more/test_one.py")),
            Layer.INTEGRATION: LayerSettings(paths=("tests/integration",), marker="integration"),
            Layer.PERFORMANCE: LayerSettings(paths=("tests/integration",), marker="benchmark"),
            Layer.CONTRACT: LayerSettings(paths=("contract",), marker="contract and not offline"),
        },
    )


@pytest.mark.parametrize(
    ("path", "marks", "layer"),
    [
        ("tests/unit/test_a.py", [], Layer.UNIT),
        ("more/test_one.py", [], Layer.UNIT),
        ("more/test_two.py", [], None),
        ("tests/integration/test_a.py", [pytest.mark.integration], Layer.INTEGRATION),
        ("tests/integration/test_a.py", [pytest.mark.benchmark], Layer.PERFORMANCE),
        ("contract/test_a.py", [pytest.mark.contract], Layer.CONTRACT),
        ("contract/test_a.py", [pytest.mark.contract, pytest.mark.offline], None),
        ("contract/test_a.py", [], None),
        ("contracts/test_a.py", [pytest.mark.contract], None),
    ],
)
def test_path_and_markers_decide(
    layers: LayerMap, make_item: MakeItem, path: str, marks: list[object], layer: Layer | None
) -> None:
    """L1-01, L2-01, L3-01, L4-01."""
    assert layers.layer_of(make_item(path, *marks)) is layer


def test_a_deeper_path_wins_even_where_its_marker_is_missing(
    layers: LayerMap, make_item: MakeItem
) -> None:
    assert layers.layer_of(make_item("tests/integration/test_a.py")) is Layer.UNIT


def test_tests_of_pytest_benchmark_are_never_claimed(layers: LayerMap, make_item: MakeItem) -> None:
    item = make_item("tests/unit/test_a.py", fixturenames=("tmp_path", "benchmark"))
    assert layers.layer_of(item) is None


def test_items_that_are_no_functions_are_claimed_too(layers: LayerMap, make_item: MakeItem) -> None:
    item = make_item("tests/unit/test_a.py")
    del item.fixturenames  # type: ignore[attr-defined]
    assert layers.layer_of(item) is Layer.UNIT


@pytest.mark.parametrize(
    ("paths", "marker", "guessed"),
    [
        (["contract"], "", (Layer.CONTRACT,)),
        (["contract/test_a.py"], "contract", (Layer.CONTRACT,)),
        (["contract"], "benchmark", ()),
        (["tests/integration"], "integration", (Layer.UNIT, Layer.INTEGRATION)),
        (["."], "", tuple(Layer)),
        (["docs"], "", ()),
        ([], "", ()),
    ],
)
def test_a_command_line_selects_the_layers_it_touches(
    layers: LayerMap, tmp_path: Path, paths: list[str], marker: str, guessed: tuple[Layer, ...]
) -> None:
    assert layers.guess([tmp_path / path for path in paths], marker) == guessed


@pytest.mark.parametrize(
    ("paths", "is_whole"),
    [
        (["."], True),
        (["tests", "more"], True),
        (["tests", "more/test_one.py"], True),
        (["tests"], False),
        (["tests/unit", "more"], False),
        ([], False),
    ],
)
def test_a_whole_layer_is_all_of_its_paths(
    layers: LayerMap, tmp_path: Path, paths: list[str], is_whole: bool
) -> None:
    assert layers.covers(Layer.UNIT, [tmp_path / path for path in paths]) is is_whole
