"""The shapes of content blocks as a client may send them.

Those of servers' tools are in `server_shapes`.
Names and types are those of SDK 2.12.0, lengths and patterns those of the description of May 2026.
"""

from l9gate.simulator.shapes import (
    Anything,
    Boolean,
    Fields,
    Integer,
    ListOf,
    Nullable,
    OneOf,
    Record,
    Shape,
    Tagged,
    Text,
    TextOr,
)

TYPE: dict[str, Shape] = {"type": Anything()}  # the tag was checked before
TEXT = Text()
MAYBE_TEXT = Nullable(Text())
INPUT = Record(is_open=True)
CACHE_CONTROL = Nullable(
    Tagged({"ephemeral": Record({**TYPE, "ttl": Nullable(OneOf(("5m", "1h")))})})
)
CACHED: dict[str, Shape] = {"cache_control": CACHE_CONTROL}
CITATIONS = Nullable(Record({"enabled": Boolean()}))
TOOL_USE_ID = Text(1, pattern="[a-zA-Z0-9_-]+")
_TITLE = Nullable(Text(1, 255))
CALLER = Nullable(
    Tagged(
        {
            "direct": Record(TYPE),
            "code_execution_20250825": Record({**TYPE, "tool_id": TEXT}, ("tool_id",)),
            "code_execution_20260120": Record({**TYPE, "tool_id": TEXT}, ("tool_id",)),
        },
        is_open=True,
    )
)


def block(fields: Fields, *optional: str) -> Record:
    """Return a block of which all fields are required but those named."""
    required = tuple(name for name in fields if name not in optional)
    return Record({**TYPE, **fields}, required)


def cached(fields: Fields, *optional: str) -> Record:
    """Return such a block that may have a cache breakpoint."""
    return block({**fields, **CACHED}, "cache_control", *optional)


def _location(first: str, last: str) -> Record:
    return block(
        {
            "cited_text": TEXT,
            "document_index": Integer(0),
            "document_title": _TITLE,
            first: Integer(0),
            last: Integer(),
            "file_id": MAYBE_TEXT,  # in answers, which come back as they were
        },
        "file_id",
    )


_CITATION = Tagged(
    {
        "char_location": _location("start_char_index", "end_char_index"),
        "page_location": _location("start_page_number", "end_page_number"),
        "content_block_location": _location("start_block_index", "end_block_index"),
        "web_search_result_location": block(
            {"cited_text": TEXT, "encrypted_index": TEXT, "title": MAYBE_TEXT, "url": TEXT}
        ),
        "search_result_location": block(
            {
                "cited_text": TEXT,
                "search_result_index": Integer(0),
                "source": TEXT,
                "title": MAYBE_TEXT,
                "start_block_index": Integer(0),
                "end_block_index": Integer(),
            }
        ),
    }
)
TEXT_BLOCK = cached({"text": TEXT, "citations": Nullable(ListOf(_CITATION))}, "citations")
# Where only text may stand there is no tag in the path: `system.1.cache_control.ephemeral.scope`.
TEXTS = ListOf(Tagged({"text": TEXT_BLOCK}, is_shown=False))
_URL = block({"url": TEXT})
_FILE = block({"file_id": TEXT})
IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
IMAGE = cached(
    {
        "source": Tagged(
            {
                "base64": block({"media_type": OneOf(IMAGE_TYPES), "data": TEXT}),
                "url": _URL,
                "file": _FILE,
            }
        ),
        "transformations": Nullable(Record({"oversized_image": OneOf(("downsize", "error"))})),
    },
    "transformations",
)
DOCUMENT = cached(
    {
        "source": Tagged(
            {
                "base64": block({"media_type": OneOf(("application/pdf",)), "data": TEXT}),
                "text": block({"media_type": OneOf(("text/plain",)), "data": TEXT}),
                "content": block(
                    {"content": TextOr(ListOf(Tagged({"text": TEXT_BLOCK, "image": IMAGE})))}
                ),
                "url": _URL,
                "file": _FILE,
            }
        ),
        "title": Nullable(Text(1, 500)),
        "context": Nullable(Text(1)),
        "citations": CITATIONS,
    },
    "title",
    "context",
    "citations",
)
SEARCH_RESULT = cached(
    {"content": TEXTS, "source": TEXT, "title": TEXT, "citations": CITATIONS}, "citations"
)
TOOL_REFERENCE = cached({"tool_name": TEXT})
_TAB = Record(
    {"tab_id": TEXT, "title": TEXT, "url": TEXT, "active": Boolean()}, ("tab_id", "title", "url")
)
_DOWNLOAD: dict[str, Shape] = {"download_id": TEXT, "url": TEXT}
_STATE_CHANGE = Tagged(
    {
        "tab_opened": block({"tab_id": TEXT}),
        "download_started": block(_DOWNLOAD),
        "download_completed": block(
            {**_DOWNLOAD, "path": MAYBE_TEXT, "size_bytes": Nullable(Integer(0))},
            "path",
            "size_bytes",
        ),
        "download_failed": block({**_DOWNLOAD, "error": MAYBE_TEXT}, "error"),
    }
)
_BROWSER_STATE = cached(
    {"tabs": ListOf(_TAB), "state_changes": Nullable(ListOf(_STATE_CHANGE))}, "state_changes"
)
TOOL_RESULT = cached(
    {
        "tool_use_id": TOOL_USE_ID,
        "content": Nullable(
            TextOr(
                ListOf(
                    Tagged(
                        {
                            "text": TEXT_BLOCK,
                            "image": IMAGE,
                            "search_result": SEARCH_RESULT,
                            "document": DOCUMENT,
                            "tool_reference": TOOL_REFERENCE,
                            "browser_state": _BROWSER_STATE,
                        }
                    )
                )
            )
        ),
        "is_error": Nullable(Boolean()),
        "toolset_name": MAYBE_TEXT,
    },
    "content",
    "is_error",
    "toolset_name",
)
TOOL_USE = cached(
    {
        "id": TOOL_USE_ID,
        "name": Text(1, 200),
        "input": INPUT,
        "caller": CALLER,
        "toolset_name": MAYBE_TEXT,
    },
    "caller",
    "toolset_name",
)
