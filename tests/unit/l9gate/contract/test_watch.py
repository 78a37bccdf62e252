"""A stream is followed event by event; one cause is told once, and nothing of it is kept."""

from collections.abc import Callable

from l9gate.contract import Contract, Drift, Observed, learn_baseline
from l9gate.wire.sse import SseEvent

Play = Callable[..., Observed]


def _follow(contract: Contract, seen: Observed, events: list[SseEvent]) -> list[Drift]:
    watch = contract.follow(seen.asked, seen.status, seen.headers)
    for event in events:
        watch.feed(event)
    return watch.finish()


def test_honest_streams_are_nothing_to_tell(contract: Contract, play: Play) -> None:
    for name in ("stream_text", "stream_tool", "stream_thinking", "stream_format"):
        seen = play(name)
        assert contract.find_drifts(seen) == []
        assert _follow(contract, seen, list(seen.events or ())) == []


def test_what_is_wrong_with_every_delta_is_told_once(contract: Contract, play: Play) -> None:
    seen = play("stream_thinking")
    broken = [
        SseEvent(event.event, event.data.replace(b'"thinking_delta", "thinking"', b'"text_delta"'))
        for event in seen.events or ()
    ]
    assert sum(event.data != old.data for event, old in zip(broken, seen.events or (), strict=True))
    found = _follow(contract, seen, broken)
    assert [drift.code for drift in found] == ["stream.malformed"]


def test_a_field_that_every_delta_lacks_is_told_once(contract: Contract, play: Play) -> None:
    seen = play("stream_thinking")
    events = [
        SseEvent(event.event, event.data.replace(b'"text": ', b'"words": '))
        for event in seen.events or ()
    ]
    found = _follow(contract, seen, events)
    assert [(drift.code, drift.path.partition(" /")[2]) for drift in found] == [
        ("shape.missing", "content_block/text"),
        ("shape.missing", "delta/text"),
    ]


def test_a_stream_cut_off_inside_an_event_says_so(contract: Contract, play: Play) -> None:
    seen = play("stream_text")
    watch = contract.follow(seen.asked, seen.status, seen.headers)
    for event in (seen.events or ())[:3]:
        watch.feed(event)
    (drift,) = watch.finish(was_cut=True)
    assert (drift.code, drift.found) == ("stream.unended", "an event cut off")


def test_an_error_event_is_a_bad_moment_only_for_a_probe(contract: Contract, play: Play) -> None:
    error = SseEvent(
        "error",
        b'{"type":"error","error":{"type":"overloaded_error","message":"m"},"request_id":null}',
    )
    events = [*(play("stream_text").events or ())[:3], error]
    assert contract.find_drifts(play("stream_text", events=events)) == []
    learnt = Contract(learn_baseline({"ask": [play("stream_text")] * 3}))
    (drift,) = learnt.find_drifts(play("stream_text", events=events, probe="ask"))
    assert (drift.code, drift.path, drift.impact) == ("status.transient", "event 3", "warning")
