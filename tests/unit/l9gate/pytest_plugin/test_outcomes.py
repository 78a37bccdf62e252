"""C-11, R-08: what a test came to."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from l9gate.evidence.records import Layer, TestOutcome, TestState
from l9gate.pytest_plugin.outcomes import OutcomeBuilder, location_of

MakeItem = Callable[..., pytest.Item]
PASSED = ("passed", None)
Phase = tuple[str, object]


def report(when: str, outcome: str, detail: object) -> pytest.TestReport:
    extra = {"wasxfail": detail} if detail == "known" else {}
    longrepr = (
        ("test_a.py", 3, f"Skipped: {detail}") if outcome == "skipped" and not extra else None
    )
    return cast(
        "pytest.TestReport",
        SimpleNamespace(
            when=when,
            outcome=outcome,
            passed=outcome == "passed",
            failed=outcome == "failed",
            skipped=outcome == "skipped",
            duration=0.5,
            longrepr=longrepr,
            **extra,
        ),
    )


def call_of(error: object) -> pytest.CallInfo[None]:
    excinfo = pytest.ExceptionInfo.from_exception(error) if isinstance(error, Exception) else None
    return cast("pytest.CallInfo[None]", SimpleNamespace(excinfo=excinfo))


def raised(error: Exception) -> Exception:
    try:
        raise error
    except type(error) as caught:
        return caught


def outcome_of(item: pytest.Item, *phases: Phase) -> TestOutcome:
    builder = OutcomeBuilder(item, Layer.UNIT, owners={"b", "a"})
    for when, (outcome, detail) in zip(("setup", "call", "teardown"), phases, strict=False):
        builder.add(call_of(detail), report(when, outcome, detail))
    return builder.build(9.0)


ERROR = raised(OSError("secret"))


@pytest.mark.parametrize(
    ("phases", "state", "reason", "error_class"),
    [
        ((PASSED, PASSED, PASSED), TestState.PASSED, None, None),
        ((PASSED, ("failed", ERROR), PASSED), TestState.FAILED, None, "OSError"),
        ((PASSED, ("failed", None), PASSED), TestState.FAILED, None, "XPassed"),
        ((("failed", ERROR), PASSED), TestState.ERROR, None, "OSError"),
        ((PASSED, PASSED, ("failed", ERROR)), TestState.ERROR, None, "OSError"),
        ((PASSED, ("skipped", "later"), ("failed", ERROR)), TestState.ERROR, None, "OSError"),
        ((("skipped", "no key"), PASSED), TestState.SKIPPED, "no key", None),
        ((PASSED, ("skipped", "known"), PASSED), TestState.XFAILED, "known", None),
        ((PASSED, ("passed", "known"), PASSED), TestState.XPASSED, "known", None),
    ],
)
def test_three_phases_are_one_outcome(
    make_item: MakeItem,
    phases: tuple[Phase, ...],
    state: TestState,
    reason: str | None,
    error_class: str | None,
) -> None:
    found = outcome_of(make_item(), *phases)
    assert (found.state, found.reason, found.error_class) == (state, reason, error_class)
    assert found.duration_s == 0.5 * len(phases)
    assert "secret" not in repr(found)


def test_a_failure_is_not_covered_up_by_a_later_one(make_item: MakeItem) -> None:
    found = outcome_of(make_item(), PASSED, ("failed", raised(KeyError())), ("failed", ERROR))
    assert (found.state, found.error_class) == (TestState.FAILED, "KeyError")


def test_the_record_names_the_test_its_owners_and_its_attempt(make_item: MakeItem) -> None:
    found = outcome_of(make_item("tests/test_x.py", execution_count=3), PASSED, PASSED, PASSED)
    assert found.node_id == "tests/test_x.py::test_a"
    assert found.owners == ("tests/test_x.py::test_a", "a", "b")
    assert (found.layer, found.attempt, found.at_s) == (Layer.UNIT, 2, 9.0)
    assert found.place == "tests/test_x.py:7"
    nowhere = make_item(location=("notes.txt", None, "doctest"))  # that of a whole file
    assert outcome_of(nowhere, PASSED).place == "notes.txt"


def test_a_failure_is_located_inside_the_project(make_item: MakeItem) -> None:
    here = Path(__file__).parent
    item = make_item(config=SimpleNamespace(rootpath=here))
    found = outcome_of(item, PASSED, ("failed", ERROR), PASSED)
    assert found.location is not None
    assert found.location.startswith(f"{Path(__file__).name}:")


def test_outside_of_the_project_only_the_name_of_the_file_is_kept(tmp_path: Path) -> None:
    found = location_of(pytest.ExceptionInfo.from_exception(ERROR), tmp_path)
    assert found is not None
    assert found.startswith(f"{Path(__file__).name}:")


def test_an_exception_that_was_never_raised_has_no_place(tmp_path: Path) -> None:
    excinfo = cast("pytest.ExceptionInfo[BaseException]", SimpleNamespace(traceback=[]))
    assert location_of(excinfo, tmp_path) is None
