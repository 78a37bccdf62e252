import asyncio
import threading

import pytest

from l9gate.evidence.records import Layer
from l9gate.observe.attribution import Owner, current_owner, owned_by

TEST = Owner("tests/test_a.py::test_a", Layer.UNIT)
FIXTURE = Owner("fixture:tests::client#main.1", None)


def test_the_owner_before_is_the_owner_after() -> None:
    before = current_owner()
    with owned_by(TEST):
        assert current_owner() == TEST
        with pytest.raises(KeyError), owned_by(FIXTURE):
            raise KeyError
        assert current_owner() == TEST
    assert current_owner() == before


def test_a_thread_belongs_to_the_current_test() -> None:
    seen: list[Owner | None] = []
    with owned_by(TEST):
        thread = threading.Thread(target=lambda: seen.append(current_owner()))
        thread.start()
        thread.join()
    assert seen == [TEST]


def test_a_task_keeps_the_owner_that_started_it() -> None:
    async def background(gate: asyncio.Event) -> Owner | None:
        await gate.wait()
        return current_owner()

    async def run() -> Owner | None:
        gate = asyncio.Event()
        with owned_by(FIXTURE):
            task = asyncio.create_task(background(gate))
        with owned_by(TEST):
            gate.set()
            return await task

    assert asyncio.run(run()) == FIXTURE
