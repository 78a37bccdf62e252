"""The shapes of tools: a client's own ones, and those that the API defines."""

from collections.abc import Iterable

from l9gate.simulator.block_shapes import CACHED, CITATIONS, INPUT, TEXT, TYPE
from l9gate.simulator.shapes import (
    Boolean,
    Integer,
    ListOf,
    Nullable,
    OneOf,
    Record,
    Shape,
    Tagged,
    Text,
)
from l9gate.simulator.toolsets import BROWSER, COMPUTER

CALLERS = (
    "direct",
    "code_execution_20250825",
    "code_execution_20260120",
    "code_execution_20260521",
)
_SHARED: dict[str, Shape] = {
    **TYPE,
    **CACHED,
    "allowed_callers": Nullable(ListOf(OneOf(CALLERS))),
    "defer_loading": Nullable(Boolean()),
    "strict": Nullable(Boolean()),
}
_EXAMPLES: dict[str, Shape] = {"input_examples": Nullable(ListOf(INPUT))}
_CUSTOM = Record(
    {
        **_SHARED,
        **_EXAMPLES,
        "name": Text(1, 128, "[a-zA-Z0-9_-]{1,128}"),
        "description": TEXT,
        "input_schema": Record(
            {
                "type": OneOf(("object",)),
                "properties": Nullable(INPUT),
                "required": Nullable(ListOf(TEXT)),
            },
            ("type",),
            is_open=True,
        ),
        "eager_input_streaming": Nullable(Boolean()),
    },
    ("name", "input_schema"),
)


def _named(name: str, **more: Shape) -> Record:
    """Return a tool of the API that always has one name."""
    return Record({**_SHARED, **more, "name": OneOf((name,))}, ("name",))


_LIMIT = Nullable(Integer(1))
_DOMAINS: dict[str, Shape] = {
    "allowed_domains": Nullable(ListOf(TEXT)),
    "blocked_domains": Nullable(ListOf(TEXT)),
    "max_uses": _LIMIT,
}
_PLACE = Nullable(Text(1, 255))
_LOCATION = Nullable(
    Record(
        {
            "type": OneOf(("approximate",)),
            "city": _PLACE,
            "country": Nullable(Text(2, 2)),
            "region": _PLACE,
            "timezone": _PLACE,
        },
        ("type",),
    )
)
_TOOL_NAMES = ListOf(
    Tagged({"tool_reference": Record({**TYPE, "name": TEXT}, ("name",))}, is_shown=False)
)
_SOURCE = Tagged(
    {
        "all": Record(TYPE),
        "none": Record(TYPE),
        "only": Record({**TYPE, "tools": _TOOL_NAMES}, ("tools",)),
        "except": Record({**TYPE, "tools": _TOOL_NAMES}, ("tools",)),
    }
)
_URL_SOURCES = Nullable(
    Record(
        {
            "client_tool_results": _SOURCE,
            "server_tool_results": _SOURCE,
            "user_input": Tagged({"all": Record(TYPE), "none": Record(TYPE)}),
        }
    )
)
_SEARCH: dict[str, Shape] = {**_DOMAINS, "user_location": _LOCATION}
_FETCH: dict[str, Shape] = {
    **_DOMAINS,
    "citations": CITATIONS,
    "max_content_tokens": _LIMIT,
    "url_sources": _URL_SOURCES,
}
_INCLUSION: dict[str, Shape] = {"response_inclusion": OneOf(("full", "excluded"))}
_CACHING: dict[str, Shape] = {"use_cache": Boolean()}
_MEMBER = Nullable(Record(dict.fromkeys(("defer_loading", "enabled"), Nullable(Boolean()))))


def _toolset(members: Iterable[str]) -> Record:
    """Return a toolset: it has no name, and may configure each of its members."""
    configs = Record(dict.fromkeys(members, _MEMBER))
    return Record({**TYPE, **CACHED, "configs": Nullable(configs)})


_EDITOR = "str_replace_based_edit_tool"
_CODE = _named("code_execution")
_BM25, _REGEX = _named("tool_search_tool_bm25"), _named("tool_search_tool_regex")
TOOL_SHAPES: dict[str, Shape] = {
    "custom": _CUSTOM,
    "bash_20250124": _named("bash", **_EXAMPLES),
    "text_editor_20250124": _named("str_replace_editor", **_EXAMPLES),
    "text_editor_20250429": _named(_EDITOR, **_EXAMPLES),
    "text_editor_20250728": _named(_EDITOR, **_EXAMPLES, max_characters=_LIMIT),
    "memory_20250818": _named("memory", **_EXAMPLES),
    "browser_toolset_20260801": _toolset(BROWSER),
    "computer_toolset_20260801": _toolset(COMPUTER),
    "code_execution_20250522": _CODE,
    "code_execution_20250825": _CODE,
    "code_execution_20260120": _CODE,
    "code_execution_20260521": _CODE,
    "web_search_20250305": _named("web_search", **_SEARCH),
    "web_search_20260209": _named("web_search", **_SEARCH),
    "web_search_20260318": _named("web_search", **_SEARCH, **_INCLUSION),
    "web_fetch_20250910": _named("web_fetch", **_FETCH),
    "web_fetch_20260209": _named("web_fetch", **_FETCH),
    "web_fetch_20260309": _named("web_fetch", **_FETCH, **_CACHING),
    "web_fetch_20260318": _named("web_fetch", **_FETCH, **_CACHING, **_INCLUSION),
    "tool_search_tool_bm25_20251119": _BM25,
    "tool_search_tool_bm25": _BM25,
    "tool_search_tool_regex_20251119": _REGEX,
    "tool_search_tool_regex": _REGEX,
}
