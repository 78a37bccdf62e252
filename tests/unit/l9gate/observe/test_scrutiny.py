"""L4-03 to L4-05: every answer that passes is held against the contract; drifts are counted."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from l9gate.contract import Contract, Reliance, make_baseline, render_baseline
from l9gate.errors import BaselineError
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import ContractDrift, Fault, Held, Layer, Origin
from l9gate.measure.clock import ManualClock
from l9gate.observe import scrutiny
from l9gate.observe.answer import Answer
from l9gate.observe.attribution import Owner
from l9gate.observe.body import BodyReader
from l9gate.observe.lookout import Lookout
from l9gate.observe.origins import Target
from l9gate.observe.recorder import Outbox
from l9gate.store.relies_on import ReliesOn
from l9gate.wire.json import JsonObject
from l9gate.wire.sse import render_event

BASES = json.loads(
    (Path(__file__).parents[3] / "data/contract/bases.json").read_text(encoding="utf-8")
)
PLANTED = "planted-text"
HOST = "api.example.com"
Make = Callable[..., Answer]


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture(scope="module")
def contract() -> Contract:
    return Contract()


@pytest.fixture
def lookout(log: MemoryLog, contract: Contract, monkeypatch: pytest.MonkeyPatch) -> Lookout:
    """Look out with the promises alone, which take long to load."""
    monkeypatch.setattr(scrutiny, "Contract", lambda _: contract)
    return made(log, Target(HOST))


def made(log: MemoryLog, target: Target) -> Lookout:
    clock = ManualClock(5.0)
    found = Lookout(Outbox(log, clock), clock, target)
    found.warm_up()
    return found


def body_of(name: str, **changes: object) -> bytes:
    found = {**BASES[name]["body"], **changes}
    return json.dumps({key: value for key, value in found.items() if value != "gone"}).encode()


def stream_of(name: str, count: int | None = None) -> bytes:
    events = BASES[name]["events"][:count]
    return b"".join(render_event(kind, json.dumps(data).encode()) for kind, data in events)


def read(stream: bytes, *, keeps_text: bool) -> dict[str, object]:
    reader = BodyReader("text/event-stream", None, keeps_text=keeps_text)
    reader.feed(stream, 0.0)
    reader.catch_up()
    return {"events": reader.events, "was_cut": reader.is_inside_event}


def answer(name: str, body: bytes | None = None, **changes: object) -> Answer:
    """Return an exchange of the corpus as the seam sees it, without the headers to `drop`."""
    base = BASES[name]
    sent: JsonObject = {**base["asked"]["body"], "system": PLANTED}
    drop = changes.pop("drop", ())
    asked = base["asked"]
    assert isinstance(drop, tuple)
    is_stream = "events" in base
    facts: dict[str, object] = {
        "exchange_id": "x1",
        "owner": Owner("test_a", Layer.CONTRACT),
        "origin": Origin.LIVE,
        "host": HOST,
        "method": asked["method"],
        "path": asked["path"],
        "sent": json.dumps(sent).encode(),
        "asked": {key: value for key, value in sent.items() if key != "messages"},
        "is_beta": False,
        "is_on_purpose": False,
        "probe": "",
        "status": base["status"],
        "api_version": "2026-10-21",
        "body": None if is_stream else body or body_of(name),
        "value": None,
        "events": None,
        "was_cut": False,
        "headers": {key: value for key, value in base["headers"].items() if key not in drop},
        **(read(body or stream_of(name), keeps_text="output_config" in sent) if is_stream else {}),
        "is_stream": is_stream,
        "is_whole": True,
    }
    return Answer(**(facts | changes))  # type: ignore[arg-type]


def test_what_keeps_the_contract_leaves_nothing(lookout: Lookout, log: MemoryLog) -> None:
    assert {name: lookout.look(answer(name)) for name in BASES} == dict.fromkeys(BASES, Held.KEPT)
    lookout.settle()
    assert log.records == []


def test_a_drift_tells_names_and_types_and_whose_it_is(lookout: Lookout, log: MemoryLog) -> None:
    content = [{"type": "text", "text": 7, PLANTED: PLANTED}]
    assert lookout.look(answer("text", body_of("text", content=content))) is Held.DRIFTED
    (drift,) = log.of(ContractDrift)
    assert (drift.code, drift.impact, drift.place) == (
        "shape.type", "breaking", "/content/*/text",
    )  # fmt: skip
    assert (drift.expected, drift.found) == ("string", "integer")
    assert (drift.owner, drift.layer, drift.origin) == ("test_a", Layer.CONTRACT, Origin.LIVE)
    assert (drift.exchange_id, drift.count, drift.at_s) == ("x1", 1, 5.0)
    assert PLANTED not in repr(drift)


def test_what_the_project_declares_to_rely_on_counts(log: MemoryLog, tmp_path: Path) -> None:
    """E-04: beside what its accepted baseline says."""
    accepted = tmp_path / "b.json"
    accepted.write_text(render_baseline(make_baseline(Reliance(headers=("x-accepted",)))))
    declared = ReliesOn(headers=("X-Declared",))
    lookout = made(log, Target(HOST, contract=accepted, relies_on=declared))
    assert lookout.look(answer("text")) is Held.DRIFTED
    assert {drift.place for drift in log.of(ContractDrift)} == {
        "header x-accepted", "header x-declared",
    }  # fmt: skip


def test_equal_drifts_are_put_once_and_then_counted(lookout: Lookout, log: MemoryLog) -> None:
    for _ in range(4):
        lookout.look(answer("text", body_of("text", usage="gone")))
    assert [drift.count for drift in log.of(ContractDrift)] == [1]
    lookout.settle()
    lookout.settle()
    assert [drift.count for drift in log.of(ContractDrift)] == [1, 3]


def test_the_number_of_records_is_bounded(
    lookout: Lookout, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrutiny, "MAX_DISTINCT", 2)
    for number in range(5):
        owner = Owner(f"test_{number}", Layer.CONTRACT)
        lookout.look(answer("text", body_of("text", usage="gone"), owner=owner))
    lookout.settle()
    told = [(drift.owner, drift.place, drift.count) for drift in log.of(ContractDrift)]
    assert told[:2] == [("test_0", "/usage", 1), ("test_1", "/usage", 1)]
    assert told[2:] == [(None, scrutiny.ELSEWHERE, 1), (None, scrutiny.ELSEWHERE, 2)]


@pytest.mark.parametrize(
    ("changes", "held"),
    [
        ({"origin": Origin.SIMULATED, "is_on_purpose": True}, Held.ON_PURPOSE),
        ({"origin": Origin.REPLAYED}, Held.NOT),
        ({"origin": Origin.OTHER}, Held.NOT),
        ({"origin": Origin.SIMULATED, "host": "127.0.0.1:1"}, Held.NOT),
        ({"origin": Origin.SIMULATED}, Held.DRIFTED),
        ({"origin": Origin.MOCKED}, Held.DRIFTED),
        ({"is_whole": False}, Held.NOT),
        ({"status": 302}, Held.NOT),
        ({"status": 503, "drop": ("request-id",)}, Held.NOT),
    ],
)
def test_only_whole_answers_that_nobody_asked_to_be_wrong_are_looked_at(
    lookout: Lookout, log: MemoryLog, changes: dict[str, object], held: Held
) -> None:
    assert lookout.look(answer("text", body_of("text", usage="gone"), **changes)) is held
    assert bool(log.records) is (held is Held.DRIFTED)


def test_a_body_that_is_not_at_hand_is_not_looked_at(lookout: Lookout) -> None:
    seen = answer("text")
    assert lookout.look(Answer(**{**_fields(seen), "body": None})) is Held.NOT  # type: ignore[arg-type]


def _fields(seen: Answer) -> dict[str, object]:
    return {name: getattr(seen, name) for name in Answer.__slots__}


def test_a_stream_that_its_reader_left_is_not_accused_of_its_end(
    lookout: Lookout, log: MemoryLog
) -> None:
    left = answer("stream_text", stream_of("stream_text", 4), is_whole=False)
    assert lookout.look(left) is Held.KEPT
    ended = answer("stream_text", stream_of("stream_text", 4))
    assert lookout.look(ended) is Held.DRIFTED
    assert [drift.code for drift in log.of(ContractDrift)] == ["stream.unended"]


def test_a_mock_need_not_have_the_headers_of_the_api(lookout: Lookout, log: MemoryLog) -> None:
    """E-01."""
    bare = {"content-type": "application/json"}
    assert lookout.look(answer("text", origin=Origin.MOCKED, headers=bare)) is Held.KEPT
    assert lookout.look(answer("text", origin=Origin.MOCKED, headers={})) is Held.DRIFTED
    assert [drift.place for drift in log.of(ContractDrift)] == ["header content-type"]


def test_a_mock_may_leave_out_what_may_be_null(lookout: Lookout, log: MemoryLog) -> None:
    """E-01: an SDK reads both as None."""
    lean = body_of("text", container="gone", stop_details="gone")
    assert lookout.look(answer("text", lean, origin=Origin.MOCKED)) is Held.KEPT
    assert lookout.look(answer("text", body_of("text", id="gone"), origin=Origin.MOCKED)) is (
        Held.DRIFTED
    )
    assert [drift.place for drift in log.of(ContractDrift)] == ["/id"]


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, [("shape.value", "/stop_reason")]),
        ({"is_beta": True}, []),
        ({"origin": Origin.LIVE}, []),
    ],
)
def test_a_mock_has_no_reason_to_say_what_nobody_knows(
    lookout: Lookout, log: MemoryLog, changes: dict[str, object], found: list[tuple[str, str]]
) -> None:
    """E-01: the API may have new values, and betas have theirs."""
    body = body_of("text", stop_reason="finished")
    lookout.look(answer("text", body, **{"origin": Origin.MOCKED, **changes}))
    assert [(drift.code, drift.place) for drift in log.of(ContractDrift)] == found


@pytest.mark.parametrize(("origin", "count"), [(Origin.MOCKED, 0), (Origin.LIVE, 1)])
def test_a_branch_that_is_missing_is_no_fault_of_a_mock(
    log: MemoryLog, origin: Origin, count: int
) -> None:
    handled = ReliesOn(stop_reasons=("tool_use",))
    made(log, Target(HOST, relies_on=handled)).look(answer("text", origin=origin))
    assert len(list(log.of(ContractDrift))) == count


@pytest.mark.parametrize("origin", [Origin.MOCKED, Origin.LIVE])
def test_the_same_of_a_stream(lookout: Lookout, log: MemoryLog, origin: Origin) -> None:
    events = [dict(data) for _, data in BASES["stream_text"]["events"]]
    text = json.dumps(events[-2]).replace("end_turn", "finished")
    stream = stream_of("stream_text").replace(json.dumps(events[-2]).encode(), text.encode())
    lookout.look(answer("stream_text", stream, origin=origin))
    assert len(list(log.of(ContractDrift))) == (1 if origin is Origin.MOCKED else 0)


def test_an_environment_may_prove_answers_by_another_header(log: MemoryLog) -> None:
    seen = answer("text", drop=("request-id",))
    assert made(log, Target(HOST, proof_header="x-trace")).look(seen) is Held.KEPT
    assert made(log, Target(HOST)).look(seen) is Held.DRIFTED
    assert [drift.code for drift in log.of(ContractDrift)] == ["header.missing"]


def test_an_answer_to_results_of_tools_may_be_empty(lookout: Lookout) -> None:
    """What the messages say is asked only once something looks wrong."""
    results = [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t"}]}]
    sent = {**BASES["text"]["asked"]["body"], "messages": results}
    told = json.dumps(sent).encode()
    empty = body_of("text", content=[])
    assert lookout.look(answer("text", empty, sent=told)) is Held.KEPT
    assert lookout.look(answer("text", empty)) is Held.DRIFTED


def test_a_baseline_that_cannot_be_read_is_told_once_and_nothing_is_looked_at(
    log: MemoryLog, tmp_path: Path
) -> None:
    lookout = made(log, Target(HOST, contract=tmp_path / "none.json"))
    lookout.warm_up()
    assert [fault.error_class for fault in log.of(Fault)] == ["BaselineError"]
    assert lookout.look(answer("text")) is Held.NOT
    with pytest.raises(BaselineError, match=r"none\.json: cannot be read"):
        lookout.prepare()


def test_what_the_baseline_says_the_application_reads_is_asked_for(
    log: MemoryLog, tmp_path: Path
) -> None:
    from_file = tmp_path / "baseline.json"
    from_file.write_text(
        '{"format": 1, "reliance": {"headers": ["x-quota"]}, "documents": {}, "probes": {}}'
    )
    assert made(log, Target(HOST, contract=from_file)).look(answer("text")) is Held.DRIFTED
    assert [drift.place for drift in log.of(ContractDrift)] == ["header x-quota"]


@pytest.mark.parametrize(
    ("path", "expires", "impact", "words"),
    [
        ("/usage", "2026-11-22", "waived", "a gateway (Ada, until 2026-11-22)"),
        ("/other", "2026-11-22", "breaking", None),
        ("/usage", "1970-01-01", "waived", "a gateway (Ada, until 1970-01-01)"),
        ("/usage", "1969-12-31", "breaking", "the waiver of Ada expired on 1969-12-31"),
    ],
)
def test_somebody_may_answer_for_a_drift_until_a_day(
    log: MemoryLog, tmp_path: Path, path: str, expires: str, impact: str, words: str | None
) -> None:
    waivers = tmp_path / "waivers.toml"
    waivers.write_text(
        f'[[waiver]]\ncode = "shape.missing"\npath = "{path}"\nreason = "a gateway"\n'
        f'owner = "Ada"\nexpires = {expires}\n'
    )
    lookout = made(log, Target(HOST, waivers=waivers))
    assert lookout.look(answer("text", body_of("text", usage="gone"))) is Held.DRIFTED
    assert [(drift.impact, drift.waiver) for drift in log.of(ContractDrift)] == [(impact, words)]


def test_our_own_mistake_is_a_fault_and_no_drift(
    lookout: Lookout, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Contract, "glance", fail)
    assert lookout.look(answer("text")) is Held.NOT
    monkeypatch.setattr(scrutiny.Scrutiny, "settle", fail)
    lookout.settle()
    assert [fault.where for fault in log.of(Fault)] == ["observe.scrutiny"] * 2


def test_a_waiver_of_one_question_covers_the_answers_to_it_alone(
    log: MemoryLog, tmp_path: Path
) -> None:
    waivers = tmp_path / "waivers.toml"
    waivers.write_text(
        '[[waiver]]\ncode = "shape.missing"\nprobe = "message"\nreason = "a gateway"\n'
        'owner = "Ada"\nexpires = 2999-01-01\n'
    )
    lookout = made(log, Target(HOST, waivers=waivers))
    for probe in ("message", "tools", ""):
        lookout.look(answer("text", body_of("text", usage="gone"), probe=probe))
    lookout.settle()
    why = "the waiver of Ada is for the probe `message` alone"  # so that nobody wonders
    assert [(drift.impact, drift.waiver) for drift in log.of(ContractDrift)] == [
        ("waived", "a gateway (Ada, until 2999-01-01)"), ("breaking", why), ("breaking", why),
    ]  # fmt: skip
