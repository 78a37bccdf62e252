"""What is left of visits that the journal lists no more."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from l9gate.measure.clock import ManualClock
from l9gate.net.http import HttpRequest, HttpResponse
from l9gate.simulator.app import SimulatorApp
from l9gate.simulator.conduct import Misconduct, Misdeed, judge_visits
from l9gate.simulator.config import SimulatorConfig
from l9gate.simulator.journal import Journal, Visit, VisitEnd
from l9gate.simulator.past import Past
from l9gate.wire.json import JsonObject


def _visit(number: int, status: int = 200, body: int = 0, client: int = 1) -> Visit:
    """Return a visit that is over at once; one comes each 20 ms."""
    at_s = number * 0.02
    return Visit(
        number=number, connection=client, client=client, user_agent="app", path="/v1/messages",
        body=body, attempt=None, at_s=at_s, answered_s=at_s + 0.01, ended_s=at_s + 0.01,
        end=VisitEnd.WHOLE, status=status,
    )  # fmt: skip


_STEP = st.tuples(st.sampled_from([200, 400, 529, 529]), st.integers(0, 1), st.integers(1, 2))


@settings(max_examples=60, deadline=None)
@given(st.lists(_STEP, max_size=60), st.lists(st.integers(0, 60), max_size=4))
def test_what_is_judged_in_parts_is_judged_as_the_whole(
    steps: list[tuple[int, int, int]], cuts: list[int]
) -> None:
    visits = [_visit(number, *step) for number, step in enumerate(steps, 1)]
    past, start = Past(), 0
    for end in sorted(cuts):
        past.take(visits[start:end])
        start = max(start, end)
    found = {client.client: client for client in past.conduct(visits[start:])}
    for expected in judge_visits(visits):
        client = found.pop(expected.client)
        assert _told(client.misconduct) == _told(expected.misconduct)
        for name in ("requests", "retries", "failures", "left"):
            assert getattr(client, name) == getattr(expected, name)
    assert not found


def _told(misconduct: tuple[Misconduct, ...]) -> list[tuple[int, Misdeed]]:
    return sorted((one.number, one.misdeed) for one in misconduct)


def test_a_retry_of_what_is_forgotten_is_still_one() -> None:
    past = Past()
    past.take([_visit(1, 400)])
    (client,) = past.conduct([_visit(2, 400)])
    assert [one.misdeed for one in client.misconduct] == [Misdeed.RETRIED_REFUSED]
    past.take([_visit(2, 400)])
    past.take([_visit(number, body=7) for number in range(3, 9)])
    assert [(one.misdeed, one.number) for one in past.conduct([])[0].misconduct] == [
        (Misdeed.RETRIED_REFUSED, 2)
    ]


def test_a_storm_that_goes_on_is_told_once() -> None:
    past, visits = Past(), [_visit(number, 529) for number in range(1, 41)]
    for start in range(0, 40, 8):
        past.take(visits[start : start + 8])
    (client,) = past.conduct([])
    assert [one.misdeed for one in client.misconduct].count(Misdeed.RETRY_STORM) == 1


def test_what_goes_beyond_the_bounds_is_counted() -> None:
    past = Past(max_clients=1, max_listed=3)
    past.take([_visit(number, 400) for number in range(1, 7)])
    past.take([_visit(7, 400), _visit(8, client=2)])
    (client,) = past.conduct([])
    assert (len(client.misconduct), client.unlisted, past.lost) == (3, 3, 1)


def test_conduct_outlives_a_full_journal(
    make_request: Callable[..., HttpRequest], body: JsonObject
) -> None:
    clock = ManualClock()
    app = SimulatorApp(SimulatorConfig(load_factor=0), clock)
    app.witness.journal = Journal(capacity=40, forget=app.witness._forget)
    for fault in ("status=400", "status=400"):
        answer = app(make_request(body, headers={"x-l9gate-fault": fault}))
        assert isinstance(answer, HttpResponse)
        clock.advance(1)
    path = make_request(None, "/v1/nothing", method="GET")
    for _ in range(60):
        app(path)
    journal, (client,) = app.witness.journal, app.witness.conduct()
    assert client.requests == journal.seen == 62
    assert (len(journal.visits), journal.forgotten) == (40, 22)
    assert client.misconduct[0].misdeed is Misdeed.RETRIED_REFUSED
    metrics = app.witness.metrics.render()
    assert f"l9gate_simulator_visits_forgotten_total {journal.forgotten}\n" in metrics
