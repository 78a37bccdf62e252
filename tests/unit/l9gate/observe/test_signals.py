import logging
from collections.abc import Iterator

import pytest

from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import CacheState, Fault, Layer, Signal
from l9gate.measure.clock import ManualClock
from l9gate.observe.attribution import Owner, owned_by
from l9gate.observe.recorder import Outbox
from l9gate.observe.signals import SignalHandler

FIELDS = {"operation": "search", "duration_s": 1, "cache": "hit", "fallback": None}


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def handler(log: MemoryLog, monkeypatch: pytest.MonkeyPatch) -> Iterator[SignalHandler]:
    root = logging.getLogger()
    others = [found for found in root.handlers if not isinstance(found, SignalHandler)]
    monkeypatch.setattr(root, "handlers", others)  # whoever observes these tests is not meant
    clock = ManualClock(7.0)
    made = SignalHandler(Outbox(log, clock), clock)
    made.attach()
    yield made
    made.detach()


@pytest.fixture
def logger() -> logging.Logger:
    made = logging.getLogger("neural_tools.signals.of_a_test")
    made.setLevel(logging.INFO)
    return made


@pytest.mark.usefixtures("handler")
def test_a_log_record_with_the_agreed_fields_is_a_signal(
    log: MemoryLog, logger: logging.Logger
) -> None:
    """H-03, H-05, E-06."""
    remembered = {"avoided_input_tokens": 9, "age_s": 2.5, "ttl_s": 60, "model": "m"}
    with owned_by(Owner("test_a", Layer.INTEGRATION)):
        logger.info("search", extra={"l9gate": {**FIELDS, **remembered}})
    (signal,) = log.of(Signal)
    assert signal == Signal(
        at_s=7.0,
        operation="search",
        owner="test_a",
        layer=Layer.INTEGRATION,
        duration_s=1.0,
        cache=CacheState.HIT,
        fallback=None,
        avoided_input_tokens=9,
        age_s=2.5,
        ttl_s=60.0,
        model="m",
    )


@pytest.mark.usefixtures("handler")
def test_other_records_are_none_of_our_business(log: MemoryLog, logger: logging.Logger) -> None:
    logger.info("hello")
    assert log.records == []


@pytest.mark.usefixtures("handler")
@pytest.mark.parametrize(
    "fields",
    [
        "text",
        {},
        {**FIELDS, "cache": "maybe"},
        {**FIELDS, "duration_s": "1"},
        {**FIELDS, "prompt": "secret"},
    ],
)
def test_malformed_fields_are_a_fault_and_no_error(
    log: MemoryLog, logger: logging.Logger, fields: object
) -> None:
    logger.info("search", extra={"l9gate": fields})
    (fault,) = log.records
    assert isinstance(fault, Fault)
    assert (fault.where, fault.error_class) == ("observe.signals", "ValidationError")


def test_attaching_again_listens_once_and_repairs(
    log: MemoryLog, logger: logging.Logger, handler: SignalHandler
) -> None:
    handler.attach()
    logging.getLogger().removeHandler(handler)  # as `dictConfig` does
    handler.attach()
    logger.info("search", extra={"l9gate": FIELDS})
    assert len(log.records) == 1
