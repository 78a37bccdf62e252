from collections.abc import Callable

import pytest

from l9gate.evidence.records import AnyRecord, End, Exchange, Layer, Origin


def test_every_layer_but_unit_is_real() -> None:
    assert {layer for layer in Layer if not layer.is_real} == {Layer.UNIT}


@pytest.mark.parametrize(
    ("status", "request_id", "answered"),
    [(200, "req_1", True), (529, "req_1", True), (200, None, False), (None, None, False)],
)
def test_an_answer_has_a_status_and_a_request_id(
    status: int | None, request_id: str | None, answered: bool, exchange: Callable[..., Exchange]
) -> None:
    """P-02, L2-04."""
    assert exchange(status=status, request_id=request_id).was_answered is answered


@pytest.mark.parametrize(
    ("status", "end", "succeeded"),
    [
        (200, End.COMPLETE, True),
        (299, End.COMPLETE, True),
        (200, End.CUT, False),
        (200, End.ERROR_EVENT, False),
        (200, End.ABANDONED, False),
        (300, End.COMPLETE, False),
        (529, End.COMPLETE, False),
        (None, End.UNREACHABLE, False),
    ],
)
def test_only_a_whole_2xx_succeeds(
    status: int | None, end: End, succeeded: bool, exchange: Callable[..., Exchange]
) -> None:
    assert exchange(status=status, end=end).succeeded is succeeded


def test_only_what_a_deadline_ended_is_censored(exchange: Callable[..., Exchange]) -> None:
    assert {end for end in End if exchange(end=end).is_censored} == {End.TIMED_OUT}


def test_records_are_facts_and_do_not_change(exchange: Callable[..., Exchange]) -> None:
    record = exchange()
    with pytest.raises(AttributeError):
        record.origin = Origin.MOCKED  # type: ignore[misc]


def test_no_record_has_a_place_for_a_prompt_an_answer_or_a_key() -> None:
    content = {"prompt", "messages", "content", "text", "body", "system", "api_key", "headers"}
    for kind in AnyRecord.__args__:
        assert content.isdisjoint(kind.__struct_fields__)
