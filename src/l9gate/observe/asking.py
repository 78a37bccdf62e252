"""What a request asks for, as far as its answer depends on it; nothing that its messages say."""

from typing import cast

import msgspec

from l9gate.wire.json import Json, JsonObject


class _Asking(msgspec.Struct, gc=False):
    model: object = msgspec.UNSET
    max_tokens: object = msgspec.UNSET
    stream: object = msgspec.UNSET
    tools: object = msgspec.UNSET
    tool_choice: object = msgspec.UNSET
    thinking: object = msgspec.UNSET
    stop_sequences: object = msgspec.UNSET
    output_config: object = msgspec.UNSET
    mcp_servers: object = msgspec.UNSET


class _Block(msgspec.Struct):
    type: str = ""


class _Last(msgspec.Struct):
    content: list[_Block] = []


class _Messages(msgspec.Struct):
    messages: list[msgspec.Raw] = []


_ASKING = msgspec.json.Decoder(_Asking)


def parse_asking(sent: bytes) -> JsonObject:
    """Return what a body asks for, without its messages, which are most of it; {} for no object."""
    try:
        asking = _ASKING.decode(sent)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    found: dict[str, object] = msgspec.structs.asdict(asking)
    return {name: cast("Json", one) for name, one in found.items() if one is not msgspec.UNSET}


def parse_asked(sent: bytes) -> JsonObject:
    """Return the same with the kinds of the last message's blocks, which a few rules read."""
    kinds: list[Json] = [{"type": kind} for kind in _last_kinds(sent)]
    return {**parse_asking(sent), "messages": [{"content": kinds}]} if kinds else parse_asking(sent)


def _last_kinds(sent: bytes) -> list[str]:
    try:
        messages = msgspec.json.decode(sent, type=_Messages).messages
        last = msgspec.json.decode(messages[-1], type=_Last) if messages else _Last()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    return [block.type for block in last.content]
