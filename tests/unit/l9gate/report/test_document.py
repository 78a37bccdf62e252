import json
import re
from importlib.resources import files

import jsonschema
import msgspec

from l9gate.criteria.confidence import StatedConfidence
from l9gate.criteria.health import Health
from l9gate.errors import ExitCode
from l9gate.evidence.load import Arm, Entry, LoadBlock, LoadPlan
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import Layer, Origin
from l9gate.measure.sequential import Stopping
from l9gate.report.document import (
    Document,
    VoidTest,
    build_document,
    document_schema,
    render_json,
    render_schema,
)
from l9gate.store.run import Manifest
from l9gate.verdict import Verdict


def layer_of(document: Document, layer: Layer) -> dict[str, object]:
    return next(msgspec.structs.asdict(one) for one in document.layers if one.layer is layer)


def test_layers_count_distinct_tests(document: Document) -> None:
    assert layer_of(document, Layer.UNIT) == {
        "layer": Layer.UNIT,
        "asked": True,
        "tests": 4,
        "passed": 1,
        "failed": 1,
        "errors": 1,
        "void": 0,
        "skipped": 0,
        "expected_failures": 1,
        "live_only": 0,
        "runtime_s": 3.5,
    }
    assert layer_of(document, Layer.CONTRACT)["runtime_s"] is None


def test_pass_without_proof_is_listed_and_not_counted_as_passed(document: Document) -> None:
    integration = layer_of(document, Layer.INTEGRATION)
    assert (integration["tests"], integration["passed"], integration["void"]) == (3, 1, 1)
    assert document.void_tests == (
        VoidTest(node_id="tests/integration/b.py::test_void", reason="vacuous: it made no call"),
    )
    assert document.offline_tests == ("tests/integration/b.py::test_off",)
    assert document.tests_not_gated == 1


def test_exchanges_are_counted_by_origin(document: Document) -> None:
    found = [(one.origin, one.exchanges, one.answered) for one in document.provenance]
    assert found == [(Origin.LIVE, 2, 1), (Origin.MOCKED, 1, 1)]


def test_calls_of_a_load_are_counted_by_origin_and_an_applications_only_once(
    manifest: Manifest, verdict: Verdict, document: Document
) -> None:
    def block(span: str, arm: Arm, origin: Origin, marks: bytes) -> LoadBlock:
        times = bytes(8 * len(marks))
        return LoadBlock(
            at_s=1.0, span=span, arm=arm, shard=0, origin=origin, host="h", model=None,
            stream=False, calls=len(marks), positions=bytes(4 * len(marks)), due_s=times,
            sent_s=times, ended_s=times, ends=bytes(len(marks)), marks=marks,
        )  # fmt: skip

    def plan(span: str, entry: Entry) -> LoadPlan:
        return LoadPlan(
            at_s=1.0, span=span, entry=entry, arrivals="constant 1/s", planned=3, starts_s=1.0,
            duration_s=3.0, seed=1, timeout_s=9.0, model=None, stream=False,
        )  # fmt: skip

    log = MemoryLog([
        plan("load", Entry.WIRE), plan("soak", Entry.APP),
        block("load", Arm.MAIN, Origin.LIVE, b"\x03\x01\x00"),
        block("load", Arm.MAIN, Origin.SIMULATED, b"\x03"),
        block("soak", Arm.MAIN, Origin.LIVE, b"\x03\x03"),
        block("soak", Arm.CONTROL, Origin.LIVE, b"\x03"),
    ])  # fmt: skip
    found = build_document(
        manifests=[manifest], verdict=verdict, health=document.health, confidence=(),
        overrides=(), log=log,
    ).provenance  # fmt: skip
    assert [(one.origin, one.exchanges, one.answered) for one in found] == [
        (Origin.LIVE, 4, 3),
        (Origin.SIMULATED, 1, 1),
    ]


def test_notes_say_what_the_numbers_do_not(
    document: Document,
    rehearsal_document: Document,
) -> None:
    assert document.notes == (
        "the work tree had changes that are not in revision 0123456789ab",
        "override by ada until 2026-12-01: incident 7 (it does not change the verdict)",
    )
    assert len(rehearsal_document.notes) == 1
    assert "nothing about the API" in rehearsal_document.notes[0]


def test_pooled_narrowed_and_unversioned_runs_are_noted(
    manifest: Manifest,
    verdict: Verdict,
    health: Health,
    confidence: tuple[StatedConfidence, ...],
    log: MemoryLog,
) -> None:
    replace = msgspec.structs.replace
    one = replace(manifest, git_revision=None, git_dirty=None)
    document = build_document(
        manifests=[one, replace(one, run_id="second")],
        verdict=replace(
            verdict,
            scope=replace(verdict.scope, narrowed="smoke", stopping=Stopping.ANYTIME),
            deciding=None,
            findings=(),
        ),
        health=health,
        confidence=confidence,
        overrides=[],
        log=log,
    )
    assert document.notes == (
        "2 runs are pooled: ab12cd34, second",
        "the code has no git revision: nobody can tell later what was judged",
        "only tests matching `smoke` were run",
        "judged at any time: bounds hold however often one looks, and are wider",
    )
    assert document.deciding is None


def test_json_is_the_same_bytes_twice_and_reads_back(document: Document) -> None:
    data = render_json(document)
    assert data == render_json(document)
    decoded = msgspec.json.decode(data, type=Document)
    assert (decoded.headline, decoded.exit_code) == (document.headline, ExitCode.NOT_READY)
    assert render_json(decoded) == data


def test_infinity_is_told_apart_from_absence(document: Document) -> None:
    """design.md §2.4."""
    data = json.loads(render_json(document))
    assert data["infinite"] == ["/findings/0/observed", "/health/latency/p99_s"]
    assert data["health"]["latency"]["p99_s"] is None
    assert data["health"]["operation_latency"]["p99_s"] is None


def test_document_is_what_its_schema_says(document: Document, rehearsal_document: Document) -> None:
    schema = document_schema()
    jsonschema.validate(json.loads(render_json(document)), schema)
    jsonschema.validate(json.loads(render_json(rehearsal_document)), schema)


def test_shipped_schema_is_the_generated_one() -> None:
    shipped = files("l9gate.report").joinpath("document.schema.json").read_bytes()
    assert shipped == render_schema(), "write it anew, see the docstring of render_schema"


def test_rehearsal_never_uses_the_word(rehearsal_document: Document) -> None:
    assert rehearsal_document.is_rehearsal
    assert not re.search(rb"ready", render_json(rehearsal_document), re.IGNORECASE)


def test_live_run_is_no_rehearsal(document: Document) -> None:
    assert not document.is_rehearsal
    assert document.outcome == "not ready"
