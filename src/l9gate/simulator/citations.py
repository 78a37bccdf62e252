"""Citations: where the words of an answer stand in the documents and search results."""

import base64

from l9gate.simulator.turns import blocks_of, objects_of
from l9gate.wire.json import Json, JsonObject

_CITED_CHARS = 80
_PAGE_TEXT = "The words of a simulated page"


def citations_for(body: JsonObject) -> list[Json]:
    """Return one citation for each source of the request that has citations enabled."""
    found: list[Json] = []
    documents, results = 0, 0
    for block in _sources(objects_of(body["messages"])):
        is_document = block["type"] == "document"
        if _is_enabled(block):
            found.append(_document(block, documents) if is_document else _result(block, results))
        documents += is_document
        results += not is_document
    return found


def cite_search(title: str, url: str) -> JsonObject:
    """Return the citation of what a search of the web found."""
    return {
        "type": "web_search_result_location",
        "cited_text": title,
        "encrypted_index": base64.b64encode(b"1").decode(),
        "title": title,
        "url": url,
    }


def cite_page(text: str, index: int) -> JsonObject:
    """Return the citation of a page that was fetched and has one text as title and content."""
    return {
        "type": "char_location",
        "cited_text": text,
        "document_index": index,
        "document_title": text,
        "file_id": None,
        "start_char_index": 0,
        "end_char_index": len(text),
    }


def count_documents(messages: list[JsonObject]) -> int:
    """Return how many documents a conversation holds, fetched ones too."""
    fetched = [
        block
        for message in messages
        for block in blocks_of(message)
        if block["type"] == "web_fetch_tool_result"
    ]
    given = [block for block in _sources(messages) if block["type"] == "document"]
    return len(given) + len(fetched)


def _sources(messages: list[JsonObject]) -> list[JsonObject]:
    """Return documents and search results in their order, those in tool results too."""
    found: list[JsonObject] = []
    for message in messages:
        for block in blocks_of(message):
            inner = objects_of(block.get("content")) if block["type"] == "tool_result" else [block]
            found += [item for item in inner if item.get("type") in {"document", "search_result"}]
    return found


def _is_enabled(block: JsonObject) -> bool:
    citations = block.get("citations")
    return isinstance(citations, dict) and citations.get("enabled") is True


def _document(block: JsonObject, index: int) -> JsonObject:
    source = block["source"]
    where = source if isinstance(source, dict) else {}
    shared: JsonObject = {
        "document_index": index,
        "document_title": block.get("title"),
        "file_id": where.get("file_id"),
    }
    if where.get("type") == "text":
        cited = str(where.get("data", ""))[:_CITED_CHARS]
        place: JsonObject = {"start_char_index": 0, "end_char_index": len(cited)}
        return {"type": "char_location", "cited_text": cited, **shared, **place}
    if where.get("type") == "content":
        content = where.get("content")
        cited = content if isinstance(content, str) else _first_text(content)
        place = {"start_block_index": 0, "end_block_index": 1}
        return {"type": "content_block_location", "cited_text": cited, **shared, **place}
    place = {"start_page_number": 1, "end_page_number": 2}
    return {"type": "page_location", "cited_text": _PAGE_TEXT, **shared, **place}


def _result(block: JsonObject, index: int) -> JsonObject:
    return {
        "type": "search_result_location",
        "cited_text": _first_text(block["content"]),
        "search_result_index": index,
        "source": block["source"],
        "title": block["title"],
        "start_block_index": 0,
        "end_block_index": 1,
    }


def _first_text(content: Json) -> str:
    texts = [str(item["text"]) for item in objects_of(content) if "text" in item]
    return texts[0] if texts else ""
