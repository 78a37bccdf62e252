"""How an answer may differ from its contract."""

import msgspec
import pytest

from l9gate.simulator.drift import (
    EVERYWHERE,
    UNKNOWN_EVENT,
    EventChange,
    EventDrift,
    FieldChange,
    FieldDrift,
    Spot,
    drift_events,
    drift_json,
    parse_field,
    parse_spot,
)
from l9gate.wire.json import Json, JsonObject, parse_object
from l9gate.wire.sse import SseParser, render_event

GONE = "gone"
MESSAGE: JsonObject = {
    "id": "msg_1",
    "type": "message",
    "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
    "usage": {"input_tokens": 3, "output_tokens": 5},
}
NAMES = (
    "message_start",
    "content_block_start",
    "content_block_stop",
    "message_delta",
    "message_stop",
)
BODIES: dict[str, JsonObject] = {
    "message_start": {
        "type": "message_start",
        "message": {"id": "msg_1", "usage": {"output_tokens": 1}},
    },
    "content_block_start": {
        "type": "content_block_start",
        "index": 0,
        "content_block": {"type": "text", "text": ""},
    },
    "content_block_stop": {"type": "content_block_stop", "index": 0},
    "message_delta": {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn"},
        "usage": {"output_tokens": 5},
    },
    "message_stop": {"type": "message_stop"},
}
STREAM = [render_event(name, msgspec.json.encode(BODIES[name])) for name in NAMES]


def _changed(change: FieldChange, text: str) -> JsonObject:
    body = parse_object(drift_json(msgspec.json.encode(MESSAGE), (parse_field(change, text),)))
    assert body is not None
    return body


@pytest.mark.parametrize(
    ("change", "text", "expected"),
    [
        ("remove", "id", {"id": GONE}),
        ("remove", "usage.output_tokens", {"usage": {"input_tokens": 3}}),
        ("remove", "content.*.text", {"content": [{"type": "text"}, {"type": "text"}]}),
        ("retype", "id", {"id": 7}),
        ("retype", "usage", {"usage": "simulated"}),
        ("retype", "usage.input_tokens", {"usage": {"input_tokens": "3", "output_tokens": 5}}),
        ("retype", "content:null", {"content": None}),
        ("retype", "id:list", {"id": []}),
        (
            "add",
            "usage.more",
            {"usage": {"input_tokens": 3, "output_tokens": 5, "more": "simulated"}},
        ),
        ("rename", "id:identifier", {"id": GONE, "identifier": "msg_1"}),
        ("set", "type:Message", {"type": "Message"}),
        ("set", "usage.input_tokens:-1", {"usage": {"input_tokens": -1, "output_tokens": 5}}),
        (
            "set",
            "content.1.type:note",
            {"content": [{"type": "text", "text": "a"}, {"type": "note", "text": "b"}]},
        ),
        ("remove", "nothing.here", {}),
        ("remove", "content.9.text", {}),
        ("remove", "id.inner", {}),
        ("remove", "content.0", {}),
    ],
)
def test_a_field_is_changed_where_it_is(
    change: FieldChange, text: str, expected: dict[str, Json]
) -> None:
    kept = {name: value for name, value in {**MESSAGE, **expected}.items() if value != GONE}
    assert _changed(change, text) == kept


def test_what_is_no_object_stays_as_it_is() -> None:
    assert drift_json(b"[1]", (FieldDrift("remove", ("id",)),)) == b"[1]"


