"""A skim leaves out only what can tell of nothing new."""

import json
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l9gate.contract import Asked, Contract, Drift
from l9gate.observe import skimming
from l9gate.observe.skimming import Skim
from l9gate.wire.sse import SseEvent, SseParser, render_event

HEAD = b'{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "'
BASES = json.loads(
    (Path(__file__).parents[3] / "data/contract/bases.json").read_text(encoding="utf-8")
)
STARTED = [
    (name, json.dumps(data).encode())
    for name, data in BASES["stream_text"]["events"][:3]
    if name != "ping"
]


def delta(data: bytes) -> tuple[str, bytes]:
    return ("content_block_delta", data)


def wire(*events: tuple[str, bytes]) -> bytes:
    return b"".join(render_event(name, data) for name, data in events)


@cache
def _contract() -> Contract:
    return Contract()


def skimmed(*pieces: bytes) -> list[SseEvent]:
    skim = Skim(keeps_text=False)
    return [event for piece in pieces for event in skim.feed(piece) if event is not None]


def told(events: list[SseEvent]) -> set[tuple[str, str, str]]:
    watch = _contract().follow(Asked(body={"stream": True}), 200, {})
    for event in events:
        watch.feed(event)
    drifts: list[Drift] = watch.finish()
    return {(one.code, one.path.partition(" /")[2], one.expected) for one in drifts}


def test_deltas_that_go_on_with_a_text_are_left_out() -> None:
    text = [delta(HEAD + word + b'"}}') for word in (b"a", b"b", b"c \\n \\u00e9", b"d")]
    body = wire(*STARTED, *text, ("content_block_stop", b'{"type": "content_block_stop"}'))
    found = skimmed(body)
    assert [event.data for event in found if event.event == "content_block_delta"] == [
        data for _, data in (text[0], text[2])
    ]
    skim = Skim(keeps_text=True)
    assert [event is None for event in skim.feed(body)] == [False] * 7
    assert not skim.is_inside


@given(st.lists(st.integers(0, 700), max_size=12), st.booleans())
@settings(max_examples=50, deadline=None)
def test_any_split_of_a_stream_leaves_out_the_same(cuts: list[int], has_other_ends: bool) -> None:
    text = [delta(HEAD + word + b'"}}') for word in (b"a", b"b \xc3\xa9", b"\\u00e9", b"d", b"e")]
    body = wire(*STARTED, *text, ("ping", b"{}"), *text[3:], ("content_block_stop", b"{}"))
    body += b"event: cut"
    body = body.replace(b"\n", b"\r\n") if has_other_ends else body
    skim = Skim(keeps_text=False)
    found: list[SseEvent | None] = []
    for start, end in pairwise([0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]):
        found += skim.feed(body[start:end])
    assert skim.is_inside
    left_out = [number for number, event in enumerate(found) if event is None]
    assert left_out == ([] if has_other_ends else [3, 5, 6, 9])
    assert [event for event in found if event is not None] == [
        event for number, event in enumerate(SseParser().feed(body)) if number not in left_out
    ]


@pytest.mark.parametrize(
    "second",
    [
        HEAD + b'b"}',
        HEAD + b'b", "more": 1}}',
        HEAD + b'b" "}}',
        HEAD + b'b\\q"}}',
        HEAD + b'b\xff"}}',
        HEAD + b'b\\"}}',
        HEAD.replace(b"0", b"1") + b'b"}}',
        HEAD[:-1] + b"7}}",
        b"[DONE]",
        b"",
    ],
)
def test_what_is_wrong_is_never_left_out(second: bytes) -> None:
    body = wire(*STARTED, delta(HEAD + b'a"}}'), delta(second), delta(HEAD + b'c"}}'))
    assert told(skimmed(body)) == told(SseParser().feed(body))
    one_by_one = [delta(HEAD + b'a"}}'), delta(second), delta(HEAD + b'c"}}')]
    pieces = [wire(*STARTED), *(wire(event) for event in one_by_one)]
    assert told(skimmed(*pieces)) == told(SseParser().feed(body))


def test_a_stream_of_other_line_ends_is_parsed_and_a_cut_is_told() -> None:
    body = wire(*STARTED).replace(b"\n", b"\r\n") + b"event: pi"
    skim = Skim(keeps_text=False)
    found = [event.event for event in skim.feed(body) if event is not None]
    assert found == ["message_start", "content_block_start"]
    assert skim.is_inside
    assert not Skim(keeps_text=False).is_inside


def test_an_event_that_does_not_end_is_left_to_the_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(skimming, "_MAX_TAIL_BYTES", 20)
    long = delta(b'{"text": "' + b"x" * 50 + b'"}')
    assert [len(skimmed(wire(*STARTED), wire(long)[:40], wire(long)[40:], b"\n"))] == [3]
