"""The ledger at the seam: what is refused is never sent, and nothing hides it."""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from l9gate.errors import BudgetStop
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import End, Exchange, Layer, Origin
from l9gate.measure.clock import ManualClock
from l9gate.observe.attribution import Owner, owned_by
from l9gate.observe.budget import BudgetGuard, settle_by
from l9gate.observe.origins import Target
from l9gate.observe.recorder import Outbox, Recorder
from l9gate.observe.seam import Seam
from l9gate.observe.watch import Stop
from l9gate.store.account import Account, Payer, Reservation
from l9gate.store.caps import Caps
from l9gate.store.ledger import Ledger
from l9gate.wire.messages import Usage
from l9gate.wire.offer import Offer
from l9gate.wire.prices import PriceList

URL = "https://api.example.com/v1/messages"
HAIKU = "claude-haiku-5-5"
USAGE = Usage(input_tokens=100, output_tokens=10)
BOUND_USD = 0.0015  # of `offer`
COST_USD = 0.000015  # of `USAGE`
Build = Callable[..., Exchange]


@pytest.fixture(autouse=True)
def real_test() -> Iterator[None]:
    """Send as a test of a real layer does, which the tests here are not."""
    with owned_by(Owner("t", Layer.INTEGRATION)):
        yield


@pytest.fixture
def account(tmp_path: Path) -> Account:
    ledger = Ledger(tmp_path / "ledger.db", ManualClock())
    return Account.open(ledger, "r", Origin.LIVE, Caps(per_run_usd=0.1), PriceList())


@pytest.fixture
def guard(account: Account) -> BudgetGuard:
    clock = ManualClock()
    recorder = Recorder(Outbox(MemoryLog(), clock), clock, Target("api.example.com"))
    return BudgetGuard(account, recorder, "api.example.com")


@pytest.fixture
def seam(guard: BudgetGuard) -> Iterator[Seam]:
    seam = Seam()
    seam.install(guard)
    yield seam
    seam.remove(guard)


@pytest.fixture
def reservation(account: Account) -> Reservation:
    offer = Offer(model=HAIKU, input_tokens=10_000, max_tokens=1000)
    return account.reserve([offer], Payer())


def request(url: str = URL, model: str = HAIKU, **options: object) -> httpx2.Request:
    body = {"model": model, "max_tokens": 1000, "messages": []}
    return httpx2.Request("POST", url, **({"json": body} | options))  # type: ignore[arg-type]


def counted_usd(account: Account) -> float:
    return sum(layer.spent_usd for layer in account.spending())


def test_a_call_is_counted_before_it_is_sent(guard: BudgetGuard, account: Account) -> None:
    assert guard.begin(request()) is not None
    (layer,) = account.spending()
    assert (layer.layer, layer.calls) == (Layer.INTEGRATION, 1)
    assert layer.unsettled_usd > 0.0007


def test_a_call_that_nobody_owns_is_counted_for_no_layer(
    guard: BudgetGuard, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("l9gate.observe.budget.current_owner", lambda: None)
    guard.begin(request())
    assert [one.layer for one in account.spending()] == [None]


def test_a_call_belongs_to_its_test_and_layer(guard: BudgetGuard, account: Account) -> None:
    with owned_by(Owner("t", Layer.CONTRACT)):
        guard.begin(request())
    assert [one.layer for one in account.spending()] == [Layer.CONTRACT]


@pytest.mark.parametrize("owner", [Owner("t", Layer.UNIT), Owner("t", None)])
def test_calls_of_the_unit_layer_and_of_no_layer_are_not_counted(
    guard: BudgetGuard, account: Account, owner: Owner
) -> None:
    with owned_by(owner):
        assert guard.begin(request(model="mocked")) is not None
    assert account.spending() == ()


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com/v1/messages/count_tokens",
        "http://127.0.0.1:9/v1/messages",
        "http://[::1]:9/v1/messages",
        "http://localhost/v1/messages",
        "https://api.other.com/v1/chat/completions",
    ],
)
def test_what_costs_nothing_or_is_not_of_the_api_passes(
    guard: BudgetGuard, account: Account, url: str
) -> None:
    assert guard.begin(request(url, model="unpriced")) is not None
    assert account.spending() == ()


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com/v1/chat/completions",
        "https://elsewhere.example.com/v1/messages",
        "https://bedrock.example.com/model/claude-x/invoke",
    ],
)
def test_whatever_a_model_works_for_needs_a_price(guard: BudgetGuard, url: str) -> None:
    with pytest.raises(BudgetStop, match="no known price"):
        guard.begin(request(url, model="unpriced"))


