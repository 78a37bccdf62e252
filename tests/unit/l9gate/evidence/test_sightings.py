"""What the child of a negative control writes can be read, also after a kill."""

from pathlib import Path

from l9gate.evidence.records import TestOutcome, TestState
from l9gate.evidence.sightings import (
    Collected,
    Orders,
    Sighting,
    parse_orders,
    read_collected,
    read_sightings,
    render_orders,
    write_collected,
    write_sighting,
)


def sighting(name: str, calls: int = 0) -> Sighting:
    outcome = TestOutcome(
        at_s=1.0, node_id=name, layer=None, state=TestState.PASSED, duration_s=0.1
    )
    return Sighting(outcome=outcome, place="t.py:1", calls=calls)


def test_every_process_has_its_lines_and_the_first_of_a_test_counts(tmp_path: Path) -> None:
    write_sighting(tmp_path, "gw0", sighting("a", calls=1))
    write_sighting(tmp_path, "gw0", sighting("a", calls=2))
    write_sighting(tmp_path, "gw1", sighting("b"))
    assert {name: one.calls for name, one in read_sightings(tmp_path).items()} == {"a": 1, "b": 0}


def test_a_line_that_was_cut_is_left_out(tmp_path: Path) -> None:
    write_sighting(tmp_path, "main", sighting("a"))
    with (tmp_path / "main.sightings.jsonl").open("ab") as file:
        file.write(b'{"outcome": {"ty')
    assert list(read_sightings(tmp_path)) == ["a"]


def test_what_all_processes_collected_is_told_once(tmp_path: Path) -> None:
    for process in ("gw0", "gw1"):
        collected = Collected(tests=("a", "b"), broken=("c.py",), offline=("o",))
        write_collected(tmp_path, process, collected)
    assert read_collected(tmp_path) == Collected(tests=("a", "b"), broken=("c.py",), offline=("o",))
    assert read_collected(tmp_path / "none") == Collected(tests=())


def test_orders_are_read_as_they_were_written() -> None:
    orders = Orders(
        folder="/f", base_url="http://127.0.0.1:1", test_limit_s=2.5, selected=("a",), root=None
    )
    assert parse_orders(render_orders(orders)) == orders
