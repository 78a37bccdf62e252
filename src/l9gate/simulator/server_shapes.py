"""The shapes of the blocks of servers' tools, which come back as an answer held them."""

from l9gate.simulator.block_shapes import (
    CALLER,
    DOCUMENT,
    INPUT,
    MAYBE_TEXT,
    TEXT,
    TOOL_REFERENCE,
    block,
    cached,
)
from l9gate.simulator.shapes import (
    Boolean,
    Integer,
    ListOf,
    ListOr,
    Nullable,
    OneOf,
    Record,
    Shape,
    Tagged,
    Text,
)

SERVER_TOOLS = (
    "web_search",
    "web_fetch",
    "code_execution",
    "bash_code_execution",
    "text_editor_code_execution",
    "tool_search_tool_regex",
    "tool_search_tool_bm25",
)
_ID = Text(1, pattern="srvtoolu_[a-zA-Z0-9_]+")
_COUNT = Nullable(Integer())
_FILE_ID: dict[str, Shape] = {"file_id": TEXT}
_FAILED = block({"error_code": Text(1)})
_FAILED_SAYING = block({"error_code": Text(1), "error_message": MAYBE_TEXT}, "error_message")


def _one_of(**shapes: Shape) -> Tagged:
    """Return objects of which no step of the path tells the tag."""
    return Tagged(shapes, is_shown=False)


def _result(content: Shape) -> Record:
    return cached({"tool_use_id": _ID, "content": content})


def _web_result(content: Shape) -> Record:
    return cached({"tool_use_id": _ID, "content": content, "caller": CALLER}, "caller")


def _ran(output: Tagged, stdout: str = "stdout") -> Record:
    return block(
        {"content": ListOf(output), "return_code": Integer(), "stderr": TEXT, stdout: TEXT}
    )


_WEB_SEARCH_RESULT = block(
    {"encrypted_content": TEXT, "title": TEXT, "url": TEXT, "page_age": MAYBE_TEXT}, "page_age"
)
_WEB_FETCH_RESULT = block(
    {"content": _one_of(document=DOCUMENT), "url": TEXT, "retrieved_at": MAYBE_TEXT},
    "retrieved_at",
)
_CODE_OUTPUT = _one_of(code_execution_output=block(_FILE_ID))
_VIEWED = block(
    {
        "content": TEXT,
        "file_type": OneOf(("text", "image", "pdf")),
        "num_lines": _COUNT,
        "start_line": _COUNT,
        "total_lines": _COUNT,
    },
    "num_lines",
    "start_line",
    "total_lines",
)
_REPLACED_FIELDS: dict[str, Shape] = {
    "lines": Nullable(ListOf(TEXT)),
    **dict.fromkeys(("new_lines", "new_start", "old_lines", "old_start"), _COUNT),
}
_EDITED = _one_of(
    text_editor_code_execution_view_result=_VIEWED,
    text_editor_code_execution_create_result=block({"is_file_update": Boolean()}),
    text_editor_code_execution_str_replace_result=block(_REPLACED_FIELDS, *_REPLACED_FIELDS),
    text_editor_code_execution_tool_result_error=_FAILED_SAYING,
)
RESULTS: dict[str, Shape] = {
    "web_search_tool_result": _web_result(
        ListOr(
            ListOf(_one_of(web_search_result=_WEB_SEARCH_RESULT)),
            _one_of(web_search_tool_result_error=_FAILED),
        )
    ),
    "web_fetch_tool_result": _web_result(
        _one_of(web_fetch_result=_WEB_FETCH_RESULT, web_fetch_tool_result_error=_FAILED)
    ),
    "code_execution_tool_result": _result(
        _one_of(
            code_execution_result=_ran(_CODE_OUTPUT),
            encrypted_code_execution_result=_ran(_CODE_OUTPUT, "encrypted_stdout"),
            code_execution_tool_result_error=_FAILED,
        )
    ),
    "bash_code_execution_tool_result": _result(
        _one_of(
            bash_code_execution_result=_ran(
                _one_of(bash_code_execution_output=block(_FILE_ID)),
            ),
            bash_code_execution_tool_result_error=_FAILED,
        )
    ),
    "text_editor_code_execution_tool_result": _result(_EDITED),
    "tool_search_tool_result": _result(
        _one_of(
            tool_search_tool_search_result=block(
                {"tool_references": ListOf(_one_of(tool_reference=TOOL_REFERENCE))}
            ),
            tool_search_tool_result_error=_FAILED_SAYING,
        )
    ),
}
SERVER_TOOL_USE = cached(
    {"id": _ID, "name": OneOf(SERVER_TOOLS), "input": INPUT, "caller": CALLER}, "caller"
)
CONTAINER_UPLOAD = cached({"file_id": TEXT})
