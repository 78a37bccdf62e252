"""What the guard of the unit layer could not hold, said in the last lines of the session."""

from collections.abc import Mapping

import pytest

from l9gate.pytest_plugin.observation import OBSERVATION

_OUTPUT = "l9gate_strays"
_MAX_NAMED = 10


class StrayReport:
    """The plug-in object of one process; an xdist worker tells its controller."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._programs: set[str] = set()
        self._late: list[str] = []

    @pytest.hookimpl(trylast=True)  # when the observation has been stopped
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Take what this process knows; a refusal after the last test fails the session."""
        observation = self._config.stash.get(OBSERVATION, None)
        if observation is not None:
            self._programs.update(observation.strays)
            self._late += [str(refusal.error()) for refusal in observation.late]
        output: dict[str, object] | None = getattr(self._config, "workeroutput", None)
        if output is not None:
            output[_OUTPUT] = [sorted(self._programs), self._late]
        elif self._late and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        """Take over what an xdist worker knows."""
        output: Mapping[str, object] = getattr(node, "workeroutput", {})
        found = output.get(_OUTPUT)
        if isinstance(found, list):
            self._programs.update(found[0])
            self._late += found[1]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name the programs, and say what was refused when no test could fail any more."""
        for message in self._late:
            terminalreporter.write_line(f"l9gate: after the last test: {message}", red=True)
        if self._programs:
            named = ", ".join(f"`{name}`" for name in sorted(self._programs)[:_MAX_NAMED])
            more = " and others" if len(self._programs) > _MAX_NAMED else ""
            terminalreporter.write_line(
                f"l9gate: unguarded: nothing kept {named}{more} of unit tests from the network"
            )
