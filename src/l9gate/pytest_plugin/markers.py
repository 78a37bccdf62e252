"""The markers of a gated project, and what they say about a test."""

from dataclasses import dataclass

import pytest

MARKERS = (
    "unit: no network, no key",
    "integration: needs the API",
    "benchmark: measures performance against the API",
    "contract: checks what the API promises",
    "offline: a test of a real layer that reaches no API; listed by name in every report",
    "live_only: asserts the meaning of an answer; not run in a rehearsal, never counted as passed",
    "expects_error(*types): the API is to answer with one of these `error.type`s",
    "expects_fallback: the application is to fall back",
    "scenario(*names): the failure scenarios that this test proves",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What the markers of one test say."""

    offline: bool
    live_only: bool
    expects_error: tuple[str, ...]
    expects_fallback: bool
    scenarios: tuple[str, ...]


def read_marks(item: pytest.Item) -> Marks:
    """Return what a test's markers say."""
    return Marks(
        offline=item.get_closest_marker("offline") is not None,
        live_only=item.get_closest_marker("live_only") is not None,
        expects_error=_arguments(item, "expects_error"),
        expects_fallback=item.get_closest_marker("expects_fallback") is not None,
        scenarios=_arguments(item, "scenario"),
    )


def _arguments(item: pytest.Item, name: str) -> tuple[str, ...]:
    """Return the arguments of all markers of that name, each once; classes by their name."""
    found = (argument for marker in item.iter_markers(name) for argument in marker.args)
    texts = (
        argument if isinstance(argument, str) else getattr(argument, "__name__", str(argument))
        for argument in found
    )
    return tuple(dict.fromkeys(texts))
