"""The prompt cache."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l9gate.simulator.caching import PromptCache
from l9gate.simulator.message import InputUse
from l9gate.simulator.tokens import count_input_tokens
from l9gate.wire.json import Json, JsonObject

MODEL = "claude-sonnet-5"  # caches from 1,024 tokens on
NOW_S = 1_800_000_000.0
LONG = "word " * 1_000  # about 1,250 tokens
FIVE: JsonObject = {"type": "ephemeral"}
HOUR: JsonObject = {"type": "ephemeral", "ttl": "1h"}


class Asker:
    """Sends requests to a cache, one after the other, each answered at once."""

    def __init__(self, **options: int) -> None:
        self.cache = PromptCache(**options)
        self.now_s = NOW_S

    def ask(self, body: JsonObject, scope: str = "a", model: str = MODEL) -> InputUse:
        total = count_input_tokens(body)
        plan = self.cache.plan(body, model, total, scope, self.now_s)
        self.cache.keep(plan, self.now_s, self.now_s)
        assert plan.use.total == total
        return plan.use


@pytest.fixture
def asker() -> Asker:
    return Asker()


def _text(text: str, control: JsonObject | None = None) -> JsonObject:
    block: JsonObject = {"type": "text", "text": text}
    return block if control is None else {**block, "cache_control": control}


def _body(system: list[Json], *turns: Json, **more: Json) -> JsonObject:
    messages: list[Json] = [
        {"role": "assistant" if number % 2 else "user", "content": turn}
        for number, turn in enumerate(turns or ("hi",))
    ]
    return {"model": MODEL, "max_tokens": 9, "system": system, "messages": messages, **more}


def test_the_first_request_writes_and_the_second_reads_as_much(asker: Asker) -> None:
    """Invariant 10 of the sheet."""
    body = _body([_text(LONG, FIVE)])
    first, second = asker.ask(body), asker.ask(body)
    assert first.written_5m > 1_024
    assert (first.read, first.written_1h) == (0, 0)
    assert (second.read, second.written, second.plain) == (first.written_5m, 0, first.plain)
    assert second.limited == second.plain


def test_without_a_breakpoint_nothing_is_cached(asker: Asker) -> None:
    body = _body([_text(LONG)])
    assert asker.ask(body) == asker.ask(body) == InputUse(plain=count_input_tokens(body))


def test_a_short_prefix_is_not_cached(asker: Asker) -> None:
    body = _body([_text("short", FIVE)])
    assert asker.ask(body) == asker.ask(body) == InputUse(plain=count_input_tokens(body))


@pytest.mark.parametrize(("model", "written"), [("claude-opus-5", 1), ("claude-opus-4-6", 0)])
def test_the_shortest_prefix_depends_on_the_model(asker: Asker, model: str, written: bool) -> None:
    use = asker.ask(_body([_text(LONG[:4_000], FIVE)]), model=model)
    assert (use.written > 0) == written


def test_use_refreshes_an_entry_and_disuse_ends_it(asker: Asker) -> None:
    body = _body([_text(LONG, FIVE)])
    asker.ask(body)
    for _ in range(3):
        asker.now_s += 299
        assert asker.ask(body).read > 0
    asker.now_s += 300
    assert asker.ask(body).written > 0


def test_an_hour_lasts_an_hour(asker: Asker) -> None:
    body = _body([_text(LONG, HOUR)])
    assert asker.ask(body).written_1h > 0
    asker.now_s += 3_599
    assert asker.ask(body).read > 0
    asker.now_s += 3_600
    assert asker.ask(body).read == 0


def test_mixed_times_to_live_are_split_at_the_last_long_one(asker: Asker) -> None:
    body = _body([_text(LONG, HOUR), _text(LONG, FIVE)])
    use = asker.ask(body)
    assert use.written_1h == pytest.approx(use.written_5m, abs=2)
    asker.now_s += 400
    again = asker.ask(body)
    assert (again.read, again.written_5m) == (use.written_1h, use.written_5m)


def test_a_conversation_that_grows_reads_what_it_wrote(asker: Asker) -> None:
    """Automatic caching: the breakpoint moves on with the last block."""
    first = asker.ask(_body([_text(LONG)], "hi", cache_control=FIVE))
    second = asker.ask(_body([_text(LONG)], "hi", "yes?", "more", cache_control=FIVE))
    assert second.read == first.written
    assert 0 < second.written < 50


def test_the_form_of_a_text_makes_no_difference(asker: Asker) -> None:
    asker.ask(_body([_text(LONG)], [_text("hi", FIVE)]))
    assert asker.ask(_body([_text(LONG)], "hi", "yes?", "more", cache_control=FIVE)).read > 0


@pytest.mark.parametrize(("blocks", "is_read"), [(19, True), (20, False)])
def test_reads_look_back_over_twenty_blocks(asker: Asker, blocks: int, is_read: bool) -> None:
    asker.ask(_body([_text(LONG, FIVE)]))
    more: list[Json] = [_text(f"part {number}") for number in range(blocks)]
    use = asker.ask(_body([_text(LONG)], more, cache_control=FIVE))
    assert (use.read > 0) == is_read


def test_another_breakpoint_finds_what_is_further_back(asker: Asker) -> None:
    asker.ask(_body([_text(LONG, FIVE)]))
    more: list[Json] = [_text(f"part {number}") for number in range(40)]
    assert asker.ask(_body([_text(LONG, FIVE)], more, cache_control=FIVE)).read > 0


def test_nobody_reads_what_another_one_wrote(asker: Asker) -> None:
    body = _body([_text(LONG, FIVE)])
    asker.ask(body, scope="a")
    assert asker.ask(body, scope="b").read == 0
    assert asker.ask(body, scope="a", model="claude-sonnet-4-6").read == 0


def test_requests_side_by_side_all_miss(asker: Asker) -> None:
    body = _body([_text(LONG, FIVE)])
    plans = [asker.cache.plan(body, MODEL, 2_000, "a", NOW_S) for _ in range(2)]
    assert [plan.use.read for plan in plans] == [0, 0]
    for plan in plans:
        asker.cache.keep(plan, NOW_S, NOW_S + 1)
    assert asker.cache.plan(body, MODEL, 2_000, "a", NOW_S + 0.5).use.read == 0
    assert asker.cache.plan(body, MODEL, 2_000, "a", NOW_S + 1).use.read > 0


TOOL: JsonObject = {"name": "f", "input_schema": {"type": "object"}, "description": LONG}


@pytest.mark.parametrize(
    ("change", "reads"),
    [
        ({}, ["tools", "system", "messages"]),
        ({"tool_choice": {"type": "none"}}, ["tools", "system"]),
        ({"thinking": {"type": "disabled"}}, ["tools", "system"]),
        ({"output_config": {"effort": "low"}}, ["tools", "system"]),
        ({"speed": "fast"}, ["tools"]),
        ({"tools": [{**TOOL, "description": LONG + "!", "cache_control": FIVE}]}, []),
    ],
)
def test_a_change_invalidates_its_level_and_what_follows(
    asker: Asker, change: JsonObject, reads: list[str]
) -> None:
    body = _body([_text(LONG, FIVE)], [_text(LONG, FIVE)], tools=[{**TOOL, "cache_control": FIVE}])
    whole = asker.ask(body).written
    read = asker.ask({**body, **change}).read
    assert round(3 * read / whole) == len(reads)


def test_citations_and_images_are_changes_too(asker: Asker) -> None:
    source: JsonObject = {"type": "text", "media_type": "text/plain", "data": "x"}
    image: JsonObject = {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": "AA"},
    }
    cited: JsonObject = {"type": "document", "source": source, "citations": {"enabled": True}}
    asker.ask(_body([_text(LONG, FIVE)], [_text(LONG, FIVE)]))
    whole = asker.ask(_body([_text(LONG, FIVE)], [_text(LONG, FIVE)])).read
    assert asker.ask(_body([_text(LONG, FIVE)], [_text(LONG, FIVE), image])).read < whole
    assert asker.ask(_body([_text(LONG, FIVE)], [_text(LONG), cited])).read == 0


def test_a_time_to_live_that_nobody_knows_is_the_default(asker: Asker) -> None:
    """Only a lenient simulator lets it pass."""
    use = asker.ask(_body([_text(LONG, {"type": "ephemeral", "ttl": "2h"})]))
    assert use.written_5m > 0


def test_a_system_prompt_may_be_a_string(asker: Asker) -> None:
    blocks = _body([_text(LONG, FIVE)], cache_control=FIVE)
    assert asker.ask({**blocks, "system": LONG}).written > 0
    assert asker.ask(blocks).read > 0


def test_an_automatic_breakpoint_passes_over_what_cannot_carry_one(asker: Asker) -> None:
    thought: JsonObject = {"type": "thinking", "thinking": "x", "signature": "s"}
    asker.ask(_body([], LONG, cache_control=FIVE))
    use = asker.ask(_body([], LONG, [thought], cache_control=FIVE))
    assert use.read > 0
    assert asker.ask(_body([], "", cache_control=FIVE)).read == 0


def test_the_breakpoint_of_an_inner_block_counts_for_its_result(asker: Asker) -> None:
    result: JsonObject = {
        "type": "tool_result",
        "tool_use_id": "t",
        "content": [_text(LONG, FIVE)],
    }
    body = _body([], [result])
    assert asker.ask(body).written > 0
    assert asker.ask(body).read > 0


def test_the_oldest_entries_are_forgotten() -> None:
    asker = Asker(max_entries=2)
    bodies = [_body([_text(f"{number} {LONG}", FIVE)]) for number in range(3)]
    for body in bodies:
        asker.ask(body)
    assert asker.ask(bodies[2]).read > 0
    assert asker.ask(bodies[0]).read == 0


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["x", LONG, "y" * 3_000]), st.sampled_from([None, HOUR, FIVE])),
        min_size=1,
        max_size=4,
    ).map(lambda parts: sorted(parts, key=lambda part: part[1] is FIVE)),
    st.floats(0, 4_000),
)
def test_the_parts_of_a_prompt_add_up_whatever_is_cached(
    parts: list[tuple[str, JsonObject | None]], later_s: float
) -> None:
    asker = Asker()
    body = _body([_text(text, control) for text, control in parts])
    for wait_s in (0.0, later_s, 10.0):
        asker.now_s += wait_s
        use = asker.ask(body)
        assert min(use.plain, use.read, use.written_5m, use.written_1h) >= 0
