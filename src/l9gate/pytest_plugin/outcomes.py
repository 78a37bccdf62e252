"""Three reports to one outcome of a test."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from l9gate.evidence.records import Layer, Remark, TestOutcome, TestState
from l9gate.pytest_plugin.markers import read_marks
from l9gate.pytest_plugin.owners import node_id_of, redact

MAX_REASON = 200


@dataclass(slots=True)
class OutcomeBuilder:
    """Collects what came of one test, phase by phase."""

    item: pytest.Item
    layer: Layer | None
    owners: set[str] = field(default_factory=set)
    _state: TestState = TestState.PASSED
    _duration_s: float = 0.0
    _reason: str | None = None
    _error_class: str | None = None
    _location: str | None = None

    def add(self, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
        """Take in the report of one phase."""
        self._duration_s += report.duration
        state = state_of(report)
        if state is TestState.PASSED or self._state in (TestState.FAILED, TestState.ERROR):
            return
        self._state = state
        if state in (TestState.FAILED, TestState.ERROR):
            self._note_failure(call)
        else:
            self._reason = reason_of(report)

    def build(
        self, at_s: float, remarks: tuple[Remark, ...] = (), *, cut: bool = False
    ) -> TestOutcome:
        """Return the record."""
        marks, node_id = read_marks(self.item), node_id_of(self.item)
        return TestOutcome(
            at_s=at_s,
            node_id=node_id,
            layer=self.layer,
            state=self._state,
            duration_s=self._duration_s,
            attempt=max(getattr(self.item, "execution_count", 1) - 1, 0),  # pytest-rerunfailures
            owners=(node_id, *sorted(self.owners)),
            offline=marks.offline,
            live_only=marks.live_only,
            expects_error=marks.expects_error,
            expects_fallback=marks.expects_fallback,
            scenarios=marks.scenarios,
            reason=self._reason,
            error_class=self._error_class,
            location=self._location,
            place=_place_of(self.item),
            remarks=remarks,
            cut=cut,
        )

    def _note_failure(self, call: pytest.CallInfo[None]) -> None:
        self._reason = None
        if call.excinfo is None:  # a strict xfail that passed has no exception
            self._error_class = "XPassed"
            return
        self._error_class = call.excinfo.type.__name__
        self._location = location_of(call.excinfo, self.item.config.rootpath)


def state_of(report: pytest.TestReport) -> TestState:
    """Return what one phase makes of a test; a passed one leaves it as it is."""
    is_expected = hasattr(report, "wasxfail")
    if report.skipped:
        return TestState.XFAILED if is_expected else TestState.SKIPPED
    if report.failed:
        return TestState.FAILED if report.when == "call" else TestState.ERROR
    return TestState.XPASSED if is_expected and report.when == "call" else TestState.PASSED


def reason_of(report: pytest.TestReport) -> str | None:
    """Return why a test was skipped or expected to fail: what its author wrote, no message."""
    reason: object = getattr(report, "wasxfail", None)
    if reason is None and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2].removeprefix("Skipped: ")
    return redact(reason)[:MAX_REASON] if isinstance(reason, str) and reason else None


def _place_of(item: pytest.Item) -> str | None:
    """Return file:line where a test stands, relative to the root of the session."""
    file, line, _ = item.location
    return file if line is None else f"{file}:{line + 1}"


def location_of(error: pytest.ExceptionInfo[BaseException], root: Path) -> str | None:
    """Return file:line of the deepest frame inside the project, else of the deepest at all."""
    places = [(Path(entry.path), entry.lineno + 1) for entry in error.traceback]
    inside = [
        f"{path.relative_to(root).as_posix()}:{line}"
        for path, line in places
        if path.is_relative_to(root) and "site-packages" not in path.parts
    ]
    if inside:
        return inside[-1]
    return f"{places[-1][0].name}:{places[-1][1]}" if places else None
