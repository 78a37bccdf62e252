"""E-03: the official SDK over every HTTP library and in every version that is supported."""

from collections.abc import Callable

import pytest

from l9gate.observe.versions import SUPPORTED
from l9gate.wire.json import JsonObject

Observe = Callable[..., dict[str, JsonObject]]
TESTED = {found.package: found.tested for found in SUPPORTED}
SDK = TESTED["anthropic"]
HTTPX2, HTTPX = TESTED["httpx2"], TESTED["httpx"]
# The environment of the newest has everything that the SDK can use.
ALL = (f"anthropic[aiohttp,bedrock,vertex]=={SDK[0]}", f"httpx2=={HTTPX2[0]}", "uvloop")
PAIRS = (
    ALL,
    *(
        (f"anthropic=={sdk}", f"httpx2=={http}")
        for sdk, http in zip(SDK[1:3], HTTPX2[1:3], strict=True)
    ),
    (f"anthropic=={SDK[-2]}", f"httpx2=={HTTPX2[-1]}"),
    *((f"anthropic=={SDK[-1]}", f"httpx=={http}") for http in HTTPX),
)
WHOLE = ("early", "create", "stream_helper", "raw_stream", "raw_response", "streaming_response")
NAMES = (*WHOLE, "asynchronous", "retries", "batches", "gateway", "left", "routed")


def exchanges(found: dict[str, JsonObject], name: str) -> list[JsonObject]:
    seen = found[name]["exchanges"]
    assert isinstance(seen, list)
    return [entry for entry in seen if isinstance(entry, dict)]


@pytest.mark.parametrize("pair", PAIRS, ids=" ".join)
def test_every_supported_version_of_the_sdk_is_seen(
    observe: Observe, pair: tuple[str, ...]
) -> None:
    found = observe(pair, "sdk", *NAMES, moment="before")
    whole = [
        entry for name in (*WHOLE, "asynchronous", "routed") for entry in exchanges(found, name)
    ]
    assert len(whole) == len(WHOLE) + 3
    assert {(entry["origin"], entry["status"], entry["end"]) for entry in whole} == {
        ("simulated", 200, "complete")
    }
    assert all(entry["answered"] and entry["tokens"] for entry in whole)
    assert all(entry["ttft"] and entry["gaps"] for entry in whole if entry["stream"])
    first, second = exchanges(found, "retries")
    assert (first["status"], first["attempt"], second["attempt"]) == (529, 0, 1)
    assert first["call"] == second["call"]
    assert found["batches"]["said"] == "succeeded"
    paths = [str(entry["path"]) for entry in exchanges(found, "batches")]
    assert paths[0] == "/v1/messages/batches"
    assert paths[-1].endswith("/results")
    assert [entry["path"] for entry in exchanges(found, "gateway")] == ["/team/gateway/v1/messages"]
    assert [entry["end"] for entry in exchanges(found, "left")] == ["abandoned"]


def test_the_sdk_over_aiohttp_and_on_uvloop_is_one_exchange_a_call(observe: Observe) -> None:
    names = ("on_uvloop", "over_aiohttp", "over_aiohttp_refused", "routed_over_aiohttp")
    found = observe(ALL, "sdk", *names)
    seen = [
        *exchanges(found, "on_uvloop"),
        *exchanges(found, "over_aiohttp"),
        *exchanges(found, "routed_over_aiohttp"),
    ]
    assert [(entry["origin"], entry["end"], entry["stream"]) for entry in seen] == [
        ("simulated", "complete", False),
        ("simulated", "complete", False),
        ("simulated", "complete", True),
        ("simulated", "complete", False),
    ]
    (refused,) = exchanges(found, "over_aiohttp_refused")
    assert (refused["origin"], refused["end"]) == ("other", "unreachable")


def test_the_ends_of_a_stream_of_the_sdk_over_aiohttp_are_told_apart(observe: Observe) -> None:
    found = observe(ALL, "sdk", "ends_over_aiohttp")
    seen = exchanges(found, "ends_over_aiohttp")
    ends = ["cut", "cut", "error_event", "timed_out", "abandoned"]
    assert [entry["end"] for entry in seen] == ends
    assert {entry["origin"] for entry in seen} == {"simulated"}
    said = found["ends_over_aiohttp"]["said"]
    assert isinstance(said, list)
    assert [error is None for error in said] == [False, True, False, False, True]


def test_a_version_out_of_range_is_refused_by_name(observe: Observe) -> None:
    with pytest.raises(AssertionError, match=r"SeamError: httpx 0\.26\.0 cannot be observed"):
        observe(("httpx==0.26.0",), "sdk", "create")
