"""What each client did."""

import gzip
import zlib
from collections.abc import Callable

import msgspec
import pytest

from l9gate.net.http import Ending, HttpRequest
from l9gate.simulator.faults import parse_fault_text
from l9gate.simulator.journal import Journal, Visit, VisitEnd, render_visit, render_visits
from l9gate.wire.json import JsonObject

Make = Callable[..., HttpRequest]


def test_a_visit_tells_who_came_but_no_key_and_no_body(
    make_request: Make, body: JsonObject
) -> None:
    journal = Journal()
    request = make_request(body, headers={"user-agent": "app/1", "x-stainless-retry-count": "2"})
    visit = journal.open(request, 7, 100.0)
    shown = render_visit(visit)
    assert (visit.number, visit.attempt, visit.user_agent) == (7, 2, "app/1")
    assert (visit.end, visit.is_failure) == (VisitEnd.OPEN, True)
    text = msgspec.json.encode(shown).decode()
    assert "sk-test" not in text
    assert "opens a file" not in text
    assert len(str(shown["client"])) == len(str(shown["body"])) == 16
    assert shown["cut_text"] is None


def test_equal_keys_and_bodies_have_equal_hashes(make_request: Make, body: JsonObject) -> None:
    journal = Journal()
    bearer = journal.open(make_request(body), 1, 0.0)
    other = {"x-api-key": "sk-test-1"}
    header = journal.open(make_request(body, headers=other, drop=("authorization",)), 2, 1.0)
    stranger = journal.open(make_request({}, headers={"authorization": "Bearer sk-2"}), 3, 2.0)
    assert (bearer.client, bearer.body) == (header.client, header.body)
    assert bearer.client != stranger.client
    assert bearer.body != stranger.body


def test_the_same_body_under_another_version_or_beta_is_another_request(
    make_request: Make, body: JsonObject
) -> None:
    """Else what is refused under one and asked under the other would be called a retry."""
    journal = Journal()
    others: tuple[dict[str, str], ...] = (
        {},
        {"anthropic-version": "2023-06-01"},
        {"anthropic-beta": "b-2026-01-01"},
    )
    seen = [
        journal.open(make_request(body, headers=headers), number, 0.0)
        for number, headers in enumerate(others)
    ]
    assert len({visit.body for visit in seen}) == 3


@pytest.mark.parametrize(("text", "attempt"), [(None, None), ("0", 0), ("3", 3), ("x", None)])
def test_the_attempt_is_what_the_client_says(
    make_request: Make, text: str | None, attempt: int | None
) -> None:
    headers = {} if text is None else {"x-stainless-retry-count": text}
    assert Journal().open(make_request(headers=headers), 1, 0.0).attempt == attempt


def test_an_answer_and_its_end_are_noted(make_request: Make) -> None:
    journal = Journal()
    visit = journal.open(make_request(), 1, 0.0)
    journal.answer(visit, 429, {"retry-after": "3", "x-should-retry": "true"}, 1.0)
    journal.end(visit, Ending.GONE, 2.0)
    assert (visit.status, visit.retry_after_s, visit.should_retry) == (429, 3.0, "true")
    assert (visit.answered_s, visit.ended_s, visit.end) == (1.0, 2.0, VisitEnd.LEFT)


@pytest.mark.parametrize(
    ("fault", "is_stream", "silence_s", "in_body"),
    [
        ("delay_s=40", True, 40.0, False),
        ("stall_s=40,delay_s=2", True, 40.0, True),
        ("first_token_delay_s=40", True, 40.0, True),
        ("first_token_delay_s=40", False, 40.0, False),
        ("event_delay_s=3", True, 3.0, True),
        ("status=500", True, 0.0, False),
    ],
)
def test_the_silence_of_a_fault_is_noted(
    make_request: Make, fault: str, is_stream: bool, silence_s: float, in_body: bool
) -> None:
    journal = Journal()
    visit = journal.open(make_request(), 1, 0.0)
    journal.afflict(visit, parse_fault_text(fault), None, is_stream=is_stream)
    assert (visit.silence_s, visit.is_silent_in_body) == (silence_s, in_body)
    assert visit.fault


@pytest.mark.parametrize(
    ("content", "repeats"),
    [
        ("Half an answ", True),
        ([{"type": "text", "text": "Half an "}, {"type": "text", "text": "answ"}], True),
        ("Another one", False),
        (7, False),
    ],
)
def test_a_text_that_was_cut_is_known_again(
    make_request: Make, body: JsonObject, content: str | list[JsonObject] | int, repeats: bool
) -> None:
    journal = Journal()
    first = journal.open(make_request(body), 1, 0.0)
    journal.afflict(first, parse_fault_text("cut_body"), " Half an answ", is_stream=True)
    turn = {"role": "assistant", "content": content}
    again = journal.open(
        make_request({"messages": [{"role": "user", "content": "a"}, turn]}), 2, 9.0
    )
    assert again.repeats_cut_text is repeats


def test_how_a_body_is_encoded_makes_no_difference(make_request: Make, body: JsonObject) -> None:
    journal = Journal()
    body["messages"] = [{"role": "assistant", "content": "Half an answ"}]
    plain = journal.open(make_request(body), 1, 0.0)
    journal.afflict(plain, parse_fault_text("cut_body"), "Half an answ", is_stream=True)
    data = msgspec.json.encode(body)
    encoded = {"gzip": gzip.compress(data), "deflate": zlib.compress(data)}
    for number, name in enumerate(encoded, 2):
        request = make_request(headers={"content-encoding": name})
        request.body = encoded[name]
        again = journal.open(request, number, 9.0)
        assert (again.body, again.repeats_cut_text) == (plain.body, True)


def test_a_stream_that_said_nothing_before_its_cut_is_not_known_again(make_request: Make) -> None:
    journal = Journal()
    visit = journal.open(make_request(), 1, 0.0)
    journal.afflict(visit, parse_fault_text("cut_after_events=0"), " ", is_stream=True)
    assert visit.cut_text is None


def test_old_visits_are_forgotten_once_they_have_ended(make_request: Make) -> None:
    gone: list[Visit] = []
    journal = Journal(capacity=2, forget=gone.extend)
    stream = journal.open(make_request(), 1, 0.0)
    for number in (2, 3, 4):
        journal.end(journal.open(make_request(), number, 0.0), Ending.WHOLE, 1.0)
    assert [visit.number for visit in journal.visits] == [1, 3, 4]
    assert [visit.number for visit in gone] == [2]
    assert (journal.seen, journal.forgotten) == (4, 1)
    assert len(render_visits(journal)) == 3
    journal.end(stream, Ending.GONE, 2.0)
    journal.open(make_request(), 5, 0.0)
    assert [visit.number for visit in gone] == [2, 1, 3]
