import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from l9gate.drive.workload import (
    Fixed,
    Generated,
    Job,
    load_function,
    load_workload,
    minimal,
    parse_workload,
)
from l9gate.errors import PlanError

BODY = {"model": "m", "max_tokens": 5, "messages": []}


def line(**fields: object) -> bytes:
    return json.dumps(fields).encode() + b"\n"


def bodies(workload: Fixed, count: int, *, shard: int = 0, shards: int = 1) -> list[bytes]:
    return [job.body for job in itertools.islice(workload.jobs(1, shard, shards), count)]


def test_a_file_of_bodies_is_sent_over_and_over() -> None:
    workload = parse_workload(line(**BODY) + b"\n" + line(**BODY, stream=True), "w.jsonl")
    first, second, third = itertools.islice(workload.jobs(0, 0, 1), 3)
    assert (first.model, first.stream, first.max_tokens) == ("m", False, 5)
    assert second.stream
    assert third is first
    assert workload.times_s is None


def test_a_recording_says_when() -> None:
    data = line(at_s=1.5, body=BODY) + line(at_s=2.0, body=BODY, path="/v1/x", label="a")
    workload = parse_workload(data, "tape.jsonl")
    assert workload.times_s == (1.5, 2.0)
    assert json.loads(workload.made[0].body) == BODY
    assert (workload.made[1].path, workload.made[1].label) == ("/v1/x", "a")


def test_shuffling_repeats_with_its_seed_and_uses_every_body_once_a_round() -> None:
    made = tuple(Job(bytes([number])) for number in range(20))
    one = bodies(Fixed(made, is_shuffled=True), 40)
    assert one == bodies(Fixed(made, is_shuffled=True), 40)
    assert sorted(one[:20]) == sorted(one[20:]) == [job.body for job in made]
    assert one[:20] != [job.body for job in made]


def test_shards_deal_jobs_in_turn() -> None:
    workload = Fixed(tuple(Job(bytes([number])) for number in range(4)))
    assert bodies(workload, 2, shard=0, shards=2) == [b"\0", b"\2"]
    assert bodies(workload, 2, shard=1, shards=2) == [b"\1", b"\3"]


@pytest.mark.parametrize(
    "data",
    [b"", b"\n", b"no json\n", b"[1]\n", line(body=3), line(at_s=1, body=BODY) + line(**BODY)],
)
def test_a_file_that_holds_no_requests_is_refused(data: bytes) -> None:
    with pytest.raises(PlanError):
        parse_workload(data, "w.jsonl")


def test_a_generator_may_yield_objects_bytes_and_jobs() -> None:
    def generate(seed: int) -> Iterator[Job | bytes | dict[str, object]]:
        yield {"model": "m", "seed": seed}
        yield b'{"model": "n", "stream": true}'
        yield Job(b"{}", model="o")

    jobs = list(Generated(generate, "x:y").jobs(7, 0, 1))
    assert [job.model for job in jobs] == ["m", "n", "o"]
    assert json.loads(jobs[0].body)["seed"] == 7


def test_a_generator_that_yields_something_else_is_named() -> None:
    def generate(seed: int) -> list[bytes]:
        return [seed]  # type: ignore[list-item]

    with pytest.raises(PlanError, match="`x:y` yields a int"):
        list(Generated(generate, "x:y").jobs(0, 0, 1))


def test_a_generator_that_ends_the_process_is_named() -> None:
    """`sys.exit(0)` of a workload is no verdict."""

    def generate(_seed: int) -> Iterator[bytes]:
        yield b"{}"
        sys.exit(0)

    with pytest.raises(PlanError, match="`x:y` wants to end the process"):
        list(Generated(generate, "x:y").jobs(0, 0, 1))


@pytest.mark.parametrize("text", ["raise SystemExit(0)", "1 / 0", "def f(:", "import no_such"])
def test_a_module_that_cannot_be_imported_is_named(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "made_to_fail.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PlanError, match="`made_to_fail` cannot be imported: "):
        load_function("made_to_fail", "f")


def test_a_workload_is_found_by_path_or_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "w.jsonl"
    path.write_bytes(line(**BODY))
    assert isinstance(load_workload(str(path)), Fixed)
    module = ModuleType("made_workload")
    monkeypatch.setattr(module, "jobs", lambda _seed: [b"{}"], raising=False)
    monkeypatch.setitem(sys.modules, "made_workload", module)
    assert isinstance(load_workload("made_workload:jobs"), Generated)


@pytest.mark.parametrize("text", ["absent.jsonl", "no_such_module:f", "json:no_such_function"])
def test_a_workload_that_is_not_there_is_refused(text: str) -> None:
    with pytest.raises(PlanError):
        load_workload(text)


def test_the_smallest_workload_asks_one_question() -> None:
    (job,) = minimal("m", stream=True).made
    assert (job.model, job.stream) == ("m", True)
    assert json.loads(job.body)["max_tokens"] == job.max_tokens
