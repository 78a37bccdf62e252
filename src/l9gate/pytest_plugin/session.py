"""A gated pytest session: refuses without an endpoint, links to a run folder, counts layers."""

import os
import shutil
import sys
from collections.abc import Generator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from l9gate.errors import ExitCode, L9gateError
from l9gate.evidence.log import MemoryLog
from l9gate.evidence.records import Layer, Origin
from l9gate.measure.clock import SystemClock
from l9gate.observe.handiwork import Handiwork
from l9gate.observe.origins import Target, host_of
from l9gate.pytest_plugin import fixtures, probes, simulation
from l9gate.pytest_plugin.importing import ImportGuard
from l9gate.pytest_plugin.layer_runs import LayerRuns
from l9gate.pytest_plugin.layers import LayerMap
from l9gate.pytest_plugin.leash import hold_leash
from l9gate.pytest_plugin.markers import MARKERS, read_marks
from l9gate.pytest_plugin.observation import OBSERVATION, Observation
from l9gate.pytest_plugin.proxied import link_page, proxy_host
from l9gate.pytest_plugin.purse import Purse, spending_in_words
from l9gate.pytest_plugin.start import CONTROLLED, START_KEY
from l9gate.pytest_plugin.stopping import open_halt
from l9gate.pytest_plugin.strays import StrayReport
from l9gate.pytest_plugin.watcher import TestWatcher
from l9gate.sources.suite.environ import PREFLIGHT
from l9gate.store.environments import environment_name
from l9gate.store.run import open_run
from l9gate.store.settings import Settings, read_settings
from l9gate.store.writer import RunWriter

RUN = "L9GATE_RUN"
REHEARSAL = "L9GATE_REHEARSAL"
BASE_URL = "ANTHROPIC_BASE_URL"
_REFUSAL = "l9gate_refusal"
_COUNTS = "l9gate_layers"
_LIVE_ONLY = "live_only: not run in rehearsal"
_NOTHING_TESTED = "nothing was tested"
_WIDTH = 100
# A session that nobody but its user started keeps pytest's own codes, except for these.
_OWN_CODES = frozenset({ExitCode.DEPENDENCY, ExitCode.BUDGET})


def register(config: pytest.Config, start: Path) -> None:
    """Make the session a gated one if the settings name layers.

    Raises:
        UsageError: the settings are wrong.
    """
    try:
        settings = read_settings(start)
    except L9gateError as error:
        raise pytest.UsageError(in_words(error)) from error
    if settings is None:
        return
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    config.pluginmanager.register(fixtures, "l9gate-fixtures")
    config.pluginmanager.register(simulation, "l9gate-simulation")
    config.stash[probes.SETTINGS] = settings
    config.pluginmanager.register(probes, "l9gate-probes")
    hold_leash()
    is_gated = settings.layers and not config.option.collectonly and CONTROLLED not in config.stash
    if is_gated:
        config.pluginmanager.register(GatedSession(config, settings, start), "l9gate-session")
        config.pluginmanager.register(StrayReport(config), "l9gate-strays")
        layers = LayerMap(settings.root, settings.layers)
        config.pluginmanager.register(ImportGuard(layers, str(settings.root)), "l9gate-importing")


def in_words(error: L9gateError) -> str:
    """Return an error as users read it."""
    return f"error: {error}" + (f"\n\nhint: {error.hint}" if error.hint else "")


