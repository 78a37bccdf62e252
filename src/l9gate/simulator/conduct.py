"""What a client did wrong, judged from its visits alone: pure, certain things only.

A request counts as a retry if its client says so (`x-stainless-retry-count`), or, of a client that
says nothing, if it repeats a request that had failed shortly before.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from enum import StrEnum

import msgspec

from l9gate.simulator.journal import Visit, VisitEnd
from l9gate.wire.faults import is_retryable
from l9gate.wire.json import JsonObject

PATIENCE_S = 30.0  # silence that a client with a read time-out does not sit out
_NO_PAUSE_S = 0.1  # the official SDK waits 0.375 s at least
_EARLY_SHARE = 0.05  # of `retry-after` that may be lacking: clocks and rounding
_REPEAT_WINDOW_S = 60.0
_STORM = 10  # failures of one request in that time


class Misdeed(StrEnum):
    """What a client can do wrong."""

    IGNORED_RETRY_AFTER = "ignored_retry_after"
    RETRIED_REFUSED = "retried_refused"
    NO_BACKOFF = "no_backoff"
    RETRY_STORM = "retry_storm"
    ACCEPTED_TRUNCATED = "accepted_truncated"
    NO_READ_TIMEOUT = "no_read_timeout"
    UNBOUNDED_WAIT = "unbounded_wait"


ABOUT = {
    Misdeed.IGNORED_RETRY_AFTER: "a retry came before the time that `retry-after` asked for",
    Misdeed.RETRIED_REFUSED: (
        "a retry of what is refused for good: a 4xx other than 408, 409 and 429, or "
        "`x-should-retry: false`"
    ),
    Misdeed.NO_BACKOFF: f"a retry came within {_NO_PAUSE_S:g} s of the failure",
    Misdeed.RETRY_STORM: (
        f"one request failed more than {_STORM} times within {_REPEAT_WINDOW_S:g} s"
    ),
    Misdeed.ACCEPTED_TRUNCATED: (
        "what a broken-off stream had said was sent back as the assistant's answer"
    ),
    Misdeed.NO_READ_TIMEOUT: (
        f"a silence of {PATIENCE_S:g} s or more in the middle of a body was sat out"
    ),
    Misdeed.UNBOUNDED_WAIT: f"{PATIENCE_S:g} s or more without a first byte were sat out",
}


class Misconduct(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a client did wrong, and in which request it shows."""

    misdeed: Misdeed
    number: int  # of the request
    at_s: float
    client: int
    user_agent: str
    detail: str


class ClientConduct(msgspec.Struct, frozen=True, kw_only=True):
    """What one client did, in numbers."""

    client: int
    user_agent: str
    connections: int
    requests: int
    retries: int
    failures: int
    left: int  # answers that it did not wait for
    waited_s: float  # in all, for answers to begin or to be given up
    misconduct: tuple[Misconduct, ...]
    unlisted: int = 0  # more misconduct, of which only the number is known


def judge_visits(visits: Sequence[Visit], before: Sequence[Visit] = ()) -> list[ClientConduct]:
    """Return the conduct of every client, in the order of their first visits.

    Args:
        visits: to be judged.
        before: visits that were judged already, which these may repeat.
    """
    of_client: dict[int, list[Visit]] = defaultdict(list)
    for visit in visits:
        of_client[visit.client].append(visit)
    return [
        _conduct_of(own, [visit for visit in before if visit.client == client])
        for client, own in of_client.items()
    ]


def troubled_visits(visits: Sequence[Visit]) -> list[Visit]:
    """Return the visits of all requests that failed at least once: the only ones to be retried."""
    failed = {_request_of(visit) for visit in visits if visit.is_failure}
    return [visit for visit in visits if _request_of(visit) in failed] if failed else []


def _request_of(visit: Visit) -> tuple[int, str, int]:
    return visit.client, visit.path, visit.body


def render_conduct(conduct: ClientConduct) -> JsonObject:
    """Return the conduct of a client as JSON."""
    shown: JsonObject = msgspec.to_builtins(conduct)
    wrongs: list[JsonObject] = [msgspec.to_builtins(one) for one in conduct.misconduct]
    name = f"{conduct.client:016x}"
    shown["client"] = name
    shown["misconduct"] = [{**wrong, "client": name} for wrong in wrongs]
    return shown


