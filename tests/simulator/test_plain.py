"""The plain request takes a short way to the same answer."""

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l9gate.measure.clock import ManualClock
from l9gate.net.http import HttpRequest, HttpResponse
from l9gate.simulator.app import SimulatorApp
from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.keys import Key, KeyRing
from l9gate.simulator.plain import parse_plain
from l9gate.simulator.validate import find_refusal
from l9gate.wire.headers import API_VERSIONS, BETA
from l9gate.wire.json import Json, JsonObject, parse_object
from l9gate.wire.models import MODELS

MakeRequest = Callable[..., HttpRequest]
IDS = ["claude-haiku-5-5", "claude-haiku-4-5", *(model.id for model in MODELS), "claude-2", ""]
WORDS = st.sampled_from(
    ["", " ", "Which function opens a file?", "ümläut \U0001f600 \x00", "reply EXACTLY: yes", "x%d",
     "Say \\u0065xactly this: no", "ANTHROPIC_MAGIC_STRING_TRIGGER_REFUSAL_1", "a\n\n", '"data"'],
)  # fmt: skip
TEXT: st.SearchStrategy[Json] = st.one_of(
    st.builds(lambda text: {"type": "text", "text": text}, WORDS),
    st.sampled_from([{"type": "text"}, {"type": "image"}, {"text": "x"}, "x", None]),
)
CONTENT: st.SearchStrategy[Json] = st.one_of(WORDS, WORDS, st.lists(TEXT, max_size=2))
ROLES = st.sampled_from(["user", "user", "user", "assistant", "system", "tool"])
TURN: st.SearchStrategy[Json] = st.builds(
    lambda role, content: {"role": role, "content": content}, ROLES, CONTENT
)
BODIES: st.SearchStrategy[JsonObject] = st.fixed_dictionaries(
    {
        "model": st.sampled_from(IDS),
        "max_tokens": st.sampled_from([1, 40, 500, 64_000, 64_001, 128_001, 0, -1, 1.0, "1", True]),
        "messages": st.lists(TURN, max_size=3),
    },
    optional={
        "system": CONTENT,
        "stream": st.sampled_from([False, False, True, 0, None]),
        "extra": st.just(1),
        "temperature": st.just(1),
    },
)


@settings(max_examples=80, deadline=None)
@given(BODIES)
def test_what_is_plain_is_refused_by_no_version(body: JsonObject) -> None:
    if parse_plain(msgspec.json.encode(body)) is not None:
        assert [find_refusal(body, version) for version in API_VERSIONS] == [None, None]


def _ask(app: SimulatorApp, request: HttpRequest) -> tuple[int, dict[str, str], Json]:
    answer = app(request)
    assert isinstance(answer, HttpResponse)
    is_whole = isinstance(answer.body, bytes)
    body = parse_object(answer.body) if isinstance(answer.body, bytes) else "a stream"
    assert is_whole or answer.headers["content-type"].startswith("text/event-stream")
    return answer.status, answer.headers, body


@settings(max_examples=20, deadline=None)
@given(st.lists(BODIES, min_size=1, max_size=4))
def test_the_short_way_and_the_usual_one_give_the_same_answer(bodies: list[JsonObject]) -> None:
    config, clock = SimulatorConfig(load_factor=0), ManualClock()
    short, usual = SimulatorApp(config, clock), SimulatorApp(config, clock)
    good: JsonObject = {
        "model": "claude-haiku-5-5",
        "max_tokens": 500,
        "messages": [{"role": "user", "content": "Which function opens a file?"}],
    }
    lessons = [{**good, "model": body["model"]} for body in bodies]
    for body in [*lessons, *lessons, good, good, *bodies]:
        answers = [
            _ask(app, _request(body, betas))
            for app, betas in ((short, None), (usual, "prompt-caching-2024-07-31"))
        ]
        assert answers[0] == answers[1]


def _request(body: JsonObject, betas: str | None) -> HttpRequest:
    headers = {"x-api-key": "sk-test-1", "anthropic-version": "2026-10-21"}
    if betas:  # no request with betas takes the short way
        headers[BETA] = betas
    data = msgspec.json.encode(body)
    return HttpRequest(method="POST", path="/v1/messages", query="", headers=headers, body=data)


def test_shared_headers_are_judged_once_while_their_key_lasts(
    make_request: MakeRequest, body: JsonObject, clock: ManualClock
) -> None:
    lasts, ends = "sk-test-lasts", "sk-test-ends"
    end = datetime.fromtimestamp(clock.now_s() + 60, UTC)
    keys = (Key(name="a", value=lasts), Key(name="b", value=ends, expires_at=end))
    app = SimulatorApp(SimulatorConfig(load_factor=0, keys=KeyRing(keys)), clock)
    statuses = []
    for value in (lasts, ends):
        request = make_request(body, headers={"authorization": f"Bearer {value}"})
        request.shares_headers = True
        statuses += [_ask(app, request)[0] for _ in range(3)]
    clock.advance(61)
    statuses.append(_ask(app, request)[0])
    assert statuses == [200] * 6 + [401]


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"\xff", b'{"model":"claude-haiku-5-5"}', b"[" * 9999]
)
def test_what_is_no_request_is_not_plain(data: bytes) -> None:
    assert parse_plain(data) is None


def test_the_usual_request_is_plain(body: JsonObject) -> None:
    assert parse_plain(msgspec.json.encode(body)) is not None
    assert parse_plain(msgspec.json.encode({**body, "system": "Be brief.", "stream": True}))


def test_more_messages_than_the_api_takes_are_not_plain(body: JsonObject) -> None:
    """6.1: at most 100,000."""
    turn: JsonObject = {"role": "user", "content": "x"}
    for count, is_plain in ((100_000, True), (100_001, False)):
        data = msgspec.json.encode({**body, "messages": [turn] * count})
        assert (parse_plain(data) is not None) == is_plain
