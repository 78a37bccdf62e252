import re
from collections.abc import Callable
from html.parser import HTMLParser
from math import inf

import msgspec
import pytest

from l9gate.criteria.criterion import Finding, Scope
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import End, Exchange, Layer
from l9gate.report.document import Document, VoidTest
from l9gate.report.page import render_page
from l9gate.report.series import limits_on, series_of_calls

VOID = {"meta", "br", "path", "link"}


class _Checked(HTMLParser):
    """Every element that begins ends, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def checked(page: bytes) -> list[tuple[str, dict[str, str | None]]]:
    parser = _Checked()
    parser.feed(page.decode())
    assert parser.open == []
    return parser.seen


def test_the_page_begins_with_the_verdict_and_needs_nothing_else(document: Document) -> None:
    page = render_page(document, MemoryLog())
    elements = checked(page)
    text = page.decode()
    assert re.search(r"<body>\s*<main>\s*<h1", text)
    assert re.sub(r"&[a-z]+;|[<>]", "", document.headline)[:20] in text
    assert not [tag for tag, _ in elements if tag in {"script", "img", "iframe", "object"}]
    assert not [one for _, attrs in elements for one in attrs if one in {"src", "href"}]
    assert "default-src 'none'" in text
    assert len(page) < 300_000


def test_every_finding_is_a_row_with_number_limit_and_what_it_rests_on(document: Document) -> None:
    text = render_page(document, MemoryLog()).decode()
    for finding in document.findings:
        assert f"<td>{finding.criterion}<" in text
    assert 'scope="col"' in text


def test_words_of_others_are_escaped(document: Document, finding: Finding) -> None:
    hostile = msgspec.structs.replace(finding, reason="<script>alert(1)</script>")
    page = render_page(
        msgspec.structs.replace(document, findings=(hostile,), notes=("<b>",)), MemoryLog()
    )
    assert b"<script" not in page
    assert b"&lt;script&gt;" in page
    assert b"<b>" not in page


def test_a_page_stays_small_whatever_there_is_to_list(document: Document) -> None:
    void = tuple(VoidTest(node_id=f"tests/{n}::{'x' * 90}", reason="vacuous") for n in range(9_000))
    page = render_page(msgspec.structs.replace(document, void_tests=void), MemoryLog())
    checked(page)
    assert len(page) < 300_000
    assert "… and 8800 more" in page.decode()


def test_the_same_document_gives_the_same_bytes(document: Document) -> None:
    assert render_page(document, MemoryLog()) == render_page(document, MemoryLog())


@pytest.mark.parametrize(
    ("condition", "limit", "names"),
    [
        ("p95(load.latency_s) < 2", 2.0, ["p95 < 2 s"]),
        ("p99.9(load.latency_s) <= 0.5", 0.5, ["p99.9 <= 500 ms"]),
        ("p95(latency_s) < 2", 2.0, []),
        ("rate(load.error) <= 5%", 0.05, []),
    ],
)
def test_limits_of_charts_are_those_on_their_quantity(
    condition: str, limit: float, names: list[str], finding: Finding
) -> None:
    one = msgspec.structs.replace(finding, condition=condition, limit=limit)
    assert [limit.name for limit in limits_on("load.latency_s", [one, one])] == names


def test_calls_of_tests_are_drawn_layer_by_layer(
    exchange: Callable[..., Exchange], scope: Scope
) -> None:
    calls = [
        exchange(layer=Layer.PERFORMANCE, call_id="a", due_s=10.0, ended_s=11.0),
        exchange(layer=Layer.CONTRACT, call_id="b", due_s=12.0, ended_s=12.5),
        exchange(layer=Layer.CONTRACT, call_id="c", due_s=13.0, ended_s=14.0, status=500),
        exchange(layer=Layer.CONTRACT, call_id="d", due_s=14.0, ended_s=15.0, end=End.TIMED_OUT),
    ]
    first, second = series_of_calls(MemoryLog(calls), scope)
    assert (first.name, first.at_s, first.took_s) == ("performance", [0.0], [1.0])
    assert (second.name, second.at_s, second.took_s) == ("contract", [2.0], [0.5])
    assert list(second.ranked_s) == [0.5, inf], "a timeout is longer than anything"
    assert second.failed_s == [4.0, 5.0]
    assert series_of_calls(MemoryLog(), scope) == []