def _conduct_of(visits: list[Visit], judged: list[Visit]) -> ClientConduct:
    calls: dict[tuple[int, str, int], list[Visit]] = defaultdict(list)
    for visit in troubled_visits([*judged, *visits]):
        calls[_request_of(visit)].append(visit)
    known = {visit.number for visit in judged}
    retries = [pair for call in calls.values() for pair in _retries(call)]
    retries = [(before, after) for before, after in retries if after.number not in known]
    wrongs = [wrong for before, after in retries for wrong in _judge_retry(before, after)]
    storms = [wrong for call in calls.values() for wrong in _judge_storm(call)]
    wrongs += [wrong for wrong in storms if wrong.number not in known]
    notable = [visit for visit in visits if visit.silence_s or visit.repeats_cut_text]
    wrongs += [wrong for visit in notable for wrong in _judge_visit(visit)]
    return ClientConduct(
        client=visits[0].client,
        user_agent=visits[0].user_agent,
        connections=len({visit.connection for visit in visits}),
        requests=len(visits),
        retries=len(retries),
        failures=sum(visit.is_failure for visit in visits if visit.end is not VisitEnd.OPEN),
        left=sum(visit.end is VisitEnd.LEFT for visit in visits),
        waited_s=round(sum(_waited_s(visit) for visit in visits), 6),
        misconduct=tuple(sorted(wrongs, key=lambda wrong: (wrong.number, wrong.misdeed))),
    )


def _waited_s(visit: Visit) -> float:
    until_s = visit.answered_s if visit.answered_s is not None else visit.ended_s
    return 0.0 if until_s is None else until_s - visit.at_s


def _retries(call: list[Visit]) -> Iterator[tuple[Visit, Visit]]:
    """Yield every retry of a request, after the attempt that it repeats."""
    for index, after in enumerate(call):
        if after.attempt == 0:
            continue
        for before in map(call.__getitem__, range(index - 1, -1, -1)):
            if before.ended_s is None or before.ended_s > after.at_s:
                continue
            if after.attempt is None:
                if before.is_failure and after.at_s - before.ended_s <= _REPEAT_WINDOW_S:
                    yield before, after
                break
            if before.is_failure and before.attempt == after.attempt - 1:
                yield before, after
                break


def _judge_retry(before: Visit, after: Visit) -> Iterator[Misconduct]:
    gap_s = after.at_s - (before.ended_s or after.at_s)
    asked_s = before.retry_after_s
    status = before.status or 0
    if status >= 400 and not is_retryable(status, before.should_retry):
        yield _wrong(Misdeed.RETRIED_REFUSED, after, f"after a {status}")
    elif asked_s:
        if gap_s < asked_s * (1 - _EARLY_SHARE):
            detail = f"came after {gap_s:.2f} s, asked for {asked_s:g} s"
            yield _wrong(Misdeed.IGNORED_RETRY_AFTER, after, detail)
    elif gap_s < _NO_PAUSE_S:
        yield _wrong(Misdeed.NO_BACKOFF, after, f"came after {gap_s:.3f} s")


def _judge_storm(call: list[Visit]) -> Iterator[Misconduct]:
    """Yield one misconduct for a request that fails again and again."""
    failed = [visit for visit in call if visit.is_failure and visit.end is not VisitEnd.OPEN]
    for first, last in zip(failed, failed[_STORM:], strict=False):
        if last.at_s - first.at_s <= _REPEAT_WINDOW_S:
            yield _wrong(Misdeed.RETRY_STORM, last, f"{len(failed)} failures of one request")
            return


def _judge_visit(visit: Visit) -> Iterator[Misconduct]:
    if visit.repeats_cut_text:
        yield _wrong(Misdeed.ACCEPTED_TRUNCATED, visit, "the text of a stream that was cut")
    has_stayed = visit.end in {VisitEnd.WHOLE, VisitEnd.BROKEN}
    if has_stayed and visit.silence_s >= PATIENCE_S:
        kind = Misdeed.NO_READ_TIMEOUT if visit.is_silent_in_body else Misdeed.UNBOUNDED_WAIT
        yield _wrong(kind, visit, f"sat out {visit.silence_s:g} s")


def _wrong(misdeed: Misdeed, visit: Visit, detail: str) -> Misconduct:
    return Misconduct(
        misdeed=misdeed,
        number=visit.number,
        at_s=visit.at_s,
        client=visit.client,
        user_agent=visit.user_agent,
        detail=detail,
    )
