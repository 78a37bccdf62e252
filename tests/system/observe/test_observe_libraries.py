"""E-03: calls that pass no SDK, mock libraries under them, and LiteLLM."""

import socket
from collections.abc import Callable

import pytest

from l9gate.observe.versions import SUPPORTED
from l9gate.wire.json import JsonObject

Observe = Callable[..., dict[str, JsonObject]]
LIBRARIES = [found for found in SUPPORTED if found.package in ("httpx", "requests", "aiohttp")]
MOCKS = ("respx", "responses", "requests-mock")
NEWEST = (*(f"{found.package}=={found.tested[0]}" for found in LIBRARIES), *MOCKS)
# urllib3 1 tells nobody of a short body, and aioresponses does not know the newest aiohttp.
OLDEST = (
    *(f"{found.package}=={found.tested[-1]}" for found in LIBRARIES),
    *("urllib3<2", "aioresponses", *MOCKS),
)
BOTH = pytest.mark.parametrize("packages", [NEWEST, OLDEST], ids=["newest", "oldest"])
PLAIN = ("plain_httpx", "plain_requests", "plain_aiohttp", "requests_session", "aiohttp_base_url")
MOCKED = ("mocked_respx", "mocked_responses", "mocked_requests_mock", "mocked_transport")


def exchanges(found: dict[str, JsonObject], *names: str) -> list[JsonObject]:
    seen = [entry for name in names for entry in _list(found[name]["exchanges"])]
    return [entry for entry in seen if isinstance(entry, dict)]


def _list(value: object) -> list[object]:
    assert isinstance(value, list)
    return value


@BOTH
@pytest.mark.parametrize("moment", ["before", "after"])
def test_plain_calls_are_seen_whenever_the_library_is_imported(
    observe: Observe, packages: tuple[str, ...], moment: str
) -> None:
    found = observe(packages, "raw", *PLAIN, "routed", moment=moment)
    seen = exchanges(found, *PLAIN)
    assert [entry["path"] for entry in seen] == [
        *["/v1/messages"] * 5,
        "/v1/models",
        "/v1/messages",
        "/v1/models",
    ]
    assert {(entry["origin"], entry["end"], entry["answered"]) for entry in seen} == {
        ("simulated", "complete", True)
    }
    routed = exchanges(found, "routed")
    assert [(entry["origin"], entry["status"]) for entry in routed] == [("simulated", 200)] * 3


@BOTH
@pytest.mark.parametrize("library", ["httpx", "requests", "aiohttp"])
def test_the_ends_of_a_stream_are_told_apart(
    observe: Observe, packages: tuple[str, ...], library: str
) -> None:
    name = f"ends_{library}"
    found = observe(packages, "raw", name)
    ends = ["complete", "cut", "cut", "error_event", "timed_out", "abandoned"]
    seen = exchanges(found, name)
    assert [entry["end"] for entry in seen] == ends
    errors = [None, "cut", "cut", "overloaded_error", "timeout", None]
    assert [entry["error_type"] for entry in seen] == errors
    assert {entry["origin"] for entry in seen} == {"simulated"}
    said = _list(found[name]["said"])
    assert [error is None for error in said] == [True, False, True, True, False, True]


@BOTH
def test_what_has_no_answer_or_an_error_is_seen(
    observe: Observe, packages: tuple[str, ...]
) -> None:
    found = observe(packages, "raw", "unreachable", "raised_status")
    silent = exchanges(found, "unreachable")
    assert [(entry["origin"], entry["end"]) for entry in silent] == [("other", "unreachable")] * 3
    (refused,) = exchanges(found, "raised_status")
    assert (refused["status"], refused["answered"]) == (401, True)
    assert refused["error_type"] == "authentication_error"


@BOTH
def test_no_mock_library_and_no_header_makes_a_call_live(
    observe: Observe, packages: tuple[str, ...]
) -> None:
    more = ("mocked_aioresponses",) if "aioresponses" in packages else ()
    found = observe(packages, "raw", *MOCKED, *more)
    seen = exchanges(found, *MOCKED, *more)
    assert [entry["origin"] for entry in seen] == ["mocked"] * (len(MOCKED) + len(more))
    assert all(entry["answered"] and entry["status"] == 200 for entry in seen)


@pytest.fixture
def secure_url() -> str:
    """A URL whose port was free a moment ago; the child listens there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"https://localhost:{probe.getsockname()[1]}"


@pytest.mark.parametrize(
    ("scenario", "calls"),
    [("over_tls", 6), ("through_a_proxy", 6), ("through_a_proxy_on_uvloop", 1)],
)
def test_tls_and_a_proxy_in_between_prove_as_much_as_a_plain_connection(
    observe: Observe, secure_url: str, scenario: str, calls: int
) -> None:
    packages = (*NEWEST, "trustme", "uvloop")
    found = observe(packages, "tunnels", scenario, url=secure_url, kind="live")
    assert found[scenario]["said"] == ["200"] * calls
    seen = exchanges(found, scenario)
    assert [(entry["origin"], entry["answered"]) for entry in seen] == [("live", True)] * calls
    assert {entry["host"] for entry in seen} == {secure_url.removeprefix("https://")}


def test_litellm_is_seen(observe: Observe) -> None:
    found = observe(("litellm",), "routers", "completion", "stream", "asynchronous")
    seen = exchanges(found, "completion", "stream", "asynchronous")
    assert [(entry["origin"], entry["end"], entry["stream"]) for entry in seen] == [
        ("simulated", "complete", False),
        ("simulated", "complete", True),
        ("simulated", "complete", False),
        ("simulated", "complete", True),
    ]
