"""E-01, K-01: objects of the SDK that unit tests make by hand, in real sessions."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from l9gate import gate
from l9gate.evidence.records import ContractDrift, Exchange, Fault, HandMade, Held, Record
from l9gate.store.run import run_paths

Project = Callable[..., Path]
RunPytest = Callable[..., subprocess.CompletedProcess[str]]
Records = Callable[[Path, type[Record]], list[object]]

HEAD = """
import asyncio
import anthropic, httpx2, pytest
from types import SimpleNamespace
from anthropic.types import Message, RawMessageStartEvent, RawMessageStopEvent, TextBlock, Usage
from anthropic.types.beta import BetaMessage

FACTS = dict(
    id="msg_1", type="message", role="assistant", model="claude-haiku-5-5", stop_reason="end_turn",
    content=[{"type": "text", "text": "secret"}], usage={"input_tokens": 1, "output_tokens": 1},
)

def made(**changes):
    return Message.construct(**FACTS | changes)
"""
WRONG = (
    HEAD
    + """
CONSTANT = made(model=7)
def test_usage():
    facts = {key: value for key, value in FACTS.items() if key != "usage"}
    Message.construct(**facts)
def test_stop():
    Message.model_validate(FACTS)  # right
    Message.model_construct(**FACTS | {"stop_reason": "finished"})
def test_block():
    made(content=[{"type": "prose", "text": "secret"}])
def test_error():
    response = httpx2.Response(429, request=httpx2.Request("POST", "http://a.invalid"))
    body = {"type": "error", "error": {"type": "api_error", "message": "m"}, "request_id": "req_1"}
    anthropic.RateLimitError("no", response=response, body=body)
@pytest.fixture(scope="session")
def shared():
    return Message(**FACTS | {"usage": Usage(input_tokens=1, output_tokens=-1)})
def test_first(shared): pass
def test_second(shared): pass
"""
)
RIGHT = (
    HEAD
    + """
CONSTANT = made()
BEGINNING = made(stop_reason=None, content=[])

def transport(request):
    return httpx2.Response(200, json=FACTS | {"stop_sequence": None})

EVENTS = [
    ("message_start", '"message": {"id": "msg_1", "type": "message", "role": "assistant", "model": '
     '"claude-haiku-5-5", "content": [], "stop_reason": null, "stop_sequence": null, "usage": '
     '{"input_tokens": 1, "output_tokens": 1}}'),
    ("content_block_start", '"index": 0, "content_block": {"type": "text", "text": ""}'),
    ("content_block_delta", '"index": 0, "delta": {"type": "text_delta", "text": "a"}'),
    ("content_block_stop", '"index": 0'),
    ("message_delta", '"delta": {"stop_reason": "end_turn", "stop_sequence": null}, '
     '"usage": {"output_tokens": 2}'),
    ("message_stop", ""),
]

def refusing(request):
    body = {"type": "error", "error": {"type": "rate_limit_error", "message": "m"},
            "request_id": "req_1"}
    headers = {"request-id": "req_1", "x-should-retry": "false", "retry-after": "1"}
    return httpx2.Response(429, json=body, headers=headers)

def streaming(request):
    text = ""
    for name, rest in EVENTS:
        text += f'event: {name}\\ndata: {{"type": "{name}"{", " + rest if rest else ""}}}\\n\\n'
    return httpx2.Response(200, text=text, headers={"content-type": "text/event-stream"})

ASK = dict(model="claude-haiku-5-5", max_tokens=9, messages=[{"role": "user", "content": "secret"}])

def client(answer):
    http = httpx2.Client(transport=httpx2.MockTransport(answer))
    return anthropic.Anthropic(api_key="k", http_client=http)

def test_made(): Message(**FACTS | {"content": [TextBlock(type="text", text="a")]})
def test_stream():
    RawMessageStartEvent(type="message_start", message=BEGINNING)
    RawMessageStopEvent(type="message_stop")
def test_beta(): BetaMessage.construct(**FACTS | {"content": [{"type": "mcp_tool_use"}]})
def test_filled_in():
    message = made(usage=None)
    message.usage = Usage(input_tokens=1, output_tokens=1)
def test_stand_in(): made(content=[SimpleNamespace(type="text", text="a")])
@pytest.mark.scenario("malformed_answer")
def test_damage(): Message.construct(id=7)
def test_the_sdk():
    assert client(transport).messages.create(**ASK).usage.output_tokens == 1
    assert client(transport).beta.messages.create(**ASK).usage.output_tokens == 1
    with client(streaming).messages.stream(**ASK) as stream:
        assert stream.get_final_message().usage.output_tokens == 2
    with pytest.raises(anthropic.RateLimitError):
        client(refusing).messages.create(**ASK)
