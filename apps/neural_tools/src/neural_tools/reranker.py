"""Candidates come back in the model's order, or in their own with the reason why not."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from neural_tools import telemetry
from neural_tools.answer import Ranking, parse_ranking
from neural_tools.cache import CacheStatistics, TtlCache
from neural_tools.call import MessagesCall, Outside, Reply
from neural_tools.counts import Statistics, Tally
from neural_tools.errors import (
    AnswerError,
    ConfigurationError,
    NeuralToolsError,
    RerankUnavailableError,
)
from neural_tools.failure import AttemptFailedError, Failure
from neural_tools.index import Candidate
from neural_tools.loop import STOP_TIMEOUT_S, LoopThread
from neural_tools.mock import invent_order
from neural_tools.prompt import build_question, cache_key
from neural_tools.settings import Mode, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Reranked:
    """All candidates that were given, in their final order, and where that order comes from."""

    candidates: tuple[Candidate, ...]
    latency_s: float  # of this operation, whatever answered it
    degraded: bool = False  # the order is the first stage's, because of a transient failure
    reason: str | None = None  # of a degraded result; one of `failure.REASONS`
    failure: Failure | None = None
    cached: bool = False
    shared: bool = False  # answered by an equal question of somebody else that was on its way
    mock: bool = False  # the order is invented
    model: str | None = None  # as answered
    request_id: str | None = None
    attempts: int = 0
    repairs: int = 0  # entries of the answer that were dropped or appended


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    ranking: Ranking
    reply: Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """What one operation came to; exactly one of answer, failure and order is there."""

    answer: _Answer | None = None
    failure: Failure | None = None
    order: tuple[int, ...] = ()
    cache: str = "off"
    age_s: float | None = None  # of a remembered answer
    shared: bool = False
    mock: bool = False


class Reranker:
    """Ranks candidates with one Messages call; may be used from many threads and event loops.

    Equal questions that overlap in time share one call. Answers are remembered for
    `settings.cache_ttl_s` seconds; degraded and mock results never are.
    """

    def __init__(self, settings: Settings, outside: Outside | None = None) -> None:
        self.settings = settings
        self._outside = outside or Outside()
        self._clock = self._outside.clock
        self._cache: TtlCache[_Answer] = TtlCache(
            ttl_s=settings.cache_ttl_s, max_entries=settings.cache_entries, clock=self._clock
        )
        self._tally = Tally()
        self._loop = LoopThread("neural-tools-calls")
        # Only the loop's thread touches the flights.
        self._flights: dict[str, asyncio.Task[_Answer | Failure]] = {}
        is_real = settings.mode is Mode.REAL
        self._call = MessagesCall(settings, self._outside) if is_real else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def rerank(self, query: str, candidates: Sequence[Candidate]) -> Reranked:
        """Return all candidates, the best `settings.candidates` of them in the model's order.

        It returns within `settings.deadline_s` seconds. A transient failure gives the order of the
        first stage and says so.

        Raises:
            ConfigurationError: key, model or request are refused (401, 402, 403, 404, other 4xx).
            RerankUnavailableError: a transient failure, in strict mode.
        """
        started_s = self._clock()
        with telemetry.start_span("rerank"):
            outcome = self._without_asking(query, candidates)
            if outcome is None and self._call is not None:
                flight = self._loop.submit(self._fly(self._call, query, self._head(candidates)))
                try:
                    outcome = flight.result()
                except CancelledError as error:
                    raise NeuralToolsError("closed while a ranking was on its way") from error
                except ConfigurationError:
                    self._tally.add(operations=1, refused=1)
                    raise
                except BaseException:
                    flight.cancel()
                    raise
            return self._conclude(candidates, outcome or _Outcome(), started_s)

    async def arerank(self, query: str, candidates: Sequence[Candidate]) -> Reranked:
        """Do what `rerank` does without blocking the running event loop."""
        started_s = self._clock()
        with telemetry.start_span("rerank"):
            outcome = self._without_asking(query, candidates)
            if outcome is None and self._call is not None:
                flight = self._loop.submit(self._fly(self._call, query, self._head(candidates)))
                try:
                    outcome = await asyncio.wrap_future(flight)
                except ConfigurationError:
                    self._tally.add(operations=1, refused=1)
                    raise
            return self._conclude(candidates, outcome or _Outcome(), started_s)

    def statistics(self) -> Statistics:
        """Return what this re-ranker did so far."""
        return self._tally.snapshot()

    def cache_statistics(self) -> CacheStatistics:
        """Return what its cache did so far."""
        return self._cache.statistics()

    def close(self) -> None:
        """Close connections and end the thread; what is on its way is cancelled."""
        if self._call is not None:
            # Closed before, or a connection that does not close: the thread ends anyway.
            with suppress(NeuralToolsError, TimeoutError):
                self._loop.submit(self._call.aclose()).result(STOP_TIMEOUT_S)
        self._loop.stop()

    def _head(self, candidates: Sequence[Candidate]) -> Sequence[Candidate]:
        return candidates[: self.settings.candidates]

    def _without_asking(self, query: str, candidates: Sequence[Candidate]) -> _Outcome | None:
        head = self._head(candidates)
        if len(head) < 2 or not query.strip():
            return _Outcome(order=tuple(range(len(head))))
        if self._call is None:
            return _Outcome(order=invent_order(query, head), mock=True)
        if not self._cache.is_on:
            return None
        known = self._cache.get(cache_key(self.settings.model, query, head))
        if known is None:
            return None
        return _Outcome(answer=known.value, cache="hit", age_s=known.age_s)

    async def _fly(self, call: MessagesCall, query: str, head: Sequence[Candidate]) -> _Outcome:
        """Ask, or wait for the same question of somebody else; runs in the loop's thread."""
        state = "miss" if self._cache.is_on else "off"
        key = cache_key(self.settings.model, query, head)
        known = self._cache.peek(key)
        if known is not None:  # it landed between the look-up and this line
            return _Outcome(answer=known.value, cache=state, shared=True)
        flight = self._flights.get(key)
        is_joined = flight is not None
        if flight is None:
            flight = asyncio.ensure_future(self._ask(call, query, head))
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._land(key, done))
        # Shielded: who waits may give up, and others still want the answer.
        result = await asyncio.shield(flight)
        if isinstance(result, Failure):
            return _Outcome(failure=result, cache=state, shared=is_joined)
        return _Outcome(answer=result, cache=state, shared=is_joined)

    async def _ask(
        self, call: MessagesCall, query: str, head: Sequence[Candidate]
    ) -> _Answer | Failure:
        question = build_question(query, head)
        try:
            reply = await call.ask(question)
        except AttemptFailedError as error:
            self._tally.add(attempts=error.failure.attempts)
            return error.failure
        self._tally.add(
            attempts=reply.attempts,
            input_tokens=reply.input_tokens,
            output_tokens=reply.output_tokens,
        )
        try:
            ranking = parse_ranking(reply.text, question.ids)
        except AnswerError:
            return Failure(
                reason="malformed_answer",
                is_retryable=False,
                status=200,
                request_id=reply.request_id,
                attempts=reply.attempts,
            )
        self._tally.add(answers=1, repaired=int(ranking.repairs > 0))
        return _Answer(ranking=ranking, reply=reply)

    def _land(self, key: str, flight: "asyncio.Task[_Answer | Failure]") -> None:
        del self._flights[key]
        if not flight.cancelled() and flight.exception() is None:
            result = flight.result()
            if isinstance(result, _Answer):
                self._cache.put(key, result)

    def _conclude(
        self, candidates: Sequence[Candidate], outcome: _Outcome, started_s: float
    ) -> Reranked:
        failure = outcome.failure
        if failure is not None and self.settings.strict:
            self._tally.add(operations=1, misses=int(outcome.cache == "miss"), unavailable=1)
            raise RerankUnavailableError(
                f"no ranking after {failure.attempts} attempts: {failure.reason}",
                reason=failure.reason,
                hint="without strict mode the first-stage order would be returned",
            )
        result = self._result(candidates, outcome, self._clock() - started_s)
        self._count(outcome)
        telemetry.report(_operation(outcome, result, self.settings.cache_ttl_s))
        return result

    def _result(
        self, candidates: Sequence[Candidate], outcome: _Outcome, latency_s: float
    ) -> Reranked:
        answer, failure = outcome.answer, outcome.failure
        order = answer.ranking.order if answer else outcome.order
        head = self._head(candidates)
        ranked = tuple(head if failure else (head[position] for position in order))
        return Reranked(
            candidates=ranked + tuple(candidates[len(head) :]),
            latency_s=latency_s,
            degraded=failure is not None,
            reason=failure.reason if failure else None,
            failure=failure,
            cached=outcome.cache == "hit",
            shared=outcome.shared,
            mock=outcome.mock,
            model=answer.reply.model if answer else None,
            request_id=_request_id(outcome),
            attempts=_attempts(outcome),
            repairs=answer.ranking.repairs if answer else 0,
        )

    def _count(self, outcome: _Outcome) -> None:
        avoided_input, avoided_output = _avoided(outcome)
        is_asked = outcome.answer is not None or outcome.failure is not None
        self._tally.add(
            operations=1,
            hits=int(outcome.cache == "hit"),
            misses=int(outcome.cache == "miss"),
            shared=int(outcome.shared),
            mocks=int(outcome.mock),
            unasked=int(not is_asked and not outcome.mock),
            avoided_input_tokens=avoided_input,
            avoided_output_tokens=avoided_output,
        )
        if outcome.failure is not None:
            self._tally.add_fallback(outcome.failure.reason)


