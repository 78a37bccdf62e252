"""Requests and responses, seen by an observer."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l9gate.wire.messages import (
    RequestFacts,
    ResponseFacts,
    Usage,
    parse_request_facts,
    parse_response_facts,
    usage_of,
)

NOTHING_ASKED = RequestFacts(model=None, stream=False, tools=False, max_tokens=None)
GARBAGE = [b"", b"[]", b"null", b"{", b'{"model":"\xff"}', b'{"a":' * 20_000, b"<html>"]


def test_request_facts_are_the_four_that_matter() -> None:
    body = b'{"model":"m","stream":true,"max_tokens":7,"tools":[{"name":"f"}],"messages":[]}'
    assert parse_request_facts(body) == RequestFacts(
        model="m", stream=True, tools=True, max_tokens=7
    )


@pytest.mark.parametrize("tools", [b"null", b"[]", b"[ \n]"])
def test_an_empty_list_of_tools_is_no_tools(tools: bytes) -> None:
    assert parse_request_facts(b'{"tools":' + tools + b"}") == NOTHING_ASKED


def test_fields_of_the_wrong_type_are_absent() -> None:
    body = b'{"model":3,"stream":"yes","max_tokens":true}'
    assert parse_request_facts(body) == NOTHING_ASKED


@pytest.mark.parametrize("body", GARBAGE)
def test_garbage_has_no_facts(body: bytes) -> None:
    assert parse_request_facts(body) is None
    assert parse_response_facts(body) is None


def test_response_facts_count_null_as_zero() -> None:
    body = (
        b'{"id":"msg_1","model":"m","stop_reason":"end_turn","usage":'
        b'{"input_tokens":5,"output_tokens":2,"cache_read_input_tokens":null}}'
    )
    assert parse_response_facts(body) == ResponseFacts(
        id="msg_1",
        model="m",
        stop_reason="end_turn",
        usage=Usage(input_tokens=5, output_tokens=2),
    )


def test_a_response_without_usage_has_none() -> None:
    facts = parse_response_facts(b'{"data":[]}')
    assert facts == ResponseFacts(id=None, model=None, stop_reason=None, usage=None)


def test_absent_counts_keep_what_was_known() -> None:
    before = Usage(input_tokens=9, output_tokens=1, cache_read_input_tokens=4)
    after = usage_of({"output_tokens": 30, "cache_read_input_tokens": None}, before)
    assert after == Usage(input_tokens=9, output_tokens=30, cache_read_input_tokens=4)


def test_no_object_is_no_usage() -> None:
    assert usage_of([1]) is None
    assert usage_of(None, Usage(input_tokens=1)) == Usage(input_tokens=1)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=60))
def test_bytes_that_are_no_json_object_have_no_facts_and_raise_nothing(body: bytes) -> None:
    assert parse_request_facts(body) is None or body.strip().startswith(b"{")
    assert parse_response_facts(b'{"usage":' + body) is None or body.strip().endswith(b"}")


def test_what_is_kept_for_an_hour_is_told_apart() -> None:
    details = {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 3}
    usage = usage_of({"cache_creation_input_tokens": 5, "cache_creation": details})
    assert usage == Usage(cache_creation_input_tokens=5, cache_creation_1h_input_tokens=3)
    assert usage_of({"output_tokens": 9, "cache_creation": None}, usage) == Usage(
        output_tokens=9, cache_creation_input_tokens=5, cache_creation_1h_input_tokens=3
    )
