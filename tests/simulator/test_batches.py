"""Message batches through their life."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from l9gate.measure.clock import ManualClock
from l9gate.net.http import HttpRequest, HttpResponse
from l9gate.simulator.app import SimulatorApp
from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.limits import Tier
from l9gate.wire.json import Json, JsonObject

Make = Callable[..., HttpRequest]
PATH = "/v1/messages/batches"
DAY_S = 86_400.0


class Client:
    """Asks an app for batches, and lets time pass."""

    def __init__(self, make: Make, body: JsonObject, **options: object) -> None:
        self.clock = ManualClock()
        self.app = SimulatorApp(SimulatorConfig(**options), self.clock)  # type: ignore[arg-type]
        self.make = make
        self.body = body

    def ask(self, method: str, path: str = "", body: Json = None, **headers: str) -> HttpResponse:
        given = {"host": "127.0.0.1:9", **{k.replace("_", "-"): v for k, v in headers.items()}}
        return _now(self.app(self.make(body, f"{PATH}{path}", method=method, headers=given)))

    def create(self, *params: JsonObject) -> JsonObject:
        requests: list[Json] = [
            {"custom_id": f"r{number}", "params": {**self.body, **given}}
            for number, given in enumerate(params or ({},))
        ]
        return _json(self.ask("POST", "", {"requests": requests}))

    def results(self, batch: JsonObject) -> list[JsonObject]:
        response = self.ask("GET", f"/{batch['id']}/results")
        assert response.headers["content-type"] == "application/x-jsonl"
        return [msgspec.json.decode(line) for line in asyncio.run(_read(response)).splitlines()]


def _now(answer: HttpResponse | Awaitable[HttpResponse]) -> HttpResponse:
    async def wait() -> HttpResponse:
        return answer if isinstance(answer, HttpResponse) else await answer

    return asyncio.run(wait())


async def _read(response: HttpResponse) -> bytes:
    assert not isinstance(response.body, bytes)
    return b"".join([piece async for piece in response.body if isinstance(piece, bytes)])


def _json(response: HttpResponse) -> JsonObject:
    assert isinstance(response.body, bytes)
    value: JsonObject = msgspec.json.decode(response.body)
    return value


def _result(line: JsonObject) -> JsonObject:
    result = line["result"]
    assert isinstance(result, dict)
    return result


@pytest.fixture
def client(make_request: Make, body: JsonObject) -> Client:
    return Client(make_request, body)


@pytest.fixture
def quick(make_request: Make, body: JsonObject) -> Client:
    return Client(make_request, body, load_factor=0.0)


def test_a_batch_goes_through_its_life(client: Client) -> None:
    """Invariant 15 of the sheet."""
    made = client.create({}, {"model": "claude-99"}, {"stream": True})
    none_yet = {"succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}
    assert (made["processing_status"], made["request_counts"]) == (
        "in_progress",
        {"processing": 3, **none_yet},
    )
    assert [made[name] for name in ("ended_at", "results_url", "cancel_initiated_at")] == [None] * 3
    client.clock.advance(1.0)
    assert _json(client.ask("GET", f"/{made['id']}")) == made
    client.clock.advance(5.0)
    ended = _json(client.ask("GET", f"/{made['id']}"))
    assert (ended["processing_status"], ended["request_counts"]) == (
        "ended",
        {**none_yet, "processing": 0, "succeeded": 1, "errored": 2},
    )
    assert ended["results_url"] == f"http://127.0.0.1:9{PATH}/{made['id']}/results"
    assert str(made["created_at"]) < str(ended["ended_at"]) < str(made["expires_at"])


def test_without_load_a_batch_ends_at_once(quick: Client) -> None:
    made = quick.create()
    assert made["processing_status"] == "in_progress"
    assert _json(quick.ask("GET", f"/{made['id']}"))["processing_status"] == "ended"


def test_results_hold_every_request_once_in_an_order_of_their_own(quick: Client) -> None:
    made = quick.create(*[{} for _ in range(150)])
    lines = quick.results(made)
    ids = [line["custom_id"] for line in lines]
    assert sorted(map(str, ids)) == sorted(f"r{number}" for number in range(150))
    assert ids != [f"r{number}" for number in range(150)]
    assert quick.results(made) == lines


def test_a_result_is_a_message_or_an_error(quick: Client) -> None:
    lines = quick.results(
        quick.create({}, {"max_tokens": 0}, {"speed": "fast"}, {"model": "claude-99"})
    )
    results = {str(line["custom_id"]): _result(line) for line in lines}
    message = results["r0"]["message"]
    assert isinstance(message, dict)
    assert isinstance(message["usage"], dict)
    assert message["usage"]["service_tier"] == "batch"
    assert str(message["id"]).startswith("msg_")
    for name in ("r1", "r2", "r3"):
        error = results[name]["error"]
        assert isinstance(error, dict)
        assert (results[name]["type"], error["type"]) == ("errored", "error")
        assert str(error["request_id"]).startswith("req_")


def test_what_is_not_done_at_a_cancel_is_canceled(client: Client) -> None:
    made = client.create(*[{} for _ in range(100)])
    client.clock.advance(2.305)  # thirty of them are done
    canceling = _json(client.ask("POST", f"/{made['id']}/cancel"))
    assert canceling["processing_status"] == "canceling"
    assert canceling["cancel_initiated_at"] is not None
    client.clock.advance(0.4)
    assert _json(client.ask("GET", f"/{made['id']}"))["processing_status"] == "canceling"
    client.clock.advance(0.2)
    ended = _json(client.ask("POST", f"/{made['id']}/cancel"))  # again changes nothing
    counts = ended["request_counts"]
    assert isinstance(counts, dict)
    assert ended["processing_status"] == "ended"
    assert (counts["succeeded"], counts["canceled"]) == (30, 70)
    kinds = [_result(line)["type"] for line in client.results(made)]
    assert kinds.count("canceled") == counts["canceled"]


def test_a_cancel_after_the_end_changes_nothing(quick: Client) -> None:
    made = quick.create()
    after = _json(quick.ask("POST", f"/{made['id']}/cancel"))
    assert (after["processing_status"], after["cancel_initiated_at"]) == ("ended", None)


def test_what_is_not_done_within_a_day_expires(make_request: Make, body: JsonObject) -> None:
    client = Client(make_request, body, load_factor=43_000.0)  # the first takes a day
    made = client.create(*[{} for _ in range(4)])
    client.clock.advance(DAY_S)
    ended = _json(client.ask("GET", f"/{made['id']}"))
    counts = ended["request_counts"]
    assert isinstance(counts, dict)
    assert ended["ended_at"] == ended["expires_at"]
    assert counts["expired"] == 4
    assert {str(_result(line)["type"]) for line in client.results(made)} == {"expired"}


def test_results_last_for_29_days(quick: Client) -> None:
    made = quick.create()
    quick.clock.advance(29 * DAY_S)
    archived = _json(quick.ask("GET", f"/{made['id']}"))
    assert archived["archived_at"] is not None
    assert archived["results_url"] is None
    assert quick.ask("GET", f"/{made['id']}/results").status == 404


def test_only_what_has_ended_is_deleted(client: Client) -> None:
    made = client.create()
    assert client.ask("DELETE", f"/{made['id']}").status == 400
    assert client.ask("GET", f"/{made['id']}/results").status == 400
    client.clock.advance(10)
    deleted = _json(client.ask("DELETE", f"/{made['id']}"))
    assert deleted == {"id": made["id"], "type": "message_batch_deleted"}
    assert client.ask("GET", f"/{made['id']}").status == 404


def test_the_most_recent_batch_comes_first(quick: Client) -> None:
    ids = [quick.create()["id"] for _ in range(3)]
    page = _json(quick.ask("GET", "?limit=2"))
    assert isinstance(page["data"], list)
    assert [b["id"] for b in page["data"] if isinstance(b, dict)] == [ids[2], ids[1]]
    assert (page["has_more"], page["last_id"]) == (True, ids[1])
    rest = _json(quick.ask("GET", f"?after_id={ids[1]}"))
    assert (rest["first_id"], rest["has_more"]) == (ids[0], False)
    assert _json(quick.ask("GET", "?limit=3"))["has_more"] is False
    assert quick.ask("GET", "?limit=0").status == 400
    assert quick.ask("GET", "?after_id=msgbatch_x").status == 404


def test_a_workspace_sees_its_own_batches_only(quick: Client) -> None:
    made = quick.create()
    other = {"anthropic_workspace_id": "wrkspc_other"}
    assert _json(quick.ask("GET", "", **other))["data"] == []
    assert quick.ask("GET", f"/{made['id']}", **other).status == 404


@pytest.mark.parametrize(
    "requests",
    [
        None,
        [],
        [{"custom_id": "a"}],
        [{"params": {}}],
        [{"custom_id": "a b", "params": {}}],
        [{"custom_id": "a" * 65, "params": {}}],
        [{"custom_id": "a", "params": []}],
        [{"custom_id": "a", "params": {}, "more": 1}],
        [{"custom_id": "a", "params": {}}, {"custom_id": "a", "params": {}}],
    ],
)
def test_a_batch_of_the_wrong_form_is_refused(client: Client, requests: Json) -> None:
    assert client.ask("POST", "", {"requests": requests}).status == 400


def test_a_body_that_is_none_is_refused(client: Client) -> None:
    assert client.ask("POST", "", None).status == 400
    assert client.ask("POST", "", {}, content_encoding="br").status == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "", 405),
        ("POST", "/msgbatch_1", 405),
        ("GET", "/msgbatch_1/cancel", 405),
        ("GET", "/msgbatch_1/nothing", 404),
        ("GET", "/msgbatch_1/results/more", 404),
        ("GET", "/msgbatch_1", 404),
    ],
)
def test_other_paths_and_methods_are_refused(
    client: Client, method: str, path: str, status: int
) -> None:
    assert client.ask(method, path).status == status


def test_a_fault_holds_for_batches_too(client: Client) -> None:
    response = client.ask("GET", "", x_l9gate_fault="status=529")
    assert (response.status, _json(response)["type"]) == (529, "error")


def test_batches_have_a_bucket_and_a_queue(make_request: Make, body: JsonObject) -> None:
    client = Client(make_request, body, tier=Tier(batch_calls_per_min=2, batch_queue=3))
    assert client.create({}, {})["type"] == "message_batch"
    full = client.ask(
        "POST", "", {"requests": [{"custom_id": f"{n}", "params": {}} for n in range(2)]}
    )
    assert (full.status, full.headers["retry-after"]) == (429, "3")
    empty = client.ask("GET")
    assert (empty.status, empty.headers["retry-after"]) == (429, "30")
    client.clock.advance(30)
    assert client.create({}, {}, {})["type"] == "message_batch"


def test_leniently_any_id_is_that_of_a_batch(make_request: Make, body: JsonObject) -> None:
    client = Client(make_request, body, strictness="lenient")
    shown = _json(client.ask("GET", "/message_batch_id"))
    assert (shown["id"], shown["processing_status"]) == ("message_batch_id", "ended")
    assert [_result(line)["type"] for line in client.results(shown)] == ["succeeded"]
    assert client.ask("DELETE", "/message_batch_id").status == 200
    assert client.ask("GET", "?after_id=x&limit=0").status == 200
