"""Issue 6, E-07, C-07: real processes that leak are told from one that only warms up."""

import re
from collections.abc import Callable
from typing import Protocol

import pytest

MODES = ("healthy", "memory", "descriptors", "tasks", "threads")
MINUTES = "0.25"
NOT_READY = 1


class Soak(Protocol):
    output: str
    errors: str

    def wait(self) -> int: ...
    def states(self) -> dict[str, str]: ...


@pytest.fixture(scope="module")
def soaks(start_soak: Callable[..., Soak]) -> dict[str, Soak]:
    """All of them at once, so that they take no longer than one."""
    started = {
        mode: start_soak(mode, "--minutes", MINUTES, *(["--attribute"] * (mode == "memory")))
        for mode in MODES
    }
    for soak in started.values():
        soak.wait()
    return started


def test_a_plateau_of_50_mb_after_a_warm_up_is_kept(soaks: dict[str, Soak]) -> None:
    healthy = soaks["healthy"]
    assert set(healthy.states().values()) == {"kept"}, healthy.output + healthy.errors
    assert healthy.output.startswith("SOAK REHEARSED")


@pytest.mark.parametrize("mode", MODES[1:])
def test_a_leak_is_found_where_it_is(mode: str, soaks: dict[str, Soak]) -> None:
    soak = soaks[mode]
    states = soak.states()
    assert states[mode] == "broken", soak.output + soak.errors
    innocent = set(states) - {mode} - ({"growth"} if mode == "memory" else set())
    assert "broken" not in {states[name] for name in innocent}, soak.output


def test_a_leak_is_told_with_its_pace_and_its_end(soaks: dict[str, Soak]) -> None:
    told = soaks["descriptors"].output
    assert re.search(r"grows by [\d,]+ an hour, [\d,]+ per 1,000 operations", told)
    assert "used up in about" in told


def test_who_allocates_is_named_by_line(soaks: dict[str, Soak]) -> None:
    assert re.search(r"server\.py:\d+: [\d.]+ MB more in \d+ blocks", soaks["memory"].output)
    assert "looking for" in soaks["memory"].errors
