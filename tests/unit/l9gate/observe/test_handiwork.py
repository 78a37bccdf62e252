"""E-01, K-01: what unit tests make by hand is held against the contract, like mocked answers."""

import json
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest

from l9gate.contract import Contract
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import ContractDrift, Fault, HandMade, Layer, Origin
from l9gate.measure.clock import ManualClock
from l9gate.observe import handiwork, handmade, scrutiny
from l9gate.observe.attribution import Owner, owned_by
from l9gate.observe.handiwork import Handiwork
from l9gate.observe.lookout import Lookout
from l9gate.observe.making import ErrorBody, Made
from l9gate.observe.origins import Target
from l9gate.observe.recorder import Outbox

BASES = json.loads(
    (Path(__file__).parents[3] / "data/contract/bases.json").read_text(encoding="utf-8")
)
MESSAGE, ERROR = BASES["text"]["body"], BASES["error_400"]["body"]
START = BASES["stream_text"]["events"][0][1]
ROOT = Path("/shop")
TEST = Owner("tests/unit/test_a.py::test_a", Layer.UNIT)


class Model:
    """As pydantic's are: fields are attributes, and a dump is JSON."""

    def __init__(self, **fields: object) -> None:
        vars(self).update(fields)

    def model_dump(self, **_: object) -> object:
        def plain(value: object) -> object:
            return value.model_dump() if isinstance(value, Model) else value

        found = {name: plain(value) for name, value in vars(self).items() if value is not ...}
        return json.loads(json.dumps(found))


class Bench:
    """A workshop with a log."""

    def __init__(self) -> None:
        self.log = MemoryLog()
        clock = ManualClock(5.0)
        outbox = Outbox(self.log, clock)
        self.work = Handiwork(lambda path: Layer.UNIT if "unit" in path.parts else None, ROOT)
        self.parts = (outbox, clock, Lookout(outbox, clock, Target("api.example.com")))

    def made(
        self, thing: object, document: str = "message", line: int = 7, *, is_beta: bool = False
    ) -> None:
        place = (ROOT / "tests/unit/test_a.py", line)
        self.work._told(Made(thing, (document, is_beta), place))

    def drifts(self) -> list[tuple[str, str, str]]:
        return [(one.code, one.place, one.impact) for one in self.log.of(ContractDrift)]

    def tallies(self) -> list[tuple[str, int, int, int]]:
        return [(one.owner, one.held, one.drifted, one.unread) for one in self.log.of(HandMade)]


@pytest.fixture(scope="module")
def contract() -> Contract:
    return Contract()


