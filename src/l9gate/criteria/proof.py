"""What a pass of a test can show for itself, and why it may prove nothing."""

from collections.abc import Iterable

from l9gate.criteria.calls import error_type_of, has_failed
from l9gate.criteria.excerpt import Excerpt, is_on_route
from l9gate.evidence.records import (
    Exchange,
    Layer,
    Origin,
    Remark,
    RemarkKind,
    ReportedCall,
    Signal,
    TestOutcome,
    TestState,
)
from l9gate.wire.faults import ERROR_TYPES

MESSAGES_ROUTE = "POST /v1/messages"
_MAX_NAMED = 3


class Proofs:
    """What was seen of each test of an excerpt."""

    def __init__(self, excerpt: Excerpt) -> None:
        self._kind = excerpt.scope.kind
        self._exchanges: dict[str, list[Exchange]] = {}
        self._signals: dict[str, list[Signal]] = {}
        ownership = excerpt.ownership
        for exchange in excerpt.all_exchanges():
            for test in ownership.tests_behind(exchange):
                self._exchanges.setdefault(test.node_id, []).append(exchange)
        self._reported: dict[str, list[ReportedCall]] = {}
        for call in excerpt.reported_calls():
            if call.origin is self._kind and call.was_answered:
                for test in ownership.tests_behind(call):
                    self._reported.setdefault(test.node_id, []).append(call)
        for signal in excerpt.all_signals():
            for test in ownership.tests_of(signal.owner):
                self._signals.setdefault(test.node_id, []).append(signal)

    def void(self, test: TestOutcome) -> str | None:
        """Return why a pass of this test proves nothing, None if it does or did not pass.

        What comes before a colon is the kind of reason, what follows are its particulars.
        """
        if test.state is not TestState.PASSED:
            return None
        rewritten = _remarks(test, RemarkKind.REWRITTEN)
        if rewritten:
            return f"failed, and was turned into a pass: {rewritten[0].detail}"
        if test.offline or not _is_real(test.layer):
            return None
        exchanges = self._exchanges.get(test.node_id, [])
        answers = [one for one in exchanges if self._is_proof(one)]
        if not answers and test.node_id not in self._reported:
            why = self._why_unanswered(exchanges)
            return f"vacuous: {why}{_stand_in(test) or _mocks(test)}"
        return self._void_by_answers(test, answers)

    def _void_by_answers(self, test: TestOutcome, answers: list[Exchange]) -> str | None:
        stand_in = _stand_in(test)
        reported = self._reported.get(test.node_id, [])
        if stand_in and answers and all(one.owner != test.node_id for one in answers):
            return f"vacuous: only a fixture called the API{stand_in}"
        is_about_errors = bool(test.expects_error) or test.expects_fallback
        seen = [error_type_of(one) for one in answers if has_failed(one)]
        seen += [one.error_type or "error" for one in reported if not one.succeeded]
        if not is_about_errors and len(seen) == len(answers) + len(reported):
            return f"passed on errors only: {_named(seen)}"
        absent = _absent_errors(test, seen)
        if absent:
            return f"the error that it expects never came: {_named(absent)}"
        patched = _remarks(test, RemarkKind.CLOCK)
        if patched and test.layer is Layer.PERFORMANCE:
            return f"measured with a patched clock: {patched[0].detail}"
        fallbacks = [one.fallback for one in self._signals.get(test.node_id, [])]
        if fallbacks and all(one is not None for one in fallbacks) and not test.expects_fallback:
            return f"passed on fallbacks only: {_named(one for one in fallbacks if one)}"
        return None

    def _is_proof(self, exchange: Exchange) -> bool:
        """Whether the API of the run's kind answered, as it answers.

        A whole message also tells model and usage.
        """
        if exchange.origin is not self._kind or not exchange.was_answered:
            return False
        if not exchange.succeeded or not is_on_route(exchange, MESSAGES_ROUTE):
            return True
        return exchange.served_model is not None and exchange.usage is not None

    def _why_unanswered(self, exchanges: list[Exchange]) -> str:
        if not exchanges:
            return "it made no call"
        ours = [one for one in exchanges if one.origin is self._kind]
        silent = [one for one in exchanges if one.status is None]
        if silent == (ours or exchanges):
            return f"no call of it was answered ({_named(error_type_of(one) for one in silent)})"
        if ours:
            return "its answers are not the API's: no request id, or no model and usage"
        return _ELSEWHERE[exchanges[0].origin].format(_named(one.host for one in exchanges))


_ELSEWHERE = {
    Origin.MOCKED: "its calls were mocked, no socket carried them",
    Origin.REPLAYED: "its calls were answered from a tape",
    Origin.SIMULATED: "its calls were answered by a simulator",
    Origin.LIVE: "its calls went to the live API, not to the simulator of this rehearsal",
    Origin.OTHER: "its calls were answered by {}, which is not the endpoint of this run",
}


def _absent_errors(test: TestOutcome, seen: list[str]) -> tuple[str, ...]:
    """Return the error types that a test expects, if none of them came.

    Other words, such as the name of an exception, cannot be held against answers.
    """
    expected = test.expects_error
    is_checkable = bool(expected) and all(one in ERROR_TYPES for one in expected)
    return expected if is_checkable and not set(expected) & set(seen) else ()


def _stand_in(test: TestOutcome) -> str:
    """Return what took the place of the client, in words to be added."""
    remarks = _remarks(test, RemarkKind.STAND_IN)
    return f"; {remarks[0].detail} stands in for the client" if remarks else ""


def _mocks(test: TestOutcome) -> str:
    """Return which mocks of anything else were called, in words to be added."""
    remarks = _remarks(test, RemarkKind.MOCK)
    return f"; it called {_named(one.detail for one in remarks)}" if remarks else ""


def _remarks(test: TestOutcome, kind: RemarkKind) -> list[Remark]:
    return [one for one in test.remarks if one.kind is kind]


def _named(words: Iterable[str]) -> str:
    distinct = list(dict.fromkeys(words))
    more = len(distinct) - _MAX_NAMED
    return ", ".join(distinct[:_MAX_NAMED]) + (f" and {more} more" if more > 0 else "")


def _is_real(layer: Layer | None) -> bool:
    return layer is not None and layer.is_real
