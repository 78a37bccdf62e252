"""What the results of a batch say about its cost."""

import json

import pytest

from l9gate.wire.batch_results import batch_cost_usd, parse_batch_usage
from l9gate.wire.messages import Usage
from l9gate.wire.prices import PriceList

OPUS = "claude-opus-5-5"


def line(kind: str = "succeeded", model: str | None = OPUS, **usage: int) -> bytes:
    message = {"model": model, "usage": usage or None}
    result = {"type": kind} | ({"message": message} if kind == "succeeded" else {})
    return json.dumps({"custom_id": "a", "result": result}).encode()


def test_only_what_succeeded_was_paid_for() -> None:
    body = b"\n".join(
        [line(input_tokens=1, output_tokens=2), line("errored"), b"", line("expired")]
    )
    assert parse_batch_usage(body) == [(OPUS, Usage(input_tokens=1, output_tokens=2))]


def test_a_batch_costs_half() -> None:
    body = b"\n".join([line(input_tokens=1_000_000), line(output_tokens=100_000)])
    assert batch_cost_usd(body, PriceList()) == pytest.approx((4 + 2) / 2)
    assert batch_cost_usd(b"", PriceList()) == 0


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{}",
        b"\xff",
        line(),
        line(model=None, input_tokens=1),
        line(model="nobody-1", output_tokens=1),
    ],
)
def test_what_cannot_be_told_has_no_cost(body: bytes) -> None:
    assert batch_cost_usd(body, PriceList()) is None
