"""L4-07: what a newer version of the API refuses is foretold from requests, and seen in answers."""

import msgspec
import pytest

from l9gate.contract import Asked, Observed, compare_versions, foretell_refusals
from l9gate.wire.json import Json, JsonObject

CITED: JsonObject = {"type": "text", "text": "t", "citations": [{"type": "char_location"}]}


def _said(role: str, *blocks: Json) -> JsonObject:
    return {"messages": ["no message", {"role": role, "content": list(blocks)}]}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"temperature": 1.0, "top_k": 3}, [("accept.sampling", "/temperature"),
                                            ("accept.sampling", "/top_k")]),
        (_said("assistant", {"type": "document"}), [("accept.document", "/messages/1/content/0")]),
        (_said("user", {"type": "document"}), []),
        (_said("user", CITED), [("accept.citations", "/messages/1/content/0/citations")]),
        (_said("user", {**CITED, "citations": []}), []),
        (_said("assistant", CITED), []),
        (
            _said("user", {"type": "search_result", "content": [CITED]}, "no block"),
            [("accept.citations", "/messages/1/content/0/content/0/citations")],
        ),
        ({"messages": [{"role": "user", "content": "text"}]}, []),
        ({"messages": "none"}, []),
        (
            {"requests": [{"params": {"top_p": 1}}, {"params": 1}, 2]},
            [("accept.sampling", "/requests/0/params/top_p")],
        ),
    ],
)  # fmt: skip
def test_refusals_are_foretold(body: JsonObject, expected: list[tuple[str, str]]) -> None:
    assert [(drift.code, drift.path) for drift in foretell_refusals(body)] == expected


def _answer(status: int, body: JsonObject, version: str = "2026-10-21") -> Observed:
    asked = Asked(api_version=version, body=body)
    return Observed(asked=asked, status=status, headers={})


@pytest.mark.parametrize(
    ("was", "now", "body", "expected"),
    [
        (200, 400, {"temperature": 1}, ["accept.sampling"]),
        (200, 400, {}, ["accept.unannounced"]),
        (200, 200, {"temperature": 1}, ["accept.not_enforced"]),
        (400, 200, {}, ["accept.widened"]),
        (400, 400, {"temperature": 1}, []),
        (200, 200, {}, []),
        (200, 529, {"temperature": 1}, ["status.transient"]),
        (429, 200, {}, ["status.transient"]),
    ],
)
def test_answers_under_two_versions_are_compared(
    was: int, now: int, body: JsonObject, expected: list[str]
) -> None:
    newer = _answer(now, body)
    older = msgspec.structs.replace(newer, status=was)
    assert [drift.code for drift in compare_versions(older, newer)] == expected


def test_only_the_newer_version_has_to_refuse() -> None:
    older = _answer(200, {"temperature": 1}, "2023-06-01")
    assert compare_versions(older, older) == []
