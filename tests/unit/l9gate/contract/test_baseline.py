"""A baseline is data: what repeats had in common, beside what everybody is promised."""

import json
from collections.abc import Callable

import pytest

from l9gate.contract import (
    Baseline,
    Contract,
    Observed,
    Reliance,
    learn_baseline,
    make_baseline,
    parse_baseline,
    render_baseline,
)
from l9gate.errors import BaselineError, ExitCode
from l9gate.wire.json import Json, JsonObject
from l9gate.wire.sse import SseEvent

Play = Callable[..., Observed]
Body = Callable[[str], JsonObject]


def _learn(play: Play, *bodies: JsonObject, base: str = "text") -> Baseline:
    return learn_baseline({"ask": [play(base, body=body) for body in bodies]})


def test_what_differs_among_repeats_is_noise(play: Play, body: Body) -> None:
    text = body("text")
    extra: Json = {"region": "eu"}
    learnt = _learn(play, {**text, "extra": extra}, text, {**text, "extra": extra})
    assert "/extra" not in learnt.probes["ask"].usual["message"]
    contract = Contract(learnt)
    assert contract.find_drifts(play("text", body=text, probe="ask")) == []
    assert contract.find_drifts(play("text", body={**text, "extra": extra}, probe="ask")) == []


def test_what_every_repeat_had_is_missed(play: Play, body: Body) -> None:
    text: JsonObject = {**body("text"), "extra": 7}
    learnt = _learn(play, text, text, text)
    assert learnt.probes["ask"].usual["message"] == (
        *("/content/*=text/citations", "/diagnostics", "/extra"),
        *("/usage/output_tokens_details", "/usage/speed"),
    )
    assert learnt.documents["message"]["/extra"].kinds == ("integer", "null", "number")
    contract = Contract(learnt)
    (drift,) = contract.find_drifts(play("text", probe="ask"))
    assert (drift.code, drift.path, drift.impact) == ("shape.gone", "/extra", "warning")
    assert contract.find_drifts(play("text")) == []
    retyped = play("text", body={**text, "extra": {"a": 1}})
    assert [drift.code for drift in contract.find_drifts(retyped)] == ["shape.type"]


def test_a_field_that_was_only_null_may_become_anything(play: Play, body: Body) -> None:
    text: JsonObject = {**body("text"), "extra": None}
    contract = Contract(_learn(play, text, text, text))
    assert contract.find_drifts(play("text", body={**text, "extra": [1]}, probe="ask")) == []


def test_values_and_blocks_that_were_seen_are_known(play: Play, body: Body) -> None:
    text = body("text")
    text |= {"stop_reason": "tired", "content": [{"type": "sketch", "data": "x"}]}
    contract = Contract(_learn(play, text, text, text))
    assert contract.find_drifts(play("text", body=text, probe="ask")) == []
    gone = {**text, "content": [{"type": "sketch"}]}
    assert [drift.path for drift in contract.find_drifts(play("text", body=gone, probe="ask"))] == [
        "/content/0/data"
    ]


def test_a_promise_is_never_taken_back_by_what_was_seen(play: Play, body: Body) -> None:
    text = body("text")
    del text["stop_sequence"]
    contract = Contract(_learn(play, text, text, text))
    found = contract.find_drifts(play("text", body=text, probe="ask"))
    assert [drift.code for drift in found] == ["shape.missing"]


def test_headers_and_statuses_of_repeats_are_kept(play: Play) -> None:
    one = {"x-served-by": "a", "x-trace": "1"}
    repeats = [play("text", headers=one), play("text", headers=one), play("text")]
    probe = learn_baseline({"ask": repeats}).probes["ask"]
    assert (probe.statuses, probe.repeats) == ((200,), 3)
    assert (probe.headers["x-trace"], probe.headers["request-id"]) == (False, True)
    always = learn_baseline({"ask": [play("text", headers=one)] * 3})
    codes = [drift.code for drift in Contract(always).find_drifts(play("text", probe="ask"))]
    assert codes == ["header.gone", "header.gone"]


def test_too_few_repeats_are_no_baseline(play: Play) -> None:
    with pytest.raises(BaselineError, match="`ask`: 2 answers that count") as refused:
        learn_baseline({"ask": [play("text"), play("text"), play("error_529")]})
    failed = play("stream_text", events=[SseEvent("error", b"{}")])
    with pytest.raises(BaselineError, match="0 answers that count"):
        learn_baseline({"ask": [failed] * 3})
    assert refused.value.exit_code is ExitCode.RUN_DATA
    assert refused.value.hint is not None


def test_a_place_without_promises_teaches_nothing(play: Play) -> None:
    seen = play("text")
    strange = Observed(asked=type(seen.asked)(path="/v1/else"), status=200, headers={}, body=b"{}")
    assert learn_baseline({"ask": [strange] * 3}).probes["ask"].usual == {}


def test_a_file_says_the_same_again_and_one_promise_a_line(play: Play, body: Body) -> None:
    learnt = learn_baseline(
        {"ask": [play("stream_tool")] * 3, "error": [play("error_404")] * 3},
        Reliance(models=("claude-haiku-5-5",)),
    )
    text = render_baseline(learnt)
    assert parse_baseline(text) == learnt
    assert render_baseline(parse_baseline(text)) == text
    assert json.loads(text)["documents"]["message"]["/id"]["by"] == ["sdk", "sheet 8"]
    lines = [line for line in text.splitlines() if '"/usage/input_tokens": {' in line]
    assert lines
    assert all(line.rstrip(",").endswith("}") for line in lines)


def test_a_baseline_holds_no_text_of_an_answer(play: Play, base: Body) -> None:
    text = render_baseline(learn_baseline({"ask": [play("stream_text")] * 3}))
    events = json.dumps(base("stream_text")["events"])
    assert "msg_" in events
    assert "ready" in events
    assert "msg_" not in text
    assert "ready" not in text


@pytest.mark.parametrize(
    ("text", "why"),
    [("{", "no baseline"), ('{"format": 2}', "format 2, this version reads 1"), (b"\xff", "no"),
     ('{"format": 1, "probes": 7}', "no baseline")],
)  # fmt: skip
def test_a_file_that_is_no_baseline_is_refused(text: str | bytes, why: str) -> None:
    with pytest.raises(BaselineError, match=why):
        parse_baseline(text, "contract.json")


def test_promises_alone_are_a_baseline_too() -> None:
    plain = make_baseline()
    assert plain.sdk.startswith("anthropic ")
    assert plain.probes == {}
    assert Contract(parse_baseline(render_baseline(plain))).baseline == plain


def test_the_shipped_promises_name_their_source() -> None:
    sources = {
        word.partition(" ")[0]
        for promises in make_baseline().documents.values()
        for promise in promises.values()
        for word in promise.by
    }
    assert sources == {"sdk", "sheet"}
