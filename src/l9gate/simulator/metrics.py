"""Counters of a simulator, as Prometheus reads them."""

from collections import Counter
from collections.abc import Iterator

from l9gate.wire.headers import RATE_LIMIT_PREFIX

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_ROUTES = (
    "/v1/messages", "/v1/messages/count_tokens", "/v1/messages/batches", "/v1/models", "/v1/files",
)  # fmt: skip
_KNOWN = frozenset(_ROUTES)
CACHE_EXPIRED, TOKENS_EXPIRED = "cache_expired_total", "tokens_expired_total"
CACHE_LIVES, TOKEN_LIVES = "cache_lifetimes", "token_lifetimes"
_BUCKETS = ("requests", "tokens", "input-tokens", "output-tokens")


class Metrics:
    """Counts; every name and label that it shows is of a small, known set."""

    def __init__(self) -> None:
        self.requests = Counter[tuple[str, int, str]]()  # route, status, fault
        self.left = Counter[str]()  # by route: clients that went away before the end
        self.streams_open = 0
        self.received_bytes = 0
        self.sent_bytes = 0  # of bodies; those of a stream that nothing breaks once it ended
        self.visits_forgotten = 0
        self.cache_expired = 0  # entries of the prompt cache that were asked for again too late
        self.tokens_expired = 0  # access tokens that were refused because of their age
        self.cache_lives: float | None = None  # of the entry in longest use; None: none was used
        self.token_lives: float | None = None  # the same of access tokens
        self.limits: dict[str, str] = {}  # headers of the last answer that had some

    def render(self) -> str:
        """Return the text that a scrape gets."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield from _head("requests_total", "counter", "Requests answered.")
        for (path, status, fault), count in sorted(self.requests.items()):
            labels = f'path="{path}",status="{status}",fault="{fault}"'
            yield f"l9gate_simulator_requests_total{{{labels}}} {count}"
        yield from _head("left_total", "counter", "Answers whose client went away before the end.")
        for path, count in sorted(self.left.items()):
            yield f'l9gate_simulator_left_total{{path="{path}"}} {count}'
        plain = (
            ("streams_open", "gauge", "Bodies that go out piece by piece.", self.streams_open),
            ("received_bytes_total", "counter", "Bytes of request bodies.", self.received_bytes),
            (
                "sent_bytes_total",
                "counter",
                "Bytes of response bodies, as far as they were due.",
                self.sent_bytes,
            ),
            (
                "visits_forgotten_total", "counter",
                "Visits that the journal lists no more.", self.visits_forgotten,
            ),
            (
                CACHE_EXPIRED, "counter",
                "Entries of the prompt cache asked for again after their lifetime.",
                self.cache_expired,
            ),
            (
                TOKENS_EXPIRED, "counter",
                "Access tokens refused because of their age.", self.tokens_expired,
            ),
        )  # fmt: skip
        for name, kind, about, value in plain:
            yield from _head(name, kind, about)
            yield f"l9gate_simulator_{name} {value}"
        for name, of_what, lives in (
            (CACHE_LIVES, "entry of the prompt cache", self.cache_lives),
            (TOKEN_LIVES, "access token", self.token_lives),
        ):
            if lives is not None:
                about = f"For how many of its lifetimes the {of_what} in longest use was used."
                yield from _head(name, "gauge", about)
                yield f"l9gate_simulator_{name} {lives:g}"
        yield from self._bucket_lines("limit", "What a bucket holds.")
        yield from self._bucket_lines("remaining", "What the last answer said was left in it.")

    def _bucket_lines(self, what: str, about: str) -> Iterator[str]:
        yield from _head(f"bucket_{what}", "gauge", about)
        for bucket in _BUCKETS:
            value = self.limits.get(f"{RATE_LIMIT_PREFIX}{bucket}-{what}")
            if value is not None:
                yield f'l9gate_simulator_bucket_{what}{{bucket="{bucket}"}} {value}'


def route_of(path: str) -> str:
    """Return the route that a path belongs to, `other` for one that nobody serves."""
    if path in _KNOWN:
        return path
    for route in reversed(_ROUTES):
        if path.startswith(f"{route}/"):
            return f"{route}/ID"
    return "other"


def _head(name: str, kind: str, about: str) -> tuple[str, str]:
    return (
        f"# HELP l9gate_simulator_{name} {about}",
        f"# TYPE l9gate_simulator_{name} {kind}",
    )
