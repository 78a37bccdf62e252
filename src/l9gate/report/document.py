"""The report as data: everything that a reader of any format is shown."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from l9gate.criteria.confidence import StatedConfidence
from l9gate.criteria.criterion import Finding, Scope
from l9gate.criteria.excerpt import Excerpt
from l9gate.criteria.health import Health
from l9gate.criteria.load_summary import LoadSummary, summarize_load
from l9gate.criteria.outcomes import Test, account_of
from l9gate.criteria.soak_summary import SoakSummary, summarize_soak
from l9gate.evidence.load import Arm, CallMark, Entry, LoadBlock, LoadPlan
from l9gate.evidence.log import EvidenceLog
from l9gate.evidence.records import Exchange, Layer, LayerRun, Origin, TestState
from l9gate.report.headline import REHEARSALS, headline, next_command
from l9gate.report.money import Money, build_money
from l9gate.report.notes import write_notes
from l9gate.store.overrides import Override
from l9gate.store.run import Manifest
from l9gate.verdict import Outcome, Verdict
from l9gate.wire.json import Json, JsonObject

FORMAT_VERSION = 1


class LayerSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the distinct tests of one layer."""

    layer: Layer
    asked: bool
    tests: int
    passed: int  # with proof
    failed: int
    errors: int
    void: int  # passed, and proved nothing
    skipped: int
    expected_failures: int  # xfailed and xpassed
    live_only: int  # not run in a rehearsal
    runtime_s: float | None  # None: it did not run to its end


class VoidTest(msgspec.Struct, frozen=True, kw_only=True):
    """A test that counts as failed though pytest passed it."""

    node_id: str
    reason: str


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """How many exchanges came from one origin, and how many of them the API answered."""

    origin: Origin
    exchanges: int
    answered: int


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """The report of one run, or of several pooled."""

    format_version: int
    headline: str
    next_command: str
    outcome: Outcome
    exit_code: int
    scope: Scope
    manifests: tuple[Manifest, ...]
    deciding: str | None  # name of the criterion
    findings: tuple[Finding, ...]  # in the order of the policy
    layers: tuple[LayerSummary, ...]
    void_tests: tuple[VoidTest, ...]
    live_only_tests: tuple[str, ...]
    offline_tests: tuple[str, ...]  # exempt from proof, by name
    tests_not_gated: int  # collected beside the layers
    provenance: tuple[Provenance, ...]
    health: Health
    load: LoadSummary | None  # None: there was none
    soak: SoakSummary | None  # the same
    budget: Money | None  # None: nothing in the run may have called the API
    confidence: tuple[StatedConfidence, ...]
    overrides: tuple[Override, ...]
    notes: tuple[str, ...]
    infinite: tuple[str, ...] = ()  # JSON pointers to nulls that stand for +infinity

    @property
    def is_rehearsal(self) -> bool:
        """Whether everything was answered by the simulator."""
        return self.outcome in REHEARSALS


def build_document(
    *,
    manifests: Sequence[Manifest],
    verdict: Verdict,
    health: Health,
    confidence: Sequence[StatedConfidence],
    overrides: Sequence[Override],
    log: EvidenceLog,
) -> Document:
    """Put together what the reports show; judges nothing, and reads no clock."""
    excerpt = Excerpt(log, verdict.scope)
    tests = list(excerpt.ownership.first.values())
    accounts = {
        layer: account_of(Excerpt(log, verdict.scope, frozenset({layer}))) for layer in Layer
    }
    command = next_command(verdict)
    document = Document(
        format_version=FORMAT_VERSION,
        headline=headline(verdict, command),
        next_command=command,
        outcome=verdict.outcome,
        exit_code=int(verdict.exit_code),
        scope=verdict.scope,
        manifests=tuple(manifests),
        deciding=verdict.deciding.criterion if verdict.deciding else None,
        findings=verdict.findings,
        layers=tuple(
            _summary(layer, verdict.scope, account.tests, len(account.live_only), log)
            for layer, account in accounts.items()
        ),
        void_tests=tuple(
            VoidTest(node_id=test.outcome.node_id, reason=test.void)
            for account in accounts.values()
            for test in account.tests
            if test.void is not None
        ),
        live_only_tests=tuple(name for one in accounts.values() for name in one.live_only),
        offline_tests=tuple(test.node_id for test in tests if test.offline and test.layer),
        tests_not_gated=sum(test.layer is None for test in tests),
        provenance=_provenance(log),
        health=health,
        load=summarize_load(log, verdict.scope),
        soak=summarize_soak(log, verdict.scope),
        budget=build_money(log),
        confidence=tuple(confidence),
        overrides=tuple(overrides),
        notes=write_notes(manifests, verdict, overrides),
    )
    return msgspec.structs.replace(document, infinite=tuple(_infinite(_builtins(document))))


