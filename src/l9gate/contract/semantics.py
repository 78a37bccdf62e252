"""What the parts of a message say about each other and about the request.

A part of the wrong type is passed over here: its shape tells.
"""

from collections.abc import Iterable, Iterator
from typing import cast

from l9gate.contract.conform import find_breach
from l9gate.contract.drift import Drift, name_of, tell
from l9gate.contract.observed import Asked, Observed
from l9gate.contract.rules import Impact
from l9gate.wire.headers import REQUEST_ID
from l9gate.wire.json import Json, JsonObject, parse_object
from l9gate.wire.messages import as_count, as_text
from l9gate.wire.models import find_model

COUNT_TOLERANCE = 0.05  # of the usage; the sheet says "small" and gives no number: ours
COUNT_TOLERANCE_TOKENS = 10  # and at least so many
_COUNTS = (
    "input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens",
)  # fmt: skip
_CALLS = {"tool_use": "toolu_", "server_tool_use": "srvtoolu_"}  # how ids begin
_CALLED_NOTHING = frozenset({"end_turn", "stop_sequence", "pause_turn"})


def is_plain(body: JsonObject, message: JsonObject) -> bool:
    """Whether a message is one text that fits together beyond doubt: most are, and this is quick.

    Args:
        body: of the request.
        message: of the shape that is promised.
    """
    usage = cast("dict[str, int]", message["usage"])
    content = cast("list[dict[str, str]]", message["content"])
    most, parts = body.get("max_tokens"), cast("dict[str, int]", usage.get("cache_creation"))
    return (
        message["stop_reason"] == "end_turn"
        and message.get("stop_sequence") is None
        and len(content) == 1
        and content[0]["type"] == "text"
        and "output_config" not in body
        and message["model"] == body.get("model")
        and cast("str", message["id"]).startswith("msg_")
        and usage["input_tokens"] > 0
        and type(most) is int
        and 0 < usage["output_tokens"] <= most
        and not usage.get("cache_creation_input_tokens")
        and not usage.get("cache_read_input_tokens")
        and not (parts and any(parts.values()))
        and usage.get("output_tokens_details") is None
    )


def find_message_drifts(asked: Asked, message: JsonObject) -> list[Drift]:
    """Return what does not fit together in a whole message."""
    drifts: list[Drift] = []
    usage = message.get("usage")
    if isinstance(usage, dict):
        _check_usage(usage, message, asked, drifts)
    _check_stop(message, asked, drifts)
    _check_content(message, asked, drifts)
    _check_model(message.get("model"), asked, drifts)
    name = message.get("id")
    if isinstance(name, str) and not name.startswith("msg_"):
        drifts.append(tell("id.form", "/id", "`msg_…`", "another form"))
    return drifts


def find_count_drift(counted: JsonObject, usage: JsonObject) -> Drift | None:
    """Return how far `count_tokens` is from the usage of the same request, if it is too far."""
    guess = as_count(counted.get("input_tokens"))
    real = total_input(usage)
    if guess is None or not real:
        return None
    allowed = max(COUNT_TOLERANCE * real, COUNT_TOLERANCE_TOKENS)
    if abs(guess - real) <= allowed:
        return None
    return tell("count.differs", "/input_tokens", f"{real} within {allowed:.0f}", str(guess))


def find_repeated_ids(exchanges: Iterable[Observed]) -> Iterator[Drift]:
    """Yield the first repetition of a request id, and of a message id, among exchanges."""
    seen: set[str] = set()
    for exchange in exchanges:
        body = parse_object(exchange.body) or {}
        for where, name in (
            (f"header {REQUEST_ID}", exchange.headers.get(REQUEST_ID)),
            ("/id", body.get("id") if body.get("type") == "message" else None),
        ):
            if isinstance(name, str) and name in seen:
                yield tell("id.repeated", where, "a new id", "one that came before")
            elif isinstance(name, str):
                seen.add(name)


