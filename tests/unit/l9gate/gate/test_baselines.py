"""Two baselines differ by rules with codes, as an answer differs from one."""

import msgspec
import pytest

from l9gate.contract import Baseline
from l9gate.contract.baseline import Probe
from l9gate.contract.schema import Promise
from l9gate.gate.baselines import compare_baselines, find_lost_probes


def _promise(
    *kinds: str, always: bool = False, values: tuple[str, ...] = (), closed: bool = False
) -> Promise:
    return Promise(kinds=kinds, always=always, values=values, closed=closed)


def _of(promises: dict[str, Promise]) -> Baseline:
    return Baseline(documents={"message": promises})


TEXT = _promise("string")


@pytest.mark.parametrize(
    ("was", "now", "expected"),
    [
        (TEXT, TEXT, []),
        (TEXT, None, [("shape.gone", "warning")]),
        (_promise("string", always=True), None, [("shape.missing", "breaking")]),
        (None, TEXT, [("shape.added", "compatible")]),
        (TEXT, _promise("integer"), [("shape.type", "breaking")]),
        (TEXT, _promise(), [("shape.type", "breaking")]),
        (_promise(), TEXT, []),
        (TEXT, _promise("null", "string"), [("shape.null", "breaking")]),
        (_promise("null", "string"), TEXT, []),
        (_promise("string", always=True), TEXT, [("shape.gone", "warning")]),
        (
            _promise("string", values=("a",)),
            _promise("string", values=("a", "b")),
            [("shape.value", "compatible")],
        ),
        (
            _promise("string", values=("a",), closed=True),
            _promise("string", values=("b",)),
            [("shape.value", "breaking")],
        ),
    ],
)
def test_promises_differ_by_the_rules_of_shape(
    was: Promise | None, now: Promise | None, expected: list[tuple[str, str]]
) -> None:
    older = _of({} if was is None else {"/x": was})
    newer = _of({} if now is None else {"/x": now})
    found = list(compare_baselines(older, newer))
    assert [(drift.code, drift.impact.value) for _, drift in found] == expected
    assert {subject for subject, _ in found} <= {"message"}


BEFORE = Probe(
    repeats=3,
    statuses=(200,),
    headers={"request-id": True, "x-a": True},
    usual={"message": ("/a",)},
)


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({}, []),
        ({"statuses": (400,), "headers": {}}, ["status.changed"]),
        ({"headers": {"x-a": True}}, ["header.missing"]),
        ({"headers": {"request-id": True, "x-a": False}}, ["header.gone"]),
        ({"headers": {"request-id": True, "x-a": True, "x-b": True}}, ["header.added"]),
        ({"usual": {}}, ["shape.gone"]),
    ],
)
def test_probes_differ_by_status_headers_and_usual_fields(
    changes: dict[str, object], codes: list[str]
) -> None:
    newer = Baseline(probes={"p": msgspec.structs.replace(BEFORE, **changes)})
    found = list(compare_baselines(Baseline(probes={"p": BEFORE}), newer))
    assert [drift.code for _, drift in found] == codes


def test_a_probe_that_is_missing_later_is_named() -> None:
    older, newer = Baseline(probes={"p": BEFORE, "q": BEFORE}), Baseline(probes={"q": BEFORE})
    assert find_lost_probes(older, newer) == ["p"]
    assert list(compare_baselines(older, newer)) == []
