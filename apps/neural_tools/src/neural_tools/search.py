"""A query becomes hits: first stage, then the re-ranker."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from neural_tools import telemetry
from neural_tools.corpus import Chunk
from neural_tools.counts import Statistics
from neural_tools.index import Candidate, CodeIndex
from neural_tools.reranker import Reranked, Reranker


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One found function."""

    rank: int  # 1 for the best
    chunk: Chunk
    score: float  # BM25; it need not fall with the rank, for the model decides that


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """The hits of one query and where their order comes from."""

    hits: tuple[Hit, ...]
    latency_s: float  # of the whole search
    rerank: Reranked

    @property
    def degraded(self) -> bool:
        """Whether the hits are in first-stage order because the model could not be asked."""
        return self.rerank.degraded

    @property
    def reason(self) -> str | None:
        """Why the result is degraded."""
        return self.rerank.reason

    @property
    def cached(self) -> bool:
        """Whether the order was remembered from an earlier answer."""
        return self.rerank.cached

    @property
    def mock(self) -> bool:
        """Whether the order is invented."""
        return self.rerank.mock

    @property
    def model(self) -> str | None:
        """The model that ranked, as it names itself."""
        return self.rerank.model

    @property
    def request_id(self) -> str | None:
        """The API's id of the request that the order, or the failure, comes from."""
        return self.rerank.request_id


class Searcher:
    """Searches one index with one re-ranker; may be used from many threads."""

    def __init__(
        self,
        index: CodeIndex,
        reranker: Reranker,
        *,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.index = index
        self.reranker = reranker
        self._clock = clock

    def search(self, query: str, top: int = 10) -> SearchResult:
        """Return the best `top` hits, ranked by the model among the first stage's candidates.

        Raises:
            ConfigurationError: as `Reranker.rerank`.
            RerankUnavailableError: as `Reranker.rerank`.
        """
        started_s = self._clock()
        with telemetry.enclose("search") as operation:
            reranked = self.reranker.rerank(query, self._candidates(query, top))
            return self._conclude(reranked, top, started_s, operation)

    async def asearch(self, query: str, top: int = 10) -> SearchResult:
        """Do what `search` does; only the first stage, some milliseconds, blocks the event loop."""
        started_s = self._clock()
        with telemetry.enclose("search") as operation:
            reranked = await self.reranker.arerank(query, self._candidates(query, top))
            return self._conclude(reranked, top, started_s, operation)

    def statistics(self) -> Statistics:
        """Return what the re-ranker did so far."""
        return self.reranker.statistics()

    def _candidates(self, query: str, top: int) -> Sequence[Candidate]:
        # The model sees as many candidates as it may even where fewer hits are wanted.
        return self.index.search(query, max(top, self.reranker.settings.candidates))

    def _conclude(
        self, reranked: Reranked, top: int, started_s: float, operation: telemetry.Enclosing
    ) -> SearchResult:
        hits = tuple(
            Hit(rank=rank, chunk=candidate.chunk, score=candidate.score)
            for rank, candidate in enumerate(reranked.candidates[: max(top, 0)], start=1)
        )
        latency_s = self._clock() - started_s
        # A search is cached or degraded exactly if its re-ranking is.
        part = operation.inner or telemetry.Operation(name="search", duration_s=0.0)
        telemetry.report(replace(part, name="search", duration_s=latency_s, candidates=len(hits)))
        return SearchResult(hits=hits, latency_s=latency_s, rerank=reranked)
