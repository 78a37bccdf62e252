"""Where answers end early."""

import pytest

from l9gate.simulator.trimming import (
    Answer,
    apply_stop_sequences,
    count_answer,
    cut_answer,
    fit_window,
    pause,
)
from l9gate.wire.json import Json, JsonObject

TEXT: JsonObject = {"type": "text", "text": "one two three", "citations": [{"type": "x"}]}
CALL: JsonObject = {"type": "tool_use", "id": "t", "name": "f", "input": {"a": "x" * 8, "b": 1}}
SEARCH: JsonObject = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"q": 1}}
FOUND: JsonObject = {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}
HIDDEN: JsonObject = {"type": "thinking", "thinking": "", "signature": "s"}


def _answer(*content: Json, hidden_tokens: int = 0) -> Answer:
    answer = Answer(content=[*content], stop_reason="end_turn", hidden_tokens=hidden_tokens)
    count_answer(answer)
    return answer


def test_even_an_empty_answer_has_a_token() -> None:
    assert _answer().output_tokens == 1


def test_thoughts_that_are_not_shown_count() -> None:
    answer = _answer(HIDDEN, TEXT, hidden_tokens=20)
    assert (answer.output_tokens, answer.thinking_tokens) == (24, 20)


def test_a_limit_may_end_an_answer_within_hidden_thoughts() -> None:
    answer = _answer(HIDDEN, TEXT, hidden_tokens=20)
    cut_answer(answer, 7)
    assert answer.content == [HIDDEN]
    assert (answer.output_tokens, answer.thinking_tokens) == (7, 7)


def test_a_cut_call_keeps_the_arguments_that_were_complete() -> None:
    answer = _answer(CALL)
    cut_answer(answer, answer.output_tokens - 1)
    assert answer.content == [{**CALL, "input": {"a": "x" * 8}}]
    cut_answer(answer, 2)
    assert answer.content == [{**CALL, "input": {}}]
    assert answer.stop_reason == "max_tokens"


def test_a_search_stays_whole_or_goes() -> None:
    size = _answer(SEARCH).output_tokens
    whole, part = _answer(SEARCH, FOUND, TEXT), _answer(SEARCH, FOUND, TEXT)
    cut_answer(whole, size)
    cut_answer(part, size - 1)
    assert (whole.content, part.content) == ([SEARCH, FOUND], [])


def test_a_cut_text_has_no_citation() -> None:
    answer = _answer(TEXT)
    cut_answer(answer, 1)
    assert answer.content == [{"type": "text", "text": "one ", "citations": None}]


def test_a_stop_sequence_ends_the_first_text_that_holds_it() -> None:
    answer = _answer(TEXT, CALL, TEXT)
    apply_stop_sequences(answer, ["three", "two"])
    assert answer.content == [{**TEXT, "text": "one ", "citations": None}]
    assert (answer.stop_reason, answer.stop_sequence) == ("stop_sequence", "two")


def test_a_stop_sequence_at_the_start_leaves_nothing() -> None:
    answer = _answer(HIDDEN, TEXT)
    apply_stop_sequences(answer, ["one"])
    assert answer.content == [HIDDEN]


@pytest.mark.parametrize("stops", [None, [], [""]])
def test_no_stop_sequence_ends_nothing(stops: Json) -> None:
    answer = _answer(TEXT)
    apply_stop_sequences(answer, stops)
    assert answer.stop_reason == "end_turn"


@pytest.mark.parametrize(
    ("content", "kept"),
    [([SEARCH, FOUND, TEXT], [SEARCH, FOUND]), ([TEXT, CALL], [TEXT]), ([CALL], [])],
)
def test_a_pause_leaves_no_call_open(content: list[Json], kept: list[Json]) -> None:
    answer = _answer(*content)
    pause(answer)
    assert (answer.content, answer.stop_reason) == (kept, "pause_turn")
    assert answer.output_tokens >= 1


@pytest.mark.parametrize(
    ("window", "reason", "tokens"),
    [
        (None, "end_turn", 4),
        (104, "end_turn", 4),
        (102, "model_context_window_exceeded", 2),
        (100, "model_context_window_exceeded", 1),
    ],
)
def test_a_window_that_is_full_ends_an_answer(window: int | None, reason: str, tokens: int) -> None:
    answer = _answer(TEXT)
    fit_window(answer, 100, window)
    assert (answer.stop_reason, answer.output_tokens) == (reason, tokens)
