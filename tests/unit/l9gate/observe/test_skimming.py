"""A skim leaves out only what can tell of nothing new."""

import json
from functools import cache
from pathlib import Path

import pytest

from l9gate.contract import Asked, Contract, Drift
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


def told(events: list[SseEvent]) -> set[tuple[str, str, str]]:
    watch = _contract().follow(Asked(body={"stream": True}), 200, {})
    for event in events:
        watch.feed(event)
    drifts: list[Drift] = watch.finish()
    return {(one.code, one.path.partition(" /")[2], one.expected) for one in drifts}


def test_deltas_that_go_on_with_a_text_are_left_out() -> None:
    text = [delta(HEAD + word + b'"}}') for word in (b"a", b"b", b"c \\n \\u00e9", b"d")]
    body = wire(*STARTED, *text, ("content_block_stop", b'{"type": "content_block_stop"}'))
    skim = Skim(body, keeps_text=False)
    assert [event.data for event in skim if event.event == "content_block_delta"] == [
        data for _, data in (text[0], text[2])
    ]
    assert len(list(Skim(body, keeps_text=True))) == 7
    assert not skim.was_cut


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
    assert told(list(Skim(body, keeps_text=False))) == told(SseParser().feed(body))


def test_a_stream_of_other_line_ends_is_parsed_and_a_cut_is_told() -> None:
    body = wire(*STARTED).replace(b"\n", b"\r\n") + b"event: pi"
    skim = Skim(body, keeps_text=False)
    assert [event.event for event in skim] == ["message_start", "content_block_start"]
    assert skim.was_cut
    assert not list(Skim(b"", keeps_text=False))
