"""Records are made a few at once, and none is forgotten."""

import os
import threading
from dataclasses import dataclass, field

import pytest

from l9gate.observe import backlog
from l9gate.observe.backlog import Backlog


@dataclass
class Ended:
    name: int
    put: list[int]
    size_bytes: int = 100
    error: type[BaseException] | None = None
    order: list[str] = field(default_factory=list)

    def make(self) -> None:
        self.order.append("make")

    def settle(self) -> None:
        if self.error is not None:
            raise self.error
        self.order.append("settle")
        self.put.append(self.name)


@pytest.fixture
def put() -> list[int]:
    return []


@pytest.fixture
def waiting() -> Backlog:
    return Backlog(os.getpid())


def test_what_ended_waits_until_it_is_asked_for(waiting: Backlog, put: list[int]) -> None:
    for number in range(3):
        waiting.add(Ended(number, put))
    assert put == []
    waiting.clear()
    waiting.clear()
    assert put == [0, 1, 2]


def test_one_kind_of_work_is_done_at_a_time(waiting: Backlog, put: list[int]) -> None:
    order: list[str] = []
    for number in range(2):
        waiting.add(Ended(number, put, order=order))
    waiting.clear()
    assert order == ["make", "make", "settle", "settle"]


def test_what_ends_while_another_thread_settles_waits_on(waiting: Backlog, put: list[int]) -> None:
    with waiting._settling:

        def fill() -> None:
            for _ in range(backlog.MAX_WAITING):
                waiting.add(Ended(1, put))

        filling = threading.Thread(target=fill)
        filling.start()
        filling.join()
        assert put == []
    waiting.clear()
    assert len(put) == backlog.MAX_WAITING


def test_what_ends_in_the_middle_of_settling_is_settled_too(
    waiting: Backlog, put: list[int]
) -> None:
    class Nested(Ended):
        def settle(self) -> None:
            waiting.add(Ended(2, put))
            waiting.clear()
            super().settle()

    waiting.add(Nested(1, put))
    waiting.clear()
    assert put == [2, 1]


def test_no_more_than_a_number_waits(waiting: Backlog, put: list[int]) -> None:
    for number in range(2 * backlog.MAX_WAITING + 1):
        assert len(put) == number // backlog.MAX_WAITING * backlog.MAX_WAITING
        waiting.add(Ended(number, put))


def test_no_more_than_a_number_of_bytes_waits(waiting: Backlog, put: list[int]) -> None:
    waiting.add(Ended(1, put, backlog.MAX_WAITING_BYTES - 1))
    assert put == []
    waiting.add(Ended(2, put, 1))
    assert put == [1, 2]
    waiting.add(Ended(3, put, 1))
    assert put == [1, 2]


@pytest.mark.parametrize("patient", [None, -1])
def test_in_a_process_that_may_end_without_a_word_nothing_waits(
    put: list[int], patient: int | None
) -> None:
    Backlog(patient).add(Ended(1, put))
    assert put == [1]


def test_a_fork_leaves_what_waits_to_its_parent(
    waiting: Backlog, put: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting.add(Ended(1, put))
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: -1)
        waiting.clear()
        waiting.add(Ended(2, put))
        assert put == [2]
    waiting.clear()
    assert put == [2, 1]


def test_what_breaks_it_off_loses_one_at_most(waiting: Backlog, put: list[int]) -> None:
    for number in range(3):
        waiting.add(Ended(number, put, error=KeyboardInterrupt if number == 0 else None))
    with pytest.raises(KeyboardInterrupt):
        waiting.clear()
    waiting.clear()
    assert put == [1, 2]
