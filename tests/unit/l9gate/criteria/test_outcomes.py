"""What counts as a passed test: requirements R-08, C-10, C-11, L2-04 and design §2.2."""

from collections.abc import Callable

import pytest

from l9gate.criteria.criterion import Scope
from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.outcomes import Account, account_of
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import (
    AnyRecord,
    Exchange,
    Layer,
    Origin,
    TestOutcome,
    TestState,
)

Build = Callable[..., Exchange]
Test = Callable[..., TestOutcome]
OWNER = "tests/integration/test_a_real_api.py::test_a"


def account(*records: AnyRecord, kind: Origin = Origin.LIVE, **where: str) -> Account:
    scope = Scope(layers=tuple(Layer), kind=kind, environment="staging")
    return account_of(Excerpt(MemoryLog(records), scope, where=where))


@pytest.fixture
def real(outcome: Test) -> Test:
    """Return a builder of passed tests of the integration layer."""

    def build(**fields: object) -> TestOutcome:
        return outcome(**{"node_id": OWNER, "layer": Layer.INTEGRATION, **fields})

    return build


def test_every_state_but_passed_lowers_the_rate(outcome: Test) -> None:
    """C-11."""
    found = account(*[outcome(state=state) for state in TestState])
    assert (len(found.tests), found.passed, found.executed) == (6, 1, 5)
    assert len(found.failures) == 2
    assert len(found.not_passed) == 5
    assert found.not_passed[:2] == found.failures
    assert found.tally == "1 failed, 1 error, 1 skipped, 1 xfailed, 1 xpassed"


def test_only_the_first_outcome_of_a_rerun_test_counts(outcome: Test) -> None:
    second = outcome(node_id="t", attempt=1)
    first = outcome(node_id="t", attempt=0, state=TestState.FAILED)
    assert account(second, first).passed == 0
    assert account(first, second).passed == 0


def test_of_pooled_runs_the_worst_first_outcome_counts(outcome: Test) -> None:
    records = (outcome(node_id="t"), outcome(node_id="t", state=TestState.FAILED))
    assert account(*records).passed == 0
    assert len(account(*records).tests) == 1


def test_a_test_of_no_layer_is_not_gated(outcome: Test) -> None:
    assert account(outcome(layer=None)).tests == ()


def test_a_scenario_narrows_the_tests(outcome: Test) -> None:
    found = account(outcome(scenarios=("timeout",)), outcome(), scenario="timeout")
    assert len(found.tests) == 1


def test_a_void_pass_counts_as_a_failure(real: Test) -> None:
    """L2-04."""
    (test,) = account(real()).tests
    assert (test.passed, test.failed) == (False, True)
    assert test.label == f"{OWNER} (vacuous: it made no call)"
    assert account(real()).tally == "1 vacuous"


def test_a_live_only_test_is_listed_but_not_counted_in_a_rehearsal(
    real: Test, exchange: Build
) -> None:
    skipped = real(node_id="live", live_only=True, state=TestState.SKIPPED)
    records = (skipped, real(), exchange(owner=OWNER, origin=Origin.SIMULATED))
    found = account(*records, kind=Origin.SIMULATED)
    assert (len(found.tests), found.live_only) == (1, ("live",))
    assert found.tally == "1 live only, not run in a rehearsal"
    live = account(*records)
    assert (len(live.tests), live.live_only) == (2, ())
