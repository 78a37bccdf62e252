"""What clients do wrong: each misdeed shown, and its innocent neighbour."""

import msgspec
import pytest

from l9gate.simulator.conduct import ABOUT, Misdeed, judge_visits, render_conduct
from l9gate.simulator.journal import Visit, VisitEnd

Step = tuple[float, int, dict[str, object]]


def _visits(*steps: Step) -> list[Visit]:
    """Make visits of one client and one body: when, status, and what else differs."""
    made = []
    for number, (at_s, status, more) in enumerate(steps, 1):
        visit = Visit(
            number=number, connection=1, client=5, user_agent="app", path="/v1/messages", body=9,
            attempt=None, at_s=at_s, answered_s=at_s + 0.1, ended_s=at_s + 0.1,
            end=VisitEnd.WHOLE, status=status,
        )  # fmt: skip
        made.append(msgspec.structs.replace(visit, **more))
    return made


def _misdeeds(*steps: Step) -> list[Misdeed]:
    (conduct,) = judge_visits(_visits(*steps))
    return [one.misdeed for one in conduct.misconduct]


ASKED: dict[str, object] = {"retry_after_s": 2.0}
FIRST: dict[str, object] = {"attempt": 0}
SECOND: dict[str, object] = {"attempt": 1}


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([(0, 429, ASKED), (1.0, 200, {})], [Misdeed.IGNORED_RETRY_AFTER]),
        ([(0, 429, ASKED), (2.1, 200, {})], []),
        ([(0, 429, ASKED | FIRST), (0.6, 200, SECOND)], [Misdeed.IGNORED_RETRY_AFTER]),
        ([(0, 429, ASKED | FIRST), (0.6, 200, FIRST)], []),
        ([(0, 400, FIRST), (0.7, 400, SECOND)], [Misdeed.RETRIED_REFUSED]),
        ([(0, 500, {"should_retry": "false"}), (0.7, 200, {})], [Misdeed.RETRIED_REFUSED]),
        ([(0, 400, {"should_retry": "true"}), (0.7, 200, {})], []),
        ([(0, 408, {}), (0.7, 200, {})], []),
        ([(0, 400, {}), (99, 400, {})], []),
        ([(0, 529, {}), (0.11, 200, {})], [Misdeed.NO_BACKOFF]),
        ([(0, 529, {}), (0.5, 200, {})], []),
        ([(0, 529, {}), (0.05, 200, {})], []),
        ([(0, 200, {}), (0.11, 200, {})], []),
        ([(0, 200, {"end": VisitEnd.BROKEN}), (0.11, 200, {})], [Misdeed.NO_BACKOFF]),
        ([(float(n), 529, FIRST) for n in range(11)], [Misdeed.RETRY_STORM]),
        ([(float(n), 529, FIRST) for n in range(10)], []),
        ([(n * 7.0, 529, FIRST) for n in range(11)], []),
        ([(0, 200, {"repeats_cut_text": True})], [Misdeed.ACCEPTED_TRUNCATED]),
        ([(0, 200, {"silence_s": 30.0, "is_silent_in_body": True})], [Misdeed.NO_READ_TIMEOUT]),
        ([(0, 200, {"silence_s": 30.0})], [Misdeed.UNBOUNDED_WAIT]),
        ([(0, 200, {"silence_s": 29.9})], []),
        ([(0, 200, {"silence_s": 60.0, "end": VisitEnd.LEFT})], []),
    ],
)
def test_a_misdeed_is_told_from_good_conduct(steps: list[Step], expected: list[Misdeed]) -> None:
    assert _misdeeds(*steps) == expected


def test_a_retry_is_matched_with_the_attempt_before_it() -> None:
    steps = [(0, 429, ASKED | FIRST), (0.0, 429, FIRST), (2.5, 200, SECOND), (2.5, 200, SECOND)]
    (conduct,) = judge_visits(_visits(*steps))
    assert (conduct.retries, conduct.misconduct) == (2, ())


def test_each_client_is_judged_alone() -> None:
    first, second = _visits((0, 529, {}), (0.11, 200, {"client": 6, "connection": 2}))
    one, two = judge_visits([first, second])
    assert (one.client, one.requests, one.failures) == (5, 1, 1)
    assert (two.client, two.requests, two.failures) == (6, 1, 0)
    assert not one.misconduct + two.misconduct


def test_what_a_client_did_is_counted() -> None:
    left: dict[str, object] = {"end": VisitEnd.LEFT, "status": None, "answered_s": None}
    (conduct,) = judge_visits(_visits((0, 529, {}), (0.5, 200, {}), (3, 0, left)))
    assert (conduct.connections, conduct.requests, conduct.retries) == (1, 3, 1)
    assert (conduct.failures, conduct.left, conduct.waited_s) == (2, 1, 0.3)
    nothing: dict[str, object] = {**left, "end": VisitEnd.OPEN, "ended_s": None}
    assert judge_visits(_visits((0, 0, nothing)))[0].waited_s == 0.0


def test_the_verdict_is_json_and_says_in_which_request_it_shows() -> None:
    (conduct,) = judge_visits(_visits((0, 529, {}), (0.11, 200, {})))
    shown = render_conduct(conduct)
    assert shown["client"] == f"{5:016x}"
    assert isinstance(shown["misconduct"], list)
    assert isinstance(shown["misconduct"][0], dict)
    assert shown["misconduct"][0]["misdeed"] == "no_backoff"
    assert shown["misconduct"][0]["number"] == 2
    assert shown["misconduct"][0]["detail"] == "came after 0.010 s"


def test_every_misdeed_is_described() -> None:
    assert set(ABOUT) == set(Misdeed)
