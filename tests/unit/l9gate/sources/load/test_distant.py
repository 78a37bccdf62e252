"""A shard on another machine: what it brings home, and what it may spend."""

import asyncio
from pathlib import Path

import pytest

from l9gate.errors import InterruptedRunError
from l9gate.evidence.codec import decode_record
from l9gate.evidence.records import Fault, Origin
from l9gate.sources.load.distant import (
    Basket,
    DistantLine,
    Money,
    Parcel,
    decode_parcel,
    encode_parcel,
    open_account,
)
from l9gate.sources.load.wording import Ready
from l9gate.wire.prices import PriceList
from l9gate.wire.redaction import Redactor

KEY = "sk-test-distant-1"


def test_what_was_measured_comes_home_once_and_without_the_key() -> None:
    basket = Basket(Redactor([KEY]))
    basket.put(Fault(at_s=1.0, where=f"said {KEY}", error_class="Odd"))
    basket.tell(Ready())
    basket.flush()
    records, said = basket.empty()
    home = decode_parcel(encode_parcel(Parcel(records=records, said=said, is_last=True)))
    (record,) = (decode_record(data) for data in home.records)
    assert isinstance(record, Fault)
    assert KEY not in record.where
    assert (home.said, home.is_last) == ((Ready(),), True)
    assert basket.empty() == ((), ())


def test_a_shard_starts_when_it_is_told_and_not_if_it_is_stopped_before() -> None:
    told, stopped = DistantLine(lambda _: None), DistantLine(lambda _: None)
    told.begin(12.5)
    assert asyncio.run(told.wait_for_start()) == 12.5
    stopped.stop()
    with pytest.raises(InterruptedRunError):
        asyncio.run(stopped.wait_for_start())


def test_its_account_holds_what_was_set_aside_and_no_more(tmp_path: Path) -> None:
    money = Money(kind=Origin.LIVE, usd=0.25, prices=PriceList())
    account = open_account(money, tmp_path)
    assert account is not None
    assert (account.caps.per_run_usd, account.kind) == (0.25, Origin.LIVE)
    assert account.left_usd() == 0.25
    assert open_account(None, tmp_path) is None