@pytest.fixture
def early(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Before anybody inspects."""
    monkeypatch.setattr(scrutiny, "Contract", lambda _: contract)
    return Bench()


@pytest.fixture
def bench(early: Bench) -> Bench:
    early.work.open(*early.parts)
    early.work.begin_test(TEST.id, is_unit=True)
    return early


def test_what_keeps_the_contract_is_counted(bench: Bench) -> None:
    with owned_by(TEST):
        bench.made(Model(**MESSAGE))
        bench.made(Model(**ERROR), "error")
        bench.made(Model(**START), "event message_start")
    bench.work.end_test()
    assert (bench.drifts(), bench.tallies()) == ([], [(TEST.id, 3, 0, 0)])


def test_a_drift_tells_who_made_it_and_where(bench: Bench) -> None:
    with owned_by(TEST):
        bench.made(Model(**{**MESSAGE, "usage": ...}), line=12)
    bench.work.end_test()
    (drift,) = bench.log.of(ContractDrift)
    assert (drift.code, drift.place, drift.impact) == ("shape.missing", "/usage", "breaking")
    assert (drift.owner, drift.layer, drift.origin) == (TEST.id, Layer.UNIT, Origin.MOCKED)
    assert (drift.built_at, drift.exchange_id) == ("tests/unit/test_a.py:12", "")
    assert bench.tallies() == [(TEST.id, 1, 1, 0)]


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"stop_reason": "finished"}, ("shape.value", "/stop_reason", "breaking")),
        ({"stop_reason": None}, ("shape.null", "/stop_reason", "breaking")),
        ({"stop_reason": "tool_use"}, ("stop.tool_use", "/stop_reason", "breaking")),
        ({"content": [{"type": "prose"}]}, ("shape.variant", "/content/*/type", "breaking")),
        ({"content": [{"type": "text"}]}, ("shape.missing", "/content/*/text", "breaking")),
        ({"id": "42"}, ("id.form", "/id", "warning")),
    ],
)
def test_what_the_api_never_says_is_named(
    bench: Bench, changes: dict[str, object], found: tuple[str, str, str]
) -> None:
    with owned_by(TEST):
        bench.made(Model(**{**MESSAGE, **changes}))
    bench.work.end_test()
    assert bench.drifts() == [found]


def test_what_may_be_null_may_be_left_out(bench: Bench) -> None:
    lean = {name: value for name, value in MESSAGE.items() if value is not None}
    lean["usage"] = {name: MESSAGE["usage"][name] for name in ("input_tokens", "output_tokens")}
    with owned_by(TEST):
        bench.made(Model(**lean))
    bench.work.end_test()
    assert bench.drifts() == []


def test_a_wrong_type_of_an_error_is_named(bench: Bench) -> None:
    with owned_by(TEST):
        bench.made(Model(**{**ERROR, "error": {"type": "Oops", "message": "m"}}), "error")
        bench.made(ErrorBody(429, ERROR), "error")
        bench.made(ErrorBody(400, ERROR), "error")
        bench.made(ErrorBody(400, {"error": object()}), "error")  # type: ignore[dict-item]
    bench.work.end_test()
    assert bench.drifts() == [
        ("envelope.type", "/error/type", "breaking"),
        ("envelope.mismatch", "/error/type", "breaking"),
    ]
    assert bench.tallies() == [(TEST.id, 3, 2, 1)]


def test_a_beta_may_have_values_of_its_own(bench: Bench) -> None:
    with owned_by(TEST):
        bench.made(Model(**{**MESSAGE, "content": [{"type": "mcp_tool_use"}]}), is_beta=True)
    bench.work.end_test()
    assert bench.drifts() == []


def test_what_a_test_fills_in_later_does_not_differ(bench: Bench) -> None:
    with owned_by(TEST):
        found = Model(**{**MESSAGE, "usage": ..., "stop_reason": "done"})
        bench.made(found)
        vars(found)["usage"] = MESSAGE["usage"]
    bench.work.end_test()
    assert bench.drifts() == [("shape.value", "/stop_reason", "breaking")]


def test_what_the_application_changes_later_is_not_the_mocks_fault(bench: Bench) -> None:
    with owned_by(TEST):
        found = Model(**MESSAGE)
        bench.made(found)
        vars(found)["usage"] = ...
    bench.work.end_test()
    assert bench.drifts() == []


def test_the_message_that_begins_a_stream_has_no_stop_reason_yet(bench: Bench) -> None:
    with owned_by(TEST):
        message = Model(**START["message"])
        bench.made(message)
        bench.made(Model(type="message_start", message=message), "event message_start")
    bench.work.end_test()
    assert (bench.drifts(), bench.tallies()) == ([], [(TEST.id, 2, 0, 0)])


@pytest.mark.parametrize("thing", [MagicMock(), SimpleNamespace(type="text"), object()])
def test_what_holds_mocks_is_left_out_and_counted(bench: Bench, thing: object) -> None:
    with owned_by(TEST):
        bench.made(Model(**{**MESSAGE, "content": [thing]}))
        bench.made(Model(**{**MESSAGE, "usage": {"input_tokens": thing}}))
    bench.work.end_test()
    assert (bench.drifts(), bench.tallies()) == ([], [(TEST.id, 0, 0, 2)])


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test runs, though this one does."""
    monkeypatch.setattr(handiwork, "current_owner", lambda: None)


def test_other_layers_are_left_alone(bench: Bench) -> None:
    with owned_by(Owner("tests/contract/test_a.py::test_a", Layer.CONTRACT)):
        bench.made(Model(id=1))
    bench.work.stop()
    assert bench.log.records == []


@pytest.mark.usefixtures("nobody")
def test_what_libraries_make_when_they_are_imported_is_left_alone(bench: Bench) -> None:
    bench.work._told(Made(Model(id=1), ("message", False), (Path("/lib/fakes.py"), 1)))
    bench.work.stop()
    assert bench.log.records == []


@pytest.mark.usefixtures("nobody")
def test_what_an_import_makes_belongs_to_its_file(early: Bench) -> None:
    early.made(Model(**{**MESSAGE, "usage": ...}))
    early.work.open(*early.parts)
    early.work.begin_test(TEST.id, is_unit=True)
    early.work.end_test()
    assert early.drifts() == []  # a test may still fill it in
    early.work.stop()
    assert early.drifts() == [("shape.missing", "/usage", "breaking")]
    assert early.tallies() == [("tests/unit/test_a.py", 1, 1, 0)]


def test_a_shared_fixture_is_settled_when_all_tests_are_done(bench: Bench) -> None:
    with owned_by(Owner("fixture:tests::reply#main.1", Layer.UNIT)):
        message = Model(**START["message"])
        bench.made(message)
    bench.work.end_test()
    with owned_by(TEST):
        bench.made(Model(type="message_start", message=message), "event message_start")
    bench.work.stop()
    assert bench.drifts() == []


def test_no_more_objects_are_kept_than_a_bound(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handmade, "MAX_KEPT", 2)
    with owned_by(TEST):
        for _ in range(5):
            bench.made(Model(**{**MESSAGE, "usage": ...}))
    assert len(bench.drifts()) == 1
    bench.work.end_test()
    assert bench.tallies() == [(TEST.id, 5, 5, 0)]


def test_a_fault_of_ours_is_counted_and_no_error_of_the_test(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise OSError

    monkeypatch.setattr(handmade, "_read", broken)
    with owned_by(TEST):
        bench.made(Model(**MESSAGE))
    assert [(one.where, one.error_class) for one in bench.log.of(Fault)] == [
        ("observe.handmade", "OSError")
    ]


def test_an_sdk_that_cannot_be_watched_is_put(bench: Bench) -> None:
    bench.work._note_blind("its models are none of pydantic 2")
    bench.work.stop()
    assert [one.blind for one in bench.log.of(HandMade)] == ["its models are none of pydantic 2"]


def test_an_object_that_makes_another_one_while_it_is_read_does_not_stand_still(
    bench: Bench,
) -> None:
    """As a field does that is computed."""

    class Nested(Model):
        def model_dump(self, **values: object) -> object:
            bench.made(Model(**MESSAGE))
            return super().model_dump(**values)

    with owned_by(TEST):
        bench.made(Nested(**{**MESSAGE, "stop_reason": "finished"}))
    inspection = bench.work._inspection
    assert inspection is not None
    assert inspection._lock.acquire(blocking=False)  # held by this thread, as while it is read
    try:
        assert inspection._lock.acquire(blocking=False)
        inspection._lock.release()
    finally:
        inspection._lock.release()
    bench.work.end_test()
    assert bench.drifts() == [("shape.value", "/stop_reason", "breaking")]


def test_a_message_whose_copy_begins_a_stream_is_excused_and_another_is_not(bench: Bench) -> None:
    class Equal(Model):
        """As models of pydantic are."""

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Equal) and vars(self) == vars(other)

        __hash__ = None  # type: ignore[assignment]

    message = START["message"]
    with owned_by(TEST):
        bench.made(Equal(**message))
        bench.made(Equal(**{**message, "role": "user"}), line=9)
        start = {**START, "message": Equal(**message)}
        bench.made(Model(**start), "event message_start")
    bench.work.end_test()
    assert {one.built_at for one in bench.log.of(ContractDrift)} == {"tests/unit/test_a.py:9"}
    assert bench.tallies() == [(TEST.id, 3, 1, 0)]
