"""What is noticed about a test whose pass is worth less than it seems: L2-04, design §2.2."""

import asyncio
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import cast
from unittest.mock import AsyncMock, MagicMock

import pytest

from l9gate.evidence.records import RemarkKind
from l9gate.observe.watch import HttpRequest
from l9gate.pytest_plugin.tricks import TrickWatch

REQUEST = cast("HttpRequest", None)
SDK = "anthropic.resources.messages.messages"


@pytest.fixture
def watch() -> Iterator[TrickWatch]:
    watch = TrickWatch(Path(__file__).parent)
    watch.begin_test(is_real=True)
    yield watch
    watch.stop()


def found(watch: TrickWatch) -> list[tuple[RemarkKind, str]]:
    return [(remark.kind, remark.detail) for remark in watch.remarks()]


def test_a_mock_that_is_called_as_the_client_is_named(watch: TrickWatch) -> None:
    client = MagicMock(name="client")
    client.messages.create(model="secret")
    client.messages.create(model="secret")
    assert found(watch) == [(RemarkKind.STAND_IN, "MagicMock `client.messages.create`")]


def test_a_replaced_function_is_named_however_it_was_patched(watch: TrickWatch) -> None:
    MagicMock(name="create")()
    asyncio.run(AsyncMock(name="Anthropic")())
    assert [detail for _, detail in found(watch)] == [
        "MagicMock `create`",
        "AsyncMock `Anthropic`",
    ]


def test_a_mock_of_something_else_is_told_apart(watch: TrickWatch) -> None:
    MagicMock(name="billing.charge")()
    assert found(watch) == [(RemarkKind.MOCK, "MagicMock `billing.charge`")]


def test_mocks_of_unit_tests_are_nobodys_business(watch: TrickWatch) -> None:
    watch.begin_test(is_real=False)
    MagicMock(name="client").messages.create()
    watch.begin(REQUEST)
    assert found(watch) == []


def test_mocks_work_as_before_afterwards(watch: TrickWatch) -> None:
    mock = MagicMock(return_value=3)
    assert mock(1) == 3
    watch.stop()
    assert (mock(2), mock.call_count) == (3, 2)
    assert len(found(watch)) == 1


@pytest.fixture
def sdk(monkeypatch: pytest.MonkeyPatch) -> type:
    class Messages:
        def create(self) -> None: ...

    module = ModuleType(SDK)
    module.__dict__["Messages"] = Messages
    monkeypatch.setitem(sys.modules, SDK, module)
    return Messages


def test_a_method_of_the_client_that_is_replaced_is_named(
    sdk: type, watch: TrickWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch.begin_test(is_real=True)
    watch.look_at_methods()
    assert found(watch) == []

    def fake(_: object) -> str:
        return "canned"

    monkeypatch.setattr(sdk, "create", fake)
    watch.look_at_methods()
    ((kind, detail),) = found(watch)
    assert kind is RemarkKind.STAND_IN
    assert detail.endswith("fake` in place of `Messages.create`")


def test_instrumentation_around_a_method_is_no_replacement(
    sdk: type, watch: TrickWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch.begin_test(is_real=True)

    def traced(_: object) -> None: ...

    traced.__dict__["__wrapped__"] = vars(sdk)["create"]
    monkeypatch.setattr(sdk, "create", traced)
    watch.look_at_methods()
    assert found(watch) == []


def test_a_clock_that_is_patched_while_a_call_is_made_is_named(
    watch: TrickWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch.begin(REQUEST)
    assert found(watch) == []
    with monkeypatch.context() as patches:
        patches.setattr(time, "perf_counter", lambda: 0.0)
        watch.begin(REQUEST)
    assert found(watch) == [(RemarkKind.CLOCK, "time.perf_counter")]
    watch.begin_test(is_real=True)
    assert found(watch) == []


def phase(
    error: type[Exception] | None, *, passed: bool, **fields: str
) -> tuple[pytest.CallInfo[None], pytest.TestReport]:
    def run() -> None:
        if error is not None:
            raise error

    call = pytest.CallInfo.from_call(run, "call")
    return call, cast("pytest.TestReport", SimpleNamespace(passed=passed, **fields))


def test_a_success_reported_of_a_phase_that_raised_is_named(watch: TrickWatch) -> None:
    watch.note_report(*phase(ValueError, passed=True))
    ((kind, detail),) = found(watch)
    assert kind is RemarkKind.REWRITTEN
    assert detail.startswith("ValueError at test_tricks.py:")


@pytest.mark.parametrize(
    ("error", "passed", "fields"),
    [(None, True, {}), (ValueError, False, {}), (ValueError, True, {"wasxfail": "known"})],
)
def test_an_ordinary_report_is_not_remarked(
    error: type[Exception] | None, passed: bool, fields: dict[str, str], watch: TrickWatch
) -> None:
    watch.note_report(*phase(error, passed=passed, **fields))
    assert found(watch) == []
