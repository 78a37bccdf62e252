"""What clients do about faults, seen by the simulator over real sockets; fixtures, CLI, guide."""

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import anthropic
import httpx2
import pytest
from anthropic.types import MessageParam

from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import Conduct, Fault
from l9gate.gate.rehearsal import note_conduct
from l9gate.measure.clock import SystemClock
from l9gate.simulator.conduct import Misdeed
from l9gate.simulator.journal import Visit, VisitEnd
from l9gate.simulator.rules import FaultRule
from l9gate.simulator.server import SimulatorConfig, SimulatorThread, running_simulator
from l9gate.sources.bench import Bench

ROOT = Path(__file__).parents[2]
MODEL = "claude-haiku-5-5"
ASKED: list[MessageParam] = [{"role": "user", "content": "Reply with exactly: one two three four"}]
RAW_BODY = {"model": MODEL, "max_tokens": 50, "messages": ASKED}
HEADERS = {"x-api-key": "sk-simulated-1", "anthropic-version": "2026-10-21"}


@pytest.fixture
def own() -> Iterator[SimulatorThread]:
    with SimulatorThread(SimulatorConfig(load_factor=0)) as running:
        yield running


@pytest.fixture
def sdk(own: SimulatorThread) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(api_key="sk-simulated-1", base_url=own.base_url, timeout=5) as made:
        yield made


def _misdeeds(own: SimulatorThread) -> list[Misdeed]:
    return [one.misdeed for client in own.conduct() for one in client.misconduct]


def _settled(own: SimulatorThread, count: int) -> list[Visit]:
    """Return the visits as soon as so many of them have ended."""
    deadline_s = time.monotonic() + 5
    while time.monotonic() < deadline_s:
        visits = own.visits()
        if sum(visit.end is not VisitEnd.OPEN for visit in visits) >= count:
            return visits
        time.sleep(0.01)
    raise AssertionError([visit.end for visit in own.visits()])


def test_the_official_client_behaves(own: SimulatorThread, sdk: anthropic.Anthropic) -> None:
    """It backs off, obeys `retry-after`, and retries nothing that is refused for good."""
    own.set_fault("status=429,retry_after=0.3")
    with pytest.raises(anthropic.RateLimitError):
        sdk.with_options(max_retries=1).messages.create(model=MODEL, max_tokens=50, messages=ASKED)
    own.set_fault("status=400")
    with pytest.raises(anthropic.BadRequestError):
        sdk.messages.create(model=MODEL, max_tokens=51, messages=ASKED)
    (client,) = own.conduct()
    assert (client.requests, client.retries, client.failures) == (3, 1, 3)
    assert client.user_agent.startswith("Anthropic/Python")
    assert client.misconduct == ()


def test_a_rude_client_is_told_from_it(own: SimulatorThread) -> None:
    with httpx2.Client(base_url=own.base_url, headers=HEADERS) as raw:
        for fault, tries in (
            ("status=429,retry_after=5", 2),
            ("status=400", 2),
            ("status=529", 12),
        ):
            body = {**RAW_BODY, "max_tokens": tries + len(fault)}
            own.set_fault(fault)
            for _ in range(tries):
                raw.post("/v1/messages", json=body)
    found = _misdeeds(own)
    assert found.count(Misdeed.IGNORED_RETRY_AFTER) == 1
    assert found.count(Misdeed.RETRIED_REFUSED) == 1
    assert found.count(Misdeed.NO_BACKOFF) == 11
    assert found.count(Misdeed.RETRY_STORM) == 1


@pytest.mark.parametrize(
    "fault", ["cut_after_events=5", "drop_event=message_stop", "cut_inside_event=5"]
)
def test_a_truncated_answer_that_is_sent_back_is_noticed(own: SimulatorThread, fault: str) -> None:
    with httpx2.Client(base_url=own.base_url, headers=HEADERS) as raw:
        own.set_fault(fault)
        said = ""
        try:
            with raw.stream("POST", "/v1/messages", json={**RAW_BODY, "stream": True}) as answer:
                for line in answer.iter_lines():
                    event = json.loads(line[6:]) if line.startswith("data: {") else {}
                    said += event.get("delta", {}).get("text", "")
        except (httpx2.RemoteProtocolError, json.JSONDecodeError):
            pass
        assert said
        own.set_fault(None)
        turns = [*ASKED, {"role": "assistant", "content": said}, *ASKED]
        assert raw.post("/v1/messages", json={**RAW_BODY, "messages": turns}).status_code == 200
    assert _misdeeds(own) == [Misdeed.ACCEPTED_TRUNCATED]


def test_a_client_that_gives_up_is_seen_to_leave(
    own: SimulatorThread, sdk: anthropic.Anthropic
) -> None:
    impatient = sdk.with_options(max_retries=0, timeout=0.2)
    own.set_fault("delay_s=60")
    with pytest.raises(anthropic.APITimeoutError):
        impatient.messages.create(model=MODEL, max_tokens=50, messages=ASKED)
    own.set_fault("stall_s=60,stall_at_event=3")
    with (
        pytest.raises((anthropic.APITimeoutError, httpx2.TimeoutException)),
        impatient.messages.stream(model=MODEL, max_tokens=50, messages=ASKED) as events,
    ):
        events.until_done()
    visits = _settled(own, 2)
    assert [visit.end for visit in visits] == [VisitEnd.LEFT, VisitEnd.LEFT]
    assert [visit.status for visit in visits] == [None, 200]
    assert _misdeeds(own) == []


