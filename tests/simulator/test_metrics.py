"""Counters of a simulator."""

import pytest

from l9gate.simulator.metrics import Metrics, route_of


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v1/messages", "/v1/messages"),
        ("/v1/messages/count_tokens", "/v1/messages/count_tokens"),
        ("/v1/messages/batches/msgbatch_1/results", "/v1/messages/batches/ID"),
        ("/v1/models/claude-x", "/v1/models/ID"),
        ("/anything", "other"),
    ],
)
def test_paths_are_counted_by_route(path: str, route: str) -> None:
    assert route_of(path) == route


def test_counters_are_rendered_for_prometheus() -> None:
    metrics = Metrics()
    metrics.requests["/v1/messages", 529, "status"] += 2
    metrics.left["/v1/messages"] += 1
    metrics.streams_open, metrics.received_bytes, metrics.sent_bytes = 1, 20, 30
    metrics.limits = {
        "anthropic-ratelimit-requests-limit": "50", "anthropic-ratelimit-requests-remaining": "49",
    }  # fmt: skip
    lines = metrics.render().splitlines()
    assert {
        'l9gate_simulator_requests_total{path="/v1/messages",status="529",fault="status"} 2',
        'l9gate_simulator_left_total{path="/v1/messages"} 1',
        "l9gate_simulator_streams_open 1",
        "l9gate_simulator_received_bytes_total 20",
        "l9gate_simulator_sent_bytes_total 30",
        'l9gate_simulator_bucket_limit{bucket="requests"} 50',
        'l9gate_simulator_bucket_remaining{bucket="requests"} 49',
        "# TYPE l9gate_simulator_requests_total counter",
    } <= set(lines)
    assert len(lines) == len(set(lines))
