"""The lines between the process of a shard and the one that started it."""

import pytest

from l9gate.drive.order import LoadOrder, Share
from l9gate.drive.plan import Reason
from l9gate.drive.shards import Ended
from l9gate.errors import L9gateError, PlanError
from l9gate.sources.load.wording import (
    Failed,
    Ready,
    Task,
    decode_said,
    decode_task,
    encode_line,
)

ORDER = LoadOrder(base_url="http://h", rate="constant 1/s", duration_s=1.0, seed=1, model="m")


def test_a_task_is_one_line() -> None:
    task = Task(order=ORDER, share=Share(shard=1, shards=2), run="runs/x")
    line = encode_line(task)
    assert line.count(b"\n") == 1
    assert decode_task(line) == task


@pytest.mark.parametrize(
    "said",
    [
        Ready(),
        Ended(reason=Reason.COMPLETED, planned=3, sent=3, done=3, ends={0: 3}),
        Failed(error="PlanError", message="no", hint="yes"),
    ],
)
def test_what_is_said_is_understood(said: Ready | Ended | Failed) -> None:
    assert decode_said(encode_line(said)) == said


@pytest.mark.parametrize("line", [b"Traceback (most recent call last):\n", b"{}\n", b"\xff\n"])
def test_what_somebody_else_prints_is_nothing_that_was_said(line: bytes) -> None:
    assert decode_said(line) is None


def test_an_error_arrives_as_what_it_was() -> None:
    error = Failed.of(PlanError("no workload", hint="name one")).as_error()
    assert (type(error), str(error), error.hint) == (PlanError, "no workload", "name one")
    assert type(Failed(error="ExitCode", message="odd").as_error()) is L9gateError
