"""L2-10, S-04, C-03: without an answer the user gets the first stage's order, and is told so."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from l9gate.simulator.server import SimulatorThread
from neural_tools.errors import RerankUnavailableError
from neural_tools.search import Searcher, SearchResult

pytestmark = pytest.mark.integration

TOO_SOON_S = 0.02  # no model answers in that time
SHORT_S = 0.5
SLACK_S = 0.25  # between the end of the deadline and the return, on a busy machine


@dataclass(frozen=True, kw_only=True)
class Illness:
    """What is wrong with an API, and what the user is told."""

    fault: str
    reason: str
    settings: dict[str, object] = field(default_factory=dict)


ILLNESSES = [
    pytest.param(illness, id=name, marks=pytest.mark.scenario(illness.reason))
    for name, illness in {
        "internal error": Illness(fault="status=500", reason="server_error"),
        "silence": Illness(fault="delay_s=60", reason="timeout", settings={"deadline_s": SHORT_S}),
        "stall": Illness(fault="stall_s=60", reason="timeout", settings={"deadline_s": SHORT_S}),
        "slow body": Illness(  # each pause is shorter than the deadline, both are not
            fault="delay_s=0.4, stall_s=0.4", reason="timeout", settings={"deadline_s": SHORT_S}
        ),
        "cut body": Illness(fault="cut_body", reason="cut_stream"),
        "reset stream": Illness(
            fault="reset_after_events=3", reason="cut_stream", settings={"stream": True}
        ),
        "stream without an end": Illness(
            fault="cut_after_events=3", reason="cut_stream", settings={"stream": True}
        ),
        "no JSON": Illness(fault="malformed", reason="malformed_answer"),
        "no ranking": Illness(fault="invalid_json_text", reason="malformed_answer"),
    }.items()
]


def _assert_first_stage(searcher: Searcher, query: str, result: SearchResult, reason: str) -> None:
    assert (result.degraded, result.reason, result.cached) == (True, reason, False)
    assert result.model is None
    expected = [candidate.chunk.id for candidate in searcher.index.search(query, 10)]
    assert [hit.chunk.id for hit in result.hits] == expected


@pytest.mark.expects_fallback
@pytest.mark.scenario("timeout")
def test_answer_that_comes_too_late_falls_back_and_the_next_one_is_ranked(
    open_searcher: Callable[..., Searcher],
    queries: tuple[str, ...],
    assert_ranked: Callable[[SearchResult], None],
) -> None:
    """The only fallback that the real API can be made to cause: it is asked to be impossible."""
    hasty, patient = open_searcher(deadline_s=TOO_SOON_S), open_searcher()
    started_s = time.monotonic()
    late = hasty.search(queries[300])
    assert time.monotonic() - started_s < TOO_SOON_S + SLACK_S
    _assert_first_stage(hasty, queries[300], late, "timeout")
    assert hasty.statistics().fallbacks == {"timeout": 1}
    assert hasty.reranker.cache_statistics().entries == 0
    assert_ranked(patient.search(queries[300]))


@pytest.mark.offline
@pytest.mark.scenario("connection")
def test_unreachable_api_gives_the_first_stage_and_is_not_remembered(
    closed_url: str, open_searcher: Callable[..., Searcher], queries: tuple[str, ...]
) -> None:
    """L2-10: degraded flag, order of the first stage, counter, and nothing in the cache."""
    searcher = open_searcher(base_url=closed_url, attempts=2)
    for number in (1, 2):
        _assert_first_stage(searcher, queries[301], searcher.search(queries[301]), "connection")
        assert searcher.statistics().fallbacks == {"connection": number}
    assert searcher.statistics().fallback_rate == 1.0
    assert searcher.reranker.cache_statistics().entries == 0


@pytest.mark.offline
@pytest.mark.parametrize("illness", ILLNESSES)
def test_ill_api_gives_the_first_stage(
    open_ill_api: Callable[..., SimulatorThread],
    open_searcher: Callable[..., Searcher],
    queries: tuple[str, ...],
    illness: Illness,
) -> None:
    """E-05."""
    api = open_ill_api(illness.fault)
    searcher = open_searcher(base_url=api.base_url, attempts=2, **illness.settings)
    started_s = time.monotonic()
    result = searcher.search(queries[302])
    deadline_s = searcher.reranker.settings.deadline_s
    assert time.monotonic() - started_s < deadline_s + SLACK_S
    _assert_first_stage(searcher, queries[302], result, illness.reason)
    assert searcher.statistics().fallbacks == {illness.reason: 1}
    assert searcher.reranker.cache_statistics().entries == 0


@pytest.mark.offline
@pytest.mark.scenario("server_error")
def test_api_that_recovers_is_asked_again(
    open_ill_api: Callable[..., SimulatorThread],
    open_searcher: Callable[..., Searcher],
    queries: tuple[str, ...],
    assert_ranked: Callable[[SearchResult], None],
) -> None:
    """A degraded result that were remembered would outlive its cause."""
    searcher = open_searcher(base_url=open_ill_api("status=500", nth=1).base_url, attempts=1)
    ill, well, remembered = (searcher.search(queries[303]) for _ in range(3))
    assert ill.degraded
    assert_ranked(well)
    assert (well.cached, remembered.cached) == (False, True)


@pytest.mark.offline
@pytest.mark.scenario("connection")
def test_strict_mode_raises_when_the_api_is_unreachable(
    closed_url: str, open_searcher: Callable[..., Searcher], queries: tuple[str, ...]
) -> None:
    """C-03."""
    searcher = open_searcher(base_url=closed_url, attempts=1, strict=True)
    with pytest.raises(RerankUnavailableError) as raised:
        searcher.search(queries[304])
    assert raised.value.reason == "connection"
    assert searcher.statistics().fallbacks == {}
