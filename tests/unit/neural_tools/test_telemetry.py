import json
import logging
from collections.abc import Callable, Iterator

import httpx2
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from l9gate.measure.clock import ManualClock
from neural_tools import telemetry
from neural_tools.corpus import Chunk
from neural_tools.errors import KeyRefusedError
from neural_tools.index import Candidate, CodeIndex
from neural_tools.reranker import Reranker
from neural_tools.search import Searcher
from neural_tools.settings import Settings

Make = Callable[[int], list[Candidate]]
Open = Callable[..., Reranker]
Build = Callable[..., httpx2.Response]
Signals = list[dict[str, object]]


@pytest.fixture
def signals() -> Iterator[Signals]:
    """What a gate reads that attaches a handler and knows nothing else."""
    seen: Signals = []

    class Reader(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record.__dict__["l9gate"])

    reader = Reader()
    logger = logging.getLogger("neural_tools.signals")
    logger.addHandler(reader)
    yield seen
    logger.removeHandler(reader)


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "_tracer", provider.get_tracer("test"))
    return exporter


def test_one_record_tells_all_about_a_rerank_and_nothing_of_its_content(
    open_reranker: Open, candidates: Make, answer: Build, signals: Signals, clock: ManualClock
) -> None:
    """H-03, E-06."""
    reranker = open_reranker(answer(), cache_ttl_s=60.0)
    reranker.rerank("secret query", candidates(3))
    clock.advance(30.0)
    reranker.rerank("secret query", candidates(3))
    miss, hit = signals
    assert miss == {
        "operation": "rerank",
        "within": None,
        "duration_s": 0.0,
        "cache": "miss",
        "fallback": None,
        "mock": False,
        "avoided_input_tokens": 0,
        "avoided_output_tokens": 0,
        "age_s": None,
        "ttl_s": None,
        "model": "claude-haiku-5-5",
    }
    assert hit == miss | {
        "cache": "hit",
        "avoided_input_tokens": 500,
        "avoided_output_tokens": 20,
        "age_s": 30.0,
        "ttl_s": 60.0,
    }
    assert "secret" not in json.dumps(signals)
    assert "sk-unit" not in json.dumps(signals)


def test_a_fallback_is_a_record_with_its_reason(
    open_reranker: Open, candidates: Make, refusal: Build, signals: Signals
) -> None:
    """S-04, H-05."""
    open_reranker(refusal(529, "overloaded_error")).rerank("q", candidates(3))
    assert [(s["fallback"], s["cache"]) for s in signals] == [("overloaded", "miss")]


def test_a_mock_is_a_record_that_says_so(candidates: Make, signals: Signals) -> None:
    """V-01."""
    with Reranker(Settings(environment="development")) as reranker:
        reranker.rerank("q", candidates(3))
    assert [(s["mock"], s["cache"]) for s in signals] == [(True, "off")]


def test_an_operation_that_gave_no_result_leaves_no_record(
    open_reranker: Open, candidates: Make, refusal: Build, signals: Signals
) -> None:
    with pytest.raises(KeyRefusedError):
        open_reranker(refusal(401, "authentication_error")).rerank("q", candidates(3))
    assert signals == []


def test_a_search_is_degraded_or_cached_as_its_re_ranking_is_which_is_part_of_it(
    open_reranker: Open, answer: Build, refusal: Build, signals: Signals
) -> None:
    """H-03, H-05: who counts searches must see a fallback as one."""
    chunks = [Chunk(id=n, name=n, path="p", code="x") for n in ("parse_a", "parse_b")]
    index = CodeIndex.build(chunks)
    Searcher(index, open_reranker(refusal(529, "overloaded_error"))).search("parse")
    searcher = Searcher(index, open_reranker(answer(["c2", "c1"])))
    searcher.search("parse")
    searcher.search("parse")
    found = [(s["operation"], s["within"], s["cache"], s["fallback"]) for s in signals]
    assert found == [
        ("rerank", "search", "miss", "overloaded"),
        ("search", None, "miss", "overloaded"),
        ("rerank", "search", "miss", None),
        ("search", None, "miss", None),
        ("rerank", "search", "hit", None),
        ("search", None, "hit", None),
    ]
    assert signals[-1]["avoided_input_tokens"] == signals[-2]["avoided_input_tokens"] == 500


def test_records_exist_whatever_level_the_root_has_and_print_nothing(
    open_reranker: Open, candidates: Make, answer: Build, signals: Signals,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.CRITICAL)
    try:
        open_reranker(answer()).rerank("q", candidates(3))
    finally:
        root.setLevel(level)
    assert len(signals) == 1
    assert capsys.readouterr() == ("", "")


def test_spans_carry_the_facts_and_no_content(
    open_reranker: Open, candidates: Make, answer: Build, spans: InMemorySpanExporter
) -> None:
    """S-06."""
    open_reranker(answer()).rerank("secret query", candidates(3))
    span = next(span for span in spans.get_finished_spans() if span.name == "rerank")
    facts = {
        name: value for name, value in (span.attributes or {}).items() if name[:7] != "l9gate."
    }
    assert facts == {
        "neural_tools.cache": "miss",
        "neural_tools.degraded": False,
        "neural_tools.mock": False,
        "neural_tools.candidates": 3,
        "gen_ai.request.model": "claude-haiku-5-5",
        "neural_tools.request_id": "req_ok",
    }
    assert "secret" not in span.to_json()


def test_a_span_tells_the_gate_what_the_record_tells(
    open_reranker: Open, candidates: Make, answer: Build, spans: InMemorySpanExporter,
    signals: Signals,
) -> None:  # fmt: skip
    """H-03."""
    reranker = open_reranker(answer())
    for _ in range(2):
        reranker.rerank("q", candidates(3))
    told = [
        {
            name[7:]: value
            for name, value in (span.attributes or {}).items()
            if name[:7] == "l9gate."
        }
        for span in spans.get_finished_spans()
        if span.name == "rerank"
    ]
    said = [{name: value for name, value in one.items() if value is not None} for one in signals]
    assert told == said
    assert [one["cache"] for one in told] == ["miss", "hit"]


def test_a_failed_rerank_is_a_span_with_an_error(
    open_reranker: Open, candidates: Make, refusal: Build, spans: InMemorySpanExporter
) -> None:
    with pytest.raises(KeyRefusedError):
        open_reranker(refusal(401, "authentication_error")).rerank("secret", candidates(3))
    (span,) = spans.get_finished_spans()
    assert span.status.status_code is trace.StatusCode.ERROR
    assert "secret" not in span.to_json()