def test_an_endpoint_on_loopback_is_counted_if_it_is_the_one_of_the_run(account: Account) -> None:
    clock = ManualClock()
    recorder = Recorder(Outbox(MemoryLog(), clock), clock, Target("127.0.0.1:9"))
    BudgetGuard(account, recorder, "127.0.0.1:9").begin(request("http://127.0.0.1:9/v1/messages"))
    assert len(account.spending()) == 1


def test_a_refused_call_is_not_sent_and_no_fallback_hides_it(
    seam: Seam, guard: BudgetGuard
) -> None:
    sent: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return httpx2.Response(200)

    def application() -> str:
        body = {"model": "unpriced", "max_tokens": 1}
        try:
            with httpx2.Client(transport=httpx2.MockTransport(answer)) as client:
                client.post(URL, json=body)
        except Exception:  # noqa: BLE001 - what applications do
            return "fallback"
        return "answer"

    with pytest.raises(BudgetStop, match="`unpriced` has no known price"):
        application()
    assert seam is not None
    assert sent == []
    assert len(guard.take_refusals()) == 1
    assert guard.take_refusals() == []


def test_a_mocked_answer_costs_nothing(seam: Seam, account: Account) -> None:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, json={"usage": {}}))
    body = {"model": HAIKU, "max_tokens": 1000}
    with httpx2.Client(transport=transport) as client:
        client.post(URL, json=body)
    assert seam is not None
    (layer,) = account.spending()
    assert (layer.calls, layer.spent_usd) == (1, 0)


def test_a_test_that_expects_a_refusal_may_ask_for_an_unknown_model(guard: BudgetGuard) -> None:
    with owned_by(Owner("t", Layer.CONTRACT)):
        guard.begin_test(expects_refusal=True)
        assert guard.begin(request(model="unknown", json={"model": "unknown", "max_tokens": 1}))
        guard.begin_test(expects_refusal=False)
        with pytest.raises(BudgetStop):
            guard.begin(request(model="unknown"))


def test_a_body_that_cannot_be_read_beforehand_is_refused(
    guard: BudgetGuard, account: Account
) -> None:
    with pytest.raises(BudgetStop, match="cannot be read beforehand"):
        guard.begin(httpx2.Request("POST", URL, content=iter([b"{}"])))
    assert account.refusal() is not None


def test_an_encoded_body_is_read(guard: BudgetGuard) -> None:
    body = gzip.compress(json.dumps({"model": "unpriced", "max_tokens": 1}).encode())
    with pytest.raises(BudgetStop, match="`unpriced`"):
        guard.begin(request(content=body, json=None, headers={"content-encoding": "gzip"}))


@pytest.mark.parametrize(
    ("facts", "stop", "expected_usd"),
    [
        ({"usage": USAGE}, Stop.READ, COST_USD),
        ({"usage": USAGE, "end": End.CUT}, Stop.BROKEN, COST_USD + 990 * 0.5e-6),
        ({"usage": None}, Stop.READ, BOUND_USD),  # such as a batch
        ({"origin": Origin.MOCKED}, Stop.READ, 0),
        ({"status": 529, "error_type": "overloaded_error"}, Stop.READ, 0),
        ({"status": 404, "error_type": None}, Stop.READ, 0),
        ({"status": 504, "error_type": "malformed_body"}, Stop.READ, BOUND_USD),
        ({"status": None, "end": End.TIMED_OUT}, Stop.TIMED_OUT, BOUND_USD),
        ({"status": None, "end": End.UNREACHABLE}, Stop.BROKEN, BOUND_USD),
        ({"status": None, "end": End.UNREACHABLE}, Stop.UNCONNECTED, 0),
        (None, Stop.REFUSED, 0),
        (None, Stop.READ, BOUND_USD),
    ],
)
def test_what_is_not_known_to_be_cheaper_stays_at_its_bound(
    exchange: Build,
    account: Account,
    reservation: Reservation,
    facts: dict[str, object] | None,
    stop: Stop,
    expected_usd: float,
) -> None:
    settle_by(reservation, None if facts is None else exchange(**facts), stop)
    assert counted_usd(account) == pytest.approx(expected_usd)
