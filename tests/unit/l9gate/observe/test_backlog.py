"""Answers are looked at a few at once, and none is forgotten."""

import os
from collections.abc import Callable
from typing import cast

import pytest

from l9gate.evidence.records import Exchange, Held
from l9gate.observe import backlog
from l9gate.observe.answer import Answer
from l9gate.observe.backlog import Backlog

Build = Callable[..., Exchange]
ANSWER = cast("Answer", object())


class Desk:
    """Looks at answers, and keeps what is put."""

    def __init__(self) -> None:
        self.looks = 0
        self.put: list[Exchange] = []

    def look(self, answer: Answer) -> Held:
        assert answer is ANSWER
        self.looks += 1
        return Held.DRIFTED

    def backlog(self, patient: int | None) -> Backlog:
        return Backlog(self.look, self.put.append, patient)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_exchanges_wait_until_they_are_asked_for(desk: Desk, exchange: Build) -> None:
    waiting = desk.backlog(os.getpid())
    sent = [exchange(held=Held.NOT) for _ in range(3)]
    for one, answer in zip(sent, (ANSWER, None, ANSWER), strict=True):
        waiting.add(one, answer)
    assert (desk.looks, desk.put) == (0, [])
    waiting.clear()
    waiting.clear()
    assert [one.exchange_id for one in desk.put] == [one.exchange_id for one in sent]
    assert [one.held for one in desk.put] == [Held.DRIFTED, Held.NOT, Held.DRIFTED]


def test_no_more_than_a_number_waits(desk: Desk, exchange: Build) -> None:
    waiting = desk.backlog(os.getpid())
    for number in range(2 * backlog.MAX_WAITING + 1):
        assert len(desk.put) == number // backlog.MAX_WAITING * backlog.MAX_WAITING
        waiting.add(exchange(), ANSWER)


def test_no_more_than_a_number_of_bytes_waits(desk: Desk, exchange: Build) -> None:
    waiting = desk.backlog(os.getpid())
    waiting.add(exchange(request_bytes=backlog.MAX_WAITING_BYTES - 400), None)
    assert len(desk.put) == 1
    waiting.add(exchange(request_bytes=0), ANSWER)
    assert len(desk.put) == 1


@pytest.mark.parametrize("patient", [None, -1])
def test_in_a_process_that_may_end_without_a_word_nothing_waits(
    desk: Desk, exchange: Build, patient: int | None
) -> None:
    waiting = desk.backlog(patient)
    waiting.add(exchange(held=Held.NOT), ANSWER)
    assert [one.held for one in desk.put] == [Held.DRIFTED]


def test_a_fork_leaves_what_waits_to_its_parent(
    desk: Desk, exchange: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = desk.backlog(os.getpid())
    waiting.add(exchange(), ANSWER)
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: -1)
        waiting.clear()
        waiting.add(exchange(exchange_id="child's"), ANSWER)
        assert [one.exchange_id for one in desk.put] == ["child's"]
    waiting.clear()
    assert len(desk.put) == 2


def test_what_breaks_off_a_look_loses_one_at_most(exchange: Build) -> None:
    put: list[Exchange] = []

    def look(_: Answer) -> Held:
        if not put:
            put.append(exchange())
            raise KeyboardInterrupt
        return Held.KEPT

    waiting = Backlog(look, put.append, os.getpid())
    for _ in range(3):
        waiting.add(exchange(), ANSWER)
    with pytest.raises(KeyboardInterrupt):
        waiting.clear()
    waiting.clear()
    assert len(put) == 1 + 2
