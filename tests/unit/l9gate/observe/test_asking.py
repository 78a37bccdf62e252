"""What rules read of a request, and nothing that its messages say."""

import json

import pytest

from l9gate.observe.asking import parse_asked, parse_asking

BODY = {"model": "m", "stream": True, "stop_sequences": ["x"], "tools": [{"name": "t"}]}
RESULTS = [
    {"role": "user", "content": "planted"},
    {"role": "user", "content": [{"type": "tool_result", "content": "planted"}]},
]


def test_messages_are_left_out_but_for_the_kinds_of_the_last_blocks() -> None:
    sent = json.dumps({**BODY, "messages": RESULTS, "system": "planted"}).encode()
    assert parse_asking(sent) == BODY
    assert parse_asked(sent) == {**BODY, "messages": [{"content": [{"type": "tool_result"}]}]}


@pytest.mark.parametrize("sent", [b"", b"[]", b"{", b'{"messages": 1}', b'{"messages": []}'])
def test_what_cannot_be_read_asks_for_nothing(sent: bytes) -> None:
    assert parse_asked(sent) == {}


def test_a_plain_text_has_no_blocks() -> None:
    assert parse_asked(json.dumps({"messages": RESULTS[:1]}).encode()) == {}
