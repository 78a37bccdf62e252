"""The negative control: tests that cannot fail prove nothing when they pass."""

import asyncio
import importlib.util
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from l9gate.criteria.policy import policy_text_of
from l9gate.criteria.survival import assess, find_talking
from l9gate.errors import DependencyError, ExitCode, InterruptedRunError
from l9gate.evidence.records import Control, Layer
from l9gate.evidence.sightings import Against, Attempt
from l9gate.measure.clock import SystemClock
from l9gate.sources.control.collect import collect
from l9gate.sources.control.endpoint import open_endpoint
from l9gate.sources.control.environ import control_environ, find_key_variables
from l9gate.sources.control.plan import ControlPlan
from l9gate.store.controls import digest_of, read_control, write_control
from l9gate.store.settings import Settings

Say = Callable[[str], None]
_FIRST_SHARE = 0.6  # of the time for the dead endpoint, where every test is run
_LEAST_S = 3.0  # less than that is not worth a start of pytest


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlRequest:
    """What `l9gate control` was asked for."""

    root: Path  # where pytest is started
    settings: Settings | None
    environment: str | None = None
    minutes: float | None = None  # None: 2 where tests must be found first, else 6
    test_limit_s: float | None = None  # None: 20 there, else 60, as a layer may measure for long
    arguments: tuple[str, ...] = ()  # further ones to pytest
    is_again: bool = False

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The real layers of the project; none: everything that pytest collects is run."""
        if self.settings is None:
            return ()
        return tuple(layer for layer in Layer if layer.is_real and layer in self.settings.layers)

    @property
    def limit_s(self) -> float:
        """How long everything may take."""
        return 60 * (self.minutes or (6.0 if self.layers else 2.0))

    @property
    def limit_of_test_s(self) -> float:
        """How long one test may take."""
        return self.test_limit_s or (60.0 if self.layers else 20.0)

    @property
    def is_kept(self) -> bool:
        """Whether the result is evidence: it is of all tests of the layers."""
        return bool(self.layers) and not self.arguments


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlResult:
    """A control, how long it took, and where it is kept."""

    control: Control
    seconds: Mapping[str, float]  # by endpoint; empty if it was done before
    file: Path | None = None

    @property
    def exit_code(self) -> ExitCode:
        """Return 1 with survivors, 2 if something stayed open, else 0."""
        if self.control.survivors:
            return ExitCode.NOT_READY
        return ExitCode.UNPROVEN if self.control.open_ends else ExitCode.READY


@dataclass(frozen=True, slots=True)
class _Session:
    """Tests that one pytest runs."""

    paths: tuple[str, ...] = ()
    layers: tuple[Layer, ...] = ()
    arguments: tuple[str, ...] = ()


def control(request: ControlRequest, environ: Mapping[str, str], say: Say) -> ControlResult:
    """Run the tests against three endpoints that cannot serve them, and see which pass.

    Raises:
        DependencyError: there is no pytest.
        PlanError: a layer names a path that does not exist.
        InterruptedRunError: stopped from outside.
        WriteError: the result cannot be kept.
    """
    if importlib.util.find_spec("pytest") is None:
        raise DependencyError(
            f"{sys.executable} has no pytest; nothing was tested",
            hint="install l9gate beside your tests: `pip install 'l9gate[pytest]'`, or "
            "`uv run --with 'l9gate[pytest]' l9gate control`",
        )
    digest = ""
    if request.settings is not None and request.is_kept:
        digest = digest_of(request.settings, policy_text_of(request.settings.policy))
        known = None if request.is_again else read_control(request.settings, digest)
        if known is not None:
            return ControlResult(control=known, seconds={})
    seconds: dict[str, float] = {}
    try:
        attempts = asyncio.run(_Course(request, environ, say, seconds).run())
    except (asyncio.CancelledError, KeyboardInterrupt):
        raise InterruptedRunError("interrupted; nothing was kept") from None
    found = assess(attempts, digest, request.layers, SystemClock().now_s())
    file = None
    if request.settings is not None and request.is_kept and not found.open_ends:
        file = write_control(request.settings, found)
    return ControlResult(control=found, seconds=seconds, file=file)


def known_control(settings: Settings, policy_text: str) -> Control | None:
    """Return the control that holds for a project as it is now."""
    if not any(layer.is_real for layer in settings.layers):
        return None
    return read_control(settings, digest_of(settings, policy_text))


class _Course:
    """Goes from endpoint to endpoint within the time."""

    def __init__(
        self,
        request: ControlRequest,
        environ: Mapping[str, str],
        say: Say,
        seconds: dict[str, float],
    ) -> None:
        self._request = request
        self._environ = environ
        self._say = say
        self._seconds = seconds
        self._ends_s = time.monotonic() + request.limit_s
        settings = request.settings
        declared = frozenset[str]() if settings is None else settings.key_variables()
        self._keys = declared | find_key_variables(request.root)

    async def run(self) -> dict[Against, Attempt]:
        """Return what was seen against each endpoint that was reached."""
        attempts: dict[Against, Attempt] = {}
        for against in Against:
            selected = find_talking(attempts) if attempts else None
            left_s = self._ends_s - time.monotonic()
            if (attempts and not selected) or left_s < _LEAST_S:
                break
            share = _FIRST_SHARE if not attempts else 1 / (len(Against) - len(attempts))
            self._say(f"{against}: pytest, within {left_s * share:.0f} s")
            started_s = time.monotonic()
            attempts[against] = await self._attempt(against, selected, started_s + left_s * share)
            self._seconds[against.value] = round(time.monotonic() - started_s, 1)
        return attempts

    async def _attempt(
        self, against: Against, selected: tuple[str, ...] | None, ends_s: float
    ) -> Attempt:
        parts = []
        async with open_endpoint(against) as base_url:
            environ = control_environ(self._environ, base_url, self._keys)
            if self._request.layers and self._request.environment is not None:
                environ["L9GATE_ENV"] = self._request.environment
            for session in _sessions(self._request):
                with tempfile.TemporaryDirectory(prefix="l9gate-control-") as folder:
                    plan = ControlPlan(
                        against=against,
                        base_url=base_url,
                        root=self._request.root,
                        folder=Path(folder),
                        environ=environ,
                        arguments=session.arguments,
                        paths=session.paths,
                        layers=session.layers,
                        selected=selected,
                        test_limit_s=self._request.limit_of_test_s,
                        limit_s=max(ends_s - time.monotonic(), _LEAST_S),
                    )
                    parts.append(await collect(plan, self._say))
        return _joined(parts)


def _sessions(request: ControlRequest) -> list[_Session]:
    """Return one session for all layers whose arguments to pytest are the same."""
    if request.settings is None or not request.layers:
        return [_Session(arguments=request.arguments)]
    groups: dict[tuple[str, ...], list[Layer]] = {}
    for layer in request.layers:
        groups.setdefault(request.settings.layers[layer].arguments, []).append(layer)
    return [
        _Session(
            paths=tuple(p for layer in layers for p in request.settings.layers[layer].paths),
            layers=tuple(layers),
            arguments=arguments + request.arguments,
        )
        for arguments, layers in groups.items()
    ]


def _joined(parts: list[Attempt]) -> Attempt:
    return Attempt(
        sightings={name: one for part in parts for name, one in part.sightings.items()},
        tests=tuple(name for part in parts for name in part.tests),
        broken=tuple(dict.fromkeys(name for part in parts for name in part.broken)),
        offline=tuple(name for part in parts for name in part.offline),
        problem="; ".join(part.problem for part in parts if part.problem) or None,
    )
