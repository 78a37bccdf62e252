"""What counts as a passed test: requirements R-08, C-10, C-11, L2-04 and design §2.2."""

from collections.abc import Callable

import pytest

from l9gate.criteria.criterion import Scope
from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.outcomes import Account, account_of
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import (
    AnyRecord,
    End,
    Exchange,
    Layer,
    Origin,
    Signal,
    TestOutcome,
    TestState,
)

Build = Callable[..., Exchange]
Test = Callable[..., TestOutcome]
OWNER = "tests/integration/test_a_real_api.py::test_a"


def account(*records: AnyRecord, kind: Origin = Origin.LIVE, **where: str) -> Account:
    scope = Scope(layers=tuple(Layer), kind=kind, environment="staging")
    return account_of(Excerpt(MemoryLog(records), scope, where=where))


def void(*records: AnyRecord, kind: Origin = Origin.LIVE) -> str | None:
    (test,) = account(*records, kind=kind).tests
    return test.void


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


def test_a_unit_test_needs_no_proof(outcome: Test) -> None:
    assert void(outcome()) is None


def test_a_real_test_without_an_answer_is_vacuous(real: Test) -> None:
    """L2-04."""
    (test,) = account(real()).tests
    assert test.void == "vacuous"
    assert (test.passed, test.failed) == (False, True)
    assert test.label == f"{OWNER} (vacuous)"


def test_a_real_test_with_an_answer_of_its_own_is_proved(real: Test, exchange: Build) -> None:
    assert void(real(), exchange(owner=OWNER)) is None


def test_an_answer_to_a_fixture_belongs_to_every_test_that_depends_on_it(
    real: Test, exchange: Build
) -> None:
    tests = [real(node_id=name, owners=(name, "session:answer")) for name in "ab"]
    found = account(*tests, exchange(owner="session:answer"))
    assert found.passed == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"owner": None},
        {"owner": "another"},
        {"origin": Origin.MOCKED},
        {"origin": Origin.SIMULATED},
        {"origin": Origin.REPLAYED},
        {"origin": Origin.OTHER},
        {"request_id": None},
        {"status": None, "end": End.TIMED_OUT},
        {"served_model": None},
        {"usage": None},
    ],
)
def test_what_proves_nothing_leaves_a_test_vacuous(
    fields: dict[str, object], real: Test, exchange: Build
) -> None:
    """P-02, L2-04: only an answer of the declared API counts, with model and usage in it."""
    assert void(real(), exchange(**{"owner": OWNER, **fields})) == "vacuous"


def test_an_answer_that_holds_no_message_needs_no_usage(real: Test, exchange: Build) -> None:
    """L4-06."""
    models = exchange(owner=OWNER, method="GET", path="/v1/models", served_model=None, usage=None)
    assert void(real(), models) is None


def test_in_a_rehearsal_simulated_answers_prove(real: Test, exchange: Build) -> None:
    answer = exchange(owner=OWNER, origin=Origin.SIMULATED)
    assert void(real(), answer, kind=Origin.SIMULATED) is None
    assert void(real(), exchange(owner=OWNER), kind=Origin.SIMULATED) == "vacuous"


def test_an_offline_test_is_exempt_by_name(real: Test) -> None:
    assert void(real(offline=True)) is None


@pytest.mark.parametrize("state", [TestState.FAILED, TestState.SKIPPED])
def test_only_a_pass_can_be_void(state: TestState, real: Test) -> None:
    assert void(real(state=state)) is None


def test_a_test_that_saw_only_errors_must_have_expected_them(real: Test, exchange: Build) -> None:
    """L2-07."""
    bad = exchange(owner=OWNER, status=401, error_type="authentication_error")
    assert void(real(), bad) == "passed on errors only"
    assert void(real(expects_error=("authentication_error",)), bad) is None
    assert void(real(expects_fallback=True), bad) is None
    assert void(real(), bad, exchange(owner=OWNER)) is None
    cut = exchange(owner=OWNER, end=End.CUT)
    assert void(real(), cut) == "passed on errors only"


def test_a_test_that_expects_an_error_needs_an_answer_all_the_same(real: Test) -> None:
    assert void(real(expects_error=("authentication_error",))) == "vacuous"
    assert void(real(expects_fallback=True)) == "vacuous"


def test_a_stream_that_the_test_stopped_reading_is_proof(real: Test, exchange: Build) -> None:
    assert void(real(), exchange(owner=OWNER, stream=True, end=End.ABANDONED)) is None


def test_a_test_that_saw_only_fallbacks_must_have_expected_them(
    real: Test, exchange: Build, signal: Callable[..., Signal]
) -> None:
    """L2-10."""
    answer = exchange(owner=OWNER)
    fallback = signal(owner=OWNER, fallback="overloaded")
    assert void(real(), answer, fallback) == "passed on fallbacks only"
    assert void(real(expects_fallback=True), answer, fallback) is None
    assert void(real(), answer, fallback, signal(owner=OWNER)) is None


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
