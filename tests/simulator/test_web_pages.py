"""Which page a tool visits."""

from collections.abc import Callable

import pytest

from l9gate.net.http import HttpResponse
from l9gate.simulator.web_pages import find_page, is_allowed, site_of
from l9gate.wire.json import Json, JsonObject

ASKED: list[JsonObject] = [
    {"role": "user", "content": "Read https://a.example/1, then https://b.example/2."},
    {"role": "assistant", "content": "What about https://c.example/3?"},
]


@pytest.mark.parametrize(
    ("tool", "page"),
    [
        ({}, "https://b.example/2"),
        ({"url_sources": {"user_input": {"type": "all"}}}, "https://b.example/2"),
        ({"url_sources": {"user_input": {"type": "none"}}}, "https://example.com/simulated"),
    ],
)
def test_the_page_is_the_last_that_the_user_wrote(tool: JsonObject, page: str) -> None:
    assert find_page(tool, ASKED) == page


def test_without_an_address_the_page_is_one_that_the_tool_may_visit() -> None:
    asked: list[JsonObject] = [{"role": "user", "content": "Read http:// something"}]
    assert find_page({"allowed_domains": ["a.example"]}, asked) == "https://a.example/simulated"


@pytest.mark.parametrize(
    ("tool", "site"),
    [
        ({}, "example.com"),
        ({"allowed_domains": []}, "example.com"),
        ({"allowed_domains": ["x.example/blog", "y.example"]}, "x.example/blog"),
        ({"blocked_domains": ["example.com"]}, "example.org"),
        ({"blocked_domains": ["com", "org", "net"]}, "simulated.example"),
    ],
)
def test_a_site_is_one_that_the_tool_may_visit(tool: JsonObject, site: str) -> None:
    assert site_of(tool) == site


@pytest.mark.parametrize(
    ("tool", "url", "allowed"),
    [
        ({}, "https://a.example", True),
        ({"allowed_domains": ["a.example"]}, "https://www.a.example/x", True),
        ({"allowed_domains": ["a.example"]}, "https://ba.example/x", False),
        ({"allowed_domains": ["a.example"]}, "https://[broken", False),
        ({"blocked_domains": ["a.example/blog"]}, "https://a.example/", False),
        ({"blocked_domains": ["a.example"]}, "https://b.example/a.example", True),
    ],
)
def test_domains_hold_with_all_that_is_under_them(
    tool: JsonObject, url: str, allowed: bool
) -> None:
    assert is_allowed(tool, url) is allowed


SEARCH: JsonObject = {"type": "web_search_20260318", "name": "web_search"}
FETCH: JsonObject = {"type": "web_fetch_20260318", "name": "web_fetch"}


def _sources(name: str) -> Json:
    return {"client_tool_results": {"type": "only", "tools": [_reference(name)]}}


def _reference(name: str) -> Json:
    return {"type": "tool_reference", "name": name}


@pytest.mark.parametrize(
    ("tool", "says"),
    [
        (
            {**SEARCH, "allowed_domains": ["a.example"], "blocked_domains": ["b.example"]},
            "tools.0.web_search_20260318.blocked_domains: cannot be used",
        ),
        (
            {**FETCH, "url_sources": _sources("nobody")},
            "url_sources.client_tool_results.only.tools.0.name: no such tool: nobody",
        ),
        ({**FETCH, "url_sources": _sources("web_fetch")}, None),
        ({**SEARCH, "allowed_domains": ["a.example"], "blocked_domains": None}, None),
    ],
)
def test_where_a_tool_may_look_is_checked(
    ask: Callable[..., HttpResponse], body: JsonObject, tool: JsonObject, says: str | None
) -> None:
    """The SDK's types say so of both."""
    response = ask({**body, "tools": [tool]})
    assert response.status == (200 if says is None else 400)
    assert isinstance(response.body, bytes)
    assert says is None or says in response.body.decode()