def find_batch_drifts(batch: JsonObject) -> Iterator[Drift]:
    """Yield what does not fit the state of a batch; `ended_at` and `results_url` mark its end."""
    status, counts = batch.get("processing_status"), batch.get("request_counts")
    has_ended = status == "ended"
    running = counts.get("processing") if isinstance(counts, dict) else None
    if has_ended and running:
        yield tell("batch.counts", "/request_counts/processing", "0", "more")
    if has_ended and batch.get("ended_at") is None:
        yield tell("batch.counts", "/ended_at", "a time", "null")
    for key in ("ended_at", "results_url"):
        if not has_ended and isinstance(status, str) and batch.get(key) is not None:
            yield tell("batch.counts", f"/{key}", f"null while {name_of(status)}", "a value")


def total_input(usage: JsonObject) -> int | None:
    """Return the input tokens of all kinds; None if they are not counted."""
    total = usage.get("input_tokens")
    if type(total) is not int:
        return None
    written, read = usage.get("cache_creation_input_tokens"), usage.get("cache_read_input_tokens")
    total += written if type(written) is int else 0
    return total + (read if type(read) is int else 0)


def _check_usage(usage: JsonObject, message: JsonObject, asked: Asked, drifts: list[Drift]) -> None:
    for name in _COUNTS:
        count = usage.get(name)
        if type(count) is int and count < 0:
            drifts.append(tell("usage.negative", f"/usage/{name}", "0 or more", str(count)))
    if total_input(usage) == 0:
        drifts.append(tell("usage.input", "/usage/input_tokens", "1 or more", "0"))
    output = usage.get("output_tokens")
    if type(output) is int:
        _check_output(output, message, asked, drifts)
    written, parts = usage.get("cache_creation_input_tokens"), usage.get("cache_creation")
    if isinstance(parts, dict) and type(written) is int:
        total = 0
        for count in parts.values():
            total += count if type(count) is int else 0
        if total != written:
            where = "/usage/cache_creation_input_tokens"
            drifts.append(tell("usage.cache", where, str(total), str(written)))
    details = usage.get("output_tokens_details")
    thought = details.get("thinking_tokens") if isinstance(details, dict) else None
    if type(thought) is int and type(output) is int and thought > output:
        where = "/usage/output_tokens_details/thinking_tokens"
        drifts.append(tell("usage.thinking", where, f"at most {output}", str(thought)))


def _check_output(output: int, message: JsonObject, asked: Asked, drifts: list[Drift]) -> None:
    most = asked.body.get("max_tokens")
    where = "/usage/output_tokens"
    if output == 0 and most != 0 and message.get("stop_reason") != "refusal":
        drifts.append(tell("usage.output", where, "1 or more", "0"))
    elif type(most) is int and output > most:
        drifts.append(tell("usage.over", where, f"at most {most}", str(output)))


def _check_stop(message: JsonObject, asked: Asked, drifts: list[Drift]) -> None:
    reason, sequence = message.get("stop_reason"), message.get("stop_sequence")
    if (reason == "stop_sequence") != (sequence is not None) and "stop_sequence" in message:
        expected = "a sequence" if sequence is None else f"null with {name_of(reason)}"
        found = "null" if sequence is None else "a sequence"
        drifts.append(tell("stop.sequence", "/stop_sequence", expected, found))
    elif isinstance(sequence, str):
        offered = asked.body.get("stop_sequences")
        if isinstance(offered, list) and sequence not in offered:
            where = "/stop_sequence"
            drifts.append(tell("stop.sequence", where, "one that was asked for", "another"))
    if reason == "refusal" and message.get("stop_details", 0) is None:
        drifts.append(tell("stop.details", "/stop_details", "an object", "null"))