def test_the_asynchronous_sdk():
    async def ask():
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(transport))
        return await anthropic.AsyncAnthropic(api_key="k", http_client=http).messages.create(**ASK)
    assert asyncio.run(ask()).usage.output_tokens == 1
"""
)


def place_of(text: str, words: str) -> str:
    lines = text.splitlines()
    return f"tests/unit/test_a.py:{next(at for at, line in enumerate(lines, 1) if words in line)}"


def finding_of(root: Path) -> tuple[str, float | None, int, str]:
    document = gate.judge(list(run_paths(root / ".l9gate/runs"))).document
    (found,) = (one for one in document.findings if one.criterion == "mock-drift")
    return found.state, found.observed, found.n, json.dumps(found.evidence)


def sarif_of(root: Path) -> list[str]:
    """Return the places that `l9gate report --format sarif` shows."""
    words = [sys.executable, "-m", "l9gate", "report", "--format", "sarif"]
    done = subprocess.run(words, cwd=root, capture_output=True, check=True, timeout=60)
    (run,) = json.loads(done.stdout)["runs"]
    places = [one["locations"][0]["physicalLocation"] for one in run["results"]]
    return [f"{one['artifactLocation']['uri']}:{one['region']['startLine']}" for one in places]


@pytest.mark.parametrize("arguments", [(), ("-n", "1")])
def test_a_wrong_object_is_named_with_its_test_and_place(
    project: Project, run_pytest: RunPytest, records: Records, arguments: tuple[str, ...]
) -> None:
    root = project({"tests/unit/test_a.py": WRONG})
    done = run_pytest(root, *arguments)
    assert done.returncode == 0, done.stdout
    found = {
        (one.owner or "").rpartition("::")[2]: (one.code, one.place, one.built_at, one.impact)
        for one in records(root, ContractDrift)
        if isinstance(one, ContractDrift)
    }
    shared = next(owner for owner in found if owner.startswith("shared#"))
    assert found == {
        "test_usage": ("shape.missing", "/usage", place_of(WRONG, "(**facts)"), "breaking"),
        "test_stop": ("shape.value", "/stop_reason", place_of(WRONG, "finished"), "breaking"),
        "test_block": (
            "shape.variant",
            "/content/*/type",
            place_of(WRONG, "struct(**F"),
            "breaking",
        ),
        "test_error": ("envelope.mismatch", "/error/type", place_of(WRONG, '"no", re'), "breaking"),
        "tests/unit/test_a.py": ("shape.type", "/model", place_of(WRONG, "struct(**F"), "breaking"),
        shared: ("usage.negative", "/usage/output_tokens", place_of(WRONG, "=-1"), "breaking"),
    }
    state, observed, n, evidence = finding_of(root)
    assert (state, observed, n) == ("broken", 6, 7)
    assert place_of(WRONG, "(**facts)") in evidence
    assert "assumption void" in done.stdout
    assert place_of(WRONG, "(**facts)") in sarif_of(root)
    (path,) = run_paths(root / ".l9gate/runs")
    assert b"secret" not in (path / "evidence.db").read_bytes()


def test_right_objects_and_what_the_sdk_reads_are_not_accused(
    project: Project, run_pytest: RunPytest, records: Records
) -> None:
    root = project({"tests/unit/test_a.py": RIGHT})
    done = run_pytest(root)
    assert done.returncode == 0, done.stdout
    damaged = {one.code for one in records(root, ContractDrift) if isinstance(one, ContractDrift)}
    assert damaged == {"shape.missing", "shape.type"}
    owners = {
        one.owner.rpartition("::")[2]: (one.held, one.drifted, one.unread)
        for one in records(root, HandMade)
        if isinstance(one, HandMade)
    }
    assert owners == {
        "tests/unit/test_a.py": (2, 0, 0),
        "test_made": (1, 0, 0),
        "test_stream": (2, 0, 0),
        "test_beta": (1, 0, 0),
        "test_filled_in": (1, 0, 0),
        "test_stand_in": (0, 0, 1),
        "test_damage": (1, 1, 0),
    }
    exchanges = [one for one in records(root, Exchange) if isinstance(one, Exchange)]
    assert [one.held for one in exchanges] == [Held.KEPT] * 5
    assert records(root, Fault) == []
    state, observed, n, _ = finding_of(root)
    assert (state, observed, n) == ("kept", 0, 10)
