"""A live run with one broken criterion, and the same as a rehearsal in which all is kept."""

from datetime import date

import msgspec
import pytest

from l9gate.criteria.confidence import Claim, StatedConfidence
from l9gate.criteria.criterion import Finding, Interval, Role, Scope, State
from l9gate.criteria.health import Health, Quantiles, measure_health
from l9gate.criteria.prompt_cache import PromptCacheUse
from l9gate.errors import ExitCode
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import (
    End,
    Exchange,
    Layer,
    LayerRun,
    Origin,
    TestOutcome,
    TestState,
)
from l9gate.report.document import Document, build_document
from l9gate.store.overrides import Override
from l9gate.store.run import FORMAT_VERSION, Manifest
from l9gate.verdict import Outcome, Verdict


@pytest.fixture
def finding() -> Finding:
    return Finding(
        criterion="latency-p95",
        requirements=("E-03", "B-03"),
        role=Role.EXIT,
        state=State.BROKEN,
        condition="p95(latency_s) < 2",
        observed=2.31,
        limit=2.0,
        unit="s",
        n=12_000,
        basis="calls",
        interval=Interval(low=2.12, high=2.44, confidence=0.95),
        reason="the whole interval is above the limit",
    )


@pytest.fixture
def scope() -> Scope:
    return Scope(layers=tuple(Layer), kind=Origin.LIVE, environment="staging")


@pytest.fixture
def verdict(finding: Finding, scope: Scope) -> Verdict:
    replace = msgspec.structs.replace
    unproven = replace(
        finding,
        criterion="latency-p99",
        requirements=(),
        state=State.UNPROVEN,
        condition="p99(latency_s) < 3",
        observed=float("inf"),
        limit=3.0,
        n=120,
        interval=Interval(low=1.0, high=None, confidence=0.95),
        reason="n=120, a p99 needs at least 299",
        decides="179 more calls",
        where={"model": "claude-haiku-5-5"},
    )
    blocker = replace(
        finding,
        criterion="unit-tests",
        requirements=("B-01",),
        role=Role.BLOCKER,
        state=State.KEPT,
        condition="failed(tests) <= 0",
        observed=0.0,
        limit=0.0,
        unit="",
        n=1000,
        basis="tests",
        interval=None,
        reason=None,
    )
    advice = replace(
        blocker,
        criterion="runtime",
        role=Role.ADVICE,
        state=State.BROKEN,
        condition="duration_s(unit) < 10",
        observed=None,
        limit=10.0,
        unit="s",
        n=0,
        basis="layers",
        evidence=("tests/unit/test_slow.py::test_slow",),
    )
    waived = replace(
        blocker,
        criterion="cache-hit-rate",
        role=Role.EXIT,
        state=State.UNPROVEN,
        waived=True,
        reason="not applicable: there is no cache (ada, until 2026-12-01)",
    )
    return Verdict(
        outcome=Outcome.NOT_READY,
        exit_code=ExitCode.NOT_READY,
        scope=scope,
        findings=(unproven, finding, blocker, advice, waived),
        deciding=finding,
    )


@pytest.fixture
def rehearsal(verdict: Verdict, finding: Finding) -> Verdict:
    kept = msgspec.structs.replace(finding, state=State.KEPT, observed=1.2, interval=None)
    return Verdict(
        outcome=Outcome.REHEARSED,
        exit_code=ExitCode.READY,
        scope=msgspec.structs.replace(verdict.scope, kind=Origin.SIMULATED),
        findings=(kept,),
        deciding=kept,
    )


@pytest.fixture
def manifest() -> Manifest:
    return Manifest(
        format_version=FORMAT_VERSION,
        run_id="ab12cd34",
        package="shop",
        started_at="2026-11-22T13:05:00Z",
        git_revision="0123456789abcdef",
        git_dirty=True,
        environment="staging",
        endpoint="https://api.anthropic.com",
        kind=Origin.LIVE,
        layers=tuple(Layer),
        model="claude-haiku-5-5",
        seed=7,
        policy_hash="00",
        versions={"l9gate": "0.1.0"},
    )


@pytest.fixture
def health() -> Health:
    return Health(
        latency=Quantiles(n=300, p50_s=0.7512, p95_s=2.31, p99_s=float("inf")),
        operation_latency=Quantiles(n=0, p50_s=None, p95_s=None, p99_s=None),
        calls=1000,
        attempts=1200,
        error_rate=0.051,
        attempt_error_rate=0.1,
        errors_by_type={"timeout": 1, "overloaded_error": 50},
        cache_lookups=0,
        cache_hit_rate=None,
        calls_avoided=5,
        tokens_avoided=6000,
        cost_avoided_usd=None,
        time_avoided_s=2.5,
        cache_efficiency=0.25,
        aged_hits=4,
        stale_hits=1,
        prompt_cache=PromptCacheUse(
            requests=2,
            hits=1,
            idle=1,
            short=3,
            input_tokens=4000,
            read_tokens=1000,
            written_tokens=3000,
            read_share=0.25,
            efficiency=0.25,
            saved_usd=0.5,
        ),
        quota_utilisation={"requests": 0.5},
        operations=10,
        fallback_rate=0.1,
        fallbacks_by_reason={"timeout": 1},
        input_tokens=1_500_000,
        output_tokens=2,
        cost_usd=1.5,
    )