def _check_content(message: JsonObject, asked: Asked, drifts: list[Drift]) -> None:
    content, reason = message.get("content"), as_text(message.get("stop_reason"))
    if not isinstance(content, list):
        return
    calls, last = 0, None
    for number, block in enumerate(content):
        last = as_text(block.get("type")) if isinstance(block, dict) else None
        if last in _CALLS and isinstance(block, dict):
            calls += last == "tool_use"
            _check_call_id(block.get("id"), last, number, drifts)
    if reason == "tool_use" and not calls:
        drifts.append(tell("stop.tool_use", "/stop_reason", "a `tool_use` block", "none"))
    elif last == "tool_use" and reason in _CALLED_NOTHING:
        drifts.append(tell("stop.tool_use", "/stop_reason", "`tool_use`", name_of(reason)))
    if calls and "tools" in asked.body:
        _check_tools(content, reason, asked, drifts)
    if reason == "end_turn" and asked.body:
        if not content and asked.body.get("max_tokens") != 0 and not _ends_with_results(asked):
            drifts.append(tell("content.empty", "/content", "a block", "none"))
        if "output_config" in asked.body:
            drifts += _find_format_drifts(content, asked.body["output_config"])


def _check_call_id(name: Json, kind: str, number: int, drifts: list[Drift]) -> None:
    start = _CALLS[kind]
    if isinstance(name, str) and not name.startswith(start):
        drifts.append(tell("id.form", f"/content/{number}/id", f"`{start}…`", "another form"))


def _check_tools(content: list[Json], reason: Json, asked: Asked, drifts: list[Drift]) -> None:
    offered = asked.body.get("tools")
    tools: dict[str | None, JsonObject] = {}
    for tool in offered if isinstance(offered, list) else ():
        if isinstance(tool, dict):
            tools[as_text(tool.get("name"))] = tool
    knows_all = None not in tools and "mcp_servers" not in asked.body  # a toolset has no name
    for number, block in enumerate(content):
        if not isinstance(block, dict) or block.get("type") != "tool_use":
            continue
        was_cut = reason == "max_tokens" and number == len(content) - 1
        name = as_text(block.get("name"))
        if was_cut or name is None or block.get("toolset_name") is not None:
            continue
        if name in tools:
            _check_input(block.get("input"), tools[name], number, drifts)
        elif knows_all:
            path = f"/content/{number}/name"
            drifts.append(tell("tool.name", path, "a tool that was offered", "another"))


def _check_input(value: Json, tool: JsonObject, number: int, drifts: list[Drift]) -> None:
    schema = tool.get("input_schema")
    if not (isinstance(schema, dict) and isinstance(value, dict)):
        return
    breach = find_breach(value, schema)
    if breach is not None:
        impact = Impact.BREAKING if tool.get("strict") is True else None
        where, found = f"/content/{number}/input{breach}", "something else"
        drifts.append(tell("tool.input", where, "the tool's schema", found, impact=impact))


def _find_format_drifts(content: list[Json], config: Json) -> Iterator[Drift]:
    form = config.get("format") if isinstance(config, dict) else None
    schema = form.get("schema") if isinstance(form, dict) else None
    blocks = [block for block in content if isinstance(block, dict)]
    texts = [block.get("text") for block in blocks if block.get("type") == "text"]
    if not isinstance(schema, dict) or not texts or not isinstance(texts[-1], str):
        return
    value = parse_object(texts[-1].encode())
    if value is None:
        yield tell("output.format", "/content", "a JSON object", "something else")
    elif (breach := find_breach(value, schema)) is not None:
        yield tell("output.format", "/content", "the schema", f"a breach at `{breach or '/'}`")


def _ends_with_results(asked: Asked) -> bool:
    messages = asked.body.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    content = last.get("content") if isinstance(last, dict) else None
    return isinstance(content, list) and any(
        isinstance(block, dict) and block.get("type") == "tool_result" for block in content
    )


def _check_model(answered: Json, asked: Asked, drifts: list[Drift]) -> None:
    wanted = asked.body.get("model")
    if answered == wanted or not (isinstance(answered, str) and isinstance(wanted, str)):
        return
    facts = find_model(wanted)
    is_dated = answered.startswith(f"{wanted}-") and answered[len(wanted) + 1 :].isdecimal()
    if not is_dated and (facts is None or facts.id != answered):
        drifts.append(tell("model.echo", "/model", name_of(wanted), name_of(answered)))
