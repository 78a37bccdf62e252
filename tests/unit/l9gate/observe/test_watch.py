import asyncio

import httpx2
import pytest

from l9gate.errors import (
    AnswerTimeoutError,
    BodyCutError,
    BudgetError,
    EndpointUnreachableError,
    MalformedBodyError,
)
from l9gate.observe.watch import HttpResponse, Stop, Tap, stop_of


@pytest.mark.parametrize(
    ("error", "stop"),
    [
        (None, Stop.READ),
        (GeneratorExit(), Stop.CLOSED),
        (httpx2.ReadTimeout(""), Stop.TIMED_OUT),
        (httpx2.ConnectTimeout(""), Stop.TIMED_OUT),
        (httpx2.PoolTimeout(""), Stop.TIMED_OUT),
        (TimeoutError(), Stop.TIMED_OUT),
        (asyncio.CancelledError(), Stop.TIMED_OUT),
        (httpx2.ConnectError(""), Stop.UNCONNECTED),
        (httpx2.ProxyError(""), Stop.UNCONNECTED),
        (httpx2.ReadError(""), Stop.BROKEN),
        (httpx2.WriteError(""), Stop.BROKEN),
        (httpx2.RemoteProtocolError(""), Stop.BROKEN),
        (httpx2.LocalProtocolError(""), Stop.FAILED),
        (KeyboardInterrupt(), Stop.FAILED),
        (BudgetError("no money"), Stop.REFUSED),
        (EndpointUnreachableError("our own client"), Stop.UNCONNECTED),
        (AnswerTimeoutError("the same"), Stop.TIMED_OUT),
        (BodyCutError("the same"), Stop.BROKEN),
        (MalformedBodyError("the same"), Stop.BROKEN),
    ],
)
def test_every_exception_is_an_end_of_its_kind(error: BaseException | None, stop: Stop) -> None:
    assert stop_of(error) is stop


class Notes:
    def __init__(self) -> None:
        self.ends: list[Stop] = []

    def answered(self, response: HttpResponse) -> None: ...

    def received(self, chunk: bytes) -> None: ...

    def ended(self, stop: Stop) -> None:
        self.ends.append(stop)


def test_only_the_first_end_counts() -> None:
    one, other = Notes(), Notes()
    tap = Tap([one, other])
    tap.ended(None)
    tap.ended(GeneratorExit())
    assert one.ends == other.ends == [Stop.READ]
