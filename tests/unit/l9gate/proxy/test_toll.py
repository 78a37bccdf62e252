"""What only the proxy sees is paid for before it is sent."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from l9gate.evidence.records import Layer, Origin
from l9gate.measure.clock import ManualClock
from l9gate.observe import relayed
from l9gate.observe.attribution import Owner
from l9gate.store.account import Account
from l9gate.store.caps import Caps
from l9gate.store.ledger import Ledger
from l9gate.wire.faults import parse_fault
from l9gate.wire.prices import PriceList

if TYPE_CHECKING:
    from tests.unit.l9gate.proxy.conftest import Stage

Play = Callable[..., None]
PATH = b"POST /.l9gate/main/v1/messages HTTP/1.1\r\n"
USAGE = {"input_tokens": 100, "output_tokens": 10}
ANSWER = json.dumps({"type": "message", "model": "m", "usage": USAGE}).encode()
SERVED = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER)


def ask(tokens: int = 1000, model: str = "claude-haiku-5-5") -> bytes:
    body = json.dumps({"model": model, "max_tokens": tokens, "messages": []}).encode()
    return PATH + b"content-length: %d\r\n\r\n%b" % (len(body), body)


@pytest.fixture
def account(tmp_path: Path) -> Account:
    ledger = Ledger(tmp_path / "ledger.db", ManualClock())
    return Account.open(ledger, "r", Origin.LIVE, Caps(per_run_usd=0.01), PriceList())


def own(stage: "Stage", layer: Layer | None = Layer.INTEGRATION) -> None:
    stage.owners["main"] = Owner("test_a", layer)


def test_money_is_set_aside_before_and_settled_after(play: Play, account: Account) -> None:
    async def scene(stage: "Stage") -> None:
        own(stage)
        client, data = stage.connect(), ask()
        client.protocol.data_received(data[:-5])
        await stage.settle()
        assert (stage.upstream, account.spending()) == ([], ())
        upstream = await stage.ask(client, data[-5:])
        (layer,) = account.spending()
        assert (layer.layer, layer.calls) == (Layer.INTEGRATION, 1)
        assert layer.unsettled_usd > 0
        upstream.protocol.data_received(SERVED)
        assert client.text == SERVED
        (layer,) = account.spending()
        assert layer.unsettled_usd == 0
        assert 0 < layer.spent_usd < 0.001

    play(scene, account)


def test_what_is_too_much_is_answered_and_never_sent(play: Play, account: Account) -> None:
    async def scene(stage: "Stage") -> None:
        own(stage)
        client = stage.connect()
        client.protocol.data_received(ask(tokens=64_000))
        await stage.settle()
        head, _, body = client.text.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 402 ")
        fault = parse_fault(body)
        assert fault is not None
        assert fault.type == "billing_error"
        assert (stage.upstream, stage.exchanges) == ([], [])
        assert account.was_refused("test_a")
        await stage.ask(client, b"GET /v1/models HTTP/1.1\r\n\r\n")
        assert len(stage.upstream) == 1

    play(scene, account)


def test_an_unreachable_api_costs_nothing(play: Play, account: Account) -> None:
    async def scene(stage: "Stage") -> None:
        own(stage)
        stage.refusal = ConnectionRefusedError(111, "refused")
        stage.connect().protocol.data_received(ask())
        await stage.settle()
        assert [layer.spent_usd for layer in account.spending()] == [0.0]

    play(scene, account)


def test_a_body_that_is_not_kept_whole_is_refused(
    play: Play, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relayed, "MAX_COPY_BYTES", 10)

    async def scene(stage: "Stage") -> None:
        own(stage)
        client = stage.connect()
        client.protocol.data_received(ask())
        await stage.settle()
        assert client.text.startswith(b"HTTP/1.1 402 ")
        assert stage.upstream == []

    play(scene, account)


def test_what_the_seam_pays_for_and_what_is_free_is_not_paid_for_here(
    play: Play, account: Account
) -> None:
    async def scene(stage: "Stage") -> None:
        own(stage, None)
        marked = ask().replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\nx-l9gate-exchange: e\r\n")
        models = b"GET /v1/models HTTP/1.1\r\n\r\n"
        for data in (ask(), marked, models):
            upstream = await stage.ask(stage.connect(), data)
            upstream.protocol.data_received(SERVED)
        assert account.spending() == ()
        await stage.ask(stage.connect(), ask().replace(b"/.l9gate/main", b""))
        assert [layer.calls for layer in account.spending()] == [1]

    play(scene, account)
