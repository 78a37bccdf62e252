from collections.abc import Callable

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from l9gate.errors import RunCorruptError
from l9gate.evidence.codec import decode_record, encode_record, kind_of
from l9gate.evidence.load import Arm
from l9gate.evidence.records import (
    Alert,
    Allocation,
    AnyRecord,
    Budget,
    ClientCheck,
    Conduct,
    ContractDrift,
    Control,
    End,
    EndReason,
    Exchange,
    Fault,
    Gauge,
    HandMade,
    LapsedWaiver,
    LayerRun,
    LoadBlock,
    LoadHistogram,
    LoadPlan,
    Mention,
    Origin,
    ReportedCall,
    Signal,
    SourceEnd,
    TestOutcome,
    Unguarded,
)
from l9gate.wire.prices import AS_OF, Price
from l9gate.wire.redaction import Redactor

KINDS = {
    Exchange: "exchange",
    TestOutcome: "test",
    LayerRun: "layer",
    Signal: "signal",
    Mention: "mention",
    ReportedCall: "reported_call",
    Gauge: "gauge",
    Allocation: "allocation",
    Fault: "fault",
    Conduct: "conduct",
    Unguarded: "unguarded",
    Control: "control",
    ContractDrift: "contract_drift",
    HandMade: "hand_made",
    LapsedWaiver: "lapsed_waiver",
    Budget: "budget",
    SourceEnd: "end",
    Alert: "alert",
    LoadPlan: "load_plan",
    LoadBlock: "load_block",
    LoadHistogram: "load_histogram",
    ClientCheck: "client_check",
}
times_s = st.floats(0, 4e9)
names = st.sampled_from(["", "a", "ключ", "\x00", "x" * 70_000])


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    time_s=times_s,
    maybe_s=st.none() | times_s,
    name=names,
    status=st.none() | st.integers(100, 599),
    end=st.sampled_from(End),
    gaps_s=st.lists(times_s, max_size=3),
)
def test_decoding_an_exchange_undoes_encoding(
    exchange: Callable[..., Exchange], **fields: object
) -> None:
    gaps_s = fields["gaps_s"]
    assert isinstance(gaps_s, list)
    record = exchange(
        at_s=fields["time_s"],
        first_token_s=fields["maybe_s"],
        retry_after_s=fields["maybe_s"],
        path=fields["name"],
        owner=fields["name"],
        rate_limit={str(fields["name"]): str(fields["name"])},
        status=fields["status"],
        end=fields["end"],
        gaps_s=tuple(gaps_s),
    )
    assert decode_record(encode_record(record)) == record


@pytest.mark.parametrize(
    "record",
    [
        TestOutcome(at_s=1.0, node_id="t::x", layer=None, state="passed", duration_s=0.1),  # type: ignore[arg-type]
        SourceEnd(at_s=1.0, source="suite.unit", reason=EndReason.STOPPED, detail="ctrl-c"),
        Mention(at_s=1.0, owner="t", layer=None, request_id="req_1"),
        Fault(at_s=1.0, where="recorder", error_class="KeyError"),
        Conduct(at_s=1.0, client="a", requests=2, retries=1, left=0, misconduct={"no_backoff": 1}),
        Budget(
            at_s=1.0,
            run="r",
            kind=Origin.LIVE,
            caps_usd={"run": 5.0},
            source="--budget",
            prices={"m": Price(input_usd_per_mtok=1, output_usd_per_mtok=2, as_of=AS_OF)},
        ),
        Alert(at_s=1.0, rule="r", before="ok", after="warning", observed=1.6, samples=20),
        LoadHistogram(
            at_s=1.0,
            span="load",
            arm=Arm.MAIN,
            shard=0,
            quantity="latency",
            model=None,
            stream=True,
            since_s=0.0,
            until_s=1.0,
            counts=b"\x00\xff",
            infinite=2,
            ends={0: 5, 7: 2},
        ),
    ],
)
def test_decoding_undoes_encoding(record: AnyRecord) -> None:
    assert decode_record(encode_record(record)) == record


@settings(max_examples=50, deadline=None)
@given(data=st.binary(max_size=60))
def test_garbage_is_a_corrupt_run_and_nothing_else(data: bytes) -> None:
    with pytest.raises(RunCorruptError, match="cannot be decoded"):
        decode_record(data)


def test_a_record_of_another_kind_is_refused() -> None:
    with pytest.raises(RunCorruptError):
        decode_record(msgspec.msgpack.encode({"type": "rumour", "at_s": 1.0}))


def test_a_truncated_record_is_refused() -> None:
    data = encode_record(Fault(at_s=1.0, where="recorder", error_class="KeyError"))
    with pytest.raises(RunCorruptError):
        decode_record(data[:-1])


def test_fields_of_a_later_release_are_ignored_and_absent_ones_defaulted() -> None:
    data = msgspec.msgpack.encode(
        {"type": "fault", "at_s": 1.0, "where": "w", "error_class": "E", "mood": "good"}
    )
    assert decode_record(data) == Fault(at_s=1.0, where="w", error_class="E", count=1)


def test_every_kind_has_its_tag() -> None:
    assert set(KINDS) == set(AnyRecord.__args__)
    assert {kind: kind.__struct_config__.tag for kind in KINDS} == KINDS
    assert kind_of(Fault(at_s=1.0, where="w", error_class="E")) == "fault"


def test_a_key_that_a_server_says_back_is_taken_out() -> None:
    """Design §2.9."""
    redactor = Redactor(["team-secret-1"])
    told = Fault(at_s=1.0, where="team-secret-1", error_class="E")
    data = encode_record(told, redactor)
    assert b"team-secret" not in data
    assert decode_record(data) == Fault(at_s=1.0, where="[redacted]", error_class="E")
    assert encode_record(told) == encode_record(told, Redactor())
