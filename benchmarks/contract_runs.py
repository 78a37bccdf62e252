"""Pairs of runs of the simulator that differ in seed, prompts, models, tools and streams.

A baseline is learnt from three repeats of each question in the first run; the second asks the same
kinds of questions in other words. Whatever somebody would be told to look at is a false alarm.
"""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from l9gate.contract import Contract, Drift, Observed, learn_baseline, parse_asked, parse_observed
from l9gate.measure.clock import ManualClock
from l9gate.net.http import HttpRequest, HttpResponse
from l9gate.simulator.app import SimulatorApp
from l9gate.simulator.config import SimulatorConfig
from l9gate.wire.json import Json, JsonObject

REPEATS = 3
MODELS = (
    "claude-haiku-5-5",
    "claude-sonnet-5-5",
    "claude-opus-5-5",
    "claude-opus-5",
    "claude-sonnet-5",
    "claude-sonnet-4-6",
    "claude-opus-4-5",
)
FORCING = ("claude-haiku-5-5", "claude-opus-5", "claude-sonnet-5", "claude-sonnet-4-6")
WORDS = ("open", "file", "token", "naïve", "список", "parse", "\n", "λ", "0x7f", "async", '"q"')
KINDS = (
    "text",
    "tool",
    "strict_tool",
    "system",
    "turns",
    "format",
    "short",
    "stop",
    "result",
    "thinking",
)
HEADERS = {"authorization": "Bearer sk-test-1", "anthropic-version": "2026-10-21"}


@dataclass(frozen=True)
class Pair:
    """What one pair came to."""

    checked: int  # exchanges of the second run
    alarms: list[Drift] = field(default_factory=list)
    compatible: int = 0


class Run:
    """One run of the simulator, in this process."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - to vary, not to hide
        self._app = SimulatorApp(SimulatorConfig(seed=seed, load_factor=0), ManualClock())

    def ask(self, kind: str, *, stream: bool, probe: str | None = None) -> Observed:
        """Return one exchange of a kind of question, in words of its own."""
        body = msgspec.json.encode(make_request(kind, self.chance, stream=stream))
        response, raw = asyncio.run(self._answer(body))
        asked = parse_asked("POST", "/v1/messages", HEADERS, body)
        return parse_observed(asked, response.status, response.headers, raw, probe)

    async def _answer(self, body: bytes) -> tuple[HttpResponse, bytes]:
        request = HttpRequest(
            method="POST", path="/v1/messages", query="", headers=dict(HEADERS), body=body
        )
        promise = self._app(request)
        response = promise if isinstance(promise, HttpResponse) else await promise
        if isinstance(response.body, bytes):
            return response, response.body
        pieces = [piece async for piece in response.body]
        return response, b"".join(piece for piece in pieces if isinstance(piece, bytes))


def play_pair(number: int) -> Pair:
    """Learn from one run and compare another with it: as repeats of probes, and in passing."""
    first, second = Run(2 * number), Run(2 * number + 1)
    chance = random.Random(number)  # noqa: S311
    questions = [(kind, chance.random() < 0.5) for kind in chance.sample(KINDS, 3)]
    repeats = {
        f"{kind} {stream}": [first.ask(kind, stream=stream) for _ in range(REPEATS)]
        for kind, stream in questions
    }
    contract = Contract(learn_baseline(repeats))
    alarms: list[Drift] = []
    compatible = checked = 0
    for kind, stream in questions:
        for probe in (f"{kind} {stream}", None):
            seen = second.ask(kind, stream=stream, probe=probe)
            drifts = contract.find_drifts(seen)
            passing = list(_pass_by(contract, seen)) if probe is None else []
            alarms += [drift for drift in (*drifts, *passing) if drift.is_grave]
            compatible += sum(not drift.is_grave for drift in drifts)
            checked += 1
    return Pair(checked, alarms, compatible)


def make_request(kind: str, chance: random.Random, *, stream: bool) -> JsonObject:
    """Return a request of one kind that the API accepts."""
    text = " ".join(chance.choices(WORDS, k=chance.randint(1, 40))).strip() or "why"
    able = {"tool": FORCING, "strict_tool": FORCING, "thinking": MODELS[:-1]}
    asked: JsonObject = {
        "model": chance.choice(able.get(kind, MODELS)),
        "max_tokens": chance.randint(5, 9) if kind == "short" else chance.randint(400, 4000),
        "messages": [{"role": "user", "content": f"Which function? {text}"}],
        "stream": stream,
    }
    return {**asked, **_part(kind, text, chance)}


def _part(kind: str, text: str, chance: random.Random) -> JsonObject:
    said: list[Json] = [{"role": "user", "content": text}]
    match kind:
        case "tool" | "strict_tool":
            tool = _tool(chance, strict=kind == "strict_tool")
            others: list[Json] = [_tool(chance, strict=False) for _ in range(chance.randint(0, 2))]
            choice: JsonObject = {"type": "tool", "name": tool["name"]}
            part: JsonObject = {"tools": [tool, *others], "tool_choice": choice}
        case "system":
            part = {"system": [{"type": "text", "text": text}]}
        case "turns":
            part = {"messages": [*said, {"role": "assistant", "content": "yes"}, *said]}
        case "format":
            form: JsonObject = {"type": "json_schema", "schema": _schema(chance)}
            part = {"output_config": {"format": form}}
        case "stop":
            exact: JsonObject = {"role": "user", "content": "Reply with exactly: one two three"}
            part = {"stop_sequences": ["three"], "messages": [exact]}
        case "result":
            part = _with_result(text, chance)
        case "thinking":
            shown = chance.choice(("summarized", "omitted"))
            part = {"thinking": {"type": "adaptive", "display": shown}}
        case _:
            part = {}
    return part


def _with_result(text: str, chance: random.Random) -> JsonObject:
    tool = _tool(chance, strict=False)
    call: JsonObject = {"type": "tool_use", "id": "toolu_1", "name": tool["name"], "input": {}}
    result: JsonObject = {"type": "tool_result", "tool_use_id": "toolu_1", "content": text}
    said: list[Json] = [
        {"role": "user", "content": text},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [result]},
    ]
    return {"tools": [tool], "messages": said}


def _tool(chance: random.Random, *, strict: bool) -> JsonObject:
    name = f"f{chance.randrange(10**6)}"
    tool: JsonObject = {"name": name, "description": "Finds.", "input_schema": _schema(chance)}
    return {**tool, "strict": True} if strict else tool


def _schema(chance: random.Random) -> JsonObject:
    fields = dict(_fields(chance))
    return {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }


def _fields(chance: random.Random) -> Iterator[tuple[str, Json]]:
    kinds: tuple[JsonObject, ...] = (
        {"type": "string"},
        {"type": "integer"},
        {"type": "boolean"},
        {"type": "string", "enum": ["python", "c"]},
        {"type": "array", "items": {"type": "number"}},
    )
    for number in range(chance.randint(1, 4)):
        yield f"field_{number}", chance.choice(kinds)


def _pass_by(contract: Contract, seen: Observed) -> Iterator[Drift]:
    if seen.events is None:
        yield from contract.glance(seen.asked, seen.status, seen.headers, seen.body)
        return
    watch = contract.follow(seen.asked, seen.status, seen.headers)
    for event in seen.events:
        watch.feed(event)
    yield from watch.finish()
