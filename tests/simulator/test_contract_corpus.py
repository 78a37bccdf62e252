"""Issue 5, T-04, L4-03: every case of the corpus gets its label, and passing by is as strict."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

ROOT = Path(__file__).parents[2]


def _load() -> ModuleType:
    place = ROOT / "benchmarks" / "contract_corpus.py"
    spec = importlib.util.spec_from_file_location("contract_corpus", place)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["contract_corpus"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CORPUS = _load().Corpus()
CASES = {case.id: case for case in CORPUS.cases}
EXCHANGES = [case for case in CORPUS.cases if case.kind == "exchange"]


@pytest.mark.parametrize("name", CASES)
def test_a_case_gets_its_label(name: str) -> None:
    case = CASES[name]
    drifts = CORPUS.find_drifts(case)
    gravest = [drift for drift in drifts if drift.impact == drifts[0].impact]
    assert (drifts[0].impact if drifts else "none") == case.impact
    if case.code is not None:
        codes = {drift.code: str(drift.aspect) for drift in gravest}
        assert codes.get(case.code) == case.aspect


def test_there_are_enough_cases_and_a_third_of_them_is_harmless() -> None:
    assert len(CASES) == len(CORPUS.cases) >= 100
    assert sum(case.is_harmless for case in CASES.values()) * 3 >= len(CASES)
    assert {case.aspect for case in CASES.values()} == {
        *("status", "headers", "shape", "stream", "semantics", "acceptance", "lifecycle")
    }


def test_no_exchange_of_the_corpus_differs_before_it_is_changed() -> None:
    wrong = {
        case.id: found
        for case in EXCHANGES
        if not case.reliance.headers
        and (found := CORPUS.contract_for(type(case.reliance)()).find_drifts(CORPUS.before(case)))
    }
    assert wrong == {}


def test_passing_by_sees_what_is_grave_and_nothing_else() -> None:
    assert [case.id for case in EXCHANGES if not _agrees(case)] == []


def _agrees(case: Any) -> bool:
    contract = CORPUS.contract_for(case.reliance)
    after = msgspec.structs.replace(CORPUS.after(case), probe=None)
    expected = [drift for drift in contract.find_drifts(after) if drift.is_grave]
    if after.events is None or after.status >= 400:
        found = contract.glance(after.asked, after.status, after.headers, after.body)
        return bool(found == expected)
    watch = contract.follow(after.asked, after.status, after.headers)
    for event in after.events:
        watch.feed(event)
    return bool(watch.finish() == expected)
