"""What the doctor says of packages, models and endpoints: issue 4.8."""

from collections.abc import Mapping
from datetime import date
from importlib.metadata import Distribution
from pathlib import Path

import pytest

from l9gate.gate.checkup import (
    BAD,
    NOTE,
    OK,
    Check,
    check_greeting,
    check_mocks,
    check_model,
    check_plugins,
)
from l9gate.net.greeting import Greeting, ModelEntry

TODAY = date(2026, 11, 22)
MODEL = "claude-haiku-5-5"


class Installed(Distribution):
    """A package with one pytest plug-in."""

    def __init__(self, name: str, entry: str) -> None:
        self._files = {
            "METADATA": f"Name: {name}\nVersion: 1\n",
            "entry_points.txt": f"[pytest11]\n{entry}\n",
        }

    def read_text(self, filename: str) -> str | None:
        return self._files.get(filename)

    def locate_file(self, path: object) -> Path:
        return Path(str(path))


def test_two_packages_with_one_plug_in_clash() -> None:
    installed = [
        Installed("pytest-httpx2", "pytest_httpx2 = pytest_httpx2"),
        Installed("httpx2-pytest", "pytest_httpx2 = pytest_httpx2"),
        Installed("pytest-xdist", "xdist = xdist.plugin"),
    ]
    (found,) = check_plugins(installed)
    assert found.state == BAD
    assert found.found == (
        "httpx2-pytest and pytest-httpx2 both bring module `pytest_httpx2`, "
        "plug-in `pytest_httpx2`: one breaks the other"
    )
    assert list(check_plugins(installed[1:])) == []


def test_a_mock_library_that_sees_nothing_is_noted() -> None:
    (found,) = check_mocks([("respx 0.23.1", "use pytest-httpx2")])
    assert (found.state, found.hint) == (NOTE, "use pytest-httpx2")
    assert found.found == "respx 0.23.1 cannot see httpx2, which the SDK sends with"


@pytest.mark.parametrize(
    ("model", "state", "words"),
    [
        (MODEL, OK, "`claude-haiku-5-5` is active"),
        ("claude-sonnet-4-5", NOTE, "is deprecated and retires on 2026-11-30, in 8 days"),
        ("claude-3-opus-20240229", BAD, "was retired on 2026-01-05"),
        ("claude-unheard-of", NOTE, "is not among the models known on"),
    ],
)
def test_a_model_near_its_end_is_told(model: str, state: str, words: str) -> None:
    found = check_model(model, TODAY)
    assert found.state == state
    assert words in found.found


def test_a_model_whose_last_day_has_come_is_retired_whatever_the_table_says() -> None:
    assert check_model("claude-sonnet-4-5", date(2026, 11, 30)).state == BAD


def asked(**changes: object) -> Mapping[str, Check]:
    fields: dict[str, object] = {
        "skew_s": 0.3,
        "model_status": 200,
        "model": ModelEntry(MODEL, "active"),
        "rate_limit": {},
    }
    greeting = Greeting(**{**fields, **changes})  # type: ignore[arg-type]
    return {check.what: check for check in check_greeting(greeting, MODEL, TODAY)}


@pytest.mark.parametrize(
    ("skew_s", "state", "words"),
    [
        (0.3, OK, "within 5 s"),
        (-4.9, OK, "within 5 s"),
        (61.0, BAD, "61 s ahead of the endpoint's"),
        (-3600.0, BAD, "3600 s behind the endpoint's"),
        (None, NOTE, "tells no time"),
    ],
)
def test_a_clock_that_is_wrong_is_told(skew_s: float | None, state: str, words: str) -> None:
    found = asked(skew_s=skew_s)["clock"]
    assert found.state == state
    assert words in found.found


def test_the_endpoint_knows_better_than_the_table_when_a_model_ends() -> None:
    soon = asked(model=ModelEntry(MODEL, "active", "2026-12-24T00:00:00Z"))["model"]
    assert (soon.state, "in 32 days" in soon.found) == (NOTE, True)
    assert asked()["model"].state == OK


def test_a_model_that_the_endpoint_does_not_have_is_bad() -> None:
    assert asked(model=None, model_status=404)["model"].state == BAD
    assert asked(model=None, model_status=500)["model"].state == NOTE


def test_what_is_left_of_the_limits_is_told() -> None:
    limits = {
        "requests-limit": "50",
        "requests-remaining": "49",
        "input-tokens-limit": "30000",
        "input-tokens-remaining": "30000",
    }
    enough = asked(rate_limit=limits)["rate limits"]
    assert enough.state == OK
    assert enough.found == "left: 49 of 50 requests, 30,000 of 30,000 input tokens"
    low = asked(rate_limit=limits | {"input-tokens-remaining": "2000"})["rate limits"]
    assert low.state == NOTE
    assert low.hint is not None
    assert asked(rate_limit={"requests-limit": "0"})["rate limits"].state == NOTE
