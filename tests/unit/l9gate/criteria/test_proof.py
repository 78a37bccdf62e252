"""Why a pass of a test proves nothing: requirements L2-04, L2-07, L2-10 and design §2.2."""

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
    Remark,
    RemarkKind,
    Signal,
    TestOutcome,
    TestState,
)

Build = Callable[..., Exchange]
Test = Callable[..., TestOutcome]
OWNER = "tests/integration/test_a_real_api.py::test_a"
MOCK = Remark(kind=RemarkKind.STAND_IN, detail="MagicMock `client.messages.create`")


def account(*records: AnyRecord, kind: Origin = Origin.LIVE) -> Account:
    scope = Scope(layers=tuple(Layer), kind=kind, environment="staging")
    return account_of(Excerpt(MemoryLog(records), scope))


def void(*records: AnyRecord, kind: Origin = Origin.LIVE) -> str | None:
    (test,) = account(*records, kind=kind).tests
    return test.void


@pytest.fixture
def real(outcome: Test) -> Test:
    """Return a builder of passed tests of the integration layer."""

    def build(**fields: object) -> TestOutcome:
        return outcome(**{"node_id": OWNER, "layer": Layer.INTEGRATION, **fields})

    return build


def test_a_unit_test_needs_no_proof(outcome: Test) -> None:
    assert void(outcome()) is None


def test_a_real_test_with_an_answer_of_its_own_is_proved(real: Test, exchange: Build) -> None:
    assert void(real(), exchange(owner=OWNER)) is None


def test_an_answer_to_a_fixture_belongs_to_every_test_that_depends_on_it(
    real: Test, exchange: Build
) -> None:
    tests = [real(node_id=name, owners=(name, "session:answer")) for name in "ab"]
    found = account(*tests, exchange(owner="session:answer"))
    assert found.passed == 2


NOT_THE_APIS = "its answers are not the API's: no request id, or no model and usage"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"owner": None}, "it made no call"),
        ({"owner": "another"}, "it made no call"),
        ({"origin": Origin.MOCKED}, "its calls were mocked, no socket carried them"),
        ({"origin": Origin.SIMULATED}, "its calls were answered by a simulator"),
        ({"origin": Origin.REPLAYED}, "its calls were answered from a tape"),
        (
            {"origin": Origin.OTHER, "host": "127.0.0.1:1"},
            "its calls were answered by 127.0.0.1:1, which is not the endpoint of this run",
        ),
        ({"request_id": None}, NOT_THE_APIS),
        ({"served_model": None}, NOT_THE_APIS),
        ({"usage": None}, NOT_THE_APIS),
        (
            {"status": None, "request_id": None, "end": End.TIMED_OUT},
            "no call of it was answered (timeout)",
        ),
        (
            {"origin": Origin.OTHER, "status": None, "end": End.UNREACHABLE},
            "no call of it was answered (connection)",
        ),
    ],
)
def test_what_proves_nothing_leaves_a_test_vacuous_and_is_named(
    fields: dict[str, object], why: str, real: Test, exchange: Build
) -> None:
    """P-02, L2-04: only an answer of the declared API counts, with model and usage in it."""
    assert void(real(), exchange(**{"owner": OWNER, **fields})) == f"vacuous: {why}"


def test_a_mock_in_place_of_the_client_is_named(real: Test, exchange: Build) -> None:
    stands_in = "; MagicMock `client.messages.create` stands in for the client"
    mocked = real(remarks=(MOCK,))
    assert void(mocked) == f"vacuous: it made no call{stands_in}"
    assert void(mocked, exchange(owner=OWNER)) is None


def test_the_call_of_a_fixture_does_not_prove_a_test_that_mocks_the_client(
    real: Test, exchange: Build
) -> None:
    test = real(remarks=(MOCK,), owners=(OWNER, "session:ping"))
    found = void(test, exchange(owner="session:ping"))
    assert found is not None
    assert found.startswith("vacuous: only a fixture called the API; MagicMock")
    assert void(real(owners=(OWNER, "session:ping")), exchange(owner="session:ping")) is None


