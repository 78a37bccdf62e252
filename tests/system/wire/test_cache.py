"""The prompt cache as usage shows it: section 11, and 19.10, 19.12."""

import json
from collections.abc import Callable
from typing import TypeAlias

import pytest

from l9gate.net.client import ClientResponse
from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.limits import Tier
from l9gate.simulator.server import SimulatorThread
from l9gate.wire.json import Json, JsonObject

Ask: TypeAlias = Callable[..., ClientResponse]
MODEL = "claude-opus-5"  # caches from 512 tokens on
FIVE: JsonObject = {"type": "ephemeral"}
HOUR: JsonObject = {"type": "ephemeral", "ttl": "1h"}
TOOL: JsonObject = {"name": "look", "input_schema": {"type": "object"}}


class Use:
    """Where the tokens of one prompt went."""

    def __init__(self, answer: ClientResponse) -> None:
        assert answer.status == 200, answer.body
        usage = json.loads(answer.body)["usage"]
        self.plain: int = usage["input_tokens"]
        self.read: int = usage["cache_read_input_tokens"]
        self.written: int = usage["cache_creation_input_tokens"]
        self.five: int = usage["cache_creation"]["ephemeral_5m_input_tokens"]
        self.hour: int = usage["cache_creation"]["ephemeral_1h_input_tokens"]
        assert self.written == self.five + self.hour

    @property
    def total(self) -> int:
        return self.plain + self.read + self.written


def words(topic: str, count: int = 1000) -> str:
    """A text that no other test sends."""
    return f"{topic} " * count


def block(text: str, mark: Json = None) -> JsonObject:
    found: JsonObject = {"type": "text", "text": text}
    return found if mark is None else {**found, "cache_control": mark}


def asked(system: list[Json], question: str = "What is it?", **fields: Json) -> JsonObject:
    messages: Json = [{"role": "user", "content": question}]
    return {"model": MODEL, "system": system, "messages": messages, **fields}


def test_the_first_writes_and_the_second_reads(ask: Ask) -> None:
    """19.10: and the sum stays the same."""
    body = asked([block(words("first"), FIVE)])
    first, second = Use(ask(body)), Use(ask(body))
    assert (first.read, second.written) == (0, 0)
    assert first.written == second.read > 512
    assert first.plain == second.plain > 0
    assert first.total == second.total


def test_what_comes_after_the_breakpoint_may_differ(ask: Ask) -> None:
    """11."""
    system: list[Json] = [block(words("after"), FIVE)]
    first = Use(ask(asked(system)))
    second = Use(ask(asked(system, question="And what else is there?")))
    assert second.read == first.written
    assert second.plain != first.plain


def test_without_breakpoint_nothing_is_cached(ask: Ask) -> None:
    """11."""
    body = asked([block(words("none"))])
    for use in (Use(ask(body)), Use(ask(body))):
        assert (use.read, use.written) == (0, 0)


@pytest.mark.parametrize(
    ("model", "count"),
    [(MODEL, 300), ("claude-opus-4-8", 700), ("claude-opus-4-7", 1200), ("claude-opus-4-6", 3000)],
)
def test_a_short_prefix_is_not_cached_and_no_error(ask: Ask, model: str, count: int) -> None:
    """11: minimum 512, 1,024, 2,048 and 4,096 tokens."""
    body = {**asked([block(words("tiny", count), FIVE)]), "model": model}
    for use in (Use(ask(body)), Use(ask(body))):
        assert (use.read, use.written) == (0, 0)
        assert use.plain < {300: 512, 700: 1024, 1200: 2048, 3000: 4096}[count]


def test_the_end_of_the_top_level_is_the_last_block(ask: Ask) -> None:
    """11, K32: automatic caching."""
    body = asked([block(words("auto"))], cache_control=FIVE)
    first, second = Use(ask(body)), Use(ask(body))
    assert first.written == second.read == first.total - first.plain > 512


def test_hours_and_minutes_are_counted_apart(ask: Ask) -> None:
    """11: the 1h part runs to the last 1h breakpoint, the rest is 5m."""
    body = asked([block(words("hours"), HOUR), block(words("minutes"), FIVE)])
    first, second = Use(ask(body)), Use(ask(body))
    assert min(first.hour, first.five) > 512
    assert second.read == first.hour + first.five


def test_a_longer_prefix_reads_the_shorter_one(ask: Ask) -> None:
    """11: tokens before the hit are read, those from the hit to the breakpoint are written."""
    short: list[Json] = [block(words("short"), FIVE)]
    first = Use(ask(asked(short)))
    second = Use(ask(asked([*short, block(words("longer"), FIVE)])))
    assert second.read == first.written
    assert second.written > 512


def test_a_look_back_ends_after_twenty_blocks(ask: Ask) -> None:
    """11."""
    start: Json = block(words("back"), FIVE)
    assert Use(ask(asked([start]))).written
    bare: Json = block(words("back"))
    many: list[Json] = [block(f"part {number}") for number in range(30)]
    near = asked([bare, *many[:10], block("end", FIVE)])
    far = asked([bare, *many, block("end", FIVE)])
    assert Use(ask(near)).read > 0
    assert Use(ask({**far, "system": far["system"]})).read == 0