@pytest.mark.parametrize(
    ("change", "text", "why"),
    [
        ("remove", "", "a path"),
        ("remove", "a..b", "a path"),
        ("remove", "a:b", "only a path"),
        ("add", "a:b", "only a path"),
        ("rename", "a", "PATH:WORD"),
        ("set", "a:", "PATH:WORD"),
        ("retype", "a:date", "a type is expected: string"),
        ("remove", "a@No", "the number of an event"),
    ],
)
def test_a_change_that_cannot_be_meant_is_refused(change: FieldChange, text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_field(change, text)


def test_a_spot_is_a_number_or_a_name() -> None:
    assert parse_spot("3") == Spot(number=3)
    assert parse_spot("message_stop") == Spot(name="message_stop")
    assert EVERYWHERE.has(8, "ping")


def _events(*changes: tuple[EventChange, str]) -> list[str]:
    drifts = tuple(EventDrift(change, parse_spot(text)) for change, text in changes)
    parser = SseParser()
    return [
        event.event for data, _ in drift_events(STREAM, (), drifts) for event in parser.feed(data)
    ]


@pytest.mark.parametrize(
    ("change", "spot", "expected"),
    [
        ("drop", "message_stop", NAMES[:4]),
        ("drop", "0", NAMES[1:]),
        ("duplicate", "message_start", (NAMES[0], *NAMES)),
        ("swap", "1", (NAMES[0], NAMES[2], NAMES[1], *NAMES[3:])),
        ("swap", "message_stop", NAMES),
        ("precede", "4", (*NAMES[:4], UNKNOWN_EVENT, NAMES[4])),
        ("malform", "2", NAMES),
        ("drop", "99", NAMES),
    ],
)
def test_events_are_changed_in_number_and_order(
    change: EventChange, spot: str, expected: tuple[str, ...]
) -> None:
    assert tuple(_events((change, spot))) == expected


def test_a_changed_event_remembers_where_it_was() -> None:
    drifts = (EventDrift("precede", Spot(number=1)), EventDrift("drop", Spot(number=0)))
    assert [number for _, number in drift_events(STREAM, (), drifts)] == [None, 1, 2, 3, 4]


def _bodies(fields: tuple[FieldDrift, ...] = (), *events: EventDrift) -> list[JsonObject | None]:
    changed = drift_events(STREAM, fields, events)
    return [parse_object(data.partition(b"data: ")[2]) for data, _ in changed]


def test_a_wrong_index_is_that_of_the_next_block() -> None:
    bodies = _bodies((), EventDrift("misnumber", Spot(name="content_block_stop")))
    assert bodies[2] == {"type": "content_block_stop", "index": 1}
    assert bodies[1] == BODIES["content_block_start"]


def test_an_index_is_only_where_there_is_one() -> None:
    assert _bodies((), EventDrift("misnumber", Spot(number=4)))[4] == BODIES["message_stop"]


def test_a_malformed_event_is_no_json() -> None:
    assert _bodies((), EventDrift("malform", Spot(number=3)))[3] is None


def test_a_field_of_a_message_is_changed_wherever_a_stream_carries_it() -> None:
    bodies = _bodies((parse_field("remove", "usage.output_tokens"),))
    assert bodies[0] == {"type": "message_start", "message": {"id": "msg_1", "usage": {}}}
    assert bodies[3] == {**BODIES["message_delta"], "usage": {}}
    inner = _bodies((parse_field("set", "stop_reason:tired"),))[3]
    assert inner == {**BODIES["message_delta"], "delta": {"stop_reason": "tired"}}


def test_a_field_of_one_event_is_changed_only_there() -> None:
    bodies = _bodies((parse_field("remove", "usage@message_delta"),))
    assert bodies[0] == BODIES["message_start"]
    assert bodies[3] == {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}


def test_an_added_field_stands_beside_the_others_of_what_an_event_carries() -> None:
    bodies = _bodies((parse_field("add", "more@content_block_start"),))
    block = {"type": "text", "text": "", "more": "simulated"}
    assert bodies[1] == {**BODIES["content_block_start"], "content_block": block}


def test_an_event_that_is_no_json_is_left_alone() -> None:
    broken = [b"event: x\ndata: {\n\n"]
    assert drift_events(broken, (parse_field("remove", "a"),), ()) == [(broken[0], 0)]