def test_a_failure_that_was_turned_into_a_pass_stays_a_failure(real: Test, exchange: Build) -> None:
    remark = Remark(kind=RemarkKind.REWRITTEN, detail="AssertionError at tests/test_a.py:3")
    expected = "failed, and was turned into a pass: AssertionError at tests/test_a.py:3"
    assert void(real(remarks=(remark,)), exchange(owner=OWNER)) == expected
    assert void(real(remarks=(remark,), offline=True)) == expected
    assert void(real(remarks=(remark,), layer=Layer.UNIT)) == expected


def test_a_patched_clock_spoils_measurements_only(real: Test, exchange: Build) -> None:
    remark = Remark(kind=RemarkKind.CLOCK, detail="time.perf_counter")
    answer = exchange(owner=OWNER)
    measuring = real(remarks=(remark,), layer=Layer.PERFORMANCE)
    assert void(measuring, answer) == "measured with a patched clock: time.perf_counter"
    assert void(real(remarks=(remark,)), answer) is None


def test_an_expected_error_must_come(real: Test, exchange: Build) -> None:
    expecting = real(expects_error=("rate_limit_error", "overloaded_error"))
    absent = "the error that it expects never came: rate_limit_error, overloaded_error"
    assert void(expecting, exchange(owner=OWNER)) == absent
    overloaded = exchange(owner=OWNER, status=529, error_type="overloaded_error")
    assert void(expecting, overloaded, exchange(owner=OWNER)) is None
    assert void(real(expects_error=("APIConnectionError",)), exchange(owner=OWNER)) is None


def test_an_answer_that_holds_no_message_needs_no_usage(real: Test, exchange: Build) -> None:
    """L4-06."""
    models = exchange(owner=OWNER, method="GET", path="/v1/models", served_model=None, usage=None)
    assert void(real(), models) is None


def test_in_a_rehearsal_simulated_answers_prove(real: Test, exchange: Build) -> None:
    answer = exchange(owner=OWNER, origin=Origin.SIMULATED)
    assert void(real(), answer, kind=Origin.SIMULATED) is None
    assert void(real(), exchange(owner=OWNER), kind=Origin.SIMULATED) == (
        "vacuous: its calls went to the live API, not to the simulator of this rehearsal"
    )


def test_an_offline_test_is_exempt_by_name(real: Test) -> None:
    assert void(real(offline=True)) is None


@pytest.mark.parametrize("state", [TestState.FAILED, TestState.SKIPPED])
def test_only_a_pass_can_be_void(state: TestState, real: Test) -> None:
    assert void(real(state=state)) is None


def test_a_test_that_saw_only_errors_must_have_expected_them(real: Test, exchange: Build) -> None:
    """L2-07."""
    bad = exchange(owner=OWNER, status=401, error_type="authentication_error")
    assert void(real(), bad) == "passed on errors only: authentication_error"
    assert void(real(expects_error=("authentication_error",)), bad) is None
    assert void(real(expects_fallback=True), bad) is None
    assert void(real(), bad, exchange(owner=OWNER)) is None
    cut = exchange(owner=OWNER, end=End.CUT)
    assert void(real(), cut) == "passed on errors only: cut"


def test_a_test_that_expects_an_error_needs_an_answer_all_the_same(real: Test) -> None:
    assert void(real(expects_error=("authentication_error",))) == "vacuous: it made no call"
    assert void(real(expects_fallback=True)) == "vacuous: it made no call"


def test_a_stream_that_the_test_stopped_reading_is_proof(real: Test, exchange: Build) -> None:
    assert void(real(), exchange(owner=OWNER, stream=True, end=End.ABANDONED)) is None


def test_a_test_that_saw_only_fallbacks_must_have_expected_them(
    real: Test, exchange: Build, signal: Callable[..., Signal]
) -> None:
    """L2-10."""
    answer = exchange(owner=OWNER)
    fallback = signal(owner=OWNER, fallback="overloaded")
    assert void(real(), answer, fallback) == "passed on fallbacks only: overloaded"
    assert void(real(expects_fallback=True), answer, fallback) is None
    assert void(real(), answer, fallback, signal(owner=OWNER)) is None