INVALIDATING: dict[str, JsonObject] = {
    "another tool": {"tools": [{**TOOL, "description": "Looks again"}]},
    "another model": {"model": "claude-opus-4-8"},
    "another speed": {"speed": "fast"},
}


@pytest.mark.parametrize("changes", INVALIDATING.values(), ids=INVALIDATING)
def test_what_comes_before_invalidates(ask: Ask, changes: JsonObject) -> None:
    """11."""
    topic = f"invalid {next(iter(changes))}"
    body = asked([block(words(topic, 1500), FIVE)], tools=[TOOL])
    headers = {"anthropic-beta": "fast-mode-2026-02-01"}
    assert Use(ask(body, headers=headers)).written
    assert Use(ask(body, headers=headers)).read
    assert Use(ask({**body, **changes}, headers=headers)).read == 0


def test_a_choice_of_tools_invalidates_messages_only(ask: Ask) -> None:
    """11."""
    system: list[Json] = [block(words("choice"), FIVE)]
    messages: Json = [{"role": "user", "content": [block(words("choose"), FIVE)]}]
    body: JsonObject = {"model": MODEL, "system": system, "messages": messages, "tools": [TOOL]}
    first = Use(ask(body))
    other = Use(ask({**body, "tool_choice": {"type": "none"}}))
    assert 0 < other.read < first.written
    assert other.written > 0


def test_workspaces_share_nothing(ask: Ask) -> None:
    """11: isolation."""
    body = asked([block(words("apart"), FIVE)])
    mine = {"anthropic-workspace-id": "wrkspc_01Mine"}
    theirs = {"anthropic-workspace-id": "wrkspc_01Theirs"}
    assert Use(ask(body, headers=mine)).written
    assert Use(ask(body, headers=theirs)).read == 0
    assert Use(ask(body, headers=mine)).read


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_both_ways_of_answering_share_the_cache(
    ask: Ask,
    events_in: Callable[[ClientResponse], list[JsonObject]],
    stream: bool,
) -> None:
    """9.2, K4: and a stream says so at its start."""
    body = asked([block(words(f"both {stream}"), FIVE)])
    first = ask({**body, "stream": stream})
    assert first.status == 200
    (start, *_) = events_in(ask({**body, "stream": True}))
    message = start["message"]
    assert isinstance(message, dict)
    usage = message["usage"]
    assert isinstance(usage, dict)
    assert isinstance(usage["cache_read_input_tokens"], int)
    assert usage["cache_read_input_tokens"] > 512


def test_warming_writes_what_the_next_request_reads(ask: Ask) -> None:
    """6.6."""
    body = asked([block(words("warm"), FIVE)])
    warmed = ask({**body, "max_tokens": 0})
    message = json.loads(warmed.body)
    assert (message["content"], message["stop_reason"]) == ([], "max_tokens")
    assert message["usage"]["output_tokens"] == 0
    assert Use(ask(body)).read == Use(warmed).written > 512


def test_counting_neither_writes_nor_reads(ask: Ask) -> None:
    """15: and counts the whole prompt."""
    body = asked([block(words("count"), FIVE)])
    counted = ask(body, path="/v1/messages/count_tokens", drop=("max_tokens",))
    first = Use(ask(body))
    assert first.read == 0
    assert abs(json.loads(counted.body)["input_tokens"] - first.total) <= 0.05 * first.total


def test_what_is_read_drains_no_limit(ask: Ask) -> None:
    """12.1, 19.12: at 4,000 a minute, one prompt of 3,000 may be read as often as you like."""
    tier = Tier(input_tokens_per_min=4_000)
    body = asked([block(words("drain", 1500), FIVE)])
    with SimulatorThread(SimulatorConfig(load_factor=0, tier=tier)) as simulator:
        uses = [Use(ask(body, base_url=simulator.base_url)) for _ in range(6)]
    assert uses[0].written > 2_000
    assert min(use.read for use in uses[1:]) > 2_000


def test_why_a_cache_was_missed_can_be_asked(ask: Ask) -> None:
    """11: `diagnostics`, null where nothing differs or there is nothing to compare with."""
    body = asked([block(words("why"), FIVE)], diagnostics={"previous_message_id": None})
    first = json.loads(ask(body).body)
    assert first["diagnostics"] is None
    changed = {
        **asked([block(words("why not"), FIVE)]),
        "diagnostics": {"previous_message_id": first["id"]},
    }
    reason = json.loads(ask(changed).body)["diagnostics"]["cache_miss_reason"]
    assert reason["type"] == "system_changed"
    assert reason["cache_missed_input_tokens"] > 0
    unknown = {**body, "diagnostics": {"previous_message_id": "msg_nobody_knows"}}
    missed = json.loads(ask(unknown).body)["diagnostics"]["cache_miss_reason"]
    assert missed["type"] == "previous_message_not_found"
