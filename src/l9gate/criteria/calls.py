"""Calls: attempts of one SDK call, taken together."""

from collections.abc import Iterable

import msgspec

from l9gate.evidence.records import End, Exchange

_CLOCK_DIGITS = 6  # differences of epoch times in doubles are exact to about half a microsecond


def duration_s(start_s: float, end_s: float) -> float:
    """Return the time between two readings of a clock, rounded to what a double can tell."""
    return round(end_s - start_s, _CLOCK_DIGITS)


def has_failed(exchange: Exchange) -> bool:
    """Whether it ended in an error; an answer that the caller stopped reading did not."""
    if exchange.end is End.ABANDONED:
        return exchange.status is not None and exchange.status >= 300
    return not exchange.succeeded


def error_type_of(exchange: Exchange) -> str:
    """Return what a failed exchange is counted as: the API's own word, else the way it ended."""
    if exchange.error_type is not None:
        return exchange.error_type
    if exchange.end is End.TIMED_OUT:
        return "timeout"
    if exchange.status is not None and exchange.status >= 300:
        return f"http_{exchange.status}"
    return "connection" if exchange.end is End.UNREACHABLE else str(exchange.end)


class Call(msgspec.Struct, frozen=True):
    """All attempts of one SDK call, in their order; never empty."""

    attempts: tuple[Exchange, ...]

    @property
    def first(self) -> Exchange:
        """The attempt whose due time starts the call."""
        return self.attempts[0]

    @property
    def last(self) -> Exchange:
        """The attempt that decided the call."""
        return self.attempts[-1]

    @property
    def latency_s(self) -> float:
        """From when the call was due to its very end, waits between attempts included."""
        return duration_s(self.first.due_s, self.last.ended_s)


def calls_of(exchanges: Iterable[Exchange]) -> list[Call]:
    """Return the calls in the order of their first exchange."""
    groups: dict[str, list[Exchange]] = {}
    for exchange in exchanges:
        groups.setdefault(exchange.call_id, []).append(exchange)
    return [
        Call(tuple(sorted(group, key=lambda one: (one.attempt, one.sent_s))))
        for group in groups.values()
    ]
