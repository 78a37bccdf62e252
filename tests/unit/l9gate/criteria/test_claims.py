"""T-02: a call belongs to a test that was told its id, and to nobody who was not."""

from collections.abc import Callable

import pytest

from l9gate.criteria.criterion import Scope
from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.proof import Proofs
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import (
    Exchange,
    Layer,
    Mention,
    Origin,
    ReportedCall,
    TestOutcome,
    TestState,
    Witness,
)

TRACE = "a" * 32
SCOPE = Scope(layers=(Layer.INTEGRATION,), kind=Origin.LIVE, environment="development")
TEST = TestOutcome(
    at_s=20.0, node_id="test_smoke", layer=Layer.INTEGRATION, state=TestState.PASSED, duration_s=1.0
)
Build = Callable[..., Exchange]


def mention(**fields: object) -> Mention:
    given = {"at_s": 12.0, "owner": "test_smoke", "layer": Layer.INTEGRATION, **fields}
    return Mention(**given)  # type: ignore[arg-type]


def reported(**fields: object) -> ReportedCall:
    given = {
        "at_s": 12.0,
        "trace_id": TRACE,
        "request_id": "req_1",
        "origin": Origin.LIVE,
        "host": "api.anthropic.com",
        "status": 200,
        "model": "m",
        "served_model": "m",
        "error_type": None,
        "started_s": 10.5,
        "ended_s": 11.5,
        "input_tokens": 3,
        "output_tokens": 4,
        **fields,
    }
    return ReportedCall(**given)  # type: ignore[arg-type]


def void(*records: Mention | Exchange | ReportedCall) -> str | None:
    return Proofs(Excerpt(MemoryLog([TEST, *records]), SCOPE)).void(TEST)


def test_a_call_of_the_proxy_with_the_same_request_id_proves_the_test(exchange: Build) -> None:
    seen = exchange(request_id="req_1", witness=Witness.PROXY)
    assert void(seen, mention(request_id="req_1")) is None


def test_an_id_that_no_evidence_holds_proves_nothing(exchange: Build) -> None:
    seen = exchange(request_id="req_1", witness=Witness.PROXY)
    assert (void(seen, mention(request_id="req_2")) or "").startswith("vacuous")
    assert (void(mention(request_id="req_1")) or "").startswith("vacuous")
    assert (void(seen, mention(owner="test_other", request_id="req_1")) or "") != ""


def test_what_another_test_was_seen_to_send_is_not_given_away(exchange: Build) -> None:
    seen = exchange(request_id="req_1", owner="test_other", witness=Witness.SEAM)
    assert (void(seen, mention(request_id="req_1")) or "").startswith("vacuous")


def test_a_call_to_another_endpoint_is_no_proof(exchange: Build) -> None:
    seen = exchange(request_id="req_1", witness=Witness.PROXY, origin=Origin.OTHER)
    assert (void(seen, mention(request_id="req_1")) or "").startswith("vacuous")
    elsewhere = reported(origin=Origin.OTHER)
    assert (void(elsewhere, mention(request_id="req_1")) or "").startswith("vacuous")


@pytest.mark.parametrize(
    ("since_s", "sent_s", "is_proven"),
    [(None, 500.0, True), (10.0, 11.0, True), (10.0, 9.0, False), (10.0, 12.5, False)],
)
def test_a_trace_counts_while_the_service_was_asked(
    exchange: Build, since_s: float | None, sent_s: float, is_proven: bool
) -> None:
    seen = exchange(trace_id=TRACE, witness=Witness.PROXY, due_s=sent_s, sent_s=sent_s)
    assert (void(seen, mention(trace_id=TRACE, since_s=since_s)) is None) is is_proven


def test_a_span_of_the_service_proves_by_either_id() -> None:
    assert void(reported(), mention(request_id="req_1")) is None
    assert void(reported(), mention(trace_id=TRACE, since_s=10.0)) is None
    assert void(reported(started_s=8.5), mention(trace_id=TRACE, since_s=10.0)) is None
    assert void(reported(started_s=7.0), mention(trace_id=TRACE, since_s=10.0)) is not None


def test_a_span_alone_proves_nothing() -> None:
    assert (void(reported()) or "").startswith("vacuous")
    unanswered = reported(status=None)
    assert (void(unanswered, mention(request_id="req_1")) or "").startswith("vacuous")


def test_spans_of_errors_only_are_no_success() -> None:
    failed = reported(status=529, error_type="overloaded_error", served_model=None)
    why = void(failed, mention(request_id="req_1"))
    assert why == "passed on errors only: overloaded_error"
