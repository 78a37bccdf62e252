"""The estimate of tokens."""

from l9gate.simulator.tokens import (
    count_answer_block,
    count_input_tokens,
    count_text_tokens,
    cut_text,
)
from l9gate.wire.json import JsonObject


def test_counting_leaves_out_what_the_model_does_not_read(body: JsonObject) -> None:
    more: JsonObject = {**body, "stream": True, "metadata": {"user_id": "u" * 400}}
    assert count_input_tokens(body) == count_input_tokens(more) > 1


def test_a_longer_prompt_has_more_tokens(body: JsonObject) -> None:
    assert count_input_tokens({**body, "system": "x" * 4000}) > count_input_tokens(body) + 999


def test_an_image_counts_the_same_whatever_its_bytes(body: JsonObject) -> None:
    def with_image(data: str) -> JsonObject:
        source: JsonObject = {"type": "base64", "media_type": "image/png", "data": data}
        blocks: JsonObject = {"role": "user", "content": [{"type": "image", "source": source}]}
        return {**body, "messages": [blocks]}

    assert count_input_tokens(with_image("A" * 40_000)) == count_input_tokens(with_image("AAAA"))
    assert 1_600 < count_input_tokens(with_image("AAAA")) < 1_700


def test_data_that_is_no_file_counts_as_text(body: JsonObject) -> None:
    block: JsonObject = {"type": "redacted_thinking", "data": "x" * 4_000}
    content: JsonObject = {**body, "messages": [{"role": "assistant", "content": [block]}]}
    assert count_input_tokens(content) > 1_000


def test_every_kind_of_block_counts() -> None:
    text: JsonObject = {"type": "text", "text": "x" * 8}
    thinking: JsonObject = {"type": "thinking", "thinking": "x" * 4, "signature": "s"}
    call: JsonObject = {"type": "tool_use", "name": "f", "input": {"a": 1}}
    other: JsonObject = {"type": "other"}
    counts = [count_answer_block(block) for block in (text, thinking, call, other)]
    assert counts == [2, 1, 4, 1]


def test_cut_text_has_so_many_tokens_and_no_half_characters() -> None:
    assert cut_text("x" * 9, 2) == "x" * 8
    assert cut_text("€€", 1) == "€"
    assert count_text_tokens("€€") == 2


def test_thoughts_of_earlier_turns_and_breakpoints_do_not_count(body: JsonObject) -> None:
    """Section 15 of the sheet."""

    def asked(*blocks: JsonObject, last: str = "text") -> JsonObject:
        thought: JsonObject = {"type": "thinking", "thinking": "x" * 400, "signature": "s"}
        end: JsonObject = {"type": last, "text": "go on"}
        return {
            **body,
            "messages": [
                {"role": "user", "content": "hi"},
                {"role": "assistant", "content": [thought, *blocks]},
                {"role": "user", "content": [end]},
            ],
        }

    said: JsonObject = {"type": "text", "text": "yes"}
    marked: JsonObject = {**said, "cache_control": {"type": "ephemeral"}}
    assert count_input_tokens(asked(said)) == count_input_tokens(asked(marked)) < 80
    assert count_input_tokens(asked(said, last="tool_result")) > 150  # the turn goes on
