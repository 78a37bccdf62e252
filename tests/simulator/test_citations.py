"""Citations."""

import pytest

from l9gate.simulator.citations import citations_for
from l9gate.simulator.script import answer_to
from l9gate.simulator.turns import objects_of
from l9gate.wire.json import Json, JsonObject
from l9gate.wire.models import find_model

ON: JsonObject = {"enabled": True}
TEXT: JsonObject = {"type": "text", "media_type": "text/plain", "data": "The sky is blue."}
PDF: JsonObject = {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}
BLOCKS: JsonObject = {"type": "content", "content": [{"type": "text", "text": "A block."}]}
STRING: JsonObject = {"type": "content", "content": "A string."}
RESULT: JsonObject = {
    "type": "search_result",
    "source": "https://example.com",
    "title": "Found",
    "content": [{"type": "text", "text": "It was found."}],
    "citations": ON,
}


def _document(source: JsonObject, **more: Json) -> JsonObject:
    return {"type": "document", "source": source, "citations": ON, **more}


def _body(*blocks: JsonObject) -> JsonObject:
    return {"model": "claude-haiku-5-5", "messages": [{"role": "user", "content": [*blocks]}]}


@pytest.mark.parametrize(
    ("block", "citation"),
    [
        (
            _document(TEXT, title="T"),
            {
                "type": "char_location",
                "cited_text": "The sky is blue.",
                "document_index": 0,
                "document_title": "T",
                "file_id": None,
                "start_char_index": 0,
                "end_char_index": 16,
            },
        ),
        (
            _document(BLOCKS),
            {
                "type": "content_block_location",
                "cited_text": "A block.",
                "document_index": 0,
                "document_title": None,
                "file_id": None,
                "start_block_index": 0,
                "end_block_index": 1,
            },
        ),
        (
            RESULT,
            {
                "type": "search_result_location",
                "cited_text": "It was found.",
                "search_result_index": 0,
                "source": "https://example.com",
                "title": "Found",
                "start_block_index": 0,
                "end_block_index": 1,
            },
        ),
    ],
)
def test_a_source_is_cited_by_the_place_of_its_kind(
    block: JsonObject, citation: JsonObject
) -> None:
    assert citations_for(_body(block)) == [citation]


def test_pages_and_strings_are_cited_too() -> None:
    by_file: JsonObject = {"type": "file", "file_id": "file_1"}
    found = objects_of(citations_for(_body(_document(PDF), _document(by_file), _document(STRING))))
    assert [item["type"] for item in found] == ["page_location"] * 2 + ["content_block_location"]
    assert [item["file_id"] for item in found] == [None, "file_1", None]
    assert found[2]["cited_text"] == "A string."


def test_indexes_count_every_source_of_a_kind_wherever_it_stands() -> None:
    silent = {**_document(TEXT), "citations": None}
    inside: JsonObject = {"type": "tool_result", "tool_use_id": "t", "content": [RESULT]}
    off: JsonObject = {**RESULT, "citations": {"enabled": False}}
    found = objects_of(citations_for(_body(inside, silent, off, _document(TEXT), RESULT)))
    places = [item.get("document_index", item.get("search_result_index")) for item in found]
    assert places == [0, 1, 2]


def test_an_answer_quotes_what_it_cites() -> None:
    facts = find_model("claude-haiku-5-5")
    assert facts is not None
    body = _body(_document(TEXT), RESULT)
    answer = answer_to(body, facts, None, lambda prefix, number: f"{prefix}_{number}")
    blocks = objects_of(answer.content)
    assert blocks[0]["citations"] is None
    assert [block["text"] for block in blocks[1:]] == ["The sky is blue.", "It was found."]
    exact = _body(_document(TEXT), {"type": "text", "text": "Reply with exactly: blue"})
    answer = answer_to(exact, facts, None, lambda prefix, number: f"{prefix}_{number}")
    (only,) = objects_of(answer.content)
    assert (only["text"], len(objects_of(only["citations"]))) == ("blue", 1)


def test_an_empty_source_is_cited_as_empty() -> None:
    empty: JsonObject = {"type": "content", "content": []}
    (found,) = objects_of(citations_for(_body(_document(empty))))
    assert found["cited_text"] == ""
