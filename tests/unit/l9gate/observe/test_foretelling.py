"""What the newest version refuses of a request is noted without a word of what it says."""

import httpx2
import pytest

from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import Exchange
from l9gate.measure.clock import ManualClock
from l9gate.observe.foretelling import MAX_PLACES, foretell
from l9gate.observe.origins import Target
from l9gate.observe.recorder import Outbox, Recorder
from l9gate.observe.relayed import RelayedRequest, RelayedUrl
from l9gate.observe.watch import HttpRequest, Stop

OLDER, NEWER = "2023-06-01", "2026-10-21"
SAMPLED = (
    b'{"model": "m", "temperature": 0.2, "messages": [{"role": "user", "content": "planted"}]}'
)
NOTED = ("accept.sampling /temperature",)


def test_places_are_told_once_and_without_numbers() -> None:
    cited = b'{"type": "text", "text": "planted", "citations": [{}]}'
    turn = b'{"role": "user", "content": [' + cited + b"," + cited + b"]}"
    body = b'{"messages": [' + turn + b"," + turn + b'], "top_k": 1}'
    assert foretell(body) == (
        "accept.sampling /top_k",
        "accept.citations /messages/*/content/*/citations",
    )


def test_a_batch_is_looked_at_request_by_request() -> None:
    body = b'{"requests": [{"params": {}}, {"params": {"top_p": 1}}, {"params": {"top_p": 1}}]}'
    assert foretell(body) == ("accept.sampling /requests/*/params/top_p",)
    assert len(foretell(body) or ()) <= MAX_PLACES


def test_what_is_no_object_was_not_looked_at_and_what_is_fine_was() -> None:
    assert foretell(b"[]") is None
    assert foretell(b"\x1f\x8b") is None
    assert foretell(b'{"model": "m"}') == ()


def seen(request: HttpRequest, *, holds: bool = True) -> Exchange:
    """Return the record of a request that nobody answered."""
    log, clock = MemoryLog(), ManualClock(1.0)
    recorder = Recorder(Outbox(log, clock), clock, Target("api.example.com"), holds=holds)
    watch = recorder.begin(request)
    assert watch is not None
    watch.ended(Stop.TIMED_OUT)
    (found,) = log.of(Exchange)
    return found


def asked(version: str | None, path: str = "/v1/messages", body: bytes = SAMPLED) -> httpx2.Request:
    headers = {} if version is None else {"anthropic-version": version}
    return httpx2.Request("POST", f"https://api.example.com{path}", headers=headers, content=body)


@pytest.mark.parametrize(
    ("request_", "noted"),
    [
        (asked(OLDER), NOTED),
        (asked(None), NOTED),
        (asked(OLDER, body=b'{"model": "m"}'), ()),
        (asked(NEWER), None),
        (asked(OLDER, "/model/anthropic.claude-haiku-5-5/invoke"), None),
        (asked(OLDER, body=b""), None),
    ],
    ids=["older", "no version", "nothing to refuse", "newest", "another cloud", "no body"],
)
def test_only_what_is_not_under_the_newest_version_is_looked_at(
    request_: httpx2.Request, noted: tuple[str, ...] | None
) -> None:
    assert seen(request_).foretold == noted


def test_an_observer_that_holds_nothing_against_the_contract_notes_nothing() -> None:
    assert seen(asked(OLDER), holds=False).foretold is None


@pytest.mark.parametrize(("version", "noted"), [(OLDER, NOTED), (NEWER, None)])
def test_a_request_through_the_proxy_is_looked_at_too(
    version: str, noted: tuple[str, ...] | None
) -> None:
    url = RelayedUrl(b"api.example.com", "api.example.com", "/v1/messages")
    relayed = RelayedRequest("POST", url, {"anthropic-version": version})
    relayed.received(SAMPLED[:20])
    relayed.received(SAMPLED[20:])
    relayed.ended()
    found = seen(relayed)
    assert found.foretold == noted
    assert "planted" not in repr(found)


def test_a_fault_of_ours_leaves_the_exchange_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(body: bytes) -> None:
        raise ZeroDivisionError(len(body))

    monkeypatch.setattr("l9gate.observe.foretelling.foretell", fail)
    found = seen(asked(OLDER))
    assert (found.model, found.foretold) == ("m", None)