@pytest.fixture
def empty_health() -> Health:
    return measure_health(MemoryLog(), Scope(layers=(), kind=Origin.LIVE, environment="staging"))


def stated(
    requirement: str, layer: Layer | None, value: float, reason: str | None
) -> StatedConfidence:
    claim = Claim(
        requirement=requirement, layer=layer, value=value, assumption=f"assumption {requirement}"
    )
    return StatedConfidence(claim=claim, established=reason is None, reason=reason)


@pytest.fixture
def confidence() -> tuple[StatedConfidence, ...]:
    overall = stated("K-05", None, 0.92, "not established for integration")
    return (
        stated("K-01", Layer.UNIT, 0.85, None),
        stated("K-02", Layer.INTEGRATION, 0.95, "the layer did not run"),
        stated("K-03", Layer.PERFORMANCE, 0.90, None),
        stated("K-04", Layer.CONTRACT, 0.98, None),
        msgspec.structs.replace(overall, note="the plain mean is 92.0%; the product 71.2%"),
    )


def outcome_of(
    name: str, layer: Layer | None, state: TestState, *, offline: bool = False
) -> TestOutcome:
    return TestOutcome(
        at_s=1.0,
        node_id=f"tests/{name}",
        layer=layer,
        state=state,
        duration_s=0.25,
        offline=offline,
        reason="no key" if state is TestState.SKIPPED else None,
        error_class="ValueError" if state is TestState.FAILED else None,
        location="tests/a.py:7" if state is TestState.FAILED else None,
    )


def exchange(origin: Origin, request_id: str | None) -> Exchange:
    return Exchange(
        at_s=1.0,
        exchange_id="e",
        call_id="c",
        attempt=0,
        owner=None,
        layer=Layer.INTEGRATION,
        origin=origin,
        method="POST",
        host="api.anthropic.com",
        path="/v1/messages",
        model=None,
        served_model=None,
        stream=False,
        tools=False,
        due_s=1.0,
        sent_s=1.0,
        headers_s=None,
        first_token_s=None,
        ended_s=2.0,
        gaps_s=(),
        status=200,
        error_type=None,
        error_code=None,
        end=End.COMPLETE,
        request_id=request_id,
        stop_reason=None,
        usage=None,
        rate_limit={},
        retry_after_s=None,
        api_version=None,
        request_bytes=1,
        response_bytes=1,
    )


@pytest.fixture
def log() -> MemoryLog:
    integration = Layer.INTEGRATION
    return MemoryLog(
        [
            outcome_of("unit/a.py::test_one", Layer.UNIT, TestState.PASSED),
            outcome_of("unit/a.py::test_bad", Layer.UNIT, TestState.FAILED),
            outcome_of("unit/a.py::test_set_up", Layer.UNIT, TestState.ERROR),
            outcome_of("unit/a.py::test_known", Layer.UNIT, TestState.XFAILED),
            outcome_of("integration/b.py::test_void", integration, TestState.PASSED),
            outcome_of("integration/b.py::test_off", integration, TestState.PASSED, offline=True),
            outcome_of("integration/b.py::test_skip", integration, TestState.SKIPPED),
            outcome_of("other.py::test_not_gated", None, TestState.PASSED),
            exchange(Origin.LIVE, "req_1"),
            exchange(Origin.LIVE, None),
            exchange(Origin.MOCKED, "req_2"),
            LayerRun(
                at_s=1.0,
                layer=Layer.UNIT,
                started_s=1.0,
                ended_s=4.5,
                collected=4,
                selected=4,
                exit_status=1,
            ),
        ]
    )


@pytest.fixture
def override() -> Override:
    return Override(
        reason="incident 7", owner="ada", expires=date(2026, 12, 1), at="2026-11-22T14:00:00Z"
    )


@pytest.fixture
def document(
    manifest: Manifest,
    verdict: Verdict,
    health: Health,
    confidence: tuple[StatedConfidence, ...],
    override: Override,
    log: MemoryLog,
) -> Document:
    return build_document(
        manifests=[manifest],
        verdict=verdict,
        health=health,
        confidence=confidence,
        overrides=[override],
        log=log,
    )


@pytest.fixture
def rehearsal_document(
    manifest: Manifest,
    rehearsal: Verdict,
    empty_health: Health,
    confidence: tuple[StatedConfidence, ...],
    log: MemoryLog,
) -> Document:
    return build_document(
        manifests=[msgspec.structs.replace(manifest, kind=Origin.SIMULATED, git_dirty=False)],
        verdict=rehearsal,
        health=empty_health,
        confidence=confidence,
        overrides=[],
        log=log,
    )
