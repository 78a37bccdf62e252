"""What users read of a negative control."""

import json

import pytest

from l9gate.evidence.records import Control, Layer, Survivor
from l9gate.report.control import render_control, render_control_json, render_headline


def control(
    tests: int = 9,
    against: tuple[tuple[str, ...], ...] = (),
    open_ends: tuple[str, ...] = (),
    layers: tuple[Layer, ...] = (),
) -> Control:
    survivors = tuple(
        Survivor(node_id=f"t.py::test_{n}", layer=None, place=f"t.py:{n}", against=on, reason="why")
        for n, on in enumerate(against)
    )
    return Control(
        at_s=1.0,
        digest="",
        layers=layers,
        tests=tests,
        survivors=survivors,
        open_ends=open_ends,
        notes=("a note",),
    )


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (
            control(against=(("dead", "garbage"), ("dead",), ("garbage",))),
            "2 of 9 tests that talk to the API pass against a dead endpoint",
        ),
        (
            control(tests=1, against=(("refusing",),), open_ends=("x",)),
            "1 of 1 test that talks to the API passes against an endpoint that refuses every key",
        ),
        (
            control(tests=4, against=(("garbage",),), layers=(Layer.INTEGRATION, Layer.CONTRACT)),
            "1 of 4 tests of integration, contract passes against an endpoint that answers garbage",
        ),
        (control(open_ends=("no test called the API",)), "unproven: no test called the API"),
        (
            control(),
            "all 9 tests that talk to the API fail against dead, refusing and garbage endpoints",
        ),
        (
            control(tests=1),
            "the 1 test that talks to the API fails against dead, refusing and garbage endpoints",
        ),
    ],
)
def test_first_line_says_what_matters_most(found: Control, line: str) -> None:
    assert render_headline(found) == line
    assert len(line) <= 100


def test_text_names_place_test_endpoints_and_reason() -> None:
    text = render_control(control(against=(("dead",),), open_ends=("o",)), {"dead": 2.5})
    assert "passes    t.py:0  test_0  [dead]\n          why\n" in text
    assert "open      o\n" in text
    assert "note      a note\n" in text
    assert "took      2.5 s (dead 2.5 s)\n" in text
    assert "expects_error" in text


def test_a_result_of_before_says_that_nothing_was_run() -> None:
    assert "nothing was run" in render_control(control(), {})


def test_json_holds_the_same() -> None:
    document = json.loads(render_control_json(control(against=(("dead",),)), {"dead": 1.0}, 1))
    assert document["headline"].startswith("1 of 9")
    assert document["survivors"][0]["place"] == "t.py:0"
    assert (document["exit_code"], document["digest"]) == (1, None)
