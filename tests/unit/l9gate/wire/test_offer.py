"""What a request may cost at most."""

import json
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l9gate.wire.messages import Usage
from l9gate.wire.offer import HIDDEN_TOKENS, IMAGE_TOKENS, Offer, is_paid, parse_offers
from l9gate.wire.prices import Price, PriceList

HAIKU = "claude-haiku-5-5"
OPUS = "claude-opus-5-5"
MESSAGES = "/v1/messages"


def body(model: str = OPUS, max_tokens: int | None = 100, **fields: object) -> bytes:
    asked: dict[str, object] = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
    asked |= {} if max_tokens is None else {"max_tokens": max_tokens}
    return json.dumps(asked | fields).encode()


def bound(data: bytes, path: str = MESSAGES, **changes: object) -> float:
    price = PriceList().find(OPUS)
    assert price is not None
    changed = Price(**{name: getattr(price, name) for name in price.__struct_fields__} | changes)
    return sum(offer.bound_usd(changed) for offer in parse_offers(path, data))


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/v1/messages", True),
        ("POST", "/gateway/v1/messages", True),
        ("POST", "/v1/messages/batches", True),
        ("POST", "/v1/complete", True),
        ("POST", "/v1/chat/completions", True),
        ("POST", "/model/us.anthropic.claude-x-v1:0/invoke", True),
        ("POST", "/v1/projects/p/publishers/anthropic/models/claude-x@1:streamRawPredict", True),
        ("POST", "/v1/messages/count_tokens", False),
        ("POST", "/v1/files", False),
        ("POST", "/v1/messages/batches/msgbatch_1/cancel", False),
        ("GET", "/v1/messages/batches", False),
        ("GET", "/v1/models", False),
    ],
)
def test_only_what_makes_a_model_work_costs_something(
    method: str, path: str, expected: bool
) -> None:
    assert is_paid(method, path) is expected


def test_the_model_of_a_cloud_is_in_its_path() -> None:
    path = "/model/us.anthropic.claude-x-v1:0/invoke"
    (offer,) = parse_offers(path, b'{"max_tokens":5}')
    assert offer.model == "us.anthropic.claude-x-v1:0"


def test_a_plain_message_is_bounded_by_its_bytes_and_by_max_tokens() -> None:
    data = body()
    tokens = len(data) + HIDDEN_TOKENS
    assert bound(data) == pytest.approx((tokens * 4 + 100 * 20) / 1e6)


def test_without_max_tokens_the_answer_is_as_long_as_the_model_lets_it() -> None:
    assert bound(body(max_tokens=None)) == pytest.approx(bound(body(max_tokens=128_000)), rel=1e-3)
    assert bound(body(max_tokens=10**9)) == pytest.approx(bound(body(max_tokens=128_000)), rel=1e-3)


def test_every_image_adds_a_full_sized_one() -> None:
    image = {"type": "image", "source": {"type": "url", "url": "u"}}
    one, two = ([{"role": "user", "content": [image] * n}] for n in (1, 2))
    more = bound(body(messages=two)) - bound(body(messages=one))
    assert more > IMAGE_TOKENS * 4 / 1e6


@pytest.mark.parametrize("kind", ["document", "file_id"])
def test_what_bytes_do_not_bound_counts_as_a_whole_context(kind: str) -> None:
    part = {"type": kind} if kind == "document" else {"type": "image", "source": {"file_id": "f"}}
    message = [{"role": "user", "content": [part]}]
    assert bound(body(messages=message)) == pytest.approx(4 + 100 * 20 / 1e6)


def test_words_of_a_prompt_are_no_parts_of_a_request() -> None:
    talk = [{"role": "user", "content": 'what is "document" and "file_id"?'}]
    (offer,) = parse_offers(MESSAGES, body(messages=talk))
    assert offer.is_bounded


def test_writing_to_the_cache_costs_its_factor() -> None:
    plain, cached = body(), body(cache_control={"type": "ephemeral"})
    hour = body(cache_control={"type": "ephemeral", "ttl": "1h"})
    factors = [
        (bound(data) - 100 * 20 / 1e6) / ((len(data) + HIDDEN_TOKENS) * 4 / 1e6)
        for data in (plain, cached, hour)
    ]
    assert factors == pytest.approx([1, 1.25, 2])