def test_journal_and_metrics_are_served(own: SimulatorThread, sdk: anthropic.Anthropic) -> None:
    with sdk.messages.stream(model=MODEL, max_tokens=50, messages=ASKED) as events:
        events.until_done()
    _settled(own, 1)
    journal = httpx2.get(f"{own.base_url}/_l9gate/journal").json()
    metrics = httpx2.get(f"{own.base_url}/metrics").text
    (visit,) = journal["visits"]
    assert (visit["end"], visit["status"], visit["attempt"]) == ("whole", 200, 0)
    assert "sk-simulated" not in json.dumps(journal)
    assert "three four" not in json.dumps(journal)
    assert "l9gate_simulator_streams_open 0" in metrics
    assert 'requests_total{path="/v1/messages",status="200",fault=""} 1' in metrics


def test_several_servers_in_one_loop_and_process_do_not_know_each_other() -> None:
    async def play() -> list[int]:
        told = SimulatorConfig(load_factor=0, rules=(FaultRule(status=529),))
        async with (
            running_simulator(SimulatorConfig(load_factor=0)) as one,
            running_simulator(told) as other,
            httpx2.AsyncClient(headers=HEADERS) as raw,
        ):
            answers = [
                await raw.post(f"{handle.base_url}/v1/messages", json=RAW_BODY)
                for handle in (one, other, other)
            ]
            assert (one.requests_seen, other.requests_seen) == (1, 2)
            return [answer.status_code for answer in answers]

    assert asyncio.run(play()) == [200, 529, 529]


def _evidence(base_url: str) -> MemoryLog:
    log = MemoryLog()
    note_conduct(base_url, Bench(clock=SystemClock(), seed=1, sink=log, say=print))
    return log


def test_the_gate_takes_the_journal_as_evidence(own: SimulatorThread) -> None:
    with httpx2.Client(base_url=own.base_url, headers={**HEADERS, "user-agent": "app/1"}) as raw:
        own.set_fault("status=529")
        for _ in range(3):
            raw.post("/v1/messages", json=RAW_BODY)
    (conduct,) = _evidence(own.base_url).of(Conduct)
    assert (conduct.client, conduct.requests, conduct.retries) == ("app/1", 3, 2)
    assert conduct.misconduct == {"no_backoff": 2}
    assert conduct.examples[0].startswith("no_backoff: came after 0.0")


def test_a_journal_that_cannot_be_had_is_a_fault_of_ours(
    own: SimulatorThread, scripted_api: ThreadingHTTPServer
) -> None:
    own.stop()
    (gone,) = _evidence(own.base_url).of(Fault)
    assert (gone.where, gone.error_class) == ("gate.rehearsal", "EndpointUnreachableError")
    (other,) = _evidence(f"http://127.0.0.1:{scripted_api.server_port}").of(Fault)
    assert other.error_class == "DecodeError"


def _simulate(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "l9gate", "simulate", *words],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_beyond_loopback_it_listens_only_if_that_is_said_twice() -> None:
    refused = _simulate("--host", "0.0.0.0")  # noqa: S104 - that is what is refused
    assert refused.returncode == 78
    assert "--allow-remote" in refused.stderr
    assert refused.stdout == ""


def test_who_is_allowed_beyond_loopback_takes_no_commands_there() -> None:
    config = SimulatorConfig(load_factor=0, allow_remote=True)
    with SimulatorThread(config, host="0.0.0.0") as remote:  # noqa: S104 - that is the point
        url = remote.base_url.replace("0.0.0.0", "127.0.0.1")  # noqa: S104
        answers = [httpx2.get(url + path) for path in ("/metrics", "/_l9gate/journal")]
    assert [answer.status_code for answer in answers] == [200, 401]


def test_a_script_is_read_by_the_command_or_refused(tmp_path: Path) -> None:
    script = tmp_path / "special.toml"
    script.write_text("[[rule]]\ntxet = 'a'\n")
    refused = _simulate("--script", str(script))
    assert refused.returncode == 78
    assert "line 2: `txet`: no such key" in refused.stderr
    assert "did you mean `text`?" in refused.stderr
    script.write_text("[[rule]]\ncontains = 'exactly'\ntext = 'It rains.'\n")
    with subprocess.Popen(
        [sys.executable, "-m", "l9gate", "simulate", "--script", str(script), "--stop-with-stdin"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        base_url = process.stdout.readline().strip()
        with anthropic.Anthropic(api_key="sk-simulated-1", base_url=base_url) as client:
            message = client.messages.create(model=MODEL, max_tokens=50, messages=ASKED)
        process.communicate("", timeout=10)
    assert process.returncode == 0
    assert message.content[0].type == "text"
    assert message.content[0].text == "It rains."


def test_the_guides_test_passes_in_a_gated_project(
    project: Callable[..., Path], run_pytest: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    guide = (ROOT / "docs" / "guides" / "simulator.md").read_text()
    block = next(b for b in re.findall(r"```python\n(.*?)```", guide, re.DOTALL) if "def test" in b)
    root = project({"tests/unit/test_guide.py": block})
    done = run_pytest(root, "-q", "tests/unit")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
