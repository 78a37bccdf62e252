"""A proxy's way into a run folder: one that exists, or one of its own."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from l9gate.errors import SettingsError
from l9gate.evidence.records import EndReason, SourceEnd
from l9gate.gate.session import begin_direct_run
from l9gate.measure.clock import SystemClock
from l9gate.observe.origins import Target, host_of
from l9gate.store.run import RunFolder, open_run
from l9gate.store.settings import Settings
from l9gate.store.writer import RunWriter

SOURCE = "proxy"
_BASE_URL = "ANTHROPIC_BASE_URL"
# A proxy must not wait for the disk in the middle of an exchange: it flushes beside its loop.
_BATCH_RECORDS = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """Where a proxy writes, and what counts as the declared endpoint there."""

    folder: RunFolder
    writer: RunWriter
    target: Target


@contextmanager
def open_recording(
    settings: Settings, environment_name: str, run: Path | None, upstream: str
) -> Iterator[Recording]:
    """Open a run for a proxy; one of its own is closed and sealed at the end.

    Args:
        settings: of the project.
        environment_name: whose endpoint is declared, and which header proves an answer.
        run: the folder of a run that somebody else began, who also closes it.
        upstream: where the proxy sends everything.

    Raises:
        RunDataError: the run cannot be read.
        WriteError: it is sealed, or the disk refuses.
    """
    environment = settings.environment(environment_name)
    environ: Mapping[str, str] = {_BASE_URL: upstream}
    path = run or begin_direct_run(settings, environ, environment_name, ())
    folder = open_run(path)
    manifest = folder.manifest
    target = Target(
        host_of(manifest.endpoint),
        manifest.kind,
        environment.request_id_header,
        contract=settings.accepted_contract,
        waivers=settings.declared_waivers,
        relies_on=settings.relies_on,
    )
    with folder.writer(SOURCE, batch_records=_BATCH_RECORDS) as writer:
        try:
            yield Recording(folder=folder, writer=writer, target=target)
        except SettingsError:  # it never listened
            if run is None:
                shutil.rmtree(folder.path, ignore_errors=True)
            raise
        if run is None:
            now_s = SystemClock().now_s()
            writer.put(SourceEnd(at_s=now_s, source=SOURCE, reason=EndReason.COMPLETED))
    if run is None:
        folder.seal()