def test_a_batch_costs_half_of_each_of_its_messages() -> None:
    one = json.loads(body())
    batch = json.dumps({"requests": [{"custom_id": str(n), "params": one} for n in range(3)]})
    offers = parse_offers("/v1/messages/batches", batch.encode())
    assert [offer.is_batched for offer in offers] == [True] * 3
    assert bound(batch.encode(), "/v1/messages/batches") == pytest.approx(1.5 * bound(body()))


def test_a_long_prompt_costs_the_long_price() -> None:
    price = PriceList().find(HAIKU)
    assert price is not None
    text = [{"role": "user", "content": "x" * 100_000}]
    (offer,) = parse_offers(MESSAGES, body(HAIKU, messages=text))
    assert offer.bound_usd(price) == pytest.approx((offer.input_tokens * 0.5 + 100 * 2.5) / 1e6)


def test_speed_and_place_have_their_own_price() -> None:
    (fast,) = parse_offers(MESSAGES, body(speed="fast"))
    assert fast.lacking == ("fast_factor",)
    (regional,) = parse_offers(MESSAGES, body(inference_geo="us"))
    assert regional.lacking == ()
    price = Price(input_usd_per_mtok=1, output_usd_per_mtok=1, fast_factor=6)
    assert (fast.factor(price), regional.factor(price)) == (6, 1.1)


@pytest.mark.parametrize(
    ("tools", "is_served"),
    [
        ([{"name": "f", "input_schema": {"type": "object"}}], False),
        ([{"type": "custom", "name": "f"}, {"type": "bash_20250124"}], False),
        ([{"type": "web_search_20260318", "name": "web_search"}], True),
        ([{"type": "something_new_20270101"}], True),
        ("no list", False),
        ([], False),
    ],
)
def test_a_tool_that_the_caller_does_not_carry_out_has_a_price_of_its_own(
    tools: object, is_served: bool
) -> None:
    (offer,) = parse_offers(MESSAGES, body(tools=tools))
    assert offer.lacking == (("server_tools_usd",) if is_served else ())
    assert offer.extra_usd(Price(
        input_usd_per_mtok=1, output_usd_per_mtok=1, server_tools_usd=0.25
    )) == (0.25 if is_served else 0)  # fmt: skip


def test_servers_of_tools_are_tools_of_the_api() -> None:
    (offer,) = parse_offers(MESSAGES, body(mcp_servers=[{"url": "u"}]))
    assert offer.has_server_tools
    assert bound(body(mcp_servers=[{"url": "u"}]), server_tools_usd=1.0) == pytest.approx(41.002)


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"model":"\xff"}', b'{"a":' * 20_000])
def test_what_the_api_cannot_read_asks_for_nothing(data: bytes) -> None:
    assert parse_offers(MESSAGES, data) == []
    assert parse_offers("/v1/messages/batches", data) == []
    assert parse_offers("/v1/messages/batches", b'{"requests":[{"params":%b}]}' % data) == []


def test_a_message_without_a_model_is_refused_for_nothing() -> None:
    (offer,) = parse_offers(MESSAGES, b'{"max_tokens":5}')
    price = PriceList().find(OPUS)
    assert offer.model is None
    assert price is not None
    assert offer.bound_usd(price) == 0
    assert offer.output_bound() == 5


@settings(max_examples=40)
@given(st.integers(0, 200_000), st.integers(0, 200_000), st.integers(0, 200_000), st.booleans())
def test_a_bound_is_never_less_than_what_it_then_costs(
    fresh: int, written: int, output: int, caches: bool
) -> None:
    for model, hour in product((HAIKU, OPUS), (False, True)):
        price = PriceList().find(model)
        assert price is not None
        offer = Offer(
            model=model,
            input_tokens=fresh + written,
            max_tokens=output,
            caches=caches,
            caches_for_an_hour=hour,
        )
        usage = Usage(
            input_tokens=fresh if caches else fresh + written,
            cache_creation_input_tokens=written if caches else 0,
            cache_creation_1h_input_tokens=written if caches and hour else 0,
            output_tokens=min(output, 128_000),
        )
        assert price.cost_usd(usage) <= offer.bound_usd(price) + 1e-9