class GatedSession:
    """The plug-in object of one process; under xdist the controller and each worker have one."""

    def __init__(self, config: pytest.Config, settings: Settings, start: Path) -> None:
        worker: Mapping[str, str] = getattr(config, "workerinput", {})
        self._config = config
        self._settings = settings
        self._start = start
        self._layers = LayerMap(settings.root, settings.layers)
        self._is_worker = bool(worker)
        self._process = worker.get("workerid", "main")
        self._clock = SystemClock()
        self._runs = LayerRuns(self._clock.now_s())
        self._observation: Observation | None = None
        self._writer: RunWriter | None = None
        self._own_run: Path | None = None  # the run folder that this process created
        self._was_refused = False
        self._purse = Purse(settings, self._clock)
        self._handiwork = Handiwork(self._layers.layer_of_file, config.rootpath)
        self._undo = ExitStack()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Create the run folder before xdist's workers start; only they will know the tests."""
        if Layer.UNIT in self._settings.layers:
            self._handiwork.start()
        if not self._config.pluginmanager.hasplugin("dsession") or RUN in os.environ:
            return
        layers = self._layers.guess(self._arguments(), self._config.option.markexpr)
        if layers:
            try:
                if not self._is_partial(layers):
                    self._begin_run(layers)
                self._open_purse(layers)
            except L9gateError as error:
                self._exit(error.exit_code, in_words(error))

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: object) -> None:
        """Tell an xdist worker where to look for settings."""
        values: dict[str, str] = getattr(node, "workerinput", {})
        values[START_KEY] = str(self._start)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Generator[None]:
        """Count the tests before any is deselected; a rehearsal skips what must be live."""
        self._runs.count_collected(self._layers.layer_of(item) for item in items)
        yield
        if os.environ.get(REHEARSAL) == "1":
            for item in items:
                if self._layers.layer_of(item) is not None and read_marks(item).live_only:
                    item.add_marker(pytest.mark.skip(reason=_LIVE_ONLY))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Refuse without an endpoint; else start to observe, if anything gated is going to run."""
        self._runs.count_selected(self._layers.layer_of(item) for item in session.items)
        is_broken = session.testsfailed and not self._config.option.continue_on_collection_errors
        if not self._runs.layers or is_broken:
            return
        try:
            self._require_endpoint()
            if not (RUN in os.environ or self._is_worker or self._is_partial(self._runs.layers)):
                self._begin_run(self._runs.layers)
            self._open_purse(self._runs.layers)
            self._observe()
        except L9gateError as error:
            self._exit(error.exit_code, in_words(error))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        """Take over what an xdist worker found out."""
        output: Mapping[str, object] = getattr(node, "workeroutput", {})
        refusal, counts = output.get(_REFUSAL), output.get(_COUNTS)
        if isinstance(refusal, list):
            self._exit(ExitCode(refusal[0]), refusal[1])
        if isinstance(counts, dict):
            self._runs.merge(counts)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note when each phase of a test began and ended, whichever process ran it."""
        self._runs.add(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Put what is left, and let go of the evidence."""
        try:
            if self._observation is not None:
                self._observation.stop()
            if self._writer is not None:
                self._writer.close()
            if self._is_worker:
                self._tell_controller(_COUNTS, self._runs.export())
            elif RUN in os.environ and not self._was_refused:
                self._put_layer_runs(int(exitstatus))
            if not self._is_worker and not self._was_refused:
                self._close_purse(session)
        except L9gateError as error:
            self._say(in_words(error))

    def pytest_terminal_summary(self, exitstatus: int) -> None:
        """Say how many tests no layer claims, and judge a run that this session began."""
        layers = self._runs.layers
        if self._was_refused or self._is_worker or not layers:
            return
        if self._runs.ungated:
            self._say(f"l9gate: not gated: {self._runs.ungated} tests that no layer claims")
        if self._is_partial(layers):
            self._discard_run()
        if self._own_run is not None:
            self._judge(self._own_run)
        elif RUN not in os.environ and exitstatus in (0, 1):
            names = ", ".join(layers)
            self._say(
                f"l9gate: not recorded: only a part of {names} was run, and whole layers count"
            )

    def pytest_unconfigure(self) -> None:
        """Leave the environment as it was found."""
        self._handiwork.stop()
        self._undo.close()

    def _require_endpoint(self) -> None:
        if not any(layer.is_real for layer in self._runs.layers):
            return
        if os.environ.get(PREFLIGHT) == "done":
            return
        from l9gate import (
            gate,
        )  # it brings in everything, which a worker of the gate need not wait for

        name = environment_name(os.environ, None)
        gate.require_endpoint(self._settings, name, os.environ)
        declared = self._settings.environment(name).base_url
        if declared is not None:
            self._export(BASE_URL, declared)

    def _begin_run(self, layers: tuple[Layer, ...]) -> None:
        from l9gate import gate

        name = environment_name(os.environ, None)
        self._own_run = gate.begin_direct_run(self._settings, os.environ, name, layers)
        self._export(RUN, str(self._own_run))

    def _open_purse(self, layers: tuple[Layer, ...]) -> None:
        self._purse.find()
        is_ours = RUN not in os.environ or self._own_run is not None
        if self._purse.account is not None or self._is_worker or not is_ours:
            return
        opened = self._purse.open(layers, self._own_run)
        if opened is not None:
            for variable, value in opened.variables().items():
                self._export(variable, value)
            self._say(f"l9gate: {opened.caps.in_words()}")

    def _close_purse(self, session: pytest.Session) -> None:
        """Say what was spent; without a single call that was paid for, nothing was tested."""
        if self._purse.is_refused:
            session.exitstatus = ExitCode.BUDGET
            self._discard_run()
        report = self._purse.close()
        if report is None:
            return
        self._say("\n" + spending_in_words(report))
        if self._own_run is not None:
            with closing(open_run(self._own_run).writer("pytest-session")) as sink:
                sink.put(report)

    def _observe(self) -> None:
        environment = self._settings.environment(environment_name(os.environ, None))
        endpoint, kind, halt = environment.url(os.environ), Origin.LIVE, None
        run = Path(os.environ[RUN]).absolute() if RUN in os.environ else None
        if run is not None:
            folder = open_run(run)
            endpoint, kind = folder.manifest.endpoint, folder.manifest.kind
            self._writer = folder.writer(f"pytest-{self._process}")
            if not self._is_worker:  # a worker does not know what the others see
                halt = open_halt(folder, self._runs.layers, self._writer, self._clock)
        header = environment.request_id_header
        files = self._settings.accepted_contract, self._settings.declared_waivers
        proxy, relies_on = proxy_host(os.environ), self._settings.relies_on
        target = Target(host_of(endpoint), kind, header, proxy, *files, relies_on=relies_on)
        sink, root = self._writer or MemoryLog(), self._settings.root
        self._observation = Observation(sink, target, root, run, halt)
        if self._purse.account is not None:
            self._observation.spend_from(self._purse.account)
        self._observation.inspect(self._handiwork)
        self._config.stash[OBSERVATION] = self._observation
        base_url = None if run is None else link_page(run, self._process, os.environ)
        if base_url is not None:
            self._export(BASE_URL, base_url)
        watcher = TestWatcher(self._observation, self._layers, self._process)
        self._config.pluginmanager.register(watcher, "l9gate-watcher")

    def _arguments(self) -> list[Path]:
        """Return the paths on the command line."""
        here = self._config.invocation_params.dir
        return [here / argument.partition("::")[0] for argument in self._config.args]

    def _is_partial(self, layers: tuple[Layer, ...]) -> bool:
        """Whether the command line names less than these layers, or some tests were left out.

        `pytest one_file.py` while developing is no run of the layer and proves nothing about it.
        """
        if RUN in os.environ and self._own_run is None:
            return False  # whoever started us knows what was asked for
        if self._runs.had_deselected or any("::" in argument for argument in self._config.args):
            return True
        return not all(self._layers.covers(layer, self._arguments()) for layer in layers)

    def _put_layer_runs(self, exit_status: int) -> None:
        records = self._runs.build(self._clock.now_s(), exit_status)
        if records:
            with closing(open_run(Path(os.environ[RUN])).writer("pytest-session")) as sink:
                for record in records:
                    sink.put(record)

    def _judge(self, run: Path) -> None:
        from l9gate import gate
        from l9gate.report.text import render_text

        try:
            judgement = gate.finish_direct_run(run)
        except L9gateError as error:
            self._say(in_words(error))
            return
        self._say("\n" + render_text(judgement.document, _WIDTH, color=False))

    def _export(self, variable: str, value: str) -> None:
        before = os.environ.get(variable)
        os.environ[variable] = value

        def restore() -> None:
            if before is None:
                os.environ.pop(variable, None)
            else:
                os.environ[variable] = before

        self._undo.callback(restore)

    def _exit(self, code: ExitCode, message: str) -> None:
        """End the session before its first test."""
        self._was_refused = True
        if self._is_worker:
            self._tell_controller(_REFUSAL, [int(code), message])
            pytest.exit("l9gate: refused", returncode=int(code))
        if _NOTHING_TESTED not in message:
            message += f"\n\n{_NOTHING_TESTED}"
        self._say(f"\n{message}")
        is_ours = code in _OWN_CODES or (RUN in os.environ and self._own_run is None)
        self._discard_run()
        status = int(code) if is_ours else int(pytest.ExitCode.USAGE_ERROR)
        pytest.exit(f"l9gate: {_NOTHING_TESTED}", returncode=status)

    def _discard_run(self) -> None:
        if self._own_run is not None:
            shutil.rmtree(self._own_run, ignore_errors=True)
            self._own_run = None
            self._undo.close()

    def _tell_controller(self, key: str, value: object) -> None:
        output: dict[str, object] = getattr(self._config, "workeroutput", {})
        output[key] = value

    def _say(self, text: str) -> None:
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        if reporter is None:
            sys.stderr.write(f"{text}\n")
        else:
            reporter.write_line(text)