def _operation(outcome: _Outcome, result: Reranked, ttl_s: float) -> telemetry.Operation:
    avoided_input, avoided_output = _avoided(outcome)
    return telemetry.Operation(
        name="rerank",
        duration_s=result.latency_s,
        cache=outcome.cache,
        fallback=result.reason,
        mock=result.mock,
        avoided_input_tokens=avoided_input,
        avoided_output_tokens=avoided_output,
        age_s=outcome.age_s,
        ttl_s=None if outcome.age_s is None else ttl_s,
        candidates=len(result.candidates),
        model=result.model,
        request_id=result.request_id,
    )


def _avoided(outcome: _Outcome) -> tuple[int, int]:
    """Return the tokens, in and out, that a call for this operation would have cost again."""
    if outcome.answer is None or not (outcome.shared or outcome.cache == "hit"):
        return 0, 0
    return outcome.answer.reply.input_tokens, outcome.answer.reply.output_tokens


def _request_id(outcome: _Outcome) -> str | None:
    if outcome.answer is not None:
        return outcome.answer.reply.request_id
    return outcome.failure.request_id if outcome.failure is not None else None


def _attempts(outcome: _Outcome) -> int:
    """Return how many requests this very operation sent; a hit or a shared answer sent none."""
    if outcome.shared or outcome.cache == "hit":
        return 0
    if outcome.answer is not None:
        return outcome.answer.reply.attempts
    return outcome.failure.attempts if outcome.failure is not None else 0
