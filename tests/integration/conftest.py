"""APIs that are ill on purpose, for failures that nobody may ask the real one for."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from l9gate.simulator.rules import FaultRule
from l9gate.simulator.server import SimulatorConfig, SimulatorThread

_DATA = Path(__file__).parents[1] / "data" / "code_search" / "pydoc_dev"


@pytest.fixture
def open_ill_api() -> Iterator[Callable[..., SimulatorThread]]:
    """Start a local API that answers at once and with a fault; `nth` limits it to one request."""
    with ExitStack() as opened:

        def build(fault: str, nth: int | None = None) -> SimulatorThread:
            config = SimulatorConfig(load_factor=0, rules=(FaultRule(fault=fault, nth=nth),))
            return opened.enter_context(SimulatorThread(config))

        yield build


@pytest.fixture
def closed_url() -> str:
    """A base URL on this machine where nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    return f"http://127.0.0.1:{port}"


@pytest.fixture(scope="session")
def relevant() -> dict[str, str]:
    """The one function that each question was written about."""
    judged = (_DATA / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:]
    functions = dict(line.split("\t")[:2] for line in judged)
    asked = map(json.loads, (_DATA / "queries.jsonl").read_text(encoding="utf-8").splitlines())
    return {question["query"]: functions[question["qid"]] for question in asked}