def render_json(document: Document) -> bytes:
    """Return the document as JSON, the same bytes for the same document.

    JSON has no infinity: it is written as null, and its place is listed in `infinite`; every
    other null is the absence of a value.
    """
    data = msgspec.json.encode(document, order="deterministic")
    return msgspec.json.format(data, indent=2) + b"\n"


def document_schema() -> JsonObject:
    """Return the JSON Schema of what `render_json` writes."""
    return msgspec.json.schema(Document)


def render_schema() -> bytes:
    """Return the bytes of document.schema.json, which is shipped beside this module.

    A test compares them. After a change of a record, a finding or this document:
    `python -c 'import sys; from l9gate.report.document import render_schema as r;
    sys.stdout.buffer.write(r())' > src/l9gate/report/document.schema.json`
    """
    data = msgspec.json.encode(document_schema(), order="deterministic")
    return msgspec.json.format(data, indent=2) + b"\n"


def _summary(
    layer: Layer, scope: Scope, tests: Sequence[Test], live_only: int, log: EvidenceLog
) -> LayerSummary:
    states = Counter(test.outcome.state for test in tests)
    runtimes = [run.ended_s - run.started_s for run in log.of(LayerRun) if run.layer is layer]
    return LayerSummary(
        layer=layer,
        asked=layer in scope.layers,
        tests=len(tests),
        passed=sum(test.passed for test in tests),
        failed=states[TestState.FAILED],
        errors=states[TestState.ERROR],
        void=sum(test.void is not None for test in tests),
        skipped=states[TestState.SKIPPED],
        expected_failures=states[TestState.XFAILED] + states[TestState.XPASSED],
        live_only=live_only,
        runtime_s=round(sum(runtimes), 6) if runtimes else None,
    )


def _provenance(log: EvidenceLog) -> tuple[Provenance, ...]:
    seen: Counter[Origin] = Counter()
    answered: Counter[Origin] = Counter()
    for exchange in log.of(Exchange):
        seen[exchange.origin] += 1
        answered[exchange.origin] += exchange.was_answered
    sent_as_bytes = {plan.span for plan in log.of(LoadPlan) if plan.entry is Entry.WIRE}
    for block in log.of(LoadBlock):  # other calls are exchanges, and were counted above
        if block.span in sent_as_bytes or block.arm is Arm.CONTROL:
            seen[block.origin] += block.calls
            answered[block.origin] += sum(mark & CallMark.HAS_REQUEST_ID for mark in block.marks)
    return tuple(
        Provenance(origin=origin, exchanges=seen[origin], answered=answered[origin])
        for origin in Origin
        if seen[origin]
    )


def _builtins(document: Document) -> Json:
    found: Json = msgspec.to_builtins(document)
    return found


def _infinite(value: Json, place: str = "") -> Iterator[str]:
    """Yield the JSON pointer of every +infinity."""
    if isinstance(value, float) and math.isinf(value):
        yield place
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _infinite(inner, f"{place}/{key.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            yield from _infinite(inner, f"{place}/{index}")
